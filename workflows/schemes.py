"""Schemes: their dated editions, loaded once or published from a draft, then never changed."""

import importlib.resources
import re
from datetime import date, datetime, timedelta
from typing import Any

from huigong.database import writes
from huigong.models import Edition, Organization, Scheme, User
from huigong.plans import SchemeRefused, compile_scheme, plan_hash
from huigong.plans.soundness import ALTERED, LOST, UNKNOWN, soundness
from huigong.refusals import Refused
from huigong.workflows import audit

Plan = dict[str, Any]
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@writes
def load_edition(text: str, *, file: str, organization: Organization, at: datetime) -> Edition:
    """Load a scheme's TOML as a published edition of an organization that is being set up.

    Refuses a scheme with faults (all at once), an id that is taken, a series that another
    organization runs, and enrollment dates that overlap another published edition's.
    """
    try:
        plan = compile_scheme(text, file)
    except SchemeRefused as refused:
        raise Refused.all([(fault.place, str(fault)) for fault in refused.faults]) from refused
    found = clashes(plan, organization)
    if found:
        raise Refused.all([(place, f"{message}。{cure}") for place, message, cure in found])
    edition = new_edition(plan, organization=organization, drafted_by=None, by=None, at=at)
    audit.record("load edition", by=None, at=at, on=edition, organization=organization,
                 detail=edition.code)  # fmt: skip
    return edition


def new_edition(
    plan: Plan,
    *,
    organization: Organization,
    drafted_by: User | None,
    by: User | None,
    at: datetime,
) -> Edition:
    """Write a plan down as a published edition; the first of its series makes the scheme."""
    scheme = Scheme.get_or_none(Scheme.slug == plan["series"])
    scheme = scheme or Scheme.create(
        organization=organization, slug=plan["series"], name=plan["name"]
    )
    first, last = plan["enrolled"]["from"], plan["enrolled"]["to"]
    return Edition.create(
        organization=scheme.organization_id,
        scheme=scheme,
        code=plan["id"],
        name=plan["name"],
        plan=plan,
        plan_hash=plan_hash(plan),
        enrolled_from=date.fromisoformat(first),
        enrolled_to=date.fromisoformat(last) if last else None,
        stage="published",
        drafted_by=drafted_by,
        drafted_on=at.date(),
        published_by=by,
        published_on=at.date(),
    )


def clashes(plan: Plan, organization: Organization) -> list[tuple[str, str, str]]:
    """Why a sound plan may not stand beside what is published: (place, message, cure)."""
    found = [
        (place, f"编号写法不对：{plan[place]}", "用小写字母、数字和连字符，如 anyang-hospital-2025")
        for place in ("id", "series")
        if not _WORD.fullmatch(plan[place]) or len(plan[place]) > 60
    ]
    if Edition.get_or_none(Edition.code == plan["id"]):
        found.append(("id", f"编号 {plan['id']} 的互助计划已经有了", "请另用一个编号"))
    scheme = Scheme.get_or_none(Scheme.slug == plan["series"])
    if scheme is not None and scheme.organization_id != organization.id:
        found.append(("series", f"系列 {plan['series']} 属于另一个工会", "请另用一个系列名"))
    elif scheme is not None:
        found += _overlaps(scheme, plan)
    return found


def _overlaps(scheme: Scheme, plan: Plan) -> list[tuple[str, str, str]]:
    """Published editions of the series that enroll on one of the plan's days. One without an end
    that began earlier is no hindrance: publishing ends it the day before."""
    first, last = span(plan)
    found = []
    for other in published(scheme):
        if other.enrolled_from < first and other.enrolled_to is None:
            continue
        ends = other.enrolled_to or date.max
        if other.enrolled_from <= (last or date.max) and first <= ends:
            cure = (
                f"把参保截止定在 {other.enrolled_from} 之前"
                if first < other.enrolled_from or other.enrolled_to is None
                else f"把参保开始定在 {other.enrolled_to + timedelta(days=1)} 或以后"
            )
            until = f"至 {other.enrolled_to}" if other.enrolled_to else "起"
            message = f"与已发布的 {other.code}（{other.enrolled_from} {until}）的参保日期重叠"
            found.append(("enrolled.from", message, f"{cure}；已发布的一版不再改动"))
    return found


def published(scheme: Scheme) -> list[Edition]:
    """By the rows' own dates, so that a damaged plan is compared too."""
    rows = Edition.select().where(Edition.scheme == scheme, Edition.stage == "published")
    return list(rows.order_by(Edition.enrolled_from))


def span(plan: Plan) -> tuple[date, date | None]:
    first, last = plan["enrolled"]["from"], plan["enrolled"]["to"]
    return date.fromisoformat(first), date.fromisoformat(last) if last else None


def load_shipped(*, cities: dict[str, Organization], at: datetime) -> list[Edition]:
    """Load the package's scheme files whose first word is one of `cities`' slugs, published.
    What the office already has stays as it is: the database is the truth."""
    loaded = []
    for name, text in shipped():
        city = cities.get(name.partition("-")[0])
        if city is not None and Edition.get_or_none(Edition.code == name) is None:
            file = f"{name}.toml"
            loaded.append(load_edition(text, file=file, organization=city, at=at))
    return loaded


def shipped() -> list[tuple[str, str]]:
    """The package's scheme files: (id, TOML text), by id."""
    folder = importlib.resources.files("huigong") / "schemes"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return [(file.name.removesuffix(".toml"), file.read_text("utf-8")) for file in files]


def editions_published_to(organization: Organization) -> list[Edition]:
    """The published editions of the organization's lineage, the earliest first; a damaged one is
    not offered."""
    rows = Edition.select().where(
        Edition.organization << organization.lineage, Edition.stage == "published"
    )
    rows = rows.order_by(Edition.enrolled_from, Edition.code)
    return [edition for edition in rows if damage(edition) is None]


_DAMAGE = {
    LOST: "的规则已损坏，无法读取；请从备份恢复",
    ALTERED: "的规则与发布时的校验值不符，已停止使用；请从备份恢复",
    UNKNOWN: "的规则里有本系统不认识的内容，已停止使用；请升级系统或从备份恢复",
}


def damage(edition: Edition) -> str | None:
    """What is wrong with an edition's kept plan, as a sentence; None when it is sound."""
    wrong = _DAMAGE.get(soundness(edition.plan, edition.plan_hash))
    return wrong and f"互助计划“{edition.name}”（{edition.code}）{wrong}"


def plan_of(edition: Edition) -> Plan:
    """An edition's plan. Refuses one that was damaged: this scheme stops, nothing else does."""
    wrong = damage(edition)
    if wrong:
        raise Refused("edition", wrong)
    return edition.plan
