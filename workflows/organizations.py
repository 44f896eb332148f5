"""Organizations: the tree province › city › county › unit, and how a unit comes into it."""

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

from huigong import identity, pinyin
from huigong.database import writes
from huigong.models import Level, Organization, Role, UnitApplication, User
from huigong.refusals import Refused
from huigong.uploads import Kept
from huigong.workflows import accounts, audit

ORDER = list(Level)
MOST_TEXT = 100
_TAKERS = (Level.CITY, Level.COUNTY)
MOST_OPEN = 200  # open applications at one organization: past that, somebody is playing
MOST_A_DAY = 60
_PHONE = re.compile(r"(1[3-9]\d{9}|0\d{2,3}-?\d{7,8}(-\d{1,6})?)", re.ASCII)
_PHONE_WORDS = "请填写 11 位手机号，或带区号的座机，如 0371-66660000"
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,31}")
_RESERVED = frozenset({"admin", "claim-status", "certificate-check", "static", "search", "assets"})


class Decided(NamedTuple):
    """A decided application; after an approval also its unit, the first clerk, and the token of
    the one-time link to hand over."""

    application: UnitApplication
    unit: Organization | None
    clerk: User | None
    link: str


@writes
def found(
    *,
    name: str,
    level: str,
    parent: Organization | None,
    by: User | None,
    at: datetime,
    opened_on: date | None = None,
    slug: str | None = None,
    code: str | None = None,
    contact_name: str = "",
    contact_phone: str = "",
    address: str = "",
) -> Organization:
    """Found an organization below another one; only a province stands alone.

    Refuses a level that is not below the parent's, a name its siblings already use, a wrong or
    used 统一社会信用代码, and a parent that `by` does not administrate.
    """
    name, code = identity.plain_text(name).strip(), identity.normalize_credit_code(code or "")
    faults = _place_faults(level, parent, by) + _name_faults(name, parent)
    faults += _code_faults(code) if code else []
    faults += _slug_faults(slug) if slug else []
    if faults:
        raise Refused.all(faults)
    made = Organization.create(
        name=name,
        level=Level(level),
        parent=parent,
        slug=slug or None,
        code=code or None,
        pinyin=pinyin.place_key(name),
        contact_name=contact_name.strip()[:MOST_TEXT],
        contact_phone=contact_phone.strip()[:MOST_TEXT],
        address=address.strip()[:MOST_TEXT],
        opened_on=opened_on or at.date(),
    )
    made.path = f"{parent.path if parent else '/'}{made.id}/"
    made.save(only=[Organization.path])
    audit.record("found organization", by=by, at=at, on=made, organization=made)
    return made


def _place_faults(
    level: str, parent: Organization | None, by: User | None
) -> list[tuple[str, str]]:
    if level not in ORDER:
        return [("level", "请选择层级")]
    if parent is None:
        wrong = level != Level.PROVINCE or by is not None
        return [("level", "只有省级工会没有上级，且只在初始化时建立")] if wrong else []
    if not accounts.administers(by, parent):
        return [("level", "只能在本级管辖范围内建立下级工会")]
    if level not in levels_below(parent):
        return [("level", f"“{parent.name}”之下不能建立这个层级的工会")]
    return [("level", f"“{parent.name}”已停用")] if parent.closed_on else []


def levels_below(parent: Organization) -> list[Level]:
    """The levels an organization may have below it: a unit has none."""
    return ORDER[ORDER.index(Level(parent.level)) + 1 :]


def _name_faults(name: str, parent: Organization | None) -> list[tuple[str, str]]:
    if not 2 <= len(name) <= MOST_TEXT:
        return [("name", f"请填写名称，2–{MOST_TEXT} 字")]
    same = Organization.select().where(Organization.name == name, Organization.closed_on.is_null())
    siblings = same.where(Organization.parent == parent) if parent else same
    return [("name", f"已有同名的工会“{name}”")] if siblings.exists() else []


def _code_faults(code: str) -> list[tuple[str, str]]:
    if fault := identity.credit_code_fault(code):
        return [("code", f"统一社会信用代码{fault}")]
    if Organization.get_or_none(Organization.code == code):
        return [("code", "这个统一社会信用代码已经登记，请联系上级工会")]
    return []


def _slug_faults(slug: str) -> list[tuple[str, str]]:
    if not _SLUG.fullmatch(slug) or slug in _RESERVED:
        return [("slug", "网址用名应为 2–32 位小写英文字母、数字或短横线，且不是保留字")]
    if Organization.get_or_none(Organization.slug == slug):
        return [("slug", "这个网址用名已被使用")]
    return []


@writes
def amend(
    organization: Organization,
    *,
    name: str,
    contact_name: str,
    contact_phone: str,
    address: str,
    by: User,
    at: datetime,
) -> Organization:
    """Correct an organization's name, contact and address; its place in the tree stays.

    Refuses when `by` does not administrate it, an empty or used name, and a wrong phone.
    """
    name, phone = identity.plain_text(name).strip(), contact_phone.strip()
    faults = [] if name == organization.name else _name_faults(name, organization.parent)
    if not accounts.administers(by, organization):
        faults.append(("name", "只能修改本级管辖范围内的单位"))
    if phone and not _PHONE.fullmatch(phone):
        faults.append(("contact_phone", _PHONE_WORDS))
    if faults:
        raise Refused.all(faults)
    organization.name, organization.pinyin = name, pinyin.place_key(name)
    organization.contact_name = contact_name.strip()[:MOST_TEXT]
    organization.contact_phone, organization.address = phone, address.strip()[:MOST_TEXT]
    organization.save()
    audit.record("amend organization", by=by, at=at, on=organization, organization=organization)
    return organization


