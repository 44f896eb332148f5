"""Replaying decided claims under another plan: exact, explained, and never beyond one's own."""

import io
import sys
from copy import deepcopy
from datetime import date

import pytest
from builders import NOW, a_city, a_unit, a_user, signed_in
from builders_claims import a_claim, a_stay, an_enrollment
from builders_rules import a_scheme
from builders_schemes import a_published_edition
from click.testing import CliRunner
from openpyxl import load_workbook

from huigong import database
from huigong.cli_scheme import scheme
from huigong.models import Claim, Enrollment, Organization, Role, Stay
from huigong.plans import compile_scheme
from huigong.plans.retyped import sheet_of
from huigong.refusals import Refused
from huigong.workflows import claims as deeds
from huigong.workflows import drafting
from huigong.workflows.levers import levers, turned
from huigong.workflows.replay import count_of, replay, span_of

EVER = {"since": date(2000, 1, 1), "until": date(2030, 1, 1)}
RATE = "benefit-0-step-0-local-0-1"
CAP = "benefit-0-step-1"


@pytest.fixture
def edition(office):
    return a_published_edition("zhengzhou-hospital-2023", a_city("郑州市总工会"))


def decided(enrollment, in_scope, *, amount=None, month=11, day=1, place="local"):
    """A claim filed and approved on a day of 2023, with the reviewer's amount where given."""
    at = NOW.replace(year=2023, month=month, day=day)
    stay = {**a_stay(date(2023, month - 1, day), in_scope=in_scope), "place": place}
    for part in ("total", "pooled", "cash"):
        stay.pop(part, None)
    claim = a_claim(enrollment, stays=[stay], at=at)
    city = enrollment.edition.organization
    deeds.review_claim(claim, note="", by=a_user(Role.REVIEWER, at=city), at=at)
    second = a_user(Role.REVIEWER, at=city)
    reason = "" if amount is None else "按核对后的票据"
    return deeds.decide_claim(
        claim, verdict="approve", amount=amount, reason=reason, by=second, at=at
    )


def test_the_edition_in_force_gives_its_own_decided_amounts_to_the_fen(edition):
    first = an_enrollment(edition)
    made = [decided(first, 10_031_00), decided(first, 170_000_00, month=12)]
    made += [decided(an_enrollment(edition), 33_33, place="away")]
    said = replay(edition.plan, scheme=edition.scheme, **EVER)
    assert said.all.then == said.all.now == sum(decision.amount for decision in made)
    assert said.all.claims == 3
    assert [decision.amount for decision in made] == [6_018_60, 93_981_40, 16_67]
    assert (said.gained.claims, said.lost.claims, said.same.claims) == (0, 0, 2)
    for sums in said.steps.values():
        assert sums.then == sums.now


def test_a_changed_rate_moves_exactly_what_the_hand_says(edition):
    decided(an_enrollment(edition), 10_031_00)
    decided(an_enrollment(edition), 20_000_01, place="away")
    plan = turned(edition.plan, {RATE: "62.5"})
    said = replay(plan, scheme=edition.scheme, **EVER)
    # 10,031.00 × 62.5% = 6,269.375 → 6,269.38; away stays at 50%: 10,000.005 → 10,000.01
    assert said.all.then == 6_018_60 + 10_000_01
    assert said.all.now == 6_269_38 + 10_000_01
    assert (said.gained.claims, said.gained.more) == (1, 250_78)
    assert said.same.claims == 1
    assert said.steps["hospital", "按就医地比例"].more == 250_78


def test_a_cap_shared_in_a_term_is_used_up_in_the_order_of_decision(edition):
    one = an_enrollment(edition)
    decided(one, 10_000_00)
    decided(one, 20_000_00, month=12)
    plan = turned(edition.plan, {CAP: "15000"})
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert said.all.then == 18_000_00
    assert said.all.now == 15_000_00  # 6,000 and then only 9,000 of 12,000
    assert said.steps["hospital", "保障期封顶"].now == 15_000_00
    assert said.steps["hospital", "按就医地比例"].more == 0
    assert (said.lost.claims, said.lost.more) == (1, -3_000_00)


