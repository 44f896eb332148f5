"""People who leave a unit or go over to another, and units that merge and split."""

from datetime import date
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from huigong import clock
from huigong.access import allow, find, holds, visible
from huigong.admin.choosing import units_in_sight
from huigong.admin.lists import Order, Waiting, page_of, waiting_for_me
from huigong.admin.members import members
from huigong.models import Level, Member, Organization, Relocation, Role
from huigong.refusals import Refused
from huigong.workflows.enrollment import leaving, moving, reorganizing

STAGES = {"asked": ("待决定", "wait"), "done": ("已调动", "good"), "refused": ("未同意", "bad")}
ABOVE = (Role.REVIEWER, Role.ADMINISTRATOR)


def waiting() -> list[Waiting]:
    """Requests for somebody of another unit that wait for the level above."""
    asked = waiting_for_me(Relocation, Relocation.stage == "asked", roles=ABOVE)
    return [Waiting(asked, "份调动申请待决定", url_for("members.relocations"))]


def _day(field: str) -> date | None:
    try:
        return date.fromisoformat(request.form.get(field, ""))
    except ValueError:
        return None


# ── leaving ─────────────────────────────────────────────────────────────────────────────────


@members.get("/members/<int:id>/leave")
@allow(Role.CLERK, on=Member)
def leave(id: int) -> Any:
    return _leave_page(find(Member, id), {}, {})


def _leave_page(member: Member, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/members/leave.html",
        member=member, form=form, errors=errors,
        reasons=leaving.REASONS, kept_cover=leaving.KEPT_COVER, left=leaving.left_with(member),
    )  # fmt: skip


