"""Organizations and people: the tree of unions, who signs in, members."""

from enum import StrEnum
from typing import Any, ClassVar

from peewee import (
    SQL,
    BlobField,
    Check,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    TextField,
    fn,
)

from huigong import vault
from huigong.tables.base import Base, KeyField, Sealed, begins


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
    stage = TextField(default="applied", index=True)  # applied | approved | refused
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


class Brake(Base):
    """How often a stranger was wrong of late, for all web processes: a vessel that each failure
    fills a little and time drains. Gone when it is empty."""

    who = TextField(unique=True)  # blind index of what was tried and the address it came from
    empty_at = DateTimeField(index=True)


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

    organization = ForeignKeyField(Organization, backref="members", index=False)  # see Meta
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

    class Meta:  # what a list sorts, narrows and holds against words is read off one index
        indexes = (
            (("sort_key", "id", "organization", "name", "pinyin"), False),  # a city's
            (("organization", "sort_key", "id", "name", "pinyin"), False),  # a unit's
            (("name", "organization", "sort_key", "id"), False),
            (("pinyin", "organization", "sort_key", "id"), False),
        )

    @classmethod
    def given_name(cls) -> Any:
        """A name without its first character, as its index says it."""
        return fn.SUBSTR(cls.name, SQL("2"))

    @staticmethod
    def index_of_id(number: str) -> str:
        """The blind index of a normalized resident ID (`id_index`, here and in a roster)."""
        return vault.current().index(number, kind="id")

    @staticmethod
    def index_of_tail(number: str) -> str:
        """The blind index of an ID's last four, of the whole ID or of those four alone. There are
        some 11,000 of them, kept short: a city's members go into its index in no order."""
        return vault.current().index(number[-4:], kind="id tail")[:12]


Member.add_index(
    SQL(
        'CREATE INDEX "member_given_name" ON "member" '
        '(SUBSTR("name", 2), "organization_id", "sort_key", "id", "name")'
    )
)


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
    id_index = TextField(index=True)  # of the right number; once approved, of the one it replaced
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

    @classmethod
    def replaced(cls) -> Any:
        """The condition, with Member joined, that `id_index` is of an ID which its member had
        before and has no more. (Earlier versions left the right number's there.)"""
        return (cls.stage == "approved") & (cls.id_index != Member.id_index)
