"""Replay: what decided claims would cost under a draft or any edition, with its figures turned;
figures found are taken back into the draft."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, g, make_response, redirect, render_template, request
from flask import url_for as address

from huigong import clock, sheets
from huigong.access import allow, find, holds, scope, sees_whole, visible
from huigong.admin.schemes.room import DRAFTERS, one_of, own_editions
from huigong.differences import differences
from huigong.models import Claim, DraftEdition, DraftVersion, Edition, Organization, Role, Scheme
from huigong.money import percent
from huigong.refusals import Lost, Refused
from huigong.workflows import drafting
from huigong.workflows import replay as deeds
from huigong.workflows.levers import Turn, levers, turned, turns
from huigong.workflows.schemes import damage

replay = Blueprint("replay", __name__, url_prefix="/admin/replay")

READERS = (Role.REVIEWER, Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)
MOST_RISE = 500  # percent
MOST_UNITS = 20  # on the page; the workbook has all
MOST_LIVE = 50_000  # claims that are replayed while one types, about three seconds


@dataclass(frozen=True)
class Source:
    """Rules one may replay under: an edition, or a draft as it was saved once."""

    key: str  # an edition's number, or d and a draft's
    name: str
    plan: dict[str, Any]
    scheme: Scheme | None
    draft: DraftEdition | None = None
    saved: DraftEdition | DraftVersion | None = None  # the draft as replayed: it may be older

    @property
    def words(self) -> str:
        which = f"，草稿第{self.saved.version}版" if self.saved else ""
        return f"{self.name}（{self.plan['id']}{which}）"

    @property
    def overtaken(self) -> bool:
        """Whether the draft was saved again after the version replayed."""
        return bool(self.draft and self.saved and self.saved.version != self.draft.version)


@dataclass(frozen=True)
class Asked:
    """What is to be replayed: whose claims, decided when, under which figures."""

    source: Source
    scheme: Scheme
    since: date
    until: date
    rise: int
    moved: list[Turn]

    @property
    def plan(self) -> dict[str, Any]:
        return turned(self.source.plan, {turn.lever.name: turn.text for turn in self.moved})


Claims = tuple[Scheme | None, deeds.Span | None]


@replay.get("")
@allow(*READERS, on=Claim, menu=(61, "方案测算"))
def index() -> Any:
    source = _chosen(sources(), request.args)
    if source is None:
        return render_template("admin/replay/index.html", source=None, unsound=_unsound())
    return _page(source, request.args)


def _unsound() -> DraftEdition | None:
    """The draft asked for, where it cannot be replayed until its faults are mended."""
    key = request.args.get("rules", "")
    return find(DraftEdition, int(key[1:])) if _names_draft(key) else None


def _names_draft(key: str) -> bool:
    return key[:1] == "d" and key[1:].isdecimal() and len(key) < 10


@replay.get("/drafts/<int:id>")
@allow(DRAFTERS, on=DraftEdition)
def of_draft(id: int) -> Any:
    """Where a refused sending is loaded again."""
    return redirect(address("replay.index", rules=f"d{find(DraftEdition, id).id}"), 303)


@replay.post("/drafts/<int:id>")
@allow(DRAFTERS, on=DraftEdition)
def take_back(id: int) -> Any:
    """Write the figures that were turned into the draft they were tried on."""
    draft, form = find(DraftEdition, id), request.form
    source = _chosen(sources(), {**form, "rules": f"d{id}"})
    version = int(form["version"]) if form.get("version", "").isdecimal() else 0
    try:
        moved = turns(source.plan, form) if source else []
        now = drafting.take_figures(draft, figures=form, version=version, by=g.user, at=clock.now())
    except Refused as refused:
        return _page(source, form, refused.by_field()) if source else abort(404)
    except Lost:
        return (_page(source, form)[0], 409) if source else abort(404)
    told = "；".join(turn.words for turn in moved)
    flash(f"已写回草稿，存为第{now.version}版：{told}")
    return redirect(address("replay.index", **_kept(form, rules=f"d{id}")), 303)


@replay.get("/editions/<int:id>")
@allow(DRAFTERS, on=Edition)
def of_edition(id: int) -> Any:
    """Where a refused sending is loaded again."""
    return redirect(address("replay.index", rules=one_of(own_editions(), str(id)).id), 303)


@replay.post("/editions/<int:id>")
@allow(DRAFTERS, on=Edition)
def draft_with(id: int) -> Any:
    """Begin the next edition's draft with the figures that were turned."""
    edition = one_of(own_editions(), str(id))
    try:
        sheet = drafting.sheet_after(edition, clock.today())
        sheet = drafting.with_figures(sheet, request.form)
        draft = drafting.begin_draft(
            organization=edition.organization, basis=edition, sheet=sheet, by=g.user,
            at=clock.now(),
        )  # fmt: skip
    except Refused as refused:
        source = _chosen(sources(), {"rules": str(id)})
        return _page(source, request.form, refused.by_field()) if source else abort(404)
    flash("已用改动后的数字建立草稿，修改后请保存")
    return redirect(address("schemes.edit", id=draft.id), 303)


