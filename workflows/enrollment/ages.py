"""People past the scheme's age who are enrolled all the same, by a paper that shows why."""

from datetime import datetime
from typing import Final

from huigong.database import writes
from huigong.models import AgeProof, Roster, RosterRow, User
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import audit
from huigong.workflows.enrollment import drafts
from huigong.workflows.enrollment.covers import TO_ENROLL, Covers
from huigong.workflows.enrollment.history import tell

LISTED: Final = 100


@writes
def prove_age(row: RosterRow, *, kept: Kept, by: User, at: datetime) -> RosterRow:
    """Keep the paper for a row refused only for age: it may then be submitted, and whoever
    approves the roster judges the paper.

    Refuses a row that needs none. Raises Lost when the roster is not in the clerk's hands.
    """
    roster: Roster = Roster.get_by_id(row.roster_id)
    if roster.stage not in ("draft", "returned"):
        raise Lost(f"roster {roster.id} is {roster.stage}")
    if row.kind != "unproven":
        raise Refused("proof", "这一行不需要超龄证明")
    stand = Covers(roster, seen=()).of([row.id_index]).get(row.id_index)
    kind = stand.kind if stand else "new"
    if kind not in TO_ENROLL:
        raise Refused("proof", "这位职工现在已另行参保或提交，请重新上传名册")
    AgeProof.create(
        organization=roster.organization_id, roster=roster, id_index=row.id_index,
        file=kept.file, file_name=kept.name, sha256=kept.sha256, by=by, at=at,
    )  # fmt: skip
    said = [*row.warnings, "超过计划的年龄，凭证明参保，批准前请查看证明"]
    RosterRow.update(kind=kind, faults=[], warnings=said).where(RosterRow.id == row.id).execute()
    Roster.update(**drafts.recounted(roster)).where(Roster.id == roster.id).execute()
    tell(roster, "proven", by=by, at=at, note=f"第{row.number}行超龄证明：{kept.name}")
    audit.record("keep age proof", by=by, at=at, on=roster, organization=roster.organization)
    return RosterRow.get_by_id(row.id)  # type: ignore[no-any-return]


@writes
def read_proof(proof: AgeProof, *, by: User, at: datetime) -> None:
    """Record that a proof of age is handed to `by`."""
    audit.record("read age proof", by=by, at=at, on=proof, organization=proof.organization)


def unproven(roster: Roster) -> list[RosterRow]:
    """The first of the rows that wait for a proof of age."""
    rows = RosterRow.select().where(RosterRow.roster == roster, RosterRow.kind == "unproven")
    return list(rows.order_by(RosterRow.number).limit(LISTED))


def proofs(roster: Roster) -> list[tuple[AgeProof, RosterRow | None]]:
    """A roster's proofs of age, each with the row it stands for."""
    rows = {row.id_index: row for row in RosterRow.select().where(
        RosterRow.roster == roster, RosterRow.id_index << AgeProof.select(AgeProof.id_index).where(
            AgeProof.roster == roster))}  # fmt: skip
    kept = AgeProof.select().where(AgeProof.roster == roster).order_by(AgeProof.id)
    return [(proof, rows.get(proof.id_index)) for proof in kept]
