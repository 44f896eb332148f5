"""What the office remembers, in life order.

Facts are rows: a claim is decided when a Decision exists. A `stage` column is a cache of the
last fact, changed only by `move` (compare-and-set) in the same transaction. Money is whole fen.
`ADD_ONLY` names the tables whose rows the database itself never lets change.
"""

import json
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from peewee import (
    JOIN,
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    Check,
    DateField,
    DateTimeField,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    NodeList,
    TextField,
    fn,
)

from huigong import rules, vault
from huigong.database import db
from huigong.refusals import Lost


class JsonField(TextField):
    """Plain JSON kept as text, the same on both databases."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)


class KeyField(TextField):
    """Text that sorts and compares by character code on both databases, so that a prefix is a
    range of its index."""


class PlanField(JsonField):
    """An edition's plan; one whose text was damaged reads as None, so that only its own scheme
    stops (`schemes.plan_of` says so) and every list of editions still loads."""

    def python_value(self, value: str | None) -> Any:
        try:
            return super().python_value(value)
        except ValueError:
            return None


def begins(column: Any, start: str) -> Any:
    """The condition that a KeyField begins with some text: a range of its index."""
    last = ord(start[-1])
    after = chr(0xE000 if last == 0xD7FF else min(last + 1, 0x10FFFF))  # no surrogates
    return (column >= start) & (column < start[:-1] + after)


class Base(Model):
    """Every table. `seen` says who may see a row: those above its organization ("subtree"),
    or also those below it ("lineage", for what a city publishes to its units)."""

    seen: ClassVar[str] = "subtree"

    if TYPE_CHECKING:  # what peewee adds to every table: the key, `…_id`, and back-references
        id: Any

        def __getattr__(self, name: str) -> Any: ...

    class Meta:
        database = db
        legacy_table_names = False

    def move(self, field: str, *, was: str, to: str, **also: Any) -> None:
        """Compare-and-set a cached stage. Raises Lost when somebody else was first."""
        cls, column = type(self), getattr(type(self), field)
        changes = {field: to, **also}
        if not cls.update(**changes).where(cls._meta.primary_key == self, column == was).execute():
            raise Lost(f"{cls.__name__} {self.get_id()} is no longer {was}")
        for name, value in changes.items():
            setattr(self, name, value)


class Sealed(Base):
    """A row with encrypted fields; `ref` binds them to this row before it has an id."""

    ref = TextField(unique=True, default=vault.new_ref)

    def seal(self, column: str, text: str) -> bytes:
        return vault.current().seal(text, table=self._meta.table_name, column=column, row=self.ref)

    def opened(self, column: str) -> str:
        sealed, table = getattr(self, column), self._meta.table_name
        return vault.current().open(sealed, table=table, column=column, row=self.ref)


# ── Organizations and people ────────────────────────────────────────────────────────────────


class Level(StrEnum):
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    UNIT = "unit"


class Organization(Base):
    """A node of the tree province › city › county › unit. `path` holds the ids from the root,
    each between slashes, so a subtree is a prefix."""

    name = TextField()
    level = TextField(choices=[(level.value, level.value) for level in Level])
    parent = ForeignKeyField("self", null=True, backref="children", on_delete="RESTRICT")
    path = KeyField(index=True, default="")
    slug = TextField(null=True, unique=True)  # a city's address on the public site
    code = TextField(null=True, unique=True)  # 统一社会信用代码
    pinyin = KeyField(default="", index=True)  # sort key
    contact_name = TextField(default="")
    contact_phone = TextField(default="")
    address = TextField(default="")
    opened_on = DateField()
    closed_on = DateField(null=True)

    @classmethod
    def within(cls, path: str) -> Any:
        """The condition that an organization lies in the subtree at `path`."""
        return begins(cls.path, path)

    @property
    def lineage(self) -> list[int]:
        """Ids from the root to this organization."""
        return [int(part) for part in self.path.split("/") if part]

    def above(self, level: Level) -> "Organization | None":
        """The nearest organization of `level` on the way up, this one included."""
        found = {o.level: o for o in Organization.select().where(Organization.id << self.lineage)}
        return found.get(level)

    @property
    def unit_level(self) -> str:
        """`county` for what hangs below a county, otherwise `city`: it decides fee shares."""
        return "county" if self.above(Level.COUNTY) else "city"


class Role(StrEnum):
    CLERK = "clerk"
    REVIEWER = "reviewer"
    FINANCE = "finance"
    AUDITOR = "auditor"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


class User(Base):
    """Someone who signs in. What they may do is in their roles, each at one organization."""

    organization = ForeignKeyField(Organization, backref="users")
    name = TextField()
    login = TextField(unique=True)
    phone = TextField(default="")
    password_hash = TextField(default="")
    failures = IntegerField(default=0)
    locked_until = DateTimeField(null=True)
    made_at = DateTimeField()
    ended_on = DateField(null=True)


class UnitApplication(Base):
    """A unit's request to be registered; the level above decides."""

    organization = ForeignKeyField(Organization, backref="applications")  # the level above
    name = TextField()
    code = TextField()
    contact_name = TextField()
    contact_phone = TextField()
    address = TextField(default="")
    proof = TextField()  # the kept file's name
    proof_name = TextField()
    applied_at = DateTimeField()
    stage = TextField(default="applied")  # applied | approved | refused
    decided_by = ForeignKeyField(User, null=True)
    decided_on = DateField(null=True)
    reason = TextField(default="")
    unit = ForeignKeyField(Organization, null=True, backref="application")


