"""What stands between the office and a stranger: headers, cookies, tokens, keys, error pages."""

import logging
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import PageClient, a_city, a_user, signed_in

from huigong import database
from huigong.admin import one_time
from huigong.app import make_app
from huigong.clock import real_now
from huigong.models import FormKey, Organization, Role, Session, User


@pytest.fixture
def boss(app):
    return signed_in(app, a_user(Role.ADMINISTRATOR, at=a_city()))


@pytest.fixture
def production(office):
    application = make_app(replace(office, production=True, proxies=1))
    application.test_client_class = PageClient
    return application


PAGES = ["/admin/sign-in", "/admin/register", "/admin/", "/admin/nowhere", "/nowhere",
         "/admin/static/office.css", "/admin/static/htmx.js", "/"]  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_every_answer_carries_the_security_headers(app, address):
    headers = app.test_client().get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


def test_pages_of_the_signed_in_are_not_stored(boss):
    for address in ("/admin/", "/admin/nowhere", "/admin/accounts"):
        assert boss.get(address).headers["Cache-Control"] == "no-store"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app):
    cookie = app.test_client().get("/admin/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_in_production_the_cookie_is_bound_to_the_host_and_to_https(production):
    answer = production.test_client().get("/admin/sign-in", base_url="https://office.example")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-huigong=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_forged_cookie_opens_nothing(app, boss):
    client = app.test_client()
    value = boss.get_cookie("huigong").value
    client.set_cookie("huigong", value[:-3] + "abc")
    assert client.get("/admin/").status_code == 303


# ── Forms from elsewhere ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("token", [None, "", "made-up"])
def test_a_form_without_its_token_is_refused_with_a_page_that_says_what_to_do(boss, token):
    form = {"csrf_token": token} if token is not None else {}
    answer = boss.post("/admin/me/sessions", data=form)
    assert answer.status_code == 400
    assert "已过期" in answer.get_data(as_text=True)


def test_the_token_of_another_session_is_refused(app, boss):
    other = signed_in(app, a_user(Role.CLERK, at=a_city("外地总工会")))
    page = other.get("/admin/me").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    assert boss.post("/admin/me/sessions", data={"csrf_token": token}).status_code == 400


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)],
)
def test_a_form_sent_from_another_site_is_refused_whatever_its_token(boss, site, status):
    answer = boss.send("/admin/me/sessions", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status


def test_a_link_from_another_site_still_opens_a_page(boss):
    answer = boss.get("/admin/", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200


def test_a_method_cannot_be_overridden(boss):
    for name in ("X-HTTP-Method-Override", "X-Method-Override"):
        assert boss.get("/admin/sign-out", headers={name: "POST"}).status_code in (404, 405)
    assert boss.get("/admin/sign-out?_method=POST").status_code in (404, 405)
    assert boss.get("/admin/").status_code == 200
    assert boss.open("/admin/accounts", method="DELETE").status_code in (400, 405)


def test_head_and_options_do_not_do_what_post_does(boss):
    assert Session.select().where(Session.ended_at.is_null()).count() == 1
    assert boss.head("/admin/me").status_code == 200
    assert boss.head("/admin/sign-out").status_code in (404, 405)
    assert boss.open("/admin/sign-out", method="OPTIONS").status_code == 200
    assert boss.get("/admin/").status_code == 200


def test_options_and_head_ask_for_a_sign_in_too(app):
    for method in ("OPTIONS", "HEAD"):
        answer = app.test_client().open("/admin/accounts", method=method)
        assert answer.status_code == 303
        assert answer.get_data() == b"" or b"/admin/sign-in" in answer.get_data()


def test_a_strange_host_does_not_reach_redirects_or_pages(app):
    client = app.test_client()
    answer = client.get("/admin/accounts", headers={"Host": "evil.example"})
    assert answer.location.startswith("/admin/sign-in")
    page = client.get("/admin/sign-in", headers={"Host": "evil.example"})
    assert "evil.example" not in page.get_data(as_text=True)


def test_forwarded_headers_count_only_in_production(app):
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-For": "9.9.9.9"}
    with app.test_request_context("/", headers=forwarded) as context:
        assert context.request.host == "localhost"


# ── Bad input ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ["/admin/accounts?q=%00", "/admin/audit?person=a%00b"])
def test_a_nul_in_an_address_is_refused(boss, address):
    assert boss.get(address).status_code == 400


def test_a_nul_in_a_form_is_refused(boss):
    place = Organization.get(Organization.level == "city").id
    form = {"name": "a\0b", "login": "abc", "roles": ["clerk"]}
    answer = boss.send(f"/admin/organizations/{place}/accounts/new", form)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    ["q=%25", "q=_", "q='", "q=%22", "page=99999999999", "page=x", "sort=nonsense", "sort=-",
     "q=%F0%9F%98%80", "q=%FF"],
)  # fmt: skip
def test_odd_queries_get_a_page(boss, query):
    for address in ("/admin/organizations", "/admin/accounts", "/admin/audit"):
        assert boss.get(f"{address}?{query}").status_code == 200


def test_markup_that_was_typed_is_shown_as_text(boss):
    script = "<script>alert(1)</script>"
    page = boss.get("/admin/accounts", query_string={"q": script}).get_data(as_text=True)
    assert script not in page
    place = Organization.get(Organization.level == "city").id
    form = {"name": script, "login": '"><img src=x>'}
    answer = boss.send(f"/admin/organizations/{place}/accounts/new", form)
    assert answer.status_code == 422
    assert script not in answer.get_data(as_text=True)
    assert "<img" not in answer.get_data(as_text=True)


def test_a_form_with_nothing_in_it_gets_a_page(boss, app):
    assert app.test_client().send("/admin/sign-in", {}).status_code in (400, 422)
    assert app.test_client().send("/admin/register", {}).status_code == 422


def test_too_large_a_request_is_refused(app):
    app.config["MAX_CONTENT_LENGTH"] = 1000
    answer = app.test_client().send("/admin/register", {"name": "x" * 2000})
    assert answer.status_code == 413


# ── Error pages ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    ["/admin/nowhere", "/nowhere", "/admin/accounts/nowhere", "/../etc/passwd",
     "/admin/static/../app.py", "/admin/static/"],
)  # fmt: skip
def test_an_unknown_address_has_a_helpful_404_in_both_halves(boss, address):
    answer = boss.get(address)
    assert answer.status_code == 404
    assert "没有找到" in answer.get_data(as_text=True)


