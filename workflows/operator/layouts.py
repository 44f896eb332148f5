"""The columns of an operator's files, in its order and words, remembered for each scheme."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from huigong.database import writes
from huigong.models import OperatorLayout, Scheme, User
from huigong.refusals import Refused
from huigong.sheets import Column
from huigong.workflows import audit
from huigong.workflows.enrollment.columns import plain_title

# What a column may hold, by kind of file: its name, its usual title, how it is written.
_PERSON: Final = {
    "name": ("姓名", "text"),
    "id_number": ("身份证号", "text"),
    "sex": ("性别", "text"),
    "birth": ("出生日期", "date"),
    "mobile": ("手机号", "text"),
    "bank_card": ("银行卡号", "text"),
    "bank": ("开户行", "text"),
    "unit": ("单位", "text"),
    "unit_code": ("统一社会信用代码", "text"),
    "edition": ("互助计划", "text"),
    "cover_from": ("保障开始日", "date"),
    "cover_to": ("保障结束日", "date"),
}
FIELDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "covers": {
        "certificate": ("凭证号", "text"),
        **_PERSON,
        "renewal": ("是否续保", "text"),
        "insurance": ("医保类型", "text"),
        "employment": ("用工形式", "text"),
        "membership": ("会员身份", "text"),
        "fee": ("参保费（元）", "yuan"),
        "roster": ("名册编号", "text"),
        "giver": ("赠送方", "text"),
        "result": ("结果", "text"),
        "words": ("原因", "text"),
    },
    "claims": {
        "number": ("申领编号", "text"),
        **_PERSON,
        "certificate": ("凭证号", "text"),
        "event": ("申领事项", "text"),
        "filed_on": ("申领日期", "date"),
        "hospital": ("医院", "text"),
        "admitted": ("入院日期", "date"),
        "discharged": ("出院日期", "date"),
        "stays": ("住院次数", "count"),
        "total": ("医疗费总额（元）", "yuan"),
        "standing": ("办理情况", "text"),
        "amount": ("核定金额（元）", "yuan"),
        "decided_on": ("核定日期", "date"),
        "result": ("结果", "text"),
        "paid_amount": ("支付金额（元）", "yuan"),
        "serial": ("支付流水号", "text"),
        "paid_on": ("支付日期", "date"),
        "words": ("说明", "text"),
    },
}
USUAL: Final = {
    "covers": ("certificate", "name", "id_number", "unit", "cover_from", "cover_to", "fee"),
    "claims": (
        *("number", "name", "id_number", "bank_card", "bank", "unit", "admitted", "discharged"),
        *("amount", "result", "paid_amount", "serial", "paid_on", "words"),
    ),
}
# By what an answer's row is told whose it is, and what the operator fills in: blank going out.
KEYS: Final = {"covers": ("certificate", "id_number"), "claims": ("number", "id_number")}
ANSWERED: Final = ("result", "paid_amount", "serial", "paid_on", "words")


def layout_of(scheme: Scheme, kind: str) -> list[tuple[str, str]]:
    """The columns that the operator wants: (field, title), in its order."""
    kept = OperatorLayout.get_or_none(OperatorLayout.scheme == scheme, OperatorLayout.kind == kind)
    if kept is None:
        return [(name, FIELDS[kind][name][0]) for name in USUAL[kind]]
    return [(name, title) for name, title in kept.columns if name in FIELDS[kind]]


def columns_of(layout: Sequence[tuple[str, str]], kind: str) -> list[Column]:
    """The workbook's columns."""
    return [Column(title, FIELDS[kind][name][1]) for name, title in layout]  # type: ignore[arg-type]


@writes
def save_layout(
    scheme: Scheme, kind: str, *, columns: Sequence[tuple[str, str]], by: User, at: datetime
) -> OperatorLayout:
    """Remember the operator's columns. Refuses none, two of one title, and a file by which its
    answer could not be told apart."""
    titles = [plain_title(title) for _, title in columns]
    names = {name for name, _ in columns}
    if not columns or not names <= FIELDS[kind].keys():
        raise Refused("columns", "请至少选择一列")
    if not names & set(KEYS[kind]):
        told = "或".join(FIELDS[kind][name][0] for name in KEYS[kind])
        raise Refused("columns", f"须有{told}，承办方的回执才对得上")
    if "" in titles or len(set(titles)) < len(titles):
        raise Refused("columns", "每一列都要有列名，且不能重复")
    mine: Any = (OperatorLayout.scheme == scheme) & (OperatorLayout.kind == kind)
    OperatorLayout.delete().where(mine).execute()
    made = OperatorLayout.create(
        organization=scheme.organization_id, scheme=scheme, kind=kind,
        columns=[[name, title.strip()[:40]] for name, title in columns], by=by, at=at,
    )  # fmt: skip
    place = scheme.organization
    audit.record("save operator layout", by=by, at=at, on=made, organization=place)
    return made
