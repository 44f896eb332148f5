"""From an uploaded workbook to checked lines: who is on it, and what is wrong with which line.

Reads a file and an edition's plan, no database: the command line and the upload form share it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from huigong import rules
from huigong.refusals import Refused
from huigong.sheets import Kind, SheetRefused, Source
from huigong.workflows.enrollment.checks import TOO_SHORT, Fault, Faults, Person, RosterCheck
from huigong.workflows.enrollment.columns import TITLES, Header, open_roster
from huigong.workflows.enrollment.meanings import Understood, asked_title, understood

Plan = dict[str, Any]

# The facts of a scheme that a roster's columns answer, and the column an unmet one belongs to.
COLUMN_OF: Final = {
    "age": "id_number",
    "insurance": "insurance",
    "employment": "employment",
    "membership": "membership",
}
BATCH: Final = 500  # lines handed over at once
MOST_FAULTS: Final = 8  # per line; more would not help anybody


class Line(NamedTuple):
    """One line of a roster: a person, or faults, or both where only a proof of age is missing;
    `shown_name` is what the name cell says. Faults do not hide whose valid ID it is."""

    number: int
    shown_name: str
    person: Person | None
    faults: list[Fault]
    id_number: str = ""


class Opened(NamedTuple):
    """What a file is like, known with its first line: about its last row, the columns not
    understood, and those that were."""

    height: int
    unread: list[list[str]]
    columns: list[Understood]


class Ended(NamedTuple):
    """What only the end of a file could tell: faults of lines that seemed clean, and how many
    people are made up for show."""

    late: list[Fault]
    for_show: int


Parts = Iterator[Opened | list[Line] | Ended]


@dataclass
class RosterReading:
    """A roster as it is read: iterate once, then ask `late` for what only the end could tell."""

    plan: Plan
    cover_from: date
    unit_level: str
    remembered: Mapping[str, str] = field(default_factory=dict)  # columns the unit explained
    header: Header = field(init=False)
    late: list[Fault] = field(default_factory=list)
    other_sheets: list[str] = field(default_factory=list)
    for_show: int = 0  # made-up people, known after the last line
    height: int = 0  # about the last row of the sheet, known once it is open
    _judged: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def lines(self, file: Source, *, stopped: Callable[[], bool] | None = None) -> Iterator[Line]:
        """The lines that stand for a person. Refuses (`file`) what is not a roster.

        `stopped` is asked several times a second while the file is read.
        """
        try:
            with open_roster(file, self.remembered, cancelled=stopped) as (rows, header, people):
                self.height = rows.height
                self.header = self._sound(header, rows.kind)
                check = self._check(rows.epoch)
                name_at = self.header.columns["name"]
                for number, row in people:
                    found = check.check(number, row)
                    name = str(row[name_at])[:50] if name_at < len(row) else ""
                    yield self._line(number, name, found)
                self.late, self.for_show = check.late_faults(), check.for_show
                self.other_sheets = rows.others
        except SheetRefused as refused:
            raise Refused("file", str(refused)) from refused

    def all_lines(self, file: Source) -> list[Line]:
        """The whole file, what only its end could tell put beside its lines. Refuses an empty
        roster, too."""
        lines = list(self.lines(file))
        if not lines:
            raise Refused("file", "名册里没有人：请在列名下面逐行填写后再上传")
        late = {fault.row: fault for fault in self.late}
        self.late = []
        return [
            line._replace(person=None, faults=[*line.faults, late[line.number]])
            if line.number in late
            else line
            for line in lines
        ]

    def facts(self, person: Person) -> dict[str, Any]:
        """The facts of a scheme about one person."""
        said = {
            "insurance": person.insurance,
            "membership": person.membership,
            "employment": person.employment,
            "gifted": person.gifted == "yes",
        }
        sure = {
            "age": person.age,
            "unit_level": self.unit_level,
            "year": self.cover_from.year,
        }
        return sure | {name: value for name, value in said.items() if value}

    def _sound(self, header: Header | None, kind: Kind) -> Header:
        if header is None or header.missing:
            titles = "”“".join(header.missing if header else ("姓名", "身份证号"))
            # A text under the name of a workbook: what it is helps more than what it lacks.
            what = "文件内容是文本，不是工作簿，" if header is None and kind.is_text else ""
            raise Refused("file", f"{what}找不到“{titles}”列：请用本页的模板，或让列名写成这样")
        absent = [TITLES[name] for name in self.required() if name not in header.columns]
        if absent:
            raise Refused("file", f"缺少“{'”“'.join(absent)}”列，这个计划按它核对参保条件或参保费")
        return header

    def required(self) -> list[str]:
        """The fields that the scheme asks of everybody, besides name and ID."""
        asked = rules.enrollment_questions(self.plan)
        return [COLUMN_OF[q.name] for q in asked if q.name in COLUMN_OF and q.name != "age"]

    def _check(self, epoch: int) -> RosterCheck:
        ages = next((need["in"] for need in self.plan["require"] if need["fact"] == "age"), None)
        return RosterCheck(
            self.header,
            self.cover_from,
            ages=tuple(ages) if ages else None,
            over_age_proof=any(need["proof"] == "over_age" for need in self.plan["require"]),
            required=frozenset(self.required()),
            epoch=epoch,
            unmet=self._unmet_besides,
        )

    def _line(self, number: int, name: str, found: Person | Faults) -> Line:
        if isinstance(found, Faults):
            return Line(number, name, None, found[:MOST_FAULTS], found.id_number)
        unmet = self._unmet(found)
        if not unmet:
            return Line(number, found.name, found, [])
        told = [self._told(miss, found.age, found.warnings) for miss in unmet]
        faults = [Fault(number, column, TITLES[column], message) for column, message in told]
        if found.proof and {miss.proof for miss in unmet} == {found.proof}:
            return Line(number, found.name, found, faults)
        return Line(number, found.name, None, faults, found.id_number)

    def _unmet_besides(self, known: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The requirements that a line with other faults does not meet, as far as it can be read:
        whoever mends it is told all of it at once."""
        facts = {name: known[name] for name in COLUMN_OF if known.get(name) not in (None, "")}
        return [
            self._told(miss, known.get("age", 0), known.get("warnings", ()))
            for miss in rules.unmet(self.plan, facts)
            if miss.field in facts
        ]

    def _told(self, miss: Any, age: int, warnings: Iterable[str]) -> tuple[str, str]:
        """The column that an unmet requirement belongs to, and what to say there."""
        column, message = COLUMN_OF.get(miss.field, "remark"), miss.message
        if miss.field == "age" and miss.proof:
            highest = next(need["in"][1] for need in self.plan["require"] if need["fact"] == "age")
            message = f"保障开始日{age}岁，超过{highest}岁；仍在岗未退休的，可以上传证明"
        if column == "employment":
            message = "；".join([message, *(w for w in warnings if w.startswith(TOO_SHORT))])
        return column, message

    def _unmet(self, person: Person) -> list[Any]:
        """The requirements somebody does not meet; asked once for people who are alike."""
        alike = (person.age, person.insurance, person.membership, person.employment)
        if alike not in self._judged:
            self._judged[alike] = rules.unmet(self.plan, self.facts(person))
        return self._judged[alike]  # type: ignore[no-any-return]