class Grant(Base):
    """A role held by a user at one organization, valid for its subtree."""

    user = ForeignKeyField(User, backref="grants")
    role = TextField()
    organization = ForeignKeyField(Organization, backref="grants")
    by = ForeignKeyField(User, null=True)
    on = DateField()
    ended_on = DateField(null=True)


class OneTimeLink(Base):
    """A link that lets a user set a password once. Only its hash is kept."""

    user = ForeignKeyField(User, backref="links")
    token_hash = TextField(unique=True)
    by = ForeignKeyField(User, null=True)
    made_at = DateTimeField()
    expires_at = DateTimeField()
    used_at = DateTimeField(null=True)


class Session(Base):
    """A signed-in browser. Only the hash of its cookie is kept."""

    user = ForeignKeyField(User, backref="sessions")
    token_hash = TextField(unique=True)
    started_at = DateTimeField()
    seen_at = DateTimeField()
    ended_at = DateTimeField(null=True)


class FormKey(Base):
    """A form's one-time key and the answer its first sending had."""

    key = TextField(unique=True)
    session = ForeignKeyField(Session, null=True, on_delete="CASCADE")
    endpoint = TextField()
    begun_at = DateTimeField()
    location = TextField(null=True)


class Member(Sealed):
    """A natural person, known by the resident ID. `organization` is the current unit."""

    organization = ForeignKeyField(Organization, backref="members")
    name = KeyField()
    pinyin = KeyField(default="")  # initials, for search
    sort_key = KeyField(default="")  # pinyin with tones, the surname as a surname
    sex = TextField(default="")
    born_on = DateField(null=True)
    resident_id = BlobField()
    id_index = TextField(unique=True)
    tail_index = TextField(index=True)  # Member.index_of_tail
    phone = BlobField(default=b"")
    bank_card = BlobField(default=b"")
    bank = TextField(default="")
    membership = TextField(default="member")

    class Meta:  # each with the unit, so that a list inside a subtree is read off the index
        indexes = (
            (("sort_key", "organization"), False),
            (("name", "organization"), False),
            (("pinyin", "organization"), False),
        )

    @staticmethod
    def index_of_id(number: str) -> str:
        """The blind index of a normalized resident ID (`id_index`, here and in a roster)."""
        return vault.current().index(number, kind="id")

    @staticmethod
    def index_of_tail(number: str) -> str:
        """The blind index of an ID's last four, of the whole ID or of those four alone."""
        return vault.current().index(number[-4:], kind="id tail")


