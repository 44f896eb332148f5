"""Every form a scheme can take, claimed for through the office (invented schemes: 示例)."""

from datetime import date, datetime, time, timedelta

import pytest
from builders import NOW, TODAY, a_city, a_user
from builders_claims import (
    a_claim,
    a_reviewed_claim,
    a_stay,
    an_enrollment,
    an_event_claim,
    covered_by,
    decided,
)
from builders_schemes import a_published_edition

from huigong.models import Claim, Decision, Role
from huigong.refusals import Refused
from huigong.workflows import claims

OFFICE, RELIEF = "example-office-2024", "example-relief-2024"
DAILY, BANDS = "example-daily-2024", "example-bands-2024"
BARE = {"total": None, "pooled": None, "cash": None}  # an invented stay states its own parts


def a_bare_stay(admitted=date(2024, 6, 1), days=8, **more):
    return a_stay(admitted, days, **{**BARE, "in_scope": None, **more})


def nine(year, month, day):
    """Nine in the morning of a day."""
    return datetime.combine(date(year, month, day), time(9))


def event_refused(enrollment, event, **facts):
    with pytest.raises(Refused) as refused:
        an_event_claim(enrollment, event, **facts)
    return refused.value.by_field()


def stay_refused(enrollment, at=NOW, **stay):
    with pytest.raises(Refused) as refused:
        a_claim(enrollment, stays=[a_bare_stay(**stay)], at=at)
    return refused.value.by_field()


# ── Events, grades and their days ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(("grade", "fen"), [("light", 5_000_00), ("heavy", 20_000_00)])
def test_a_lump_sum_goes_by_event_and_grade(office, grade, fen):
    claim = decided(an_event_claim(covered_by(OFFICE), "accident", grade=grade))
    assert (claim.event, claim.stays.count()) == ("accident", 0)
    assert Decision.get(Decision.claim == claim).amount == fen


def test_an_event_has_a_day_and_a_grade_within_the_cover(office):
    cover = covered_by(OFFICE)
    assert event_refused(cover, "accident", happened_on=None, grade=None) == {
        "happened_on": "请填写发生日期",
        "grade": "请选择等级",
    }
    for day, told in (
        (date(2024, 2, 29), "不在保障期"),
        (TODAY + timedelta(days=1), "晚于今天"),
        ("2024-13-01", "不是一个日期"),
    ):
        found = event_refused(cover, "accident", happened_on=day, grade="light")
        assert told in found["happened_on"]
    assert "没有“odd”" in event_refused(cover, "accident", grade="odd")["grade"]
    assert "event" in event_refused(cover, "earthquake")
    assert Claim.select().count() == 0


def test_a_waiting_period_refuses_with_its_date_and_a_renewal_has_none(office):
    first = covered_by(OFFICE)
    early = {"happened_on": date(2024, 3, 30), "grade": "light"}
    assert "2024-03-31起" in event_refused(first, "accident", **early)["happened_on"]
    assert claims.waiting_words(first, "accident") == ["首次参保，等待期30天，2024-03-31起方可享受"]
    assert claims.waiting_words(first, "death") == []
    renewed = covered_by_again(first)
    assert claims.waiting_words(renewed, "accident") == ["续保，没有等待期"]
    claim = an_event_claim(renewed, "accident", grade="light", happened_on=renewed.cover_from,
                           at=NOW.replace(year=2025, month=4))  # fmt: skip
    assert claim.computed == 5_000_00


def covered_by_again(former, **more):
    start = former.cover_to + timedelta(days=1)
    given = {"member": former.member, "cover_from": start, "renewal": True, **more}
    return an_enrollment(former.edition, former.organization, **given)


def test_the_same_event_is_claimed_for_once(office):
    cover = covered_by(OFFICE)
    first = an_event_claim(cover, "accident", grade="light")
    assert first.number in event_refused(cover, "accident", grade="heavy")["happened_on"]


def test_once_a_term_and_once_a_life(office):
    cover = covered_by(OFFICE)
    decided(an_event_claim(cover, "accident", grade="light"))
    other = {"happened_on": date(2024, 8, 1), "grade": "light"}
    assert "次数已用完" in event_refused(cover, "accident", **other)["event"]
    decided(an_event_claim(cover, "death"))
    later, at = covered_by_again(cover), NOW.replace(year=2025, month=10)
    assert an_event_claim(later, "accident", grade="light", at=at).computed == 5_000_00
    with pytest.raises(Refused, match="终身可享受1次"):
        an_event_claim(later, "death", at=at)


