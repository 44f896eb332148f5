"""Organizations: the tree, a unit's page, founding, and the registration of units."""

from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from peewee import fn

from huigong import clock, uploads
from huigong.access import allow, allow_anyone, find, visible
from huigong.admin import papers
from huigong.admin.lists import (
    MOST_COUNTED,
    Order,
    Waiting,
    counted,
    ordered,
    page_of,
    waiting_for_me,
)
from huigong.database import containing
from huigong.models import (
    Level,
    Member,
    Organization,
    Reorganization,
    Role,
    UnitApplication,
    User,
)
from huigong.refusals import Refused
from huigong.workflows import organizations as deeds

organizations = Blueprint("organizations", __name__, url_prefix="/admin")

LEVEL_NAMES = {
    Level.PROVINCE: "省",
    Level.CITY: "市",
    Level.COUNTY: "县区",
    Level.UNIT: "基层单位",
}
STAGE_NAMES = {"applied": "待审核", "approved": "已登记", "refused": "不予登记"}


def waiting() -> list[Waiting]:
    """What waits for an administrator: units that ask to be registered."""
    applied = UnitApplication.stage == "applied"
    count = waiting_for_me(UnitApplication, applied, roles=[Role.ADMINISTRATOR])
    url = url_for("organizations.applications") if count else ""
    return [Waiting(count, "份单位登记申请待审核", url)]


@organizations.get("/organizations")
@allow(
    Role.ADMINISTRATOR,
    Role.REVIEWER,
    Role.FINANCE,
    Role.AUDITOR,
    on=Organization,
    menu=(80, "单位"),
)
def index() -> Any:
    asked, level = request.args.get("q", "").strip()[:50], request.args.get("level", "")
    filters = []
    if asked:
        filters.append(containing(Organization.name, asked) | (Organization.code == asked))
    if level in LEVEL_NAMES:
        filters.append(Organization.level == level)
    columns = {"name": Organization.pinyin, "opened": Organization.opened_on}
    page = page_of(Organization, ordered(Organization, columns, default="name"), filters=filters)
    parents = {o.id: o.name for o in _parents(page.rows)}
    return render_template(
        "admin/organizations/index.html",
        page=page, parents=parents, levels=LEVEL_NAMES, asked=asked, level=level,
    )  # fmt: skip


def _parents(rows: list[Organization]) -> list[Organization]:
    """The level above each row of a list; its name is no secret to those below it."""
    wanted = [row.parent_id for row in rows]
    return list(Organization.select().where(Organization.id << wanted))


@organizations.get("/organizations/<int:id>")
@allow(Role.ADMINISTRATOR, Role.REVIEWER, Role.FINANCE, Role.AUDITOR, on=Organization)
def page(id: int) -> Any:
    organization = find(Organization, id)
    inside = Organization.select(Organization.id).where(Organization.within(organization.path))
    above = Organization.select().where(Organization.id << organization.lineage)
    people = visible(User).where(User.organization == organization).order_by(User.ended_on, User.id)
    counts = Organization.select(Organization.level, fn.COUNT(Organization.id).alias("n"))
    below = counts.where(Organization.parent == organization).group_by(Organization.level)
    return render_template(
        "admin/organizations/page.html",
        organization=organization,
        lineage=sorted(above, key=lambda o: len(o.path)),
        below={row.level: row.n for row in below},
        children=_children(organization),
        members=counted(Member, Member.organization << inside, most=MOST_COUNTED),
        people=people,
        levels=LEVEL_NAMES,
        may_found=bool(deeds.levels_below(organization)) and not organization.closed_on,
        moves=_moves(organization),
    )


def _moves(unit: Organization) -> list[Reorganization]:
    """The merges and splits that a unit was part of, with the other unit's name."""
    source, target = Organization.alias(), Organization.alias()
    query = (
        Reorganization.select(Reorganization, source, target)
        .join_from(Reorganization, source, on=(Reorganization.source == source.id), attr="source")
        .join_from(Reorganization, target, on=(Reorganization.target == target.id), attr="target")
    )
    own = (Reorganization.source == unit) | (Reorganization.target == unit)
    return list(query.where(own).order_by(Reorganization.on, Reorganization.id))


def _children(organization: Organization) -> list[Organization]:
    query = Organization.select().where(Organization.parent == organization)
    return list(query.order_by(Organization.level, Organization.pinyin).limit(30))


@organizations.get("/organizations/<int:id>/new")
@allow(Role.ADMINISTRATOR, on=Organization)
def new(id: int) -> Any:
    return _new_page(find(Organization, id), {}, {})


def _new_page(parent: Organization, form: Any, errors: dict[str, str]) -> str:
    options = [(level.value, LEVEL_NAMES[level]) for level in deeds.levels_below(parent)]
    return render_template(
        "admin/organizations/new.html", parent=parent, options=options, form=form, errors=errors
    )