class Employment(Base):
    """A member's time at a unit."""

    member = ForeignKeyField(Member, backref="employments")
    organization = ForeignKeyField(Organization, backref="employments")
    from_on = DateField()
    to_on = DateField(null=True)


class IdCorrection(Sealed):
    """A request to correct a member's resident ID, with its proof; a second person decides."""

    organization = ForeignKeyField(Organization, backref="id_corrections")
    member = ForeignKeyField(Member, backref="id_corrections")
    resident_id = BlobField()  # the right number
    id_index = TextField(index=True)
    reason = TextField()
    proof = TextField()  # the kept file's name
    proof_name = TextField()
    asked_by = ForeignKeyField(User, backref="asked_corrections")
    asked_at = DateTimeField()
    stage = TextField(default="asked", index=True)  # asked | approved | refused
    decided_by = ForeignKeyField(User, null=True, backref="decided_corrections")
    decided_on = DateField(null=True)
    note = TextField(default="")

    class Meta:
        constraints: ClassVar = [Check("decided_by_id IS NULL OR decided_by_id <> asked_by_id")]


# ── Schemes and cover ───────────────────────────────────────────────────────────────────────


class Scheme(Base):
    """The dated rules of one product in one city; its editions follow each other."""

    seen = "lineage"
    organization = ForeignKeyField(Organization, backref="schemes")
    slug = TextField(unique=True)
    name = TextField()


class Edition(Base):
    """One edition of a scheme. Once published it never changes."""

    seen = "lineage"
    organization = ForeignKeyField(Organization, backref="editions")
    scheme = ForeignKeyField(Scheme, backref="editions")
    code = TextField(unique=True)  # zhengzhou-hospital-2023
    name = TextField()
    plan = PlanField()
    plan_hash = TextField()
    enrolled_from = DateField()
    enrolled_to = DateField(null=True)
    stage = TextField(default="draft")  # draft | published
    drafted_by = ForeignKeyField(User, null=True, backref="drafts")
    drafted_on = DateField()
    published_by = ForeignKeyField(User, null=True, backref="published")
    published_on = DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            Check(
                "published_by_id IS NULL OR drafted_by_id IS NULL "
                "OR published_by_id <> drafted_by_id"
            )
        ]

    def enrolls_on(self, day: date) -> bool:
        """Whether people may be enrolled under it on `day`."""
        ended = self.enrolled_to is not None and day > self.enrolled_to
        return self.stage == "published" and self.enrolled_from <= day and not ended


class DraftEdition(Base):
    """An edition being written: what was typed, kept also while it is wrong or incomplete. It
    becomes an Edition when somebody who did not write it publishes it."""

    organization = ForeignKeyField(Organization, backref="drafts")
    basis = ForeignKeyField(Edition, null=True, backref="drafts", on_delete="RESTRICT")
    name = TextField()
    sheet = JsonField()  # plans.typed: the form, row by row
    version = IntegerField(default=1)  # counts savings: a stale form is told what changed
    writers = JsonField()  # ids of everyone who saved it: none of them may publish it
    drafted_by = ForeignKeyField(User, backref="begun_drafts")
    saved_by = ForeignKeyField(User, backref="saved_drafts")
    saved_at = DateTimeField()