def test_the_papers_are_those_of_the_event(office):
    claim = an_event_claim(covered_by(OFFICE), "death")
    assert claims.missing_papers(claim) == ["死亡证明"]


# ── Tables, minimum, days ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("place", "level", "in_scope", "fen"),
    [("local", 1, 1_000_00, 700_00), ("away", 3, 1_000_00, 300_00),
     ("away", 3, 333_33, 100_00), ("local", 3, 0, 0)],
)  # fmt: skip
def test_a_table_by_two_facts_and_a_minimum(office, place, level, in_scope, fen):
    stay = a_bare_stay(date(2024, 12, 1), place=place, hospital_level=level, in_scope=in_scope)
    assert a_claim(covered_by(OFFICE), stays=[stay]).computed == fen


def test_a_table_asks_for_both_of_its_facts(office):
    found = stay_refused(
        covered_by(OFFICE), admitted=date(2024, 12, 1), place="", hospital_level=None, in_scope=1
    )
    assert found == {
        "stay-0-place": "请选择就医地",
        "stay-0-hospital_level": "请选择医院等级",
    }


def test_a_daily_allowance_goes_by_the_years_that_the_office_itself_counts(office):
    cover = covered_by(DAILY)
    stay = {**a_bare_stay(date(2024, 12, 1), 10), "days": 10}
    once = a_claim(cover, stays=[stay])
    assert once.computed == 233_31  # (10 − 3) × 33.33
    later = covered_by_again(cover)
    stay = {**stay, "admitted": date(2025, 6, 1), "discharged": date(2025, 6, 11)}
    again = a_claim(later, stays=[stay], at=NOW.replace(year=2025, month=6, day=13))
    assert again.computed == 350_00  # 7 × 50: the second year in a row


def test_days_are_asked_for_and_cannot_be_more_than_the_calendar_gives(office):
    cover, stay = covered_by(DAILY), a_bare_stay(date(2024, 12, 1), 8)
    with pytest.raises(Refused, match="请填写住院天数"):
        a_claim(cover, stays=[stay])
    with pytest.raises(Refused, match="多于入院至出院的9天"):
        a_claim(cover, stays=[{**stay, "days": 10}])


# ── Filing limits ───────────────────────────────────────────────────────────────────────────


def test_a_limit_in_working_days_names_its_last_day(office):
    cover = covered_by(OFFICE)
    stay = a_bare_stay(date(2024, 9, 1), 8, in_scope=1_000_00)
    # 20 working days after 2024-09-09, over Mid-Autumn and National Day with their make-up days
    assert claims.last_filing_day(cover.edition.plan, cover, None, [stay["discharged"]]) == (
        date(2024, 10, 12),
        "出院后20个工作日内",
    )
    with pytest.raises(Refused) as refused:
        a_claim(cover, stays=[stay], at=nine(2024, 10, 13))
    assert refused.value.by_field() == {"filed_on": "申领期限为2024-10-12，2024-10-13已超过"}
    assert a_claim(cover, stays=[stay], at=nine(2024, 10, 12)).stage == "filed"


def test_a_claim_that_came_too_late_by_working_days_is_not_passed_on_either(office):
    cover = covered_by(OFFICE)
    stay = a_bare_stay(date(2024, 9, 1), 8, in_scope=1_000_00)
    claim = a_claim(cover, stays=[stay], at=nine(2024, 10, 12))
    Claim.update(filed_on=date(2024, 10, 13)).where(Claim.id == claim.id).execute()
    with pytest.raises(Refused, match="按规则不能给付：申领期限为2024-10-12"):
        decided(Claim.get_by_id(claim.id))
    said = claims.reckon_claim(Claim.get_by_id(claim.id))
    assert (said.benefit, said.refused[0].rule) == (0, "超过申领期限（出院后20个工作日内）")


def test_a_year_without_a_published_calendar_is_said_and_stops_nobody_in_time(office):
    cover = covered_by(OFFICE, cover_from=date(2026, 3, 1))
    stay = a_bare_stay(date(2026, 12, 20), 5, in_scope=1_000_00)
    last, words = claims.last_filing_day(cover.edition.plan, cover, None, [stay["discharged"]])
    assert last is None
    assert "尚未公布" in words
    claim = a_claim(cover, stays=[stay], at=nine(2026, 12, 28))
    assert (claim.stage, claim.promised_on) == ("filed", None)
    other = {**stay, "admitted": date(2026, 12, 26), "discharged": date(2026, 12, 27)}
    with pytest.raises(Refused, match="尚未公布"):
        a_claim(cover, stays=[other], at=nine(2027, 2, 20))


