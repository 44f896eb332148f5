"""The page's calculator is the loop of rules.assess: the same claims under node give the same."""

import gzip
import json
import os
import random
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huigong import money, plans, rules
from huigong.plans.vocabulary import STAY
from huigong.site.build import slim
from huigong.workflows.schemes import shipped

SCRIPT = Path(__file__).parent.parent / "site" / "static" / "calculator.js"
RUNNER = Path(__file__).parent / "calculator_runner.mjs"
COVER = date(2024, 1, 1)
NODE = shutil.which("node")

if NODE is None and os.environ.get("CI"):
    raise RuntimeError("node is missing: in CI the calculator's test may not be skipped")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not on this machine")

EVERY_FORM = """
id = "demo-forms-2024"
name = "示例：各种步骤"
enrolled = { from = 2024-01-01 }
term = "12个月"
operator = "self"
source = "示例"
unstated = []
events = { diagnosis = "重大疾病", hardship = "二次救助" }
grades = { mild = "轻度", severe = "重度" }
base = { in_scope = ["deductible", "coinsurance", "class_b"] }
[[benefit]]
id = "bands"
name = "分段"
of = ["in_scope"]
less = ["critical"]
[[benefit.step]]
name = "起付"
per = "stay"
by = "hospital_level"
deductible = { 1 = "100元", 2 = "300元", 3 = "500.01元" }
[[benefit.step]]
name = "分段"
per = "stay"
by = ["place", "years_enrolled"]
[benefit.step.pay.local]
1 = [["1000元", "33.33%"], ["5000元", "50%"], ["以上", "66.67%"]]
2-4 = "55%"
"5以上" = "61.5%"
[benefit.step.pay.away]
1 = "30%"
2-4 = "40%"
"5以上" = "50%"
[[benefit.step]]
name = "最低"
per = "claim"
minimum = "50元"
[[benefit.step]]
name = "封顶"
per = "term"
cap = "8000元"
[[benefit]]
id = "whole"
name = "整段"
of = ["out_of_catalogue"]
[[benefit.step]]
name = "超过才付"
per = "stay"
threshold = "200元"
[[benefit.step]]
name = "整段"
per = "term"
rounding = "down_yuan"
whole = true
pay = [["1000元", "10%"], ["以上", "20%"]]
[[benefit]]
id = "daily"
name = "津贴"
[[benefit.step]]
name = "津贴"
per = "term"
daily = "33.33元"
days_after = "3天"
days_limit = "20天"
[[benefit]]
id = "lump"
name = "定额"
event = "diagnosis"
[[benefit.step]]
name = "按等级"
per = "claim"
by = "grade"
amount = { mild = "3000元", severe = "10000元" }
[[benefit]]
id = "relief"
name = "二次救助"
of = ["self"]
less = ["paid"]
[[benefit.step]]
name = "按金额"
per = "claim"
amount = [["10000元", "0元"], ["20000元", "1500元"], ["以上", "3000元"]]
[[benefit]]
id = "hardship"
name = "审核人确定的救助"
event = "hardship"
of = ["self"]
less = ["paid"]
[[benefit.step]]
name = "审核人在限额内确定"
per = "claim"
reviewer_up_to = "5000元"
[[pool]]
name = "共用起付"
of = ["bands", "whole"]
per = "term"
deductible = "250元"
[[pool]]
name = "共用封顶"
of = ["bands", "whole", "daily"]
per = "term"
cap = "9000元"
"""
AMOUNTS = (
    "in_scope",
    "deductible",
    "coinsurance",
    "class_b",
    "critical",
    "out_of_catalogue",
    "self",
)