class Roster(Base):
    """A unit's list of people for one scheme and start date."""

    organization = ForeignKeyField(Organization, backref="rosters")
    edition = ForeignKeyField(Edition, backref="rosters")
    number = TextField(unique=True)
    cover_from = DateField()
    rest_by = TextField()  # unit | person: who carries the rest of the fee
    stage = TextField(default="reading", index=True)  # reading draft submitted returned approved
    file = TextField()  # or withdrawn
    file_name = TextField()
    made_by = ForeignKeyField(User, backref="rosters")
    made_at = DateTimeField(index=True)
    people = IntegerField(default=0)  # rows to enroll: new and renewed
    faulty = IntegerField(default=0)
    digest = JsonField(default=dict)  # rows by kind, how many warned, faults by column
    unread = JsonField(default=list)  # columns that were not understood: [[letter, title], …]
    split = JsonField(default=list)  # [[carrier, fen each, people], …]
    clean_only = BooleanField(default=False)  # the clerk chose to submit the clean rows alone
    total = BigIntegerField(default=0)  # fen
    submitted_by = ForeignKeyField(User, null=True, backref="submitted_rosters")
    approved_by = ForeignKeyField(User, null=True, backref="approved_rosters")

    class Meta:
        constraints: ClassVar = [
            Check(
                "approved_by_id IS NULL OR "
                "(approved_by_id <> submitted_by_id AND approved_by_id <> made_by_id)"
            )
        ]

    @property
    def cover_to(self) -> date:
        """The last day of the cover it gives."""
        return rules.last_day(self.cover_from, self.edition.plan["term_months"])


class RosterJob(Base):
    """Work on a big roster that a process of its own does: reading its file, approving it, or
    forgetting its people. `worker` holds it while `beat_at` is fresh; `refused` is why it ended
    without success."""

    roster = ForeignKeyField(Roster, unique=True, backref="jobs")
    kind = TextField()  # read | approve | forget
    by = ForeignKeyField(User)
    at = DateTimeField()  # when the deed was done
    seen = JsonField(default=list)  # subtrees whose units may be named to who asked
    phase = TextField(default="waiting")  # waiting | read | stage | enroll | settle | forget
    done = IntegerField(default=0)
    total = IntegerField(default=0)
    worker = TextField(default="")
    beat_at = DateTimeField(null=True)
    tries = IntegerField(default=0)  # how often a worker took it up
    cancelled = BooleanField(default=False)
    refused = TextField(default="")


class RosterEvent(Base):
    """A fact in a roster's life: uploaded, submitted, returned with reasons, approved, withdrawn."""

    roster = ForeignKeyField(Roster, backref="events")
    kind = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()
    on = DateField()
    note = TextField(default="")


class RosterRow(Sealed):
    """A staged row of a roster. `secret` seals the ID, phone and bank card as one JSON."""

    roster = ForeignKeyField(Roster, backref="rows", on_delete="CASCADE", index=False)
    number = IntegerField()  # the row in their file
    name = TextField(default="")
    secret = BlobField(default=b"")
    id_index = TextField(default="")
    facts = JsonField(default=dict)  # sex, born_on, age, employment, insurance, membership, bank
    kind = TextField()  # new | renewed | unchanged | faulty
    faults = JsonField(default=list)  # [[column's title, message], …]
    warnings = JsonField(default=list)  # [message, …]: worth a second look, not a refusal

    class Meta:
        indexes = ((("roster", "kind", "number"), False), (("roster", "id_index"), False))

    @classmethod
    def is_warned(cls) -> Any:
        """The condition that a row is worth a second look, as its partial index says it."""
        return NodeList((cls.warnings, SQL("<> '[]'")))

    def opened_secret(self) -> Any:
        """The ID, phone and card of a row, each "" where it has none."""
        return json.loads(self.opened("secret") or '{"id": "", "phone": "", "card": ""}')


RosterRow.add_index(
    SQL('CREATE INDEX "roster_row_warned" ON "roster_row" ("roster_id", "number") '
        """WHERE "warnings" <> '[]'""")
)


