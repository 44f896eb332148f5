"""Gifts on the screen: declared on a draft, agreed to or not by the giver, listed and printed."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, send_file, url_for
from peewee import fn

from huigong import clock, identity, money
from huigong.access import allow, find, holds, scope, scope_of_met, visible
from huigong.admin.lists import Waiting, beside, newest, page_of
from huigong.admin.receiving import receiver_ids
from huigong.database import among
from huigong.models import Due, Edition, Gift, Organization, Role, Roster
from huigong.refusals import Refused
from huigong.sheets import Column, write_workbook
from huigong.workflows import funding, remarks, reminders, shares
from huigong.workflows import gifts as deeds
from huigong.workflows.schemes import plan_of

gifts = Blueprint("gifts", __name__, url_prefix="/admin")

READERS = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)
STAGES = {
    "asked": ("待同意", "wait"),
    "agreed": ("已同意", "good"),
    "declined": ("不同意", "bad"),
    "withdrawn": ("已撤回", "bad"),
}
MEASURES = {"whole": "全部参保费", "rest": "自筹部分（全部）", "each": "自筹部分中的一部分"}
WHOM = {"all": "名册的全部人员", "marked": "名册“是否赠送”列填“是”的人员"}
AT_ONCE = 1000  # rows of the workbook asked for together
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMNS = (
    Column("赠送方", width=28),
    Column("赠送方类别", width=12),
    Column("参保单位", width=28),
    Column("名册", width=20),
    Column("互助计划", width=30),
    Column("保障开始日", "date"),
    Column("人数", "count"),
    Column("赠送金额（元）", "yuan"),
    Column("已到账（元）", "yuan"),
    Column("情况", width=10),
)


def waiting() -> list[Waiting]:
    """What waits for the finance of a giver, or of whoever collects from one outside."""
    return [
        Waiting(_to_answer().count(), "份名册的赠送待同意", url_for("gifts.index", stage="asked"))
    ]


def _to_answer() -> Any:
    mine = Organization.select(Organization.id).where(scope(Organization, Role.FINANCE))
    run = Edition.select(Edition.id).where(Edition.organization << receiver_ids())
    giver = fn.EXISTS(mine.where(Organization.id == Gift.giver))
    theirs = giver | (Gift.giver.is_null() & (Roster.edition << run))
    asked = Gift.select().join(Roster).where(Gift.stage == "asked", Roster.stage == "submitted")
    return asked.where(beside(theirs & scope_of_met(Gift, Role.FINANCE)))


# ── what was given ──────────────────────────────────────────────────────────────────────────


def _asked() -> tuple[dict[str, str], list[Any]]:
    """What the list was asked for, and what that says of its gifts."""
    asked = {name: request.args.get(name, "").strip()[:50] for name in ("q", "stage")}
    filters = [Gift.stage != "dropped"]
    if asked["q"]:
        filters.append(Gift.name.contains(asked["q"]))
    if asked["stage"] in STAGES:
        filters.append(Gift.stage == asked["stage"])
    return asked, filters


def _shown() -> Any:
    """Gifts with what a row says of their rosters."""
    query = Gift.select(Gift, Roster, Edition, Organization).join_from(Gift, Roster)
    return query.join_from(Roster, Edition).join_from(
        Gift, Organization, on=Gift.organization == Organization.id
    )


@gifts.get("/gifts")
@allow(*READERS, on=Gift)
def index() -> Any:
    asked, filters = _asked()
    page = page_of(Gift, newest(Gift), held=filters, shown=_shown())
    agreed = visible(Gift).where(Gift.stage == "agreed")
    if asked["q"]:
        agreed = agreed.where(Gift.name.contains(asked["q"]))
    sums = agreed.select(fn.SUM(Gift.people), fn.SUM(Gift.amount)).tuples().get()
    return render_template(
        "admin/gifts/index.html", page=page, asked=asked, stages=STAGES,
        received=_received(page.rows), people=int(sums[0] or 0), amount=int(sums[1] or 0),
        kinds=deeds.KINDS,
    )  # fmt: skip


def _received(gifts: Sequence[Gift]) -> dict[int, int]:
    """Fen received on each listed gift, by its roster."""
    rosters = [gift.roster_id for gift in gifts]
    found: Any = Due.select(Due.roster, Due.received()).where(
        among(Due.roster, rosters), Due.carrier == "gift", Due.live()
    )
    return {roster: int(fen) for roster, fen in found.tuples()}


@gifts.get("/gifts.xlsx")
@allow(*READERS, on=Gift)
def workbook() -> Any:
    """The whole list as a workbook."""
    book = io.BytesIO()
    write_workbook(book, COLUMNS, _rows(_asked()[1]), sheet="赠送", title="赠送参保")
    book.seek(0)
    name = f"赠送参保-{clock.today()}.xlsx"
    return send_file(book, mimetype=_XLSX, as_attachment=True, download_name=name, max_age=0)


def _rows(filters: list[Any]) -> Iterator[tuple[Any, ...]]:
    """The list's rows as COLUMNS say, the newest first, so many at once."""
    listed = _shown().where(scope(Gift), *filters).order_by(Gift.id.desc()).limit(AT_ONCE)
    part: list[Gift] = list(listed)
    while part:
        received = _received(part)
        for gift in part:
            yield (
                gift.name, deeds.KINDS[gift.kind], gift.organization.name, gift.roster.number,
                gift.roster.edition.name, gift.roster.cover_from, gift.people, gift.amount,
                received.get(gift.roster_id, 0), STAGES[gift.stage][0],
            )  # fmt: skip
        is_over = len(part) < AT_ONCE
        part = [] if is_over else list(listed.where(Gift.id < part[-1].id))


