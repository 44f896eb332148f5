"""Who may do what, and on what they may do it. Deny by default.

Every endpoint carries a rule (`allow`); the app does not start when one does not. What a rule's
roles may touch is the subtree of the organizations where the signed-in user holds one of *those*
roles: `visible` and `find` read only inside it, so what is foreign is as absent (404).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, TypeVar, cast

from flask import Flask, abort, g, request
from peewee import Expression, ModelSelect, fn
from werkzeug.routing import IntegerConverter
from werkzeug.routing import Rule as URLRule

from huigong.models import Base, Grant, Level, Organization, Role
from huigong.refusals import StartRefused

ROLE_NAMES = {
    Role.CLERK: "经办人",
    Role.REVIEWER: "审核人",
    Role.FINANCE: "财务",
    Role.AUDITOR: "监督",
    Role.EDITOR: "编辑",
    Role.ADMINISTRATOR: "管理员",
}
EVERY_ROLE = frozenset(Role)
_FEW = 100  # organizations, named one by one
_HIGH = (Level.PROVINCE, Level.CITY)
_LARGEST_ID = 2**31 - 1  # past that PostgreSQL does not even compare

View = TypeVar("View", bound=Callable[..., Any])
Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Rule:
    """Who may use an endpoint: anyone, or holders of one of `roles`, or also (`roleless`) whoever
    has signed in. `on` is what it touches; `menu` is its label and place in the menu."""

    anyone: bool
    roles: frozenset[Role]
    on: type[Base] | None = None
    menu: tuple[int, str] | None = None
    roleless: bool = False


def allow(
    *roles: Role, on: type[Base] | None = None, menu: tuple[int, str] | None = None
) -> Callable[[View], View]:
    """Open an endpoint to holders of one of `roles`, on rows of `on` inside their subtree."""
    return _with(Rule(anyone=False, roles=frozenset(roles), on=on, menu=menu))


def allow_anyone(view: View) -> View:
    """Open an endpoint to the public."""
    return _with(Rule(anyone=True, roles=frozenset()))(view)


def allow_signed_in(view: View) -> View:
    """Open an endpoint to everyone who has signed in, whatever their roles, even none."""
    return _with(Rule(anyone=False, roles=EVERY_ROLE, roleless=True))(view)


def _with(rule: Rule) -> Callable[[View], View]:
    def mark(view: View) -> View:
        cast(Any, view).access_rule = rule
        return view

    return mark


def registry(app: Flask) -> dict[str, Rule]:
    """Every endpoint's rule. Raises StartRefused for an endpoint that has none, for one that
    takes a row's number without saying whose (`on`), and for one that names no role."""
    rules = {}
    for endpoint, view in app.view_functions.items():
        rule = getattr(view, "access_rule", None)
        if rule is None:
            raise StartRefused(f"入口 {endpoint} 没有声明谁可以使用，系统拒绝启动。")
        if not (rule.anyone or rule.roles):
            raise StartRefused(f"入口 {endpoint} 没有声明任何角色，系统拒绝启动。")
        rules[endpoint] = rule
    for address in app.url_map.iter_rules():
        rule = rules[address.endpoint]
        if numbers(address) and rule.on is None and not rule.anyone:
            raise StartRefused(
                f"入口 {address.endpoint} 没有声明编号属于什么（on），系统拒绝启动。"
            )
    return rules


def route_list(app: Flask) -> list[dict[str, Any]]:
    """Every address with its methods and roles (or `anyone`, `signed-in`), for `huigong routes`."""
    rules = registry(app)
    return [
        {
            "endpoint": address.endpoint,
            "methods": sorted((address.methods or set()) - {"HEAD", "OPTIONS"}),
            "roles": _who(rules[address.endpoint]),
            "address": str(address),
        }
        for address in sorted(app.url_map.iter_rules(), key=str)
    ]


def _who(rule: Rule) -> list[str]:
    if rule.anyone:
        return ["anyone"]
    return ["signed-in"] if rule.roleless else sorted(rule.roles)


def numbers(address: URLRule) -> set[str]:
    """The names of the whole numbers in an address; `id` is the number of a row of `on`."""
    return {
        name
        for name in address.arguments
        if isinstance(address._converters[name], IntegerConverter)
    }


def enforce() -> None:
    """Before each request: the endpoint's rule against the signed-in user's grants."""
    g.rule = None
    if request.endpoint is None:
        return  # an unknown address: its 404 tells nothing
    rule: Rule = cast(Any, g.app_rules)[request.endpoint]
    g.rule = rule
    if rule.anyone:
        return
    if g.user is None:
        abort(401)
    if not (rule.roleless or grants_for(rule)):
        abort(403)
    _look_first(rule)


def _look_first(rule: Rule) -> None:
    """404 for a foreign or absent row before the view runs, whatever the view then forgets."""
    if rule.on is not None and request.view_args and "id" in request.view_args:
        find(rule.on, request.view_args["id"])


