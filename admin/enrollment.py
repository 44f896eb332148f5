"""Rosters on the screen: uploaded, checked, submitted, judged."""

import io
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)

from huigong import clock, uploads
from huigong.access import allow, find, holds, paths, visible
from huigong.admin import background
from huigong.admin import gifts as gift_screens
from huigong.admin.choosing import units_in_sight
from huigong.admin.lists import (
    Order,
    Page,
    Waiting,
    counted,
    either,
    named_place,
    ordered,
    page_of,
    waiting_for_me,
)
from huigong.models import (
    Due,
    Edition,
    Organization,
    ReceiptWanted,
    Role,
    Roster,
    RosterEvent,
    RosterRow,
)
from huigong.plans.vocabulary import OWERS
from huigong.refusals import Refused
from huigong.sheets import SheetRefused
from huigong.workflows import enrollment as deeds
from huigong.workflows import gifts, shares, top_ups
from huigong.workflows.enrollment import ages, answer, jobs, meanings, staffing
from huigong.workflows.enrollment.columns import TITLES
from huigong.workflows.enrollment.groups import FaultGroups
from huigong.workflows.schemes import plan_of

enrollment = Blueprint("enrollment", __name__, url_prefix="/admin")

STAGES = {
    "reading": ("读取未完成", "bad"),
    "draft": ("待提交", "wait"),
    "submitted": ("待审核", "wait"),
    "returned": ("已退回", "bad"),
    "approved": ("已批准", "good"),
    "withdrawn": ("已撤回", "done"),
}
KINDS = {
    "new": "新参保",
    "renewed": "续保",
    "unchanged": "已参保或已提交",
    "unproven": "待超龄证明",
    "faulty": "有误",
}
EVENTS = {
    "uploaded": "上传名册",
    "proven": "上传证明",
    "submitted": "提交审核",
    "returned": "退回更正",
    "approved": "批准",
    "withdrawn": "撤回",
    "gift declared": "写明赠送",
    "gift dropped": "取消赠送",
    "gift agreed": "同意赠送",
    "gift declined": "不同意赠送",
    "gift withdrawn": "撤回赠送",
}
REST_BY = {"unit": "单位承担", "person": "职工个人承担"}
CARRIERS = {**OWERS, "rest": "基层自筹"}
EVERYONE = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)
_FAULTY_READ = 2000  # past that as they were counted at the reading
_MOST_WARNED = 1000  # rows, each looked up; more are 多
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def waiting() -> list[Waiting]:
    """What waits for clerks (to mend and submit) and reviewers (to judge)."""
    url = url_for("enrollment.index")

    def of(role: Role, stage: str) -> int:
        return waiting_for_me(Roster, Roster.stage == stage, roles=[role])

    unfinished = waiting_for_me(Roster, jobs.unfinished(), roles=[Role.CLERK])
    return [
        Waiting(of(Role.CLERK, "draft"), "份名册待核对提交", f"{url}?stage=draft"),
        Waiting(unfinished, "份名册没有读完，待重新上传", f"{url}?stage=reading"),
        Waiting(of(Role.CLERK, "returned"), "份名册被退回，待更正", f"{url}?stage=returned"),
        Waiting(of(Role.REVIEWER, "submitted"), "份名册待审核", f"{url}?stage=submitted"),
    ]


@enrollment.get("/rosters")
@allow(*EVERYONE, on=Roster, menu=(20, "名册"))
def index() -> Any:
    asked = {name: request.args.get(name, "").strip()[:50] for name in ("q", "stage", "edition")}
    shown = Roster.select(Roster, Organization, Edition.id, Edition.name)
    shown = shown.join_from(Roster, Organization).join_from(Roster, Edition)
    filters: list[Any] = []
    if asked["q"]:
        numbered = Roster.number == asked["q"].upper()
        filters.append(either(named_place(Roster.organization, asked["q"]), numbered))
    if asked["stage"] in STAGES:
        filters.append(Roster.stage == asked["stage"])
    if asked["edition"].isdecimal() and len(asked["edition"]) < 10:
        filters.append(Roster.edition == int(asked["edition"]))
    columns = {
        "made": Roster.made_at,
        "unit": (Organization.pinyin, Organization.id, Roster.id),
        "from": Roster.cover_from,
        "people": Roster.people,
    }
    order = ordered(Roster, columns, default="-made")
    page = page_of(Roster, order, filters=filters, shown=shown)
    editions: Any = visible(Edition).where(Edition.id << Roster.select(Roster.edition))
    return render_template(
        "admin/enrollment/index.html",
        page=page, asked=asked, stages=STAGES, readings=background.readings_among(page.rows),
        stage_options=[(stage, words) for stage, (words, _) in STAGES.items()],
        may_draft=holds(Role.CLERK),
        givers=gifts.givers_of(row.id for row in page.rows),
        editions=[(e.id, e.name) for e in editions.order_by(Edition.enrolled_from.desc())],
    )  # fmt: skip