def test_claims_decided_before_the_span_are_history_and_use_up_the_cap(edition):
    one = an_enrollment(edition)
    decided(one, 10_000_00)
    decided(one, 20_000_00, month=12)
    plan = turned(edition.plan, {CAP: "15000"})
    said = replay(plan, scheme=edition.scheme, since=date(2023, 12, 1), until=date(2023, 12, 31))
    assert (said.all.claims, said.all.then, said.all.now) == (1, 12_000_00, 9_000_00)
    later = replay(plan, scheme=edition.scheme, since=date(2023, 11, 1), until=date(2023, 11, 30))
    assert (later.all.claims, later.all.now) == (1, 6_000_00)


def test_what_a_reviewer_decided_stands_under_both_rules_and_is_counted(edition):
    one = an_enrollment(edition)
    decided(one, 10_000_00, amount=5_000_00)
    decided(one, 20_000_00, month=12)
    plan = turned(edition.plan, {RATE: "30", CAP: "8000"})
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert (said.adjusted.claims, said.adjusted.then) == (1, 5_000_00)
    assert said.all.then == 5_000_00 + 12_000_00
    assert said.all.now == 5_000_00 + 3_000_00  # the cap has 3,000 left after the reviewer's 5,000


def test_a_claim_that_the_plan_would_not_admit_is_named_and_paid_nothing(edition):
    one = an_enrollment(edition)
    decided(one, 10_000_00)
    decided(one, 20_000_00, month=12)
    plan = deepcopy(edition.plan)
    plan["claims"]["during_term"] = 1
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert (said.stopped.claims, said.stopped.then) == (1, 12_000_00)
    assert said.all.now == 6_000_00
    assert [reason for reason in said.reasons if "可申领1次" in reason]


def test_a_claim_that_lacks_what_the_plan_asks_for_is_in_no_sum(edition):
    decided(an_enrollment(edition), 10_000_00)
    plan = deepcopy(edition.plan)
    plan["benefit"][0]["of"] = ["over_limit"]
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert (said.unknown.claims, said.unknown.then, said.all.claims) == (1, 6_000_00, 0)
    assert list(said.lacking) == ["超限价"]


def test_claims_of_foreign_organizations_are_never_read(edition):
    here, there = a_unit(edition.organization), a_unit(a_city("别市总工会"))
    decided(an_enrollment(edition, here), 10_000_00)
    decided(an_enrollment(edition, there), 50_000_00)
    own = Organization.select(Organization.id).where(Organization.within(edition.organization.path))
    said = replay(edition.plan, scheme=edition.scheme, within=own, **EVER)
    assert (said.all.claims, said.all.then) == (1, 6_000_00)
    assert list(said.units) == [here.id]
    assert count_of(edition.scheme, date(2030, 1, 1), own) == 1
    assert said.people == 1


def test_contributions_are_earned_by_days_of_cover_in_the_span(edition):
    decided(an_enrollment(edition), 10_000_00)
    half = replay(
        edition.plan, scheme=edition.scheme, since=date(2023, 8, 1), until=date(2024, 1, 30)
    )
    assert half.earned == half.earned_now == 37_50  # 183 of the term's 366 days
    assert half.ratio(half.all.then, half.earned) == 160_00_00  # 160 times, in basis points
    assert half.ratio(1, 0) is None


def test_an_assumed_rise_is_an_explicit_figure_beside_the_total(edition):
    decided(an_enrollment(edition), 10_000_00)
    said = replay(edition.plan, scheme=edition.scheme, rise=15, **EVER)
    assert (said.all.now, said.risen) == (6_000_00, 6_900_00)


def test_the_span_and_the_progress_are_those_of_the_approved_claims(edition):
    assert span_of(edition.scheme) is None
    decided(an_enrollment(edition), 10_000_00, day=3)
    decided(an_enrollment(edition), 10_000_00, month=12)
    assert span_of(edition.scheme) == (date(2023, 11, 3), date(2023, 12, 1), 2)
    told: list[int] = []
    replay(edition.plan, scheme=edition.scheme, progress=told.append, **EVER)
    assert sum(told) == count_of(edition.scheme, date(2030, 1, 1)) == 2