ASKED = ("name", "code", "contact_name", "contact_phone", "address")


def application_faults(
    *,
    organization: Organization | None,
    name: str,
    code: str,
    contact_name: str,
    contact_phone: str,
    address: str,
    at: datetime,
) -> list[tuple[str, str]]:
    """All that is wrong with a unit's application, as (field, message)."""
    faults = []
    if organization is None or organization.level not in _TAKERS or organization.closed_on:
        faults.append(("organization", "请选择所属的市或县区工会"))
    code = identity.normalize_credit_code(code)
    faults += _name_faults(identity.plain_text(name).strip(), organization) + _code_faults(code)
    if fault := identity.name_fault(identity.normalize_name(contact_name)):
        faults.append(("contact_name", f"联系人{fault}"))
    if not _PHONE.fullmatch(contact_phone.strip()):
        faults.append(("contact_phone", _PHONE_WORDS))
    if len(address) > MOST_TEXT:
        faults.append(("address", f"地址最多 {MOST_TEXT} 字"))
    return faults + (_too_many(organization, code, at) if organization else [])


@writes
def apply_for_unit(
    *,
    organization: Organization | None,
    name: str,
    code: str,
    contact_name: str,
    contact_phone: str,
    address: str,
    proof: Kept,
    at: datetime,
) -> UnitApplication:
    """Ask the level above to register a unit; anyone may ask, so what is asked is measured.

    Refuses at once all that is wrong: a level above that takes no units, a wrong or registered
    统一社会信用代码, one that already has an open application, a missing contact, and more
    applications than an office can have honestly received.
    """
    faults = application_faults(
        organization=organization,
        name=name,
        code=code,
        contact_name=contact_name,
        contact_phone=contact_phone,
        address=address,
        at=at,
    )
    if faults:
        raise Refused.all(faults)
    application = UnitApplication.create(
        organization=organization,
        name=identity.plain_text(name).strip(),
        code=identity.normalize_credit_code(code),
        contact_name=identity.normalize_name(contact_name),
        contact_phone=contact_phone.strip(),
        address=address.strip(),
        proof=proof.file,
        proof_name=proof.name,
        applied_at=at,
    )
    audit.record("apply for unit", by=None, at=at, on=application, organization=organization)
    return application


def _too_many(organization: Organization, code: str, at: datetime) -> list[tuple[str, str]]:
    waiting = UnitApplication.select().where(UnitApplication.stage == "applied")
    if waiting.where(UnitApplication.code == code).exists():
        return [("code", "这个单位已有一份登记申请在等待审核，请勿重复提交")]
    there = UnitApplication.select().where(UnitApplication.organization == organization)
    today = there.where(UnitApplication.applied_at > at - timedelta(days=1)).count()
    open_there = there.where(UnitApplication.stage == "applied").count()
    if open_there >= MOST_OPEN or today >= MOST_A_DAY:
        return [("organization", "该工会待审核的登记申请过多，请改日再试或电话联系")]
    return []


@writes
def decide_application(
    application: UnitApplication,
    *,
    approve: bool,
    reason: str,
    by: User,
    at: datetime,
    login: str = "",
    link_at: datetime | None = None,
) -> Decided:
    """Approve or refuse a unit's registration; an approval founds the unit and opens its first
    clerk's account, whose login is the code unless another is given.

    `link_at` is the true moment from which the one-time link lasts. Refuses who does not
    administrate the level above, and a refusal without a reason. Raises Lost when it was
    decided already.
    """
    if not accounts.administers(by, application.organization):
        raise Refused("approve", "只有上级工会的管理员可以审核")
    if not approve and not reason.strip():
        raise Refused("reason", "请写明不予登记的理由，便于对方更正")
    application.move(
        "stage",
        was="applied",
        to="approved" if approve else "refused",
        decided_by=by,
        decided_on=at.date(),
        reason=reason.strip(),
    )
    deed = "approve unit" if approve else "refuse unit"
    audit.record(deed, by=by, at=at, on=application, organization=application.organization)
    if not approve:
        return Decided(application, None, None, "")
    return _admit(application, login=login, by=by, at=at, link_at=link_at or at)


def _admit(
    application: UnitApplication, *, login: str, by: User, at: datetime, link_at: datetime
) -> Decided:
    unit = found(
        name=application.name,
        level=Level.UNIT,
        parent=application.organization,
        code=application.code,
        contact_name=application.contact_name,
        contact_phone=application.contact_phone,
        address=application.address,
        by=by,
        at=at,
    )
    clerk = accounts.open_account(
        name=application.contact_name,
        login=login or application.code,
        organization=unit,
        roles=[Role.CLERK],
        by=by,
        at=at,
    )
    application.unit = unit
    application.save(only=[UnitApplication.unit])
    link = accounts.make_link(clerk, by=by, at=link_at)
    return Decided(application, unit, clerk, link)
