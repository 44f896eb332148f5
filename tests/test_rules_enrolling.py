"""Who may enroll, what is asked of them, and what they pay."""

import pytest
from builders_rules import a_plan, a_scheme, shipped

from huigong import plans, rules

ZHENGZHOU = "zhengzhou-hospital-2023"
HALF = 'per = "stay"\npay = "50%"'


def test_both_ends_of_an_age_range_are_covered():
    plan = shipped(ZHENGZHOU)
    facts = {"insurance": "employee", "employment": "regular"}
    fields = {age: [r.field for r in rules.unmet(plan, {**facts, "age": age})] for age in
              (17, 18, 60, 61)}  # fmt: skip
    assert fields == {17: ["age"], 18: [], 60: [], 61: ["age"]}


def test_a_document_may_show_what_the_age_does_not():
    plan = shipped(ZHENGZHOU)
    facts = {"insurance": "employee", "employment": "regular", "age": 61}
    assert rules.unmet(plan, facts)[0].proof == "over_age"
    assert rules.unmet(plan, {**facts, "proofs": ["over_age"]}) == []


def test_a_missing_fact_is_asked_for():
    fields = [refusal.field for refusal in rules.unmet(shipped(ZHENGZHOU), {"age": 30})]
    assert fields == ["insurance", "employment"]


def test_a_unit_needs_enough_of_its_people():
    plan = a_plan(HALF, after='[group]\npeople = "10人"\nshare = "80%"\n')
    assert rules.unmet_group(plan, 10, 12) == []
    assert len(rules.unmet_group(plan, 9, 12)) == 2
    either = a_plan(HALF, after='[group]\npeople = "10人"\nshare = "80%"\neither = true\n')
    assert rules.unmet_group(either, 9, 10) == []


def test_a_fee_may_differ_by_membership_and_year():
    fee = """
[fee]
by = ["membership", "year"]
total = { member = { 2022 = "75元", "2023以上" = "80元" }, non_member = { "2022以上" = "90元" } }
"""
    plan = plans.compile_scheme(a_scheme(fee))
    assert rules.fee(plan, {"membership": "member", "year": 2022}).total == 75_00
    assert rules.fee(plan, {"membership": "member", "year": 2030}).total == 80_00
    with pytest.raises(rules.NotStated, match="参保年度"):
        rules.fee(plan, {"membership": "member"})


def test_only_what_the_plan_reads_is_asked():
    asked = [(q.name, q.scope) for q in rules.questions(shipped(ZHENGZHOU))]
    assert asked == [("place", "stay"), ("in_scope", "stay"), ("filed_on", "claim")]
    names = [q.name for q in rules.enrollment_questions(shipped(ZHENGZHOU))]
    assert names == ["membership", "age", "insurance", "employment"]


BY_YEAR = """[fee]
by = "year"
total = { "0-2024" = "80元", "2025以上" = "90元" }
share."0-2024" = { city = "30元", rest = "50元" }
share."2025以上" = { city = "30元", rest = "60元" }
"""


def test_a_fee_may_differ_by_the_year_in_which_cover_begins():
    plan = plans.compile_scheme(plans.dump(a_plan(HALF)) + BY_YEAR)
    assert rules.fee(plan, {"year": 2024}) == (80_00, {"city": 30_00, "rest": 50_00})
    assert rules.fee(plan, {"year": 2025}) == (90_00, {"city": 30_00, "rest": 60_00})
    assert plans.compile_scheme(plans.dump(plan)) == plan
