"""How often a stranger may be wrong, counted in the database for all web processes.

A vessel: each failure fills it a little and time drains it, so that whoever waits gets one more
try after a part of the span, not after all of it; an address that many share is slowed, not shut.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huigong import vault
from huigong.database import writes
from huigong.models import Brake


@dataclass(frozen=True)
class Limit:
    """So many failures of one kind within a span, and then one each time that its part is over."""

    what: str
    most: int
    within: timedelta

    @property
    def each(self) -> timedelta:
        return self.within / self.most


# Thirty new computers of one office may each be wrong once in a quarter of an hour; who guesses
# gets 2,880 tries a day from an address, over all accounts.
SIGN_IN: Final = Limit("sign-in", 30, timedelta(minutes=15))

# What a stranger may ask of one claim or certificate, and from one address, right or wrong.
ASK: Final = Limit("ask", 10, timedelta(minutes=10))


def network_of(address: str) -> str:
    """What a client's address is counted by: itself, of IPv6 the /64 that one client has. "" for
    what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def wait(limit: Limit, who: str, *, now: datetime) -> timedelta:
    """How long until `who` may be wrong once more; zero while it may now."""
    vessel = Brake.get_or_none(Brake.who == _key(limit, who))
    over = vessel.empty_at - now - (limit.within - limit.each) if vessel else timedelta()
    return max(over, timedelta())


def count(limit: Limit, who: str, *, now: datetime) -> bool:
    """Count a failure, inside the caller's transaction; whether that made it wait."""
    key = _key(limit, who)
    Brake.delete().where(Brake.empty_at <= now).execute()
    Brake.insert(who=key, empty_at=now).on_conflict_ignore().execute()
    vessel = Brake.get(Brake.who == key)
    empty_at = vessel.empty_at + limit.each
    Brake.update(empty_at=empty_at).where(Brake.id == vessel.id).execute()
    return bool(empty_at - now > limit.within - limit.each)


@writes
def may_try(limit: Limit, who: str, *, now: datetime) -> bool:
    """Count a try, unless `who` must wait; whether it may be answered."""
    if wait(limit, who, now=now):
        return False
    count(limit, who, now=now)
    return True


def _key(limit: Limit, who: str) -> str:
    return vault.current().index(f"{limit.what}:{who}", kind="brake")
