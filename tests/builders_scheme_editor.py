"""A city with a published edition, two reviewers signed in, and a draft of the next edition."""

import re
from typing import Any, NamedTuple

from builders import PageClient, a_city, a_user, signed_in
from builders_schemes import a_published_edition
from flask import Flask

from huigong.models import DraftEdition, Edition, Organization, Role, User
from huigong.plans.typed import tidy
from huigong.workflows import drafting


class Desk(NamedTuple):
    """Two reviewers of one city and their browsers."""

    city: Organization
    edition: Edition
    writer: PageClient
    second: PageClient
    users: tuple[User, User]


def a_desk(app: Flask, code: str = "anyang-hospital-2019") -> Desk:
    city = a_city("安阳市总工会", "anyang")
    users = (a_user(Role.REVIEWER, at=city), a_user(Role.REVIEWER, at=city))
    edition = a_published_edition(code, city)
    return Desk(city, edition, signed_in(app, users[0]), signed_in(app, users[1]), users)


def a_draft(desk: Desk) -> DraftEdition:
    """The next edition, drafted from the one in force, by the first reviewer."""
    form = {"start": "edition", "basis": str(desk.edition.id)}
    answer = desk.writer.send("/admin/schemes/drafts/new", form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return DraftEdition.get_by_id(int(answer.location.rsplit("/", 1)[1]))


def form_of(html: str) -> dict[str, Any]:
    """What the editor's page would post: every field with its value, ticked boxes only."""
    html = html[html.index('id="sheet"') :]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        name, value = _attribute(tag, "name"), _attribute(tag, "value")
        if not name or name in ("csrf_token", "form_key"):
            continue
        if 'type="checkbox"' in tag:
            if " checked" in tag:
                found.setdefault(name, []).append(value)
            continue
        found[name] = value
    for tag, body in re.findall(r"<select([^>]*)>(.*?)</select>", html, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found.setdefault(_attribute(tag, "name"), []).append(chosen.group(1) if chosen else "")
    for tag, text in re.findall(r"<textarea([^>]*)>(.*?)</textarea>", html, re.DOTALL):
        found[_attribute(tag, "name")] = text
    return found


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return found.group(1) if found else ""


RATE = "benefit-1-step-1-cases-1-bands-1-value"


def read(answer) -> str:
    return str(answer.get_data(as_text=True))


def opened(browser, draft) -> dict:
    return form_of(read(browser.get(f"/admin/schemes/drafts/{draft.id}")))


def sent(browser, draft, form: dict, do: str):
    return browser.send(f"/admin/schemes/drafts/{draft.id}", {**form, "do": do})


def hash_of(draft) -> str:
    return drafting.check(tidy(draft.sheet), draft.organization).hash
