"""Claims: filing, supplementing, reviewing and deciding a member's request for a benefit."""

from huigong.workflows.claims.asking import events_of, reads_paid, sets_amount
from huigong.workflows.claims.checking import (
    MOST_STAYS,
    asked_of,
    faults,
    field_of,
    missing_papers,
    required_papers,
)
from huigong.workflows.claims.deciding import decide_claim, return_claim, review_claim
from huigong.workflows.claims.filing import (
    file_claim,
    filers_of,
    refile_claim,
    settled_facts,
    stage_for_member,
)
from huigong.workflows.claims.limits import (
    UNPUBLISHED,
    counts_words,
    last_filing_day,
    waiting_words,
)
from huigong.workflows.claims.papers import ABANDONED_AFTER, read_paper, sweep_papers
from huigong.workflows.claims.reckoning import (
    ceiling,
    paid_so_far,
    proposal_ceiling,
    reckon,
    reckon_claim,
    remaining,
    stays_of,
    worded,
)
from huigong.workflows.claims.reconsidering import (
    answer_reconsideration,
    ask_reconsideration,
    hindrance_to_revoke,
    open_reconsideration,
    revoked_of,
)
from huigong.workflows.claims.sendings import replies_of, sendings_of

__all__ = [
    "ABANDONED_AFTER",
    "MOST_STAYS",
    "UNPUBLISHED",
    "answer_reconsideration",
    "ask_reconsideration",
    "asked_of",
    "ceiling",
    "counts_words",
    "decide_claim",
    "events_of",
    "faults",
    "field_of",
    "file_claim",
    "filers_of",
    "hindrance_to_revoke",
    "last_filing_day",
    "missing_papers",
    "open_reconsideration",
    "paid_so_far",
    "proposal_ceiling",
    "read_paper",
    "reads_paid",
    "reckon",
    "reckon_claim",
    "refile_claim",
    "remaining",
    "replies_of",
    "required_papers",
    "return_claim",
    "review_claim",
    "revoked_of",
    "sendings_of",
    "sets_amount",
    "settled_facts",
    "stage_for_member",
    "stays_of",
    "sweep_papers",
    "waiting_words",
    "worded",
]
