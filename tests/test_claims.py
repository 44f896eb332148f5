"""Claims: what may be filed, who may judge it, and what a decision fixes for good."""

import subprocess
import sys
from datetime import date

import pytest
from builders import NOW, TODAY, a_city, a_unit, a_user
from builders_claims import (
    a_claim,
    a_member,
    a_reviewed_claim,
    a_stay,
    an_approved_claim,
    an_enrollment,
)
from builders_schemes import a_published_edition
from peewee import IntegrityError, Value

from huigong import database
from huigong.database import writes
from huigong.models import (
    AuditEvent,
    Claim,
    ClaimEvent,
    Decision,
    Edition,
    Journal,
    Role,
    Roster,
    Stay,
)
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import claims

DURING = NOW.replace(month=3, day=1)  # within the term


def refused_with(**more):
    with pytest.raises(Refused) as refused:
        a_claim(**more)
    assert Claim.select().count() == Stay.select().count() == 0
    return refused.value.by_field()


def at_once(deeds, settings):
    """Run each deed in a process of its own, all started before any may go; how each ended."""
    script = """
import sys
from datetime import datetime
from pathlib import Path
from huigong import database, vault
from huigong.models import Claim, User
from huigong.refusals import Lost, Refused
from huigong.workflows import claims
NOW = datetime.fromisoformat(sys.argv[3])
vault.unlock(Path(sys.argv[1])); database.connect_to(sys.argv[2]); database.db.connect()
print("ready", flush=True); sys.stdin.readline()
try:
    eval(sys.argv[4]); print("done")
except (Lost, Refused) as lost:
    print(type(lost).__name__)
"""
    database.db.close()
    places = [str(settings.keys), settings.database_url, NOW.isoformat()]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, *places, deed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for deed in deeds
    ]
    for one in running:
        assert one.stdout.readline() == "ready\n"
    for one in running:
        one.stdin.write("go\n")
        one.stdin.flush()
    answers = [one.communicate(timeout=60)[0].strip() for one in running]
    database.db.connect()
    return answers


def decide(claim, *, by=None, verdict="approve", amount=None, reason=""):
    by = by or a_user(Role.REVIEWER, at=claim.organization.parent)
    return claims.decide_claim(claim, verdict=verdict, amount=amount, reason=reason, by=by, at=NOW)


# ── Filing ──────────────────────────────────────────────────────────────────────────────────


def test_the_published_example_is_reckoned_to_the_fen(office):
    claim = a_claim()
    assert (claim.stage, claim.computed) == ("filed", 6_018_60)
    assert claim.stays.count() == 1
    assert [event.kind for event in claim.events] == ["filed"]
    assert AuditEvent.select().where(AuditEvent.deed == "file claim").count() == 1


def test_a_settlement_that_does_not_add_up_is_refused_with_the_difference(office):
    wrong = a_stay(total=53_417_00, pooled=38_421_00, critical=0, other_funds=0)
    wrong |= {"account": 0, "cash": 14_990_00}
    told = refused_with(stays=[wrong])
    assert "多6.00元" in told["stay-0-total"]


def test_what_remains_in_scope_cannot_exceed_what_the_funds_left(office):
    told = refused_with(stays=[a_stay(in_scope=14_996_01)])
    assert "14,996.00" in told["stay-0-in_scope"]


def test_an_amount_that_the_plan_reads_and_is_missing_is_asked_for_never_zero(office):
    stay = a_stay()
    del stay["in_scope"], stay["place"]
    told = refused_with(stays=[stay])
    assert told == {"stay-0-in_scope": "请填写符合医保政策剩余", "stay-0-place": "请选择就医地"}


def test_the_base_may_be_summed_from_the_parts_that_the_scheme_names(office):
    stay = a_stay(deductible=1_000_00, coinsurance=9_000_00, class_b=31_00)
    del stay["in_scope"]
    assert a_claim(stays=[stay]).computed == 6_018_60


