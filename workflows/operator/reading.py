"""An operator's answer as a workbook: which column says what, and the rows that answer.

The limited child parses it (`sheets`); here its rows come one after the other and are held by
nobody, also those of a city.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import chain
from typing import Any, BinaryIO, Final

from huigong import sheets
from huigong.models import Scheme
from huigong.refusals import Refused
from huigong.sheets import Cell, Row
from huigong.workflows.enrollment.columns import (
    NAMES,
    Header,
    column_letter,
    header_by,
    is_summary,
    open_sheet,
    plain_title,
    top_of,
)
from huigong.workflows.operator.layouts import ANSWERED, FIELDS, KEYS, layout_of

# A claim's row is judged beside all others, a person's on its own; a city has 424,000 people.
MOST_ROWS: Final = {"covers": 500_000, "claims": 20_000}
# Under which titles an answer's columns come, where the operator's own layout names none.
_RESULT: Final = (
    *("结果", "审核结果", "承保结果", "处理结果", "是否承保", "办理结果", "支付结果", "赔付结果"),
    *("核赔结果", "理赔结果", "赔付状态", "支付状态", "办理状态", "回执", "结论", "审核结论"),
)
_WORDS: Final = (
    *("原因", "拒绝原因", "不承保原因", "说明", "备注", "拒付原因", "不予支付原因", "退回原因"),
    *("缺少材料", "需补材料", "补充材料", "补件内容", "处理意见", "审核意见", "意见"),
)
_NAMES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "covers": {
        "certificate": ("凭证号", "参保凭证号"),
        "id_number": NAMES["id_number"],
        "result": _RESULT,
        "words": _WORDS,
    },
    "claims": {
        "number": (
            *("申领编号", "申领号", "申领单号", "案件号", "案件编号", "赔案号", "受理号"),
            *("受理编号", "业务编号", "单号"),
        ),
        "id_number": NAMES["id_number"],
        "result": _RESULT,
        "paid_amount": (
            *("支付金额", "实付金额", "实际支付金额", "给付金额", "赔付金额", "打款金额"),
            *("实际赔付金额", "支付额", "已付金额", "到账金额", "转账金额", "付款金额"),
        ),
        "agreed_amount": (
            *("承办方核定金额", "核准金额", "审核金额", "理算金额", "同意金额", "核赔金额"),
            *("应付金额", "核定金额"),
        ),
        "serial": (
            *("支付流水号", "流水号", "银行流水号", "交易流水号", "付款流水号", "转账流水号"),
            *("流水", "支付凭证号", "打款流水号", "交易号"),
        ),
        "paid_on": (
            *("支付日期", "付款日期", "赔付日期", "打款日期", "到账日期", "转账日期", "支付时间"),
            *("给付日期", "付款时间", "交易日期"),
        ),
        "words": _WORDS,
    },
}
_WANTED: Final = {"covers": "“身份证号”（或凭证号）", "claims": "“申领编号”（或身份证号）"}


plainly: Final = lru_cache(1024, typed=True)(plain_title)  # results are few, and often the same


@dataclass
class Sheet:
    """An answer while it is read: where its header stands, its columns, and its rows, which come
    once. A field may stand in several columns: ours, which went out blank, and one that the
    operator added. The digest, known when all rows have come, tells the same answer again, also
    when somebody opened and saved its file."""

    header: Header
    passing: int
    epoch: int
    columns: dict[str, list[int]]
    unused: list[str] = field(default_factory=list)
    height: int = 0  # the last row of the sheet
    rows: Iterator[tuple[int, Row]] = field(default_factory=lambda: iter(()))
    digest: str = ""

    def cells(self, row: Row, name: str) -> list[Cell]:
        """What a row says in a field, once each, in the order of the columns."""
        columns = self.columns.get(name, ())
        there = [cell for at in columns if at < len(row) and str(cell := row[at]).strip()]
        return there if len(there) < 2 else list(dict.fromkeys(there))

    def cell(self, row: Row, name: str) -> Cell:
        """What a row says in a field, "" for nothing. Raises ValueError, in words for people,
        where two columns say different things."""
        said = self.cells(row, name)
        if len(said) > 1:
            letters = "、".join(column_letter(at) for at in self.columns[name])
            raise ValueError(f"{letters}列写的不一样，请只留一列")
        return said[0] if said else ""


@contextmanager
def open_answer(
    scheme: Scheme, kind: str, file: BinaryIO, *, stopped: Callable[[], bool] | None = None
) -> Iterator[Sheet]:
    """An answer open for reading. Refuses (`file`), at the latest with its last row, what is no
    workbook, one without the columns by which a row is told and says its result, and too many
    rows or none. `stopped` is asked several times a second while the file is read."""
    meanings = _meanings(scheme, kind)

    def read(rows: Any) -> tuple[Header | None, Iterator[tuple[int, Row]]]:
        return _answer(rows, meanings)

    try:
        with open_sheet(file, read, cancelled=stopped) as (rows, header, found):
            if header is None or not _is_answer(header, kind):
                raise Refused("file", f"没有找到{_WANTED[kind]}和“结果”两列")
            columns = _columns(header, meanings)
            sheet = Sheet(header, rows.passing, rows.epoch, columns, _unused(header, meanings))
            sheet.height = rows.height
            sheet.rows = _answering(sheet, found, kind)
            yield sheet
    except sheets.SheetRefused as refused:
        raise Refused("file", str(refused)) from refused


def _answering(
    sheet: Sheet, found: Iterable[tuple[int, Row]], kind: str
) -> Iterator[tuple[int, Row]]:
    """The rows that answer something; with the last of them the sheet has its digest."""
    says, names, count = sha256(), sorted(sheet.columns), 0
    titles = {sheet.header.titles.get(at) for at in sheet.columns["result"]}
    for number, row in found:
        if not _answers(sheet, row, kind, titles):
            continue
        if count >= MOST_ROWS[kind]:
            raise Refused("file", f"一份回执最多 {MOST_ROWS[kind]} 行，请分成几份上传")
        count += 1
        says.update(repr((number, [sheet.cells(row, name) for name in names])).encode())
        yield number, row
    if not count:
        raise Refused("file", "表里没有回执，请核对文件")
    sheet.digest = says.hexdigest()


def _meanings(scheme: Scheme, kind: str) -> dict[str, str]:
    """Plain title → field. A title of the scheme's own layout means what it went out as, so that
    our own figure coming back in it is never read as the operator's."""
    read = {*KEYS[kind], *ANSWERED}
    usual = {plain_title(t): "" for name, (t, _) in FIELDS[kind].items() if name not in read}
    names = {plain_title(t): name for name, titles in _NAMES[kind].items() for t in titles}
    layout = layout_of(scheme, kind)
    own = {plain_title(title): name if name in read else "" for name, title in layout}
    return {**usual, **names, **own, **_OURS}


