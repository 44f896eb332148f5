"""Drafting a scheme's next edition: kept while incomplete, published by somebody who wrote none
of it. Publishing never changes an edition in force, nor anybody already enrolled."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from huigong.database import writes
from huigong.models import (
    AuditEvent,
    DraftEdition,
    DraftVersion,
    Edition,
    Organization,
    Scheme,
    User,
)
from huigong.plans import Fault, SchemeRefused, compile_table, plan_hash
from huigong.plans.retyped import retype, sheet_of
from huigong.plans.typed import Sheet, scheme_of, tidy
from huigong.refusals import Lost, Refused
from huigong.workflows import audit, schemes
from huigong.workflows.levers import turns

Plan = dict[str, Any]

PUBLISHED: Final = "publish edition draft"
DISCARDED: Final = "discard edition draft"
MOST_BYTES = 300_000  # of one sheet; the longest shipped scheme needs 6,000


class Checked(NamedTuple):
    """A typed scheme after the loader: its plan where nothing is wrong, else all that is."""

    plan: Plan | None
    faults: list[Fault]

    @property
    def hash(self) -> str:
        return plan_hash(self.plan) if self.plan else ""


def check(sheet: Sheet, organization: Organization) -> Checked:
    """Load a typed scheme as an edition of `organization`, next to those already published."""
    scheme = scheme_of(sheet)
    file = f"{scheme.get('id', '')}.toml"
    try:
        plan = compile_table(scheme, file)
    except SchemeRefused as refused:
        return Checked(None, refused.faults)
    faults = [Fault(file, *words) for words in schemes.clashes(plan, organization)]
    return Checked(None if faults else plan, faults)


def plan_of(draft: DraftEdition | DraftVersion) -> Plan | None:
    """A draft's plan by itself, whatever else is published; None while it does not load."""
    return plan_typed(draft.sheet)


def plan_typed(sheet: Sheet) -> Plan | None:
    """What a sheet says, as a plan; None while it does not load."""
    try:
        return compile_table(scheme_of(tidy(sheet)), "draft.toml")
    except SchemeRefused:
        return None


def version_of(draft: DraftEdition, number: int) -> DraftVersion | None:
    """A draft as it was saved the so-many-th time."""
    mine = (DraftVersion.draft == draft) & (DraftVersion.version == number)
    return DraftVersion.get_or_none(mine)  # type: ignore[no-any-return]


def with_figures(sheet: Sheet, figures: Mapping[str, str]) -> Sheet:
    """The sheet with figures of a replay in their places (texts by lever's name), all else as it
    was typed. Refuses a sheet that does not load, figures that do not, and none at all."""
    sheet = tidy(sheet)
    plan = plan_typed(sheet)
    if plan is None:
        raise Refused("draft", "草稿还有需要更正的地方，更正以后才能写回数字")
    moved = turns(plan, figures)
    if not moved:
        raise Refused("draft", "没有改动的数字可以写回")
    for turn in moved:
        retype(sheet, turn.lever.place, turn.value)
    return sheet


def ended_by(plan: Plan) -> Edition | None:
    """The published edition without an end that publishing `plan` ends the day before it begins."""
    scheme = Scheme.get_or_none(Scheme.slug == plan["series"])
    first, _ = schemes.span(plan)
    for other in schemes.published(scheme) if scheme else []:
        if other.enrolled_to is None and other.enrolled_from < first:
            return other
    return None


def in_force_before(plan: Plan, basis: Edition | None) -> Edition | None:
    """What a draft is compared with: the series' edition just before it, else what it was
    drafted from; never a damaged one."""
    scheme = Scheme.get_or_none(Scheme.slug == plan["series"])
    first, _ = schemes.span(plan)
    earlier = [e for e in (schemes.published(scheme) if scheme else []) if e.enrolled_from < first]
    for edition in (*reversed(earlier), basis):
        if edition is not None and schemes.damage(edition) is None:
            return edition
    return None


def sheet_after(edition: Edition, on: date) -> Sheet:
    """The sheet to begin the edition after `edition` from: same rules, a new number, and
    enrollment from the day after its end (without an end, from next month). Refuses damage."""
    sheet = sheet_of(schemes.plan_of(edition))
    next_month = (on.replace(day=1) + timedelta(days=32)).replace(day=1)
    first = edition.enrolled_to + timedelta(days=1) if edition.enrolled_to else next_month
    code, number = f"{sheet['series']}-{first.year}", 2
    while Edition.get_or_none(Edition.code == code):
        code, number = f"{sheet['series']}-{first.year}-{number}", number + 1
    return {**sheet, "id": code, "enrolled": {"from": first.isoformat(), "to": ""}}


@writes
def begin_draft(
    *, organization: Organization, basis: Edition | None, sheet: Sheet, by: User, at: datetime
) -> DraftEdition:
    """Begin a draft of `by` for a city."""
    _refuse_size(sheet)
    draft = DraftEdition.create(
        organization=organization, basis=basis, name=_name(sheet), sheet=sheet,
        writers=[by.id], drafted_by=by, saved_by=by, saved_at=at,
    )  # fmt: skip
    _keep(draft)
    audit.record("begin edition draft", by=by, at=at, on=draft, organization=organization)
    return draft


