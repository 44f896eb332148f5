"""Schemes and cover: dated editions, rosters, enrollments."""

from datetime import date
from typing import Any, ClassVar

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    NodeList,
    TextField,
)

from huigong import rules, vault
from huigong.tables.base import Base, JsonField, KeyField, PlanField, SheetField
from huigong.tables.people import Member, Organization, User


class Scheme(Base):
    """The dated rules of one product in one city; its editions follow each other."""

    seen = "lineage"
    few = True
    organization = ForeignKeyField(Organization, backref="schemes")
    slug = TextField(unique=True)
    name = TextField()


class Edition(Base):
    """One edition of a scheme. Once published it never changes."""

    seen = "lineage"
    few = True
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

    few = True
    organization = ForeignKeyField(Organization, backref="drafts")
    basis = ForeignKeyField(Edition, null=True, backref="drafts", on_delete="RESTRICT")
    name = TextField()
    sheet = SheetField()  # plans.typed: the form, row by row
    version = IntegerField(default=1)  # counts savings: a stale form is told what changed
    writers = JsonField()  # ids of everyone who saved it: none of them may publish it
    drafted_by = ForeignKeyField(User, backref="begun_drafts")
    saved_by = ForeignKeyField(User, backref="saved_drafts")
    saved_at = DateTimeField()


class DraftVersion(Base):
    """A draft as somebody saved it once: what a replay names, and what whoever worked on it
    meanwhile is told the changes from. Gone with its draft."""

    draft = ForeignKeyField(DraftEdition, backref="versions", on_delete="CASCADE", index=False)
    version = IntegerField()
    sheet = SheetField()
    saved_by = ForeignKeyField(User, backref="saved_draft_versions")
    saved_at = DateTimeField()

    class Meta:
        indexes = ((("draft", "version"), True),)


class Roster(Base):
    """A unit's list of people for one scheme and start date."""

    organization = ForeignKeyField(Organization, backref="rosters")
    edition = ForeignKeyField(Edition, backref="rosters")
    number = TextField(unique=True)
    cover_from = DateField(index=True)
    rest_by = TextField()  # unit | person: who carries the rest of the fee
    stage = TextField(default="reading", index=True)  # reading draft submitted returned approved
    file = TextField()  # or withdrawn
    file_name = TextField()
    made_by = ForeignKeyField(User, backref="rosters")
    made_at = DateTimeField(index=True)
    people = IntegerField(default=0, index=True)  # rows to enroll: new and renewed
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


class RosterFile(Base):
    """Another file for a draft or returned roster, while a worker looks it through: the roster
    stays as it is until that is found to be one."""

    roster = ForeignKeyField(Roster, unique=True, backref="new_files")
    file = TextField()
    file_name = TextField()


class RosterJob(Base):
    """Work on a big roster that a process of its own does: reading its file, looking another one
    through to put it in its place, approving it, or forgetting its people. `worker` holds it
    while `beat_at` is fresh; `refused` is why it ended without success."""

    roster = ForeignKeyField(Roster, unique=True, backref="jobs")
    kind = TextField()  # read | look | replace | approve | forget
    by = ForeignKeyField(User)
    at = DateTimeField()  # when the deed was done
    seen = JsonField(default=list)  # subtrees whose units may be named to who asked
    phase = TextField(default="waiting")  # waiting | read | look | stage | enroll | settle | forget
    done = IntegerField(default=0)
    total = IntegerField(default=0)
    worker = TextField(default="")
    beat_at = DateTimeField(null=True)
    tries = IntegerField(default=0)  # how often a worker took it up
    cancelled = BooleanField(default=False)
    refused = TextField(default="")


class RosterEvent(Base):
    """A fact in a roster's life: uploaded, submitted, returned (why), approved, withdrawn."""

    roster = ForeignKeyField(Roster, backref="events")
    kind = TextField()
    by = ForeignKeyField(User)
    at = DateTimeField()
    on = DateField()
    note = TextField(default="")


class RosterRow(Base):
    """A staged row of a roster. Its ID, phone and card are sealed for the member it may become,
    who takes over its `ref`: approving it opens nothing."""

    ref = TextField(default=vault.new_ref)
    roster = ForeignKeyField(Roster, backref="rows", on_delete="CASCADE", index=False)
    number = IntegerField()  # the row in their file
    name = TextField(default="")
    pinyin = TextField(default="")
    sort_key = KeyField(default="")
    sex = TextField(default="")
    born_on = DateField(null=True)
    resident_id = BlobField(default=b"")
    id_index = TextField(default="")
    tail_index = TextField(default="")
    phone = BlobField(default=b"")
    bank_card = BlobField(default=b"")
    bank = TextField(default="")
    membership = TextField(default="")  # as the file says it, or ""
    facts = JsonField(default=dict)  # the enrollment facts of the scheme
    fee = BigIntegerField(default=0)
    kind = TextField()  # new | renewed | unchanged | faulty | unproven
    faults = JsonField(default=list)  # [[column's title, message], …]
    warnings = JsonField(default=list)  # [message, …]: worth a second look, not a refusal

    class Meta:
        indexes = ((("roster", "kind", "number"), False), (("roster", "id_index"), False))

    @classmethod
    def is_warned(cls) -> Any:
        """The condition that a row is worth a second look, as its partial index says it."""
        return NodeList((cls.warnings, SQL("<> '[]'")))

    def opened(self, column: str) -> str:
        """The ID, phone or card of the person it may become."""
        sealed, table = getattr(self, column), Member._meta.table_name
        return vault.current().open(sealed, table=table, column=column, row=self.ref)


RosterRow.add_index(
    SQL(
        'CREATE INDEX "roster_row_warned" ON "roster_row" ("roster_id", "number") '
        """WHERE "warnings" <> '[]'"""
    )
)


class MemberBefore(Base):
    """Somebody the office knew, as they were before an approval that does not count yet changed
    them. Gone once it counts, and when it is undone, which puts them back."""

    roster = ForeignKeyField(Roster, backref="members_before")
    member = ForeignKeyField(Member, backref="before")
    changes = JsonField()  # {column: [as it was, as it became]}; what is sealed in hex
    ended = JsonField()  # the employments that it ended
    begun = IntegerField(null=True)  # the one that it began


class Enrollment(Base):
    """One member covered by one edition for one term. It counts once its roster is approved;
    cover is in force once the roster's dues are paid (`Roster` → `Due`)."""

    organization = ForeignKeyField(Organization, backref="enrollments", index=False)  # see Meta
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
        indexes = (
            (("member", "edition", "cover_from"), True),
            (("organization", "cover_to"), False),
        )

    @classmethod
    def counts(cls) -> Any:
        """The condition that an enrollment counts: its roster, where it has one, was approved."""
        approved = Roster.select(Roster.id).where(Roster.stage == "approved")
        return cls.roster.is_null() | (cls.roster << approved)

    @classmethod
    def counted(cls) -> Any:
        """The enrollments that count."""
        return cls.select().where(cls.counts())
