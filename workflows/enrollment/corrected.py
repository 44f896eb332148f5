"""IDs that were corrected away by evidence: a file that still names one finds its person, and
nobody becomes two."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from huigong import identity, vault
from huigong.database import among
from huigong.models import IdCorrection, Member, Organization, Roster, RosterRow
from huigong.workflows.shares import TO_ENROLL

ANOTHER: Final = (
    "这个身份证号曾登记在另一位职工名下，后凭证件更正；"
    "请对照身份证核对，若是同一个人请改用更正后的号码"
)


class Corrected(NamedTuple):
    """Somebody under whose name an ID stood until it was corrected, as the office knows them."""

    name: str
    id_index: str  # of their ID by now
    path: str  # of their unit
    ref: str
    resident_id: bytes

    def fault(self, seen: Iterable[str]) -> str:
        """What to say of a row that names this person by the old ID; the new one, masked, to
        those who may see the person."""
        if not any(self.path.startswith(path) for path in seen):
            return "这个号码已凭证件更正，请向本人核对现在的身份证号后改用"
        number = vault.current().open(
            self.resident_id, table="member", column="resident_id", row=self.ref
        )
        return f"这个号码已凭证件更正，现登记为{identity.mask_id(number)}，请改用更正后的号码"


def corrected(indexes: Sequence[str] | None = None) -> dict[str, Corrected]:
    """Who had these IDs before a correction, by blind index; or everybody there is."""
    columns: tuple[Any, ...] = (Member.name, Member.id_index, Organization.path)
    query: Any = IdCorrection.select(
        IdCorrection.id_index, *columns, Member.ref, Member.resident_id
    )
    query = query.join_from(IdCorrection, Member).join_from(Member, Organization)
    query = query.where(IdCorrection.replaced()).order_by(IdCorrection.id)
    if indexes is not None:
        query = query.where(among(IdCorrection.id_index, indexes))
    return {index: Corrected(*person) for index, *person in query.tuples()}


def still_named(roster: Roster) -> int:
    """How many of a roster's people to enroll it names by an ID that was corrected since."""
    gone = corrected()
    rows: Any = RosterRow.select(RosterRow.id_index, RosterRow.name).where(
        RosterRow.roster == roster,
        RosterRow.kind << TO_ENROLL,
        among(RosterRow.id_index, list(gone)),
    )
    return sum(gone[index].name == name for index, name in rows.tuples())
