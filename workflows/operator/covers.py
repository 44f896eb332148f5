"""The people that a scheme enrolled: out to its operator, and its answer to each of them."""

from array import array
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from peewee import fn

from huigong import identity, uploads
from huigong.database import among, insert_rows, writes
from huigong.models import (
    Edition,
    Enrollment,
    Gift,
    Member,
    OperatorAnswer,
    OperatorFile,
    Organization,
    Roster,
    RosterEvent,
    Scheme,
    User,
)
from huigong.refusals import Refused
from huigong.sheets import write_workbook
from huigong.workflows import audit, gifts
from huigong.workflows.enrollment.checks import EMPLOYMENT, INSURANCE, MEMBERSHIP
from huigong.workflows.enrollment.corrected import corrected
from huigong.workflows.enrollment.reading import Told, quiet
from huigong.workflows.operator import files
from huigong.workflows.operator.layouts import columns_of, layout_of
from huigong.workflows.operator.reading import Sheet, plainly

_WORDS: Final[dict[str, Any]] = {
    "insurance": INSURANCE,
    "employment": EMPLOYMENT,
    "membership": MEMBERSHIP,
}
SEX: Final = {"male": "男", "female": "女"}
ACCEPTED: Final = frozenset({"承保", "通过", "接受", "成功", "同意", "是", "已承保", "正常"})
REJECTED: Final = frozenset({"拒保", "不通过", "拒绝", "失败", "不同意", "否", "不承保", "退回"})
CHUNK: Final = 2000
MOST_PEOPLE: Final = 1_000_000  # a sheet ends at 1,048,576 rows


# Not their plans, figures and other JSON, which would be read once a person.
_SHOWN: Final = (
    *(Enrollment, Member, Organization.id, Organization.name, Organization.code),
    *(Edition.id, Edition.name, Roster.id, Roster.number),
)


def approved_between(scheme: Scheme, first: date, last: date) -> Any:
    """The enrollments of a scheme whose rosters were approved within these days."""
    approved = RosterEvent.select(RosterEvent.roster).where(
        RosterEvent.kind == "approved", RosterEvent.on.between(first, last)
    )
    return (
        Enrollment.select(*_SHOWN)
        .join_from(Enrollment, Member)
        .join_from(Enrollment, Organization, on=Enrollment.organization == Organization.id)
        .join_from(Enrollment, Edition)
        .join_from(Enrollment, Roster)
        .where(Edition.scheme == scheme, Roster.stage == "approved", Roster.id << approved)
    )


def send_covers(
    scheme: Scheme, *, first: date, last: date, folder: Path, by: User, at: datetime
) -> OperatorFile:
    """Write, keep and record the workbook of the people approved within these days, in full.
    Refuses a span without anybody."""
    refuse_span(scheme, first, last)
    kept, people = write_covers(scheme, first, last, folder=folder)
    try:
        return _sent(scheme, kept, people, first, last, by=by, at=at)
    except BaseException:
        uploads.drop(folder, kept.file)
        raise


def refuse_span(scheme: Scheme, first: date, last: date) -> int:
    """Refuse days that are none, without anybody, or with more people than a workbook holds; says
    how many they are."""
    if first > last:
        raise Refused("last", "结束日期早于开始日期")
    people = int(approved_between(scheme, first, last).count())
    if not people:
        raise Refused("first", "这段时间没有批准的参保")
    if people > MOST_PEOPLE:
        raise Refused("last", f"一个工作簿放不下 {people} 人，请缩短日期分几次导出")
    return people


def write_covers(
    scheme: Scheme, first: date, last: date, *, folder: Path, told: Told = quiet
) -> tuple[uploads.Kept, int]:
    """Write and keep the workbook of the people approved within these days, in full; says how
    many they are."""
    query, layout = approved_between(scheme, first, last), layout_of(scheme, "covers")
    ids = _in_order(query)
    rows = _rows(query, ids, [name for name, _ in layout], told)
    kept = files.written(
        folder, name_of(scheme, first, last),
        lambda book: write_workbook(book, columns_of(layout, "covers"), rows, sheet="参保"),
    )  # fmt: skip
    return kept, len(ids)


def name_of(scheme: Scheme, first: date, last: date) -> str:
    """Under which name the workbook of these days is handed over."""
    return f"{scheme.name}-参保-{first}至{last}.xlsx"


@writes
def _sent(
    scheme: Scheme, kept: uploads.Kept, people: int, first: date, last: date, *, by: User,
    at: datetime,
) -> OperatorFile:  # fmt: skip
    made = files.record(scheme, kept, kind="covers", way="out", by=by, at=at, rows=people)
    tell_sent(made, first, last, by=by, at=at)
    return made


