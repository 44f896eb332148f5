"""The whole URL map × every role and anonymous × own, parent, child, sibling and foreign rows."""

import re

import pytest
from builders import NOW, a_city, a_county, a_unit, a_user, signed_in
from builders_access import a_row
from flask import Flask

from huigong import access
from huigong.access import Rule
from huigong.app import make_app
from huigong.models import Grant, Member, Organization, Role, User
from huigong.refusals import StartRefused

ABSENT = 2_000_000_000
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
# Texts in an address of the office, and why no row can be reached by one.
TEXTS = {
    "enrollment.template": "an edition's public code, looked up among the visible editions",
    "audit.ask": "the kind of number; the row is `id`",
    "audit.reveal": "the kind of number; the row is `id`",
    **{
        f"operator.{view}": "the kind of file, covers or claims; the row is `id`"
        for view in ("page", "out", "layout", "save", "upload", "answer")
    },
}


@pytest.fixture
def gate(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application with every view replaced by one that only says it was reached: what
    stands before the views is what is asked here."""
    app.config["WTF_CSRF_ENABLED"] = False
    monkeypatch.setattr(app, "teardown_request_funcs", {})  # thousands of requests, one connection
    for endpoint in app.view_functions:
        app.view_functions[endpoint] = lambda **_arguments: "reached"
    return app


@pytest.fixture
def tree(office) -> dict[str, Organization]:
    """`own` is where the rows are; the others are where the users are."""
    city = a_city()
    own = a_county(city)
    return {
        "own": own,
        "parent": city,
        "child": a_unit(own),
        "sibling": a_county(city, "另一示例县总工会"),
        "foreign": a_city("外地总工会"),
    }


def doors(app: Flask) -> list[tuple[str, str, Rule, str]]:
    """Every (method, address, rule, endpoint) of the application but HEAD and OPTIONS."""
    rules = access.registry(app) if "huigong_rules" not in app.extensions else None
    rules = rules or app.extensions["huigong_rules"]
    return [
        (method, str(address), rules[address.endpoint], address.endpoint)
        for address in app.url_map.iter_rules()
        for method in sorted(address.methods - {"HEAD", "OPTIONS"})
    ]


def fill(address: str, number: int) -> str:
    """An address with every number filled in, and every text by a harmless one."""
    address = re.sub(r"<int:\w+>", str(number), address)
    return re.sub(r"<[^>]+>", "text", address)


def ask(client, method: str, address: str, **more):
    return client.open(address, method=method, **more)


def test_every_endpoint_has_a_rule(app):
    rules = app.extensions["huigong_rules"]
    assert {address.endpoint for address in app.url_map.iter_rules()} <= set(rules)


def test_an_application_with_an_undeclared_endpoint_does_not_start(app):
    app.view_functions["bare"] = lambda: "open to all"
    with pytest.raises(StartRefused, match="bare"):
        access.registry(app)


def test_an_endpoint_that_takes_a_number_must_say_of_what(office):
    view = access.allow(Role.CLERK)(lambda id: "")
    app = make_app(office)
    app.add_url_rule("/admin/nowhere/<int:id>", "nowhere", view)
    with pytest.raises(StartRefused, match="nowhere"):
        access.registry(app)


def test_an_endpoint_that_names_no_role_is_refused(app):
    app.view_functions["shut"] = access.allow()(lambda: "")
    with pytest.raises(StartRefused, match="shut"):
        access.registry(app)


def test_no_row_of_the_office_is_reached_by_a_text_in_the_address(app):
    for _, address, rule, endpoint in doors(app):
        if not rule.anyone and re.search(r"<(?!int:)", address):
            assert endpoint in TEXTS, f"{endpoint}: name its row by <int:id>, or say why not"


def test_only_these_doors_are_open_to_anyone(app):
    """A new public door is a decision: write it here."""
    public = {endpoint for _, _, rule, endpoint in doors(app) if rule.anyone}
    assert public <= {
        "accounts.sign_in", "accounts.sign_in_now", "accounts.password", "accounts.set_password",
        "organizations.register", "organizations.apply", "organizations.registered",
        "public.page", "public.office_asset", "certificate_check.ask", "certificate_check.answer",
        "claim_status.ask", "claim_status.answer",
    }  # fmt: skip


def test_nothing_of_the_office_stands_outside_admin(app):
    for _, address, rule, endpoint in doors(app):
        assert rule.anyone or address.startswith("/admin/"), endpoint


def test_anonymous_is_sent_to_sign_in_everywhere(gate, tree):
    client = gate.test_client()
    for method, address, rule, endpoint in doors(gate):
        number = a_row(rule.on, tree["own"]).id if rule.on else 1
        for there in {fill(address, number), fill(address, ABSENT)}:
            answer = ask(client, method, there)
            if rule.anyone:
                assert answer.get_data(as_text=True) == "reached", endpoint
                continue
            assert answer.status_code == 303, (endpoint, answer.status)
            assert answer.location.startswith("/admin/sign-in"), endpoint
            by_script = ask(client, method, there, headers={"HX-Request": "true"})
            assert by_script.status_code == 401, endpoint
            assert by_script.headers["HX-Redirect"].startswith("/admin/sign-in"), endpoint


@pytest.mark.parametrize("role", [*Role, None])
def test_every_role_reaches_what_its_rule_says_and_nothing_else(gate, tree, role):
    roles = [role] if role else []
    browsers = {
        place: signed_in(gate, a_user(*roles, at=organization))
        for place, organization in tree.items()
    }
    rows: dict = {}
    for method, address, rule, endpoint in doors(gate):
        if rule.anyone:
            continue
        if rule.on not in rows:
            rows[rule.on] = a_row(rule.on, tree["own"]).id if rule.on else 1
        for place, browser in browsers.items():
            answer = ask(browser, method, fill(address, rows[rule.on]))
            expected = _expected(rule, role, place, numbered="<int:id>" in address)
            assert answer.status_code == expected, (endpoint, role, place)


def _expected(rule: Rule, role: Role | None, place: str, *, numbered: bool) -> int:
    if role not in rule.roles and not rule.roleless:
        return 403
    if rule.on is None or not numbered or place in ("own", "parent"):
        return 200
    return 200 if place == "child" and rule.on.seen == "lineage" else 404


def test_foreign_and_absent_are_the_same_answer(gate, tree):
    for method, address, rule, endpoint in doors(gate):
        if rule.anyone or "<int:id>" not in address:
            continue
        client = signed_in(gate, a_user(*rule.roles, at=tree["foreign"]))
        foreign = ask(client, method, fill(address, a_row(rule.on, tree["own"]).id))
        answers = [foreign, *(ask(client, method, fill(address, n)) for n in (ABSENT, 0, 2**40))]
        assert {answer.status_code for answer in answers} == {404}, endpoint
        assert len({_without_keys(answer) for answer in answers}) == 1, endpoint


def _without_keys(answer) -> str:
    return re.sub(r'value="[^"]*"', "", answer.get_data(as_text=True))


def test_every_view_also_looks_for_itself(app, tree, monkeypatch):
    """With the look before the view taken away, each view still finds only what is its user's."""
    app.config["WTF_CSRF_ENABLED"] = False
    monkeypatch.setattr(access, "_look_first", lambda rule: None)
    for method, address, rule, endpoint in doors(app):
        if rule.anyone or "<int:id>" not in address:
            continue
        client = signed_in(app, a_user(*rule.roles, at=tree["foreign"]))
        number = a_row(rule.on, tree["own"]).id
        there = fill(address, number).replace("/text/", "/phone/")
        assert ask(client, method, there).status_code == 404, endpoint


def test_two_roles_at_two_places_do_not_become_one(gate, tree):
    """A clerk at A who is a reviewer at B is no clerk at B and no reviewer at A."""
    user = a_user(Role.CLERK, at=tree["sibling"])
    Grant.create(user=user, role=Role.REVIEWER, organization=tree["own"], on=NOW.date())
    client = signed_in(gate, user)
    seen = set()
    for method, address, rule, endpoint in doors(gate):
        if rule.anyone or rule.roleless or "<int:id>" not in address:
            continue
        held = rule.roles & {Role.CLERK, Role.REVIEWER}
        expected = 403 if not held else 200 if Role.REVIEWER in held else 404
        answer = ask(client, method, fill(address, a_row(rule.on, tree["own"]).id))
        assert answer.status_code == expected, (endpoint, held)
        seen.add(expected)
    assert 404 in seen
    assert 403 in seen


def test_what_is_visible_as_one_role_is_not_widened_by_another(app, tree):
    from flask import g

    user = a_user(Role.CLERK, at=tree["sibling"])
    Grant.create(user=user, role=Role.REVIEWER, organization=tree["own"], on=NOW.date())
    mine, theirs = a_row(Member, tree["sibling"]), a_row(Member, tree["own"])
    with app.test_request_context("/"):
        from huigong.workflows import accounts

        g.user, g.grants = user, accounts.grants_of(user)
        g.rule = Rule(anyone=False, roles=frozenset({Role.CLERK, Role.REVIEWER}))
        assert {row.id for row in access.visible(Member)} == {mine.id, theirs.id}
        assert {row.id for row in access.visible(Member, Role.CLERK)} == {mine.id}
        assert {row.id for row in access.visible(Member, Role.REVIEWER)} == {theirs.id}
        assert not list(access.visible(Member, Role.FINANCE))


def test_an_ended_grant_and_an_ended_account_open_nothing(gate, tree):
    user = a_user(Role.ADMINISTRATOR, at=tree["own"])
    client = signed_in(gate, user)
    assert client.get("/admin/accounts").status_code == 200
    Grant.update(ended_on=NOW.date()).where(Grant.user == user).execute()
    assert client.get("/admin/accounts").status_code == 403
    User.update(ended_on=NOW.date()).where(User.id == user.id).execute()
    assert client.get("/admin/accounts").status_code == 303


def test_the_menu_offers_only_what_opens(gate, tree):
    for role in Role:
        client = signed_in(gate, a_user(role, at=tree["own"]))
        for _, address, rule, endpoint in doors(gate):
            if rule.menu:
                opens = client.get(fill(address, 1)).status_code == 200
                assert opens == (role in rule.roles), (endpoint, role)


def test_an_organization_whose_number_begins_alike_is_not_inside(gate, tree):
    """/1/2/ is a prefix of /1/2/3/ and not of /1/23/."""
    own = tree["own"]
    twin = a_unit(tree["parent"])
    Organization.update(path=own.path.rstrip("/") + "7/").where(
        Organization.id == twin.id
    ).execute()
    client = signed_in(gate, a_user(Role.ADMINISTRATOR, at=own))
    assert client.get(f"/admin/organizations/{twin.id}").status_code == 404
