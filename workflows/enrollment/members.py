"""People known by their resident ID: found or made for a roster's rows, many at a time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from huigong import pinyin, vault
from huigong.database import insert_rows
from huigong.models import Employment, Member, Organization, Roster, RosterRow

_COLUMNS = (
    *("ref", "organization_id", "name", "pinyin", "sort_key", "sex", "born_on", "resident_id"),
    *("id_index", "tail_index", "phone", "bank_card", "bank", "membership"),
)


def find_or_make(roster: Roster, rows: Sequence[RosterRow]) -> dict[str, int]:
    """Member ids by blind index for a roster's rows, inside the caller's transaction.

    Who is new is made; of who is known, the unit, name, phone, card and bank become the roster's
    where it gives them. Each has an employment at the roster's unit afterwards.
    """
    unit = roster.organization
    opened = {row.id_index: (row, row.opened_secret()) for row in rows}
    known = {m.id_index: m for m in Member.select().where(Member.id_index << list(opened))}
    made = [
        _new_row(unit, row, secret) for index, (row, secret) in opened.items() if index not in known
    ]
    if made:
        insert_rows("member", _COLUMNS, made)
    for index, member in known.items():
        _update(member, unit, *opened[index])
    query: Any = Member.select(Member.id, Member.id_index)
    query = query.where(Member.id_index << list(opened))
    ids = {index: member for member, index in query.tuples()}
    _employ(list(ids.values()), roster)
    return ids


def _new_row(unit: Organization, row: RosterRow, secret: dict[str, str]) -> tuple[Any, ...]:
    ref, known = vault.new_ref(), vault.current()

    def seal(column: str, text: str) -> bytes:
        return known.seal(text, table="member", column=column, row=ref)

    facts = row.facts
    return (
        *(ref, unit.id, row.name, pinyin.initials(row.name), pinyin.name_key(row.name)),
        *(facts["sex"], facts["born_on"]),
        seal("resident_id", secret["id"]),
        row.id_index,
        Member.index_of_tail(secret["id"]),
        seal("phone", secret["phone"]),
        seal("bank_card", secret["card"]),
        facts.get("bank", ""),
        facts.get("membership") or "member",
    )


def _update(member: Member, unit: Organization, row: RosterRow, secret: dict[str, str]) -> None:
    changes: dict[str, Any] = {}
    if member.organization_id != unit.id:
        changes["organization"] = unit.id
    if member.name != row.name:
        letters, key = pinyin.initials(row.name), pinyin.name_key(row.name)
        changes |= {"name": row.name, "pinyin": letters, "sort_key": key}
    for column, text in (("phone", secret["phone"]), ("bank_card", secret["card"])):
        if text and member.opened(column) != text:
            changes[column] = member.seal(column, text)
    for column in ("bank", "membership"):
        if row.facts.get(column) and getattr(member, column) != row.facts[column]:
            changes[column] = row.facts[column]
    if changes:
        Member.update(**changes).where(Member.id == member.id).execute()


def _employ(members: list[int], roster: Roster) -> None:
    """Open an employment at the roster's unit for those without one, ending those elsewhere."""
    unit, cover_from = roster.organization_id, roster.cover_from
    here = set()
    open_ones = Employment.select().where(Employment.member << members, Employment.to_on.is_null())
    for employment in open_ones:
        if employment.organization_id == unit:
            here.add(employment.member_id)
            continue
        last = max(employment.from_on, cover_from - timedelta(days=1))
        Employment.update(to_on=last).where(Employment.id == employment.id).execute()
    day = min(cover_from, roster.made_at.date()).isoformat()
    fresh = [(member, unit, day) for member in members if member not in here]
    if fresh:
        insert_rows("employment", ("member_id", "organization_id", "from_on"), fresh)