def _keep(draft: DraftEdition) -> None:
    """Keep what a saving holds, for whoever is at work on it when the next one comes."""
    DraftVersion.create(
        draft=draft, version=draft.version, sheet=draft.sheet, saved_by=draft.saved_by,
        saved_at=draft.saved_at,
    )  # fmt: skip


@writes
def save_draft(
    draft: DraftEdition, *, sheet: Sheet, version: int, by: User, at: datetime
) -> DraftEdition:
    """Keep what was typed, right or wrong, over the version it was typed into.

    Raises Lost when somebody saved or published it meanwhile, keeping what they wrote.
    """
    _refuse_size(sheet)
    now = DraftEdition.get_or_none(DraftEdition.id == draft.id)
    if now is None or now.version != version:
        raise Lost(f"draft {draft.id} is no longer version {version}")
    now.sheet, now.name, now.version = sheet, _name(sheet), version + 1
    now.writers = sorted({*now.writers, by.id})
    now.saved_by, now.saved_at = by, at
    now.save()
    _keep(now)
    place = now.organization
    detail = f"version {now.version}"
    audit.record("save edition draft", by=by, at=at, on=now, organization=place, detail=detail)
    return now


@writes
def take_figures(
    draft: DraftEdition, *, figures: Mapping[str, str], version: int, by: User, at: datetime
) -> DraftEdition:
    """Write figures that a replay of `version` found into the draft, and save it.

    Refuses figures that change nothing or do not load. Raises Lost as `save_draft` does.
    """
    now = DraftEdition.get_or_none(DraftEdition.id == draft.id)
    if now is None or now.version != version:
        raise Lost(f"draft {draft.id} is no longer version {version}")
    sheet = with_figures(now.sheet, figures)
    return save_draft(now, sheet=sheet, version=version, by=by, at=at)


@writes
def discard_draft(draft: DraftEdition, *, version: int, by: User, at: datetime) -> None:
    """Delete a draft. Raises Lost when it was saved or published after it was looked at."""
    mine = (DraftEdition.id == draft.id) & (DraftEdition.version == version)
    if not DraftEdition.delete().where(mine).execute():
        raise Lost(f"draft {draft.id} is no longer version {version}")
    place, detail = draft.organization, draft.sheet.get("id", "")
    audit.record(DISCARDED, by=by, at=at, on=draft, organization=place, detail=detail[:60])


def ending_of(number: int) -> AuditEvent | None:
    """How a draft that is gone ended: that it was published, with the edition's code as detail,
    or discarded; by whom and when."""
    ended = AuditEvent.select().where(
        AuditEvent.deed << (PUBLISHED, DISCARDED), AuditEvent.subject == f"DraftEdition:{number}"
    )
    return ended.order_by(AuditEvent.id.desc()).first()  # type: ignore[no-any-return]


@writes
def publish_draft(draft: DraftEdition, *, seen: str, by: User, at: datetime) -> Edition:
    """Publish a draft as the edition that `seen` (its plan's hash) names; it never changes again.

    Refuses anybody who wrote in it, and a draft with faults or clashing with what is published.
    Raises Lost when it is not what `by` was shown. Who is enrolled keeps their edition.
    """
    now = DraftEdition.get_or_none(DraftEdition.id == draft.id)
    if now is None:
        raise Lost(f"draft {draft.id} is gone")
    if by.id in now.writers:
        raise Refused("draft", "起草或改过这份草稿的人不能发布它，请由另一位审核人发布")
    checked = check(now.sheet, now.organization)
    if checked.plan is None:
        raise Refused.all(
            [(fault.place, f"{fault.message}。{fault.cure}") for fault in checked.faults]
        )
    if checked.hash != seen:
        raise Lost(f"draft {draft.id} is not what was shown")
    _end_before(checked.plan, by=by, at=at)
    edition = schemes.new_edition(
        checked.plan, organization=now.organization, drafted_by=now.drafted_by, by=by, at=at
    )
    now.delete_instance()
    place = edition.organization
    audit.record(PUBLISHED, by=by, at=at, on=now, organization=place, detail=edition.code)
    audit.record(
        "publish edition", by=by, at=at, on=edition, organization=place, detail=checked.hash
    )
    return edition


def _end_before(plan: Plan, *, by: User, at: datetime) -> None:
    """End the enrollment of the edition before, where its plan states no end. Its plan and hash
    stay as they are, and so does the cover of everybody enrolled under it."""
    former = ended_by(plan)
    if former is None:
        return
    last = schemes.span(plan)[0] - timedelta(days=1)
    former.move("stage", was="published", to="published", enrolled_to=last)
    place = former.organization
    audit.record(
        "end edition", by=by, at=at, on=former, organization=place, detail=last.isoformat()
    )


def _name(sheet: Sheet) -> str:
    return sheet["name"].strip()[:200] or "未命名的互助计划"


def _refuse_size(sheet: Sheet) -> None:
    if len(json.dumps(sheet, ensure_ascii=False).encode()) > MOST_BYTES:
        raise Refused("draft", "草稿过长，请删去一些行")
