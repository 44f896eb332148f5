import re
from datetime import timedelta

import pytest
from builders import NOW, a_city, a_county, a_unit, a_user, signed_in

from huigong import clock
from huigong.models import AuditEvent, Grant, OneTimeLink, Role, Session, User
from huigong.refusals import Refused
from huigong.workflows import accounts

PASSWORD = "correct horse battery"


def with_password(user: User) -> User:
    token = accounts.make_link(user, by=None, at=clock.real_now())
    accounts.set_password(token=token, password=PASSWORD, again=PASSWORD, at=clock.real_now())
    return User.get_by_id(user.id)


def enter(client, user: User, password: str = PASSWORD, address: str = "/admin/sign-in"):
    return client.send(address, {"login": user.login, "password": password})


def test_a_user_sets_a_password_by_link_and_signs_in(app):
    user = a_user(Role.CLERK, at=a_city())
    token = accounts.make_link(user, by=None, at=clock.real_now())
    client = app.test_client()
    sent = client.send(
        f"/admin/password/{token}", {"password": "correct horse", "again": "correct horse"}
    )
    assert sent.status_code == 303
    sent = client.send("/admin/sign-in", {"login": user.login, "password": "correct horse"})
    assert sent.status_code == 303
    assert user.name in client.get("/admin/").get_data(as_text=True)


def test_invisible_marks_do_not_hide_in_a_name(app):
    city = a_city()
    made = accounts.open_account(
        name=" 演示\u202e李\u200b四 ", login="lisi", organization=city, roles=[Role.CLERK],
        by=None, at=NOW,
    )  # fmt: skip
    assert made.name == "演示李四"


# ── Signing in ──────────────────────────────────────────────────────────────────────────────


def test_an_unknown_login_a_wrong_password_and_a_locked_account_sound_alike(app):
    user = with_password(a_user(Role.CLERK, at=a_city()))
    client = app.test_client()
    wrong = enter(client, user, "not the password")
    unknown = client.send("/admin/sign-in", {"login": "nobody", "password": "x"})
    for _ in range(accounts.MOST_FAILURES):
        locked = enter(client, user, "not the password")

    def says(answer):
        return answer.get_data(as_text=True).split('class="wrong"')[1].split("</p>")[0]

    assert wrong.status_code == unknown.status_code == locked.status_code == 422
    assert says(wrong) == says(unknown) == says(locked)


def test_five_failures_lock_the_account_across_a_restart(office, app):
    from huigong.app import make_app

    user = with_password(a_user(Role.CLERK, at=a_city()))
    for _ in range(accounts.MOST_FAILURES):
        enter(app.test_client(), user, "not the password")
    restarted = make_app(office)
    restarted.test_client_class = app.test_client_class
    assert enter(restarted.test_client(), user).status_code == 422
    User.update(locked_until=clock.real_now() - timedelta(seconds=1)).execute()
    assert enter(restarted.test_client(), user).status_code == 303
    assert "lock account" in [event.deed for event in AuditEvent.select()]


def test_a_good_sign_in_forgets_earlier_failures(app):
    user = with_password(a_user(Role.CLERK, at=a_city()))
    for _ in range(2):
        for _ in range(accounts.MOST_FAILURES - 1):
            assert enter(app.test_client(), user, "wrong").status_code == 422
        assert enter(app.test_client(), user).status_code == 303


def test_a_failed_sign_in_is_counted_though_it_is_refused(office):
    user = with_password(a_user(Role.CLERK, at=a_city()))
    with pytest.raises(Refused):
        accounts.sign_in(login=user.login, password="wrong", at=clock.real_now())
    assert User.get_by_id(user.id).failures == 1


def test_an_account_without_a_password_cannot_be_entered(app):
    user = a_user(Role.CLERK, at=a_city())
    for password in ("", "x", user.login):
        assert enter(app.test_client(), user, password).status_code == 422


def test_a_login_is_the_same_in_capitals(app):
    user = with_password(a_user(Role.CLERK, at=a_city()))
    sent = app.test_client().send(
        "/admin/sign-in", {"login": user.login.upper(), "password": PASSWORD}
    )
    assert sent.status_code == 303


def test_signing_in_gives_a_new_session_id_and_forgets_the_visitor_s_cookie(app):
    user = with_password(a_user(Role.CLERK, at=a_city()))
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["planted"] = "yes"
    assert enter(client, user).status_code == 303
    with client.session_transaction() as cookie:
        assert "planted" not in cookie
        first = cookie["token"]
    client.send("/admin/sign-out")
    enter(client, user)
    with client.session_transaction() as cookie:
        assert cookie["token"] != first


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "//evil.example/admin/", "/\\evil.example", "/admin/\\evil",
        "javascript:alert(1)", "/not-the-office", "admin/", "https:/admin/", "/admin/../..//evil",
        "\t//evil.example/admin/", "/admin/\r\nSet-Cookie: a=b",
    ],
)  # fmt: skip
def test_next_leads_only_into_the_office(app, address):
    from urllib.parse import quote

    user = with_password(a_user(Role.CLERK, at=a_city()))
    sent = enter(app.test_client(), user, address=f"/admin/sign-in?next={quote(address, safe='')}")
    assert sent.status_code == 303
    assert sent.location == "/admin/"


