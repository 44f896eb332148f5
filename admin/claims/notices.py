"""The printed notices: what a decision, or its revocation, says to the member, and what
a return asks of the unit."""

from typing import Any

from flask import abort, render_template

from huigong.access import allow, find
from huigong.admin.claims.listing import READERS, shown
from huigong.admin.claims.room import claims
from huigong.models import Claim, ClaimEvent, Level


@claims.get("/<int:id>/notice")
@allow(*READERS, on=Claim)
def notice(id: int) -> Any:
    claim = find(Claim, id)
    page = shown(claim)
    if page["decision"] is None:
        abort(404)
    return render_template("admin/claims/notice.html", office=_office(claim), **page)


@claims.get("/<int:id>/return-notice")
@allow(*READERS, on=Claim)
def return_notice(id: int) -> Any:
    claim = find(Claim, id)
    last = claim.events.where(ClaimEvent.kind == "returned").order_by(ClaimEvent.id.desc()).first()
    if last is None:
        abort(404)
    return render_template(
        "admin/claims/return_notice.html", last=last, office=_office(claim), **shown(claim)
    )


@claims.get("/<int:id>/revocation-notice")
@allow(*READERS, on=Claim)
def revocation_notice(id: int) -> Any:
    claim = find(Claim, id)
    page = shown(claim)
    if not page["revoked"]:
        abort(404)
    return render_template("admin/claims/revocation_notice.html", office=_office(claim), **page)


def _office(claim: Claim) -> Any:
    """Whose notice it is, and where to ask or complain: the city that runs the scheme."""
    city = claim.enrollment.edition.organization
    return city.above(Level.CITY) or city
