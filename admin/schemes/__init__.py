"""Schemes: the editions in plain words, the editor of drafts, publishing by a second person."""

from huigong.admin.schemes import drafts, listing, publishing  # noqa: F401 they add the views
from huigong.admin.schemes.publishing import waiting
from huigong.admin.schemes.room import schemes

__all__ = ["schemes", "waiting"]