def test_next_leads_back_to_where_one_was(app):
    user = with_password(a_user(Role.ADMINISTRATOR, at=a_city()))
    asked = app.test_client().get("/admin/accounts?q=a")
    assert asked.status_code == 303
    sent = enter(app.test_client(), user, address=asked.location)
    assert sent.location == "/admin/accounts?q=a"


# ── Sessions ────────────────────────────────────────────────────────────────────────────────


def test_a_session_ends_after_thirty_idle_minutes(app):
    client = signed_in(app, a_user(Role.CLERK, at=a_city()))
    assert client.get("/admin/").status_code == 200
    Session.update(seen_at=clock.real_now() - timedelta(minutes=31)).execute()
    assert client.get("/admin/").status_code == 303


def test_a_session_ends_after_twelve_hours_however_busy(app):
    client = signed_in(app, a_user(Role.CLERK, at=a_city()))
    Session.update(started_at=clock.real_now() - timedelta(hours=12, minutes=1)).execute()
    assert client.get("/admin/").status_code == 303


def test_a_session_in_use_stays_alive(app):
    client = signed_in(app, a_user(Role.CLERK, at=a_city()))
    Session.update(seen_at=clock.real_now() - timedelta(minutes=29)).execute()
    assert client.get("/admin/").status_code == 200
    assert Session.get().seen_at > clock.real_now() - timedelta(minutes=1)


def test_signing_out_makes_the_cookie_worthless(app):
    client = signed_in(app, a_user(Role.CLERK, at=a_city()))
    with client.session_transaction() as cookie:
        token = cookie["token"]
    assert client.send("/admin/sign-out").status_code == 303
    stolen = app.test_client()
    with stolen.session_transaction() as cookie:
        cookie["token"] = token
    assert stolen.get("/admin/").status_code == 303


def test_one_signs_out_everywhere_but_here(app):
    user = a_user(Role.CLERK, at=a_city())
    here, there = signed_in(app, user), signed_in(app, user)
    assert there.get("/admin/me").get_data(as_text=True).count("其他设备</td>") == 1
    assert here.send("/admin/me/sessions").status_code == 303
    assert here.get("/admin/").status_code == 200
    assert there.get("/admin/").status_code == 303


# ── Links ───────────────────────────────────────────────────────────────────────────────────


def test_a_link_works_once(app):
    user = a_user(Role.CLERK, at=a_city())
    token = accounts.make_link(user, by=None, at=clock.real_now())
    form = {"password": PASSWORD, "again": PASSWORD}
    assert app.test_client().send(f"/admin/password/{token}", form).status_code == 303
    assert app.test_client().send(f"/admin/password/{token}", form).status_code == 422
    assert "已过期" in app.test_client().get(f"/admin/password/{token}").get_data(as_text=True)


def test_a_link_lapses_after_three_days_and_when_a_newer_one_is_made(office):
    user, now = a_user(Role.CLERK, at=a_city()), clock.real_now()
    first = accounts.make_link(user, by=None, at=now)
    second = accounts.make_link(user, by=None, at=now)
    assert accounts.link_of(first, now=now) is None
    assert accounts.link_of(second, now=now) is not None
    assert accounts.link_of(second, now=now + accounts.LINK_LASTS) is None


@pytest.mark.parametrize(
    ("password", "again", "field"),
    [("short", "short", "password"), ("x" * 201, "x" * 201, "password"),
     (PASSWORD, PASSWORD + "!", "again")],
)  # fmt: skip
def test_a_poor_password_is_refused_and_the_link_still_works(app, password, again, field):
    token = accounts.make_link(a_user(Role.CLERK, at=a_city()), by=None, at=clock.real_now())
    form = {"password": password, "again": again}
    sent = app.test_client().send(f"/admin/password/{token}", form)
    assert sent.status_code == 422
    assert f'href="#{field}"' in sent.get_data(as_text=True)
    assert accounts.link_of(token, now=clock.real_now()) is not None


def test_setting_a_password_ends_every_session(app):
    user = a_user(Role.CLERK, at=a_city())
    client = signed_in(app, user)
    with_password(user)
    assert client.get("/admin/").status_code == 303


