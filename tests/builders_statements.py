"""Bank statements as banks export them, for tests of what came in."""

import csv
import io
from pathlib import Path
from typing import Any

from builders import NOW, a_city, a_county, a_unit, a_user
from builders_funding import a_roster, dues_of

from huigong import uploads
from huigong.models import Organization, Role, Statement, StatementLine
from huigong.sheets import Column, write_workbook
from huigong.workflows import remarks, statements

TITLES = ("交易日期", "收入金额", "支出金额", "对方户名", "对方账号", "附言", "交易流水号", "余额")
PAYER = "6222020000000001234"


def a_line(
    amount: Any,
    remark: str = "",
    *,
    reference: str = "",
    payer: str = "演示单位",
    day: str = "2024-12-16",
    account: str = PAYER,
    out: Any = "",
) -> list[Any]:
    return [day, amount, out, payer, account, remark, reference, "99999.00"]


def as_csv(rows: list[list[Any]], titles: Any = TITLES, encoding: str = "gb18030") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["示例银行 账户明细"])
    writer.writerow(titles)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def written(rows: Any, encoding: str = "gb18030") -> bytes:
    """Rows of any shape as a .csv."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)


def as_xlsx(rows: list[list[Any]], titles: Any = TITLES) -> bytes:
    book = io.BytesIO()
    write_workbook(book, [Column(t) for t in titles], rows, title="示例银行 账户明细")
    return book.getvalue()


def a_kept_statement(
    city: Organization, folder: Path, data: bytes, bank: str = "示例银行"
) -> Statement:
    kept = uploads.keep(
        folder, io.BytesIO(data), name="明细.csv", field="file", limit=uploads.ROSTER_LIMIT
    )
    by = a_user(Role.FINANCE, at=city)
    return statements.keep_statement(organization=city, bank=bank, kept=kept, by=by, at=NOW)


def imported(
    city: Organization, folder: Path, rows: list[list[Any]], bank: str = "示例银行"
) -> list[StatementLine]:
    """Lines of an imported statement, in the order of the file."""
    statement = a_kept_statement(city, folder, as_csv(rows), bank)
    statements.import_statement(statement, folder=folder, said={}, by=statement.by, at=NOW)
    return list(
        StatementLine.select()
        .where(StatementLine.statement == statement)
        .order_by(StatementLine.number)
    )


def matched(lines: list[StatementLine]) -> Any:
    """Candidates by line, and the exact ones."""
    found = statements.candidates(lines, statements.remaining_of(lines))
    return found, statements.exact_among(found)


def uploaded(browser: Any, city: Organization, data: bytes, bank: str = "示例银行") -> Any:
    """The answer to an upload of a statement, as a browser sends it."""
    file = (io.BytesIO(data), "明细.csv")
    return browser.send(
        f"/admin/statements/new/{city.id}",
        {"bank": bank, "file": file},
        content_type="multipart/form-data",
    )


def an_owing_roster(people: int = 128, name: str = "演示机械公司工会", **more: Any) -> Any:
    """A roster of which nothing is paid yet, its dues by who carries them, and its city."""
    city = a_city()
    roster = a_roster(a_unit(a_county(city), name), people=people, **more)
    dues = dues_of(roster)
    return roster, dues, roster.edition.organization


def code_of(organization: Organization) -> str:
    return remarks.unit_code(organization)
