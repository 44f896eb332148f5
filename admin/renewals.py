"""Renewals on the screen: terms that end, and the next term's draft with what changes."""

from datetime import date
from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find, holds, paths, visible
from huigong.admin.enrollment import REST_BY, enrollment
from huigong.admin.lists import Many, Waiting
from huigong.models import Level, Organization, Role, Scheme
from huigong.refusals import Refused
from huigong.workflows.enrollment import renewal

MOST_UNITS = 50  # asked about at once; who sees more units names one
MOST_ENDING = 1000  # people said to wait; of more it says 多
MOST_LISTED = 500  # people to tick one by one; of more, those who do not go on are written down


def waiting() -> list[Waiting]:
    """Terms that end soon and for which no roster has been begun."""
    units = _units(Role.CLERK)
    if len(units) > MOST_UNITS:
        return []
    people = renewal.people_ending(units, clock.today(), most=MOST_ENDING)
    shown = Many(MOST_ENDING) if people > MOST_ENDING else people
    return [Waiting(shown, "人的保障即将到期，可以续保", url_for("enrollment.renewals"))]


def _units(*roles: Role, named: str = "") -> list[int]:
    """Ids of the visible units, one more than are asked about at once."""
    units = visible(Organization, *roles).where(
        Organization.level == Level.UNIT, Organization.closed_on.is_null()
    )
    if named:
        units = units.where(Organization.name.contains(named))
    found = units.select(Organization.id).limit(MOST_UNITS + 1)  # unsorted: it stops at these
    return sorted(id for (id,) in found.tuples())


@enrollment.get("/renewals")
@allow(Role.CLERK, Role.REVIEWER, on=Organization)
def renewals() -> Any:
    named = request.args.get("q", "").strip()[:50]
    units = _units(named=named)
    many = len(units) > MOST_UNITS
    endings = [] if many else renewal.endings(units, clock.today())
    return render_template(
        "admin/enrollment/renewals.html", endings=endings, many=many, named=named
    )


@enrollment.get("/organizations/<int:id>/renewal")
@allow(Role.CLERK, on=Organization)
def renew(id: int) -> Any:
    return _page(_proposal(find(Organization, id)), None, {})


def _proposal(unit: Organization) -> renewal.Proposal:
    asked, ends = request.values.get("scheme", ""), request.values.get("ends", "")
    scheme: Any = Scheme.get_or_none(Scheme.slug == asked)
    if scheme is None or scheme.organization_id not in unit.lineage:
        abort(404)
    try:
        code = request.values.get("edition", "")
        return renewal.propose(unit, scheme, date.fromisoformat(ends), on=clock.today(), code=code)
    except (Refused, ValueError):
        abort(404)


def _page(proposal: renewal.Proposal, form: Any, errors: dict[str, str]) -> str:
    going = {person.cover.id for person in proposal.going}
    if form is not None and len(proposal.people) <= MOST_LISTED:
        going = set(form.getlist("keep", type=int))
    chosen = [p for p in proposal.people if p.cover.id in going]
    return render_template(
        "admin/enrollment/renewal.html",
        proposal=proposal, going=going, form=form or {}, errors=errors, rest_by=REST_BY,
        listed=len(proposal.people) <= MOST_LISTED,
        fees=(sum(p.cover.fee for p in chosen), sum(p.fee or 0 for p in chosen)),
        edition_options=[(e.code, e.name) for e in proposal.editions],
        may_draft=holds(Role.CLERK, at=proposal.unit),
        begun=renewal.begun_roster(proposal.unit.id, proposal.scheme.id, proposal.ends),
    )  # fmt: skip


@enrollment.post("/organizations/<int:id>/renewal")
@allow(Role.CLERK, on=Organization)
def renew_now(id: int) -> Any:
    proposal, form = _proposal(find(Organization, id)), request.form
    try:
        roster = renewal.draft_renewal(
            proposal, going=_going(proposal), rest_by=form.get("rest_by", ""),
            folder=current_app.config["SETTINGS"].files,
            by=g.user, at=clock.now(), seen=paths(),
        )  # fmt: skip
    except Refused as refused:
        return _page(proposal, form, refused.by_field()), 422
    flash(f"续保名册{roster.number}已生成，请核对后提交")
    return redirect(url_for("enrollment.page", id=roster.id), 303)


def _going(proposal: renewal.Proposal) -> set[int]:
    """Who goes on: those ticked, or of a long list all but those written down."""
    if len(proposal.people) <= MOST_LISTED:
        return set(request.form.getlist("keep", type=int))
    written = request.form.get("out", "").upper().split()
    known = {person.cover.certificate: person.cover.id for person in proposal.people}
    if strange := [word for word in written if word not in known]:
        raise Refused("out", f"这些凭证号不在这份名单里：{'、'.join(strange[:5])}")
    return {p.cover.id for p in proposal.going} - {known[word] for word in written}