def test_a_limit_in_calendar_days_after_discharge(office):
    cover, stay = covered_by(BANDS), {"in_scope": 1, "critical": 0, "out_of_catalogue": 0}
    stay |= {"class_b": 0, "over_limit": 0}
    admitted = {"admitted": date(2024, 10, 1), "days": 8}  # discharged on the 9th, 60 days
    found = stay_refused(cover, at=nine(2024, 12, 9), **admitted, **stay)
    assert found == {"filed_on": "申领期限为2024-12-08，2024-12-09已超过"}
    claim = a_claim(cover, stays=[a_bare_stay(**admitted, **stay)], at=nine(2024, 12, 8))
    assert claim.stage == "filed"


def test_after_the_term_one_claim_within_its_limit(office):
    cover = covered_by(RELIEF, cover_from=date(2024, 2, 1))
    stay = a_bare_stay(self=1_000_00, pooled=0, total=1_000_00)
    late = nine(2025, 3, 3)
    with pytest.raises(Refused, match="申领期限为2025-03-02"):
        a_claim(cover, stays=[stay], at=late)
    claim = a_claim(cover, stays=[stay], at=nine(2025, 3, 2))
    assert claim.stage == "filed"
    with pytest.raises(Refused, match="次数已用完"):
        a_claim(cover, stays=[a_bare_stay(date(2024, 8, 1), self=1, pooled=0)],
                at=nine(2025, 3, 2))  # fmt: skip


# ── Relief of what remains, and a reviewer's amount ─────────────────────────────────────────


@pytest.fixture
def relieved(office):
    """A cover under which a stay was already decided: 45.45 % of 10,000.00 and 100.00."""
    cover = covered_by(RELIEF, cover_from=date(2024, 2, 1))
    stay = a_bare_stay(self=10_000_00, pooled=0, total=10_000_00)
    claim = decided(a_claim(cover, stays=[stay]))
    assert Decision.get(Decision.claim == claim).amount == 4_645_00
    return cover


def test_relief_is_computed_from_what_our_own_decisions_left(relieved):
    asked = {question.name for question in claims.asked_of(relieved, "relief")}
    assert asked == {"happened_on", "self"}  # what was paid is known
    claim = an_event_claim(relieved, "relief", self=10_000_00, paid=0)
    assert "paid" not in claim.facts
    assert claim.computed == 2_000_00  # 10,000.00 − 4,645.00 is above 5,000.00
    assert an_event_claim(relieved, "relief", self=9_645_00,
                          happened_on=date(2024, 7, 1)).computed == 800_00  # fmt: skip


def test_relief_asks_for_what_others_paid_where_the_office_knows_of_nothing(office):
    cover = covered_by(RELIEF, cover_from=date(2024, 2, 1))
    assert "请填写已给付的互助金" in event_refused(cover, "relief", self=1)["paid"]
    claim = an_event_claim(cover, "relief", self=6_000_00, paid=5_600_00)
    assert (claim.facts["paid"], claim.computed) == (5_600_00, 0)


def test_relief_waits_for_the_decision_on_which_it_rests(office):
    cover = covered_by(RELIEF, cover_from=date(2024, 2, 1))
    stay = a_bare_stay(self=10_000_00, pooled=0, total=10_000_00)
    first = a_claim(cover, stays=[stay])
    told = event_refused(cover, "relief", self=10_000_00, paid=0)
    assert first.number in told["event"]


def test_a_reviewer_sets_the_amount_up_to_the_ceiling_and_the_steps_say_so(relieved):
    asked = {question.name for question in claims.asked_of(relieved, "hardship")}
    assert "proposed" not in asked
    claim = an_event_claim(relieved, "hardship", cash=9_000_00)
    assert claim.computed == 0
    assert claims.proposal_ceiling(claim) == 4_355_00  # 9,000.00 − 4,645.00, under 5,000.00
    for proposed in (None, -1, 4_355_01):
        with pytest.raises(Refused) as refused:
            decided(an_open(claim), proposed=proposed)
        assert "4,355.00" in refused.value.by_field()["proposed"]
    with pytest.raises(Refused, match="不另行增减"):
        decided(an_open(claim), proposed=3_000_00, amount=4_000_00, reason="示例")
    done = decided(an_open(claim), proposed=3_000_00)
    decision = Decision.get(Decision.claim == done)
    assert (decision.amount, decision.computed) == (3_000_00, 3_000_00)
    assert "审核人拟定3,000.00元，最高5,000.00元" in decision.explanation[0]["words"]
    assert done.facts["proposed"] == 3_000_00