def under_node(cases: list[dict[str, Any]]) -> list[Any]:
    assert NODE
    done = subprocess.run(
        [NODE, str(RUNNER), str(SCRIPT)],
        input=json.dumps(cases), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sent(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim as the runner reads it: amounts as exact text."""
    amounts = {*AMOUNTS, "paid", "proposed"}
    whole = {k: {"fen": str(v)} if k in amounts else v for k, v in claim.items() if k != "stays"}
    dates = {k: str(v) if isinstance(v, date) else v for k, v in whole.items()}
    return dates | ({"stays": [sent(stay) for stay in claim["stays"]]} if "stays" in claim else {})


def both(plan: dict[str, Any], facts: dict[str, Any], claims: list[dict[str, Any]]) -> None:
    """Assess each claim alone by rules.assess and under node; everything must be the same."""
    answers = under_node([{"plan": plan, "facts": facts, "claim": sent(claim)} for claim in claims])
    for claim, answer in zip(claims, answers, strict=True):
        case = {"cover_from": COVER, "renewal": True, "facts": facts, "claims": [claim]}
        expected = rules.assess(plan, case).claims[0]
        assert sorted({r.field for r in expected.refused}) == sorted(set(answer["refused"])), claim
        assert str(expected.benefit) == answer["benefit"], (claim, expected.steps, answer)
        steps = [(s["benefit_id"], s["stay"], s["name"], s["before"], s["prior"], s["after"])
                 for s in answer["steps"]]  # fmt: skip
        assert steps == [
            (s.benefit_id, s.stay, s.name, str(s.before), None if s.prior is None else str(s.prior),
             str(s.after))
            for s in expected.steps
        ]  # fmt: skip


def a_stay(**more: Any) -> dict[str, Any]:
    return {"admitted": date(2024, 3, 1), "discharged": date(2024, 3, 9), "place": "local",
            "hospital_level": 3, "days": 8, **more}  # fmt: skip


def a_claim(*stays: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"event": STAY, "filed_on": date(2024, 6, 1), "stays": list(stays), **more}


def edges() -> list[int]:
    marks = [0, 1, 50_00, 100_00, 200_00, 250_00, 300_00, 1_000_00, 5_000_00, 8_000_00, 10_000_00,
             10_031_00, 20_000_00, 200_000_00, 10**15]  # fmt: skip
    return sorted({max(0, mark + by) for mark in marks for by in (-1, 0, 1)})


@needs_node
def test_every_shipped_scheme_gives_the_same_under_node() -> None:
    for name, text in shipped():
        plan = plans.compile_scheme(text, name)
        claims = [
            a_claim(a_stay(in_scope=fen, out_of_catalogue=fen // 2, place=place))
            for fen in edges()
            for place in ("local", "away")
        ]
        claims.append(a_claim(*(a_stay(in_scope=fen, out_of_catalogue=7) for fen in (1_05, 9_95))))
        if plan["benefit"]:
            both(plan, {"insurance": "employee", "membership": "member"}, claims)


@needs_node
def test_every_form_of_step_gives_the_same_under_node() -> None:
    plan, draw = plans.compile_scheme(EVERY_FORM, "forms.toml"), random.Random(20241216)  # noqa: S311 a seeded draw of cases, no secret
    claims = []
    for fen in edges():
        claims.append(a_claim(a_stay(in_scope=fen, critical=0, out_of_catalogue=fen, self=fen)))
    for _ in range(300):
        stays = []
        for _ in range(draw.randint(1, 3)):
            amounts = {name: draw.choice(edges()[:36]) for name in AMOUNTS}
            if draw.random() < 0.5:
                del amounts["in_scope"]
            amounts["critical"] = draw.choice([0, 0, 50_00, 10**7])
            stays.append(
                a_stay(
                    **amounts,
                    days=draw.choice([0, 1, 3, 4, 8, 22, 23, 24, 400]),
                    place=draw.choice(["local", "away"]),
                    hospital_level=draw.choice([1, 2, 3]),
                )
            )
        paid = {} if draw.random() < 0.7 else {"paid": draw.choice(edges()[:20])}
        claims.append(a_claim(*stays, **paid))
    claims += [
        {"event": "diagnosis", "grade": grade, "filed_on": date(2024, 6, 1)}
        for grade in ("mild", "severe", "none", None)
    ]
    claims += [
        {"event": "hardship", "self": own, "paid": 100_00, "proposed": proposed}
        for own in (50_00, 100_00, 100_01, 3_000_00, 9_000_00)
        for proposed in (0, 1, 2_900_00, 2_900_01, 5_000_00, 5_000_01, 10**15)
    ]
    for years in (1, 2, 4, 5, 40):
        both(plan, {"years_enrolled": years}, claims)


@needs_node
def test_what_is_missing_or_negative_is_named_and_never_zero() -> None:
    plan = plans.compile_scheme(dict(shipped())["zhengzhou-hospital-2023"], "x.toml")
    whole = a_stay(in_scope=10_031_00)
    claims = [
        a_claim({k: v for k, v in whole.items() if k != "in_scope"}),
        a_claim({k: v for k, v in whole.items() if k != "place"}),
        a_claim({**whole, "place": "abroad"}),
        a_claim({**whole, "in_scope": -1}),
    ]
    both(plan, {}, claims)


@needs_node
def test_amounts_are_read_exactly_or_not_at_all() -> None:
    good = {
        "53,417": 5341700,
        " 10031.5元": 1003150,
        "0": 0,
        "9007199254740993.01": 900719925474099301,
    }
    bad = ["1.234", "-5", "1e3", "", "12.", "abc", ".5"]
    answers = under_node([{"text": text} for text in [*good, *bad]])
    assert [a["fen"] for a in answers] == [str(fen) for fen in good.values()] + [None] * len(bad)
    assert [a["back"] for a in answers[: len(good)]] == [money.yuan(fen) for fen in good.values()]


def test_the_script_is_small_and_needs_nothing_else() -> None:
    text = SCRIPT.read_text("utf-8")
    size = len(gzip.compress(slim(text).encode(), 9))
    print(f"calculator.js: {size} bytes gzipped as served")
    assert size < 3000
    assert "import " not in text
    assert "eval" not in text
    assert "innerHTML" not in text
