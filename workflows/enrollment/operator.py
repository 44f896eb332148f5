"""The scheme's operator (an association or an insurer): whom we enrolled goes out as a workbook in
its columns, and its answer about each of them comes back."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO, Final

from huigong import identity, sheets
from huigong.database import among, insert_rows, writes
from huigong.models import (
    Edition,
    Enrollment,
    Gift,
    Member,
    OperatorAnswer,
    OperatorLayout,
    Organization,
    Roster,
    RosterEvent,
    Scheme,
    User,
)
from huigong.refusals import Refused
from huigong.sheets import Column, Source, write_workbook
from huigong.workflows import audit, gifts
from huigong.workflows.enrollment.checks import EMPLOYMENT, INSURANCE, MEMBERSHIP
from huigong.workflows.enrollment.columns import plain_title

# What a column may hold: its name, its usual title, how it is written.
FIELDS: Final[dict[str, tuple[str, str]]] = {
    "certificate": ("凭证号", "text"),
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
    "renewal": ("是否续保", "text"),
    "insurance": ("医保类型", "text"),
    "employment": ("用工形式", "text"),
    "membership": ("会员身份", "text"),
    "fee": ("参保费（元）", "yuan"),
    "roster": ("名册编号", "text"),
    "giver": ("赠送方", "text"),
}
USUAL: Final = ("certificate", "name", "id_number", "unit", "cover_from", "cover_to", "fee")
_WORDS: Final[dict[str, Any]] = {
    "insurance": INSURANCE,
    "employment": EMPLOYMENT,
    "membership": MEMBERSHIP,
}
_SEX: Final = {"male": "男", "female": "女"}
RESULT: Final = ("结果", "审核结果", "承保结果", "处理结果", "是否承保")
REASON: Final = ("原因", "拒绝原因", "不承保原因", "说明", "备注")
_ID: Final = ("身份证号", "身份证号码", "证件号码", "证件号")
_NUMBER: Final = ("凭证号", "参保凭证号")
ACCEPTED: Final = frozenset({"承保", "通过", "接受", "成功", "同意", "是", "已承保", "正常"})
REJECTED: Final = frozenset({"拒保", "不通过", "拒绝", "失败", "不同意", "否", "不承保", "退回"})
CHUNK: Final = 2000


def layout_of(scheme: Scheme) -> list[tuple[str, str]]:
    """The columns that the operator wants: (field, title), in its order."""
    kept = OperatorLayout.get_or_none(OperatorLayout.scheme == scheme)
    if kept is None:
        return [(name, FIELDS[name][0]) for name in USUAL]
    return [(name, title) for name, title in kept.columns if name in FIELDS]


@writes
def save_layout(
    scheme: Scheme, *, columns: Sequence[tuple[str, str]], by: User, at: datetime
) -> OperatorLayout:
    """Remember the operator's columns. Refuses none, two of one title, and a file by which its
    answer could not be told apart."""
    titles = [plain_title(title) for _, title in columns]
    names = {name for name, _ in columns}
    if not columns or not names <= FIELDS.keys():
        raise Refused("columns", "请至少选择一列")
    if not names & {"id_number", "certificate"}:
        raise Refused("columns", "须有身份证号或凭证号，承办方的回执才对得上")
    if "" in titles or len(set(titles)) < len(titles):
        raise Refused("columns", "每一列都要有列名，且不能重复")
    OperatorLayout.delete().where(OperatorLayout.scheme == scheme).execute()
    made = OperatorLayout.create(
        organization=scheme.organization_id, scheme=scheme,
        columns=[[name, title.strip()[:40]] for name, title in columns], by=by, at=at,
    )  # fmt: skip
    place = scheme.organization
    audit.record("save operator layout", by=by, at=at, on=made, organization=place)
    return made


def approved_between(scheme: Scheme, first: date, last: date) -> Any:
    """The enrollments of a scheme whose rosters were approved within these days."""
    approved = RosterEvent.select(RosterEvent.roster).where(
        RosterEvent.kind == "approved", RosterEvent.on.between(first, last)
    )
    return (
        Enrollment.select(Enrollment, Member, Organization, Edition, Roster)
        .join_from(Enrollment, Member)
        .join_from(Enrollment, Organization, on=Enrollment.organization == Organization.id)
        .join_from(Enrollment, Edition)
        .join_from(Enrollment, Roster)
        .where(Edition.scheme == scheme, Roster.stage == "approved", Roster.id << approved)
        .order_by(Enrollment.id)
    )


@writes
def hand_out(scheme: Scheme, *, first: date, last: date, by: User, at: datetime) -> int:
    """Record that the people approved within these days are handed to the operator in full;
    how many they are. Refuses a span without anybody."""
    if first > last:
        raise Refused("last", "结束日期早于开始日期")
    count = int(approved_between(scheme, first, last).count())
    if not count:
        raise Refused("first", "这段时间没有批准的参保")
    detail = f"{scheme.name} {first}至{last} {count}人"
    place = scheme.organization
    audit.record("export for operator", by=by, at=at, on=scheme, organization=place, detail=detail)
    return count


def write_out(scheme: Scheme, first: date, last: date, target: BinaryIO) -> int:
    """Write the operator's workbook; returns how many people are in it."""
    columns = layout_of(scheme)
    heads: list[Any] = [Column(title, FIELDS[name][1]) for name, title in columns]  # type: ignore[arg-type]
    rows = _rows(approved_between(scheme, first, last), [name for name, _ in columns])
    return write_workbook(target, heads, rows, sheet="参保")


