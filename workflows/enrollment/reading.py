"""A roster's lines on their way to the staging table, many at a time.

Rows go in short transactions, as many in each as keep the write lock near a third of a second;
the roster's one row says in the last of them that it is a draft. What broke off begins anew.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from huigong import rules, uploads, vault
from huigong.database import among, insert_rows, writes
from huigong.models import AgeProof, Edition, Organization, Roster, RosterRow
from huigong.refusals import Refused
from huigong.sheets.uploads import MIB, size_of
from huigong.workflows import shares
from huigong.workflows.enrollment import staged
from huigong.workflows.enrollment.beside import CAN_COPY, beside
from huigong.workflows.enrollment.checks import Fault, Person
from huigong.workflows.enrollment.covers import TO_ENROLL, Covers, Standing, changed_words
from huigong.workflows.enrollment.groups import FaultGroups
from huigong.workflows.enrollment.history import still
from huigong.workflows.enrollment.meanings import Understood, meanings_of
from huigong.workflows.enrollment.staging import (
    Ended,
    Line,
    Opened,
    Parts,
    RosterReading,
    in_parts,
)
from huigong.workflows.schemes import plan_of

# Told how far a long deed is: the phase, done, of how many. It may raise to stop the deed.
Told = Callable[[str, int, int], None]

CHUNK: Final = 2000  # rows in the first transaction
LEAST: Final = 500
MOST: Final = 32_000
AIM: Final = 0.3  # seconds with the write lock
LOST: Final = "保管的名册文件已打不开，请重新上传"
NOBODY: Final = "名册里没有人：请在列名下面逐行填写后再上传"
BESIDE: Final = MIB if CAN_COPY else uploads.ROSTER_LIMIT + 1  # bytes from which two read


def quiet(phase: str, done: int, total: int) -> None:
    """Tell nobody."""


class Pace:
    """How many rows the next transaction takes: as many as hold the write lock a third of a
    second, for the fewer there are, the less often the same pages are written."""

    def __init__(self, rows: int):
        self.rows = rows

    def took(self, seconds: float) -> None:
        """Learn from the last one; at most twice as many at once, at least half."""
        times = min(max(AIM / max(seconds, 0.001), 0.5), 2.0)
        self.rows = min(max(int(self.rows * times), LEAST), MOST)


def reading_for(unit: Organization, edition: Edition, cover_from: date) -> RosterReading:
    """What reads a roster of a unit: it knows what the unit said of its columns."""
    return RosterReading(plan_of(edition), cover_from, unit.unit_level, meanings_of(unit))


def read_roster_file(
    roster: Roster, *, folder: Path, seen: Sequence[str] = (), told: Told = quiet
) -> Roster:
    """Read, check and stage the kept file of a roster in stage `reading`, from its beginning.

    Refuses a file that is not a roster; what was staged of it is forgotten then.
    """
    forget_rows(roster, told=told)
    reading = reading_for(roster.organization, roster.edition, roster.cover_from)
    try:
        with uploads.open_kept(folder, roster.file) as file:
            return stage(roster, reading, _parts(reading, file, told), seen, told)
    except OSError as gone:
        raise Refused("file", LOST) from gone
    except Refused:
        forget_rows(roster)
        raise


def look_through(roster: Roster, file: str, *, folder: Path, told: Told = quiet) -> None:
    """Read another kept file of a roster to its end and keep nothing of it. Refuses what is not a
    roster."""
    reading = reading_for(roster.organization, roster.edition, roster.cover_from)
    try:
        with uploads.open_kept(folder, file) as opened:
            parts = File(_parts(reading, opened, told))
            line = None
            for line in parts:
                told("look", line.number, parts.height)
            if line is None:
                raise Refused("file", NOBODY)
    except OSError as gone:
        raise Refused("file", LOST) from gone


def _parts(reading: RosterReading, file: BinaryIO, told: Told) -> Parts:
    """The parts of an open file; of a big one they are read beside."""
    told("read", 0, 0)

    def stopped() -> bool:
        told("", 0, 0)
        return False

    if size_of(file) < BESIDE:
        return in_parts(reading, reading.lines(file, stopped=stopped))
    return _read_beside(reading, file, stopped)


def _read_beside(reading: RosterReading, file: BinaryIO, stopped: Callable[[], bool]) -> Parts:
    """The parts of a big file, checked by a second process while this one seals and keeps them."""
    reader = os.getpid()
    return beside(
        lambda: in_parts(reading, reading.lines(file, stopped=lambda: os.getppid() != reader)),
        waiting=stopped,
    )


def stage(
    roster: Roster, reading: RosterReading, parts: Parts, seen: Sequence[str], told: Told = quiet
) -> Roster:
    """Stage the lines of a roster's file and make it a draft."""
    staging, pace, file = Staging(roster, reading, seen), Pace(CHUNK), File(parts)
    stream = iter(file)
    while chunk := list(islice(stream, pace.rows)):
        rows = staging.rows(chunk)
        begun = time.perf_counter()
        _stage_rows(roster, rows)
        pace.took(time.perf_counter() - begun)
        told("stage", chunk[-1].number, max(file.height, chunk[-1].number))
    if not staging.digest.kinds:
        raise Refused("file", NOBODY)
    if file.late:
        _refuse_late(roster, file.late, staging.digest)
    return _finish(roster, file, staging.digest)


