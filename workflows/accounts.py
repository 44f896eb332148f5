"""Accounts: people who sign in, their roles, their links, their sessions."""

import secrets
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from huigong import identity
from huigong.database import writes
from huigong.models import Claim, Grant, OneTimeLink, Organization, Role, Roster, Session, User
from huigong.refusals import Refused
from huigong.workflows import audit, brakes

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
LINK_LASTS = timedelta(days=3)
LEAST_PASSWORD = 10
MOST_PASSWORD = 200
MOST_NAME = 50

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class TooOften(Refused):
    """Too many failures from one address: one more try after `seconds`."""

    def __init__(self, left: timedelta):
        self.seconds = int(left.total_seconds()) + 1
        super().__init__(
            "login",
            f"从您的网络登录失败的次数太多，请过 {self.seconds} 秒再试；"
            "以前在这个浏览器里登录过的账号不用等",
        )


def sign_in(
    *, login: str, password: str, at: datetime, address: str = "", known: bool = False
) -> str:
    """Start a session; returns its token, of which only the hash is kept.

    Refuses with the same words for an unknown login, a wrong password and a locked account;
    five failures in a row lock it for fifteen minutes, across restarts. `at` is the true moment.
    The password is verified before the transaction, which only settles what follows from it.
    Refuses TooOften, whatever the password, when too many failures came from `address`; a browser
    where `login` signed in before (`known`) neither waits nor counts there.
    """
    network = "" if known else brakes.network_of(address)
    if network and (left := brakes.wait(brakes.SIGN_IN, network, now=at)):
        raise TooOften(left)
    user = User.get_or_none(User.login == login.lower(), User.ended_on.is_null())
    kept = user.password_hash if user else ""
    token = _settle_sign_in(user, kept, _matches(kept, password), network, at)
    if not token:
        raise Refused("login", "登录名或密码不对，或账号因连续输错 5 次被锁定 15 分钟")
    return token


@writes
def _settle_sign_in(seen: User | None, kept: str, matched: bool, network: str, at: datetime) -> str:
    """A new session's token, or an empty one for a failure, whose count is committed."""
    token = _begun_session(seen, kept, matched, at)
    if not token and network and brakes.count(brakes.SIGN_IN, network, now=at):
        audit.record("brake sign-in", by=None, at=at, detail=network)
    return token


def _begun_session(seen: User | None, kept: str, matched: bool, at: datetime) -> str:
    user = User.get_or_none(User.id == seen.id, User.ended_on.is_null()) if seen else None
    if user is None or (user.locked_until and user.locked_until > at):
        return ""
    if not matched or user.password_hash != kept:
        return _failed(user, at)
    user.failures, user.locked_until = 0, None
    user.save(only=[User.failures, User.locked_until])
    token = secrets.token_urlsafe(32)
    Session.create(user=user, token_hash=_hashed(token), started_at=at, seen_at=at)
    audit.record("sign in", by=user, at=at, on=user, organization=user.organization)
    return token


def _failed(user: User, at: datetime) -> str:
    user.failures += 1
    if user.failures >= MOST_FAILURES:
        user.failures, user.locked_until = 0, at + LOCKED_FOR
        audit.record("lock account", by=None, at=at, on=user, organization=user.organization)
    user.save(only=[User.failures, User.locked_until])
    return ""


