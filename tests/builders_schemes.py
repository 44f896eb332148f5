"""Published editions for tests, from the shipped scheme files; each file is compiled once."""

from copy import deepcopy
from functools import cache
from typing import Any

from builders import NOW

from huigong.models import Edition, Organization
from huigong.plans import compile_scheme
from huigong.workflows import schemes


@cache
def _compiled(code: str) -> dict[str, Any]:
    return compile_scheme(dict(schemes.shipped())[code], f"{code}.toml")


def a_published_edition(code: str, city: Organization) -> Edition:
    """The shipped edition `code` (puyang-hospital-2025), published by `city`."""
    plan = deepcopy(_compiled(code))
    return schemes.new_edition(plan, organization=city, drafted_by=None, by=None, at=NOW)
