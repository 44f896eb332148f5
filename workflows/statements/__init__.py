"""Bank statements: what came in, whose it is, and what waits in suspense until someone decides."""

from huigong.workflows.statements.importing import (
    import_statement,
    keep_statement,
    preview,
    withdraw_statement,
)
from huigong.workflows.statements.layout import FIELDS
from huigong.workflows.statements.matching import (
    Candidate,
    candidates,
    exact_among,
    filled,
    load_dues,
    search_dues,
)
from huigong.workflows.statements.settling import (
    Confirmed,
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
    "Confirmed",
    "assign",
    "candidates",
    "confirm_matches",
    "exact_among",
    "filled",
    "import_statement",
    "keep_statement",
    "load_dues",
    "note_refund",
    "preview",
    "remaining_of",
    "reverse_refund",
    "search_dues",
    "take_as_income",
    "withdraw_statement",
]