@pytest.fixture
def failing(app):
    """An application whose home page fails as only a bug does."""

    def view():
        raise RuntimeError("a secret detail of the machine")

    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.view_functions["accounts.me"] = view
    app.view_functions["accounts.end_other_sessions"] = view
    return app


def test_a_bug_shows_the_500_page_and_is_logged(failing, caplog):
    client = signed_in(failing, a_user(Role.CLERK, at=a_city()))
    with caplog.at_level(logging.ERROR):
        answer = client.get("/admin/me")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "系统出错" in page
    assert "a secret detail" not in page
    assert "a secret detail" in caplog.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# ── One-time keys ───────────────────────────────────────────────────────────────────────────


def open_account(client, key: str, login: str):
    place = Organization.get(Organization.level == "city").id
    form = {"name": "演示", "login": login, "roles": ["clerk"], "form_key": key}
    return client.send(f"/admin/organizations/{place}/accounts/new", form)


def test_a_double_click_gets_the_first_answer_and_does_the_deed_once(boss):
    first, second = open_account(boss, "one", "aaa"), open_account(boss, "one", "bbb")
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location


def test_a_form_sent_to_an_address_that_is_not_gets_its_page_at_once(boss):
    began = time.monotonic()
    answer = boss.send("/admin/accounts/1/no-such-page", {"form_key": "one"})
    assert (answer.status_code, time.monotonic() - began < 4) == (405, True)
    assert not FormKey.select().exists()


def test_two_tabs_are_two_deeds(boss):
    first, second = open_account(boss, "one", "aaa"), open_account(boss, "two", "bbb")
    assert first.location != second.location


