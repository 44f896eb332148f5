"""The page's calculator is the loop of rules.assess: the same cases under node give the same, in
the same words."""

import gzip
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huigong import cli_scheme, plans, rules, sentences
from huigong.money import plain
from huigong.plans.vocabulary import STAY
from huigong.site.build import slim
from huigong.site.calculation import calculation
from huigong.workflows.schemes import shipped

SCRIPT = Path(__file__).parent.parent / "site" / "static" / "calculator.js"
RUNNER = Path(__file__).parent / "calculator_runner.mjs"
COVER = "2024-01-01"
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


def under_node(asked: dict[str, Any]) -> list[Any]:
    """What the script answers to {plans, cases}."""
    assert NODE
    done = subprocess.run(
        [NODE, str(RUNNER), str(SCRIPT)],
        input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def both(plan: dict[str, Any], cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Assess each case by rules.assess and under node; every figure, refusal and sentence must be
    the same. Answers what node said of each case's last claim."""
    found = under_node({"plans": {"it": calculation(plan)}, "cases": [["it", c] for c in cases]})
    for case, answers in zip(cases, found, strict=True):
        assert [said(answer) for answer in answers] == list(ruled(plan, case)), case
    return [answers[-1] for answers in found]


def said(answer: dict[str, Any]) -> tuple[Any, ...]:
    names = ("benefit_id", "stay", "name", "before", "prior", "after", "clause", "words")
    steps = [tuple(step[name] for name in names) for step in answer["steps"]]
    return answer["benefit"], sorted(answer["refused"]), steps


def ruled(plan: dict[str, Any], case: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    stopped = cli_scheme._not_covered(plan, case["facts"])
    claims = [cli_scheme._claim(claim, stopped) for claim in case["claims"]]
    for claim in rules.assess(plan, {**case, "claims": claims}).claims:
        steps = [
            (s.benefit_id, s.stay, s.name, str(s.before), None if s.prior is None else str(s.prior),
             str(s.after), s.clause, sentences.step_words(plan, s))
            for s in claim.steps
        ]  # fmt: skip
        yield str(claim.benefit), sorted({r.field for r in claim.refused}), steps


def a_stay(**fens: Any) -> dict[str, Any]:
    """A stay with its amounts given in fen."""
    told = {name: plain(fen) if name in AMOUNTS else fen for name, fen in fens.items()}
    return {"admitted": "2024-03-01", "discharged": "2024-03-09", "place": "local",
            "hospital_level": 3, "days": 8, **told}  # fmt: skip


def a_case(*claims: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"cover_from": COVER, "renewal": True, "facts": facts, "claims": list(claims)}


def a_claim(*stays: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"event": STAY, "filed_on": "2024-04-01", "stays": list(stays), **more}


def edges() -> list[int]:
    marks = [0, 1, 50_00, 100_00, 200_00, 250_00, 300_00, 1_000_00, 5_000_00, 8_000_00, 10_000_00,
             10_031_00, 20_000_00, 200_000_00, 10**15]  # fmt: skip
    return sorted({max(0, mark + by) for mark in marks for by in (-1, 0, 1)})


@needs_node
def test_every_shipped_scheme_gives_the_same_under_node() -> None:
    who = {"insurance": "employee", "membership": "member", "employment": "regular", "age": 43}
    for name, text in shipped():
        plan = plans.compile_scheme(text, name)
        claims = [
            a_claim(a_stay(in_scope=fen, out_of_catalogue=fen // 2, place=place))
            for fen in edges()
            for place in ("local", "away")
        ]
        claims.append(a_claim(*(a_stay(in_scope=fen, out_of_catalogue=7) for fen in (1_05, 9_95))))
        both(plan, [a_case(claim, **who) for claim in claims])


@needs_node
def test_every_form_of_step_gives_the_same_under_node() -> None:
    plan, draw = plans.compile_scheme(EVERY_FORM, "forms.toml"), random.Random(20241216)  # noqa: S311 a seeded draw of cases, no secret
    claims = [
        a_claim(a_stay(in_scope=fen, critical=0, out_of_catalogue=fen, self=fen)) for fen in edges()
    ]
    claims += [drawn(draw) for _ in range(300)]
    claims += [
        {"event": "diagnosis", "grade": grade, "filed_on": "2024-06-01"}
        for grade in ("mild", "severe", "none", None)
    ]
    claims += [
        {"event": "hardship", "self": plain(own), "paid": "100.00", "proposed": plain(proposed)}
        for own in (50_00, 100_00, 100_01, 3_000_00, 9_000_00)
        for proposed in (0, 1, 2_900_00, 2_900_01, 5_000_00, 5_000_01, 10**15)
    ]
    for years in (1, 2, 4, 5, 40):
        both(plan, [a_case(claim, years_enrolled=years) for claim in claims])


@needs_node
def test_claims_one_after_the_other_give_the_same_under_node() -> None:
    plan, draw = plans.compile_scheme(EVERY_FORM, "forms.toml"), random.Random(7)  # noqa: S311 likewise
    cases = []
    for _ in range(100):
        claims = [drawn(draw) for _ in range(draw.randint(2, 4))]
        for claim in claims[:-1]:
            if draw.random() < 0.5:
                claim["decided"] = plain(draw.choice(edges()[:30]))
        cases.append(a_case(*claims, years_enrolled=draw.choice((1, 3, 9))))
    both(plan, cases)


def drawn(draw: random.Random) -> dict[str, Any]:
    """A claim of one to three stays with any amounts."""
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
    paid = {} if draw.random() < 0.7 else {"paid": plain(draw.choice(edges()[:20]))}
    return a_claim(*stays, **paid)


@needs_node
def test_what_is_missing_or_cannot_be_read_is_named_and_never_zero() -> None:
    plan = plans.compile_scheme(dict(shipped())["zhengzhou-hospital-2023"], "x.toml")
    whole = a_stay(in_scope=10_031_00)
    wrong = ["-1", "1.234", "1e3", "", "12.", ".5", "abc", "１２", " 1", 12, 1.5]
    stays = [
        {k: v for k, v in whole.items() if k != "in_scope"},
        {k: v for k, v in whole.items() if k != "place"},
        {**whole, "place": "abroad"},
        *({**whole, "in_scope": text} for text in wrong),
    ]
    for answer in both(plan, [a_case(a_claim(stay)) for stay in stays]):
        assert answer["benefit"] == "0"
        assert set(answer["refused"]) <= {"in_scope", "place"}
        assert answer["refused"]


@needs_node
def test_a_term_from_the_last_of_february_ends_alike_under_node() -> None:
    plan = plans.compile_scheme(dict(shipped())["zhengzhou-hospital-2023"], "x.toml")
    cases = []
    for cover, last, beyond in (
        ("2024-02-29", "2025-02-28", "2025-03-01"),
        ("2023-08-01", "2024-07-31", "2024-08-01"),
    ):
        for admitted in (last, beyond):
            stay = {**a_stay(in_scope=10_031_00), "admitted": admitted, "discharged": beyond}
            cases.append({**a_case(a_claim(stay)), "cover_from": cover})
    answers = both(plan, cases)
    assert ["admitted" in answer["refused"] for answer in answers] == [False, True] * 2


@needs_node
def test_amounts_beyond_what_a_script_counts_exactly_are_exact() -> None:
    text = dict(shipped())["zhengzhou-hospital-2023"].replace("100000元", "999999999999999999.99元")
    plan = plans.compile_scheme(text, "x.toml")
    [answer] = both(plan, [a_case(a_claim(a_stay(in_scope=900_719_925_474_099_301)))])
    assert answer["benefit"] == "540431955284459581"  # 540,431,955,284,459,580.6 fen


def test_the_script_is_small_and_needs_nothing_else() -> None:
    text = SCRIPT.read_text("utf-8")
    size = len(gzip.compress(slim(text, "js").encode(), 9))
    print(f"calculator.js: {size} bytes gzipped as served")
    assert size < 3000
    assert "import " not in text
    form = SCRIPT.with_name("calculator-form.js").read_text("utf-8")
    for script in (text, form):
        assert "eval" not in script
        assert "innerHTML" not in script
