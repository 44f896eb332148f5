"""A scheme's operator (an association, an insurer): the files that go to it and come back."""

from typing import ClassVar

from peewee import (
    SQL,
    BigIntegerField,
    BooleanField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from huigong.tables.base import Base, JsonField
from huigong.tables.claims import Claim, PayoutBatch
from huigong.tables.cover import Enrollment, Scheme
from huigong.tables.people import Organization, User


class OperatorLayout(Base):
    """The columns of one kind of file that a scheme's operator wants, in its order and words."""

    organization = ForeignKeyField(Organization, backref="operator_layouts")
    scheme = ForeignKeyField(Scheme, backref="operator_layouts", index=False)  # see Meta
    kind = TextField()  # covers | claims
    columns = JsonField()  # [[field, title], …]
    by = ForeignKeyField(User)
    at = DateTimeField()

    class Meta:
        indexes = ((("scheme", "kind"), True),)


class OperatorFile(Base):
    """A workbook that went to a scheme's operator or came back from it, kept as it was."""

    organization = ForeignKeyField(Organization, backref="operator_files")  # who runs the scheme
    scheme = ForeignKeyField(Scheme, backref="operator_files", index=False)  # see Meta
    number = TextField(unique=True)  # CB2024-000012
    kind = TextField()  # covers | claims
    way = TextField()  # out | back
    stage = TextField()  # out: writing | sent | unwritten; back: reading | kept | taken | dropped
    file = TextField()  # or unread; "" while it is written, and of one that was not taken
    file_name = TextField()
    digest = TextField(default="")  # of what an answer says
    rows = IntegerField(default=0)  # people or claims in it; of an answer those taken from it
    amount = BigIntegerField(default=0)  # fen
    unused = JsonField(default=list)  # titles of an answer's columns that nobody reads
    by = ForeignKeyField(User, backref="operator_files")
    at = DateTimeField()
    taken_by = ForeignKeyField(User, null=True, backref="taken_operator_files")
    taken_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("scheme", "kind", "way"), False),)


class OperatorJob(Base):
    """A big file that a process of its own writes, reads or takes, as a RosterJob is a roster's.
    Between reading and taking it is nobody's work (`found`): what the reading found, for the
    file's page, and the operator's own workbook with the reasons."""

    file = ForeignKeyField(OperatorFile, unique=True, backref="jobs")
    kind = TextField()  # write | read | found | take
    by = ForeignKeyField(User)
    at = DateTimeField()
    first = DateField(null=True)  # the days on which those to write were approved
    last = DateField(null=True)
    clean_only = BooleanField(default=False)
    phase = TextField(default="waiting")  # waiting | write | read | stage | mark | take
    done = IntegerField(default=0)
    total = IntegerField(default=0)
    worker = TextField(default="")
    beat_at = DateTimeField(null=True)
    tries = IntegerField(default=0)
    cancelled = BooleanField(default=False)
    refused = TextField(default="")
    found = JsonField(default=dict)
    marked = TextField(default="")  # the kept file that says what is wrong


class OperatorAnswer(Base):
    """What a scheme's operator answered about one enrollment; the latest counts."""

    organization = ForeignKeyField(Organization, backref="operator_answers")
    enrollment = ForeignKeyField(Enrollment, backref="operator_answers")
    accepted = BooleanField()
    reason = TextField(default="")
    by = ForeignKeyField(User)
    at = DateTimeField()


class ClaimSending(Base):
    """That a claim was sent to the operator, at which stage and with which amount. While it is
    `sent` the office itself does not pay it; of one claim no two are."""

    organization = ForeignKeyField(Organization, backref="claim_sendings")  # who runs the scheme
    file = ForeignKeyField(OperatorFile, backref="sendings")
    claim = ForeignKeyField(Claim, backref="sendings")
    was = TextField()  # the claim's stage then: reviewed | approved
    amount = BigIntegerField(constraints=[Check("amount >= 0")])  # fen, as the file said
    stage = TextField(default="sent")  # sent | paid | back


ClaimSending.add_index(
    SQL(
        'CREATE UNIQUE INDEX "claim_sending_one_at_a_time" ON "claim_sending" ("claim_id") '
        """WHERE "stage" = 'sent'"""
    )
)


class OperatorReply(Base):
    """What the operator answered about a claim that was sent to it. What does not simply agree
    is `open` until somebody decides it. Its `key` makes the same answer count once."""

    organization = ForeignKeyField(Organization, backref="operator_replies")  # who runs the scheme
    sending = ForeignKeyField(ClaimSending, backref="replies")
    file = ForeignKeyField(OperatorFile, backref="replies")
    number = IntegerField()  # the row in their file
    kind = TextField()  # agreed | paid | refused | papers
    amount = BigIntegerField(null=True, constraints=[Check("amount > 0")])  # fen, as they say
    serial = TextField(default="")  # of their payment
    paid_on = DateField(null=True)
    words = TextField(default="")  # why not, or which papers
    key = TextField(unique=True)
    stage = TextField(default="open")  # open | done
    verdict = TextField(default="")  # taken | wait | back | judged
    reason = TextField(default="")
    decided_by = ForeignKeyField(User, null=True, backref="decided_operator_replies")
    decided_at = DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [Check("kind <> 'paid' OR (amount IS NOT NULL AND serial <> '')")]
        indexes = ((("organization", "stage"), False),)


class OperatorBatch(Base):
    """That a payout batch was paid by the scheme's operator, as its answer said: out of what was
    passed on to it, not out of the office's own bank. Other batches are the office's."""

    batch = ForeignKeyField(PayoutBatch, unique=True, backref="by_operator")
    file = ForeignKeyField(OperatorFile, backref="batches")
