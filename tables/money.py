"""Money: dues, statements, payments, receipts, transfers, the ledger."""

from typing import Any, ClassVar

from peewee import (
    JOIN,
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    Case,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    TextField,
    fn,
)

from huigong.tables.base import Base, JsonField, Sealed
from huigong.tables.claims import Payout
from huigong.tables.cover import Roster, Scheme
from huigong.tables.people import Organization, User


class Due(Base):
    """A share of a roster's fees owed by one carrier by a date."""

    organization = ForeignKeyField(Organization, backref="dues")  # the roster's unit
    roster = ForeignKeyField(Roster, backref="dues")
    carrier = TextField()  # province | city | county | unit | person | gift
    payer = ForeignKeyField(Organization, backref="owed")  # who transfers it, or collects a gift
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    due_on = DateField(index=True)

    class Meta:
        indexes = ((("roster", "carrier"), False),)

    @classmethod
    def live(cls) -> Any:
        """The condition that a due counts: a gift that was taken back let its due fall."""
        return cls.id.not_in(DueReversal.select(DueReversal.due))

    giver_name = ""  # where a list asked for it together with its dues

    @classmethod
    def giver(cls) -> Any:
        """The expression for the name of who gives it, null for what is no gift; a list selects it
        as `giver_name`, so that `payer_name` asks nothing more."""
        named = Gift.select(Gift.name).where(Gift.roster == cls.roster, Gift.stage != "dropped")
        return Case(None, [(cls.carrier == "gift", named)]).alias("giver_name")

    @property
    def payer_name(self) -> str:
        """Who pays, as a person reads it: a gift's giver may be no organization of ours."""
        if self.carrier != "gift":
            return str(self.payer.name)
        if not self.giver_name:
            query: Any = Due.select(Due.giver()).where(Due.id == self.id)
            self.giver_name = query.scalar()
        return str(self.giver_name)

    @classmethod
    def received(cls) -> Any:
        """The expression for the fen received on a due; reversed payments do not count."""
        total = fn.COALESCE(fn.SUM(Payment.amount), 0).cast("BIGINT")
        live = Payment.select(total).join(PaymentReversal, JOIN.LEFT_OUTER)
        return fn.COALESCE(live.where(Payment.due == cls.id, PaymentReversal.id.is_null()), 0)

    @property
    def paid(self) -> int:
        """Fen received so far."""
        return int(Due.select(Due.received()).where(Due.id == self.id).scalar())


class DueStanding(Base):
    """What is still owing on a due: a cache of its live payments, changed with them in the same
    transaction, by which lists of 100,000 dues are filtered and sorted."""

    organization = ForeignKeyField(Organization, backref="due_standings")  # the roster's unit
    due = ForeignKeyField(Due, unique=True, backref="standings")
    scheme = ForeignKeyField(Scheme, backref="standings")
    carrier = TextField()  # the due's
    payer = ForeignKeyField(Organization, backref="standings", index=False)  # see Meta
    receiver = ForeignKeyField(Organization, backref="standings_received")
    due_on = DateField()
    amount = BigIntegerField()  # the due's, so that sums read this table alone
    owing = BigIntegerField(constraints=[Check("owing >= 0")])
    settled = BooleanField(default=False)

    @classmethod
    def donation(cls) -> Any:
        """The expression for the gift of a donor outside the unions that is awaited, or null:
        its payer, whoever runs the scheme, only collects it."""
        gift = (
            Gift.select(Gift.id)
            .join(Due, on=(Due.roster == Gift.roster))
            .where(
                Due.id == cls.due, Due.carrier == "gift", Gift.giver.is_null(),
                Gift.stage != "dropped",
            )
        )  # fmt: skip
        return Case(None, [((cls.carrier == "gift") & (cls.payer == cls.receiver), gift)])

    @classmethod
    def own(cls) -> Any:
        """The condition that a due is its payer's own, not a donor's that it collects."""
        return cls.donation().is_null()

    class Meta:
        indexes = (
            (("settled", "due_on"), False),
            (("due_on",), False),
            (("amount",), False),
            (("carrier", "settled"), False),
            (("receiver", "settled", "owing"), False),
        )