class File:
    """The lines of a file in its order, and what is known of it by then: about its last row,
    the columns not understood and those that were, what only its end could tell."""

    def __init__(self, parts: Parts):
        self._parts = parts
        self.height, self.unread, self.columns = 0, list[list[str]](), list[Understood]()
        self.late, self.for_show = list[Fault](), 0

    def __iter__(self) -> Iterator[Line]:
        for part in self._parts:
            if isinstance(part, Opened):
                self.height, self.unread, self.columns = part
            elif isinstance(part, Ended):
                self.late, self.for_show = part
            else:
                yield from part

    def kept(self) -> dict[str, Any]:
        """As the roster keeps it for its page."""
        shown = {"for_show": self.for_show} if self.for_show else {}
        return {"columns": self.columns, **shown}


class Digest:
    """What a reading found: rows by kind, those warned of, faults by kind, people by fee."""

    def __init__(self, plan: dict[str, Any]):
        self.by = shares.facts_asked(plan)
        self.kinds: Counter[str] = Counter()
        self.groups: Counter[tuple[Any, ...]] = Counter()
        self.faults = FaultGroups()
        self.warned = 0

    def count(self, kind: str, facts: dict[str, Any], by: int = 1) -> None:
        self.kinds[kind] += by
        if kind in TO_ENROLL:
            self.groups[tuple(facts.get(name) for name in self.by)] += by

    def people(self) -> list[tuple[dict[str, Any], int]]:
        """The rows to enroll, those alike to the fee together: (facts, how many)."""
        named = (
            (zip(self.by, values, strict=True), count) for values, count in self.groups.items()
        )
        return [
            ({name: value for name, value in facts if value is not None}, count)
            for facts, count in named
            if count
        ]

    def kept(self) -> dict[str, Any]:
        """As the roster keeps it for its page."""
        return {
            "kinds": {kind: count for kind, count in self.kinds.items() if count},
            "warned": self.warned,
            "faults": self.faults.listed(),
            "groups": [[facts, count] for facts, count in self.people()],
        }


class Staging:
    """A roster's lines as rows of the staging table."""

    def __init__(self, roster: Roster, reading: RosterReading, seen: Sequence[str]):
        self.roster_id, self.reading = roster.id, reading
        self.covers, self.digest = Covers(roster, seen=seen), Digest(reading.plan)
        self._staged, self._alike = staged.stager(roster.id), dict[Any, tuple[Any, str, int]]()
        proofs: Any = AgeProof.select(AgeProof.id_index).where(AgeProof.roster == roster)
        self._proven = {index for (index,) in proofs.tuples()}

    def rows(self, lines: Sequence[Line]) -> list[staged.Staged]:
        index_of = vault.current().indexing(kind="id")
        numbers = [line.person.id_number if line.person else line.id_number for line in lines]
        indexes = [index_of(number) if number else "" for number in numbers]
        standing, new = self.covers.of([index for index in indexes if index]), Standing("new")
        counted: Counter[tuple[str, Any]] = Counter()
        rows = []
        for line, index in zip(lines, indexes, strict=True):
            stand, person = standing.get(index, new), line.person
            if person is None:
                rows.append(self._faulty(line, stand))
                continue
            alike = (
                *(person.age, person.insurance, person.membership, person.employment),
                person.gifted,
            )
            _, facts, fee = self._alike.get(alike) or self._of_all_alike(alike, person)
            if stand is new and not line.faults and not person.warnings:
                kind = "new"
                rows.append(self._staged(line.number, person, index, facts, fee, kind))
            else:
                kind, *told = self._judged(line, person, index, stand)
                rows.append(self._staged(line.number, person, index, facts, fee, kind, *told))
            counted[kind, alike] += 1
        for (kind, alike), count in counted.items():
            self.digest.count(kind, self._alike[alike][0], by=count)
        return rows

    def _of_all_alike(self, alike: Any, person: Person) -> tuple[dict[str, Any], str, int]:
        """The facts of a scheme about all who are alike to it, and their fee; one that the
        source does not state is refused when all is counted."""
        facts = {k: v for k, v in self.reading.facts(person).items() if k in staged.KEPT}
        try:
            fee = rules.fee(self.reading.plan, facts).total
        except rules.NotStated:
            fee = 0
        self._alike[alike] = facts, staged.dumped(facts), fee
        return self._alike[alike]

    def _faulty(self, line: Line, stand: Standing) -> staged.Staged:
        faults = _pairs(line)
        if stand.fault and all(title != "身份证号" for title, _ in faults):
            faults.insert(0, ["身份证号", stand.fault])
        self.digest.count("faulty", {})
        self.digest.faults.add(line.number, faults)
        return staged.faulty(self.roster_id, line.number, line.shown_name, staged.dumped(faults))

    def _judged(
        self, line: Line, person: Person, index: str, stand: Standing
    ) -> tuple[str, str, str]:
        """The kind of a row, with its faults and warnings as JSON."""
        kind, fault = stand.kind, stand.fault
        if stand.corrected is not None and stand.corrected.name == person.name:
            kind, fault = "faulty", stand.corrected.fault(self.covers.seen)
        faults = [["身份证号", fault]] if fault else []
        if line.faults and kind in TO_ENROLL and index not in self._proven:
            kind, faults = "unproven", _pairs(line)
        warnings = [*person.warnings]
        if kind != "unchanged":
            warnings += changed_words(stand, name=person.name, card=person.bank_card)
        self.digest.warned += bool(warnings) and kind != "faulty"
        if faults:
            self.digest.faults.add(line.number, faults)
        return kind, staged.dumped(faults), staged.dumped(warnings)


