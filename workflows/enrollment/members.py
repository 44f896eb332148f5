"""People known by their resident ID: found or made for a roster's rows, many at a time.

Who is new is made by the database alone, from what the staged row carries sealed; only who is
known is opened and compared.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from peewee import Case, Value, fn

from huigong import pinyin, vault
from huigong.database import among, insert_new, insert_rows
from huigong.models import Claim, Claimant, Employment, Member, Roster, RosterRow
from huigong.workflows.enrollment.staged import dumped

_CARRIED = (
    *("ref", "name", "pinyin", "sort_key", "sex", "born_on", "resident_id", "id_index"),
    *("tail_index", "phone", "bank_card", "bank"),
)


Changes = Mapping[str, tuple[Any, Any]]  # by column: as it was, as it became


class Known(NamedTuple):
    """A roster's row of somebody the office knows, opened."""

    member: int
    name: str
    phone: str
    card: str
    bank: str
    membership: str


def _known_among(rows: Sequence[int], newest: int) -> list[tuple[int, int]]:
    """(row, member) of those staged rows whose people the office knew before this transaction."""
    query: Any = RosterRow.select(RosterRow.id, Member.id)
    query = query.join(Member, on=Member.id_index == RosterRow.id_index)
    return list(query.where(among(RosterRow.id, rows), Member.id <= newest).tuples())


def _opened(known: Sequence[tuple[int, int]]) -> dict[int, Known]:
    """Staged rows of people the office knows, by the row."""
    open_phone = vault.current().opening(table="member", column="phone")
    open_card = vault.current().opening(table="member", column="bank_card")
    member_of = dict(known)
    columns: tuple[Any, ...] = (
        *(RosterRow.id, RosterRow.ref, RosterRow.name, RosterRow.phone, RosterRow.bank_card),
        *(RosterRow.bank, RosterRow.membership),
    )
    rows: Any = RosterRow.select(*columns).where(among(RosterRow.id, list(member_of)))
    return {
        row: Known(
            member_of[row], name, open_phone(phone, ref), open_card(card, ref), bank, membership
        )
        for row, ref, name, phone, card, bank, membership in rows.tuples()
    }


class Found(NamedTuple):
    """The members behind a roster's rows: those made just now, who are all after `newest`, and
    those whom the office knew."""

    newest: int
    known: list[int]

    def those(self) -> Any:
        """The condition that somebody is one of them."""
        made = Member.id > self.newest
        return made | among(Member.id, self.known) if self.known else made


def find_or_make(roster: Roster, rows: Sequence[int]) -> Found:
    """Members for a roster's staged rows, inside the caller's transaction.

    Who is new is made; of who is known, the unit, name, phone, card and bank become the roster's
    where it gives them. Each has an employment at the roster's unit afterwards.
    """
    newest = int(Member.select(fn.COALESCE(fn.MAX(Member.id), 0)).scalar())
    made = _make(roster, rows)
    _employ(roster, Member.id > newest)
    if made == len(rows):
        return Found(newest, [])
    people = {person.member: person for person in _opened(_known_among(rows, newest)).values()}
    changes = _update(roster, people)
    ended = _leave_elsewhere(roster, list(people))
    _remember(roster, changes, ended, _employ_again(roster, list(people)))
    return Found(newest, list(people))


def _make(roster: Roster, rows: Sequence[int]) -> int:
    """Make those whom the office does not know; says how many."""
    said = Case(RosterRow.membership, (("", "member"),), RosterRow.membership)
    carried = [getattr(RosterRow, name) for name in _CARRIED]
    unit: Any = Value(roster.organization_id)
    query: Any = RosterRow.select(unit, said, *carried)
    query = query.where(among(RosterRow.id, rows)).order_by(RosterRow.id)
    fields = [Member.organization, Member.membership]
    fields += [getattr(Member, name) for name in _CARRIED]
    return insert_new(Member.insert_from(query, fields), unique=[Member.id_index])


def _employ(roster: Roster, who: Any) -> None:
    """Open an employment at the roster's unit for the members who meet a condition."""
    day: Any = Value(min(roster.cover_from, roster.made_at.date()))
    query: Any = Member.select(Member.id, Value(roster.organization_id), day).where(who)
    fields = [Employment.member, Employment.organization, Employment.from_on]
    Employment.insert_from(query.order_by(Member.id), fields).returning().execute()


