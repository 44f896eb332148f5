"""Accounts: signing in and out, setting a password, and the people of an organization."""

import re
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for

from huigong import clock
from huigong.access import allow, allow_anyone, allow_signed_in, find, scope, visible
from huigong.admin import devices
from huigong.admin.lists import Order, named_place, page_of
from huigong.database import containing
from huigong.models import Grant, Organization, Role, User
from huigong.refusals import Refused
from huigong.workflows import accounts as deeds

accounts = Blueprint("accounts", __name__, url_prefix="/admin")
_OFFICE_ADDRESS = re.compile(r"/admin/[\w/%~.-]*(\?[\w/%~.+&=;,:@!*()-]*)?", re.ASCII)


@accounts.get("/sign-in")
@allow_anyone
def sign_in() -> Any:
    if g.user:
        return redirect(url_for("home.index"), 303)
    return render_template("admin/accounts/sign_in.html", form={}, errors={})


@accounts.post("/sign-in")
@allow_anyone
def sign_in_now() -> Any:
    form = request.form
    login = form["login"].strip()
    try:
        token = deeds.sign_in(
            login=login, password=form["password"], at=clock.real_now(),
            address=request.remote_addr or "", known=devices.is_known(login),
        )  # fmt: skip
    except Refused as refused:
        page = render_template("admin/accounts/sign_in.html", form=form, errors=refused.by_field())
        if isinstance(refused, deeds.TooOften):
            return page, 429, {"Retry-After": str(refused.seconds)}
        return page, 422
    session.clear()  # a new id at sign-in: nothing of the visitor's cookie lives on
    session["token"] = token
    return devices.remember(redirect(_here_only(request.args.get("next", "")), 303), login)


def _here_only(address: str) -> str:
    """Where to go after signing in: only addresses of the office, as it writes them itself."""
    inside = _OFFICE_ADDRESS.fullmatch(address) and ".." not in address
    return address if inside else url_for("home.index")


@accounts.post("/sign-out")
@allow_signed_in
def sign_out() -> Any:
    deeds.sign_out(g.session, at=clock.real_now())
    session.clear()
    flash("已退出")
    return redirect(url_for("accounts.sign_in"), 303)


@accounts.get("/me")
@allow_signed_in
def me() -> Any:
    sessions = deeds.live_sessions(g.user, now=clock.real_now())
    return render_template("admin/accounts/me.html", grants=g.grants, sessions=sessions)


@accounts.post("/me/sessions")
@allow_signed_in
def end_other_sessions() -> Any:
    ended = deeds.end_other_sessions(g.session, at=clock.real_now())
    flash(f"已退出其他 {ended} 处登录")
    return redirect(url_for("accounts.me"), 303)


@accounts.get("/password/<token>")
@allow_anyone
def password(token: str) -> Any:
    link = deeds.link_of(token, now=clock.real_now())
    return render_template("admin/accounts/password.html", link=link, errors={})


@accounts.post("/password/<token>")
@allow_anyone
def set_password(token: str) -> Any:
    form = request.form
    try:
        deeds.set_password(
            token=token, password=form["password"], again=form["again"], at=clock.real_now()
        )
    except Refused as refused:
        link = deeds.link_of(token, now=clock.real_now())
        errors = refused.by_field()
        return render_template("admin/accounts/password.html", link=link, errors=errors), 422
    flash("密码已设置，请登录")
    return redirect(url_for("accounts.sign_in"), 303)


@accounts.get("/accounts")
@allow(Role.ADMINISTRATOR, on=User, menu=(85, "账号"))
def index() -> Any:
    asked, ended = request.args.get("q", "").strip()[:50], request.args.get("ended") == "1"
    filters, standing = [], [User.ended_on.is_null(not ended)]
    if asked:
        named = containing(User.name, asked) | (User.login == asked.lower())
        filters.append(named | named_place(User.organization, asked))
    order = Order((Organization.path, User.id), joined=[Organization])
    shown = User.select(User, Organization).join(Organization)
    page = page_of(
        User, order, filters=filters, held=standing, near=scope(Organization), shown=shown
    )
    grants = Grant.select(Grant, Organization).join(Organization)
    held: dict[int, list[Grant]] = {}
    for grant in grants.where(Grant.user << page.rows, Grant.ended_on.is_null()):
        held.setdefault(grant.user_id, []).append(grant)
    return render_template(
        "admin/accounts/index.html", page=page, held=held, asked=asked, ended=ended
    )


@accounts.get("/organizations/<int:id>/accounts/new")
@allow(Role.ADMINISTRATOR, on=Organization)
def new(id: int) -> Any:
    return _new_page(find(Organization, id), {}, [], {})


def _new_page(place: Organization, form: Any, roles: Sequence[str], errors: dict[str, str]) -> str:
    offered = [role for role in Role if deeds.may_grant(g.user, role, place)]
    return render_template(
        "admin/accounts/new.html",
        organization=place, offered=offered, form=form, roles=roles, errors=errors,
    )  # fmt: skip