@members.post("/members/<int:id>/leave")
@allow(Role.CLERK, on=Member)
def leave_now(id: int) -> Any:
    member, form = find(Member, id), request.form
    try:
        leaving.leave(
            member, on=_day("on"), reason=form.get("reason", ""), note=form.get("note", ""),
            by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _leave_page(member, form, refused.by_field()), 422
    flash(f"已登记{member.name}离开{member.organization.name}")
    return redirect(url_for("members.page", id=id), 303)


# ── to another unit ─────────────────────────────────────────────────────────────────────────


@members.get("/relocations")
@allow(Role.CLERK, *ABOVE, on=Relocation)
def relocations() -> Any:
    mine = visible(Organization, Role.CLERK).select(Organization.id)
    above = visible(Relocation, *ABOVE).select(Relocation.id)
    order = Order((Relocation.stage == "asked", Relocation.id), descending=True)
    seen = (Relocation.target << mine) | (Relocation.id << above)
    page = page_of(Relocation, order, inside=seen, shown=_with_places())
    return render_template(
        "admin/members/relocations.html", page=page, stages=STAGES, may_ask=holds(Role.CLERK)
    )


def _with_places() -> Any:
    """Relocations with whom they move, from where, to where, and who decides."""
    source, target, level = (Organization.alias() for _ in range(3))
    return (
        Relocation.select(Relocation, Member, source, target, level)
        .join_from(Relocation, Member)
        .join_from(Relocation, source, on=(Relocation.source == source.id), attr="source")
        .join_from(Relocation, target, on=(Relocation.target == target.id), attr="target")
        .join_from(Relocation, level, on=(Relocation.organization == level.id), attr="organization")
    )


@members.get("/relocations/new")
@allow(Role.CLERK, on=Organization)
def ask() -> Any:
    return _ask_page({}, {})


def _ask_page(form: Any, errors: dict[str, str]) -> str:
    choice = units_in_sight(form.get("target", ""))
    return render_template("admin/members/ask.html", choice=choice, form=form, errors=errors)


@members.post("/relocations/new")
@allow(Role.CLERK, on=Organization)
def ask_now() -> Any:
    form = request.form
    chosen = form.get("target", "")
    target = find(Organization, int(chosen[:9])) if chosen.isdecimal() else None
    try:
        moving.ask_relocation(
            number=form.get("number", ""), name=form.get("name", ""),
            target=target, on=_day("on"),
            reason=form.get("reason", ""), by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _ask_page(form, refused.by_field()), 422
    flash("已提交，等待上级工会决定")
    return redirect(url_for("members.relocations"), 303)


@members.get("/relocations/<int:id>")
@allow(*ABOVE, on=Relocation)
def relocation(id: int) -> Any:
    return _relocation_page(find(Relocation, id), {}, {})


def _relocation_page(asked: Relocation, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/members/relocation.html", asked=asked, stage=STAGES[asked.stage],
        form=form, errors=errors, own=asked.asked_by_id == g.user.id,
    )  # fmt: skip


@members.post("/relocations/<int:id>")
@allow(*ABOVE, on=Relocation)
def decide(id: int) -> Any:
    asked, form = find(Relocation, id), request.form
    try:
        if form.get("agree") not in ("yes", "no"):
            raise Refused("agree", "请选择同意或不同意")
        moving.decide_relocation(
            asked, agree=form["agree"] == "yes", note=form.get("note", ""),
            by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _relocation_page(asked, form, refused.by_field()), 422
    flash("已调动" if asked.stage == "done" else "已回复不同意")
    return redirect(url_for("members.relocations"), 303)


@members.get("/members/<int:id>/relocate")
@allow(*ABOVE, on=Member)
def relocate(id: int) -> Any:
    return _relocate_page(find(Member, id), {}, {})


def _relocate_page(member: Member, form: Any, errors: dict[str, str]) -> str:
    return render_template("admin/members/relocate.html", member=member, form=form, errors=errors)


@members.post("/members/<int:id>/relocate")
@allow(*ABOVE, on=Member)
def relocate_now(id: int) -> Any:
    member, form = find(Member, id), request.form
    try:
        moving.relocate(
            member, target=_unit(form.get("target", "")), on=_day("on"),
            reason=form.get("reason", ""), by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _relocate_page(member, form, refused.by_field()), 422
    flash(f"{member.name}已调动")
    return redirect(url_for("members.page", id=id), 303)


def _unit(said: str) -> Organization | None:
    """The visible unit with this name or code, or None. Refuses several."""
    said = said.strip()
    units = visible(Organization).where(
        Organization.level == Level.UNIT, (Organization.name == said) | (Organization.code == said)
    )
    found: list[Any] = list(units.limit(2))
    if len(found) > 1:
        field = "target" if "target" in request.form else "into"
        raise Refused(field, "有几个同名的单位，请写统一社会信用代码")
    return found[0] if found else None


# ── units that merge and split ──────────────────────────────────────────────────────────────


@members.get("/organizations/<int:id>/merge")
@allow(Role.ADMINISTRATOR, on=Organization)
def merge(id: int) -> Any:
    return _merge_page(find(Organization, id), {}, {})


def _merge_page(unit: Organization, form: Any, errors: dict[str, str]) -> str:
    count = Member.select().where(Member.organization == unit).count()
    return render_template(
        "admin/members/merge.html", unit=unit, count=count, form=form, errors=errors
    )


@members.post("/organizations/<int:id>/merge")
@allow(Role.ADMINISTRATOR, on=Organization)
def merge_now(id: int) -> Any:
    unit, form = find(Organization, id), request.form
    try:
        done = reorganizing.merge_units(
            unit, into=_unit(form.get("into", "")), on=_day("on"), reason=form.get("reason", ""),
            by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _merge_page(unit, form, refused.by_field()), 422
    flash(f"{done.people}人已转到{done.target.name}；{unit.name}已停用，它的账号请另行停用或调整")
    return redirect(url_for("organizations.page", id=done.target_id), 303)


@members.get("/organizations/<int:id>/split")
@allow(Role.ADMINISTRATOR, on=Organization)
def split(id: int) -> Any:
    return _split_page(find(Organization, id), {}, {})


def _split_page(unit: Organization, form: Any, errors: dict[str, str]) -> str:
    return render_template("admin/members/split.html", unit=unit, form=form, errors=errors)


@members.post("/organizations/<int:id>/split")
@allow(Role.ADMINISTRATOR, on=Organization)
def split_now(id: int) -> Any:
    unit, form = find(Organization, id), request.form
    try:
        done = reorganizing.split_unit(
            unit, name=form.get("name", ""), code=form.get("code", ""), on=_day("on"),
            people=form.get("people", ""), reason=form.get("reason", ""),
            by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _split_page(unit, form, refused.by_field()), 422
    flash(f"已建立{done.target.name}，{done.people}人转入")
    return redirect(url_for("organizations.page", id=done.target_id), 303)