def grants_for(rule: Rule) -> list[Grant]:
    """The signed-in user's grants that count for a rule."""
    return [grant for grant in g.grants if grant.role in rule.roles]


def paths(*roles: Role) -> list[str]:
    """The subtrees where the signed-in user may use the current endpoint, as one of `roles`
    when some are named; none within another."""
    grants = grants_for(g.rule)
    held = {grant.organization.path for grant in grants if not roles or grant.role in roles}
    return sorted(path for path in held if not any(_is_within(path, other) for other in held))


def _is_within(path: str, other: str) -> bool:
    return path != other and path.startswith(other)


def holds(*roles: Role, at: Organization | None = None) -> bool:
    """Whether the signed-in user holds one of `roles`, somewhere or at or above `at`."""
    return any(
        grant.role in roles and (at is None or at.path.startswith(grant.organization.path))
        for grant in g.grants
    )


def scope(model: type[Base], *roles: Role) -> Expression:
    """The condition that keeps a query inside what the signed-in user may see, as one of
    `roles` when some are named."""
    return _inside(model, roles, met=model.few)


def scope_of_met(model: type[Base], *roles: Role) -> Expression:
    """The same condition for a query that meets few rows: where a list would be made of the
    thousands that a city has, each row's organization is looked at instead."""
    return _inside(model, roles, met=True)


def _inside(model: type[Base], roles: tuple[Role, ...], *, met: bool) -> Expression:
    seen = paths(*roles)
    inside = _within(seen)
    if model is Organization:
        return inside
    column = cast(Any, model).organization
    few = _places(seen)
    if few is None:
        return cast(Expression, column.is_null(False))
    units: Any = Organization.select(Organization.id).where(inside)
    if few:  # a few are named, each looked up
        condition = column << few
    elif met and _are_many(seen):
        condition = fn.EXISTS(units.where(Organization.id == column))
    else:
        condition = column << units
    if model.seen == "lineage":
        above = {int(node) for path in seen for node in path.split("/") if node}
        condition = condition | (column << above)
    return cast(Expression, condition)


def _within(seen: list[str]) -> Any:
    """The condition that an organization is in one of these subtrees; without a grant, no row."""
    return reduce(or_, map(Organization.within, seen)) if seen else Organization.id == -1


def _places(seen: list[str]) -> list[int] | None:
    """The ids of what these subtrees hold, empty where they are many; None where it is the one
    whole tree of this database. A page that only reads asks once."""
    key = tuple(seen)
    known = g.setdefault("places", {}) if request.method in ("GET", "HEAD") else {}
    if key not in known:
        known[key] = None if _is_whole(seen) else _few(seen)
    return cast("list[int] | None", known[key])


def _few(seen: list[str]) -> list[int]:
    units: Any = Organization.select(Organization.id).where(_within(seen))
    ids = [id for (id,) in units.limit(_FEW).tuples()]
    return (ids or [-1]) if len(ids) < _FEW else []


def _are_many(seen: list[str]) -> bool:
    """Whether these subtrees hold thousands, as a city's do, so that no list is made of them for
    a page's few rows."""
    high = {grant.organization.path for grant in g.grants if grant.organization.level in _HIGH}
    return any(path in high for path in seen)


def sees_many() -> bool:
    """Whether the signed-in user sees the thousands that a city has."""
    seen = paths()
    return not _places(seen) and _are_many(seen)


def sees_one() -> bool:
    """Whether the signed-in user may see one place only, so that nothing is sorted by place."""
    return len(_places(paths()) or ()) == 1 and _places(paths()) != [-1]


def sees_whole() -> bool:
    """Whether the signed-in user may see all there is, so that no query need ask of whom it is."""
    return _places(paths()) is None


def _is_whole(seen: list[str]) -> bool:
    """Whether these subtrees are the one whole tree of this database."""
    if any(path.count("/") > 2 for path in seen):  # /1/2/ is below something
        return False
    roots: Any = Organization.select(Organization.path).where(Organization.parent.is_null())
    return [path for (path,) in roots.limit(2).tuples()] in [[path] for path in seen]


def visible(model: type[Row], *roles: Role) -> "ModelSelect[Any]":
    """The rows of `model` the signed-in user may see on the current endpoint."""
    return model.select().where(scope(model, *roles))


def find(model: type[Row], id: int) -> Row:
    """One visible row, or 404: foreign and absent are the same."""
    if not 0 < id <= _LARGEST_ID:
        abort(404)
    row = visible(model).where(model._meta.primary_key == id).get_or_none()
    if row is None:
        abort(404)
    return cast(Row, row)


def menu(app_rules: dict[str, Rule]) -> list[tuple[str, str]]:
    """The signed-in user's menu: (endpoint, label), in order."""
    places = [
        (rule.menu[0], endpoint, rule.menu[1])
        for endpoint, rule in app_rules.items()
        if rule.menu and grants_for(rule)
    ]
    return [(endpoint, label) for _, endpoint, label in sorted(places)]