DueStanding.add_index(  # what one payer owes is summed on this index alone
    SQL(
        'CREATE INDEX "due_standing_of_a_payer" ON "due_standing" ("payer_id", "settled", '
        '"due_on", "scheme_id", "carrier", "receiver_id", "organization_id", "amount", "owing")'
    )
)


class Gift(Base):
    """That somebody else pays the fee of a roster's people, or its rest, in the place of their
    unit and themselves: an organization above, or a named donor (then `giver` is empty, and the
    money is whoever runs the scheme's to collect)."""

    organization = ForeignKeyField(Organization, backref="gifts")  # the roster's unit
    roster = ForeignKeyField(Roster, backref="gifts", index=False)
    kind = TextField()  # organization | enterprise | foundation | person
    giver = ForeignKeyField(Organization, null=True, backref="given")
    name = TextField()  # the giver's, as papers print it
    basis = TextField()  # the letter or agreement it rests on
    whole = BooleanField(default=False)  # all of the fee; otherwise what is left as the rest
    each = BigIntegerField(null=True, constraints=[Check("each > 0")])  # of the rest, at most
    marked = BooleanField(default=False)  # only those whom the file marks; otherwise everybody
    stage = TextField(default="asked")  # asked agreed declined withdrawn dropped
    people = IntegerField(default=0)  # as agreed to
    amount = BigIntegerField(default=0)  # fen, as agreed to
    by = ForeignKeyField(User, backref="declared_gifts")
    at = DateTimeField()
    decided_by = ForeignKeyField(User, null=True, backref="decided_gifts")
    decided_at = DateTimeField(null=True)
    note = TextField(default="")

    class Meta:
        constraints: ClassVar = [Check("decided_by_id IS NULL OR decided_by_id <> by_id")]

    @classmethod
    def counts(cls) -> Any:
        """The condition that it carries something: neither refused nor taken back."""
        return cls.stage << ["asked", "agreed"]


Gift.add_index(
    SQL(
        'CREATE UNIQUE INDEX "gift_one_of_a_roster" ON "gift" ("roster_id") '
        """WHERE "stage" <> 'dropped'"""
    )
)


class TopUp(Base):
    """What an organization adds per person for its subtree during some time, so that the rest of
    the fee is less. Only `to_on` is ever changed, to end it earlier."""

    organization = ForeignKeyField(Organization, backref="top_ups")
    scheme = ForeignKeyField(Scheme, backref="top_ups")
    amount = BigIntegerField(constraints=[Check("amount > 0")])  # fen a person
    members_only = BooleanField(default=True)
    from_on = DateField()  # the cover's first day falls within
    to_on = DateField()
    basis = TextField(default="")  # the decision it rests on
    by = ForeignKeyField(User)
    at = DateTimeField()


class StatementLayout(Base):
    """Which column of a bank's statement is which, as an office said it once."""

    organization = ForeignKeyField(Organization, backref="statement_layouts")
    bank = TextField()
    columns = JsonField()  # plain title → field, "" for one that is not needed

    class Meta:
        indexes = ((("organization", "bank"), True),)


class Statement(Base):
    """A bank's list of what came in; kept first, imported once its columns are understood."""

    organization = ForeignKeyField(Organization, backref="statements")
    bank = TextField()
    file = TextField()  # "" once it was dropped
    file_name = TextField()
    stage = TextField(default="kept")  # kept | imported | withdrawn | dropped
    lines = IntegerField(default=0)  # kept by this import
    repeated = IntegerField(default=0)  # known from an earlier one
    amount = BigIntegerField(default=0)
    by = ForeignKeyField(User)
    at = DateTimeField()


class StatementLine(Sealed):
    """Money that came in, as the bank's statement says. What of it is decided are the payments,
    incomes and refunds that name it; the rest waits in suspense."""

    organization = ForeignKeyField(Organization, backref="statement_lines")
    statement = ForeignKeyField(Statement, backref="rows")
    number = IntegerField()  # the row in their file
    received_on = DateField()
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    payer_name = TextField(default="")
    payer_account = BlobField(default=b"")
    account_index = TextField(default="", index=True)
    remark = TextField(default="")
    reference = TextField()  # the bank's, or a hash of what the line says
    key = TextField(unique=True)  # organization:reference:1; a second after a withdrawal
    stage = TextField(default="open")  # open | settled | withdrawn

    class Meta:
        indexes = (
            (("organization", "stage", "received_on"), False),
            (("organization", "reference"), False),
        )