def an_open(claim):
    """The claim as filed, whatever a refused attempt reviewed."""
    Claim.update(stage="filed", first_reviewer=None).where(Claim.id == claim.id).execute()
    return Claim.get_by_id(claim.id)


def test_a_refused_hardship_needs_no_proposal(relieved):
    claim = an_event_claim(relieved, "hardship", cash=9_000_00)
    done = decided(claim, verdict="refuse", reason="不符合条件")
    assert done.stage == "refused"
    assert "没有拟定" in Decision.get(Decision.claim == done).explanation[0]["words"]


# ── Caps: what is used and what is left ─────────────────────────────────────────────────────


def test_what_remains_of_each_cap_counts_what_was_decided(office):
    cover = covered_by(OFFICE)
    stays = [a_bare_stay(date(2024, 12, 1), 3, in_scope=10_000_00)]
    first = a_claim(cover, stays=stays)
    assert claims.remaining(first) == [("保障期封顶", 0, 10_000_00)]
    decided(first, amount=4_000_00, reason="示例调整")
    assert claims.remaining(first) == [("保障期封顶", 4_000_00, 6_000_00)]
    second = a_claim(cover, stays=[a_bare_stay(date(2024, 12, 8), 3, in_scope=30_000_00)])
    assert claims.remaining(second) == [("保障期封顶", 4_000_00, 6_000_00)]
    assert (second.computed, claims.ceiling(second)) == (6_000_00, 6_000_00)
    assert claims.ceiling(an_event_claim(cover, "death")) == 30_000_00


# ── The office's promise ────────────────────────────────────────────────────────────────────


def test_the_promise_counts_working_days_from_the_last_filing(office):
    anyang = a_published_edition("anyang-hospital-2019", a_city("安阳市总工会"))
    claim = a_claim(an_enrollment(anyang, cover_from=date(2024, 1, 1)),
                    stays=[a_stay(date(2024, 10, 1))])  # fmt: skip
    assert claim.promised_on == date(2024, 12, 30)
    claims.return_claim(claim, reason="请更正", by=a_user(at=claim.organization), at=NOW)
    claims.refile_claim(claim, event=None, stays=[a_stay(date(2024, 10, 1))], papers=[],
                        by=claim.filed_by, at=NOW + timedelta(days=2))  # fmt: skip
    assert Claim.get_by_id(claim.id).promised_on == date(2025, 1, 2)


def test_a_scheme_that_promises_nothing_has_no_promise(office):
    assert a_claim().promised_on is None


# ── Attacks ─────────────────────────────────────────────────────────────────────────────────


def test_forty_stays_are_refused_not_cut(office):
    stays = [
        a_bare_stay(date(2024, 3, 1) + timedelta(days=2 * n), 1, in_scope=1) for n in range(40)
    ]
    with pytest.raises(Refused, match="最多填写20次"):
        a_claim(covered_by(OFFICE), stays=stays)
    assert Claim.select().count() == 0


@pytest.mark.parametrize("fen", [-1, 10**12 + 1, 10**30, 1.5, True, "1"])
def test_an_events_own_amount_that_cannot_be_is_refused(office, fen):
    cover = covered_by(RELIEF, cover_from=date(2024, 2, 1))
    told = event_refused(cover, "relief", self=fen, paid=0)
    assert "不超过一百亿元" in told["self"]


def test_a_claim_that_was_returned_meanwhile_is_not_decided(office):
    claim = a_reviewed_claim()
    other_tab = Claim.get_by_id(claim.id)
    claims.return_claim(claim, reason="请补正", by=a_user(at=claim.organization), at=NOW)
    judge = a_user(Role.REVIEWER, at=claim.organization.parent)
    with pytest.raises(Refused, match="已退回补正"):
        claims.decide_claim(other_tab, verdict="approve", amount=None, reason="", by=judge, at=NOW)
    assert Decision.select().count() == 0
