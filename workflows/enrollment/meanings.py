"""What a unit says once about the columns of its rosters, remembered for every later file."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from huigong import uploads
from huigong.database import writes
from huigong.models import ColumnMeaning, Organization, Roster, User
from huigong.refusals import Refused
from huigong.workflows import audit
from huigong.workflows.enrollment.columns import TITLES, Header, Question, open_roster

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


def questions_of(roster: Roster, folder: Path) -> tuple[list[Question], Header]:
    """The columns of a roster's kept file that were not read, with samples. Raises SheetRefused
    or OSError when the file cannot be read any more."""
    known = meanings_of(roster.organization)
    with uploads.open_kept(folder, roster.file) as file, open_roster(file, known) as opened:
        _, header, _ = opened
    if header is None:
        raise OSError(f"roster {roster.id} has lost its header")
    return [q for q in header.questions if is_open(asked_title(q, header))], header


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
    and two titles for one field.
    """
    chosen = [field for field in answers.values() if field]
    faults = [
        (f"column-{number}", "请选择这一列是什么")
        for number, field in enumerate(answers.values())
        if field and field not in TITLES
    ]
    faults += [
        (f"column-{number}", f"有两列都选了“{TITLES[field]}”")
        for number, field in enumerate(answers.values())
        if field in TITLES and chosen.index(field) != _place(answers, number)
    ]
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


def _place(answers: Mapping[str, str], number: int) -> int:
    """The place of an answer among those that name a field."""
    return sum(1 for field in list(answers.values())[:number] if field)
