"""Claims: stays, papers, decisions, payouts."""

from typing import Any, ClassVar

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    TextField,
    fn,
)

from huigong.tables.base import Base, JsonField, KeyField, NeverAgainField, Sealed
from huigong.tables.cover import Enrollment, Scheme
from huigong.tables.people import Member, Organization, User


class Claim(Base):
    """A member's request for a benefit. Its history is its events; `stage` caches the last."""

    organization = ForeignKeyField(Organization, backref="claims")
    member = ForeignKeyField(Member, backref="claims")
    enrollment = ForeignKeyField(Enrollment, backref="claims")
    number = TextField(unique=True)
    event = TextField(null=True)  # for lump sums: what happened, as the scheme names it
    facts = JsonField(default=dict)  # what the plan reads of the claim itself: grade, happened_on
    stage = TextField(default="filed")  # filed returned reviewed approved refused paid
    filed_by = ForeignKeyField(User, backref="filed_claims")
    filed_on = DateField()
    # The office's own promise, from the last filing or revocation.
    promised_on = DateField(null=True)
    first_reviewer = ForeignKeyField(User, null=True, backref="first_reviews")
    computed = BigIntegerField(default=0)  # what the steps said when last reckoned

    class Meta:
        constraints: ClassVar = [
            Check("first_reviewer_id IS NULL OR first_reviewer_id <> filed_by_id")
        ]
        indexes = (
            (("stage", "id", "organization"), False),  # a stage's, the newest first
            (("stage", "promised_on"), False),
            (("filed_on",), False),
            (("computed",), False),
        )

    @classmethod
    def promise(cls) -> Any:
        """The day it is promised for, without one the last of days, as its index says it."""
        return fn.COALESCE(cls.promised_on, SQL("'9999-12-31'"))


Claim.add_index(
    SQL("""CREATE INDEX "claim_promise" ON "claim" (COALESCE("promised_on", '9999-12-31'), "id")""")
)


class Claimant(Base):
    """Whose a claim is, by name, and of which scheme: a cache that lists of 100,000 claims are
    searched by. The name is the member's, and changes with it in the same transaction."""

    claim = ForeignKeyField(Claim, unique=True, backref="claimants")
    scheme = ForeignKeyField(Scheme, backref="claimants", index=False)  # see Meta
    name = KeyField()

    class Meta:
        indexes = ((("name", "claim"), False), (("scheme", "claim"), False))


class Stay(Base):
    """One admission to discharge, with its settlement in fen by part."""

    claim = ForeignKeyField(Claim, backref="stays", on_delete="CASCADE")
    number = IntegerField()
    hospital = TextField(default="")
    hospital_level = IntegerField(null=True)
    place = TextField(default="")
    admitted = DateField(null=True)
    discharged = DateField(null=True)
    days = IntegerField(null=True)
    amounts = JsonField()  # {"total": fen, …}: only the parts that were given


class Document(Base):
    """A paper kept with a claim, under a random name."""

    organization = ForeignKeyField(Organization, backref="documents")
    claim = ForeignKeyField(Claim, backref="documents")
    kind = TextField()
    name = TextField()
    file = TextField(unique=True)
    size = IntegerField()
    sha256 = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()


class ClaimEvent(Base):
    """A fact in a claim's life; rows are only added."""

    claim = ForeignKeyField(Claim, backref="events")
    # filed returned refiled reviewed approved refused paid payment_returned; of its decision:
    # revocation_asked revocation_declined revoked; at the operator:
    kind = TextField()  # sent answered reply_settled called_back
    by = ForeignKeyField(User)
    on = DateField()
    at = DateTimeField()
    note = TextField(default="")


