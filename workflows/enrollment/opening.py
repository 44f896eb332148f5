"""A city that starts in mid-life: what happened before, from its workbooks, marked 期初.

A workbook is checked whole when it is kept and booked by a second person. Covers go in as
approved rosters of their own, payments on those rosters' dues, paid claims with their decisions
and payouts, so that caps, counts, renewals, replay and the ledger are right from the first day.
Booking goes in short steps; what broke off is simply done again.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from peewee import JOIN

from huigong import rules, uploads
from huigong.database import among, insert_rows, writes
from huigong.models import (
    Edition,
    Enrollment,
    Level,
    Member,
    Opening,
    OpeningJob,
    Organization,
    Roster,
    RosterRow,
    User,
)
from huigong.refusals import Lost, Refused
from huigong.sheets import Source
from huigong.workflows import audit, shares
from huigong.workflows.enrollment import opening_sheets as sheets
from huigong.workflows.enrollment import staged
from huigong.workflows.enrollment.approval import approve_roster
from huigong.workflows.enrollment.checks import Person, RosterCheck
from huigong.workflows.enrollment.columns import Header, plain_title
from huigong.workflows.enrollment.corrected import corrected
from huigong.workflows.enrollment.history import tell
from huigong.workflows.enrollment.opening_sheets import PERSON, Line, Places, Wrong
from huigong.workflows.enrollment.reading import Told, quiet
from huigong.workflows.enrollment.undone import undo_approval
from huigong.workflows.schemes import plan_of

CHUNK: Final = 1000
DOUBTS: Final = "doubts"  # the kind of an OpeningJob that nobody works on
KEPT: Final = 100  # faults or doubts kept for the page
Faults = list[tuple[int, str]]
_FIELD_OF: Final = {
    "姓名": "name", "身份证号": "id_number", "手机号": "mobile", "银行卡号": "bank_card",
    "开户行": "bank", "性别": "sex", "出生日期": "birth", "用工形式": "employment",
    "医保类型": "insurance", "参加工作时间": "hired", "会员身份": "membership",
}  # fmt: skip


class Group(NamedTuple):
    """What makes one opening roster."""

    unit: int
    edition: int
    cover_from: date
    rest_by: str


class Cover(NamedTuple):
    """A row of past or running cover."""

    number: int
    group: Group
    person: Person
    id_index: str
    renewed: bool
    facts: dict[str, Any]
    fee: int
    certificate: str = ""  # the number that it had before


class Found(NamedTuple):
    """What the check of a workbook found: its rows, what they come to in fen, and what is worth a
    second look of whoever books it, as sentences."""

    rows: int
    amount: int
    doubts: list[str]


def keep_opening(
    city: Organization, *, kind: str, kept: uploads.Kept, folder: Path, by: User, at: datetime
) -> Opening:
    """Check a workbook and keep it for a second person to book.

    Refuses everything that is wrong with its rows at once, each with its row's number; then
    nothing is kept.
    """
    refuse_unfit(city, kind)
    with uploads.open_kept(folder, kept.file) as file:
        found = checked(city, kind, file, at.date())
    return begin(city, kind, kept, by, at, found)


def refuse_unfit(city: Organization, kind: str) -> None:
    """Refuse who does not import what happened before, and what is none of its workbooks."""
    if city.level != Level.CITY:
        raise Refused("file", "期初数据由市级工会导入")
    if kind not in sheets.KINDS:
        raise Refused("kind", "请选择是参保、到账还是已付申领")


@writes
def begin(
    city: Organization, kind: str, kept: uploads.Kept, by: User, at: datetime,
    found: Found | None = None,
) -> Opening:  # fmt: skip
    """Keep a workbook, to be checked or with what its check found. Refuses one kept already."""
    same = Opening.select().where(
        Opening.organization == city, Opening.sha256 == kept.sha256, Opening.stage != "withdrawn"
    )
    if same.exists():
        raise Refused("file", "这份文件已经上传过")
    rows, amount, doubts = found or Found(0, 0, [])
    made = Opening.create(
        organization=city, kind=kind, file=kept.file, file_name=kept.name, sha256=kept.sha256,
        stage="checked" if found else "reading", rows=rows, amount=amount, by=by, at=at,
    )  # fmt: skip
    _note(made, doubts)
    detail = f"{sheets.KINDS[kind]} {rows}行" if found else sheets.KINDS[kind]
    audit.record("keep opening", by=by, at=at, on=made, organization=city, detail=detail)
    return made


def check_opening(opening: Opening, *, folder: Path, told: Told = quiet) -> Opening:
    """Check a workbook that was kept unread. Refuses as `keep_opening` does; then it is withdrawn
    and nothing of it stays but its name."""
    try:
        with uploads.open_kept(folder, opening.file) as file:
            told("check", 0, 0)
            found = checked(opening.organization, opening.kind, file, opening.at.date(), told)
    except Refused:
        _settle_check(opening, "withdrawn")
        raise
    _settle_check(opening, "checked", *found)
    return opening


def withdraw_unread(opening: Opening) -> None:
    """Let a workbook whose check was stopped be absent."""
    _settle_check(opening, "withdrawn")


@writes
def _settle_check(
    opening: Opening, stage: str, rows: int = 0, amount: int = 0, doubts: Sequence[str] = ()
) -> None:
    opening.move("stage", was="reading", to=stage, rows=rows, amount=amount)
    _note(opening, doubts)


def _note(opening: Opening, doubts: Sequence[str]) -> None:
    """Keep what is worth a second look until the workbook is booked."""
    if doubts:
        OpeningJob.delete().where(OpeningJob.opening == opening).execute()
        OpeningJob.create(
            opening=opening, kind=DOUBTS, by=opening.by_id, at=opening.at,
            done=len(doubts), faults=list(doubts[:KEPT]),
        )  # fmt: skip


def checked(city: Organization, kind: str, file: Source, today: date, told: Told = quiet) -> Found:
    """What a workbook says. Refuses one with faults."""
    if kind == "covers":
        covers = _all(*read_covers(city, file, today, None, told))
        doubts = [
            f"第{cover.number}行 {cover.person.name}：{said}"
            for cover in covers
            for said in cover.person.warnings
        ]
        return Found(len(covers), sum(cover.fee for cover in covers), doubts)
    if kind == "payments":
        from huigong.workflows.enrollment.opening_payments import read_payments

        paid = _all(*read_payments(city, file, today, None, told))
        return Found(len(paid), sum(line.amount for line in paid), [])
    from huigong.workflows.enrollment.opening_claims import read_claims

    claims = _all(*read_claims(city, file, today, None, told))
    return Found(len(claims), sum(claim.amount for claim in claims), [])


def _all(rows: list[Any], faults: Faults) -> list[Any]:
    if faults:
        told = [("file", f"第{number}行 {message}") for number, message in sorted(faults)]
        raise Refused.all(told)
    return rows


def withdraw_opening(opening: Opening, *, by: User, at: datetime) -> Opening:
    """Withdraw a workbook that was not booked; the caller forgets its file."""
    for roster in _withdraw(opening, by=by, at=at):
        undo_approval(roster)
    return opening


@writes
def _withdraw(opening: Opening, *, by: User, at: datetime) -> list[Roster]:
    """The rosters that were begun for it."""
    begun = Roster.select().where(Roster.number.startswith(f"QC{opening.id:04d}-"))
    if begun.where(Roster.stage == "approved").exists():
        raise Refused("opening", "入账已经开始，不能撤回；请继续入账")
    opening.move(
        "stage", was="reading" if opening.stage == "reading" else "checked", to="withdrawn"
    )
    OpeningJob.delete().where(OpeningJob.opening == opening).execute()
    rosters = list(begun)
    Roster.update(stage="withdrawn").where(Roster.id << [each.id for each in rosters]).execute()
    audit.record("withdraw opening", by=by, at=at, on=opening, organization=opening.organization)
    return rosters


def refuse_booking(opening: Opening, by: User) -> None:
    """Refuse who kept a workbook as its booker. Raises Lost when it is not waiting for one."""
    if opening.stage != "checked":
        raise Lost(f"opening {opening.id} is {opening.stage}")
    if by.id == opening.by_id:
        raise Refused("by", "期初数据须由上传人以外的人复核入账")


def book_opening(
    opening: Opening, *, folder: Path, by: User, at: datetime, told: Told = quiet
) -> Opening:
    """Book a kept workbook. Doing it again continues what broke off.

    Refuses who kept it, and whatever is wrong with it by now. Raises Lost when it was booked or
    withdrawn already.
    """
    refuse_booking(opening, by)
    with uploads.open_kept(folder, opening.file) as file:
        _book(opening, file, by, at, told)
    return _finish(opening, by, at)


def _book(opening: Opening, file: Source, by: User, at: datetime, told: Told) -> None:
    city = opening.organization
    if opening.kind == "covers":
        covers = _all(*read_covers(city, file, at.date(), opening, told))
        _book_covers(opening, covers, by, at, told)
    elif opening.kind == "payments":
        from huigong.workflows.enrollment.opening_payments import book_payments, read_payments

        paid = _all(*read_payments(city, file, at.date(), opening, told))
        book_payments(opening, paid, by, at, told)
    else:
        from huigong.workflows.enrollment.opening_claims import book_claims, read_claims

        claims = _all(*read_claims(city, file, at.date(), opening, told))
        book_claims(opening, claims, by, at, told)


@writes
def _finish(opening: Opening, by: User, at: datetime) -> Opening:
    opening.move("stage", was="checked", to="booked", booked_by=by.id, booked_at=at)
    OpeningJob.delete().where(OpeningJob.opening == opening, OpeningJob.kind == DOUBTS).execute()
    detail = f"{sheets.KINDS[opening.kind]} {opening.rows}行"
    place = opening.organization
    audit.record("book opening", by=by, at=at, on=opening, organization=place, detail=detail)
    return opening


# ── covers ──────────────────────────────────────────────────────────────────────────────────


def read_covers(
    city: Organization, file: Source, today: date, opening: Opening | None = None,
    told: Told = quiet,
) -> tuple[list[Cover], Faults]:  # fmt: skip
    """The covers of a workbook, and what is wrong with which row."""
    places, checks = Places(city), dict[tuple[date, int], RosterCheck]()
    covers, faults = sheets.each(
        file, "covers", lambda line: _cover(line, places, checks, today), told
    )
    faults += _corrected(city, covers)
    return covers, faults + _overlaps(covers, opening) + _taken_numbers(covers, opening)


def _corrected(city: Organization, covers: list[Cover]) -> Faults:
    """Rows that name somebody by an ID that was corrected."""
    gone = corrected()
    named = [(cover.number, cover.person.name, gone.get(cover.id_index)) for cover in covers]
    return [
        (number, f"身份证号：{person.fault([city.path])}")
        for number, name, person in named
        if person and person.name == name
    ]


def _cover(
    line: Line, places: Places, checks: dict[tuple[date, int], RosterCheck], today: date
) -> Cover:
    unit, edition = places.unit(line), places.edition(line)
    start = places.cover_from(line, edition)
    if start > today:
        raise Wrong("保障开始日：在今天之后，请按正常名册上报")
    key = (start, line.epoch)
    if key not in checks:
        titles = {at: plain_title(title) for at, title in enumerate(PERSON)}
        columns = {_FIELD_OF[title]: at for at, title in enumerate(PERSON)}
        checks[key] = RosterCheck(Header((0,), columns, titles), start, epoch=line.epoch)
    checks[key]._seen.clear()  # one person may stand here under several schemes and terms
    found = checks[key].check(line.number, [line.cells.get(title, "") for title in PERSON])
    if isinstance(found, list):
        raise Wrong("；".join(f"{fault.title}：{fault.message}" for fault in found))
    facts = sheets.known_facts(
        {
            "insurance": found.insurance,
            "membership": found.membership,
            "employment": found.employment,
            "age": found.age,
            "year": start.year,
            "unit_level": unit.unit_level,
        }
    )
    try:
        fee = rules.fee(plan_of(edition), facts).total
    except rules.NotStated as silent:
        raise Wrong(silent.message) from silent
    group = Group(unit.id, edition.id, start, line.word("自筹由谁承担", sheets.REST_BY, "单位"))
    renewed = line.word("是否续保", sheets.YES)
    index = Member.index_of_id(found.id_number)
    old = line.certificate()
    return Cover(line.number, group, found, index, renewed, facts, fee, old)


def _overlaps(covers: list[Cover], opening: Opening | None) -> Faults:
    """Two covers of one scheme at once, in the workbook or with what the office has."""
    editions = {
        e.id: e for e in Edition.select().where(Edition.id << {c.group.edition for c in covers})
    }
    terms: dict[tuple[str, int], list[tuple[date, date, str]]] = defaultdict(list)
    for scheme, index, first, last, where in _known_terms(covers, opening):
        terms[index, scheme].append((first, last, where))
    faults = []
    for cover in covers:
        edition = editions[cover.group.edition]
        first = cover.group.cover_from
        last = rules.last_day(first, plan_of(edition)["term_months"])
        mine = terms[cover.id_index, edition.scheme_id]
        clash = next((where for a, b, where in mine if a <= last and first <= b), "")
        if clash:
            faults.append((cover.number, f"保障期与{clash}重叠"))
        mine.append((first, last, f"第{cover.number}行"))
    return faults


def _taken_numbers(covers: list[Cover], opening: Opening | None) -> Faults:
    """Old certificate numbers that stand twice, or that somebody's cover in the office has."""
    mine = f"QC{opening.id:04d}-" if opening else "QC----"
    first: dict[str, int] = {}
    faults = []
    for cover in covers:
        if cover.certificate and cover.certificate in first:
            faults.append((cover.number, f"原凭证号：与第{first[cover.certificate]}行重复"))
        first.setdefault(cover.certificate, cover.number)
    first.pop("", None)
    numbers = list(first)
    for start in range(0, len(numbers), CHUNK):
        known: Any = (
            Enrollment.select(Enrollment.certificate)
            .join(Roster, JOIN.LEFT_OUTER)
            .where(among(Enrollment.certificate, numbers[start : start + CHUNK]))
            .where(Roster.number.is_null() | ~Roster.number.startswith(mine))
        )
        faults += [(first[number], "原凭证号：已有这个凭证") for (number,) in known.tuples()]
    return faults


