"""Which facts stand otherwise in the ledger than in their own rows. Only reads."""

from collections.abc import Iterator
from typing import Any

from peewee import JOIN, Expression, Value, fn

from huigong.models import Journal, Posting
from huigong.workflows.ledger import total


def key_of(kind: str, fact: Any, deed: str) -> Expression:
    """The expression for the key of the journal that books a fact."""
    return Value(f"{kind}:").cast("TEXT").concat(fact.cast("TEXT")).concat(Value(f":{deed}"))


def booked_otherwise(facts: Any, fact: Any, key: Any, account: str, fen: Any) -> Iterator[Any]:
    """(id, fen of the fact, fen booked under its key) of the facts that were booked otherwise."""
    booked = (
        Journal.select(Journal.key, total(Posting.amount).alias("fen"))
        .join(Posting)
        .where(Posting.account == account)
        .group_by(Journal.key)
    )
    query = facts.join_from(facts.model, booked, JOIN.LEFT_OUTER, on=key == booked.c.key)
    amount = fn.COALESCE(booked.c.fen, 0)
    query = query.select(fact, fen, amount).where(amount != fen).order_by(fact)
    return query.tuples().iterator()  # type: ignore[no-any-return]