# ── a new roster ────────────────────────────────────────────────────────────────────────────


@enrollment.get("/rosters/new")
@allow(Role.CLERK, on=Organization)
def new() -> Any:
    return _new_page(request.args, {})


def _new_page(form: Any, errors: dict[str, str]) -> str:
    choice, editions = units_in_sight(form.get("unit", "")), dict[int, Edition]()
    for unit in {unit.parent_id: unit for unit in choice.units}.values():
        editions |= {e.id: e for e in deeds.editions_for(unit, clock.today())}
    return render_template(
        "admin/enrollment/new.html",
        choice=choice, editions=list(editions.values()), form=form, errors=errors, rest_by=REST_BY,
        edition_options=[(edition.code, edition.name) for edition in editions.values()],
        kinds={"": "没有", **gifts.KINDS}, measures=gift_screens.MEASURES, whom=gift_screens.WHOM,
        above=_givers(choice.units),
    )  # fmt: skip


def _givers(units: list[Organization]) -> list[tuple[int, str]]:
    """The organizations above any of these units."""
    above = {number for unit in units for number in unit.lineage if number != unit.id}
    found = Organization.select().where(Organization.id << above).order_by(Organization.path)
    return [(place.id, place.name) for place in found]


@enrollment.post("/rosters/new")
@allow(Role.CLERK, on=Organization)
def draft() -> Any:
    try:
        roster = _draft(request.form)
    except Refused as refused:
        return _new_page(request.form, refused.by_field()), 422
    if request.form.get("kind") and (wrong := _declare_gift(roster)):
        flash(f"名册已上传，赠送还没有保存：{wrong}")
        return redirect(url_for("gifts.declare", id=roster.id), 303)
    return redirect(url_for("enrollment.page", id=roster.id), 303)


def _declare_gift(roster: Roster) -> str:
    """Declare what the upload form says of a gift; why it does not fit the file, or ""."""
    try:
        typed = gift_screens.typed(request.form, roster.organization)
        gifts.declare(roster, **typed, by=g.user, at=clock.now())
    except Refused as refused:
        return str(refused)
    return ""


def _gift_faults(form: Any, unit: Organization) -> None:
    """Refuse a gift that is wrong whatever the file says."""
    if form.get("kind"):
        gift_screens.typed(form, unit)


def _draft(form: Any) -> Roster:
    faults = []
    chosen = {name: form.get(name, "").strip() for name in ("unit", "edition", "cover_from")}
    if not chosen["unit"].isdecimal():
        faults.append(("unit", "请选择单位"))
    edition: Any = visible(Edition).where(Edition.code == chosen["edition"]).get_or_none()
    if edition is None:
        faults.append(("edition", "请选择互助计划"))
    cover_from = _day(chosen["cover_from"])
    if cover_from is None:
        faults.append(("cover_from", "请填写保障开始日，如 2025-01-01"))
    if form.get("rest_by") not in REST_BY:
        faults.append(("rest_by", "请选择自筹部分由谁承担"))
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        faults.append(("file", "请选择填好的名册文件"))
    if faults or edition is None or cover_from is None:
        raise Refused.all(faults)
    unit = find(Organization, int(chosen["unit"][:9]))
    _gift_faults(form, unit)
    with _kept() as (kept, folder):
        asked = {
            "organization": unit, "edition": edition, "cover_from": cover_from,
            "rest_by": form["rest_by"], "kept": kept,
            "by": g.user, "at": clock.now(), "seen": paths(),
        }  # fmt: skip
        if background.is_big(kept, folder):
            return deeds.draft_in_background(**asked)
        return deeds.draft_roster(**asked, folder=folder)


class _kept:
    """The uploaded file, kept; forgotten again when the deed is refused."""

    def __enter__(self) -> tuple[uploads.Kept, Path]:
        self.folder: Path = current_app.config["SETTINGS"].files
        upload = request.files.get("file")
        if upload is None or not upload.filename:
            raise Refused("file", "请选择填好的名册文件")
        with closing(upload.stream) as stream:
            limit = uploads.ROSTER_LIMIT
            self.kept = uploads.keep(
                self.folder, stream, name=upload.filename, field="file", limit=limit
            )
        return self.kept, self.folder

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            uploads.drop(self.folder, self.kept.file)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@enrollment.get("/rosters/template/<code>.xlsx")
@allow(Role.CLERK, Role.REVIEWER, Role.ADMINISTRATOR, on=Edition)
def template(code: str) -> Any:
    editions = visible(Edition).where(Edition.code == code, Edition.stage == "published")
    found: Any = editions.get_or_none() or abort(404)
    book = io.BytesIO()
    answer.template_of(found, book)
    book.seek(0)
    return _download(book, f"{found.name}参保名册模板.xlsx")