@pytest.mark.parametrize(
    ("stay", "field"),
    [
        ({"admitted": date(2023, 10, 9), "discharged": date(2023, 10, 1)}, "discharged"),
        ({"admitted": date(2023, 7, 31), "discharged": date(2023, 8, 2)}, "admitted"),
        ({"admitted": date(2024, 8, 1), "discharged": date(2024, 8, 2)}, "admitted"),
        ({"admitted": date(2024, 7, 31), "discharged": date(2024, 12, 17)}, "discharged"),
        ({"admitted": None}, "admitted"),
        ({"discharged": None}, "discharged"),
        ({"admitted": "2023-13-01"}, "admitted"),
        ({"place": "abroad"}, "place"),
        ({"in_scope": -1}, "in_scope"),
        ({"in_scope": 10**15}, "in_scope"),
        ({"in_scope": 100.5}, "in_scope"),
    ],
)
def test_a_stay_that_cannot_be_is_refused_at_its_field(office, stay, field):
    assert set(refused_with(stays=[{**a_stay(), **stay}])) == {f"stay-0-{field}"}


def test_the_first_and_last_day_of_cover_are_covered(office):
    first = a_stay(admitted=date(2023, 8, 1), days=1)
    last = a_stay(admitted=date(2024, 7, 31), days=20)
    assert a_claim(stays=[first, last]).computed == 2 * 6_018_60


def test_cover_whose_dues_are_not_paid_is_not_in_force(office):
    enrollment = an_enrollment()
    unit = enrollment.organization
    enrollment.roster = Roster.create(
        organization=unit,
        edition=enrollment.edition,
        number="R1",
        cover_from=enrollment.cover_from,
        rest_by="unit",
        stage="submitted",
        file="f",
        file_name="f",
        made_by=a_user(at=unit),
        made_at=NOW,
    )
    enrollment.save()
    assert "没有生效" in refused_with(enrollment=enrollment)["stay-0-admitted"]


def test_a_claim_without_a_stay_is_refused(office):
    assert refused_with(stays=[]) == {"stays": "请至少填写一次住院"}


def test_every_fault_of_every_stay_comes_back_at_once(office):
    told = refused_with(
        stays=[a_stay(in_scope=None), a_stay(date(2023, 12, 1), place=""), a_stay(total=1)]
    )
    assert set(told) == {"stay-0-in_scope", "stay-1-place", "stay-2-in_scope"}


def test_a_stay_counts_once(office):
    first = a_claim(at=DURING)
    again = {"enrollment": first.enrollment, "at": DURING}
    with pytest.raises(Refused, match=f"结算单已在申领 {first.number}"):
        a_claim(**again)
    with pytest.raises(Refused, match="同一次住院只能申领一次"):
        a_claim(**again, stays=[a_stay(date(2023, 10, 8), days=3)])
    transferred = a_claim(**again, stays=[a_stay(date(2023, 10, 9), days=3)])
    assert transferred.stage == "filed"


def test_two_stays_of_one_claim_may_not_overlap(office):
    told = refused_with(stays=[a_stay(), a_stay(date(2023, 10, 5))])
    assert told == {"stay-1-admitted": "与第1次住院的日期重叠"}


def test_the_stay_of_a_refused_claim_may_be_claimed_again(office):
    first = a_reviewed_claim()
    decide(first, verdict="refuse", reason="材料不实")
    assert a_claim(first.enrollment).stage == "filed"


def test_the_same_settlement_file_is_refused_a_second_time(office):
    paper = ("医保结算单", Kept("a" * 32, "结算单.pdf", 9, "f" * 64))
    first = a_claim(papers=[paper], at=DURING)
    assert first.documents.count() == 1
    twin = ("医保结算单", Kept("b" * 32, "又一份.pdf", 9, "f" * 64))
    with pytest.raises(Refused, match="已随申领"):
        a_claim(first.enrollment, stays=[a_stay(date(2023, 12, 1))], papers=[twin], at=DURING)


def test_a_third_claim_in_one_term_is_refused_even_while_two_are_under_way(office):
    first = a_claim(at=DURING)
    again = {"enrollment": first.enrollment, "at": DURING}
    a_claim(**again, stays=[a_stay(date(2023, 12, 1))])
    with pytest.raises(Refused, match="次数已用完"):
        a_claim(**again, stays=[a_stay(date(2024, 2, 1))])