class Enrollment(Base):
    """One member covered by one edition for one term. It counts once its roster is approved;
    cover is in force once the roster's dues are paid (`Roster` → `Due`)."""

    organization = ForeignKeyField(Organization, backref="enrollments")
    member = ForeignKeyField(Member, backref="enrollments", index=False)  # see Meta
    edition = ForeignKeyField(Edition, backref="enrollments")
    roster = ForeignKeyField(Roster, null=True, backref="enrollments")
    certificate = TextField(unique=True)
    cover_from = DateField()
    cover_to = DateField()  # the last day of cover
    renewal = BooleanField(default=False)
    facts = JsonField()  # the enrollment facts of the scheme, as they were
    fee = BigIntegerField()
    left_on = DateField(null=True)

    class Meta:
        indexes = ((("member", "edition", "cover_from"), True),)

    @classmethod
    def counts(cls) -> Any:
        """The condition that an enrollment counts: its roster, where it has one, was approved."""
        approved = Roster.select(Roster.id).where(Roster.stage == "approved")
        return cls.roster.is_null() | (cls.roster << approved)

    @classmethod
    def counted(cls) -> Any:
        """The enrollments that count."""
        return cls.select().where(cls.counts())


# ── What happens to people between their rosters ───────────────────────────────────────────


class Leaving(Base):
    """That somebody left a unit. No scheme's text takes their cover away, so it stays."""

    organization = ForeignKeyField(Organization, backref="leavings")
    member = ForeignKeyField(Member, backref="leavings")
    on = DateField()  # the last day at the unit
    reason = TextField()  # resigned | retired | died | other
    note = TextField(default="")
    by = ForeignKeyField(User)
    at = DateTimeField()


class Relocation(Base):
    """A member's move from one unit to another: asked for by the receiving unit and decided above
    both, or (nobody asked) done from above at once."""

    organization = ForeignKeyField(Organization, backref="relocations")  # the lowest above both
    member = ForeignKeyField(Member, backref="relocations")
    source = ForeignKeyField(Organization, backref="sent_away")
    target = ForeignKeyField(Organization, backref="taken_in")
    on = DateField()  # the first day at the new unit
    reason = TextField(default="")
    stage = TextField(default="asked", index=True)  # asked | done | refused
    asked_by = ForeignKeyField(User, null=True, backref="asked_relocations")
    asked_at = DateTimeField(null=True)
    decided_by = ForeignKeyField(User, null=True, backref="decided_relocations")
    decided_at = DateTimeField(null=True)
    note = TextField(default="")

    class Meta:
        constraints: ClassVar = [
            Check("decided_by_id IS NULL OR asked_by_id IS NULL OR decided_by_id <> asked_by_id")
        ]


class Reorganization(Base):
    """A unit's people gone over to another unit: all of them (merge), or some (split)."""

    organization = ForeignKeyField(Organization, backref="reorganizations")  # the level above
    kind = TextField()  # merge | split
    source = ForeignKeyField(Organization, backref="given_over")
    target = ForeignKeyField(Organization, backref="taken_over")
    on = DateField()
    people = IntegerField()
    reason = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()


class AgeProof(Base):
    """The paper by which somebody past the scheme's age is enrolled all the same."""

    organization = ForeignKeyField(Organization, backref="age_proofs")
    roster = ForeignKeyField(Roster, backref="age_proofs")
    id_index = TextField()
    file = TextField()
    file_name = TextField()
    sha256 = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()

    class Meta:
        indexes = ((("roster", "id_index"), True),)

    @classmethod
    def shown(cls, roster: Roster, id_index: str) -> bool:
        """Whether somebody's proof was kept with a roster."""
        return bool(cls.select().where(cls.roster == roster, cls.id_index == id_index).exists())


class ColumnMeaning(Base):
    """What a unit said once about a column of its rosters; field "" is one it does not need."""

    organization = ForeignKeyField(Organization, backref="column_meanings")
    title = TextField()  # columns.plain_title
    field = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()

    class Meta:
        indexes = ((("organization", "title"), True),)


class StaffCount(Base):
    """How many people work at a unit, as it stated; the latest counts."""

    organization = ForeignKeyField(Organization, backref="staff_counts")
    people = IntegerField(constraints=[Check("people > 0")])
    by = ForeignKeyField(User)
    at = DateTimeField()