def _download(book: BinaryIO, name: str) -> Response:
    return send_file(book, mimetype=_XLSX, as_attachment=True, download_name=name, max_age=0)


# ── one roster ──────────────────────────────────────────────────────────────────────────────


@enrollment.get("/rosters/<int:id>")
@allow(*EVERYONE, on=Roster)
def page(id: int) -> Any:
    roster = find(Roster, id)
    kind, work = request.args.get("kind", ""), background.work_of(roster)
    html = render_template(
        "admin/enrollment/page.html",
        **facts_of(roster), **work, people=_people(roster, kind), kind=kind,
        faults=_faults(roster), events=list(roster.events.order_by(RosterEvent.id)),
        **_money_of(roster),
    )  # fmt: skip
    is_over = not work["at_work"] and request.headers.get("HX-Target") == "work"
    return Response(html, headers={"HX-Refresh": "true"} if is_over else None)


def _money_of(roster: Roster) -> dict[str, Any]:
    """A roster's dues, those still owing, and whether a receipt is to be made out."""
    dues = list(roster.dues.where(Due.live()))
    return {
        "dues": dues,
        "owing": [due for due in dues if due.paid < due.amount],
        "unreceipted": ReceiptWanted.select().where(ReceiptWanted.roster == roster).exists(),
    }


def facts_of(roster: Roster) -> dict[str, Any]:
    """What every page about one roster says of it."""
    unit = roster.organization
    own = g.user.id in (roster.made_by_id, roster.submitted_by_id)
    return {
        "roster": roster,
        "counts": roster.digest.get("kinds") or deeds.kinds(roster),
        "warned": _warned(roster),
        **_carried(roster),
        "gift": gifts.of_roster(roster),
        "gift_words": gifts.words_of,
        "unagreed": gifts.agreed_so_far(roster) if roster.stage == "submitted" else "",
        "stage": STAGES[roster.stage],
        "stages": STAGES,
        "kinds": KINDS,
        "titles": TITLES,
        "event_words": EVENTS,
        "rest_by": REST_BY[roster.rest_by],
        "carriers": CARRIERS,
        "above": unit.parent,
        "open_columns": meanings.open_columns(roster),
        "unproven": ages.unproven(roster),
        "proofs": ages.proofs(roster),
        "staff": staffing.staff_of(unit),
        "asks_staff": bool((plan_of(roster.edition)["group"] or {}).get("share")),
        "tomorrow": max(clock.today(), roster.cover_from) + timedelta(days=1),
        "may_mend": holds(Role.CLERK, at=unit),
        "may_judge": holds(Role.REVIEWER, at=unit)
        and not own
        and g.user.organization_id != unit.id,
    }


def _carried(roster: Roster) -> dict[str, Any]:
    """Who carries the fee as of now, what of it changed since it was last said, and the top-ups
    that were taken off."""
    parts = shares.preview(roster)

    def who(carrier: str) -> str:
        rest = f"（{REST_BY[roster.rest_by]}）" if carrier == "rest" else ""
        return CARRIERS[carrier] + rest

    return {
        "split": [(who(carrier), each, people) for carrier, each, people in parts],
        "changed": [
            (who(change.carrier), change.before, change.now)
            for change in shares.changes(roster.split, parts)
        ],
        "split_mark": shares.mark_of(parts),
        "added": top_ups.held_for(roster) if parts and roster.stage != "approved" else [],
    }


def _warned(roster: Roster) -> int:
    """How many rows are worth a second look, as the reading counted them; a proof of age, which
    alone changes a row later, changes none of it."""
    said = roster.digest.get("warned")
    if said is not None:
        return int(said)
    return counted(RosterRow, RosterRow.roster == roster, _is_warned(), most=_MOST_WARNED)


def _is_warned() -> Any:
    return (RosterRow.kind != "faulty") & RosterRow.is_warned()


def _people(roster: Roster, kind: str) -> Page:
    """The clean rows, or those of one kind, or (`warned`) those worth a second look."""
    of_roster, number = RosterRow.roster == roster, (RosterRow.number, RosterRow.id)
    if kind == "warned":
        return page_of(RosterRow, Order(number), inside=of_roster & _is_warned())
    of_kind = RosterRow.kind == kind if kind in KINDS else RosterRow.kind > "faulty"
    order = Order((RosterRow.kind, *number))  # as its index is, a city's roster too
    return page_of(RosterRow, order, inside=of_roster & of_kind)