def test_every_figure_of_a_plan_has_a_lever(edition):
    names = {lever.name: lever.text + lever.unit for lever in levers(edition.plan)}
    assert names == {
        "fee-total": "75.00元", RATE: "60%", "benefit-0-step-0-away-0-1": "50%",
        CAP: "100000.00元", "claims-during_term": "2次", "claims-or_after_term": "1次",
    }  # fmt: skip
    assert turned(edition.plan, {RATE: "60", CAP: ""}) is edition.plan


@pytest.mark.parametrize("text", ["101", "-1", "六成", "60.555"])
def test_a_figure_that_is_no_rate_is_refused_beside_itself(edition, text):
    with pytest.raises(Refused) as refused:
        turned(edition.plan, {RATE: text})
    assert list(refused.value.by_field()) == [RATE]


@pytest.mark.parametrize("text", ["-1", "2.5", "两次", "10000", "２"])
def test_a_number_of_claims_is_a_whole_number(edition, text):
    with pytest.raises(Refused, match="不是0至9999的整数") as refused:
        turned(edition.plan, {"claims-during_term": text})
    assert list(refused.value.by_field()) == ["claims-during_term"]


def test_a_turned_fee_changes_the_income_and_its_bearer_carries_the_difference(edition):
    decided(an_enrollment(edition), 10_000_00)
    plan = turned(edition.plan, {"fee-total": "90"})
    assert plan["fee"]["share"] == {
        "member": {"city": 30_00, "rest": 60_00}, "non_member": {"rest": 90_00},
    }  # fmt: skip
    said = replay(plan, scheme=edition.scheme, since=date(2023, 8, 1), until=date(2024, 7, 31))
    assert (said.earned, said.earned_now) == (75_00, 90_00)
    assert said.all.then == said.all.now
    with pytest.raises(Refused, match="不够减") as refused:
        turned(edition.plan, {"fee-total": "29.99"})
    assert list(refused.value.by_field()) == ["fee-total"]
    assert turned(edition.plan, {"fee-total": "30"})["fee"]["share"]["member"]["rest"] == 0


def test_fewer_claims_in_a_term_leave_out_those_after_them(edition):
    cover = an_enrollment(edition)
    decided(cover, 10_000_00)
    decided(cover, 20_000_00, month=12)
    plan = turned(edition.plan, {"claims-during_term": "1"})
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert (said.all.then, said.all.now) == (18_000_00, 6_000_00)
    assert (said.stopped.claims, said.stopped.then) == (1, 12_000_00)
    assert list(said.reasons) == ["同一保障期内可申领1次，次数已用完"]


def test_a_limit_in_working_days_refuses_what_was_filed_late_and_is_a_figure(edition):
    """Discharged on 2023-10-09 and filed on 11-01, the 17th working day after; and on 11-09, filed
    on 12-01, the 16th."""
    for month in (11, 12):
        decided(an_enrollment(edition), 10_000_00, month=month)
    plan = deepcopy(edition.plan)
    plan["filing"] = {"days": 17, "working": True, "after": "discharge", "clause": "示例"}
    [lever] = [lever for lever in levers(plan) if lever.name == "filing-days"]
    assert (lever.text, lever.unit, lever.is_counted) == ("17", "个工作日", True)
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert (said.all.claims, said.all.now, said.stopped.claims) == (2, 12_000_00, 0)
    said = replay(turned(plan, {"filing-days": "16"}), scheme=edition.scheme, **EVER)
    assert (said.all.now, said.stopped.claims, said.stopped.then) == (6_000_00, 1, 6_000_00)
    said = replay(turned(plan, {"filing-days": "15"}), scheme=edition.scheme, **EVER)
    assert (said.all.now, said.stopped.claims, said.stopped.then) == (0, 2, 12_000_00)
    assert dict(said.reasons) == {"超过申领期限（出院后15个工作日内）": 2}