def test_after_the_term_one_claim_is_filed_instead_of_those_during_it(office):
    first = a_claim()
    with pytest.raises(Refused, match="次数已用完"):
        a_claim(first.enrollment, stays=[a_stay(date(2023, 12, 1))])


def test_a_refused_claim_uses_up_nothing(office):
    first = a_reviewed_claim()
    decide(first, verdict="refuse", reason="不在保障范围")
    assert a_claim(first.enrollment).computed == 6_018_60


def test_a_scheme_whose_source_states_no_benefit_takes_no_claims(office):
    puyang = a_published_edition("puyang-hospital-2025", a_city("濮阳市总工会"))
    enrollment = an_enrollment(puyang, cover_from=date(2024, 1, 1))
    told = refused_with(enrollment=enrollment, stays=[a_stay(date(2024, 3, 1))])
    assert "以当地工会最新通知为准" in told["benefit"]


def test_a_damaged_plan_stops_claims_of_its_scheme_alone(office):
    broken, sound = (
        a_claim(),
        an_enrollment(
            a_published_edition("anyang-hospital-2019", a_city("安阳市总工会")),
            cover_from=date(2023, 8, 1),
        ),
    )
    raw = Value("{", converter=False)
    edition = broken.enrollment.edition_id
    Edition.update({Edition.plan: raw}).where(Edition.id == edition).execute()
    fresh = Claim.get_by_id(broken.id)
    with pytest.raises(Refused, match="zhengzhou-hospital-2023"):
        claims.review_claim(fresh, note="", by=a_user(at=fresh.organization.parent), at=NOW)
    assert Claim.get_by_id(broken.id).stage == "filed"
    assert a_claim(sound).stage == "filed"


# ── Reviewing and deciding ──────────────────────────────────────────────────────────────────


def test_the_filer_cannot_review_nor_approve(office):
    both = a_user(Role.CLERK, Role.REVIEWER, at=a_city())
    claim = a_claim(by=both)
    with pytest.raises(Refused, match="申报人"):
        claims.review_claim(claim, note="", by=both, at=NOW)
    claims.review_claim(claim, note="", by=a_user(at=claim.organization), at=NOW)
    with pytest.raises(Refused, match="申报人"):
        decide(claim, by=both)
    assert Decision.select().count() == 0


def test_the_first_reviewer_cannot_decide(office):
    claim = a_reviewed_claim()
    with pytest.raises(Refused, match="不能是同一人"):
        decide(claim, by=claim.first_reviewer)
    assert Decision.select().count() == Journal.select().count() == 0


def test_who_files_a_claim_again_is_a_filer_too(office):
    claim = a_claim()
    reviewer, second = a_user(at=claim.organization), a_user(at=claim.organization)
    claims.return_claim(claim, reason="请更正总额", by=reviewer, at=NOW)
    claims.refile_claim(claim, event=None, stays=[a_stay()], papers=[], by=second, at=NOW)
    with pytest.raises(Refused, match="申报人"):
        claims.review_claim(claim, note="", by=second, at=NOW)


@pytest.mark.parametrize("who", ["filed_by", "first_reviewer"])
def test_the_database_itself_refuses_a_judge_in_their_own_case(office, who):
    claim = a_reviewed_claim()

    @writes
    def past_the_code():
        Decision.create(
            organization=claim.organization, claim=claim, verdict="approve", computed=1, amount=1,
            explanation=[], plan_hash="", by=getattr(claim, who), on=TODAY,
            filed_by=claim.filed_by, first_reviewer=claim.first_reviewer,
        )  # fmt: skip

    with pytest.raises(IntegrityError):
        past_the_code()


def test_an_approval_owes_what_the_steps_say_and_books_it(office):
    claim = a_reviewed_claim()
    decision = decide(claim)
    assert (decision.amount, decision.computed) == (6_018_60, 6_018_60)
    assert Claim.get_by_id(claim.id).stage == "approved"
    journal = Journal.get(Journal.key == f"claim:{claim.id}:award")
    lines = {line.account: line.amount for line in journal.postings}
    assert lines == {"benefits": 6_018_60, "payable": -6_018_60}


