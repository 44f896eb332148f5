"""The ledger: each scheme's fund and every journal, readable by anyone in the office."""

from datetime import date
from typing import Any

from flask import Blueprint, render_template, request
from peewee import JOIN

from huigong.access import allow, paths, scope, visible
from huigong.admin.lists import page_of
from huigong.models import Journal, Organization, Posting, Role, Scheme
from huigong.workflows import ledger as deeds

ledger = Blueprint("ledger", __name__, url_prefix="/admin/ledger")


@ledger.get("/")
@allow(Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR, on=Journal, menu=(35, "账簿"))
def index() -> Any:
    asked = {
        name: request.args.get(name, "").strip()[:50]
        for name in ("scheme", "account", "from", "to", "q")
    }
    page = page_of(_asked(visible(Journal), asked).order_by(Journal.id.desc()))
    lines = (
        Posting.select(Posting, Scheme)
        .join(Scheme, JOIN.LEFT_OUTER)
        .where(Posting.journal << page.rows)
    )
    by_journal: dict[int, list[Posting]] = {journal.id: [] for journal in page.rows}
    for line in lines.order_by(Posting.id):
        by_journal[line.journal_id].append(line)
    inside = Organization.select(Organization.id).where(scope(Organization))
    schemes: list[Any] = list(visible(Scheme).order_by(Scheme.id))
    funds = deeds.funds(schemes, inside)
    return render_template(
        "admin/ledger/index.html",
        page=page, lines=by_journal, asked=asked, accounts=deeds.ACCOUNTS, schemes=schemes,
        funds=[fund for fund in funds if any(fund[1:])],
        whole=_sees_whole(schemes),
    )  # fmt: skip


def _asked(journals: Any, asked: dict[str, str]) -> Any:
    """The journals that the filters ask for."""
    postings = Posting.select(Posting.journal)
    if asked["scheme"].isdecimal() and len(asked["scheme"]) < 9:
        journals = journals.where(
            Journal.id << postings.where(Posting.scheme == int(asked["scheme"]))
        )
    if asked["account"] in deeds.ACCOUNTS:
        journals = journals.where(Journal.id << postings.where(Posting.account == asked["account"]))
    for name, column in (("from", Journal.on >= asked["from"]), ("to", Journal.on <= asked["to"])):
        if _is_day(asked[name]):
            journals = journals.where(column)
    return journals.where(Journal.text.contains(asked["q"])) if asked["q"] else journals


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _sees_whole(schemes: list[Scheme]) -> bool:
    """Whether the user sees every journal of these schemes, not only those of a part."""
    runners = {scheme.organization for scheme in schemes}
    return all(any(o.path.startswith(path) for path in paths()) for o in runners)