def _known_terms(
    covers: list[Cover], opening: Opening | None
) -> list[tuple[int, str, date, date, str]]:
    """Terms that people have in the office already, but for those of this very opening."""
    mine = f"QC{opening.id:04d}-" if opening else "QC----"
    found = []
    indexes = list({cover.id_index for cover in covers})
    for start in range(0, len(indexes), CHUNK):
        rows: Any = (
            Enrollment.select(
                Edition.scheme,
                Member.id_index,
                Enrollment.cover_from,
                Enrollment.cover_to,
                Enrollment.left_on,
                Enrollment.certificate,
            )
            .join_from(Enrollment, Member)
            .join_from(Enrollment, Edition)
            .join_from(Enrollment, Roster, JOIN.LEFT_OUTER)
            .where(among(Member.id_index, indexes[start : start + CHUNK]), Enrollment.counts())
            .where(Roster.number.is_null() | ~Roster.number.startswith(mine))
        )
        found += [
            (scheme, index, first, left or last, f"已有的凭证{number}")
            for scheme, index, first, last, left, number in rows.tuples()
        ]
    return found


def _book_covers(opening: Opening, covers: list[Cover], by: User, at: datetime, told: Told) -> None:
    done = 0
    groups: dict[Group, list[Cover]] = defaultdict(list)
    for cover in covers:
        groups[cover.group].append(cover)
    for place, (group, people) in enumerate(groups.items(), 1):
        number = f"QC{opening.id:04d}-{place:05d}"
        roster = Roster.get_or_none(Roster.number == number)
        if roster is None or roster.stage == "reading":
            roster = _roster(opening, number, group, people, at)
        if roster.stage == "submitted":
            approve_roster(roster, by=by, at=at, told=_after(done, len(covers), told))
        done += len(people)
        told("book", done, len(covers))
        old = {cover.id_index: cover.certificate for cover in people if cover.certificate}
        for start in range(0, len(old), CHUNK):
            _keep_numbers(roster, dict(list(old.items())[start : start + CHUNK]))


