"""Bank statements: uploaded, understood, confirmed in bulk, and each line decided."""

from huigong.admin.statements import elsewhere, matching, uploading  # noqa: F401 they add the views
from huigong.admin.statements.room import statements
from huigong.admin.statements.uploading import waiting

__all__ = ["statements", "waiting"]