def _kept(form: Mapping[str, str], **also: Any) -> dict[str, Any]:
    """What of a form goes on to the page after it: the span and the rise, no figures."""
    names = ("scheme", "since", "until", "rise")
    return {**{name: form[name] for name in names if form.get(name)}, **also}


@replay.get("/workbook.xlsx")
@allow(*READERS, on=Claim)
def workbook() -> Any:
    source = _chosen(sources(), request.args)
    try:
        args = request.args
        asked = _asked(source, args, _claims(source, args)) if source else None
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
    """The organizations whose claims one may read; None where that is every one there is."""
    if sees_whole():
        return None
    return Organization.select(Organization.id).where(scope(Organization))


def sources() -> list[Source]:
    """What one may replay under: drafts first, then editions; sound ones that state benefits."""
    drafts = visible(DraftEdition).order_by(DraftEdition.saved_at.desc(), DraftEdition.id)
    found = [source for draft in drafts if (source := _draft_source(draft, draft))]
    rows = visible(Edition).select(Edition, Scheme).join(Scheme)
    for edition in rows.order_by(Edition.name, Edition.enrolled_from.desc()):
        if not damage(edition) and edition.plan["benefit"]:
            found.append(Source(str(edition.id), edition.name, edition.plan, edition.scheme))
    return found


def _draft_source(draft: DraftEdition, saved: DraftEdition | DraftVersion) -> Source | None:
    """A draft as rules to replay under, as it was saved once; None while it has faults or states
    no benefit."""
    plan = drafting.plan_of(saved)
    if not plan or not plan["benefit"]:
        return None
    scheme = draft.basis.scheme if draft.basis else None
    scheme = visible(Scheme).where(Scheme.slug == plan["series"]).get_or_none() or scheme
    return Source(f"d{draft.id}", plan["name"], plan, scheme, draft, saved)


def _chosen(known: list[Source], given: Mapping[str, str]) -> Source | None:
    """The rules asked for (404 where they are foreign or gone, None for a draft with faults), else
    the first whose scheme has claims to replay."""
    asked = given.get("rules", "")
    if _names_draft(asked):
        draft = find(DraftEdition, int(asked[1:]))
        return _draft_source(draft, _version_kept(draft, given))
    if asked:
        return next((source for source in known if source.key == asked), None) or abort(404)
    within = _within()
    having = (s for s in known if s.scheme and deeds.span_of(s.scheme, within))
    return next(having, known[0] if known else None)


def _version_kept(draft: DraftEdition, given: Mapping[str, str]) -> DraftEdition | DraftVersion:
    """The draft in the version that the screen shows, also where it was saved again since: the
    figures on the screen are that version's."""
    number, key = given.get("version", ""), f"d{draft.id}"
    if given.get("of", key) != key or not (number.isdecimal() and len(number) < 9):
        return draft
    return drafting.version_of(draft, int(number)) or draft


def _same_rules(source: Source, given: Mapping[str, str]) -> bool:
    """Whether the screen's figures are of these rules, not of those chosen before (`of`)."""
    return given.get("of", source.key) == source.key


def _scheme(source: Source, given: Mapping[str, str]) -> Scheme | None:
    """The scheme whose claims are replayed: as chosen, else the source's own, else the first."""
    whose = given.get("scheme", "")
    if whose == given.get("whose", "") and not _same_rules(source, given):
        whose = ""  # it was the former rules'
    if whose.isdecimal() and len(whose) < 10:
        return find(Scheme, int(whose))
    if source.scheme:
        return source.scheme
    having = (s for s in visible(Scheme).order_by(Scheme.name) if deeds.span_of(s, _within()))
    return next(having, None)


def _claims(source: Source, given: Mapping[str, str]) -> Claims:
    """Whose claims are replayed, and the days on which they were decided."""
    scheme = _scheme(source, given)
    return scheme, deeds.span_of(scheme, _within()) if scheme else None


def _asked(source: Source, given: Mapping[str, str], claims: Claims) -> Asked | None:
    """What the form asks for; None where the scheme has no approved claim to replay.

    Refuses a date or a rise that is none, and figures that make no plan.
    """
    scheme, span = claims
    if scheme is None or span is None:
        return None
    if given.get("whose", str(scheme.id)) != str(scheme.id):
        given = {**given, "since": "", "until": ""}  # the dates were the former scheme's
    since, until = _day(given, "since", span.first), _day(given, "until", span.last)
    if until < since:
        raise Refused("until", "截止日期早于开始日期")
    rise = given.get("rise", "").strip() or "0"
    if not (rise.isascii() and rise.isdecimal() and len(rise) < 4 and int(rise) <= MOST_RISE):
        raise Refused("rise", f"申领增加请写0至{MOST_RISE}的整数")
    moved = turns(source.plan, given) if _same_rules(source, given) else []
    return Asked(source, scheme, since, until, int(rise), moved)


