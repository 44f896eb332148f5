"""Two `huigong serve` on one database: one session, one answer to a form, one worker to a job."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from builders import a_city, a_user, signed_in
from builders_enrollment import a_roster_file
from test_brakes import failed
from test_roster_work import a_begun_roster, again

from huigong.config import DEMO_MARK, demo_mark
from huigong.models import FormKey, Income, Role, RosterJob
from huigong.workflows import brakes, verification

SEEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args, **_more):
        return None


def a_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def servers(office):
    """The addresses of two web processes on this office."""
    (office.home / DEMO_MARK).write_text(demo_mark(office.database_url))
    environ = {
        **os.environ, "HUIGONG_HOME": str(office.home), "HUIGONG_KEYS": str(office.keys),
        "DATABASE_URL": office.database_url, "HUIGONG_PROXIES": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "huigong.cli", "serve", "--port"]
    ports = [a_free_port(), a_free_port()]
    log = (office.home / "server.log").open("w")
    running = [
        subprocess.Popen([*command, str(port)], env=environ, stdout=log, stderr=log)
        for port in ports
    ]
    try:
        for server, port in zip(running, ports, strict=True):
            wait_until(lambda p=port: answers(p), server)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for server in running:
            server.terminate()
            server.wait(10)
        log.close()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(asked, server=None):
    deadline = time.monotonic() + 30
    while not asked():
        assert time.monotonic() < deadline
        assert server is None or server.poll() is None
        time.sleep(0.05)


def ask(address, cookie, form=None, client="203.0.113.1"):
    """(status, text, where to) of one request, as a proxy hands it on for a client."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    said = {"Cookie": cookie, "X-Forwarded-For": client}
    request = urllib.request.Request(address, data=data, headers=said)  # noqa: S310 our own server
    try:
        answer = urllib.request.build_opener(_Stay).open(request, timeout=30)
    except urllib.error.HTTPError as other:
        answer = other
    with answer:
        return answer.status, answer.read().decode(), answer.headers.get("Location", "")


def cookie_of(browser):
    cookie = browser.get_cookie("huigong")
    return f"{cookie.key}={cookie.value}"


def at_once(servers, *request):
    with ThreadPoolExecutor(2) as both:
        asked = [both.submit(ask, servers[0] + request[0], *request[1:]),
                 both.submit(ask, servers[1] + request[0], *request[1:])]  # fmt: skip
    return [answer.result() for answer in asked]


def test_two_servers_are_one_office(app, office, servers):
    city = a_city()
    browser = signed_in(app, a_user(Role.FINANCE, at=city))
    browser.get("/admin/")
    cookie = cookie_of(browser)
    pages = at_once(servers, f"/admin/incomes/new/{city.id}", cookie)
    assert [status for status, _, _ in pages] == [200, 200], "a session holds at both"

    form = {
        "csrf_token": SEEN.search(pages[0][1]).group(1), "form_key": "pressed-twice",
        "kind": "fiscal", "giver": "示例财政局", "purpose": "", "amount": "500.00",
        "received_on": "2024-12-16", "bank_reference": "CZ1", "scheme": "",
    }  # fmt: skip
    sent = at_once(servers, f"/admin/incomes/new/{city.id}", cookie, form)
    assert 303 in {status for status, _, _ in sent}
    assert {status for status, _, _ in sent} <= {303, 409}
    assert Income.select().count() == FormKey.select().count() == 1
    replayed = at_once(servers, f"/admin/incomes/new/{city.id}", cookie, form)
    assert [(status, where) for status, _, where in replayed] == [(303, "/admin/incomes/")] * 2

    roster = a_begun_roster(office, a_roster_file(5))
    clerk = signed_in(app, roster.made_by)
    clerk.get("/admin/")
    pages = at_once(servers, f"/admin/rosters/{roster.id}", cookie_of(clerk))
    assert [status for status, _, _ in pages] == [200, 200]
    wait_until(lambda: not RosterJob.select().exists())
    assert (again(roster).stage, again(roster).people) == ("draft", 5)

    out = {"csrf_token": form["csrf_token"], "form_key": "out"}
    assert ask(servers[0] + "/admin/sign-out", cookie, out)[0] == 303
    status, _, where = ask(servers[1] + "/admin/incomes/", cookie)
    assert (status, where.split("?")[0]) == (303, "/admin/sign-in"), "signed out is out everywhere"
    assert verification.findings(office.files) == []


def test_two_servers_slow_the_same_address_as_their_proxy_names_it(app, servers):
    a_city()
    browser = app.test_client()
    token = SEEN.search(browser.get("/admin/sign-in").text).group(1)
    form = {"csrf_token": token, "login": "nobody", "password": "wrong"}

    def fares(server, client):
        return ask(f"{server}/admin/sign-in", cookie_of(browser), form, client)[0]

    guesser = "198.51.100.9"
    failed(brakes.SIGN_IN.most - 1, guesser)
    assert fares(servers[0], guesser) == 422
    assert [fares(server, guesser) for server in servers] == [429, 429]
    assert [fares(server, "203.0.113.7") for server in servers] == [422, 422]