def test_only_hashes_of_links_and_sessions_are_kept(office):
    user = with_password(a_user(Role.CLERK, at=a_city()))
    link = accounts.make_link(user, by=None, at=clock.real_now())
    cookie = accounts.sign_in(login=user.login, password=PASSWORD, at=clock.real_now())
    assert link not in {row.token_hash for row in OneTimeLink.select()}
    assert cookie not in {row.token_hash for row in Session.select()}
    assert user.password_hash.startswith("$argon2id$")


def test_the_level_above_resets_a_password_and_nobody_resets_a_superior(office):
    city = a_city()
    county = a_county(city)
    above, boss = a_user(Role.ADMINISTRATOR, at=city), a_user(Role.ADMINISTRATOR, at=county)
    peer = a_user(Role.ADMINISTRATOR, at=county)
    clerk = a_user(Role.CLERK, at=a_unit(county))
    reviewer = a_user(Role.REVIEWER, at=city)
    now = clock.real_now()
    assert accounts.make_link(boss, by=above, at=now)
    assert accounts.make_link(clerk, by=boss, at=now)
    for by, user in ((boss, above), (boss, peer), (boss, boss), (reviewer, clerk)):
        with pytest.raises(Refused):
            accounts.make_link(user, by=by, at=now)


def test_a_local_administrator_cannot_take_over_an_account_with_a_role_higher_up(office):
    city = a_city()
    county = a_county(city)
    boss = a_user(Role.ADMINISTRATOR, at=county)
    lent = a_user(Role.CLERK, at=county)
    Grant.create(user=lent, role=Role.REVIEWER, organization=city, on=NOW.date())
    for deed in (
        lambda: accounts.make_link(lent, by=boss, at=clock.real_now()),
        lambda: accounts.end_account(lent, by=boss, at=NOW),
        lambda: accounts.change_roles(lent, roles={(Role.CLERK, county)}, by=boss, at=NOW),
    ):
        with pytest.raises(Refused, match="管辖范围"):
            deed()


# ── Roles ───────────────────────────────────────────────────────────────────────────────────


def held(user: User) -> set[tuple[str, int]]:
    return {(grant.role, grant.organization_id) for grant in accounts.grants_of(user)}


def test_changing_roles_ends_sessions_and_keeps_what_was(app):
    city = a_city()
    boss, user = a_user(Role.ADMINISTRATOR, at=city), a_user(Role.CLERK, at=city)
    client, admin = signed_in(app, user), signed_in(app, boss)
    chosen = {"roles": [f"reviewer:{city.id}", f"finance:{city.id}"]}
    assert admin.send(f"/admin/accounts/{user.id}/roles", chosen).status_code == 303
    assert held(user) == {("reviewer", city.id), ("finance", city.id)}
    assert client.get("/admin/").status_code == 303
    ended = Grant.get(Grant.user == user, Grant.role == Role.CLERK)
    assert ended.ended_on == NOW.date()


def test_nobody_changes_their_own_roles(office):
    city = a_city()
    boss = a_user(Role.ADMINISTRATOR, at=city)
    with pytest.raises(Refused, match="自己"):
        accounts.change_roles(
            boss, roles={(Role.ADMINISTRATOR, city), (Role.FINANCE, city)}, by=boss, at=NOW
        )


def test_nobody_grants_a_role_where_they_do_not_administrate(app):
    city, other = a_city(), a_city("外地总工会")
    county = a_county(city)
    boss = a_user(Role.ADMINISTRATOR, at=county)
    clerk = a_user(Role.CLERK, at=a_unit(county))
    for role, place in (
        (Role.REVIEWER, city), (Role.CLERK, other), (Role.ADMINISTRATOR, county),
    ):  # fmt: skip
        with pytest.raises(Refused):
            accounts.change_roles(clerk, roles={(role, place)}, by=boss, at=NOW)
    before = held(clerk)
    signed_in(app, boss).send(
        f"/admin/accounts/{clerk.id}/roles",
        {"roles": [f"clerk:{clerk.organization_id}", f"reviewer:{city.id}"]},
    )
    assert held(clerk) == before, "a forged place is not even seen"


def test_an_account_keeps_at_least_one_role(app):
    city = a_city()
    user = a_user(Role.CLERK, at=city)
    sent = signed_in(app, a_user(Role.ADMINISTRATOR, at=city)).send(
        f"/admin/accounts/{user.id}/roles", {}
    )
    assert sent.status_code == 422
    assert held(user) == {("clerk", city.id)}


def test_the_last_administrator_stays(office):
    city = a_city()
    only = a_user(Role.ADMINISTRATOR, at=city.parent)
    with pytest.raises(Refused, match="没有管理员"):
        accounts.end_account(only, by=None, at=NOW)
    with pytest.raises(Refused, match="没有管理员"):
        accounts.change_roles(only, roles={(Role.CLERK, city)}, by=None, at=NOW)
    assert held(only) == {("administrator", city.parent_id)}
    second = a_user(Role.ADMINISTRATOR, at=city.parent)
    assert accounts.end_account(only, by=second, at=NOW).ended_on


