"""What cover people already have under a scheme, asked for many of them at once."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from peewee import JOIN

from huigong import vault
from huigong.database import among
from huigong.models import Edition, Enrollment, Member, Organization, Roster, RosterRow
from huigong.workflows.enrollment.corrected import ANOTHER, Corrected, corrected

TO_ENROLL = ("new", "renewed")


class Known(NamedTuple):
    """A member as the office knows them, as far as a roster may change it."""

    id: int
    id_index: str
    ref: str
    name: str
    bank_card: bytes

    def card(self) -> str:
        known = vault.current()
        return known.open(self.bank_card, table="member", column="bank_card", row=self.ref)


class Standing(NamedTuple):
    """How somebody stands to a roster: `kind` new | renewed | unchanged | faulty, with the fault's
    sentence, the member as the office knows them, and who had their ID before it was corrected."""

    kind: str
    fault: str = ""
    member: Known | None = None
    corrected: Corrected | None = None


class Covers:
    """The covers that matter to one roster: of its scheme, overlapping its term or just before.

    `seen` are the subtrees whose units may be named to the person asking.
    """

    def __init__(self, roster: Roster, *, seen: Sequence[str]):
        self.roster, self.seen = roster, seen
        self.first, self.last = roster.cover_from, roster.cover_to
        scheme = roster.edition.scheme_id
        self.editions = [e.id for e in Edition.select(Edition.id).where(Edition.scheme == scheme)]
        self.pending = {other.id: other for other in self._submitted()}
        self.corrected = corrected()

    def _submitted(self) -> Iterable[Roster]:
        """Submitted rosters of the scheme whose term overlaps."""
        query = (
            Roster.select(Roster, Edition, Organization)
            .join(Edition)
            .switch(Roster)
            .join(Organization)
            .where(Roster.stage == "submitted", Roster.edition << self.editions)
            .where(Roster.id != self.roster.id, Roster.cover_from <= self.last)
        )
        return [other for other in query if other.cover_to >= self.first]

    def of(self, indexes: Sequence[str]) -> dict[str, Standing]:
        """How the people with these blind indexes stand; who is missing is new."""
        found = {member.id_index: Standing("new", member=member) for member in _known(indexes)}
        index_of = {stand.member.id: index for index, stand in found.items() if stand.member}
        covers = self._covers(list(index_of)) if index_of else ()
        for cover in covers:
            index, end = index_of[cover.member_id], cover.left_on or cover.cover_to
            before = found[index]
            if end >= self.first:
                found[index] = self._overlapping(cover, end, before.member)
            elif end == self.first - timedelta(days=1) and before.kind == "new":
                found[index] = Standing("renewed", member=before.member)
        for row in self._pending_rows(indexes):
            before = found.get(row.id_index, Standing("new"))
            if before.kind in ("new", "renewed"):
                found[row.id_index] = self._waiting(self.pending[row.roster_id], before.member)
        for index in self.corrected.keys() & indexes if self.corrected else ():
            stand = found.get(index, Standing("new"))
            found[index] = stand._replace(corrected=self.corrected[index])
        return found

    def _covers(self, members: list[int]) -> Any:
        return (
            Enrollment.select(
                *(Enrollment.member, Enrollment.edition, Enrollment.cover_from),
                *(Enrollment.cover_to, Enrollment.left_on),
                *(Organization.id, Organization.name, Organization.path),
            )
            .join(Organization)
            .where(among(Enrollment.member, members), Enrollment.edition << self.editions)
            .where(Enrollment.counts(), Enrollment.cover_from <= self.last)
            .where(Enrollment.cover_to >= self.first - timedelta(days=1))
            .order_by(Enrollment.cover_from)
        )

    def _pending_rows(self, indexes: Sequence[str]) -> Any:
        if not self.pending:
            return []
        return RosterRow.select(RosterRow.id_index, RosterRow.roster).where(
            RosterRow.roster << list(self.pending),
            among(RosterRow.id_index, indexes),
            RosterRow.kind << TO_ENROLL,
        )

    def _overlapping(self, cover: Enrollment, end: date, member: Known | None) -> Standing:
        same_unit = cover.organization.id == self.roster.organization_id
        if (
            same_unit
            and cover.edition_id == self.roster.edition_id
            and cover.cover_from == self.first
            and cover.left_on is None
        ):
            return Standing("unchanged", member=member)
        where = "本单位" if same_unit else self._named(cover.organization)
        term = f"{cover.cover_from}至{end}"
        return Standing("faulty", f"已在{where}参保（保障期{term}），与这次的保障期重叠", member)

    def _waiting(self, other: Roster, member: Known | None) -> Standing:
        mine = self.roster
        if other.organization_id == mine.organization_id:
            if (other.edition_id, other.cover_from) == (mine.edition_id, mine.cover_from):
                return Standing("unchanged", member=member)
            return Standing("faulty", f"已在本单位名册{other.number}中提交，正在审核", member)
        where = self._named(other.organization)
        return Standing("faulty", f"已在{where}提交的名册中，正在审核", member)

    def _named(self, unit: Organization) -> str:
        shown = any(unit.path.startswith(path) for path in self.seen)
        return f"“{unit.name}”" if shown else "其他单位"


def _known(indexes: Sequence[str]) -> Iterable[Known]:
    columns = (Member.id, Member.id_index, Member.ref, Member.name, Member.bank_card)
    query: Any = Member.select(*columns)
    return map(Known._make, query.where(among(Member.id_index, indexes)).tuples())


def taken(roster: Roster) -> int:
    """How many of a roster's rows to enroll are covered or submitted elsewhere by now."""
    covers, person = Covers(roster, seen=()), Member.alias()
    mine: Any = RosterRow.select(RosterRow.id)
    mine = mine.where(RosterRow.roster == roster, RosterRow.kind << TO_ENROLL)
    ends = Enrollment.left_on.is_null() | (Enrollment.left_on >= covers.first)
    covered = (
        mine.join(person, on=RosterRow.id_index == person.id_index)
        .join(Enrollment, on=Enrollment.member == person.id)
        .where(Enrollment.edition << covers.editions, Enrollment.counts(), ends)
        .where(Enrollment.cover_from <= covers.last, Enrollment.cover_to >= covers.first)
    )
    found = {id for (id,) in covered.tuples()}
    if covers.pending:
        other = RosterRow.alias()
        waiting = mine.join(other, on=RosterRow.id_index == other.id_index)
        waiting = waiting.where(other.roster << list(covers.pending), other.kind << TO_ENROLL)
        found |= {id for (id,) in waiting.tuples()}
    return len(found)