def test_a_decision_keeps_its_steps_in_words_with_figures_and_clause(office):
    decision = decide(a_reviewed_claim())
    first = Decision.get_by_id(decision.id).explanation[0]
    assert "10,031.00元 × 60% = 6,018.60元" in first["words"]
    assert (first["before"], first["after"]) == (10_031_00, 6_018_60)
    assert "60%" in first["clause"]


def test_a_claim_is_decided_once(office):
    claim = a_reviewed_claim()
    decide(claim)
    with pytest.raises(Refused, match="作出决定"):
        decide(claim, verdict="refuse", reason="再议")
    assert Decision.select().count() == 1


def test_a_raise_or_cut_needs_a_reason_and_is_kept_beside_what_was_computed(office):
    claim = a_reviewed_claim()
    with pytest.raises(Refused) as refused:
        decide(claim, amount=6_500_00)
    assert "reason" in refused.value.by_field()
    decision = decide(claim, amount=6_500_00, reason="补发上次少付")
    assert (decision.computed, decision.amount) == (6_018_60, 6_500_00)


def test_nothing_is_paid_above_the_cap(office):
    claim = a_reviewed_claim()
    with pytest.raises(Refused, match=r"100,000\.00"):
        decide(claim, amount=100_000_01, reason="特殊情况")
    assert decide(claim, amount=100_000_00, reason="特殊情况").amount == 100_000_00


def test_a_cap_reached_in_the_middle_pays_the_part_that_is_left(office):
    first = a_reviewed_claim(in_scope=150_000_00, at=DURING)
    decide(first)
    second = a_reviewed_claim(
        first.enrollment,
        stays=[a_stay(date(2023, 12, 1), total=None, in_scope=40_000_00)],
        at=DURING,
    )
    assert (first.computed, second.computed) == (90_000_00, 10_000_00)
    with pytest.raises(Refused, match=r"10,000\.00"):
        decide(second, amount=10_000_01, reason="特殊情况")
    assert decide(second).amount == 10_000_00


def test_the_cap_is_counted_from_what_was_decided_when_the_second_is_decided(office):
    first = a_reviewed_claim(in_scope=100_000_00, at=DURING)
    stays = [a_stay(date(2023, 12, 1), total=None, in_scope=100_000_00)]
    second = a_reviewed_claim(first.enrollment, stays=stays, at=DURING)
    assert second.computed == 60_000_00  # nothing was decided yet
    decide(first, amount=70_000_00, reason="按特殊情况增加")
    assert decide(second).amount == 30_000_00


def test_a_decided_amount_is_never_reckoned_again(office):
    first = an_approved_claim()
    Stay.update(amounts={"in_scope": 1}).where(Stay.claim == first).execute()
    assert claims.reckon_claim(first).benefit == 1
    assert Decision.get(Decision.claim == first).amount == 6_018_60


def test_a_decision_is_a_row_that_is_never_changed(office):
    an_approved_claim()
    with pytest.raises(Exception, match="only added"):
        Decision.update(amount=1).execute()


def test_a_refusal_needs_a_reason_and_owes_nothing(office):
    claim = a_reviewed_claim()
    with pytest.raises(Refused, match="理由"):
        decide(claim, verdict="refuse")
    decision = decide(claim, verdict="refuse", reason="不属于住院")
    assert (decision.amount, Journal.select().count()) == (0, 0)
    assert Claim.get_by_id(claim.id).stage == "refused"


def test_nothing_or_less_cannot_be_approved(office):
    claim = a_reviewed_claim()
    for amount in (0, -1):
        with pytest.raises(Refused, match="大于零"):
            decide(claim, amount=amount, reason="…")


