"""Rules and calculator against an independent oracle: vectors per step, and schemes made up."""

import json
import os
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import chinese_calendar
import make_vectors
import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from invented import invent
from test_calculator import SCRIPT, needs_node, under_node

from huigong import cli_scheme, clock, plans, rules
from huigong.site.build import slim
from huigong.site.calculation import calculation

VECTORS = Path(__file__).parent / "vectors"
SOURCES = {path.stem: path for path in sorted(make_vectors.SOURCES)}
EXAMPLES = int(os.environ.get("HUIGONG_EXAMPLES", "300"))


@cache
def plan_of(name: str) -> dict[str, Any]:
    return plans.compile_scheme(SOURCES[name].read_text("utf-8"), f"{name}.toml")


@cache
def vectors_of(name: str) -> list[dict[str, Any]]:
    path = VECTORS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else []


def ruled(plan: dict[str, Any], case: dict[str, Any], calendar: Any = None) -> dict[str, Any]:
    """What the command answers to a case, in the shape of a vector; earlier terms through rules.
    Like the browser it has no calendar of working days, unless one is given."""
    if case.get("earlier"):
        claims = {key: [cli_scheme._claim(claim, []) for claim in case[key]]
                  for key in ("claims", "earlier")}  # fmt: skip
        assessed = rules.assess(rules.prepare(plan, calendar), {**case, **claims})
        total = cli_scheme.plain(assessed.total)
        body = {"total": total, "claims": [cli_scheme._answer(c) for c in assessed.claims]}
    else:
        body, _ = cli_scheme.assess_json(plan, json.dumps(case), calendar)
    for claim in body["claims"]:
        claim["refused"] = sorted({refusal["field"] for refusal in claim["refused"]})
        claim["steps"] = [bare(step) for step in claim["steps"]]
        for empty in [name for name in ("steps", "refused") if not claim[name]]:
            del claim[empty]
    return body


def unexplained(plan: dict[str, Any], case: dict[str, Any]) -> list[str]:
    """What each claim pays when no steps are asked for, as a replay does."""
    read = {key: [cli_scheme._claim(claim, cli_scheme._not_covered(plan, case.get("facts") or {}))
                  for claim in case.get(key) or ()] for key in ("claims", "earlier")}  # fmt: skip
    assessed = rules.assess(plan, {**case, **read}, explain=False)
    return [cli_scheme.plain(claim.benefit) for claim in assessed.claims]


def bare(step: dict[str, Any]) -> list[Any]:
    return [step[name] for name in ("benefit_id", "stay", "before", "prior", "after")]


@pytest.mark.parametrize("name", SOURCES)
def test_the_committed_vectors_are_what_the_oracle_says_now(name):
    cure = "python tests/make_vectors.py"
    written = (VECTORS / f"{name}.json").read_text("utf-8")
    assert written == make_vectors.vectors(SOURCES[name]), cure


def test_the_vectors_stay_small_and_none_is_left_over():
    files = {path.stem: path.stat().st_size for path in VECTORS.iterdir()}
    assert set(files) == set(SOURCES)
    assert sum(files.values()) < 1_000_000


@pytest.mark.parametrize("name", SOURCES)
def test_the_rules_agree_with_every_vector_step_by_step(name):
    for vector in vectors_of(name):
        found = ruled(plan_of(name), vector["case"])
        expected = {key: vector[key] for key in ("total", "claims")}
        assert found == expected, (vector["name"], vector["case"])
        benefits = [claim["benefit"] for claim in vector["claims"]]
        assert unexplained(plan_of(name), vector["case"]) == benefits, vector["case"]


# --- the calculator: every vector whole, with its past, its dates and its refusals


def same(vector: dict[str, Any], answers: list[dict[str, Any]]) -> None:
    asked = answers[len(vector["case"].get("earlier") or ()) :]
    assert [said_of(answer) for answer in asked] == vector["claims"], vector["case"]