class Opening(Base):
    """A workbook of what happened before the office began with us: 期初. Checked when it is kept,
    booked by a second person."""

    organization = ForeignKeyField(Organization, backref="openings")  # the city
    kind = TextField()  # covers | payments | claims
    file = TextField()
    file_name = TextField()
    sha256 = TextField()
    stage = TextField(default="checked", index=True)  # checked | booked | withdrawn
    rows = IntegerField(default=0)
    amount = BigIntegerField(default=0)  # fen: fees, payments or benefits
    by = ForeignKeyField(User, backref="kept_openings")
    at = DateTimeField()
    booked_by = ForeignKeyField(User, null=True, backref="booked_openings")
    booked_at = DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [Check("booked_by_id IS NULL OR booked_by_id <> by_id")]


class OperatorLayout(Base):
    """The columns of the file that a scheme's operator wants, in its order and words."""

    organization = ForeignKeyField(Organization, backref="operator_layouts")
    scheme = ForeignKeyField(Scheme, unique=True, backref="operator_layouts")
    columns = JsonField()  # [[field, title], …]
    by = ForeignKeyField(User)
    at = DateTimeField()


class OperatorAnswer(Base):
    """What a scheme's operator answered about one enrollment; the latest counts."""

    organization = ForeignKeyField(Organization, backref="operator_answers")
    enrollment = ForeignKeyField(Enrollment, backref="operator_answers")
    accepted = BooleanField()
    reason = TextField(default="")
    by = ForeignKeyField(User)
    at = DateTimeField()


# ── Money ───────────────────────────────────────────────────────────────────────────────────