def _matches(password_hash: str, password: str) -> bool:
    """Whether it is the password; an unknown login takes as long as a known one."""
    nobody = _hash_of_nobody()  # made at the first try of all, whoever that is
    try:
        _hasher.verify(password_hash or nobody, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return bool(password_hash)


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


def session_of(token: str, *, now: datetime) -> Session | None:
    """The live session of a cookie: not ended, seen within 30 minutes, begun within 12 hours."""
    if not token:
        return None
    session = (
        Session.select(Session, User, Organization)
        .join(User)
        .join(Organization)
        .where(Session.token_hash == _hashed(token), Session.ended_at.is_null())
        .where(Session.seen_at > now - IDLE, Session.started_at > now - LONGEST)
        .where(User.ended_on.is_null())
        .first()
    )
    if session is not None and now - session.seen_at > timedelta(minutes=1):
        _touch(session, now)
    return session


@writes
def _touch(session: Session, now: datetime) -> None:
    Session.update(seen_at=now).where(Session.id == session.id).execute()


def grants_of(user: User) -> list[Grant]:
    """The roles a user holds now, each with its organization."""
    query = Grant.select(Grant, Organization).join(Organization)
    return list(query.where(Grant.user == user, Grant.ended_on.is_null()))


@writes
def sign_out(session: Session, *, at: datetime) -> None:
    """End a session; its cookie is worth nothing from now on."""
    Session.update(ended_at=at).where(Session.id == session.id).execute()
    place = session.user.organization
    audit.record("sign out", by=session.user, at=at, on=session.user, organization=place)


def live_sessions(user: User, *, now: datetime) -> list[Session]:
    """Where a user is signed in now, the latest first."""
    query = Session.select().where(Session.user == user, Session.ended_at.is_null())
    query = query.where(Session.seen_at > now - IDLE, Session.started_at > now - LONGEST)
    return list(query.order_by(Session.seen_at.desc()))


@writes
def end_other_sessions(session: Session, *, at: datetime) -> int:
    """Sign a user out everywhere but here; returns how many sessions ended."""
    user = session.user
    others = Session.update(ended_at=at).where(Session.user == user, Session.id != session.id)
    ended = others.where(Session.ended_at.is_null()).execute()
    audit.record("end sessions", by=user, at=at, on=user, organization=user.organization)
    return int(ended)


@writes
def open_account(
    *,
    name: str,
    login: str,
    organization: Organization,
    roles: list[Role],
    by: User | None,
    at: datetime,
) -> User:
    """Open an account with its roles at an organization; it has no password until its link is
    used. Refuses, all at once, a name or login that cannot be, a login that is taken, an account
    without a role, and an organization that `by` does not administrate (`by` is None only for
    the first account and a demonstration)."""
    name, login = identity.plain_text(name), login.strip().lower()
    if not administers(by, organization):
        raise Refused("roles", "只能为本级管辖范围内的单位开设账号")
    faults = []
    if not name or len(name) > MOST_NAME:
        faults.append(("name", f"请填写姓名，最多 {MOST_NAME} 字"))
    if not login.isascii() or not login.isalnum() or not 3 <= len(login) <= 32:
        faults.append(("login", "登录名应为 3–32 位英文字母或数字"))
    elif User.get_or_none(User.login == login):
        faults.append(("login", "这个登录名已被使用"))
    if not roles:
        faults.append(("roles", "请至少选择一个角色"))
    elif not all(may_grant(by, role, organization) for role in roles):
        faults.append(("roles", "本级管理员由上级工会指定"))
    if faults:
        raise Refused.all(faults)
    user = User.create(name=name, login=login, organization=organization, made_at=at)
    for role in dict.fromkeys(roles):
        Grant.create(user=user, role=role, organization=organization, by=by, on=at.date())
    audit.record(
        "open account", by=by, at=at, on=user, organization=organization, detail=" ".join(roles)
    )
    return user


def administers(by: User | None, organization: Organization, *, from_above: bool = False) -> bool:
    """Whether `by` is an administrator at or above an organization, or strictly above it.
    None is the console of whoever runs the machine."""
    if by is None:
        return True
    own = [grant.organization for grant in grants_of(by) if grant.role == Role.ADMINISTRATOR]
    return any(
        organization.path.startswith(place.path) and not (from_above and place == organization)
        for place in own
    )


def may_manage(by: User | None, user: User) -> bool:
    """Whether `by` may change `user`'s account: never their own; only of someone whose place and
    every role lie inside what `by` administrates; an administrator's only from the level above,
    except at the root, above which there is none."""
    if by is None:
        return True
    if by == user or not administers(by, user.organization):
        return False
    return all(may_grant(by, grant.role, grant.organization) for grant in grants_of(user))


def may_grant(by: User | None, role: str, place: Organization) -> bool:
    """Whether `by` may give or take a role at a place: an administrator's only from above it."""
    from_above = role == Role.ADMINISTRATOR and place.parent_id is not None
    return administers(by, place, from_above=from_above)


def _refuse_unless_managed(by: User | None, user: User, field: str) -> None:
    if user.ended_on:
        raise Refused(field, "这个账号已停用")
    if by == user:
        raise Refused(field, "不能改动自己的账号，请由另一位管理员或上级工会办理")
    if not may_manage(by, user):
        raise Refused(field, "这个账号的角色超出您的管辖范围，请由上级工会办理")


@writes
def change_roles(
    user: User, *, roles: set[tuple[Role, Organization]], by: User | None, at: datetime
) -> list[Grant]:
    """Let a user hold exactly `roles`; what ends and what begins is kept, and sessions end.

    Refuses one's own account, anyone beyond one's reach, a role at an organization that `by`
    does not administrate, no role at all, and leaving an organization without administrator.
    """
    _refuse_unless_managed(by, user, "roles")
    if not roles:
        raise Refused("roles", "请至少保留一个角色；不再使用的账号请停用")
    held = {(Role(grant.role), grant.organization): grant for grant in grants_of(user)}
    for role, place in roles - held.keys():
        if not may_grant(by, role, place):
            raise Refused("roles", f"您不能授予“{place.name}”的这个角色")
    for role, place in roles - held.keys():
        Grant.create(user=user, role=role, organization=place, by=by, on=at.date())
    _end_grants([grant for key, grant in held.items() if key not in roles], "roles", at)
    end_sessions(user, at=at)
    words = " ".join(sorted(f"{role}@{place.id}" for role, place in roles))
    audit.record(
        "change roles", by=by, at=at, on=user, organization=user.organization, detail=words
    )
    return grants_of(user)


def _end_grants(grants: list[Grant], field: str, at: datetime) -> None:
    """End grants; refuses when an organization would keep no administrator at it or above it."""
    ids = [grant.id for grant in grants]
    Grant.update(ended_on=at.date()).where(Grant.id << ids).execute()
    for grant in grants:
        if grant.role == Role.ADMINISTRATOR and not _administrators_over(grant.organization):
            raise Refused(field, f"“{grant.organization.name}”及其上级将没有管理员，请先指定另一位")


def _administrators_over(organization: Organization) -> int:
    query = Grant.select().join(User, on=Grant.user)
    query = query.where(Grant.role == Role.ADMINISTRATOR, Grant.ended_on.is_null())
    query = query.where(Grant.organization << organization.lineage, User.ended_on.is_null())
    return int(query.count())


@writes
def end_account(user: User, *, by: User | None, at: datetime) -> User:
    """End an account: its roles, sessions and links end with it; what it did stays.

    Refuses one's own account, anyone beyond one's reach, and the last administrator.
    """
    _refuse_unless_managed(by, user, "user")
    _end_grants(grants_of(user), "user", at)
    user.ended_on = at.date()
    user.save(only=[User.ended_on])
    end_sessions(user, at=at)
    _lapse_links(user, at)
    audit.record("end account", by=by, at=at, on=user, organization=user.organization)
    return user


@writes
def hand_over(clerk: User, *, to: User, by: User | None, at: datetime) -> list[Grant]:
    """Hand a clerk's duties to a colleague of the same unit: the one's grants end, the other's
    begin, both are signed out, and how much work was open is recorded.

    Refuses colleagues of different units, ended accounts, and someone without clerk's duties.
    """
    _refuse_unless_managed(by, clerk, "to")
    _refuse_unless_managed(by, to, "to")
    if clerk == to or clerk.organization != to.organization:
        raise Refused("to", "请选择同一单位的另一位人员")
    duties = [grant for grant in grants_of(clerk) if grant.role == Role.CLERK]
    if not duties:
        raise Refused("to", "这个账号没有经办人角色，无需交接")
    already = {grant.organization for grant in grants_of(to) if grant.role == Role.CLERK}
    _end_grants(duties, "to", at)
    for place in {grant.organization for grant in duties} - already:
        Grant.create(user=to, role=Role.CLERK, organization=place, by=by, on=at.date())
    for person in (clerk, to):
        end_sessions(person, at=at)
    detail = f"to User:{to.id}; {_open_work(clerk)}"
    audit.record(
        "hand over", by=by, at=at, on=clerk, organization=clerk.organization, detail=detail
    )
    return grants_of(to)


def _open_work(clerk: User) -> str:
    """How many rosters and claims a clerk leaves unfinished, for the record of a handover."""
    rosters = Roster.select().where(Roster.made_by == clerk, Roster.stage << ["draft", "returned"])
    claims = Claim.select().where(Claim.filed_by == clerk, Claim.stage << ["filed", "returned"])
    return f"open rosters {rosters.count()}, open claims {claims.count()}"


@writes
def make_link(user: User, *, by: User | None, at: datetime) -> str:
    """Make the one-time link's token that lets `user` set a password; older links lapse.
    `at` is the true moment; the link lasts three days. Refuses one's own account and anyone
    beyond one's reach: a password is reset by the level above."""
    _refuse_unless_managed(by, user, "user")
    _lapse_links(user, at)
    token = secrets.token_urlsafe(24)
    OneTimeLink.create(
        user=user, token_hash=_hashed(token), by=by, made_at=at, expires_at=at + LINK_LASTS
    )
    audit.record("make link", by=by, at=at, on=user, organization=user.organization)
    return token


def _lapse_links(user: User, at: datetime) -> None:
    lapse = OneTimeLink.update(used_at=at)
    lapse.where(OneTimeLink.user == user, OneTimeLink.used_at.is_null()).execute()


def link_of(token: str, *, now: datetime) -> OneTimeLink | None:
    """The unused, unexpired link of a token."""
    return OneTimeLink.get_or_none(
        OneTimeLink.token_hash == _hashed(token),
        OneTimeLink.used_at.is_null(),
        OneTimeLink.expires_at > now,
    )


@writes
def set_password(*, token: str, password: str, again: str, at: datetime) -> User:
    """Use a one-time link to set a password; every session of the user ends.

    Refuses a used or expired link, a password under ten characters, and one repeated wrongly.
    """
    link = link_of(token, now=at)
    if link is None:
        raise Refused("password", "这个链接已用过或已过期，请联系上级工会重新发送")
    if link.user.ended_on:
        raise Refused("password", "这个账号已停用")
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD or password == link.user.login:
        raise Refused("password", f"密码至少 {LEAST_PASSWORD} 位，且不能与登录名相同")
    if password != again:
        raise Refused("again", "两次输入的密码不一致")
    user = link.user
    user.password_hash, user.failures, user.locked_until = _hasher.hash(password), 0, None
    user.save(only=[User.password_hash, User.failures, User.locked_until])
    OneTimeLink.update(used_at=at).where(OneTimeLink.id == link.id).execute()
    end_sessions(user, at=at)
    audit.record("set password", by=user, at=at, on=user, organization=user.organization)
    return user


def end_sessions(user: User, *, at: datetime) -> None:
    """End every session of a user, within the caller's deed."""
    Session.update(ended_at=at).where(Session.user == user, Session.ended_at.is_null()).execute()


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