def said_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What the calculator says of a claim, in the shape of a vector."""
    steps = [[in_yuan(v) if n > 1 else v for n, v in enumerate(bare(s))] for s in answer["steps"]]
    found = {"benefit": in_yuan(answer["benefit"]), "steps": steps,
             "refused": sorted(answer["refused"])}  # fmt: skip
    return {name: value for name, value in found.items() if value or name == "benefit"}


def in_yuan(fen: str | None) -> str | None:
    return None if fen is None else f"{int(fen) // 100}.{int(fen) % 100:02d}"


def sent(name: str) -> dict[str, Any]:
    """A scheme and the cases of all its vectors, as calculator_runner.mjs reads them."""
    cases = [[name, vector["case"]] for vector in vectors_of(name)]
    return {"plans": {name: calculation(plan_of(name))}, "cases": cases}


@needs_node
@pytest.mark.parametrize("name", SOURCES)
def test_every_vector_is_the_same_under_node(name):
    for vector, answers in zip(vectors_of(name), under_node(sent(name)), strict=True):
        same(vector, answers)


def test_every_vector_is_the_same_in_chromium(browser):
    page = browser.new_page()
    script = SCRIPT.read_text("utf-8") + "\nglobalThis.assess = assess;"
    page.add_script_tag(content=slim(script, "js"), type="module")
    page.wait_for_function("() => Boolean(globalThis.assess)")
    for name in SOURCES:
        found = json.loads(page.evaluate(IN_PAGE, json.dumps(sent(name))))
        for vector, answers in zip(vectors_of(name), found, strict=True):
            same(vector, answers)
    page.close()


IN_PAGE = """(text) => {
  const write = (key, value) => (typeof value == "bigint" ? String(value) : value);
  const { plans, cases } = JSON.parse(text);
  return JSON.stringify(cases.map(([name, one]) => assess(plans[name], one)), write);
}"""


# --- schemes and claims made up


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_any_scheme_and_any_claims_come_out_as_the_oracle_says(dice: Random):
    agrees(dice)


def test_five_hundred_schemes_drawn_evenly_come_out_as_the_oracle_says():
    for seed in range(500):
        agrees(Random(seed))  # noqa: S311 a seeded draw of cases, no secret


def agrees(dice: Random) -> None:
    text, case = invent(dice)
    plan, scheme = plans.compile_scheme(text, "示例.toml"), oracle.load(text)
    expected = make_vectors.expected(scheme, case)
    assert ruled(plan, case) == expected, f"{text}\n{case}"
    by_work = make_vectors.expected(scheme, case, works=chinese_calendar.is_workday)
    assert ruled(plan, case, clock.after_working_days) == by_work, f"{text}\n{case}"
    assert unexplained(plan, case) == [claim["benefit"] for claim in expected["claims"]]
    assert cliffs_of(plan) == oracle.cliffs(scheme)
    assert plans.compile_scheme(plans.dump(plan)) == plan


def cliffs_of(plan: dict[str, Any]) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(c.at, 100), Fraction(c.more, 100)) for c in plans.warnings(plan)]


@pytest.mark.parametrize("name", SOURCES)
def test_every_cliff_is_exact_to_the_fen(name):
    cliffs = oracle.cliffs(oracle.load(SOURCES[name].read_text("utf-8")))
    assert cliffs_of(plan_of(name)) == cliffs
    assert bool(cliffs) == (name in ("example-bands-2024", "example-relief-2024"))


# --- what the sources print

ZHENGZHOU, ANYANG = "zhengzhou-hospital-2023", "anyang-hospital-2019"


@pytest.mark.parametrize(
    ("name", "stays", "benefit"),
    [
        (ZHENGZHOU, ["10031.00"], "6018.60"),
        (ZHENGZHOU, ["14996.00"], "8997.60"),  # cash by mistake, as the report warns
        (ANYANG, ["1000.00"], "300.00"),
        (ANYANG, ["1001.00"], "300.50"),
        (ANYANG, ["7027.00", "7027.00"], "6827.00"),  # 14,054.00 over the year
    ],
)
def test_published_benefits_come_out_of_oracle_and_rules(name, stays, benefit):
    cover = make_vectors.Cases(SOURCES[name].read_text("utf-8")).cover
    given = [{"admitted": str(cover), "place": "local", "in_scope": text} for text in stays]
    case = {"cover_from": str(cover), "claims": [{"filed_on": str(cover), "stays": given}]}
    scheme = oracle.load(SOURCES[name].read_text("utf-8"))
    assert oracle.assess(scheme, case)["total"] == benefit
    assert ruled(plan_of(name), case)["total"] == benefit


def test_the_published_two_stays_read_per_stay_need_14454_yuan():
    text = SOURCES[ANYANG].read_text("utf-8").replace('per = "term"\npay', 'per = "stay"\npay')
    stays = [{"in_scope": "7000.00"}, {"in_scope": "7454.00"}]
    case = {"cover_from": "2019-10-16", "claims": [{"filed_on": "2020-01-01", "stays": stays}]}
    assert oracle.assess(oracle.load(text), case)["total"] == "6827.00"
    assert ruled(plans.compile_scheme(text), case)["total"] == "6827.00"


@pytest.mark.parametrize(
    ("name", "people", "facts", "total", "shares"),
    [
        ("puyang-hospital-2025", 6_079, {"unit_level": "city"}, 486_320, {}),
        ("puyang-hospital-2025", 6_079, {"unit_level": "county"}, 486_320, {}),
        ("luohe-hospital-2024", 5_174, {}, 413_920, {}),
        (ANYANG, 49_231, {}, 4_430_790, {"union": 1_476_930}),
        (ZHENGZHOU, 1, {"membership": "member"}, 75, {"city": 30, "rest": 45}),
        (ZHENGZHOU, 1_000, {"membership": "non_member"}, 75_000, {"rest": 75_000}),
        ("ningbo-gonghuibao-2022", 1, {}, 68, {}),
    ],
)
def test_published_fees_come_out_of_oracle_and_rules(name, people, facts, total, shares):
    said, parts = oracle.fee(oracle.load(SOURCES[name].read_text("utf-8")), facts)
    fee = rules.fee(plan_of(name), facts)
    assert said * people == total == Fraction(fee.total * people, 100)
    assert {who: yuan * 100 for who, yuan in parts.items()} == fee.shares
    for carrier, sum_of_all in shares.items():
        assert parts[carrier] * people == sum_of_all
