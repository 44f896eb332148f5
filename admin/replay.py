"""Replay: what decided claims would cost under a draft or any edition, with its figures turned."""

import io
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, abort, current_app, make_response, render_template, request

from huigong import sheets
from huigong.access import allow, find, holds, scope, visible
from huigong.models import Claim, DraftEdition, Edition, Organization, Role, Scheme
from huigong.money import percent, yuan
from huigong.refusals import Refused
from huigong.workflows import drafting
from huigong.workflows import replay as deeds
from huigong.workflows.levers import Lever, levers, turned
from huigong.workflows.schemes import damage

replay = Blueprint("replay", __name__, url_prefix="/admin/replay")

READERS = (Role.REVIEWER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)
MOST_RISE = 500  # percent
MOST_UNITS = 20  # on the page; the workbook has all


@dataclass(frozen=True)
class Source:
    """Rules one may replay under: an edition, or a draft as far as it loads."""

    key: str  # an edition's number, or d and a draft's
    name: str
    plan: dict[str, Any]
    scheme: Scheme | None
    draft: int | None = None

    @property
    def words(self) -> str:
        return f"{self.name}（{self.plan['id']}{'，草稿' if self.draft else ''}）"


@dataclass(frozen=True)
class Asked:
    """What is to be replayed: whose claims, decided when, under which figures."""

    source: Source
    scheme: Scheme
    since: date
    until: date
    rise: int
    plan: dict[str, Any]


@replay.get("")
@allow(*READERS, on=Claim, menu=(61, "方案测算"))
def index() -> Any:
    source = _chosen(sources())
    if source is None:
        return render_template("admin/replay/index.html", source=None)
    errors: dict[str, str] = {}
    said = None
    try:
        asked = _asked(source)
        said = _replayed(asked) if asked else None
    except Refused as refused:
        errors = refused.by_field()
    return _page(source, said, errors), 422 if errors else 200


@replay.get("/workbook.xlsx")
@allow(*READERS, on=Claim)
def workbook() -> Any:
    source = _chosen(sources())
    try:
        asked = _asked(source) if source else None
    except Refused:
        abort(422)
    if asked is None:
        abort(404)
    book = io.BytesIO()
    title = f"方案测算 {asked.source.words} {asked.since}至{asked.until}"
    sheets.write_workbook(book, COLUMNS, _lines(asked, _replayed(asked)), sheet="测算", title=title)
    answer = make_response(book.getvalue())
    answer.mimetype = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer.headers["Content-Disposition"] = "attachment; filename=replay.xlsx"
    return answer


def _within() -> Any:
    return Organization.select(Organization.id).where(scope(Organization))


def sources() -> list[Source]:
    """What one may replay under: drafts first, then editions; sound ones that state benefits."""
    found = []
    for draft in visible(DraftEdition).order_by(DraftEdition.saved_at.desc()):
        plan = drafting.plan_of(draft)
        if plan and plan["benefit"]:
            scheme = draft.basis.scheme if draft.basis else None
            scheme = visible(Scheme).where(Scheme.slug == plan["series"]).get_or_none() or scheme
            found.append(Source(f"d{draft.id}", draft.name, plan, scheme, draft.id))
    rows = visible(Edition).select(Edition, Scheme).join(Scheme)
    for edition in rows.order_by(Edition.name, Edition.enrolled_from.desc()):
        if not damage(edition) and edition.plan["benefit"]:
            found.append(Source(str(edition.id), edition.name, edition.plan, edition.scheme))
    return found


def _chosen(known: list[Source]) -> Source | None:
    """The rules asked for (404 where they are foreign or gone), else the first whose scheme has
    claims to replay."""
    asked = request.args.get("rules", "")
    if asked:
        return next((source for source in known if source.key == asked), None) or abort(404)
    within = _within()
    having = (s for s in known if s.scheme and deeds.span_of(s.scheme, within))
    return next(having, known[0] if known else None)


def _scheme(source: Source) -> Scheme | None:
    """The scheme whose claims are replayed: as asked, else the source's own."""
    whose = request.args.get("scheme", "")
    return find(Scheme, int(whose)) if whose.isdecimal() and len(whose) < 10 else source.scheme


def _asked(source: Source) -> Asked | None:
    """What the form asks for; None where the scheme has no approved claim to replay.

    Refuses a date or a rise that is none, and figures that make no plan.
    """
    scheme = _scheme(source)
    span = deeds.span_of(scheme, _within()) if scheme else None
    if scheme is None or span is None:
        return None
    since, until = _day("since", span[0]), _day("until", span[1])
    if until < since:
        raise Refused("until", "截止日期早于开始日期")
    rise = request.args.get("rise", "").strip() or "0"
    if not (rise.isascii() and rise.isdecimal() and len(rise) < 4 and int(rise) <= MOST_RISE):
        raise Refused("rise", f"申领增加请写0至{MOST_RISE}的整数")
    return Asked(source, scheme, since, until, int(rise), turned(source.plan, request.args))


