"""Covers of the time before: each start of a unit under a scheme becomes an approved roster."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from peewee import JOIN

from huigong import rules
from huigong.database import among, insert_rows, writes
from huigong.models import (
    Edition,
    Enrollment,
    Member,
    Opening,
    Organization,
    Roster,
    RosterRow,
    User,
)
from huigong.sheets import Source
from huigong.workflows import shares
from huigong.workflows.enrollment import opening_sheets as sheets
from huigong.workflows.enrollment import staged
from huigong.workflows.enrollment.approval import approve_roster
from huigong.workflows.enrollment.checks import Person, RosterCheck
from huigong.workflows.enrollment.columns import Header, plain_title
from huigong.workflows.enrollment.corrected import corrected
from huigong.workflows.enrollment.history import tell
from huigong.workflows.enrollment.opening_sheets import (
    PERSON,
    Faults,
    Line,
    Places,
    Together,
    Wrong,
)
from huigong.workflows.enrollment.reading import Told, quiet
from huigong.workflows.schemes import plan_of

CHUNK: Final = 1000
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
    row = Together()
    unit, edition = row.ask(places.unit, line), row.ask(places.edition, line)
    start = row.ask(_start, line, places, edition, today)
    found = row.ask(_person, line, checks, start or today)
    rest_by = row.ask(line.word, "自筹由谁承担", sheets.REST_BY, "单位")
    renewed, old = row.ask(line.word, "是否续保", sheets.YES), row.ask(line.certificate)
    row.settle()
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
    index = Member.index_of_id(found.id_number)
    group = Group(unit.id, edition.id, start, rest_by)
    return Cover(line.number, group, found, index, renewed, facts, fee, old)


def _start(line: Line, places: Places, edition: Edition, today: date) -> date:
    start = places.cover_from(line, edition)
    if start > today:
        raise Wrong("保障开始日：在今天之后，请按正常名册上报")
    return start


def _person(line: Line, checks: dict[tuple[date, int], RosterCheck], start: date) -> Person:
    key = (start, line.epoch)
    if key not in checks:
        titles = {at: plain_title(title) for at, title in enumerate(PERSON)}
        columns = {_FIELD_OF[title]: at for at, title in enumerate(PERSON)}
        checks[key] = RosterCheck(Header((0,), columns, titles), start, epoch=line.epoch)
    checks[key].forget()  # one person may stand here under several schemes and terms
    found = checks[key].check(line.number, [line.cells.get(title, "") for title in PERSON])
    if isinstance(found, list):
        raise Wrong("；".join(f"{fault.title}：{fault.message}" for fault in found))
    return found


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
    mine = sheets.prefix_of(opening)
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
    mine = sheets.prefix_of(opening)
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


def book_covers(opening: Opening, covers: list[Cover], by: User, at: datetime, told: Told) -> None:
    """Make and approve the rosters of covers. Doing it again continues what broke off."""
    done = 0
    groups: dict[Group, list[Cover]] = defaultdict(list)
    for cover in covers:
        groups[cover.group].append(cover)
    for place, (group, people) in enumerate(groups.items(), 1):
        number = f"{sheets.prefix_of(opening)}{place:05d}"
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
