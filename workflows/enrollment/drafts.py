"""A roster as a draft: a kept file read, checked, and its rows staged.

The whole file is read before anything is saved. Rows are staged in short transactions; the
roster's one row says in the last of them that it is a draft.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from peewee import fn

from huigong import rules, uploads, vault
from huigong.database import writes
from huigong.models import Edition, Level, Organization, Roster, RosterJob, RosterRow, User
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import audit, schemes, shares
from huigong.workflows.enrollment import meanings
from huigong.workflows.enrollment.columns import NEEDED, Header
from huigong.workflows.enrollment.history import tell
from huigong.workflows.enrollment.reading import forget_rows, reading_for, stage
from huigong.workflows.enrollment.staging import in_parts

REST_BY: Final = ("unit", "person")


def editions_for(organization: Organization, on: date) -> list[Edition]:
    """The editions of the organization's lineage that a roster made on a day may choose: they
    enroll then or will."""
    published = schemes.editions_published_to(organization)
    return [
        edition for edition in published if not edition.enrolled_to or edition.enrolled_to >= on
    ]


def draft_roster(
    *,
    organization: Organization,
    edition: Edition,
    cover_from: date,
    rest_by: str,
    kept: Kept,
    folder: Path,
    by: User,
    at: datetime,
    seen: Sequence[str] = (),
) -> Roster:
    """Draft a roster from a kept file: read, check, and stage its rows.

    `seen` are the subtrees whose units `by` may see named when somebody is covered elsewhere.
    Refuses a unit or edition that cannot enroll, a start outside the edition's dates or in the
    past, and a file that is not a roster; then nothing is saved.
    """
    refuse_unfit(organization, edition, cover_from, rest_by, at.date())
    reading = reading_for(organization, edition, cover_from)
    with uploads.open_kept(folder, kept.file) as file:
        lines = reading.all_lines(file)
    roster = begin(organization, edition, cover_from, rest_by, kept, by, at)
    return stage(roster, reading, in_parts(reading, lines), seen)


def restage_roster(
    roster: Roster, *, kept: Kept, folder: Path, by: User, at: datetime, seen: Sequence[str] = ()
) -> Roster:
    """Put another file in the place of a draft's or returned roster's; the caller forgets the
    old one. Refuses as `draft_roster` does; then the roster stays as it was."""
    unit, edition = roster.organization, roster.edition
    refuse_unfit(unit, edition, roster.cover_from, roster.rest_by, at.date())
    reading = reading_for(unit, edition, roster.cover_from)
    with uploads.open_kept(folder, kept.file) as file:
        lines = reading.all_lines(file)
    begin_again(roster, kept, by, at)
    forget_rows(roster)
    return stage(roster, reading, in_parts(reading, lines), seen)


def explain_columns(
    roster: Roster, said: Mapping[str, str], header: Header, *, by: User, at: datetime
) -> None:
    """Remember what the columns of a roster's file hold; the caller has the file read again.

    Refuses as `answer_columns` does, a roster that cannot be read again as it is, and answers that
    leave it without a column that it needs.
    """
    unit, edition = roster.organization, roster.edition
    reading = reading_for(unit, edition, roster.cover_from)
    meanings.refuse_lost(said, header, {*NEEDED, *reading.required()})
    refuse_unfit(unit, edition, roster.cover_from, roster.rest_by, at.date())
    answers = meanings.in_place(said, header)
    meanings.answer_columns(unit, answers, by=by, at=at)


def refuse_unfit(
    unit: Organization, edition: Edition, cover_from: date, rest_by: str, today: date
) -> None:
    faults = []
    plan = schemes.plan_of(edition)
    if unit.level != Level.UNIT or unit.closed_on:
        faults.append(("unit", "名册只能由基层单位上报"))
    if edition.organization_id not in unit.lineage:
        faults.append(("edition", "这个计划不面向本单位"))
    if edition.stage != "published" or (edition.enrolled_to and today > edition.enrolled_to):
        faults.append(("edition", "这个计划已停止参保，请选择其他计划"))
    elif not edition.enrolls_on(cover_from):
        window = f"{edition.enrolled_from}至{edition.enrolled_to or '另行通知'}"
        faults.append(("cover_from", f"保障开始日须在这个计划的参保期内（{window}）"))
    elif cover_from < today:
        faults.append(("cover_from", "保障开始日不能早于今天"))
    if rest_by not in REST_BY:
        faults.append(("rest_by", "请选择自筹部分由谁承担"))
    facts = {"unit_level": unit.unit_level}
    try:
        rules.fee(plan, facts)
    except rules.NotStated as silent:
        if silent.field == "fee":  # other gaps are each person's, and checked with their line
            faults.append(("edition", silent.message))
    misses = [miss for miss in rules.unmet(plan, facts) if miss.field == "unit_level"]
    faults += [("edition", miss.message) for miss in misses]
    if faults:
        raise Refused.all(faults)


@writes
def begin(
    organization: Organization,
    edition: Edition,
    cover_from: date,
    rest_by: str,
    kept: Kept,
    by: User,
    at: datetime,
) -> Roster:
    roster = Roster.create(
        organization=organization,
        edition=edition,
        number=vault.new_ref(),
        cover_from=cover_from,
        rest_by=rest_by,
        file=kept.file,
        file_name=kept.name,
        made_by=by,
        made_at=at,
    )
    roster.number = f"MC{at:%Y%m%d}-{roster.id:05d}"
    roster.save(only=[Roster.number])
    tell(roster, "uploaded", by=by, at=at, note=kept.name)
    audit.record("upload roster", by=by, at=at, on=roster, organization=organization)
    return roster


@writes
def begin_again(roster: Roster, kept: Kept, by: User, at: datetime) -> None:
    replace_file(roster, kept, by, at)
    RosterJob.delete().where(RosterJob.roster == roster).execute()


def replace_file(roster: Roster, kept: Kept, by: User, at: datetime) -> None:
    """Let another file be the roster's, not read yet, inside the caller's transaction."""
    if roster.stage not in ("reading", "draft", "returned"):
        raise Lost(f"roster {roster.id} is {roster.stage}")
    fresh = {"file_name": kept.name, "made_by": by.id, "made_at": at, "clean_only": False}
    fresh |= {"people": 0, "faulty": 0, "total": 0, "digest": {}, "unread": [], "split": []}
    roster.move("stage", was=roster.stage, to="reading", file=kept.file, **fresh)
    tell(roster, "uploaded", by=by, at=at, note=kept.name)
    audit.record("upload roster", by=by, at=at, on=roster, organization=roster.organization)


def kinds(roster: Roster) -> Counter[str]:
    """How many rows of each kind."""
    query: Any = RosterRow.select(RosterRow.kind, fn.COUNT(RosterRow.id))
    return Counter(dict(query.where(RosterRow.roster == roster).group_by(RosterRow.kind).tuples()))


def recounted(roster: Roster) -> dict[str, Any]:
    """What a roster says of its rows, after some of them were changed: people, faults, money."""
    counts, groups = kinds(roster), shares.count_staged(roster)
    split = shares.parts_of(roster, groups)
    return {
        "digest": {**roster.digest, "kinds": dict(counts), "groups": groups},
        "people": counts["new"] + counts["renewed"],
        "faulty": counts["faulty"] + counts["unproven"],
        "split": split,
        "total": sum(each * people for _, each, people in split),
    }