class Decision(Base):
    """The verdict on a claim that counts, its locked amount, and the steps that explain it. One
    that was revoked is a RevokedDecision."""

    id = NeverAgainField()  # a RevokedDecision keeps it
    organization = ForeignKeyField(Organization, backref="decisions")
    claim = ForeignKeyField(Claim, unique=True, backref="decisions")
    verdict = TextField()  # approve | refuse
    computed = BigIntegerField()
    amount = BigIntegerField(constraints=[Check("amount >= 0")])
    reason = TextField(default="")
    explanation = JsonField()  # the evaluated steps, as the notice prints them
    plan_hash = TextField()
    by = ForeignKeyField(User, backref="decisions")
    on = DateField()
    filed_by = ForeignKeyField(User, backref="decided_filings")
    first_reviewer = ForeignKeyField(User, backref="decided_reviews")

    class Meta:
        constraints: ClassVar = [
            Check("by_id <> filed_by_id"),
            Check("by_id <> first_reviewer_id"),
        ]


class Reconsideration(Base):
    """That somebody asks to revoke a claim's decision, and what another person answered. While
    one is open nothing is paid for the claim; of one claim no two are."""

    claim = ForeignKeyField(Claim, backref="reconsiderations")
    reason = TextField()
    asked_by = ForeignKeyField(User, backref="asked_reconsiderations")
    asked_at = DateTimeField()
    stage = TextField(default="open")  # open | granted | declined
    answer = TextField(default="")
    decided_by = ForeignKeyField(User, null=True, backref="decided_reconsiderations")
    decided_at = DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [Check("decided_by_id IS NULL OR decided_by_id <> asked_by_id")]


Reconsideration.add_index(
    SQL(
        'CREATE UNIQUE INDEX "reconsideration_one_at_a_time" ON "reconsideration" ("claim_id") '
        """WHERE "stage" = 'open'"""
    )
)


class RevokedDecision(Base):
    """A decision that counts no more, whole as it was, and by which reconsideration. It went from
    `decision`, where those are that count: the database lets one go only when it is here."""

    reconsideration = ForeignKeyField(Reconsideration, unique=True, backref="revoked")
    claim = ForeignKeyField(Claim, backref="revoked_decisions", index=False)  # see Meta
    number = IntegerField()  # its id while it counted
    attempt = IntegerField()  # 1 for the claim's first decision
    organization = ForeignKeyField(Organization, backref="revoked_decisions")
    verdict = TextField()
    computed = BigIntegerField()
    amount = BigIntegerField()
    reason = TextField()
    explanation = JsonField()
    plan_hash = TextField()
    by = ForeignKeyField(User, backref="revoked_decisions")
    on = DateField()
    filed_by = ForeignKeyField(User, backref="revoked_filings")
    first_reviewer = ForeignKeyField(User, backref="revoked_reviews")

    class Meta:
        indexes = ((("claim", "attempt"), True),)


class PayoutBatch(Base):
    """Approved claims paid together through a bank file."""

    organization = ForeignKeyField(Organization, backref="batches")
    number = TextField(unique=True)
    stage = TextField(default="made", index=True)  # made | released | withdrawn
    made_by = ForeignKeyField(User, backref="made_batches")
    made_on = DateField()
    released_by = ForeignKeyField(User, null=True, backref="released_batches")
    released_on = DateField(null=True)

    class Meta:
        constraints: ClassVar = [Check("released_by_id IS NULL OR released_by_id <> made_by_id")]


class Payout(Sealed):
    """One claim's benefit in a batch. `key` is unique per claim and attempt. Payee, bank and
    card are kept as they were when the batch was made: that is what the releaser releases."""

    organization = ForeignKeyField(Organization, backref="payouts")
    batch = ForeignKeyField(PayoutBatch, backref="payouts")
    claim = ForeignKeyField(Claim, backref="payouts")
    key = TextField(unique=True)  # claim:12:1; a second attempt only after the first came back
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    payee = TextField()
    bank = TextField(default="")
    card = BlobField()
    stage = TextField(default="pending")  # pending | paid | returned | withdrawn
    note = TextField(default="")
