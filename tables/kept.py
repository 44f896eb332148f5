"""Kept beside the facts of the money, for lists to be read by; verify holds them together."""

from peewee import (
    BigIntegerField,
    BooleanField,
    DateField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from huigong.tables.base import Base
from huigong.tables.cover import Roster, Scheme
from huigong.tables.people import Organization


class DueTotal(Base):
    """What the dues of a subtree come to, by what a list of dues is narrowed by: a cache of their
    standings, changed with them in the same transaction."""

    organization = ForeignKeyField(Organization, backref="due_totals", index=False)  # see Meta
    scheme = ForeignKeyField(Scheme, backref="due_totals")
    carrier = TextField()
    due_on = DateField()
    settled = BooleanField()
    dues = IntegerField()
    amount = BigIntegerField()
    owing = BigIntegerField()

    class Meta:
        indexes = ((("organization", "scheme", "carrier", "due_on", "settled"), True),)


class ReceiptWanted(Base):
    """A fully paid roster that lacks a receipt, the unit's or its giver's: a cache, changed with
    its payments and receipts in the same transaction, off which finance's work is read."""

    organization = ForeignKeyField(Organization, backref="receipts_wanted")
    roster = ForeignKeyField(Roster, unique=True, backref="receipts_wanted")
    receiver = ForeignKeyField(Organization, backref="receipts_to_give")


class Untransferred(Base):
    """What came in for a roster, in fen, and was not passed on to its scheme's operator; below zero
    where a payment was undone since. A cache, changed with its payments and transfers in the same
    transaction, off which transfer sheets are read; no row says the same as 0."""

    roster = ForeignKeyField(Roster, unique=True, backref="untransferred")
    scheme = ForeignKeyField(Scheme, backref="untransferred", index=False)  # see Meta
    amount = BigIntegerField()

    class Meta:
        indexes = ((("scheme", "roster", "id", "amount"), False),)


class Balance(Base):
    """What an account of one scheme stands at in an organization's whole subtree: a cache of the
    postings, changed with each journal in the same transaction, off which funds are read."""

    organization = ForeignKeyField(Organization, backref="balances", index=False)  # see Meta
    scheme = ForeignKeyField(Scheme, null=True, backref="balances")
    account = TextField()
    amount = BigIntegerField()

    class Meta:
        indexes = ((("organization", "scheme", "account"), True),)