def _employ_again(roster: Roster, members: list[int]) -> dict[int, int]:
    """Open an employment for those known who have none; says which, by the member."""
    last = int(Employment.select(fn.COALESCE(fn.MAX(Employment.id), 0)).scalar())
    open_one = Employment.select().where(Employment.member == Member.id, Employment.to_on.is_null())
    _employ(roster, among(Member.id, members) & ~fn.EXISTS(open_one))
    begun: Any = Employment.select(Employment.member, Employment.id)
    return dict(begun.where(among(Employment.member, members), Employment.id > last).tuples())


def _update(roster: Roster, people: dict[int, Known]) -> dict[int, Changes]:
    """Let what the office knows of people become what their roster says; says what that changed,
    by the member."""
    columns: tuple[Any, ...] = (
        *(Member.id, Member.ref, Member.organization, Member.name),
        *(Member.phone, Member.bank_card, Member.bank, Member.membership),
    )
    open_phone = vault.current().opening(table="member", column="phone")
    open_card = vault.current().opening(table="member", column="bank_card")
    query: Any = Member.select(*columns).where(among(Member.id, list(people)))
    changed = dict[int, Changes]()
    for id, ref, unit, name, phone, card, bank, membership in list(query.tuples()):
        person, changes = people[id], dict[str, Any]()
        if unit != roster.organization_id:
            changes["organization"] = roster.organization_id
        if name != person.name:
            changes["name"] = person.name
        if person.phone and open_phone(phone, ref) != person.phone:
            changes["phone"] = _sealed("phone", person.phone, ref)
        if person.card and open_card(card, ref) != person.card:
            changes["bank_card"] = _sealed("bank_card", person.card, ref)
        if person.bank and person.bank != bank:
            changes["bank"] = person.bank
        if person.membership and person.membership != membership:
            changes["membership"] = person.membership
        if changes:
            was = {"organization": unit, "name": name, "phone": phone, "bank_card": card}
            was |= {"bank": bank, "membership": membership}
            changed[id] = {column: (was[column], given) for column, given in changes.items()}
            become(id, changes)
    return changed


def become(member: int, changes: dict[str, Any]) -> None:
    """Change what the office knows of one person, inside the caller's transaction. A name goes
    with its sort keys, and to their claims."""
    name, said = changes.get("name"), dict(changes)
    if name is not None:
        said |= {"pinyin": pinyin.initials(name), "sort_key": pinyin.name_key(name)}
        theirs = Claim.select(Claim.id).where(Claim.member == member)
        Claimant.update(name=name).where(Claimant.claim << theirs).execute()
    Member.update(**said).where(Member.id == member).execute()


def _remember(
    roster: Roster,
    changes: Mapping[int, Changes],
    ended: Mapping[int, list[int]],
    begun: Mapping[int, int],
) -> None:
    """Remember what was changed, by the member, until the roster's approval counts."""
    rows = []
    for member in sorted({*changes, *ended, *begun}):
        both = {column: [*map(plain, two)] for column, two in changes.get(member, {}).items()}
        told = (dumped(both), dumped(ended.get(member, [])), begun.get(member))
        rows.append((roster.id, member, *told))
    if rows:
        columns = ("roster_id", "member_id", "changes", "ended", "begun")
        insert_rows("member_before", columns, rows)


def plain(value: Any) -> Any:
    """A value of a member's, what is sealed in hex."""
    return value.hex() if isinstance(value, bytes | memoryview) else value


def _sealed(column: str, text: str, ref: str) -> bytes:
    return vault.current().seal(text, table="member", column=column, row=ref)


def _leave_elsewhere(roster: Roster, members: list[int]) -> dict[int, list[int]]:
    """End the employments at other units, the day before cover starts; says which, by the
    member."""
    columns = (Employment.id, Employment.member, Employment.from_on)
    query: Any = Employment.select(*columns).where(among(Employment.member, members))
    query = query.where(
        Employment.to_on.is_null(), Employment.organization != roster.organization_id
    )
    ended: dict[int, list[int]] = defaultdict(list)
    for id, member, from_on in list(query.tuples()):
        last = max(_day(from_on), roster.cover_from - timedelta(days=1))
        Employment.update(to_on=last).where(Employment.id == id).execute()
        ended[member].append(id)
    return ended


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
