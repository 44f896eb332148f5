"""Published figures, every form of a step, totals over a span, refusals."""

from datetime import date

import pytest
from builders_rules import (
    BENEFIT,
    a_case,
    a_claim,
    a_plan,
    a_scheme,
    a_stay,
    paid,
    refusals,
    shipped,
    stays_paid,
)

from huigong import clock, plans, rules

ZHENGZHOU = "zhengzhou-hospital-2023"
ANYANG = "anyang-hospital-2019"
NINGBO = "ningbo-gonghuibao-2022"


class TestPublishedFigures:
    def test_the_published_claim_pays_6018_60(self):
        assert stays_paid(shipped(ZHENGZHOU), 10_031_00) == [6_018_60]

    def test_treatment_out_of_town_pays_half(self):
        assert paid(shipped(ZHENGZHOU), a_claim(a_stay(place="away"))) == [5_015_50]

    @pytest.mark.parametrize(("base", "benefit"), [(1_000_00, 300_00), (1_001_00, 300_50)])
    def test_anyang_pays_marginal_bands(self, base, benefit):
        assert stays_paid(shipped(ANYANG), base) == [benefit]

    def test_anyang_two_stays_over_the_year_pay_6827(self):
        two = a_claim(a_stay(7_000_00), a_stay(7_054_00))
        assert paid(shipped(ANYANG), two) == [6_827_00]
        assert sum(stays_paid(shipped(ANYANG), 7_000_00, 7_054_00)) == 6_827_00

    def test_anyang_per_stay_reading_needs_14454(self):
        plan = a_plan('per = "stay"\npay = [["1000元", "30%"], ["以上", "50%"]]')
        assert paid(plan, a_claim(a_stay(7_000_00), a_stay(7_454_00))) == [6_827_00]

    @pytest.mark.parametrize(
        ("scheme", "people", "facts", "total", "carrier", "share"),
        [
            (
                "puyang-hospital-2025",
                6_079,
                {"unit_level": "county"},
                486_320_00,
                "county",
                60_790_00,
            ),
            ("luohe-hospital-2024", 5_174, {}, 413_920_00, None, None),
            (ANYANG, 49_231, {}, 4_430_790_00, "union", 1_476_930_00),
        ],
    )
    def test_published_sums_of_fees(self, scheme, people, facts, total, carrier, share):
        fee = rules.fee(shipped(scheme), facts)
        assert fee.total * people == total
        assert not carrier or fee.shares[carrier] * people == share

    def test_puyang_shares_differ_by_the_units_level(self):
        plan = shipped("puyang-hospital-2025")
        assert rules.fee(plan, {"unit_level": "city"}).shares == {"city": 30_00, "rest": 50_00}
        assert rules.fee(plan, {"unit_level": "county"}).shares == {
            "city": 20_00, "county": 10_00, "rest": 50_00,
        }  # fmt: skip

    def test_ningbo_deducts_each_base_and_shares_one_cap(self):
        plan = shipped(NINGBO)
        small = a_claim(a_stay(20_000_01, out_of_catalogue=20_000_04))
        assert paid(plan, small) == [1 + 3]
        large = a_claim(a_stay(2_019_999_99, out_of_catalogue=20_010_00))
        assessed = rules.assess(plan, a_case(large)).claims[0]
        assert assessed.benefit == 2_000_000_00
        assert assessed.shares == {"in_catalogue": 1_999_999_99, "out_of_catalogue": 1}

    @pytest.mark.parametrize(
        "scheme", ["zhengzhou-critical-2022", "puyang-hospital-2025", "luohe-hospital-2024"]
    )
    def test_what_the_source_does_not_state_is_refused(self, scheme):
        claim = rules.assess(shipped(scheme), a_case()).claims[0]
        assert (claim.benefit, claim.refused[0].field) == (0, "benefit")
        assert "以当地工会最新通知为准" in claim.refused[0].message

    def test_a_fee_the_source_does_not_state_is_not_invented(self):
        with pytest.raises(rules.NotStated):
            rules.fee(shipped("zhengzhou-critical-2022"), {})


