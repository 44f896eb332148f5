"""Builders supply a believable whole; a test states only what it is about."""

import itertools
import re
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from huigong import clock
from huigong.models import Grant, Level, Organization, Role, Session, User
from huigong.workflows import accounts

TODAY = date(2024, 12, 16)
NOW = datetime(2024, 12, 16, 9, 30)  # noqa: DTZ001 Beijing time without a zone, as stored
FILES: list[Path] = []  # where the office of the test keeps what is uploaded
_numbers = itertools.count(1)


def an_organization(
    name: str = "", level: Level = Level.UNIT, parent: Organization | None = None, **more: Any
) -> Organization:
    name = name or f"示例单位{next(_numbers)}工会"
    made = Organization.create(name=name, level=level, parent=parent, opened_on=TODAY, **more)
    made.path = f"{parent.path if parent else '/'}{made.id}/"
    made.save(only=[Organization.path])
    return made


def a_city(
    name: str = "示例市总工会", slug: str = "", province: Organization | None = None
) -> Organization:
    slug = slug or f"city{next(_numbers)}"
    root = province or Organization.get_or_none(Organization.level == Level.PROVINCE)
    root = root or an_organization("示例省总工会", Level.PROVINCE)
    return an_organization(name, Level.CITY, root, slug=slug)


def a_county(city: Organization, name: str = "示例县总工会") -> Organization:
    return an_organization(name, Level.COUNTY, city)


def a_unit(parent: Organization, name: str = "") -> Organization:
    return an_organization(name, Level.UNIT, parent)


def a_user(*roles: Role, at: Organization, name: str = "") -> User:
    """A user with roles at one organization and no password."""
    number = next(_numbers)
    user = User.create(
        organization=at, name=name or f"演示{number}", login=f"user{number}", made_at=NOW
    )
    for role in roles:
        Grant.create(user=user, role=role, organization=at, on=TODAY)
    return user


def signed_in(app: Flask, user: User) -> "PageClient":
    """A browser signed in as `user`, without the cost of a password."""
    token = f"token-{next(_numbers)}"
    now = clock.real_now()
    Session.create(user=user, token_hash=accounts._hashed(token), started_at=now, seen_at=now)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return client  # type: ignore[return-value]  # the app's test_client_class


class PageClient(FlaskClient):
    """A client that reads every page it gets: one h1, labelled fields, unique ids, form keys.

    `send` fetches the CSRF token for the session and sends a fresh one-time key.
    """

    _read = ""
    _read_in: dict[str, Any] | None = None  # the session that the token was read in

    def open(self, *args: Any, **kwargs: Any) -> Any:
        response = super().open(*args, **kwargs)
        response.get_data()  # a file is read to its end, and closed as a server closes it
        response.close()
        response.request.environ["wsgi.input"].close()
        if response.mimetype == "text/html" and response.data.startswith(b"<!doctype html"):
            check_page(response.get_data(as_text=True))
        return response

    def send(self, address: str, data: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        """POST a form as the page at the same address would: with its token and a new key."""
        form = {"csrf_token": self._token(), "form_key": f"k{next(_numbers)}"}
        return self.post(address, data={**form, **(data or {})}, **kwargs)

    def _token(self) -> str:
        """The token that the pages of this browser's session carry, read off one of them."""
        with self.session_transaction() as cookie:
            page, secret = "/admin/me" if "token" in cookie else "/admin/sign-in", dict(cookie)
        if secret != self._read_in:
            html = super().open(page).get_data(as_text=True)
            found = re.search(r'name="csrf_token" value="([^"]+)"', html)
            self._read = found.group(1) if found else ""
            with self.session_transaction() as cookie:
                self._read_in = dict(cookie)
        return self._read


_KEYS = re.compile(r'name="(csrf_token|form_key)" value="[^"]*"')  # new on every page
_passed: set[str] = set()


class _Page(HTMLParser):
    """What a page check needs: headings, ids, labels, fields, forms."""

    def __init__(self) -> None:
        super().__init__()
        self.h1 = 0
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.fields: list[str] = []
        self.depth_of_label = 0
        self.unkeyed: list[str] = []
        self.faults: list[str] = []  # the fields that the error summary leads to
        self._in_summary = False
        self._form: dict[str, Any] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.h1 += tag == "h1"
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if found.get("id") == "error-summary":
            self._in_summary = True
        if tag == "a" and self._in_summary:
            self.faults.append((found.get("href") or "").removeprefix("#"))
        if tag == "label":
            self.depth_of_label += 1
            self.labels.add(found.get("for") or "")
        if tag in ("input", "select", "textarea") and found.get("type") not in ("hidden", "submit"):
            labelled = (
                self.depth_of_label or found.get("aria-label") or found.get("aria-labelledby")
            )
            if not labelled:
                self.fields.append(found.get("id") or f"unnamed {tag} {found.get('name')}")
        if tag == "form":
            self._form = {"method": (found.get("method") or "get").lower(), "csrf": False}
        if tag == "input" and found.get("name") == "csrf_token" and self._form is not None:
            self._form["csrf"] = True
        for name, value in attrs:
            assert not name.startswith("on"), f"inline handler {name}"
            assert name != "style", f"inline style on <{tag}>"
            assert name.split(":")[0] != "hx-on", "hx-on needs eval"
            assert value is None or "javascript:" not in value

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.depth_of_label -= 1
        if tag == "div":
            self._in_summary = False
        if tag == "form" and self._form is not None:
            if self._form["method"] == "post" and not self._form["csrf"]:
                self.unkeyed.append("a POST form without a CSRF token")
            self._form = None


def check_page(html: str) -> None:
    """Fail on a page without exactly one h1, with repeated ids, unlabelled fields, open forms, or
    faults in another order than their form. What has passed already passes again."""
    once = _KEYS.sub("", html)
    if once in _passed:
        return
    page = _Page()
    page.feed(html)
    assert page.h1 == 1, f"{page.h1} h1 on the page"
    repeated = {name for name in page.ids if page.ids.count(name) > 1}
    assert not repeated, f"ids stand more than once: {repeated}"
    unlabelled = [name for name in page.fields if name not in page.labels]
    assert not unlabelled, f"fields without a label: {unlabelled}"
    assert not page.unkeyed, page.unkeyed
    nowhere = [name for name in page.faults if name not in page.ids]
    assert not nowhere, f"faults that lead to no field: {nowhere}"
    in_order = sorted(page.faults, key=page.ids.index)
    assert page.faults == in_order, f"faults not in the order of their form: {page.faults}"
    _passed.add(once)
