"""What the operator answered about claims and somebody here decides."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from peewee import JOIN, fn

from huigong import clock
from huigong.access import allow, find, visible
from huigong.admin.lists import Order, Page, Waiting, page_of
from huigong.admin.operator.room import MAY_READ, MAY_TAKE, handled_here, operator
from huigong.models import (
    Claim,
    ClaimSending,
    Decision,
    Member,
    OperatorFile,
    OperatorReply,
    Role,
    Scheme,
)
from huigong.refusals import Refused
from huigong.workflows import operator as deeds

OPEN_SHOWN = 200


def waiting() -> list[Waiting]:
    """What waits for finance: answers that somebody has to decide."""
    mine = visible(OperatorReply, Role.FINANCE).where(OperatorReply.stage == "open")
    return [Waiting(mine.count(), "件承办方回执待处理", url_for("operator.index"))]


def open_by_scheme(schemes: list[Any]) -> dict[int, int]:
    """How many answers wait in each of these schemes."""
    query: Any = (
        visible(OperatorReply)
        .join(OperatorFile)
        .where(_waits({scheme.organization_id for scheme in schemes}))
        .select(OperatorFile.scheme, fn.COUNT(OperatorReply.id))
        .group_by(OperatorFile.scheme)
    )
    return dict(query.tuples())


def _waits(runners: set[int]) -> Any:
    """The condition that an answer waits for one of those who run schemes, by an index: of all
    answers there may be as many as claims."""
    return (OperatorReply.organization << runners) & (OperatorReply.stage == "open")


def open_replies(scheme: Scheme) -> list[Any]:
    """The first answers that wait, the oldest first."""
    query = _shown().where(OperatorFile.scheme == scheme, _waits({scheme.organization_id}))
    return list(query.order_by(OperatorReply.id).limit(OPEN_SHOWN))


def of_file(file: OperatorFile) -> Page:
    """The answers taken from a file, in its order."""
    order = Order((OperatorReply.number, OperatorReply.id))
    return page_of(OperatorReply, order, inside=OperatorReply.file == file, shown=_shown())


def _shown() -> Any:
    """Replies with what a list shows of them; `.ours` is our own amount in fen."""
    return (
        OperatorReply.select(
            *(OperatorReply, ClaimSending, Claim, Member, OperatorFile),
            deeds.our_amount().alias("ours"),
        )
        .join_from(OperatorReply, OperatorFile)
        .join_from(OperatorReply, ClaimSending)
        .join_from(ClaimSending, Claim)
        .join_from(Claim, Member)
        .join_from(Claim, Decision, JOIN.LEFT_OUTER)
    )


@operator.get("/operator/replies/<int:id>")
@allow(Role.REVIEWER, Role.FINANCE, Role.AUDITOR, on=OperatorReply)
def reply(id: int) -> Any:
    found = find(OperatorReply, id)
    handled_here(found.file, MAY_READ)
    return _page(found, {}, {})


def _page(reply: OperatorReply, form: Any, errors: dict[str, str]) -> str:
    claim = reply.sending.claim
    return render_template(
        "admin/operator/reply.html", reply=reply, claim=claim, form=form, errors=errors,
        ours=deeds.ours_of(claim), kinds=deeds.KINDS, verdicts=deeds.verdicts_for(reply),
        all_verdicts=deeds.VERDICTS,
    )  # fmt: skip


@operator.post("/operator/replies/<int:id>")
@allow(Role.FINANCE, on=OperatorReply)
def settle(id: int) -> Any:
    found, form = find(OperatorReply, id), request.form
    handled_here(found.file, MAY_TAKE)
    try:
        deeds.settle_reply(
            found, verdict=form.get("verdict", ""), reason=form.get("reason", ""), by=g.user,
            at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _page(found, form, refused.by_field()), 422
    flash("已处理这份回执")
    return redirect(url_for("operator.page", id=found.file.scheme_id, kind="claims"), 303)