class TestForms:
    def test_an_upper_bound_belongs_to_its_band(self):
        plan = a_plan('per = "stay"\nwhole = true\npay = [["1000元", "30%"], ["以上", "50%"]]')
        assert stays_paid(plan, 1_000_00, 1_000_01) == [300_00, 500_01]

    def test_half_a_fen_rounds_up_once_per_step(self):
        plan = a_plan('per = "stay"\npay = "50%"', 'per = "claim"\npay = "50%"')
        assert stays_paid(plan, 1, 2, 3, 5) == [1, 1, 1, 2]

    @pytest.mark.parametrize(
        ("rounding", "benefit"),
        [("down", 33), ("up", 34), ("half_up", 33), ("up_yuan", 100), ("down_yuan", 0)],
    )
    def test_a_scheme_may_round_otherwise(self, rounding, benefit):
        plan = a_plan(f'per = "stay"\npay = "33.33%"\nrounding = "{rounding}"')
        assert stays_paid(plan, 1_00) == [benefit]

    def test_a_threshold_pays_nothing_until_exceeded_then_from_the_first_fen(self):
        plan = a_plan('per = "stay"\nthreshold = "1000元"')
        assert stays_paid(plan, 1_000_00, 1_000_01) == [0, 1_000_01]

    def test_a_threshold_over_the_term_pays_what_was_held_back(self):
        plan = a_plan('per = "term"\nthreshold = "1000元"')
        assert stays_paid(plan, 600_00, 600_00, 1_00) == [0, 1_200_00, 1_00]

    def test_bands_over_the_term_go_on_where_the_last_claim_stopped(self):
        plan = a_plan('per = "term"\npay = [["1000元", "30%"], ["以上", "50%"]]')
        assert stays_paid(plan, 600_00, 600_00) == [180_00, 120_00 + 100_00]

    @pytest.mark.parametrize(
        ("per", "benefits"),
        [("stay", [0, 0]), ("claim", [100_00, 100_00]), ("term", [100_00, 1_100_00])],
    )
    def test_a_deductible_at_each_span(self, per, benefits):
        plan = a_plan(f'per = "{per}"\ndeductible = "1000元"')
        claim = a_claim(a_stay(500_00), a_stay(600_00))
        assert paid(plan, claim, claim) == benefits

    def test_a_minimum_needs_a_base_and_yields_to_a_later_cap(self):
        steps = ['per = "stay"\npay = "10%"', 'per = "stay"\nminimum = "50元"']
        plan = a_plan(*steps, 'per = "claim"\ncap = "80元"')
        assert stays_paid(plan, 0, 1, 10_000_00) == [0, 50_00, 80_00]
        assert paid(plan, a_claim(a_stay(1), a_stay(1))) == [80_00]

    def test_a_rate_by_two_facts(self):
        levels = '1 = "90%", 2 = "80%", 3 = "70%"'
        away = '1 = "60%", 2 = "50%", 3 = "40%"'
        plan = a_plan(
            'per = "stay"\nby = ["place", "hospital_level"]\n'
            f"pay = {{ local = {{ {levels} }}, away = {{ {away} }} }}"
        )
        assert paid(plan, a_claim(a_stay(100_00, hospital_level=2))) == [80_00]
        assert paid(plan, a_claim(a_stay(100_00, place="away", hospital_level=1))) == [60_00]

    @pytest.mark.parametrize(("years", "benefit"), [(1, 50), (2, 60), (4, 60), (5, 70), (40, 70)])
    def test_a_rate_by_years_enrolled(self, years, benefit):
        plan = a_plan(
            'per = "stay"\nby = "years_enrolled"\npay = { 1 = "50%", 2-4 = "60%", "5以上" = "70%" }'
        )
        assert paid(plan, a_claim(a_stay(1_00)), facts={"years_enrolled": years}) == [benefit]

    def test_a_lump_sum_by_event_and_grade(self):
        plan = a_plan(
            'per = "claim"\nby = "grade"\namount = { mild = "3000元", severe = "10000元" }',
            top='[events]\ndiagnosis = "确诊"\n[grades]\nmild = "轻度"\nsevere = "重度"',
            benefit='[[benefit]]\nid = "lump"\nname = "定额"\nevent = "diagnosis"\n',
        )
        claim = {"event": "diagnosis", "grade": "severe"}
        assert paid(plan, claim) == [10_000_00]
        assert refusals(plan, {"event": "diagnosis"}, a_claim()) == [["grade"], ["event"]]

    def test_a_daily_allowance_with_its_limit_of_days_over_the_term(self):
        plan = a_plan(
            'per = "term"\nby = "years_enrolled"\ndaily = { 1 = "50元", "2以上" = "60元" }\n'
            'days_after = "3天"\ndays_limit = "10天"',
            benefit='[[benefit]]\nid = "daily"\nname = "津贴"\n',
        )
        claims = [a_claim(a_stay(days=5)), a_claim(a_stay(days=4), a_stay(days=9))]
        assert paid(plan, *claims, facts={"years_enrolled": 2}) == [120_00, 480_00]

    def test_a_daily_allowance_per_stay(self):
        plan = a_plan(
            'per = "stay"\ndaily = "50元"\ndays_limit = "10天"',
            benefit='[[benefit]]\nid = "daily"\nname = "津贴"\n',
        )
        assert paid(plan, a_claim(a_stay(days=8), a_stay(days=30))) == [900_00]

    def test_a_table_of_amounts_by_bands(self):
        plan = a_plan(
            'per = "claim"\n'
            'amount = [["10000元", "0元"], ["20000元", "1500元"], ["以上", "3000元"]]'
        )
        assert stays_paid(plan, 10_000_00, 10_000_01, 20_000_01) == [0, 1_500_00, 3_000_00]

    def test_a_base_may_be_a_sum_less_other_parts(self):
        plan = a_plan(
            'per = "stay"\npay = "50%"',
            benefit=BENEFIT.replace('of = ["in_scope"]', 'of = ["total"]\nless = ["pooled"]'),
        )
        assert paid(plan, a_claim(a_stay(total=500_00, pooled=300_00))) == [100_00]
        assert refusals(plan, a_claim(a_stay(total=500_00, pooled=500_01))) == [["pooled"]]

    def test_in_scope_is_summed_from_the_parts_the_base_names(self):
        parts = {"deductible": 900_00, "coinsurance": 9_000_00, "class_b": 131_00}
        assert paid(shipped(ZHENGZHOU), a_claim(a_stay(None, **parts))) == [6_018_60]
        del parts["class_b"]
        assert refusals(shipped(ZHENGZHOU), a_claim(a_stay(None, **parts))) == [["in_scope"]]

    def test_amounts_of_a_quadrillion_fen_are_exact(self):
        plan = a_plan('per = "stay"\npay = "33.33%"')
        assert stays_paid(plan, 10**15 + 3) == [333_300_000_000_001]


