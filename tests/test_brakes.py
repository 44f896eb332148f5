"""Signing in is slowed for an address from which too much went wrong, not for the computers of
those who work there."""

from dataclasses import replace
from datetime import timedelta

import pytest
from builders import NOW, PageClient, a_city, a_user
from test_accounts import enter, with_password

from huigong import clock
from huigong.app import make_app
from huigong.config import read_settings
from huigong.database import writes
from huigong.models import AuditEvent, Brake, Role, User
from huigong.refusals import StartRefused
from huigong.workflows import accounts, brakes

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
LIMIT = brakes.SIGN_IN


@writes
def failed(times, address=HERE, now=None):
    """So many failures from an address, without the cost of a password each."""
    now = now or clock.real_now()
    return [brakes.count(LIMIT, brakes.network_of(address), now=now) for _ in range(times)]


@pytest.fixture
def user(app):
    return with_password(a_user(Role.CLERK, at=a_city()))


def a_browser(app, address=HERE):
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def test_an_address_that_was_wrong_too_often_waits_and_is_told_how_long(app, user):
    failed(LIMIT.most - 1)
    assert enter(a_browser(app), user, "wrong").status_code == 422
    answer = enter(a_browser(app), user)  # the right password, too: nothing is told of it
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 31
    assert "从您的网络登录失败的次数太多，请过 " in answer.text
    assert f'value="{user.login}"' in answer.text
    assert enter(a_browser(app, ELSEWHERE), user).status_code == 303
    told = [event.detail for event in AuditEvent.select() if event.deed == "brake sign-in"]
    assert told == [HERE]


def test_whoever_waits_gets_one_more_try_and_not_all_of_them(office, user):
    failed(LIMIT.most, now=NOW)
    left = brakes.wait(LIMIT, HERE, now=NOW)
    assert left == LIMIT.each == timedelta(seconds=30)
    assert brakes.wait(LIMIT, HERE, now=NOW + left) == timedelta()
    failed(1, now=NOW + left)
    assert brakes.wait(LIMIT, HERE, now=NOW + left) == LIMIT.each
    after = NOW + left + LIMIT.within
    assert not any(failed(LIMIT.most - 1, now=after)), "all is forgotten after the span"
    failed(1, ELSEWHERE, now=after + LIMIT.within)
    assert Brake.select().count() == 1, "an empty one is gone"


def test_a_browser_where_somebody_signed_in_before_neither_waits_nor_counts(app, user):
    theirs = a_browser(app)
    assert enter(theirs, user).status_code == 303
    theirs.send("/admin/sign-out")
    failed(LIMIT.most)
    other = with_password(a_user(Role.CLERK, at=user.organization))
    assert enter(theirs, other).status_code == 429, "known for one login is not for another"
    assert enter(theirs, user, "wrong").status_code == 422
    assert brakes.wait(LIMIT, HERE, now=clock.real_now()) <= LIMIT.each
    assert enter(theirs, user).status_code == 303
    assert User.get_by_id(user.id).failures == 0


def test_a_browser_cannot_say_so_itself(app, user):
    failed(LIMIT.most)
    liar = a_browser(app)
    for said in ("x", '["a"].x.y', "WyJhIl0.aaaa.bbbb"):
        liar.set_cookie("huigong-device", said)
        assert enter(liar, user).status_code == 429


def test_a_known_browser_still_locks_the_account(app, user):
    theirs = a_browser(app)
    enter(theirs, user)
    theirs.send("/admin/sign-out")
    for _ in range(accounts.MOST_FAILURES):
        enter(theirs, user, "wrong")
    assert enter(theirs, user).status_code == 422
    assert not Brake.select().exists()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_an_address_is_counted_by_the_network_that_one_client_has(address, network):
    assert brakes.network_of(address) == network


def test_a_claim_asked_about_too_often_waits_at_every_server_and_from_every_address(office, app):
    form = {"number": "SL20241216000001", "tail": "1234"}

    def asked(address):
        server = make_app(office)  # another process
        server.test_client_class = PageClient
        return a_browser(server, address).send("/claim-status", form).status_code

    tries = brakes.ASK.most
    assert [asked(f"203.0.113.{n}") for n in range(tries)] == [200] * tries
    assert asked(ELSEWHERE) == 429
    form["number"] = "SL20241216000002"
    assert asked(ELSEWHERE) == 200, "another claim from an address that asked once"


def test_nothing_readable_is_kept_of_an_address(office):
    failed(1)
    assert HERE not in Brake.get().who


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        (0, ELSEWHERE, 429),  # nobody's word counts
        (1, ELSEWHERE, 422),
        (1, f"{ELSEWHERE}, {HERE}", 429),  # what the client wrote before our proxy's
        (2, f"{ELSEWHERE}, 10.0.0.1", 422),
        (2, HERE, 429),  # it did not come through both
    ],
)
def test_a_client_is_known_by_the_word_of_our_own_proxies_alone(
    office, user, proxies, forwarded, status
):
    app = make_app(replace(office, proxies=proxies))
    app.test_client_class = PageClient
    failed(LIMIT.most)
    client = a_browser(app)
    client.environ_base["HTTP_X_FORWARDED_FOR"] = forwarded
    assert enter(client, user, "wrong").status_code == status


def test_how_many_proxies_there_are_is_a_setting(tmp_path):
    def proxies(**said):
        return read_settings({"HUIGONG_HOME": str(tmp_path), **said}).proxies

    assert (proxies(), proxies(HUIGONG_PRODUCTION="1")) == (0, 1)
    assert (proxies(HUIGONG_PRODUCTION="1", HUIGONG_PROXIES="0"), proxies(HUIGONG_PROXIES="2")) == (
        0,
        2,
    )
    with pytest.raises(StartRefused, match="HUIGONG_PROXIES"):
        proxies(HUIGONG_PROXIES="x")