def test_a_claim_that_no_published_calendar_can_judge_is_in_no_sum(edition):
    claim = decided(an_enrollment(edition), 10_000_00).claim
    Stay.update(admitted=date(2040, 2, 1), discharged=date(2040, 2, 9)).execute()
    Claim.update(filed_on=date(2040, 3, 10)).where(Claim.id == claim.id).execute()
    Enrollment.update(cover_from=date(2040, 1, 1), cover_to=date(2040, 12, 31)).execute()
    plan = deepcopy(edition.plan)
    plan["filing"] = {"days": 20, "working": True, "after": "discharge", "clause": "示例"}
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert (said.unknown.claims, said.all.claims) == (1, 0)
    assert list(said.lacking) == ["尚未公布的放假安排"]


def test_what_a_plan_asks_for_is_named_in_the_words_of_the_form(edition):
    decided(an_enrollment(edition), 10_000_00)
    Stay.update(discharged=None, days=None).execute()
    plan = deepcopy(edition.plan)
    plan["filing"] = {"days": 20, "working": False, "after": "discharge", "clause": "示例"}
    said = replay(plan, scheme=edition.scheme, **EVER)
    assert list(said.lacking) == ["出院日期"]


def test_days_of_an_allowance_waiting_times_and_filing_are_figures_too():
    plan = compile_scheme(
        a_scheme(
            '[[benefit]]\nid = "d"\nname = "津贴"\nwaiting = "10天"\n'
            'times = { limit = 2, per = "life" }\n[[benefit.step]]\nname = "按天"\nper = "term"\n'
            'daily = "50元"\ndays_after = "3天"\ndays_limit = "180天"\n'
            '[filing]\nwithin = "60天"\nafter = "discharge"\n',
            top='waiting = "30天"',
        )
    )
    wanted = {
        "benefit-0-step-0": "40", "benefit-0-step-0-days_after": "2",
        "benefit-0-step-0-days_limit": "90", "benefit-0-times-limit": "1",
        "benefit-0-waiting_days": "0", "waiting_days": "15", "filing-days": "30",
    }  # fmt: skip
    assert [lever.name for lever in levers(plan)] == list(wanted)
    changed = turned(plan, wanted)
    benefit = changed["benefit"][0]
    step = benefit["step"][0]
    assert (step["table"], step["days_after"], step["days_limit"]) == (40_00, 2, 90)
    assert (benefit["times"]["limit"], benefit["waiting_days"]) == (1, 0)
    assert (changed["waiting_days"], changed["filing"]["days"]) == (15, 30)


def test_a_figure_that_the_loader_refuses_is_refused_with_its_cure(office):
    city = a_city("安阳市总工会")
    plan = a_published_edition("anyang-hospital-2019", city).plan
    with pytest.raises(Refused, match="分段回落"):
        turned(plan, {"benefit-0-step-0-0-0": "0"})


@pytest.fixture
def reader(app, edition):
    return signed_in(app, a_user(Role.AUDITOR, at=edition.organization))


def test_the_page_shows_both_rules_and_recomputes_with_a_turned_figure(reader, edition):
    decided(an_enrollment(edition), 10_031_00)
    page = reader.get(f"/admin/replay?rules={edition.id}").get_data(as_text=True)
    assert page.count("6,018.60") > 3
    assert "原规则下没有提出的申领不在其中" in page
    turned_page = reader.get(f"/admin/replay?rules={edition.id}&{RATE}=62.5&rise=10")
    text = turned_page.get_data(as_text=True)
    assert "6,269.38" in text
    assert "6,896.32" in text  # 6,269.38 × 110%, half up
    assert "60% 改为 62.5%" in text


def test_a_wrong_figure_comes_back_beside_its_field_with_what_was_typed(reader, edition):
    decided(an_enrollment(edition), 10_031_00)
    answer = reader.get(f"/admin/replay?rules={edition.id}&{RATE}=六成&since=2023-13-01")
    assert answer.status_code == 422
    answer = reader.get(f"/admin/replay?rules={edition.id}&{RATE}=六成")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="六成"' in text
    assert f'id="{RATE}-wrong"' in text