class Payment(Base):
    """Money received against a due. Its `key` makes a statement line count once; when the
    payment was reversed, the same line may be recorded again, where it belongs."""

    organization = ForeignKeyField(Organization, backref="payments")  # the due's unit
    due = ForeignKeyField(Due, backref="payments")
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    received_on = DateField(index=True)
    remark = TextField(default="")
    bank_reference = TextField(index=True)  # the statement line
    key = TextField(unique=True)  # reference:1; a second only after the first was reversed
    line = ForeignKeyField(StatementLine, null=True, backref="payments")  # whence it was assigned
    by = ForeignKeyField(User)
    at = DateTimeField()


class Undoing(Base):
    """A fact of the money that was recorded wrongly and counts no more; the fact itself stays."""

    reason = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()


class DueReversal(Undoing):
    """A due that fell because its gift was taken back before anything was paid on it."""

    organization = ForeignKeyField(Organization, backref="due_reversals")
    due = ForeignKeyField(Due, unique=True, backref="reversals")


class PaymentReversal(Undoing):
    """A payment that was recorded wrongly."""

    organization = ForeignKeyField(Organization, backref="payment_reversals")
    payment = ForeignKeyField(Payment, unique=True, backref="reversals")


class Income(Base):
    """Money beside the fee's shares: fiscal funds, donations, other. With a `line`, it came out
    of suspense; without, it was recorded by hand."""

    organization = ForeignKeyField(Organization, backref="incomes")
    scheme = ForeignKeyField(Scheme, null=True, backref="incomes")
    kind = TextField()  # fiscal | donation | other
    giver = TextField()
    purpose = TextField(default="")
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    received_on = DateField()
    bank_reference = TextField(default="")
    key = TextField(unique=True)  # organization:reference:1, as a payment's
    line = ForeignKeyField(StatementLine, null=True, backref="incomes")
    by = ForeignKeyField(User)
    at = DateTimeField()

    class Meta:
        indexes = ((("organization", "received_on"), False),)


class IncomeReversal(Undoing):
    """An income that was recorded wrongly."""

    organization = ForeignKeyField(Organization, backref="income_reversals")
    income = ForeignKeyField(Income, unique=True, backref="reversals")


class Refund(Base):
    """Money of a statement line that went back to whoever sent it."""

    organization = ForeignKeyField(Organization, backref="refunds")
    line = ForeignKeyField(StatementLine, backref="refunds")
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    refunded_on = DateField()
    reason = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()


class RefundReversal(Undoing):
    """A refund that was noted wrongly."""

    organization = ForeignKeyField(Organization, backref="refund_reversals")
    refund = ForeignKeyField(Refund, unique=True, backref="reversals")


class BankReversal(Base):
    """Money that a statement says the bank took back after it had come in (红字, 冲正). No money
    of ours is moved by it: finance notes a refund of the line that it undid."""

    organization = ForeignKeyField(Organization, backref="bank_reversals")
    statement = ForeignKeyField(Statement, backref="bank_reversals")
    number = IntegerField()  # the row in their file
    taken_on = DateField()
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    payer_name = TextField(default="")
    remark = TextField(default="")
    reference = TextField()

    class Meta:
        indexes = ((("organization", "reference"), False),)


class PayoutReturn(Base):
    """A statement line that is a payout the bank sent back: its money left the bank in that
    payout, and is nobody's fee."""

    organization = ForeignKeyField(Organization, backref="payout_returns")
    line = ForeignKeyField(StatementLine, backref="payout_returns")
    payout = ForeignKeyField(Payout, backref="lines")
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    by = ForeignKeyField(User)
    at = DateTimeField()


