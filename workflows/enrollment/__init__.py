"""Enrollment: from somebody's spreadsheet to people covered by a scheme."""

from huigong.workflows.enrollment.approval import accept_shares, approve_roster
from huigong.workflows.enrollment.drafts import draft_roster, editions_for, kinds, restage_roster
from huigong.workflows.enrollment.jobs import (
    approve_in_background,
    draft_in_background,
    job_of,
    restage_in_background,
    stop,
)
from huigong.workflows.enrollment.rosters import return_roster, submit_roster, withdraw_roster

__all__ = [
    "accept_shares",
    "approve_in_background",
    "approve_roster",
    "draft_in_background",
    "draft_roster",
    "editions_for",
    "job_of",
    "kinds",
    "restage_in_background",
    "restage_roster",
    "return_roster",
    "stop",
    "submit_roster",
    "withdraw_roster",
]