def test_without_decided_claims_the_page_says_what_to_do(reader, edition):
    assert "还没有已同意给付的申领" in reader.get("/admin/replay").get_data(as_text=True)
    assert reader.get("/admin/replay/workbook.xlsx").status_code == 404


def test_the_workbook_carries_the_same_figures(reader, edition):
    decided(an_enrollment(edition), 10_031_00)
    answer = reader.get(f"/admin/replay/workbook.xlsx?rules={edition.id}&{RATE}=62.5")
    rows = list(load_workbook(io.BytesIO(answer.data)).active.values)
    assert ("合计", "给付", 1, 6018.6, 1, 6269.38, 250.78) in rows
    assert ("按单位", 0) not in rows
    assert reader.get(f"/admin/replay/workbook.xlsx?{RATE}=x").status_code == 422


def test_a_foreign_edition_is_as_absent(app, edition):
    other = signed_in(app, a_user(Role.AUDITOR, at=a_city("别市总工会")))
    assert other.get(f"/admin/replay?rules={edition.id}").status_code == 404
    assert other.get("/admin/replay?rules=x").status_code == 404


def test_a_draft_is_offered_as_soon_as_it_loads(reader, edition):
    decided(an_enrollment(edition), 10_031_00)
    sheet = sheet_of(turned(edition.plan, {RATE: "70"}))
    by = a_user(Role.REVIEWER, at=edition.organization)
    draft = drafting.begin_draft(
        organization=edition.organization, basis=edition, sheet=sheet, by=by, at=NOW
    )
    page = reader.get(f"/admin/replay?rules=d{draft.id}").get_data(as_text=True)
    assert "7,021.70" in page


def test_the_terminal_says_the_same(office, edition, monkeypatch):
    decided(an_enrollment(edition), 10_031_00)
    for name, value in (
        ("HUIGONG_HOME", office.home), ("HUIGONG_KEYS", office.keys),
        ("DATABASE_URL", office.database_url),
    ):  # fmt: skip
        monkeypatch.setenv(name, str(value))

    def said(*arguments: str) -> str:
        result = CliRunner().invoke(scheme, ["replay", edition.code, *arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert f"{RATE}\t60%" in said("--figures")
    text = said("--set", f"{RATE}=62.5", "--rise", "10")
    assert "给付：原6,018.60元，新6,269.38元，差额250.78元" in text
    assert "申领增加10%" in text
    assert "每笔5,000至10,000元：原1笔，新1笔" in text
    assert "步骤 住院医疗互助金·按就医地比例：原6,018.60元，新6,269.38元" in text
    assert "每笔未给付：原0笔，新0笔" in text
    database.db.connect(reuse_if_open=True)


def test_contributions_under_the_plan_are_at_its_own_fee(edition):
    enrollment = an_enrollment(edition)
    decided(enrollment, 10_000_00)
    year = {"since": enrollment.cover_from, "until": enrollment.cover_to}

    def earned(total):
        plan = deepcopy(edition.plan)
        plan["fee"]["total"] = total
        said = replay(plan, scheme=edition.scheme, **year)
        return said.earned, said.earned_now

    assert earned(90_00) == (75_00, 90_00)
    assert earned({"member": 60_00, "non_member": 80_00}) == (75_00, 60_00)
    assert earned(None) == (75_00, 75_00)  # a plan that is silent about its fee: as it was


def test_contributions_are_the_same_however_many_enrollments_are_read_at_once(edition, monkeypatch):
    decided(an_enrollment(edition), 10_000_00)
    an_enrollment(edition, cover_from=date(2023, 9, 1))
    an_enrollment(edition, cover_from=date(2023, 9, 1))
    span = {"since": date(2023, 9, 1), "until": date(2024, 8, 31)}
    whole = replay(edition.plan, scheme=edition.scheme, **span)
    assert (whole.people, whole.earned) == (3, 75_00 * 2 + 68_65)  # 75.00 × 335 ÷ 366
    monkeypatch.setattr(sys.modules["huigong.workflows.replay"], "STRETCH", 1)
    assert replay(edition.plan, scheme=edition.scheme, **span) == whole