def tell_sent(made: OperatorFile, first: date, last: date, *, by: User, at: datetime) -> None:
    """Log that a file was written, inside the caller's transaction."""
    place = made.organization
    detail = f"{made.number} {made.scheme.name} {first}至{last} {made.rows}人"
    audit.record("export for operator", by=by, at=at, on=made, organization=place, detail=detail)


def _in_order(query: Any) -> "array[int]":
    """The ids of a city's enrollments by roster and certificate: approval enrolls some thousands
    at a time, in no promised order. Numbers alone, so that a city is a few MiB."""
    order = (Enrollment.roster, fn.LENGTH(Enrollment.certificate), Enrollment.certificate)
    ids = query.select(Enrollment.id).order_by(*order).tuples()
    return array("q", (id for (id,) in ids.iterator()))


def _rows(query: Any, ids: "array[int]", names: list[str], told: Told) -> Iterator[list[Any]]:
    """A row a person, asked for by thousands; the givers of each thousand at once."""
    for start in range(0, len(ids), CHUNK):
        told("write", start, len(ids))
        part = ids[start : start + CHUNK].tolist()
        found = {cover.id: cover for cover in query.where(among(Enrollment.id, part))}
        page = [found[id] for id in part if id in found]
        rosters = {cover.roster_id for cover in page if "giver" in names}
        given = gifts.givers_of(rosters) if rosters else {}
        for cover in page:
            yield [_cell(cover, name, given.get(cover.roster_id)) for name in names]


def _cell(cover: Enrollment, name: str, gift: Gift | None) -> Any:
    member = cover.member
    if name in _WORDS:
        said = member.membership if name == "membership" else cover.facts.get(name)
        said = cover.facts.get(name) or said
        return _WORDS[name][said][0] if said in _WORDS[name] else ""
    if name in _OF_PERSON:
        return of_person(cover, name)
    return {
        "renewal": "是" if cover.renewal else "否",
        "fee": cover.fee,
        "roster": cover.roster.number if cover.roster else "",
        "giver": gifts.named(gift, cover),
        "result": "",
        "words": "",
    }[name]


_SEALED: Final = {"mobile": "phone", "id_number": "resident_id", "bank_card": "bank_card"}
_OF_PERSON: Final[dict[str, Any]] = {
    "certificate": lambda cover: cover.certificate,
    "name": lambda cover: cover.member.name,
    "sex": lambda cover: SEX.get(cover.member.sex, ""),
    "birth": lambda cover: cover.member.born_on,
    "bank": lambda cover: cover.member.bank,
    "unit": lambda cover: cover.organization.name,
    "unit_code": lambda cover: cover.organization.code or "",
    "edition": lambda cover: cover.edition.name,
    "cover_from": lambda cover: cover.cover_from,
    "cover_to": lambda cover: cover.cover_to,
    **{
        name: lambda cover, column=column: cover.member.opened(column)
        for name, column in _SEALED.items()
    },
}


def of_person(cover: Enrollment, name: str) -> Any:
    """What a column says of somebody and their cover."""
    return _OF_PERSON[name](cover)


# ── the answer ──────────────────────────────────────────────────────────────────────────────


class Answered(NamedTuple):
    """A row of an answer that can be taken."""

    enrollment: int
    organization: int
    accepted: bool
    reason: str


class Judged(NamedTuple):
    """What an answer's rows would do: those that say something new, how many are known already,
    and what is wrong, by row: [(field, message), …]."""

    fresh: list[Any]
    known: int
    faults: dict[int, list[tuple[str, str]]]


def judge(scheme: Scheme, sheet: Sheet, told: Told = quiet) -> Judged:
    """Hold an answer's rows against who is enrolled under the scheme, so many at once."""
    judged, seen = Judged([], 0, {}), dict[int, int]()
    while part := list(islice(sheet.rows, CHUNK)):
        told("stage", part[-1][0], sheet.height)
        known = _judge_some(scheme, sheet, part, seen, judged)
        judged = judged._replace(known=judged.known + known)
    return judged


def _judge_some(
    scheme: Scheme,
    sheet: Sheet,
    part: Sequence[tuple[int, Any]],
    seen: dict[int, int],
    judged: Judged,
) -> int:
    """Put what is new and what is wrong in `judged`; how many rows are known already. `seen` has
    the first row about each enrollment."""
    keys = [_key(sheet, row) for _, row in part]
    enrolled = _known(scheme, [key for key, _ in keys if key])
    latest, known = _latest([cover for cover, _ in enrolled.values()]), 0
    for (number, row), (key, field) in zip(part, keys, strict=True):
        found, (result, faults) = enrolled.get(key), _result(sheet, row)
        if found is None:
            faults.insert(0, (field, "没有对应的参保：请核对身份证号或凭证号"))
        elif seen.setdefault(found[0], number) != number:
            faults.insert(0, (field, f"与第{seen[found[0]]}行是同一人"))
        if faults or found is None:
            judged.faults[number] = faults
            continue
        said = Answered(*found, result in ACCEPTED, words_of(sheet, row))
        if latest.get(said.enrollment) == (said.accepted, said.reason):
            known += 1
        else:
            judged.fresh.append(said)
    return known