RELIEF = """
[[benefit]]
id = "relief"
name = "二次救助"
event = "{event}"
of = ["in_scope"]
less = ["paid"]
times = {{ limit = 1, per = "{per}" }}
[[benefit.step]]
name = "分档"
per = "claim"
{step}
"""
BANDS = 'amount = [["1000元", "0元"], ["以上", "500元"]]'
HALF = 'per = "stay"\npay = "50%"'


class TestRelief:
    def test_relief_is_computed_from_what_remains_after_the_benefit(self):
        plan = a_plan(HALF, after=RELIEF.format(event="stay", per="term", step=BANDS))
        one = rules.assess(plan, a_case(a_claim(a_stay(2_000_00)))).claims[0]
        assert one.shares == {"hospital": 1_000_00, "relief": 0}
        two = rules.assess(plan, a_case(a_claim(a_stay(2_000_02)))).claims[0]
        assert two.shares == {"hospital": 1_000_01, "relief": 500_00}

    def test_relief_once_a_term_is_not_paid_again(self):
        plan = a_plan(HALF, after=RELIEF.format(event="stay", per="term", step=BANDS))
        assert stays_paid(plan, 100_00, 4_000_00, 4_000_00) == [50_00, 2_500_00, 2_000_00]

    def test_relief_set_by_a_reviewer_stays_under_its_ceiling(self):
        step = 'reviewer_up_to = "5000元"'
        relief = RELIEF.format(event="relief", per="life", step=step)
        plan = a_plan(HALF, top='[events]\nrelief = "二次救助"', after=relief)

        def asking(fen, **more):
            return {"event": "relief", "in_scope": 30_000_00, "proposed": fen, **more}

        assert paid(plan, a_claim(a_stay(30_000_00)), asking(6_000_00)) == [15_000_00, 5_000_00]
        assert paid(plan, asking(4_000_00, paid=29_000_00)) == [1_000_00]
        assert refusals(plan, asking(4_000_00)) == [["paid"]]
        assert refusals(plan, asking(None, paid=0)) == [["proposed"]]
        before = asking(100_00, paid=0) | {"cover_from": "2022-08-01"}
        assert refusals(plan, asking(100_00, paid=0), earlier=[before]) == [["event"]]


