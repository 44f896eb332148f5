"""A scheme's plan → fee, requirements and an assessment in steps.

Pure: whole fen and basis points in, steps out; no files, clock or database. The explanation a
member reads, the policy page, the calculator, the decision and a replay come from these same
evaluated steps.
"""

from huigong.rules.admission import Refusal, day, last_day
from huigong.rules.assessment import AssessedClaim, Assessment, Step, assess
from huigong.rules.cover import (
    Fee,
    NotStated,
    Question,
    check_settlement,
    enrollment_questions,
    fee,
    last_filing_day,
    questions,
    unmet,
    unmet_group,
    unstated,
)
from huigong.rules.curves import Plan, Rule, prepare

__all__ = [
    "AssessedClaim",
    "Assessment",
    "Fee",
    "NotStated",
    "Plan",
    "Question",
    "Refusal",
    "Rule",
    "Step",
    "assess",
    "check_settlement",
    "day",
    "enrollment_questions",
    "fee",
    "last_day",
    "last_filing_day",
    "prepare",
    "questions",
    "unmet",
    "unmet_group",
    "unstated",
]