@organizations.post("/organizations/<int:id>/new")
@allow(Role.ADMINISTRATOR, on=Organization)
def found(id: int) -> Any:
    parent, form = find(Organization, id), request.form
    texts: Any = {name: form.get(name, "") for name in ("contact_name", "contact_phone", "address")}
    try:
        made = deeds.found(
            name=form.get("name", ""), level=form.get("level", ""), parent=parent,
            slug=form.get("slug", "").strip(), code=form.get("code", ""), **texts,
            by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _new_page(parent, form, refused.by_field()), 422
    flash(f"已建立“{made.name}”")
    return redirect(url_for("organizations.page", id=made.id), 303)


@organizations.get("/organizations/<int:id>/edit")
@allow(Role.ADMINISTRATOR, on=Organization)
def edit(id: int) -> Any:
    return _edit_page(find(Organization, id), {}, {})


def _edit_page(organization: Organization, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/organizations/edit.html", organization=organization, form=form, errors=errors
    )


@organizations.post("/organizations/<int:id>/edit")
@allow(Role.ADMINISTRATOR, on=Organization)
def amend(id: int) -> Any:
    organization, form = find(Organization, id), request.form
    names = ("name", "contact_name", "contact_phone", "address")
    texts = {name: form.get(name, "") for name in names}
    try:
        deeds.amend(organization, **texts, by=g.user, at=clock.now())
    except Refused as refused:
        return _edit_page(find(Organization, id), form, refused.by_field()), 422
    flash("已保存")
    return redirect(url_for("organizations.page", id=id), 303)


@organizations.get("/register")
@allow_anyone
def register() -> Any:
    return _register_page({}, {})


def _register_page(form: Any, errors: dict[str, str]) -> str:
    takers = Organization.select().where(
        Organization.level << [Level.CITY, Level.COUNTY], Organization.closed_on.is_null()
    )
    ordered_by_tree = sorted(takers, key=lambda o: o.path)
    options = [(o.id, ("　" if o.level == Level.COUNTY else "") + o.name) for o in ordered_by_tree]
    return render_template(
        "admin/organizations/register.html", options=options, form=form, errors=errors
    )


@organizations.post("/register")
@allow_anyone
def apply() -> Any:
    form, folder, kept = request.form, current_app.config["SETTINGS"].files, None
    asked = {name: form.get(name, "") for name in deeds.ASKED}
    taker = _taker(form.get("organization", ""))
    try:
        kept = _proof(folder)
        deeds.apply_for_unit(organization=taker, **asked, proof=kept, at=clock.now())
    except Refused as refused:
        faults = deeds.application_faults(organization=taker, **asked, at=clock.now())
        if kept:
            uploads.drop(folder, kept.file)
        return _register_page(form, {**dict(faults), **refused.by_field()}), 422
    return redirect(url_for("organizations.registered"), 303)


def _proof(folder: Path) -> uploads.Kept:
    paper = request.files.get("proof")
    if paper is None or not paper.filename:
        raise Refused("proof", "请选择加盖公章的证明")
    return uploads.keep_paper(folder, paper.stream, name=paper.filename, field="proof")


def _taker(text: str) -> Organization | None:
    number = int(text) if text.isdecimal() and len(text) < 10 else 0
    return Organization.get_or_none(Organization.id == number)


@organizations.get("/register/sent")
@allow_anyone
def registered() -> Any:
    return render_template("admin/organizations/registered.html")


@organizations.get("/applications")
@allow(Role.ADMINISTRATOR, on=UnitApplication)
def applications() -> Any:
    stage = request.args.get("stage", "applied")
    order = Order((UnitApplication.applied_at, UnitApplication.id))
    filters = [UnitApplication.stage == stage] if stage in STAGE_NAMES else []
    shown = UnitApplication.select(UnitApplication, Organization).join(Organization)
    page = page_of(UnitApplication, order, filters=filters, shown=shown)
    return render_template(
        "admin/organizations/applications.html", page=page, stage=stage, stages=STAGE_NAMES
    )


@organizations.get("/applications/<int:id>")
@allow(Role.ADMINISTRATOR, on=UnitApplication)
def application(id: int) -> Any:
    return _application_page(find(UnitApplication, id), {}, {})


def _application_page(row: UnitApplication, form: Any, errors: dict[str, str]) -> str:
    return render_template(
        "admin/organizations/application.html",
        application=row, stages=STAGE_NAMES, form=form, errors=errors,
    )  # fmt: skip


@organizations.post("/applications/<int:id>")
@allow(Role.ADMINISTRATOR, on=UnitApplication)
def decide(id: int) -> Any:
    row, form = find(UnitApplication, id), request.form
    approve = form.get("approve") == "yes"
    try:
        if form.get("approve") not in ("yes", "no"):
            raise Refused("approve", "请选择是否准予登记")
        decided = deeds.decide_application(
            row, approve=approve, reason=form.get("reason", ""), login=form.get("login", ""),
            by=g.user, at=clock.now(), link_at=clock.real_now(),
        )  # fmt: skip
    except Refused as refused:
        return _application_page(find(UnitApplication, id), form, refused.by_field()), 422
    if decided.clerk is None:
        flash("已记录不予登记的理由")
        return redirect(url_for("organizations.application", id=id), 303)
    session["link"] = [decided.clerk.id, decided.link]
    flash("已准予登记，并为联系人开设了经办人账号")
    return redirect(url_for("accounts.page", id=decided.clerk.id), 303)


@organizations.get("/applications/<int:id>/proof")
@allow(Role.ADMINISTRATOR, on=UnitApplication)
def proof(id: int) -> Any:
    """The proof as a download: a stranger's file never opens inside the office."""
    row = find(UnitApplication, id)
    return papers.handed(row.proof, row.proof_name)