def conflicts(roster: Roster) -> int:
    """How many of a roster's enrollments overlap one that counts already under another roster."""
    mine, edition = Enrollment.alias(), Edition.alias()
    return int(
        Enrollment.select()
        .join(mine, on=Enrollment.member == mine.member)
        .join(edition, on=Enrollment.edition == edition.id)
        .join(Roster, JOIN.LEFT_OUTER, on=Enrollment.roster == Roster.id)
        .where(mine.roster == roster.id, edition.scheme == roster.edition.scheme_id)
        .where(Enrollment.roster.is_null() | (Roster.stage == "approved"))
        .where(Enrollment.roster.is_null() | (Enrollment.roster != roster.id))
        .where(Enrollment.cover_from <= mine.cover_to, Enrollment.cover_to >= mine.cover_from)
        .where(Enrollment.left_on.is_null() | (Enrollment.left_on >= mine.cover_from))
        .count()
    )


def changed_words(stand: Standing, *, name: str, card: str) -> list[str]:
    """What a roster would change about somebody the office knows, as warnings, and that their ID
    was once another person's."""
    words, member = [ANOTHER] if stand.corrected else [], stand.member
    if member is None:
        return words
    if member.name != name:
        words.append("姓名与原登记不同，批准后以本名册为准，请核对")
    if card and member.bank_card and member.card() != card:
        words.append("银行卡号与原登记不同，批准后以本名册为准，请核对")
    return words