# ── declared by the clerk ───────────────────────────────────────────────────────────────────


@gifts.get("/rosters/<int:id>/gift")
@allow(Role.CLERK, on=Roster)
def declare(id: int) -> Any:
    roster = find(Roster, id)
    known = deeds.of_roster(roster)
    return _declare_page(roster, _typed_before(known) if known else {}, {})


def _typed_before(gift: Gift) -> dict[str, str]:
    """A gift as its form would have been filled in."""
    measure = "whole" if gift.whole else "each" if gift.each else "rest"
    return {
        "kind": gift.kind, "giver": str(gift.giver_id or ""), "name": gift.name,
        "basis": gift.basis, "measure": measure, "each": money.plain(gift.each or 0),
        "whom": "marked" if gift.marked else "all",
    }  # fmt: skip


def _declare_page(roster: Roster, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/gifts/declare.html", roster=roster, form=form, errors=errors, kinds=deeds.KINDS,
        measures=MEASURES, whom=WHOM, known=deeds.of_roster(roster),
        above=[(place.id, place.name) for place in deeds.givers_above(roster.organization)],
        changeable=roster.stage in deeds.CHANGEABLE,
    )  # fmt: skip


@gifts.post("/rosters/<int:id>/gift")
@allow(Role.CLERK, on=Roster)
def declare_now(id: int) -> Any:
    roster, form = find(Roster, id), request.form
    try:
        if form.get("drop") == "1":
            deeds.drop(roster, by=g.user, at=clock.now())
            flash("已取消赠送：自筹部分仍按名册所选，由单位或职工承担")
        else:
            said = typed(form, roster.organization)
            gift = deeds.declare(roster, **said, by=g.user, at=clock.now())
            flash(f"已写明由{gift.name}赠送，提交名册后请赠送方同意")
    except Refused as refused:
        return _declare_page(roster, form, refused.by_field()), 422
    return redirect(url_for("enrollment.page", id=id), 303)


def typed(form: Any, unit: Organization) -> dict[str, Any]:
    """A declaration as typed, for a unit's roster. Refuses an amount that is none and choices not
    made, together with whatever else is wrong with it."""
    faults, each = [], None
    measure = form.get("measure", "")
    if measure not in MEASURES:
        faults.append(("measure", "请选择赠送多少"))
    if measure == "each":
        try:
            each = money.typed_yuan(form.get("each", ""))
        except ValueError:
            faults.append(("each", "请填写每人赠送多少元，最多两位小数"))
    if form.get("whom") not in WHOM:
        faults.append(("whom", "请选择赠送给谁"))
    said = {**_said(form), "whole": measure == "whole", "each": each}
    faults = deeds.unfit(unit, **said) + faults
    if faults:
        raise Refused.all(faults)
    return {**said, "marked": form["whom"] == "marked"}