@writes
def _keep_numbers(roster: Roster, old: dict[str, str]) -> None:
    """Let covers keep the numbers that they had before; old is by blind index. Doing it again
    changes nothing."""
    found: Any = (
        Enrollment.select(Enrollment.id, Member.id_index)
        .join(Member)
        .where(Enrollment.roster == roster, among(Member.id_index, list(old)))
    )
    for cover, index in list(found.tuples()):
        Enrollment.update(certificate=old[index]).where(Enrollment.id == cover).execute()


def _after(done: int, total: int, told: Told) -> Told:
    """Tell how far a roster is as a part of its whole workbook."""
    return lambda phase, some, of: told("book", done + some, total)


def _roster(
    opening: Opening, number: str, group: Group, people: list[Cover], at: datetime
) -> Roster:
    """A roster of the opening with its rows, submitted."""
    roster = _begin(opening, number, group, at)
    stage = staged.stager(roster.id)
    rows = [
        stage(
            cover.number, cover.person, cover.id_index, staged.dumped(cover.facts), cover.fee,
            "renewed" if cover.renewed else "new",
            warnings=staged.dumped(cover.person.warnings),
        )
        for cover in people
    ]  # fmt: skip
    for start in range(0, len(people), CHUNK):
        _stage(rows[start : start + CHUNK])
    total = sum(cover.fee for cover in people)
    parts = shares.parts_of(roster, [(cover.facts, 1) for cover in people])
    changes: dict[str, Any] = {"people": len(people), "total": total, "submitted_by": opening.by_id}
    changes["split"] = parts
    _submit(roster, changes)
    return roster


@writes
def _begin(opening: Opening, number: str, group: Group, at: datetime) -> Roster:
    RosterRow.delete().where(
        RosterRow.roster << Roster.select(Roster.id).where(Roster.number == number)
    ).execute()
    known = Roster.get_or_none(Roster.number == number)
    if known is not None:
        return known  # type: ignore[no-any-return]
    roster = Roster.create(
        organization=group.unit, edition=group.edition, number=number, cover_from=group.cover_from,
        rest_by=group.rest_by, file=opening.file, file_name=f"期初：{opening.file_name}",
        made_by=opening.by_id, made_at=at,
    )  # fmt: skip
    tell(roster, "uploaded", by=opening.by, at=at, note=f"期初导入：{opening.file_name}")
    return roster


@writes
def _stage(rows: list[tuple[Any, ...]]) -> None:
    insert_rows("roster_row", staged.COLUMNS, rows)


@writes
def _submit(roster: Roster, changes: dict[str, Any]) -> None:
    roster.move("stage", was="reading", to="submitted", **changes)