class TestSpans:
    CAP = 'per = "term"\ncap = "1000元"'

    def test_a_stay_that_reaches_the_cap_in_its_middle_is_paid_in_part(self):
        plan = a_plan(HALF, self.CAP)
        assert stays_paid(plan, 1_900_00, 400_00, 400_00) == [950_00, 50_00, 0]

    def test_a_cap_counts_what_was_decided_not_what_was_computed(self):
        plan = a_plan(HALF, self.CAP)
        cut = a_claim(a_stay(1_900_00), decided=100_00)
        raised = a_claim(a_stay(1_900_00), decided=990_00)
        assert paid(plan, cut, a_claim(a_stay(1_900_00))) == [950_00, 900_00]
        assert paid(plan, raised, a_claim(a_stay(1_900_00))) == [950_00, 10_00]

    def test_a_pool_counts_what_was_decided(self):
        plan = shipped(NINGBO)
        large = a_stay(1_520_000_00, out_of_catalogue=0)
        decided = a_claim(large, decided=1_999_999_00)
        assert paid(plan, decided, a_claim(large)) == [1_500_000_00, 1_00]

    def test_a_refused_claim_that_was_decided_still_uses_the_cap(self):
        plan = a_plan(HALF, self.CAP)
        decided = a_claim(a_stay(None), decided=990_00)
        assert paid(plan, decided, a_claim(a_stay(1_900_00))) == [0, 10_00]

    def test_a_calendar_year_starts_anew_and_a_life_does_not(self):
        spring = a_stay(4_000_00, admitted=date(2024, 1, 2), discharged=date(2024, 1, 5))
        claims = (a_claim(a_stay(4_000_00)), a_claim(spring, filed_on=date(2024, 2, 1)))
        year = a_plan(HALF, 'per = "year"\ncap = "1000元"')
        life = a_plan(HALF, 'per = "life"\ncap = "1500元"', 'per = "term"\ncap = "1000元"')
        assert paid(year, *claims) == [1_000_00, 1_000_00]
        before = {**a_claim(a_stay(4_000_00, admitted=None)), "cover_from": date(2022, 8, 1)}
        assert paid(life, a_claim(a_stay(4_000_00)), earlier=[before]) == [500_00]

    @pytest.mark.parametrize("discharged", ["gestern", None])
    def test_a_calendar_year_needs_a_readable_date(self, discharged):
        plan = a_plan(HALF, 'per = "year"\ncap = "1000元"')
        claim = a_claim(a_stay(discharged=discharged), filed_on=None)
        assert refusals(plan, claim) == [["discharged"]]
        assert paid(plan, {**claim, "decided": 5_00}) == [0]

    def test_a_deductible_shared_by_two_benefits(self):
        other = '[[benefit]]\nid = "other"\nname = "目录外"\nof = ["out_of_catalogue"]\n'
        pool = (
            '[[pool]]\nname = "共用起付线"\nof = ["hospital", "other"]\n'
            'per = "term"\ndeductible = "1000元"\n'
        )
        rate = '[[benefit.step]]\nname = "比例"\nper = "stay"\npay = "{}"\n'
        after = other + rate.format("10%") + pool
        plan = a_plan('per = "stay"\npay = "100%"', after=after)
        claim = a_claim(a_stay(600_00, out_of_catalogue=500_00))
        assert paid(plan, claim, claim) == [10_00, 650_00]


