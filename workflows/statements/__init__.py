"""Bank statements: what came in, whose it is, and what waits in suspense until someone decides."""

from huigong.workflows.statements.importing import (
    import_statement,
    keep_statement,
    preview,
    withdraw_statement,
)
from huigong.workflows.statements.layout import FIELDS
from huigong.workflows.statements.matching import Candidate, candidates, exact_among
from huigong.workflows.statements.settling import (
    assign,
    confirm_matches,
    note_refund,
    remaining_of,
    reverse_refund,
    take_as_income,
)

__all__ = [
    "FIELDS",
    "Candidate",
    "assign",
    "candidates",
    "confirm_matches",
    "exact_among",
    "import_statement",
    "keep_statement",
    "note_refund",
    "preview",
    "remaining_of",
    "reverse_refund",
    "take_as_income",
    "withdraw_statement",
]