def test_a_refused_form_keeps_its_key_for_the_next_try(boss):
    assert open_account(boss, "one", "!").status_code == 422
    assert open_account(boss, "one", "aaa").status_code == 303


def test_the_key_of_another_session_replays_nothing(app, boss):
    first = open_account(boss, "one", "aaa")
    other = signed_in(app, a_user(Role.ADMINISTRATOR, at=a_city("外地总工会")))
    answer = other.send("/admin/me/sessions", {"form_key": "one"})
    assert answer.status_code == 409
    assert first.location not in answer.get_data(as_text=True)


def a_sending_at_work():
    """The key of a form whose first sending has no answer yet."""
    return FormKey.create(key="one", session=Session.get(), endpoint="x", begun_at=real_now())


@contextmanager
def meanwhile(deed):
    """Something done by another thread, a moment after this one has begun to wait."""

    def later():
        time.sleep(0.3)
        with database.db.connection_context():
            deed().execute()

    other = threading.Thread(target=later)
    other.start()
    yield
    other.join()


def test_a_double_click_waits_for_the_answer_of_the_first(boss):
    row = a_sending_at_work()
    with meanwhile(lambda: FormKey.update(location="/first").where(FormKey.id == row.id)):
        answer = open_account(boss, "one", "aaa")
    assert (answer.status_code, answer.location) == (303, "/first")
    assert not User.select().where(User.login == "aaa").exists()


def test_a_double_click_on_a_form_that_is_refused_is_judged_for_itself(boss):
    row = a_sending_at_work()
    with meanwhile(lambda: FormKey.delete().where(FormKey.id == row.id)):
        answer = open_account(boss, "one", "aaa")
    assert answer.status_code == 303
    assert User.select().where(User.login == "aaa").exists()


def test_a_key_in_use_answers_409_until_it_is_given_up(boss, monkeypatch):
    monkeypatch.setattr(one_time, "PATIENCE", timedelta(0))
    row = a_sending_at_work()
    begun = row.begun_at
    answer = open_account(boss, "one", "aaa")
    assert answer.status_code == 409
    assert "还在处理" in answer.get_data(as_text=True)
    FormKey.update(begun_at=begun - timedelta(minutes=11)).where(FormKey.id == row.id).execute()
    assert open_account(boss, "two", "bbb").status_code == 303
    assert open_account(boss, "one", "aaa").status_code == 303


def test_a_bug_frees_the_key_so_that_the_form_can_be_sent_again(failing):
    client = signed_in(failing, a_user(Role.CLERK, at=a_city()))
    page = client.get("/admin/").get_data(as_text=True)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    form = {"csrf_token": token, "form_key": "one"}
    assert client.post("/admin/me/sessions", data=form).status_code == 500
    assert not FormKey.select().exists()


def test_an_endless_key_is_not_kept_endlessly(boss):
    assert open_account(boss, "k" * 5000, "aaa").status_code == 303
    assert len(FormKey.get().key) <= 64
    assert open_account(boss, "k" * 5000, "bbb").status_code == 303
    assert FormKey.select().count() == 1


# ── Odd addresses ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address", ["/" + "a" * 300, "/" + "惠" * 90, "/a" * 2500, "/zhengzhou/" + "%20" * 400]
)
def test_an_address_longer_than_any_file_name_is_a_page_that_does_not_exist(app, address):
    assert app.test_client().get(address).status_code == 404


@pytest.mark.parametrize("query", ["endpoint=x", "_method=x", "_scheme=javascript&_external=1"])
@pytest.mark.parametrize("address", ["/admin/accounts", "/admin/organizations", "/admin/audit"])
def test_what_a_visitor_types_into_a_query_stays_a_query(boss, address, query):
    for _ in range(51):
        a_user(Role.CLERK, at=Organization.get(Organization.level == "city"))
    answer = boss.get(f"{address}?{query}")
    assert answer.status_code == 200
    links = re.findall(r'href="([^"]*)"', answer.get_data(as_text=True))
    assert all(link.startswith(("/", "#", "data:,")) for link in links), links