@accounts.post("/organizations/<int:id>/accounts/new")
@allow(Role.ADMINISTRATOR, on=Organization)
def open_account(id: int) -> Any:
    place, form = find(Organization, id), request.form
    roles = [role for role in Role if role in form.getlist("roles")]
    try:
        user = deeds.open_account(
            name=form.get("name", ""), login=form.get("login", ""), organization=place,
            roles=roles, by=g.user, at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        return _new_page(place, form, roles, refused.by_field()), 422
    session["link"] = [user.id, deeds.make_link(user, by=g.user, at=clock.real_now())]
    flash(f"已为{user.name}开设账号")
    return redirect(url_for("accounts.page", id=user.id), 303)


@accounts.get("/accounts/<int:id>")
@allow(Role.ADMINISTRATOR, on=User)
def page(id: int) -> Any:
    """An account; right after its link was made, also that link, this once."""
    user = find(User, id)
    shown = session.pop("link", None)
    link = shown[1] if shown and shown[0] == user.id else ""
    return render_template(
        "admin/accounts/page.html",
        person=user,
        grants=deeds.grants_of(user),
        link=url_for("accounts.password", token=link, _external=True) if link else "",
        may_manage=deeds.may_manage(g.user, user) and not user.ended_on,
        is_clerk=any(grant.role == Role.CLERK for grant in deeds.grants_of(user)),
    )


@accounts.get("/accounts/<int:id>/roles")
@allow(Role.ADMINISTRATOR, on=User)
def roles(id: int) -> Any:
    user = find(User, id)
    chosen = {f"{grant.role}:{grant.organization_id}" for grant in deeds.grants_of(user)}
    return _roles_page(user, chosen, {})


def _roles_page(user: User, chosen: set[str], errors: dict[str, str]) -> str:
    return render_template(
        "admin/accounts/roles.html",
        person=user, places=_places(user), chosen=chosen, errors=errors,
        may_grant=lambda role, place: deeds.may_grant(g.user, role, place),
    )  # fmt: skip


def _places(user: User) -> list[Organization]:
    """Where a user's roles may be: where they are, on the way up, and where they hold one."""
    ids = {*user.organization.lineage, *(grant.organization_id for grant in deeds.grants_of(user))}
    return list(visible(Organization).where(Organization.id << ids).order_by(Organization.path))


@accounts.post("/accounts/<int:id>/roles")
@allow(Role.ADMINISTRATOR, on=User)
def change_roles(id: int) -> Any:
    user, chosen = find(User, id), set(request.form.getlist("roles"))
    wanted = {
        (role, place) for place in _places(user) for role in Role if f"{role}:{place.id}" in chosen
    }
    try:
        deeds.change_roles(user, roles=wanted, by=g.user, at=clock.now())
    except Refused as refused:
        return _roles_page(user, chosen, refused.by_field()), 422
    flash("角色已调整；对方需要重新登录")
    return redirect(url_for("accounts.page", id=id), 303)


@accounts.get("/accounts/<int:id>/link")
@allow(Role.ADMINISTRATOR, on=User)
def ask_link(id: int) -> Any:
    return render_template("admin/accounts/link.html", person=find(User, id), errors={})


@accounts.post("/accounts/<int:id>/link")
@allow(Role.ADMINISTRATOR, on=User)
def send_link(id: int) -> Any:
    user = find(User, id)
    try:
        session["link"] = [user.id, deeds.make_link(user, by=g.user, at=clock.real_now())]
    except Refused as refused:
        errors = refused.by_field()
        return render_template("admin/accounts/link.html", person=user, errors=errors), 422
    return redirect(url_for("accounts.page", id=id), 303)


@accounts.get("/accounts/<int:id>/handover")
@allow(Role.ADMINISTRATOR, on=User)
def ask_handover(id: int) -> Any:
    return _handover_page(find(User, id), "", {})


def _handover_page(user: User, to: str, errors: dict[str, str]) -> str:
    colleagues = visible(User).where(User.organization == user.organization, User.id != user.id)
    colleagues = colleagues.where(User.ended_on.is_null()).order_by(User.id)
    options = [(person.id, f"{person.name}（{person.login}）") for person in colleagues]
    return render_template(
        "admin/accounts/handover.html", person=user, options=options, to=to, errors=errors
    )


@accounts.post("/accounts/<int:id>/handover")
@allow(Role.ADMINISTRATOR, on=User)
def hand_over(id: int) -> Any:
    user, chosen = find(User, id), request.form.get("to", "")
    try:
        if not chosen.isdecimal() or len(chosen) > 9:
            raise Refused("to", "请选择接手的人员")
        to = find(User, int(chosen))
        deeds.hand_over(user, to=to, by=g.user, at=clock.now())
    except Refused as refused:
        return _handover_page(user, chosen, refused.by_field()), 422
    flash(f"{user.name}的经办职责已交给{to.name}；两人都需要重新登录")
    return redirect(url_for("accounts.page", id=to.id), 303)


@accounts.get("/accounts/<int:id>/end")
@allow(Role.ADMINISTRATOR, on=User)
def ask_end(id: int) -> Any:
    return render_template("admin/accounts/end.html", person=find(User, id), errors={})


@accounts.post("/accounts/<int:id>/end")
@allow(Role.ADMINISTRATOR, on=User)
def end(id: int) -> Any:
    user = find(User, id)
    try:
        deeds.end_account(user, by=g.user, at=clock.now())
    except Refused as refused:
        errors = refused.by_field()
        return render_template("admin/accounts/end.html", person=user, errors=errors), 422
    flash(f"{user.name}的账号已停用")
    return redirect(url_for("accounts.page", id=id), 303)
