"""Bank statements: what came in, whose it is, and what waits in suspense until someone decides."""

from huigong.workflows.statements.importing import (
    NO_BANK,
    drop_statement,
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
from huigong.workflows.statements.returns import (
    Returned,
    lines_undone,
    returned_payouts,
    reverse_return,
    take_as_return,
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
    "NO_BANK",
    "Candidate",
    "Confirmed",
    "Returned",
    "assign",
    "candidates",
    "confirm_matches",
    "drop_statement",
    "exact_among",
    "filled",
    "import_statement",
    "keep_statement",
    "lines_undone",
    "load_dues",
    "note_refund",
    "preview",
    "remaining_of",
    "returned_payouts",
    "reverse_refund",
    "reverse_return",
    "search_dues",
    "take_as_income",
    "take_as_return",
    "withdraw_statement",
]
