"""Claims: the list, filing beside a live calculation, reviewing, deciding, and the notices."""

from huigong.admin.claims import (  # noqa: F401 they add the views
    filing,
    judging,
    listing,
    notices,
    reconsidering,
)
from huigong.admin.claims.listing import waiting
from huigong.admin.claims.room import claims

__all__ = ["claims", "waiting"]