def _rows(query: Any, names: list[str]) -> Iterator[list[Any]]:
    """A row a person, asked for by thousands; the givers of each thousand at once."""
    after = 0
    while page := list(query.where(Enrollment.id > after).limit(CHUNK)):
        rosters = {cover.roster_id for cover in page if "giver" in names}
        given = gifts.givers_of(rosters) if rosters else {}
        for cover in page:
            yield [_cell(cover, name, given.get(cover.roster_id)) for name in names]
        after = page[-1].id


def _cell(cover: Enrollment, name: str, gift: Gift | None) -> Any:
    member = cover.member
    if name in _WORDS:
        said = member.membership if name == "membership" else cover.facts.get(name)
        said = cover.facts.get(name) or said
        return _WORDS[name][said][0] if said in _WORDS[name] else ""
    if name in ("mobile", "bank_card", "id_number"):
        column = {"mobile": "phone", "id_number": "resident_id"}.get(name, name)
        return member.opened(column)
    return {
        "certificate": cover.certificate,
        "name": member.name,
        "sex": _SEX.get(member.sex, ""),
        "birth": member.born_on,
        "bank": member.bank,
        "unit": cover.organization.name,
        "unit_code": cover.organization.code or "",
        "edition": cover.edition.name,
        "cover_from": cover.cover_from,
        "cover_to": cover.cover_to,
        "renewal": "是" if cover.renewal else "否",
        "fee": cover.fee,
        "roster": cover.roster.number if cover.roster else "",
        "giver": gifts.named(gift, cover),
    }[name]


# ── the answer ──────────────────────────────────────────────────────────────────────────────


def take_answer(scheme: Scheme, *, file: Source, by: User, at: datetime) -> tuple[int, int]:
    """Take the operator's answer out of its workbook: (accepted, rejected).

    Refuses, all at once by row, who is not enrolled under the scheme, a result that is neither,
    and a rejection without its reason; then nothing is taken.
    """
    rows, faults = _answers(scheme, file)
    if faults:
        raise Refused.all([("file", f"第{number}行 {message}") for number, message in faults])
    if not rows:
        raise Refused("file", "表里没有回执，请核对文件")
    accepted = sum(1 for _, yes, _ in rows if yes)
    _keep_answers(scheme, rows, by, at)
    return accepted, len(rows) - accepted


@writes
def _keep_answers(
    scheme: Scheme, rows: list[tuple[Any, bool, str]], by: User, at: datetime
) -> None:
    columns = ("organization_id", "enrollment_id", "accepted", "reason", "by_id", "at")
    lines = [
        (place, cover, yes, why, by.id, at.isoformat(" ")) for (cover, place), yes, why in rows
    ]
    insert_rows("operator_answer", columns, lines)
    rejected = sum(1 for _, yes, _ in rows if not yes)
    detail = f"{scheme.name} 承保{len(rows) - rejected}人，未承保{rejected}人"
    audit.record("take operator answer", by=by, at=at, on=scheme,
                 organization=scheme.organization, detail=detail)  # fmt: skip


def _answers(
    scheme: Scheme, file: Source
) -> tuple[list[tuple[Any, bool, str]], list[tuple[int, str]]]:
    found, faults = [], []
    said = _read(scheme, file)
    known = _known(scheme, [key for _, key, _, _ in said])
    for number, key, result, reason in said:
        if key not in known:
            faults.append((number, "没有对应的参保：请核对身份证号或凭证号"))
        elif result not in ACCEPTED | REJECTED:
            faults.append((number, f"不认识结果“{result[:20]}”，请填写：承保、拒保"))
        elif result in REJECTED and not reason:
            faults.append((number, "未承保的须写明原因"))
        else:
            found.append((known[key], result in ACCEPTED, reason[:500]))
    return found, faults


def _read(scheme: Scheme, file: Source) -> list[tuple[int, str, str, str]]:
    """(row, ID or certificate number, result, reason) of every row."""
    own = dict(layout_of(scheme))
    keys = [own.get("id_number", ""), *_ID, own.get("certificate", ""), *_NUMBER]
    try:
        with sheets.read_rows(file) as rows:
            found = list(rows)
    except sheets.SheetRefused as refused:
        raise Refused("file", str(refused)) from refused
    for place, (_, row) in enumerate(found[:10]):
        titles = {plain_title(cell): at for at, cell in reversed(list(enumerate(row)))}
        key = next((titles[t] for t in map(plain_title, keys) if t and t in titles), None)
        result = next((titles[plain_title(t)] for t in RESULT if plain_title(t) in titles), None)
        if key is not None and result is not None:
            reason = next((titles[plain_title(t)] for t in REASON if plain_title(t) in titles), -1)
            below = [
                (number, cells) for number, cells in found[place + 1 :] if str(cells[key]).strip()
            ]
            return [_said(number, cells, key, result, reason) for number, cells in below]
    raise Refused("file", "没有找到“身份证号”（或凭证号）和“结果”两列")


def _said(
    number: int, cells: Sequence[Any], key: int, result: int, reason: int
) -> tuple[int, str, str, str]:
    def text(at: int) -> str:
        return identity.plain_text(str(cells[at])).strip() if 0 <= at < len(cells) else ""

    return number, identity.normalize_id(str(cells[key])), text(result), text(reason)


def _known(scheme: Scheme, keys: list[str]) -> dict[str, tuple[int, int]]:
    """(enrollment, its organization) by ID or certificate number; of several terms the latest."""
    found: dict[str, tuple[int, int]] = {}
    ids = {Member.index_of_id(key): key for key in keys if not identity.id_fault(key)}
    for batch, column, named in (
        (list(ids), Member.id_index, ids),
        ([key for key in keys if key not in ids.values()], Enrollment.certificate, None),
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