def all_known(judged: Judged) -> Judged:
    """The same, of an answer that was taken before: what is not at fault says nothing new."""
    return judged._replace(fresh=[], known=judged.known + len(judged.fresh))


def _key(sheet: Sheet, row: Any) -> tuple[str, str]:
    """By what a row is told whose it is, the ID first, and in which field that stands."""
    for field in ("id_number", "certificate"):
        if found := sheet.cells(row, field):
            return identity.normalize_id(str(found[0])), field
    return "", "id_number" if "id_number" in sheet.columns else "certificate"


def _result(sheet: Sheet, row: Any) -> tuple[str, list[tuple[str, str]]]:
    """What a row says became of somebody, and what is wrong with it."""
    try:
        result = plainly(sheet.cell(row, "result"))
    except ValueError as wrong:
        return "", [("result", str(wrong))]
    if result not in ACCEPTED | REJECTED:
        return "", [("result", f"不认识结果“{result[:20]}”，请填写：承保、拒保")]
    if result in REJECTED and not sheet.cells(row, "words"):
        return result, [("words", "未承保的须写明原因")]
    return result, []


def words_of(sheet: Sheet, row: Any) -> str:
    """What a row says in words, from all its columns of words."""
    said = (identity.plain_text(str(cell)).strip() for cell in sheet.cells(row, "words"))
    return "；".join(said)[:500]


def _known(scheme: Scheme, keys: list[str]) -> dict[str, tuple[int, int]]:
    """(enrollment, its organization) by ID or certificate number; of several terms the latest."""
    found: dict[str, tuple[int, int]] = {}
    ids = {Member.index_of_id(key): key for key in keys if not identity.id_fault(key)}
    theirs = set(ids.values())
    # The operator answers under the ID that it was sent, which may be corrected by now.
    renamed = {person.id_index: ids[old] for old, person in corrected(list(ids)).items()}
    for batch, column, named in (
        (list(renamed), Member.id_index, renamed),
        (list(ids), Member.id_index, ids),
        ([key for key in keys if key not in theirs], Enrollment.certificate, None),
    ):
        rows: Any = (
            Enrollment.select(column, Enrollment.id, Enrollment.organization)
            .join_from(Enrollment, Member)
            .join_from(Enrollment, Edition)
            .where(among(column, batch), Edition.scheme == scheme, Enrollment.counts())
            .order_by(Enrollment.cover_from)
        )
        for key, cover, place in rows.tuples():
            found[named[key] if named else key] = (cover, place)
    return found


def _latest(covers: list[int]) -> dict[int, tuple[bool, str]]:
    rows: Any = OperatorAnswer.select(
        OperatorAnswer.enrollment, OperatorAnswer.accepted, OperatorAnswer.reason
    )
    rows = rows.where(among(OperatorAnswer.enrollment, covers)).order_by(OperatorAnswer.id)
    return {cover: (bool(yes), why) for cover, yes, why in rows.tuples()}


def keep(file: OperatorFile, part: Sequence[Answered], *, by: User, at: datetime) -> None:
    """Keep some of an answer's rows, inside the caller's transaction."""
    columns = ("organization_id", "enrollment_id", "accepted", "reason", "by_id", "at")
    lines = [
        (said.organization, said.enrollment, said.accepted, said.reason, by.id, at) for said in part
    ]
    insert_rows("operator_answer", columns, lines)


def counts(fresh: Sequence[Answered]) -> list[tuple[str, int]]:
    """What new rows say, in words and numbers."""
    yes = sum(1 for said in fresh if said.accepted)
    return [("承保", yes), ("未承保", len(fresh) - yes)]


def answered(roster: Roster) -> tuple[int, list[OperatorAnswer]]:
    """Of a roster: how many the operator accepted, and those it rejected, by its latest word."""
    latest: dict[int, OperatorAnswer] = {}
    rows = (
        OperatorAnswer.select(OperatorAnswer, Enrollment, Member)
        .join(Enrollment)
        .join(Member)
        .where(Enrollment.roster == roster)
        .order_by(OperatorAnswer.id)
    )
    for answer in rows:
        latest[answer.enrollment_id] = answer
    rejected = [answer for answer in latest.values() if not answer.accepted]
    return len(latest) - len(rejected), rejected
