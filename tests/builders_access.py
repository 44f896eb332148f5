"""A row of any model, at any organization: only what the database demands is filled in."""

import itertools
from typing import Any

import peewee
from builders import NOW, TODAY, a_unit, a_user

from huigong.models import Base, JsonField, Organization, User

_numbers = itertools.count(1)


def a_row(model: type[Base], at: Organization) -> Base:
    """A row of `model` that belongs to `at`, with the rows it must refer to."""
    if model is Organization:
        return at
    if model is User:
        return a_user(at=at)
    given = {
        field.name: _value(field, at)
        for field in model._meta.sorted_fields
        if not isinstance(field, peewee.AutoField) and not field.null and field.default is None
    }
    return model.create(**given)


def _value(field: peewee.Field, at: Organization) -> Any:
    if isinstance(field, peewee.ForeignKeyField):
        whole = field.rel_model is Organization
        return (at if field.name == "organization" else a_unit(at)) if whole else a_row(
            field.rel_model, at
        )  # fmt: skip
    if isinstance(field, JsonField):
        return {}
    if isinstance(field, peewee.DateTimeField):
        return NOW
    if isinstance(field, peewee.DateField):
        return TODAY
    if isinstance(field, peewee.BlobField):
        return b""
    if isinstance(field, peewee.IntegerField):
        return 1
    return f"x{next(_numbers)}"