def _said(form: Any) -> dict[str, Any]:
    """The giver that a form names, and on what basis."""
    kind, number = form.get("kind", ""), form.get("giver", "")
    chosen = kind == "organization" and number.isdecimal() and len(number) < 10
    giver = Organization.get_or_none(Organization.id == int(number)) if chosen else None
    name = giver.name if giver else identity.plain_text(form.get("name", "")).strip()
    return {"kind": kind, "giver": giver, "name": name, "basis": form.get("basis", "")}


# ── answered by the giver ───────────────────────────────────────────────────────────────────


@gifts.get("/gifts/<int:id>")
@allow(*READERS, on=Gift)
def page(id: int) -> Any:
    return _page(find(Gift, id), {}, {})


def _page(gift: Gift, form: Any, errors: dict[str, str]) -> str:
    roster, due = gift.roster, deeds.due_of(gift)
    parts = shares.preview(roster) if gift.stage in ("asked", "agreed") else []
    people, amount = deeds.figures(parts)
    speaks = deeds.receiver_of(gift)
    return render_template(
        "admin/gifts/page.html", gift=gift, roster=roster, due=due, people=people, amount=amount,
        stage=STAGES.get(gift.stage, ("已取消", "done")), kinds=deeds.KINDS,
        words=deeds.words_of(gift), speaks=speaks, form=form, errors=errors,
        may_answer=_may_answer(gift),
        may_agree=g.user.id not in (gift.by_id, roster.submitted_by_id),
    )  # fmt: skip


def _may_answer(gift: Gift) -> bool:
    return holds(Role.FINANCE, at=deeds.receiver_of(gift))


@gifts.post("/gifts/<int:id>")
@allow(Role.FINANCE, on=Gift)
def answer(id: int) -> Any:
    """Agree, or not; for a giver outside the unions on its letter."""
    gift, form = find(Gift, id), request.form
    if not _may_answer(gift):
        abort(404)
    try:
        if form.get("answer") == "agree":
            amount = form.get("amount", "")
            fen = int(amount) if amount.isdecimal() and len(amount) < 16 else -1
            deeds.agree(gift, amount=fen, by=g.user, at=clock.now())
            flash(f"已同意由{gift.name}赠送")
        elif gift.roster.stage == "approved":
            deeds.take_back(gift, reason=form.get("reason", ""), by=g.user, at=clock.now())
            flash("赠送已撤回，应缴改由原来的各方承担")
        else:
            deeds.decline(gift, reason=form.get("reason", ""), by=g.user, at=clock.now())
            flash("已记下不赠送，名册需要退回更正")
    except Refused as refused:
        return _page(gift, form, refused.by_field()), 422
    return redirect(url_for("gifts.page", id=id), 303)


@gifts.get("/gifts/<int:id>/notice")
@allow(*READERS, on=Gift)
def notice(id: int) -> Any:
    """The fee notice made out to the giver, and that a donor was reminded by it."""
    return _notice(find(Gift, id), {})


def _notice(gift: Gift, errors: dict[str, str]) -> str:
    due: Any = deeds.due_of(gift) or abort(404)
    plan = plan_of(gift.roster.edition)
    return render_template(
        "admin/gifts/notice.html", gift=gift, roster=gift.roster, due=due,
        words=deeds.words_of(gift), remark=remarks.remark_of(due),
        unstated=not funding.stated_day(plan, "gift"),
        may_remind=gift.giver_id is None and due.paid < due.amount and _may_answer(gift),
        told=reminders.donors_told([gift.id]).get(gift.id), ways=reminders.WAYS, errors=errors,
    )  # fmt: skip


@gifts.post("/gifts/<int:id>/notice")
@allow(Role.FINANCE, on=Gift)
def remind(id: int) -> Any:
    """Note that a donor outside the unions was told; an organization is reminded as a payer."""
    gift = find(Gift, id)
    if gift.giver_id is not None or not _may_answer(gift):
        abort(404)
    way = request.form.get("way", "")
    try:
        reminders.remind_donor(gift, way=way, by=g.user, at=clock.now())
    except Refused as refused:
        return _notice(gift, refused.by_field()), 422
    flash(f"已记下对{gift.name}的催缴")
    return redirect(url_for("gifts.notice", id=gift.id), 303)