def test_of_two_processes_that_decide_at_once_one_wins(office):
    claim = a_reviewed_claim()
    judges = [a_user(Role.REVIEWER, at=claim.organization.parent) for _ in range(2)]
    answers = at_once(
        [
            f"claims.decide_claim(Claim.get_by_id({claim.id}), verdict={verdict!r}, amount=None, "
            f"reason='同时', by=User.get_by_id({judge.id}), at=NOW)"
            for judge, verdict in zip(judges, ("approve", "refuse"), strict=True)
        ],
        office,
    )
    assert sorted(answers) == ["Refused", "done"]
    assert Decision.select().count() == 1
    decision = Decision.get()
    expected = {"approve": "approved", "refuse": "refused"}[decision.verdict]
    assert Claim.get_by_id(claim.id).stage == expected
    assert Journal.select().count() == (decision.amount > 0)


def test_two_claims_decided_at_once_never_exceed_the_cap_together(office):
    first = a_reviewed_claim(in_scope=100_000_00, at=DURING)
    stays = [a_stay(date(2023, 12, 1), total=None, in_scope=100_000_00)]
    second = a_reviewed_claim(first.enrollment, stays=stays, at=DURING)
    judge = a_user(Role.REVIEWER, at=first.organization.parent)
    answers = at_once(
        [
            f"claims.decide_claim(Claim.get_by_id({claim.id}), verdict='approve', amount=None, "
            f"reason='', by=User.get_by_id({judge.id}), at=NOW)"
            for claim in (first, second)
        ],
        office,
    )
    assert answers == ["done", "done"]
    assert sorted(d.amount for d in Decision.select()) == [40_000_00, 60_000_00]


def test_an_undecided_verdict_is_asked_for(office):
    with pytest.raises(Refused, match="请选择"):
        decide(a_reviewed_claim(), verdict="")


# ── Supplement ──────────────────────────────────────────────────────────────────────────────


def test_a_return_says_everything_at_once_and_needs_something_to_say(office):
    claim = a_claim()
    reviewer = a_user(at=claim.organization)
    with pytest.raises(Refused):
        claims.return_claim(claim, reason=" ", by=reviewer, at=NOW)
    claims.return_claim(
        claim, missing=["出院小结", "发票"], reason="结算单不清晰", by=reviewer, at=NOW
    )
    event = claim.events.order_by(ClaimEvent.id.desc()).first()
    assert event.note.split("\n") == ["补交出院小结", "补交发票", "结算单不清晰"]


def test_a_claim_filed_again_says_what_changed_and_is_reviewed_from_the_beginning(office):
    claim = a_reviewed_claim()
    claims.return_claim(claim, reason="请更正", by=a_user(at=claim.organization), at=NOW)
    paper = ("出院小结", Kept("c" * 32, "小结.pdf", 9, "e" * 64))
    claims.refile_claim(
        claim, event=None, stays=[a_stay(in_scope=10_000_00)], papers=[paper],
        by=claim.filed_by, at=NOW, note="已更正",
    )  # fmt: skip
    fresh = Claim.get_by_id(claim.id)
    assert (fresh.stage, fresh.first_reviewer, fresh.computed) == ("filed", None, 6_000_00)
    note = fresh.events.order_by(ClaimEvent.id.desc()).first().note
    assert "符合医保政策剩余由10,031.00元改为10,000.00元" in note
    assert "补交出院小结" in note


def test_only_a_returned_claim_is_filed_again(office):
    claim = a_claim()
    with pytest.raises(Lost):
        claims.refile_claim(
            claim, event=None, stays=[a_stay()], papers=[], by=claim.filed_by, at=NOW
        )
    assert claim.stays.count() == 1


def test_a_decided_claim_is_not_returned(office):
    claim = an_approved_claim()
    with pytest.raises(Refused, match="作出决定"):
        claims.return_claim(claim, reason="…", by=a_user(at=claim.organization), at=NOW)


# ── What the member may ask ─────────────────────────────────────────────────────────────────


def test_a_member_learns_the_stage_and_nothing_else(office):
    member = a_member(a_unit(a_city()))
    enrollment = an_enrollment(member=member)
    claim = a_claim(enrollment)
    tail = member.opened("resident_id")[-4:]
    assert "等待初审" in claims.stage_for_member(claim.number, tail)
    wrong = "0000" if tail != "0000" else "1111"
    assert claims.stage_for_member(claim.number, wrong) is None
    assert claims.stage_for_member("SL20240101000000", tail) is None
