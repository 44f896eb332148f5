"""What goes out: the people enrolled and the claims, in the columns that the operator wants."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from peewee import fn

from huigong import clock
from huigong.access import allow, find, holds, visible
from huigong.admin.lists import newest, page_of
from huigong.admin.operator.replies import open_by_scheme, open_replies
from huigong.admin.operator.room import (
    KINDS,
    MAY_READ,
    MAY_SEND,
    MAY_TAKE,
    READERS,
    SENDERS,
    STAGES,
    folder,
    operator,
    run_here,
)
from huigong.admin.typed import Typed
from huigong.models import (
    Claim,
    Decision,
    Edition,
    OperatorFile,
    Role,
    Roster,
    Scheme,
    User,
)
from huigong.plans.vocabulary import OPERATORS
from huigong.refusals import Refused
from huigong.workflows import operator as deeds
from huigong.workflows.operator import jobs
from huigong.workflows.schemes import damage
from huigong.workflows.transfers import is_passed_on

WRITTEN_AT_ONCE = 2000  # people


@operator.get("/operator")
@allow(*READERS, on=Scheme, menu=(35, "承办方文件"))
def index() -> Any:
    schemes = [s for s in visible(Scheme) if holds(*READERS, at=s.organization)]
    latest = {
        e.scheme_id: OPERATORS[e.plan["operator"]]
        for e in Edition.select().where(Edition.scheme << schemes).order_by(Edition.enrolled_from)
        if damage(e) is None
    }
    return render_template(
        "admin/operator/index.html", schemes=schemes, operators=latest,
        waiting=open_by_scheme(schemes), claims_here={
            s.id for s in schemes if holds(*MAY_READ["claims"], at=s.organization)
        },
    )  # fmt: skip


@operator.get("/operator/<int:id>/<kind>")
@allow(*READERS, on=Scheme)
def page(id: int, kind: str) -> Any:
    return _page(run_here(find(Scheme, id), kind, MAY_READ), kind, {}, {})


def _page(scheme: Scheme, kind: str, form: Any, errors: dict[str, str]) -> str:
    today, here = clock.today(), scheme.organization
    mine = (OperatorFile.scheme == scheme) & (OperatorFile.kind == kind)
    files = page_of(OperatorFile, newest(OperatorFile), filters=[mine], shown=_with_people())
    more = _claims(scheme) if kind == "claims" else {}
    return render_template(
        "admin/operator/page.html", scheme=scheme, kind=kind, kinds=KINDS, form=form,
        errors=errors, first=today.replace(day=1), last=today, page=files, stages=STAGES,
        may_send=holds(*MAY_SEND[kind], at=here), may_take=holds(*MAY_TAKE[kind], at=here),
        others=[k for k in KINDS if holds(*MAY_READ[k], at=here)], **more,
    )  # fmt: skip


def _with_people() -> Any:
    return OperatorFile.select(OperatorFile, User).join(User, on=OperatorFile.by)


def _claims(scheme: Scheme) -> dict[str, Any]:
    """What waits to be sent, by standing (claims, fen), and what somebody has to decide."""
    amounts = {"approved": Decision.amount, "reviewed": Claim.computed}
    to_send = {}
    for was, amount in amounts.items():
        query = deeds.waiting_claims(scheme, was)
        if was == "approved":
            query = query.join_from(Claim, Decision)
        count, fen = query.select(fn.COUNT(Claim.id), fn.SUM(amount)).tuples().get()
        to_send[was] = (count, int(fen or 0))
    replies = open_replies(scheme)
    return {"to_send": to_send, "replies": replies, "passed_on": is_passed_on(scheme),
            "in_words": deeds.in_words, "most": deeds.MOST_CLAIMS}  # fmt: skip


@operator.post("/operator/<int:id>/<kind>/out")
@allow(*SENDERS, on=Scheme)
def out(id: int, kind: str) -> Any:
    """Write the workbook and keep it, or have a worker do so; it is handed over, and that logged,
    on its own page."""
    scheme, form = run_here(find(Scheme, id), kind, MAY_SEND), request.form
    deed: dict[str, Any] = {"folder": folder(), "by": g.user, "at": clock.now()}
    try:
        if kind == "covers":
            typed = Typed(form)
            days = typed.all(
                first=typed.day("first", "批准日期的第一天"),
                last=typed.day("last", "批准日期的最后一天"),
            )
            if deeds.refuse_span(scheme, **days) > WRITTEN_AT_ONCE:
                asked = jobs.write_in_background(scheme, **days, by=g.user, at=clock.now())
                return redirect(url_for("operator.file", id=asked.id), 303)
            file = deeds.send_covers(scheme, **days, **deed)
        else:
            file = deeds.send_claims(scheme, was=form.get("was", ""), **deed)
    except Refused as refused:
        return _page(scheme, kind, form, refused.by_field()), 422
    flash(f"已生成承办方文件 {file.number}，请下载后交给承办方{_left(scheme, kind, form)}")
    return redirect(url_for("operator.file", id=file.id), 303)


def _left(scheme: Scheme, kind: str, form: Any) -> str:
    """What of the claims did not go into one file, as its message ends."""
    left = deeds.waiting_claims(scheme, form["was"]).count() if kind == "claims" else 0
    return f"；一份最多 {deeds.MOST_CLAIMS} 件，还有 {left} 件请再送一份" if left else ""


@operator.get("/operator/<int:id>/<kind>/layout")
@allow(*SENDERS, on=Scheme)
def layout(id: int, kind: str) -> Any:
    return _layout(run_here(find(Scheme, id), kind, MAY_SEND), kind, {}, {})


def _layout(scheme: Scheme, kind: str, form: Any, errors: dict[str, str]) -> str:
    chosen = enumerate(deeds.layout_of(scheme, kind), 1)
    return render_template(
        "admin/operator/layout.html", scheme=scheme, kind=kind, kinds=KINDS, form=form,
        errors=errors, fields=deeds.FIELDS[kind], answered=deeds.ANSWERED,
        chosen={name: (place, title) for place, (name, title) in chosen},
    )  # fmt: skip


@operator.post("/operator/<int:id>/<kind>/layout")
@allow(*SENDERS, on=Scheme)
def save(id: int, kind: str) -> Any:
    scheme, form = run_here(find(Scheme, id), kind, MAY_SEND), request.form
    placed = sorted(
        (int(place), name)
        for name in deeds.FIELDS[kind]
        if (place := form.get(f"place-{name}", "").strip()[:3]).isdecimal()
    )
    columns = [(name, form.get(f"title-{name}", "").strip()) for _, name in placed]
    try:
        deeds.save_layout(scheme, kind, columns=columns, by=g.user, at=clock.now())
    except Refused as refused:
        return _layout(scheme, kind, form, refused.by_field()), 422
    flash("已保存承办方文件的列")
    return redirect(url_for("operator.page", id=id, kind=kind), 303)


@operator.get("/rosters/<int:id>/operator")
@allow(Role.CLERK, *READERS, on=Roster)
def roster(id: int) -> Any:
    found = find(Roster, id)
    accepted, rejected = deeds.answered(found)
    return render_template(
        "admin/operator/roster.html", roster=found, accepted=accepted, rejected=rejected
    )
