"""Claims: filing, supplementing, reviewing and deciding a member's request for a benefit."""

from huigong.workflows.claims.checking import faults, field_of, missing_papers, required_papers
from huigong.workflows.claims.deciding import decide_claim, return_claim, review_claim
from huigong.workflows.claims.filing import (
    file_claim,
    filers_of,
    read_paper,
    refile_claim,
    stage_for_member,
)
from huigong.workflows.claims.reckoning import ceiling, reckon, reckon_claim, stays_of, worded

__all__ = [
    "ceiling",
    "decide_claim",
    "faults",
    "field_of",
    "file_claim",
    "filers_of",
    "missing_papers",
    "read_paper",
    "reckon",
    "reckon_claim",
    "refile_claim",
    "required_papers",
    "return_claim",
    "review_claim",
    "stage_for_member",
    "stays_of",
    "worded",
]