def _pairs(line: Line) -> list[list[str]]:
    return [[fault.title, fault.message] for fault in line.faults]


@writes
def _stage_rows(roster: Roster, rows: list[tuple[Any, ...]]) -> None:
    still(roster, "reading")
    insert_rows("roster_row", staged.COLUMNS, rows)


@writes
def _refuse_late(roster: Roster, late_faults: Sequence[Fault], digest: Digest) -> None:
    """What only the end of the file could tell becomes a fault of lines that seemed clean."""
    late = {fault.row: [fault.title, fault.message] for fault in late_faults}
    rows = RosterRow.select().where(RosterRow.roster == roster, among(RosterRow.number, list(late)))
    for row in rows:
        faults = [*row.faults, late[row.number]]
        digest.count(row.kind, row.facts, by=-1)
        digest.count("faulty", {})
        digest.faults.add(row.number, [late[row.number]])
        changed: dict[str, Any] = {"kind": "faulty", "faults": faults, "warnings": []}
        bare: dict[str, Any] = dict.fromkeys(("resident_id", "phone", "bank_card"), b"")
        bare |= dict.fromkeys(("id_index", "tail_index", "bank", "membership", "sex"), "")
        bare |= {"born_on": None, "facts": {}, "fee": 0}
        RosterRow.update(**changed, **bare).where(RosterRow.id == row.id).execute()
        digest.warned -= bool(row.warnings) and row.kind != "faulty"


@writes
def _finish(roster: Roster, file: File, digest: Digest) -> Roster:
    still(roster, "reading")
    split = shares.parts_of(roster, digest.people())
    roster.move(
        "stage",
        was="reading",
        to="draft",
        people=digest.kinds["new"] + digest.kinds["renewed"],
        faulty=digest.kinds["faulty"] + digest.kinds["unproven"],
        unread=file.unread,
        digest=digest.kept() | file.kept(),
        split=split,
        total=sum(each * people for _, each, people in split),
    )
    return roster


def forget_rows(roster: Roster, *, told: Told = quiet) -> None:
    """Forget a roster's staged rows, in short transactions."""
    forget(roster, RosterRow, told=told)


def forget(roster: Roster, model: type[Any], *, told: Told = quiet) -> None:
    """Delete what `model` holds of a roster, in short transactions."""
    pace, gone = Pace(CHUNK), 0
    while True:
        begun = time.perf_counter()
        deleted = _forget_some(roster, model, pace.rows)
        pace.took(time.perf_counter() - begun)
        if not deleted:
            return
        gone += deleted
        told("forget", gone, 0)


@writes
def _forget_some(roster: Roster, model: type[Any], most: int) -> int:
    query: Any = model.select(model.id).where(model.roster == roster.id).limit(most)
    ids = [id for (id,) in query.tuples()]
    return int(model.delete().where(among(model.id, ids)).execute()) if ids else 0
