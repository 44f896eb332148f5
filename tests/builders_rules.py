"""A believable scheme and case for the tests of rules; a test states only what it is about."""

from datetime import date
from importlib.resources import files
from typing import Any

from huigong import plans, rules

HEAD = """
id = "{id}"
name = "示例计划"
enrolled = {{ from = 2023-01-01, to = 2023-12-31 }}
term = "12个月"
operator = "self"
source = "示例来源"
unstated = []
{more}
"""
BENEFIT = """
[[benefit]]
id = "hospital"
name = "住院互助金"
of = ["in_scope"]
"""


def shipped(scheme_id: str) -> dict[str, Any]:
    """The plan of an edition that comes with the package."""
    text = (files("huigong") / "schemes" / f"{scheme_id}.toml").read_text("utf-8")
    return plans.compile_scheme(text, f"{scheme_id}.toml")


def a_scheme(body: str = "", *, top: str = "", scheme_id: str = "example-2023") -> str:
    """The TOML of a scheme with these tables, and these keys at its top."""
    return HEAD.format(id=scheme_id, more=top) + body


def a_plan(*steps: str, top: str = "", benefit: str = BENEFIT, after: str = "") -> dict[str, Any]:
    """The plan of a scheme with one benefit made of these steps."""
    written = "".join(f'\n[[benefit.step]]\nname = "步骤"\n{step}\n' for step in steps)
    return plans.compile_scheme(a_scheme(benefit + written + after, top=top))


def a_stay(in_scope: int | None = 10_031_00, **more: Any) -> dict[str, Any]:
    return {
        "place": "local",
        "hospital_level": 3,
        "admitted": date(2023, 10, 1),
        "discharged": date(2023, 10, 9),
        "days": 8,
        "in_scope": in_scope,
        **more,
    }


def a_claim(*stays: dict[str, Any], filed_on: date = date(2023, 11, 1), **more: Any) -> dict:
    return {"filed_on": filed_on, "stays": list(stays) or [a_stay()], **more}


def a_case(*claims: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "cover_from": date(2023, 8, 1),
        "renewal": False,
        "facts": {"membership": "member"},
        "claims": list(claims) or [a_claim()],
        **more,
    }


def paid(plan: dict[str, Any], *claims: dict[str, Any], **more: Any) -> list[int]:
    """What each claim of a case pays, in fen; the same with and without explanation."""
    case = a_case(*claims, **more)
    told = [claim.benefit for claim in rules.assess(plan, case).claims]
    assert [claim.benefit for claim in rules.assess(plan, case, explain=False).claims] == told
    return told


def stays_paid(plan: dict[str, Any], *in_scope: int) -> list[int]:
    """What claims of one stay each pay, in fen."""
    return paid(plan, *(a_claim(a_stay(fen)) for fen in in_scope))


def refusals(plan: dict[str, Any], *claims: dict[str, Any], **more: Any) -> list[list[str]]:
    """The refused fields of each claim."""
    assessed = rules.assess(plan, a_case(*claims, **more)).claims
    return [[refusal.field for refusal in claim.refused] for claim in assessed]