def test_an_ended_account_is_shut_and_not_ended_twice(app):
    city = a_city()
    boss, user = a_user(Role.ADMINISTRATOR, at=city), with_password(a_user(Role.CLERK, at=city))
    link = accounts.make_link(user, by=boss, at=clock.real_now())
    client, admin = signed_in(app, user), signed_in(app, boss)
    assert admin.send(f"/admin/accounts/{user.id}/end").status_code == 303
    assert client.get("/admin/").status_code == 303
    assert enter(app.test_client(), user).status_code == 422
    assert accounts.link_of(link, now=clock.real_now()) is None
    assert held(user) == set()
    assert admin.send(f"/admin/accounts/{user.id}/end").status_code == 422


# ── Opening and handing over ────────────────────────────────────────────────────────────────


def test_an_administrator_opens_an_account_and_gets_its_link_once(app):
    city = a_city()
    unit = a_unit(city)
    client = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    form = {"name": "演示丁", "login": "DingYi", "roles": ["clerk"]}
    sent = client.send(f"/admin/organizations/{unit.id}/accounts/new", form)
    assert sent.status_code == 303
    assert "/admin/password/" in client.get(sent.location).get_data(as_text=True)
    assert "/admin/password/" not in client.get(sent.location).get_data(as_text=True)
    assert User.get(User.login == "dingyi").organization == unit


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"name": "", "login": "abc", "roles": ["clerk"]}, "name"),
        ({"name": "演示", "login": "a", "roles": ["clerk"]}, "login"),
        ({"name": "演示", "login": "有中文", "roles": ["clerk"]}, "login"),
        ({"name": "演示", "login": "abcd"}, "roles"),
        ({"name": "演示", "login": "abcd", "roles": ["emperor"]}, "roles"),
        ({"name": "演示", "login": "abcd", "roles": ["administrator"]}, "roles"),
    ],
)
def test_a_poor_account_comes_back_with_what_was_typed(app, form, field):
    city = a_city()
    client = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    sent = client.send(f"/admin/organizations/{city.id}/accounts/new", form)
    assert sent.status_code == 422
    assert f'href="#{field}"' in sent.get_data(as_text=True)
    assert User.select().count() == 1


def test_everything_wrong_with_an_account_is_told_at_once(app):
    city = a_city()
    client = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    address = f"/admin/organizations/{city.id}/accounts/new"
    empty = client.send(address, {}).get_data(as_text=True)
    summary = empty.partition('id="error-summary"')[2].partition("</ul>")[0]
    assert re.findall(r'href="#(\w+)"', summary) == ["name", "login", "roles"]
    taken = {"name": "演" * 51, "login": User.get().login, "roles": ["administrator"]}
    page = client.send(address, taken).get_data(as_text=True)
    for told in ("最多 50 字", "这个登录名已被使用", "本级管理员由上级工会指定"):
        assert told in page


def test_a_clerk_s_duties_go_to_a_colleague_in_one_deed(app):
    city = a_city()
    unit = a_unit(city)
    old, new = a_user(Role.CLERK, at=unit), a_user(Role.EDITOR, at=unit)
    browsers = signed_in(app, old), signed_in(app, new)
    admin = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    assert admin.send(f"/admin/accounts/{old.id}/handover", {"to": new.id}).status_code == 303
    assert held(old) == set()
    assert held(new) == {("clerk", unit.id), ("editor", unit.id)}
    assert [browser.get("/admin/").status_code for browser in browsers] == [303, 303]
    event = AuditEvent.get(AuditEvent.deed == "hand over")
    assert f"User:{new.id}" in event.detail
    assert "open rosters 0" in event.detail


def test_duties_are_not_handed_to_another_unit_or_by_a_stranger(app):
    city = a_city()
    old, far = a_user(Role.CLERK, at=a_unit(city)), a_user(Role.CLERK, at=a_unit(city))
    admin = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    address = f"/admin/accounts/{old.id}/handover"
    assert admin.send(address, {"to": far.id}).status_code == 422
    assert admin.send(address, {"to": ""}).status_code == 422
    stranger = a_user(Role.CLERK, at=a_city("外地总工会"))
    assert admin.send(address, {"to": stranger.id}).status_code == 404
    assert held(old) == {("clerk", old.organization_id)}


def test_the_list_of_people_stays_inside_the_subtree(app):
    city = a_city()
    near, far = a_user(Role.CLERK, at=a_unit(city)), a_user(Role.CLERK, at=a_city("外地总工会"))
    page = signed_in(app, a_user(Role.ADMINISTRATOR, at=city)).get("/admin/accounts")
    assert near.login in page.get_data(as_text=True)
    assert f">{far.login}<" not in page.get_data(as_text=True)
