"""Accounts: people who sign in, their roles, their links, their sessions."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from huigong.database import writes
from huigong.models import Grant, OneTimeLink, Organization, Role, Session, User
from huigong.refusals import Refused
from huigong.workflows import audit

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
LINK_LASTS = timedelta(days=3)
LEAST_PASSWORD = 10

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))  # an unknown login takes as long as a known one


@writes
def sign_in(*, login: str, password: str, at: datetime) -> str:
    """Start a session; returns its token, of which only the hash is kept.

    Refuses alike for an unknown login and a wrong password; after five failures the account
    is locked for fifteen minutes, across restarts. `at` is the true moment, never a fixed clock.
    """
    user = User.get_or_none(User.login == login, User.ended_on.is_null())
    if user is not None and user.locked_until and user.locked_until > at:
        raise Refused("login", "连续输错次数过多，账号已锁定 15 分钟，请稍后再试")
    if not _matches(user.password_hash if user else "", password):
        return _failed(user, at)
    user.failures, user.locked_until = 0, None
    user.save(only=[User.failures, User.locked_until])
    token = secrets.token_urlsafe(32)
    Session.create(user=user, token_hash=_hashed(token), started_at=at, seen_at=at)
    audit.record("sign in", by=user, at=at, on=user, organization=user.organization)
    return token


def _failed(user: User | None, at: datetime) -> str:
    """Count the failure. An empty token, not an exception: the count must be committed."""
    if user is not None:
        user.failures += 1
        if user.failures >= MOST_FAILURES:
            user.failures, user.locked_until = 0, at + LOCKED_FOR
            audit.record("lock account", by=None, at=at, on=user, organization=user.organization)
        user.save(only=[User.failures, User.locked_until])
    return ""


def _matches(password_hash: str, password: str) -> bool:
    try:
        _hasher.verify(password_hash or _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return bool(password_hash)


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
    audit.record("sign out", by=session.user, at=at, on=session.user)


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
    used. Refuses a login that is taken and an account without a role."""
    name, login = name.strip(), login.strip()
    if not name:
        raise Refused("name", "请填写姓名")
    if not login.isascii() or not login.isalnum() or not 3 <= len(login) <= 32:
        raise Refused("login", "登录名应为 3–32 位英文字母或数字")
    if User.get_or_none(User.login == login):
        raise Refused("login", "这个登录名已被使用")
    if not roles:
        raise Refused("roles", "请至少选择一个角色")
    user = User.create(name=name, login=login, organization=organization, made_at=at)
    for role in roles:
        Grant.create(user=user, role=role, organization=organization, by=by, on=at.date())
    audit.record("open account", by=by, at=at, on=user, organization=organization)
    return user


@writes
def make_link(user: User, *, by: User | None, at: datetime) -> str:
    """Make the one-time link's token that lets `user` set a password; older links lapse.
    `at` is the true moment; the link lasts three days."""
    lapse = OneTimeLink.update(used_at=at)
    lapse.where(OneTimeLink.user == user, OneTimeLink.used_at.is_null()).execute()
    token = secrets.token_urlsafe(24)
    OneTimeLink.create(
        user=user, token_hash=_hashed(token), by=by, made_at=at, expires_at=at + LINK_LASTS
    )
    audit.record("make link", by=by, at=at, on=user, organization=user.organization)
    return token


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
    if len(password) < LEAST_PASSWORD or password == link.user.login:
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
