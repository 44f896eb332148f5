"""A long question asked before the write lock is taken, its answer still true when it is."""

from collections.abc import Callable
from typing import Final, TypeVar

from peewee import fn

from huigong.database import db, writes
from huigong.models import AuditEvent

A = TypeVar("A")
R = TypeVar("R")
_TRIES: Final = 3


class _Overtaken(Exception):
    """Another deed was done between the question and the lock."""


def apart(question: Callable[[], A], deed: Callable[[A], R]) -> R:
    """Do a deed with the answer to a question about a city's roster, which takes seconds.

    Whatever could change the answer leaves an event in the audit chain: if there is none between
    the question and the lock, the answer holds. In an office too busy for that the question is
    asked once more inside, where the deeds of others wait for it.
    """
    for _ in range(0 if db.transaction_depth() else _TRIES):
        before, answer = _last_event(), question()
        try:
            return _unless_overtaken(before, answer, deed)
        except _Overtaken:
            continue
    return _inside(question, deed)


def _last_event() -> int:
    return int(AuditEvent.select(fn.COALESCE(fn.MAX(AuditEvent.id), 0)).scalar())


@writes
def _unless_overtaken(before: int, answer: A, deed: Callable[[A], R]) -> R:
    if _last_event() != before:
        raise _Overtaken
    return deed(answer)


@writes
def _inside(question: Callable[[], A], deed: Callable[[A], R]) -> R:
    return deed(question())