class TestRefusals:
    def test_a_third_claim_in_one_term_is_refused_and_the_others_are_paid(self):
        plan = shipped(ZHENGZHOU)
        assert stays_paid(plan, 100_00, 100_00, 100_00) == [60_00, 60_00, 0]
        assert refusals(plan, a_claim(), a_claim(), a_claim()) == [[], [], ["filed_on"]]

    @pytest.mark.parametrize(
        ("filed", "fields"),
        [
            ([date(2024, 7, 31), date(2024, 8, 1)], [[], ["filed_on"]]),
            ([date(2024, 8, 1), date(2024, 8, 2)], [[], ["filed_on"]]),
            ([date(2024, 8, 1)], [[]]),
        ],
    )
    def test_one_claim_after_the_term_instead_of_those_during_it(self, filed, fields):
        claims = [a_claim(filed_on=day) for day in filed]
        assert refusals(shipped(ZHENGZHOU), *claims) == fields

    def test_a_refused_claim_does_not_use_up_the_number_of_claims(self):
        faulty = a_claim(a_stay(None))
        fields = refusals(shipped(ZHENGZHOU), faulty, a_claim(), a_claim())
        assert fields == [["in_scope"], [], []]

    @pytest.mark.parametrize(
        ("stay", "field"),
        [
            ({"in_scope": None}, "in_scope"),
            ({"in_scope": -1}, "in_scope"),
            ({"in_scope": 1.5}, "in_scope"),
            ({"place": None}, "place"),
            ({"place": "mars"}, "place"),
            ({"admitted": date(2023, 7, 31)}, "admitted"),
            ({"admitted": date(2024, 8, 1)}, "admitted"),
            ({"admitted": "gestern"}, "admitted"),
        ],
    )
    def test_what_is_missing_or_wrong_is_named_never_assumed(self, stay, field):
        assert refusals(shipped(ZHENGZHOU), a_claim(a_stay(**stay))) == [[field]]

    def test_all_that_is_missing_is_named_at_once(self):
        claim = a_claim(a_stay(None, place=None))
        assert refusals(shipped(ZHENGZHOU), claim) == [["in_scope", "place"]]

    def test_a_stay_begun_on_the_last_day_of_the_term_is_covered(self):
        claim = a_claim(a_stay(admitted=date(2024, 7, 31)), filed_on=date(2024, 8, 20))
        assert refusals(shipped(ZHENGZHOU), claim) == [[]]

    @pytest.mark.parametrize(
        ("first", "months", "last"),
        [
            (date(2023, 8, 1), 12, date(2024, 7, 31)),
            (date(2024, 2, 29), 12, date(2025, 2, 28)),  # no such day: the month's last ends it
            (date(2024, 8, 31), 6, date(2025, 2, 28)),
            (date(2023, 8, 31), 6, date(2024, 2, 29)),
            (date(2024, 5, 31), 1, date(2024, 6, 30)),
            (date(2024, 1, 31), 2, date(2024, 3, 30)),
        ],
    )
    def test_a_term_ends_the_day_before_its_like_or_with_a_shorter_month(self, first, months, last):
        assert rules.last_day(first, months) == last

    def test_amounts_the_plan_does_not_read_are_not_asked_for(self):
        claim = {"filed_on": "2023-11-01", "stays": [{"place": "local", "in_scope": 100}]}
        assert paid(shipped(ZHENGZHOU), claim) == [60]

    def test_a_first_enrollment_waits_and_a_renewal_does_not(self):
        plan = a_plan(HALF, top='waiting = "30天"')
        early = a_claim(a_stay(100_00, admitted=date(2023, 8, 30)))
        late = a_claim(a_stay(100_00, admitted=date(2023, 8, 31)))
        assert refusals(plan, early, late) == [["admitted"], []]
        assert paid(plan, early, renewal=True) == [50_00]

    def test_a_filing_limit_in_calendar_days(self):
        plan = a_plan(HALF, after='[filing]\nwithin = "60天"\nafter = "discharge"\n')
        last, over = date(2023, 12, 8), date(2023, 12, 9)
        assert refusals(plan, a_claim(filed_on=last), a_claim(filed_on=over)) == [[], ["filed_on"]]

    def test_a_filing_limit_in_working_days_asks_the_offices_calendar(self):
        plan = a_plan(HALF, after='[filing]\nwithin = "5个工作日"\nafter = "term_end"\n')
        seen = []
        rules.last_filing_day(
            plan,
            discharged=None,
            term_end=date(2024, 7, 31),
            working=lambda day, n: seen.append((day, n)) or day,
        )
        assert seen == [(date(2024, 7, 31), 5)]

    def test_a_filing_limit_in_working_days_is_judged_by_the_calendar_given(self):
        """20 working days after Monday 2023-10-09 end on Monday 2023-11-06: 28 days."""
        plan = a_plan(HALF, after='[filing]\nwithin = "20个工作日"\nafter = "discharge"\n')
        rule = rules.prepare(plan, clock.after_working_days)
        days = (date(2023, 11, 6), date(2023, 11, 7), None)
        case = a_case(*(a_claim(filed_on=day) for day in days))
        intime, late, undated = rules.assess(rule, case).claims
        assert intime.refused == []
        assert [(r.field, r.message) for r in late.refused] == [
            ("filed_on", "申领期限为2023-11-06，2023-11-07已超过")
        ]
        assert late.refused[0].rule == "超过申领期限（出院后20个工作日内）"
        assert [(r.field, r.message) for r in undated.refused] == [("filed_on", "请填写申领日期")]
        assert [claim.refused for claim in rules.assess(plan, case).claims] == [[], [], []]

    def test_beyond_the_published_calendar_what_is_surely_in_time_is_and_the_rest_is_not_guessed(
        self,
    ):
        plan = a_plan(HALF, after='[filing]\nwithin = "20个工作日"\nafter = "discharge"\n')
        rule = rules.prepare(plan, clock.after_working_days)
        stay = a_stay(admitted=date(2040, 3, 1), discharged=date(2040, 3, 10))
        days = (date(2040, 3, 30), date(2040, 3, 31))
        case = a_case(*(a_claim(stay, filed_on=day) for day in days), cover_from=date(2040, 1, 1))
        sure, unsure = rules.assess(rule, case).claims
        assert sure.refused == []
        assert [r.field for r in unsure.refused] == ["filed_on"]
        assert "放假安排尚未公布" in unsure.refused[0].message

    def test_a_settlement_that_does_not_add_up_names_the_difference(self):
        stay = {"self": 100_00, "account": 40_00, "cash": 50_00, "total": 1}
        [refusal] = rules.check_settlement(stay)
        assert refusal.field == "self"
        assert "10.00元" in refusal.message
        assert rules.check_settlement({"self": 100_00, "account": 40_00}) == []