class Due(Base):
    """A share of a roster's fees owed by one carrier by a date."""

    organization = ForeignKeyField(Organization, backref="dues")  # the roster's unit
    roster = ForeignKeyField(Roster, backref="dues")
    carrier = TextField()  # province | city | county | unit | person
    payer = ForeignKeyField(Organization, backref="owed")  # who transfers it
    amount = BigIntegerField(constraints=[Check("amount > 0")])
    due_on = DateField(index=True)

    class Meta:
        indexes = ((("roster", "carrier"), True),)

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
    payer = ForeignKeyField(Organization, backref="standings")
    receiver = ForeignKeyField(Organization, backref="standings_received")
    due_on = DateField()
    amount = BigIntegerField()  # the due's, so that sums read this table alone
    owing = BigIntegerField(constraints=[Check("owing >= 0")])
    settled = BooleanField(default=False)

    class Meta:
        indexes = (
            (("settled", "due_on"), False),
            (("receiver", "settled", "owing"), False),
            (("payer", "settled"), False),
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
    file = TextField()
    file_name = TextField()
    stage = TextField(default="kept")  # kept | imported | withdrawn
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
    received_on = DateField()
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

    transfer = ForeignKeyField(Transfer, backref="items")
    roster = ForeignKeyField(Roster, backref="transferred")
    amount = BigIntegerField(constraints=[Check("amount <> 0")])


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


# ── Claims ──────────────────────────────────────────────────────────────────────────────────


class Claim(Base):
    """A member's request for a benefit. Its history is its events; `stage` caches the last."""

    organization = ForeignKeyField(Organization, backref="claims")
    member = ForeignKeyField(Member, backref="claims")
    enrollment = ForeignKeyField(Enrollment, backref="claims")
    number = TextField(unique=True)
    event = TextField(null=True)  # for lump sums: what happened, as the scheme names it
    facts = JsonField(default=dict)  # what the plan reads of the claim itself: grade, happened_on
    stage = TextField(default="filed", index=True)  # filed returned reviewed approved refused paid
    filed_by = ForeignKeyField(User, backref="filed_claims")
    filed_on = DateField()
    promised_on = DateField(null=True, index=True)  # the office's own promise, from the last filing
    first_reviewer = ForeignKeyField(User, null=True, backref="first_reviews")
    computed = BigIntegerField(default=0)  # what the steps said when last reckoned

    class Meta:
        constraints: ClassVar = [
            Check("first_reviewer_id IS NULL OR first_reviewer_id <> filed_by_id")
        ]


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
    kind = TextField()  # filed returned refiled reviewed approved refused paid payment_returned
    by = ForeignKeyField(User)
    on = DateField()
    at = DateTimeField()
    note = TextField(default="")


class Decision(Base):
    """The verdict on a claim, its locked amount, and the steps that explain it."""

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


class PayoutBatch(Base):
    """Approved claims paid together through a bank file."""

    organization = ForeignKeyField(Organization, backref="batches")
    number = TextField(unique=True)
    stage = TextField(default="made")  # made | released | withdrawn
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


# ── Public listings ─────────────────────────────────────────────────────────────────────────


class Listing(Base):
    """What the public reads. `example` marks what was made up for a demonstration: 示例."""

    seen = "lineage"
    organization = ForeignKeyField(Organization)
    name = TextField()
    pinyin = TextField(default="")
    summary = TextField(default="")
    region = TextField(default="")  # the county-level division, in Chinese
    example = BooleanField(default=False)
    published = BooleanField(default=True)
    updated_on = DateField()


class Program(Listing):
    """A program the public reads about: 惠工保, 惠工游, 惠至心灵 …"""

    slug = TextField()
    body = TextField()  # Markdown
    html = TextField()  # rendered and cleaned when saved
    phone = TextField(default="")
    source = TextField(default="")


class Measure(Listing):
    """One numbered measure of a dated policy document."""

    document = TextField()
    document_on = DateField()
    section = TextField(default="")
    number = IntegerField()
    sums = TextField(default="")
    departments = TextField(default="")


class Route(Listing):
    """A tourism route."""

    kind = TextField()  # workday | rural
    length = TextField(default="")
    how = TextField(default="")  # how to take part


class Stop(Base):
    route = ForeignKeyField(Route, backref="stops", on_delete="CASCADE")
    number = IntegerField()
    name = TextField()
    note = TextField(default="")


class Departure(Base):
    route = ForeignKeyField(Route, backref="departures", on_delete="CASCADE")
    on = DateField()
    meets = TextField()
    seats = IntegerField(null=True)


class Attraction(Listing):
    """A contracted scenic spot with a member price."""

    address = TextField(default="")
    offer = TextField(default="")
    hours = TextField(default="")
    phone = TextField(default="")
    longitude = FloatField(null=True)  # GCJ-02
    latitude = FloatField(null=True)


class Station(Listing):
    """A service station and its kind."""

    kind = TextField()  # 爱心驿站 司机之家 骑手之家 心理服务中心 心理服务站
    address = TextField(default="")
    entrance = TextField(default="")  # how to get in
    hours = TextField(default="")
    facilities = TextField(default="")
    phone = TextField(default="")
    longitude = FloatField(null=True)  # GCJ-02
    latitude = FloatField(null=True)
    verified_on = DateField(null=True)


class Notice(Listing):
    body = TextField()
    html = TextField()
    from_on = DateField()


# ── Audit ───────────────────────────────────────────────────────────────────────────────────


class AuditEvent(Base):
    """One deed, chained by hash to the one before it."""

    organization = ForeignKeyField(Organization, null=True, backref="audit")
    at = DateTimeField()
    by = ForeignKeyField(User, null=True)
    deed = TextField()
    subject = TextField(default="")  # Claim:12
    detail = TextField(default="")
    previous = TextField()
    hash = TextField(unique=True)


TABLES = [
    model
    for model in globals().values()
    if isinstance(model, type)
    and issubclass(model, Base)
    and model not in (Base, Sealed, Listing, Undoing)
]
ADD_ONLY = [
    model._meta.table_name
    for model in (
        Leaving,
        Reorganization,
        Due,
        Payment,
        PaymentReversal,
        Income,
        IncomeReversal,
        Refund,
        RefundReversal,
        Receipt,
        ReceiptVoid,
        Transfer,
        TransferItem,
        TransferReversal,
        Reminder,
        Journal,
        Posting,
        ClaimEvent,
        Decision,
        AuditEvent,
    )
]