def _faults(roster: Roster) -> list[tuple[str, int, list[str]]]:
    """(what is wrong, how many, the first as sentences), the most frequent first."""
    if roster.faulty > _FAULTY_READ:
        return [(said, count, lines) for said, count, lines in roster.digest["faults"]]
    groups = FaultGroups()
    rows: Any = RosterRow.select(RosterRow.number, RosterRow.faults).where(
        RosterRow.roster == roster, RosterRow.kind == "faulty"
    )
    for number, faults in rows.order_by(RosterRow.number).tuples():
        groups.add(number, faults)
    return groups.listed()


@enrollment.get("/rosters/<int:id>/faults.xlsx")
@allow(Role.CLERK, Role.REVIEWER, on=Roster)
def faults(id: int) -> Any:
    roster = find(Roster, id)
    if not roster.faulty or roster.stage == "withdrawn":
        abort(404)
    try:
        content = answer.own_file_back(roster, current_app.config["SETTINGS"].files)
    except (SheetRefused, OSError):
        flash("原文件已读不出来，请重新上传")
        return redirect(url_for("enrollment.page", id=id), 303)
    return _download(content, f"{Path(roster.file_name).stem}-错误原因.xlsx")


# ── deeds of the clerk ──────────────────────────────────────────────────────────────────────


@enrollment.get("/rosters/<int:id>/upload")
@allow(Role.CLERK, on=Roster)
def upload(id: int) -> Any:
    return _upload_page(find(Roster, id), {})


def _upload_page(roster: Roster, errors: dict[str, str]) -> str:
    return render_template("admin/enrollment/upload.html", **facts_of(roster), errors=errors)


@enrollment.post("/rosters/<int:id>/upload")
@allow(Role.CLERK, on=Roster)
def restage(id: int) -> Any:
    roster = find(Roster, id)
    old = roster.file
    try:
        with _kept() as (kept, folder):
            asked = {"kept": kept, "by": g.user, "at": clock.now(), "seen": paths()}
            if background.is_big(kept, folder):
                deeds.restage_in_background(roster, **asked)
            else:
                deeds.restage_roster(roster, **asked, folder=folder)
    except Refused as refused:
        return _upload_page(roster, refused.by_field()), 422
    if roster.file != old:
        uploads.drop(folder, old)
    return redirect(url_for("enrollment.page", id=id), 303)


@enrollment.get("/rosters/<int:id>/submit")
@allow(Role.CLERK, on=Roster)
def submit(id: int) -> Any:
    return render_template("admin/enrollment/submit.html", **facts_of(find(Roster, id)), errors={})


@enrollment.post("/rosters/<int:id>/submit")
@allow(Role.CLERK, on=Roster)
def submit_now(id: int) -> Any:
    roster, only = find(Roster, id), request.form.get("clean_only") == "1"
    try:
        if (staff := request.form.get("staff", "").strip()) and staff.isdecimal():
            staffing.state_staff(
                roster.organization, people=int(staff[:9]), by=g.user, at=clock.now()
            )
        deeds.submit_roster(roster, clean_only=only, by=g.user, at=clock.now())
    except Refused as refused:
        errors = refused.by_field()
        return render_template(
            "admin/enrollment/submit.html", **facts_of(roster), errors=errors
        ), 422
    flash(f"名册{roster.number}已提交，等待{roster.organization.parent.name}审核{_awaited(roster)}")
    return redirect(url_for("enrollment.page", id=id), 303)


def _awaited(roster: Roster) -> str:
    """Who else must agree before a submitted roster can be approved, as its message ends."""
    gift = gifts.of_roster(roster)
    if gift is None:
        return ""
    speaks = gifts.receiver_of(gift).name
    who = f"由{speaks}财务确认" if gift.giver is None else "由其财务办理"
    return f"；还要等赠送方{gift.name}同意赠送（{who}）"


@enrollment.get("/rosters/<int:id>/withdraw")
@allow(Role.CLERK, on=Roster)
def withdraw(id: int) -> Any:
    return _withdraw_page(find(Roster, id), {})


def _withdraw_page(roster: Roster, errors: dict[str, str]) -> str:
    return render_template("admin/enrollment/withdraw.html", **facts_of(roster), errors=errors)


@enrollment.post("/rosters/<int:id>/withdraw")
@allow(Role.CLERK, on=Roster)
def withdraw_now(id: int) -> Any:
    roster = find(Roster, id)
    try:
        deeds.withdraw_roster(roster, by=g.user, at=clock.now())
    except Refused as refused:
        return _withdraw_page(roster, refused.by_field()), 422
    uploads.drop(current_app.config["SETTINGS"].files, roster.file)
    flash(f"名册{roster.number}已撤回，名单与文件已删除")
    return redirect(url_for("enrollment.index"), 303)
