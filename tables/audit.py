"""Audit: one chained event for every deed."""

from peewee import DateTimeField, ForeignKeyField, TextField

from huigong.tables.base import Base
from huigong.tables.people import Organization, User


class AuditEvent(Base):
    """One deed, chained by hash to the one before it."""

    organization = ForeignKeyField(Organization, null=True, backref="audit", index=False)
    at = DateTimeField(index=True)
    by = ForeignKeyField(User, null=True)
    deed = TextField()
    subject = TextField(default="")  # Claim:12
    detail = TextField(default="")
    previous = TextField()
    hash = TextField(unique=True)

    class Meta:  # a deed's events, the newest first, with whose they are read off the index
        indexes = (
            (("deed", "id", "organization"), False),
            (("organization", "deed"), False),
        )