def in_parts(reading: RosterReading, lines: Iterable[Line]) -> Parts:
    """A file's lines, some at a time, with what is known of it before and after them: all that
    whoever keeps them has to know, who may be another process."""
    stream = iter(lines)
    batch = list(islice(stream, BATCH))
    columns = understood(reading.header, reading.remembered)
    yield Opened(reading.height, unread_of(reading.header), columns)
    while batch:
        yield batch
        batch = list(islice(stream, BATCH))
    yield Ended(reading.late, reading.for_show)


def unread_of(header: Header) -> list[list[str]]:
    """The letters and titles of the columns that were not understood."""
    return [[question.letter, asked_title(question, header)] for question in header.questions]


class Checked(NamedTuple):
    """What a file says before it is uploaded: people, faults in the order of the file, what is
    worth a second look, columns not understood, and how many people are made up for show."""

    people: int
    faults: list[Fault]
    doubts: list[tuple[int, str]]
    unread: list[list[str]]
    for_show: int


def check_file(path: Path, *, plan: Plan, cover_from: date, unit_level: str) -> Checked:
    """Everything that the upload form would say of a file but for who is covered already."""
    reading = RosterReading(plan, cover_from, unit_level)
    lines = reading.all_lines(path)
    return Checked(
        len(lines),
        [fault for line in lines for fault in line.faults],
        [(line.number, said) for line in lines if line.person for said in line.person.warnings],
        unread_of(reading.header),
        reading.for_show,
    )