class TestFoundByTheOracle:
    TWO = '[[benefit]]\nid = "other"\nname = "目录外"\nof = ["out_of_catalogue"]\n'

    @pytest.mark.parametrize(("per", "benefit"), [("stay", 900_00), ("claim", 1_400_00)])
    def test_a_deductible_shared_within_a_stay_or_a_claim_is_taken_once(self, per, benefit):
        step = f'[[benefit.step]]\nname = "全付"\nper = "{per}"\npay = "100%"\n'
        pool = '[[pool]]\nname = "共用"\nof = ["hospital", "other"]\n'
        pool += f'per = "{per}"\ndeductible = "500元"\n'
        plan = plans.compile_scheme(a_scheme(BENEFIT + step + self.TWO + step + pool))
        two = a_claim(a_stay(300_00, out_of_catalogue=600_00), a_stay(0, out_of_catalogue=1_000_00))
        assert paid(plan, two) == [benefit]

    def test_a_benefit_that_waits_is_still_held_to_its_number_of_times(self):
        times = 'waiting = "30天"\ntimes = { limit = 1, per = "term" }\n'
        plan = a_plan('per = "stay"\npay = "50%"', benefit=BENEFIT + times)
        assert refusals(plan, a_claim(), a_claim()) == [[], ["event"]]

    def test_a_limit_after_discharge_leaves_an_event_without_stays_alone(self):
        plan = a_plan(
            'per = "claim"\namount = "3000元"',
            benefit='[[benefit]]\nid = "d"\nname = "确诊"\nevent = "diagnosis"\n',
            top='[events]\ndiagnosis = "确诊"\n[filing]\nwithin = "60天"\nafter = "discharge"',
        )
        assert paid(plan, {"event": "diagnosis", "filed_on": date(2024, 7, 1)}) == [3_000_00]


def test_a_replay_of_many_cases_is_each_case_by_itself():
    for code in ("zhengzhou-hospital-2023", "anyang-hospital-2019"):
        plan = shipped(code)
        full = a_case(*(a_claim(a_stay(90_000_00)) for _ in range(3)))
        many = [full, a_case(), full, a_case(a_claim(a_stay(None))), a_case()]
        alone = [rules.assess(plan, case, explain=False) for case in many]
        assert list(rules.assess_all(plan, many)) == alone
        told = list(rules.assess_all(plan, many, explain=True))
        assert told == [rules.assess(plan, case) for case in many]
