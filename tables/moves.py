"""Between two rosters: leaving, moving, proofs of age, openings."""

from typing import ClassVar

from peewee import (
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
from huigong.tables.cover import Roster
from huigong.tables.people import Member, Organization, User


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
    stage = TextField(default="checked", index=True)  # reading | checked | booked | withdrawn
    rows = IntegerField(default=0)
    amount = BigIntegerField(default=0)  # fen: fees, payments or benefits
    by = ForeignKeyField(User, backref="kept_openings")
    at = DateTimeField()
    booked_by = ForeignKeyField(User, null=True, backref="booked_openings")
    booked_at = DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [Check("booked_by_id IS NULL OR booked_by_id <> by_id")]


class OpeningJob(Base):
    """An opening's workbook that a process of its own reads or books, as a RosterJob is a roster's;
    `faults` are what is wrong with it, for its page. Or nobody's work: what its check found worth
    a second look, kept until it is booked (`doubts`)."""

    opening = ForeignKeyField(Opening, unique=True, backref="jobs")
    kind = TextField()  # check | book | doubts
    by = ForeignKeyField(User)
    at = DateTimeField()
    phase = TextField(default="waiting")  # waiting | check | book
    done = IntegerField(default=0)
    total = IntegerField(default=0)
    worker = TextField(default="")
    beat_at = DateTimeField(null=True)
    tries = IntegerField(default=0)
    cancelled = BooleanField(default=False)
    refused = TextField(default="")
    faults = JsonField(default=list)
