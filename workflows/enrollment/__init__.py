"""Enrollment: from somebody's spreadsheet to people covered by a scheme."""

from huigong.workflows.enrollment.approval import approve_roster
from huigong.workflows.enrollment.drafts import draft_roster, editions_for, kinds, restage_roster
from huigong.workflows.enrollment.rosters import return_roster, submit_roster, withdraw_roster

__all__ = [
    "approve_roster",
    "draft_roster",
    "editions_for",
    "kinds",
    "restage_roster",
    "return_roster",
    "submit_roster",
    "withdraw_roster",
]
