"""What a unit says once about the columns of its rosters, remembered for every later file."""

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from huigong import uploads
from huigong.database import writes
from huigong.models import ColumnMeaning, Organization, Roster, User
from huigong.refusals import Refused
from huigong.workflows import audit
from huigong.workflows.enrollment.columns import (
    TITLES,
    Header,
    Question,
    column_letter,
    open_roster,
)

UNTITLED: Final = "（无列名）"
TWIN: Final = "（与{}列同名）"


def meanings_of(unit: Organization) -> dict[str, str]:
    """Plain title → field, "" for a column the unit does not need."""
    rows: Any = ColumnMeaning.select(ColumnMeaning.title, ColumnMeaning.field)
    return dict(rows.where(ColumnMeaning.organization == unit).tuples())


def open_columns(roster: Roster) -> list[str]:
    """Titles of a roster's columns that nobody has explained. One without a title cannot be
    remembered: it is shown and asks for a title in the file."""
    known = meanings_of(roster.organization)
    found = dict.fromkeys(title for _, title in roster.unread)
    return [title for title in found if is_open(title) and known.get(title) != ""]


def asked_title(question: Question, header: Header) -> str:
    """How a column that was not read is named; two of the same name cannot be told apart."""
    if not question.title:
        return UNTITLED
    twin = any(header.titles.get(place) == question.title for place in header.columns.values())
    return question.title + (TWIN.format(question.same_as) if twin else "")


def is_open(title: str) -> bool:
    """Whether a column's title can be asked about and remembered."""
    return title != UNTITLED and not title.endswith(TWIN[-4:])


class Understood(NamedTuple):
    """A column that was read as a field, or ("") left aside because its unit said so."""

    letter: str
    title: str
    field: str


def understood(header: Header, remembered: Mapping[str, str]) -> list[Understood]:
    """The columns of a file that nobody is asked about, as they stand."""
    fields = {index: field for field, index in header.columns.items()}
    return [
        Understood(column_letter(index), title, fields.get(index, ""))
        for index, title in sorted(header.titles.items())
        if title and (index in fields or remembered.get(title) == "")
    ]


def questions_of(roster: Roster, folder: Path) -> tuple[list[Question], Header]:
    """The columns of a roster's kept file that were not read, with samples. Raises SheetRefused
    or OSError when the file cannot be read any more."""
    known = meanings_of(roster.organization)
    with uploads.open_kept(folder, roster.file) as file, open_roster(file, known) as opened:
        _, header, _ = opened
    if header is None:
        raise OSError(f"roster {roster.id} has lost its header")
    return [q for q in header.questions if is_open(asked_title(q, header))], header


def refuse_lost(answers: Mapping[str, str], header: Header, needed: Collection[str]) -> None:
    """Refuse answers after which no column holds a field that this roster cannot do without."""
    lost = [
        (title, f"这份名册不能没有“{TITLES[field]}”列，请先指明哪一列是“{TITLES[field]}”")
        for field, place in header.columns.items()
        if field in needed and answers.get(title := header.titles[place], field) != field
        if field not in answers.values()
    ]
    if lost:
        raise Refused.all(lost)


def in_place(answers: Mapping[str, str], header: Header) -> dict[str, str]:
    """The answers, and that the column which held a chosen field so far is not needed."""
    said = dict(answers)
    for title, field in answers.items():
        before = header.titles.get(header.columns.get(field, -1)) if field else None
        if before and before != title:
            said.setdefault(before, "")
    return said


@writes
def answer_columns(
    unit: Organization, answers: Mapping[str, str], *, by: User, at: datetime
) -> None:
    """Remember what the columns with these titles hold: a field, or "" for not needed.

    A field that another title was said to hold moves to the new title. Refuses an unknown field
    and two titles for one field; a fault is named after its title.
    """
    faults, taken = [], set[str]()
    for title, field in answers.items():
        if field and field not in TITLES:
            faults.append((title, "请选择这一列是什么"))
        elif field in taken:
            faults.append((title, f"有两列都选了“{TITLES[field]}”"))
        taken |= {field} - {""}
    if faults:
        raise Refused.all(faults)
    for title, field in answers.items():
        mine = ColumnMeaning.organization == unit
        if field:
            ColumnMeaning.delete().where(mine, ColumnMeaning.field == field).execute()
        ColumnMeaning.delete().where(mine, ColumnMeaning.title == title).execute()
        ColumnMeaning.create(organization=unit, title=title, field=field, by=by, at=at)
    said = "，".join(f"{title}＝{TITLES.get(field, '不需要')}" for title, field in answers.items())
    audit.record("answer columns", by=by, at=at, on=unit, organization=unit, detail=said[:200])
