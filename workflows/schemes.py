"""Schemes: their dated editions, loaded once, published by a second person, then never changed."""

import importlib.resources
from datetime import date, datetime
from typing import Any

from huigong.database import writes
from huigong.models import Edition, Organization, Scheme, User
from huigong.plans import SchemeRefused, compile_scheme, overlapping, plan_hash
from huigong.refusals import Refused
from huigong.workflows import audit

Plan = dict[str, Any]


@writes
def load_edition(
    text: str, *, file: str, organization: Organization, by: User | None, at: datetime
) -> Edition:
    """Load a scheme's TOML as an edition of an organization: a draft of `by`, or published at
    once when nobody drafted it (an office being set up).

    Refuses a scheme with faults (all at once), an id that is taken, a series that another
    organization runs, and enrollment dates that overlap another published edition's.
    """
    try:
        plan = compile_scheme(text, file)
    except SchemeRefused as refused:
        raise Refused.all([(fault.place, str(fault)) for fault in refused.faults]) from refused
    if Edition.get_or_none(Edition.code == plan["id"]):
        raise Refused("id", f"编号 {plan['id']} 的互助计划已经有了，请另用一个编号")
    scheme = Scheme.get_or_none(Scheme.slug == plan["series"])
    if scheme is None:
        scheme = Scheme.create(organization=organization, slug=plan["series"], name=plan["name"])
    elif scheme.organization_id != organization.id:
        raise Refused("series", f"系列 {plan['series']} 属于另一个工会，请另用一个系列名")
    if by is None:
        _refuse_overlaps(scheme, plan)
    edition = _edition(scheme, plan, by=by, at=at)
    deed = "draft edition" if by else "load edition"
    audit.record(deed, by=by, at=at, on=edition, organization=organization, detail=edition.code)
    return edition


def _edition(scheme: Scheme, plan: Plan, *, by: User | None, at: datetime) -> Edition:
    day = at.date()
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
        stage="draft" if by else "published",
        drafted_by=by,
        drafted_on=day,
        published_on=None if by else day,
    )


@writes
def publish_edition(edition: Edition, *, by: User, at: datetime) -> Edition:
    """Publish a draft: from now on it never changes.

    Refuses the person who drafted it, a damaged plan, and enrollment dates that overlap another
    published edition of the series. Raises Lost when it was published meanwhile.
    """
    if edition.drafted_by_id == by.id:
        raise Refused("edition", "起草人不能发布自己起草的计划，请由另一人发布")
    plan = plan_of(edition)
    _refuse_overlaps(edition.scheme, plan)
    edition.move("stage", was="draft", to="published", published_by=by.id, published_on=at.date())
    place = edition.organization
    audit.record("publish edition", by=by, at=at, on=edition, organization=place)
    return edition


def _refuse_overlaps(scheme: Scheme, plan: Plan) -> None:
    """Against the published editions of one series; a damaged one is not compared."""
    others = [
        edition.plan
        for edition in Edition.select().where(
            Edition.scheme == scheme, Edition.stage == "published"
        )
        if damage(edition) is None and edition.code != plan["id"]
    ]
    faults = overlapping([*others, plan])
    if faults:
        raise Refused.all([("enrolled", f"{fault.message}。{fault.cure}") for fault in faults])


def load_shipped(*, cities: dict[str, Organization], at: datetime) -> list[Edition]:
    """Load the package's scheme files whose first word is one of `cities`' slugs, published.
    What the office already has stays as it is: the database is the truth."""
    loaded = []
    for name, text in shipped():
        city = cities.get(name.partition("-")[0])
        if city is not None and Edition.get_or_none(Edition.code == name) is None:
            file = f"{name}.toml"
            loaded.append(load_edition(text, file=file, organization=city, by=None, at=at))
    return loaded


def shipped() -> list[tuple[str, str]]:
    """The package's scheme files: (id, TOML text), by id."""
    folder = importlib.resources.files("huigong") / "schemes"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return [(file.name.removesuffix(".toml"), file.read_text("utf-8")) for file in files]


def editions_open_to(organization: Organization, on: date) -> list[Edition]:
    """The published editions of the organization's lineage that enroll on a day; a damaged one
    is not offered."""
    published = Edition.select().where(
        Edition.organization << organization.lineage, Edition.stage == "published"
    )
    rows = published.order_by(Edition.enrolled_from.desc(), Edition.code)
    return [edition for edition in rows if edition.enrolls_on(on) and damage(edition) is None]


def damage(edition: Edition) -> str | None:
    """What is wrong with an edition's kept plan, as a sentence; None when it is sound."""
    if not isinstance(edition.plan, dict) or "benefit" not in edition.plan:
        return f"互助计划“{edition.name}”（{edition.code}）的规则已损坏，无法读取；请从备份恢复"
    if plan_hash(edition.plan) != edition.plan_hash:
        return (
            f"互助计划“{edition.name}”（{edition.code}）的规则与发布时的校验值不符，"
            "已停止使用；请从备份恢复"
        )
    return None


def plan_of(edition: Edition) -> Plan:
    """An edition's plan. Refuses one that was damaged: this scheme stops, nothing else does."""
    wrong = damage(edition)
    if wrong:
        raise Refused("edition", wrong)
    return edition.plan
