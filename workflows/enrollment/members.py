"""People known by their resident ID: found or made for a roster's rows, many at a time."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from huigong import pinyin, vault
from huigong.database import among, insert_rows
from huigong.models import Employment, Member, Roster
from huigong.plans.vocabulary import FACTS

_COLUMNS: Final = (
    *("ref", "organization_id", "name", "pinyin", "sort_key", "sex", "born_on", "resident_id"),
    *("id_index", "tail_index", "phone", "bank_card", "bank", "membership"),
)
KEPT: Final = FACTS.keys() | {"gifted"}  # of what a roster says of somebody
# What the database gives of a staged row: id, ref, name, secret, id_index, facts, kind.
StagedRow = tuple[int, str, str, bytes, str, str, str]


class Entry(NamedTuple):
    """One of a roster's people, ready to be enrolled: opened, and sealed again for a new member
    where the office did not know them."""

    row: int  # the staged row's id
    id_index: str
    kind: str
    name: str
    phone: str
    card: str
    facts: dict[str, Any]
    enrolled: str  # the scheme's facts as JSON
    made: tuple[Any, ...] | None


def entries(unit: int, rows: Sequence[StagedRow], known: frozenset[str]) -> list[Entry]:
    """A roster's staged rows opened, before the lock is taken."""
    open_secret = vault.current().opening(table="roster_row", column="secret")
    seal = {
        column: vault.current().sealing(table="member", column=column)
        for column in ("resident_id", "phone", "bank_card")
    }
    found = []
    for row, ref, name, secret, index, said, kind in rows:
        plain, facts = json.loads(open_secret(secret, ref)), json.loads(said)
        number, phone, card = plain["id"], plain["phone"], plain["card"]
        made = None
        if index not in known:
            key = vault.new_ref()
            made = (
                *(key, unit, name, _initials(name), _name_key(name), facts["sex"]),
                *(facts["born_on"], seal["resident_id"](number, key), index, _tail(number[-4:])),
                *(seal["phone"](phone, key), seal["bank_card"](card, key)),
                *(facts.get("bank", ""), facts.get("membership") or "member"),
            )
        enrolled = _dumped({fact: value for fact, value in facts.items() if fact in KEPT})
        found.append(Entry(row, index, kind, name, phone, card, facts, enrolled, made))
    return found


_dumped: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_initials = lru_cache(50_000)(pinyin.initials)
_name_key = lru_cache(50_000)(pinyin.name_key)


@lru_cache(20_000)
def _tail(four: str) -> str:
    return Member.index_of_tail(four)


def known_among(indexes: Sequence[str]) -> dict[str, int]:
    """The ids of members by blind index, of those the office knows."""
    query: Any = Member.select(Member.id_index, Member.id)
    return dict(query.where(among(Member.id_index, indexes)).tuples())


def find_or_make(roster: Roster, people: Sequence[Entry]) -> dict[str, int]:
    """Member ids by blind index for a roster's people, inside the caller's transaction.

    Who is new is made; of who is known, the unit, name, phone, card and bank become the roster's
    where it gives them. Each has an employment at the roster's unit afterwards.
    """
    indexes = [entry.id_index for entry in people]
    ids = known_among(indexes)
    made = [entry.made for entry in people if entry.made and entry.id_index not in ids]
    if ids:
        _update(roster, {entry.id_index: entry for entry in people if entry.id_index in ids})
    fresh = []
    if made:
        insert_rows("member", _COLUMNS, made)
        before, ids = ids, known_among(indexes)
        fresh = [member for index, member in ids.items() if index not in before]
        _employ(list(before.values()), fresh, roster)
    else:
        _employ(list(ids.values()), [], roster)
    return ids


def _update(roster: Roster, people: dict[str, Entry]) -> None:
    """Let what the office knows of people become what their roster says."""
    columns: tuple[Any, ...] = (
        *(Member.id, Member.id_index, Member.ref, Member.organization, Member.name),
        *(Member.phone, Member.bank_card, Member.bank, Member.membership),
    )
    open_phone = vault.current().opening(table="member", column="phone")
    open_card = vault.current().opening(table="member", column="bank_card")
    query: Any = Member.select(*columns).where(among(Member.id_index, list(people)))
    for id, index, ref, unit, name, phone, card, bank, membership in query.tuples():
        entry, changes = people[index], dict[str, Any]()
        if unit != roster.organization_id:
            changes["organization"] = roster.organization_id
        if name != entry.name:
            letters, key = pinyin.initials(entry.name), pinyin.name_key(entry.name)
            changes |= {"name": entry.name, "pinyin": letters, "sort_key": key}
        if entry.phone and open_phone(phone, ref) != entry.phone:
            changes["phone"] = _sealed("phone", entry.phone, ref)
        if entry.card and open_card(card, ref) != entry.card:
            changes["bank_card"] = _sealed("bank_card", entry.card, ref)
        for column, now in (("bank", bank), ("membership", membership)):
            if entry.facts.get(column) and entry.facts[column] != now:
                changes[column] = entry.facts[column]
        if changes:
            Member.update(**changes).where(Member.id == id).execute()


def _sealed(column: str, text: str, ref: str) -> bytes:
    return vault.current().seal(text, table="member", column=column, row=ref)


def _employ(known: list[int], fresh: list[int], roster: Roster) -> None:
    """Open an employment at the roster's unit for those without one, ending those elsewhere."""
    unit, cover_from = roster.organization_id, roster.cover_from
    here = set()
    columns = (Employment.id, Employment.member, Employment.organization, Employment.from_on)
    query: Any = Employment.select(*columns)
    query = query.where(among(Employment.member, known), Employment.to_on.is_null())
    for id, member, place, from_on in query.tuples() if known else ():
        if place == unit:
            here.add(member)
            continue
        last = max(_day(from_on), cover_from - timedelta(days=1))
        Employment.update(to_on=last).where(Employment.id == id).execute()
    day = min(cover_from, roster.made_at.date()).isoformat()
    opened = [(member, unit, day) for member in (*known, *fresh) if member not in here]
    if opened:
        insert_rows("employment", ("member_id", "organization_id", "from_on"), opened)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