def _day(given: Mapping[str, str], field: str, usual: date) -> date:
    text = given.get(field, "").strip()
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


def _page(
    source: Source, given: Mapping[str, str], errors: dict[str, str] | None = None
) -> tuple[str, int]:
    errors = errors or {}
    asked = said = None
    scheme, span = _claims(source, given)
    try:
        asked = _asked(source, given, (scheme, span))
    except Refused as refused:
        errors = {**refused.by_field(), **errors}
    claims = _count(asked, span) if asked and span else 0
    if asked and not errors and (claims <= MOST_LIVE or "go" in given):
        said = _replayed(asked)
    figures, typed = levers(source.plan), _typed(source, (scheme, span), given)
    labels = {f.name: f.label for f in figures}
    units = said.named_units() if said else []
    query = _query(asked) if asked else {}
    page = render_template(
        "admin/replay/index.html",
        source=source, sources=sources(), figures=figures, typed=typed, said=said, asked=asked,
        errors=errors, units=units[:MOST_UNITS], more_units=len(units) - MOST_UNITS,
        summary={name: f"{labels.get(name, '')} {fault}".strip() for name, fault in errors.items()},
        schemes=list(visible(Scheme).order_by(Scheme.name)), steps=_steps(source, said),
        ratio_words=ratio_words, claims=claims,
        is_live=claims <= MOST_LIVE, since_then=_since_then(source),
        may_draft=_may_draft(source), query=query,
        newest={**query, "version": None},
    )  # fmt: skip
    return page, 422 if errors else 200


def _count(asked: Asked, span: deeds.Span) -> int:
    """How many claims the replay reads; those of the whole span are counted already."""
    if asked.until >= span.last:
        return span.claims
    return deeds.count_of(asked.scheme, asked.until, _within())


def _typed(source: Source, claims: Claims, given: Mapping[str, str]) -> dict[str, Any]:
    """What the form's fields hold: as typed, else the span of the claims and the plan's figures."""
    scheme, span = claims
    since, until = (span.first, span.last) if span else ("", "")
    usual = {"since": since, "until": until, "rise": "0"}
    usual |= {f.name: f.text for f in levers(source.plan)}
    kept = {name: text for name, text in given.items() if name in usual}
    if not _same_rules(source, given):
        kept = {name: kept[name] for name in ("since", "until", "rise") if name in kept}
    number = str(scheme.id) if scheme else ""
    if given.get("whose", number) != number:
        kept = {name: text for name, text in kept.items() if name not in ("since", "until")}
    return {**usual, **kept, "scheme": number}


def _query(asked: Asked) -> dict[str, Any]:
    """The address of this very replay."""
    source = asked.source
    said: dict[str, Any] = {"rules": source.key, "scheme": asked.scheme.id, "since": asked.since,
                            "until": asked.until, "rise": asked.rise}  # fmt: skip
    if source.saved:
        said["version"] = source.saved.version
    return said | {turn.lever.name: turn.text for turn in asked.moved}


def _since_then(source: Source) -> list[Any] | None:
    """What a draft that was saved again says otherwise than the version replayed; None where it
    has faults now."""
    now = drafting.plan_of(source.draft) if source.draft and source.overtaken else source.plan
    return differences(source.plan, now) if now else None


def _may_draft(source: Source) -> bool:
    """Whether the signed-in user may take figures into this draft, or into one begun from this
    edition."""
    if source.draft:
        return holds(DRAFTERS, at=source.draft.organization)
    return holds(DRAFTERS) and source.key in {str(edition.id) for edition in own_editions()}


def _steps(source: Source, said: deeds.Replay | None) -> list[tuple[str, deeds.Sums]]:
    plan = source.plan
    names = {part["id"]: part["name"] for part in (*plan["benefit"], *plan["pool"])}
    found = said.steps.items() if said else ()
    return [
        (f"{names[owner]}·{name}" if names.get(owner, name) != name else name, sums)
        for (owner, name), sums in found
    ]


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
    for size in said.sizes:
        more = size.now - size.then
        rows.append(
            ("金额分布", size.words, size.then_claims, size.then, size.now_claims, size.now, more)
        )
    rows += [line("单位", name, sums) for name, sums in said.named_units()]
    rows += [("改动", turn.words, None, None, None, None, None) for turn in asked.moved]
    return rows
