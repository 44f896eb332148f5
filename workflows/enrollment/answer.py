"""What goes back to the clerk: their own file with the reasons, and the template to fill in."""

from pathlib import Path
from typing import BinaryIO, Final

from huigong import uploads
from huigong.models import Edition, Roster, RosterRow
from huigong.sheets import annotate, write_template
from huigong.workflows.enrollment.columns import (
    TEMPLATE,
    TEMPLATE_EXAMPLE,
    TEMPLATE_NOTES,
    TITLES,
    Header,
    open_roster,
)
from huigong.workflows.enrollment.meanings import meanings_of

UNFIT: Final = ("faulty", "unproven")  # kinds of rows that cannot be enrolled as they are
_FIELD_OF: Final = {title: field for field, title in TITLES.items()}


def own_file_back(roster: Roster, folder: Path) -> BinaryIO:
    """The clerk's own file as an .xlsx, with 错误原因 beside the faulty rows and their cells red,
    in memory; whoever asks closes it.

    Raises SheetRefused or OSError when the kept file cannot be read any more.
    """
    with uploads.open_kept(folder, roster.file) as source:
        with open_roster(source, meanings_of(roster.organization)) as (rows, header, _):
            passing = rows.passing
        if header is None:
            raise OSError(f"roster {roster.id} has lost its header")
        reasons, marked = _reasons(roster, header)
        target = uploads.nameless()
        try:
            at = {"header_row": header.rows[-1], "passing": passing}
            annotate(source, reasons, target, marked=marked, **at)
        except BaseException:
            target.close()
            raise
    target.seek(0)
    return target


def _reasons(roster: Roster, header: Header) -> tuple[dict[int, str], dict[int, list[int]]]:
    """By row number: the reasons, and the columns at fault."""
    reasons, marked = {}, {}
    for row in RosterRow.select().where(RosterRow.roster == roster, RosterRow.kind << UNFIT):
        reasons[row.number] = "；".join(f"{title}：{message}" for title, message in row.faults)
        fields = [_FIELD_OF.get(title, "") for title, _ in row.faults]
        marked[row.number] = [header.columns[field] for field in fields if field in header.columns]
    return reasons, marked


def template_of(edition: Edition, target: BinaryIO) -> None:
    """The empty roster of an edition, which is always recognized when it comes back."""
    write_template(
        target,
        TEMPLATE,
        title=f"{edition.name} 参保名册",
        notes=TEMPLATE_NOTES,
        example=TEMPLATE_EXAMPLE,
    )
