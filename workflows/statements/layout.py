"""A bank's statement as people download it: which column is which, and what each line says.

Banks name their columns differently; what is not recognized is asked about once and remembered.
Pure: rows in, lines out.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Final

from huigong import identity
from huigong.sheets import Cell, Row
from huigong.workflows.enrollment.columns import Question, column_letter, plain_title
from huigong.workflows.enrollment.dates import serial_date

HEADER_WITHIN: Final = 30  # rows from the top: banks print the account and the period above
FIELDS: Final = {
    "date": "交易日期",
    "amount": "收入金额",
    "out": "支出金额",
    "direction": "借贷标志",
    "payer": "付款方户名",
    "account": "付款方账号",
    "remark": "附言",
    "purpose": "摘要或用途",
    "reference": "流水号",
}
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    # The first ones rather than a column that may hold the hour alone.
    "date": ("交易日期", "日期", "交易日", "记账日期", "记账日", "入账日期", "到账日期",
             "交易日期时间", "交易时间", "记账时间", "入账时间", "交易时间戳", "起息日"),
    "amount": ("收入金额", "收入", "贷方发生额", "贷方金额", "贷方", "贷方发生额/收入", "存入金额",
               "存入", "转入金额", "金额", "交易金额", "发生额", "入账金额", "到账金额", "收款金额",
               "贷方发生金额"),
    "out": ("支出金额", "支出", "借方发生额", "借方金额", "借方", "借方发生额/支取", "支取金额",
            "转出金额", "付款金额", "借方发生金额"),
    "direction": ("借贷标志", "借贷", "借贷方向", "收支", "收支方向", "收支类型", "交易方向",
                  "借/贷", "收/支", "来往账标志", "往来标志"),
    "payer": ("付款方户名", "付款人", "付款人名称", "付款方名称", "付款人户名", "付款方",
              "对方户名",
              "对方名称", "对方账户名称", "对方单位名称", "对方单位", "交易对手名称", "对手户名",
              "付款单位", "对方账户名", "汇款人", "汇款人名称", "收/付方名称"),
    "account": ("付款方账号", "付款人账号", "付款账号", "对方账号", "对方账户", "对方卡号",
                "交易对手账号", "对手账号", "付款方帐号", "对方帐号", "汇款人账号",
                "对方卡号/账号", "收/付方账号", "借方账号"),
    "remark": ("附言", "备注", "汇款附言", "交易附言", "留言", "客户附言", "转账附言"),
    "purpose": ("摘要", "用途", "交易用途", "交易摘要", "资金用途", "摘要说明", "摘要或用途",
                "其它摘要", "其他摘要", "业务摘要", "个性化信息"),
    "reference": ("流水号", "交易流水号", "银行流水号", "业务流水号", "交易流水", "流水",
                  "交易参考号", "参考号", "核心流水号", "日志号", "柜员流水号", "交易序号",
                  "账户明细编号-交易流水号", "主机流水号"),
}  # fmt: skip
_FIELD_OF: Final = {title: name for name, titles in _NAMES.items() for title in titles}
# Known, and of no use for telling whose money it is.
_NOT_NEEDED: Final = frozenset(
    ("序号", "编号", "行号", "余额", "账户余额", "交易后余额", "本次余额", "账面余额", "币种",
     "币别", "交易币种", "钞汇", "凭证号", "凭证种类", "凭证号码", "凭证类型", "交易类型",
     "交易渠道", "渠道", "对方行名", "对方开户行", "对方银行", "对方开户行名称", "付款方开户行",
     "付款行", "付款行名", "付款人开户行", "交易机构", "交易网点", "本方账号", "本方户名", "账号",
     "户名", "收款方账号", "收款方户名", "收款人账号", "收款人名称", "收款人开户行名",
     "收款人开户行号", "付款人开户行名", "付款人开户行号", "对方开户机构", "关联账户", "汇率",
     "交易货币", "业务类型", "业务名称", "业务参考号", "流程实例号", "起息日期", "收/付方分行名",
     "收/付方开户行名", "收/付方开户行行号", "收/付方开户行地址", "柜员号", "交易柜员",
     "企业流水号", "对方行号", "开户行",
     "开户机构")
)  # fmt: skip
_OUT: Final = frozenset(("借", "支", "支出", "借方", "d", "出", "往账", "转出", "付"))
_IN: Final = frozenset(("贷", "收", "收入", "贷方", "c", "入", "来账", "转入"))
_SUMMARY: Final = re.compile(
    r"^(合计|总计|小计|本页|本月|本期|期初|期末|上期|承前|过次|累计|共\d+|打印|制表|说明|注[:：]"
    r"|收入(合计|笔数|总)|支出(合计|笔数|总)|贷方(合计|笔数)|借方(合计|笔数)|起始|截止|以下空白)"
)
# 20240105, with a time behind it or none; or 2024-1-5, 2024年1月5日, 2024/1/5 10:22:33.
_DAY: Final = re.compile(
    r"^(?:(\d{4})(\d{2})(\d{2})(?:\d{6}|\D.*)?|(\d{4})\D(\d{1,2})\D(\d{1,2})(?:日|\D.*)?)$"
)
_SERIALS: Final = range(36_526, 73_051)  # 2000 to 2099 as a workbook counts days from 1900
_CURRENCY: Final = re.compile(r"^(CNY|RMB|人民币|¥)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Money:
    """A line of money that came in, as the statement says it; `amount` in fen."""

    number: int
    day: date
    amount: int
    payer: str
    account: str
    remark: str
    reference: str


@dataclass
class Reading:
    """A statement as it was read: columns, the lines that came in, what was left out and why."""

    columns: dict[str, int] = field(default_factory=dict)
    also: dict[int, str] = field(default_factory=dict)  # further columns of words beside the money
    titles: dict[int, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    lines: list[Money] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)  # (row, what is wrong)
    went_out: int = 0  # lines of money that left: not ours to match
    taken_back: list[Money] = field(default_factory=list)  # 红字: the bank undid what had come in
    epoch: int = 1900  # from which the workbook counts days

    @property
    def missing(self) -> list[str]:
        """Titles of the columns without which nothing can be read."""
        return [FIELDS[name] for name in ("date", "amount") if name not in self.columns]


def read(
    rows: Iterable[tuple[int, Row]], remembered: Mapping[str, str], *, epoch: int = 1900
) -> Reading | None:
    """Read a whole statement; None when no header is found. `remembered` is what was answered
    before: plain title → field, or "" for a column that is not needed."""
    found = list(rows)
    meanings = _FIELD_OF | dict(remembered)
    place = _header_at(found, meanings)
    if place is None:
        return None
    reading = Reading(epoch=epoch)
    _read_columns(reading, found[place:], meanings)
    if reading.missing:
        return reading
    for number, row in found[place + 1 :]:
        _read_line(reading, number, row)
    _name_the_nameless(reading, reading.lines)
    _name_the_nameless(reading, reading.taken_back)
    return reading


def _header_at(rows: Sequence[tuple[int, Row]], meanings: Mapping[str, str]) -> int | None:
    best, where = 1, None
    for place, (number, row) in enumerate(rows):
        if number > HEADER_WITHIN:
            break
        score = len({name for cell in row if (name := _meaning(plain_title(cell), meanings))})
        if score > best:
            best, where = score, place
    return where


def _meaning(title: str, meanings: Mapping[str, str]) -> str | None:
    """What a title means, also with its unit behind it: 贷方发生额/元."""
    return meanings.get(title, meanings.get(title.removesuffix("元").rstrip("/")))


def _read_columns(
    reading: Reading, rows: Sequence[tuple[int, Row]], meanings: Mapping[str, str]
) -> None:
    """Give each column its meaning; one that nobody knows, or that is there twice, is asked.
    Words beside the money may stand in several columns, and all of them are read."""
    for index, cell in enumerate(rows[0][1]):
        title = reading.titles[index] = plain_title(cell)
        samples = tuple(str(row[index]) for _, row in rows[1:60] if row[index] != "")[:3]
        name = _meaning(title, meanings)
        if name and name not in reading.columns:
            reading.columns[name] = index
        elif name in _WORDS:
            reading.also[index] = name
        elif name == "date" and _comes_before(title, reading.titles[reading.columns[name]]):
            index, reading.columns[name] = reading.columns[name], index
            reading.questions.append(_question(reading, index, name, samples))
        elif name or (name is None and title not in _NOT_NEEDED and (title or samples)):
            reading.questions.append(_question(reading, index, name, samples))


def _question(reading: Reading, index: int, name: str | None, samples: tuple[str, ...]) -> Question:
    same = column_letter(reading.columns[name]) if name else ""
    return Question(index, column_letter(index), reading.titles[index], samples, same_as=same)


def _comes_before(title: str, other: str) -> bool:
    days = _NAMES["date"]
    return title in days and other in days and days.index(title) < days.index(other)


def _read_line(reading: Reading, number: int, row: Row) -> None:
    said = {name: row[index] for name, index in reading.columns.items()}
    dated = str(said["date"]).strip()
    if (_SUMMARY.match(dated) or not any(map(str.isdigit, dated))) and _is_summary(row):
        return
    try:
        amount = _incoming(said)
        if amount is None:
            return
        back = amount < 0 and _is_undone(said)
        if amount <= 0 and not back:
            reading.went_out += 1
            return
        day = day_of(said["date"], reading.epoch)
        texts = {name: _text(said.get(name, ""), name) for name in _TEXTS}
        more = [_text(row[index], name) for index, name in reading.also.items()]
    except ValueError as wrong:
        reading.faults.append((number, str(wrong)))
        return
    words = dict.fromkeys(part for part in (texts["remark"], texts["purpose"], *more) if part)
    remark = " ".join(words)
    kept = reading.taken_back if back else reading.lines
    kept.append(
        Money(
            number, day, abs(amount), texts["payer"], texts["account"], remark[:200],
            texts["reference"],
        )
    )  # fmt: skip


_WORDS: Final = ("remark", "purpose")
_TEXTS: Final = ("payer", "account", "remark", "purpose", "reference")


def _is_summary(row: Row) -> bool:
    """A line that stands for no movement, judged only where there is no date."""
    texts = [text for cell in row if (text := re.sub(r"\s", "", str(cell)))]
    return len(texts) < 2 or any(_SUMMARY.match(text) for text in texts)


def _incoming(said: Mapping[str, Cell]) -> int | None:
    """Fen that came in; 0 or less when it went out, None when the line says no amount at all."""
    amount, out = fen_of(said["amount"]), fen_of(said.get("out", ""))
    if amount is None and out is None:
        if str(said["date"]).strip():
            raise ValueError("没有金额")
        return None
    if out and amount:
        raise ValueError("同一行既有收入又有支出")
    if out:
        return -out
    direction = plain_title(said.get("direction", ""))
    if direction in _OUT:
        return -abs(amount or 0)
    if direction and direction not in _IN:
        raise ValueError(f"看不懂借贷标志“{said['direction']}”")
    return amount or 0


def _is_undone(said: Mapping[str, Cell]) -> bool:
    """Whether a negative amount undoes what had come in: one in a column of its own for income,
    or one that is said to be income, is no money that left."""
    if "direction" in said:
        return plain_title(said["direction"]) in _IN
    return "out" in said and not fen_of(said["out"])


def fen_of(cell: Cell) -> int | None:
    """An amount in yuan as people and banks write it, in fen; None for none. Raises ValueError, in
    words for them, for what is no amount."""
    if isinstance(cell, bool | date):
        raise ValueError("金额不是数字")
    text = re.sub(r"[\s,+]", "", _half_width(cell))
    text = _CURRENCY.sub("", text).removesuffix("元")
    if text in ("", "-", "--", "—"):
        return None
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"  # as bookkeepers write what is below zero
    try:
        fen = Decimal(text) * 100
    except InvalidOperation:
        raise ValueError(f"金额“{cell}”不是数字") from None
    if not fen.is_finite() or fen != fen.to_integral_value() or abs(fen) >= 10**15:
        raise ValueError(f"金额“{cell}”不是以元为单位、最多两位小数的数")
    return int(fen)


def _half_width(cell: Cell) -> str:
    """A number or a day with its signs, too, as an English keyboard writes them."""
    return unicodedata.normalize("NFKC", identity.plain_text(str(cell)))


def day_of(cell: Cell, epoch: int, title: str = FIELDS["date"]) -> date:
    """A day as people and banks write it. Raises ValueError, in words for them."""
    if isinstance(cell, date):
        return cell
    if isinstance(cell, float) and int(cell) in _SERIALS:
        return serial_date(cell, epoch)
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = _half_width(cell).lstrip("'").strip()
    if text.isdecimal() and int(text) in _SERIALS:
        return serial_date(int(text), epoch)
    found = _DAY.match(text)
    try:
        return date(*(int(part) for part in found.groups() if part)) if found else date(0, 1, 1)
    except ValueError:
        raise ValueError(f"看不懂{title}“{cell}”") from None


def _text(cell: Cell, name: str) -> str:
    if name in ("reference", "account"):
        return number_of(cell, FIELDS[name])
    return text_of(cell, FIELDS[name])


def text_of(cell: Cell, title: str) -> str:
    """Words as they are typed. Raises ValueError, in words for people, for a number cell that has
    lost digits."""
    if isinstance(cell, float):
        if not cell.is_integer() or abs(cell) >= 10**15:
            raise ValueError(f"{title}被当作数字保存，末几位已经丢失：请把该列设为文本后重新导出")
        cell = int(cell)
    return identity.plain_text(str(cell)).lstrip("'").strip()[:120]


def number_of(cell: Cell, title: str) -> str:
    """A number that is no amount: of an account, of a payment. Raises ValueError as `text_of`."""
    text = text_of(cell, title).replace(" ", "").upper()
    if re.fullmatch(r"\d(\.\d+)?E\+\d+", text):
        raise ValueError(f"{title}“{text}”是科学计数法，末几位已经丢失：请重新导出")
    return text


def _name_the_nameless(reading: Reading, lines: list[Money]) -> None:
    """Lines without a reference get a hash of what they say, the second alike one another; two
    lines with one reference that say different things are a fault."""
    alike, by_reference = Counter[tuple[object, ...]](), dict[str, Money]()
    for place, line in enumerate(lines):
        says = (line.day, line.amount, line.payer, line.account, line.remark)
        if not line.reference:
            alike[says] += 1
            digest = sha256(repr((*says, alike[says])).encode()).hexdigest()[:16].upper()
            lines[place] = line = Money(
                line.number, line.day, line.amount, line.payer, line.account, line.remark,
                f"无号{digest}",
            )  # fmt: skip
        first = by_reference.setdefault(line.reference, line)
        if first is not line:
            reading.faults.append(
                (line.number, f"流水号{line.reference}与第{first.number}行相同；"
                 "若这一列不是银行流水号，请把它改选为“不需要”")
            )  # fmt: skip