class PayoutReturnReversal(Undoing):
    """A line that was wrongly taken for a payout's return."""

    organization = ForeignKeyField(Organization, backref="payout_return_reversals")
    payout_return = ForeignKeyField(PayoutReturn, unique=True, backref="reversals")


class Receipt(Base):
    """The confirmation that a roster's payments were invoiced; a number of its issuer's series
    of the year, which is never used again."""

    organization = ForeignKeyField(Organization, backref="receipts")
    roster = ForeignKeyField(Roster, backref="receipts")
    issuer = ForeignKeyField(Organization, backref="issued_receipts")  # who received the money
    number = TextField()
    key = TextField(unique=True)  # roster:1; a second only after the first was voided
    amount = BigIntegerField()
    by = ForeignKeyField(User)
    on = DateField()

    class Meta:
        indexes = ((("issuer", "number"), True),)


class GiftReceipt(Base):
    """That a receipt is made out to the giver of a roster's gift; its others are the unit's."""

    receipt = ForeignKeyField(Receipt, unique=True, backref="made_out")
    gift = ForeignKeyField(Gift, backref="receipts")


class ReceiptVoid(Undoing):
    """A receipt that counts no more; its number stays used."""

    organization = ForeignKeyField(Organization, backref="receipt_voids")
    receipt = ForeignKeyField(Receipt, unique=True, backref="voids")


class Transfer(Base):
    """A month's received money of one scheme passed on to its operator: the 转款单."""

    organization = ForeignKeyField(Organization, backref="transfers")
    scheme = ForeignKeyField(Scheme, backref="transfers")
    month = TextField()  # 2024-12
    number = TextField(unique=True)
    amount = BigIntegerField(constraints=[Check("amount <> 0")])
    transferred_on = DateField()
    bank_reference = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()


class TransferItem(Base):
    """What a transfer passes on for one roster: received until then less passed on before."""

    transfer = ForeignKeyField(Transfer, backref="items", index=False)  # see Meta
    roster = ForeignKeyField(Roster, backref="transferred")
    amount = BigIntegerField(constraints=[Check("amount <> 0")])

    class Meta:
        indexes = ((("transfer", "id"), False),)


class TransferReversal(Undoing):
    """A transfer that was recorded wrongly."""

    organization = ForeignKeyField(Organization, backref="transfer_reversals")
    transfer = ForeignKeyField(Transfer, unique=True, backref="reversals")


class Reminder(Base):
    """That a payer was reminded of its open dues: how, of how much, and who did it."""

    organization = ForeignKeyField(Organization, backref="reminders")  # the payer
    receiver = ForeignKeyField(Organization, backref="sent_reminders")
    way = TextField()  # letter | phone | message
    dues = IntegerField()
    amount = BigIntegerField()
    by = ForeignKeyField(User)
    on = DateField()


class GiftReminder(Base):
    """That a reminder went to the donor of a gift; its others went to the payer itself."""

    reminder = ForeignKeyField(Reminder, unique=True, backref="to_donors")
    gift = ForeignKeyField(Gift, backref="reminders")


class AccountName(Base):
    """What an office's bookkeeping software calls one of our accounts."""

    organization = ForeignKeyField(Organization, backref="account_names")
    account = TextField()
    code = TextField(default="")
    name = TextField(default="")

    class Meta:
        indexes = ((("organization", "account"), True),)


class Journal(Base):
    """One entry of the double-entry ledger. `key` makes each fact bookable once."""

    key = TextField(unique=True)  # claim:12:award
    organization = ForeignKeyField(Organization, backref="journals")
    on = DateField(index=True)
    text = TextField()  # 名册#12 应收 …
    by = ForeignKeyField(User, null=True)
    at = DateTimeField()


class Posting(Base):
    """One line of a journal: debit positive, credit negative; a journal's lines sum to zero."""

    journal = ForeignKeyField(Journal, backref="postings")
    account = TextField()  # receivable bank contributions benefits payable suspense …
    scheme = ForeignKeyField(Scheme, null=True, backref="postings")  # None: not known whose yet
    amount = BigIntegerField(constraints=[Check("amount <> 0")])

    class Meta:
        indexes = (
            (("scheme", "account", "amount"), False),
            (("account", "journal"), False),
        )