_OURS: Final = dict.fromkeys(("序号", "编号", "行号", "错误原因"), "")


def _answer(
    rows: Any, meanings: Mapping[str, str]
) -> tuple[Header | None, Iterator[tuple[int, Row]]]:
    top, stream = top_of(rows)
    header = header_by(top, meanings)
    if header is None:
        return None, iter(())
    last = header.rows[-1]
    return header, (pair for pair in chain(top, stream) if pair[0] > last)


def _is_answer(header: Header, kind: str) -> bool:
    return "result" in header.columns and bool(set(KEYS[kind]) & header.columns.keys())


def _columns(header: Header, meanings: Mapping[str, str]) -> dict[str, list[int]]:
    found = {name: [at] for name, at in header.columns.items()}
    for question in header.questions:
        if name := meanings.get(question.title):
            found[name].append(question.index)
    return found


def _unused(header: Header, meanings: Mapping[str, str]) -> list[str]:
    """The columns that are not read, for whoever takes the answer to see."""
    return [
        f"{question.title or '无列名'}（{question.letter}列）"
        for question in header.questions
        if not meanings.get(question.title)
    ]


_LONG: Final = re.compile(r"\d{4}")  # a number of somebody or something; 共12笔 is none


def _answers(sheet: Sheet, row: Row, kind: str, titles: Collection[str | None]) -> bool:
    """Whether a row answers something: not a blank one, a total, or the header printed again."""
    keys = "".join(str(cell) for name in KEYS[kind] for cell in sheet.cells(row, name))
    results = sheet.cells(row, "result")
    if not (keys or results):
        return False
    if any(plainly(cell) in titles for cell in results):
        return False
    return bool(_LONG.search(keys)) or not is_summary(row)