def _day(field: str, usual: date) -> date:
    text = request.args.get(field, "").strip()
    try:
        return date.fromisoformat(text) if text else usual
    except ValueError:
        raise Refused(field, "请写成 2023-07-01 的样子") from None


def _replayed(asked: Asked) -> deeds.Replay:
    return deeds.replay(
        asked.plan,
        scheme=asked.scheme,
        since=asked.since,
        until=asked.until,
        within=_within(),
        rise=asked.rise,
    )


def _page(source: Source, said: deeds.Replay | None, errors: dict[str, str]) -> str:
    figures, scheme = levers(source.plan), _scheme(source)
    span = deeds.span_of(scheme, _within()) if scheme else None
    since, until = span or ("", "")
    usual = {"scheme": scheme.id if scheme else "", "since": since, "until": until, "rise": "0"}
    typed = {**usual, **{f.name: f.text for f in figures}, **request.args.to_dict()}
    units = said.named_units() if said else []
    labels = {f.name: f.label for f in figures}
    summary = {name: f"{labels.get(name, '')} {fault}".strip() for name, fault in errors.items()}
    return render_template(
        "admin/replay/index.html",
        source=source, sources=sources(), figures=figures, typed=typed, said=said,
        errors=errors, summary=summary, units=units[:MOST_UNITS],
        more_units=len(units) - MOST_UNITS,
        schemes=list(visible(Scheme).order_by(Scheme.name)), steps=_steps(source, said),
        size_words=size_words, ratio_words=ratio_words, moved=_moved(figures, typed),
        may_edit="schemes.edit" in current_app.view_functions and holds(Role.REVIEWER),
    )  # fmt: skip


def _moved(figures: list[Lever], typed: dict[str, Any]) -> list[tuple[Lever, str]]:
    """The figures that were turned, with what was typed."""
    return [(f, typed[f.name]) for f in figures if typed[f.name].strip() not in ("", f.text)]


def _steps(source: Source, said: deeds.Replay | None) -> list[tuple[str, deeds.Sums]]:
    plan = source.plan
    names = {part["id"]: part["name"] for part in (*plan["benefit"], *plan["pool"])}
    found = said.steps.items() if said else ()
    return [
        (f"{names[owner]}·{name}" if names.get(owner, name) != name else name, sums)
        for (owner, name), sums in found
    ]


def size_words(lower: int, upper: int | None) -> str:
    """A band of benefits in words: 0元, 500元以下, 500至1,000元, 50,000元以上."""
    low, high = yuan(lower)[:-3], yuan(upper)[:-3] if upper is not None else ""
    if upper is None:
        return f"{low}元以上"
    if upper == 0:
        return "未给付"
    return f"{low}至{high}元" if lower else f"{high}元以下"


def ratio_words(basis_points: int | None) -> str:
    return "—" if basis_points is None else percent(basis_points)


COLUMNS = [
    sheets.Column("分组", width=12),
    sheets.Column("项目", width=40),
    sheets.Column("原笔数", "count"),
    sheets.Column("原金额", "yuan", width=18),
    sheets.Column("新笔数", "count"),
    sheets.Column("新金额", "yuan", width=18),
    sheets.Column("差额", "yuan", width=18),
]


def _lines(asked: Asked, said: deeds.Replay) -> list[tuple[Any, ...]]:
    """The workbook's rows: totals, the fund, steps, sizes, units, and what was turned."""

    def line(group: str, item: str, sums: deeds.Sums) -> tuple[Any, ...]:
        return (group, item, sums.claims, sums.then, sums.claims, sums.now, sums.more)

    rows = [
        line("合计", "给付", said.all),
        ("合计", f"假设申领增加{said.rise}%", None, said.all.then, None, said.risen,
         said.risen - said.all.then),
        ("合计", "按保障天数折算的缴费", said.people, said.earned, said.people, said.earned_now,
         said.earned_now - said.earned),
        line("职工", "增加", said.gained), line("职工", "减少", said.lost),
        line("职工", "不变", said.same),
        line("说明", "审核人调整过，两边都按原核定金额", said.adjusted),
        line("说明", "按新规则不予受理，新金额为零", said.stopped),
        line("说明", "缺少新规则要问的事项，不计入合计", said.unknown),
    ]  # fmt: skip
    rows += [line("步骤", words, sums) for words, sums in _steps(asked.source, said)]
    lower = 0
    for size in said.sizes:
        words = size_words(lower, size.upper)
        more = size.now - size.then
        rows.append(
            ("金额分布", words, size.then_claims, size.then, size.now_claims, size.now, more)
        )
        lower = size.upper or 0
    rows += [line("单位", name, sums) for name, sums in said.named_units()]
    figures = levers(asked.source.plan)
    typed = {f.name: request.args.get(f.name, "") for f in figures}
    for figure, text in _moved(figures, typed):
        words = f"{figure.label}：{figure.text} 改为 {text}"
        rows.append(("改动", words, None, None, None, None, None))
    return rows
