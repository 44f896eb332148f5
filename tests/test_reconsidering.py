"""A decision revoked: asked by one, granted by another, reversed in the ledger, reviewed anew."""

from datetime import date

import pytest
from builders import NOW, a_user, signed_in
from builders_claims import (
    a_claim,
    a_reviewed_claim,
    a_stay,
    an_approved_claim,
    an_enrollment,
    an_event_claim,
    covered_by,
    decided,
)
from builders_operator import (
    PAID,
    a_sent_claim,
    all_agrees,
    answer_taken,
    answered,
    decide,
    finance_of,
    now,
    reply_of,
    scheme_of,
    sent_claims,
)
from peewee import DatabaseError, IntegrityError
from test_verification import findings_after

from huigong import database
from huigong.models import (
    AuditEvent,
    ClaimEvent,
    Decision,
    Journal,
    Payout,
    PayoutBatch,
    Reconsideration,
    RevokedDecision,
    Role,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import claims, ledger, operator, payouts
from huigong.workflows.claims import reconsidering

WHY = "职工提出异议：结算单录错"


def a_reviewer(claim):
    return a_user(Role.REVIEWER, at=claim.organization.parent)


def asked_of(claim, **more):
    return claims.ask_reconsideration(
        claim, by=a_reviewer(claim), at=NOW, **{"reason": WHY, **more}
    )


def answered_with(asked, grant=True, answer="", **more):
    by = more.pop("by", None) or a_reviewer(asked.claim)
    return claims.answer_reconsideration(asked, grant=grant, answer=answer, by=by, at=NOW)


def revoked(claim):
    answered_with(asked_of(claim))
    return now(claim)


def a_card(claim):
    member = claim.member
    member.bank_card = member.seal("bank_card", "6222000000000000003")
    member.save()


def in_a_batch(claim):
    a_card(claim)
    city = scheme_of(claim).organization
    return payouts.make_batch(claims=[claim], organization=city, by=finance_of(claim), at=NOW)


# ── what it does ────────────────────────────────────────────────────────────────────────────


def test_a_revoked_decision_is_kept_reversed_and_the_claim_reviewed_anew(office):
    claim = an_approved_claim()
    decision, scheme = Decision.get(), scheme_of(claim)
    assert ledger.balance(scheme, "payable") == -6_018_60
    claim = revoked(claim)
    assert (claim.stage, claim.first_reviewer) == ("filed", None)
    assert Decision.select().count() == 0
    kept = RevokedDecision.get()
    assert (kept.verdict, kept.amount, kept.explanation, kept.by) == (
        "approve", 6_018_60, decision.explanation, decision.by,
    )  # fmt: skip
    assert ledger.balance(scheme, "payable") == ledger.balance(scheme, "benefits") == 0
    assert [event.kind for event in claim.events.order_by(ClaimEvent.id)][-2:] == [
        "revocation_asked", "revoked",
    ]  # fmt: skip
    assert all_agrees(office)
    with pytest.raises(Refused, match="没有可以撤销的决定"):
        asked_of(claim)


def test_a_claim_may_be_decided_revoked_and_decided_again_until_it_is_paid(office):
    claim = an_approved_claim()
    for amount in (5_000_00, 4_000_00):
        claim = revoked(claim)
        claims.review_claim(claim, note="", by=a_reviewer(claim), at=NOW)
        decide(claim, amount=amount, reason="按更正后的结算单")
        assert all_agrees(office)
    keys = [f"claim:{claim.id}:award{end}" for end in ("", ":2", ":3")]
    assert Journal.select().where(Journal.key << keys).count() == 3
    payouts.release_batch(in_a_batch(now(claim)), by=finance_of(claim), at=NOW)
    assert (now(claim).stage, Payout.get().amount) == ("paid", 4_000_00)
    assert all_agrees(office)
    with pytest.raises(Refused, match="已发放"):
        asked_of(claim)


def test_the_number_of_a_revoked_decision_is_given_to_no_other(office):
    claim = an_approved_claim()
    number, by, on = Decision.get().id, Decision.get().by, Decision.get().on
    claims.review_claim(revoked(claim), note="", by=a_reviewer(claim), at=NOW)
    claims.decide_claim(now(claim), verdict="approve", amount=None, reason="", by=by, at=NOW)
    again = Decision.get()
    assert (again.by, again.on, again.amount) == (by, on, 6_018_60), "the same in all else"
    assert again.id > number
    with pytest.raises(DatabaseError), database.db.atomic():
        Decision.delete().execute()


def test_a_decision_goes_only_for_a_revoked_one_that_is_the_same(office):
    claim = an_approved_claim()
    asked, decision = asked_of(claim), Decision.get()
    kept = {name: decision.__data__[name] for name in reconsidering._KEPT}
    RevokedDecision.create(
        reconsideration=asked, number=decision.id, attempt=1, **{**kept, "reason": "另一个理由"}
    )
    with pytest.raises(DatabaseError), database.db.atomic():
        Decision.delete().execute()


def test_a_payout_that_came_back_before_may_be_of_the_revoked_amount(office):
    claim = an_approved_claim()
    by = finance_of(claim)
    payouts.release_batch(in_a_batch(claim), by=by, at=NOW)
    payouts.return_payout(Payout.get(), note="户名不符", by=by, at=NOW)
    claims.review_claim(revoked(claim), note="", by=a_reviewer(claim), at=NOW)
    decide(claim, amount=5_000_00, reason="按更正后的结算单")
    assert all_agrees(office)
    payouts.release_batch(in_a_batch(now(claim)), by=by, at=NOW)
    assert [row.amount for row in Payout.select().order_by(Payout.id)] == [6_018_60, 5_000_00]
    assert all_agrees(office)


def test_the_caps_are_as_before_the_revoked_award(office):
    cover = an_enrollment(cover_from=date(2023, 12, 30))
    costly = {"in_scope": 100_000_00, "total": None, "pooled": None, "cash": None}
    first, second = (
        decided(a_claim(cover, stays=[a_stay(day, **costly)]))
        for day in (date(2024, 2, 1), date(2024, 5, 1))
    )
    assert [used for _, used, _ in claims.remaining(second)] == [100_000_00]
    again = revoked(first)
    assert [used for _, used, _ in claims.remaining(second)] == [40_000_00]
    claims.review_claim(again, note="", by=a_reviewer(again), at=NOW)
    decide(again)
    assert Decision.get(Decision.claim == first).amount == 60_000_00
    assert all_agrees(office)


def test_a_refusal_is_revoked_too_and_books_nothing(office):
    claim = a_reviewed_claim()
    decide(claim, "refuse", reason="不属保障范围")
    claim = revoked(claim)
    claims.review_claim(claim, note="", by=a_reviewer(claim), at=NOW)
    decide(claim)
    assert (now(claim).stage, RevokedDecision.get().reason) == ("approved", "不属保障范围")
    assert all_agrees(office)


def test_a_refusal_is_not_revoked_once_the_same_stay_was_claimed_anew(office):
    claim = a_reviewed_claim()
    decide(claim, "refuse", reason="材料不实")
    again = a_claim(claim.enrollment)
    with pytest.raises(Refused, match=again.number):
        asked_of(now(claim))


def test_an_award_is_not_revoked_while_relief_rests_on_it(office):
    cover = covered_by("example-relief-2024", cover_from=date(2024, 2, 1))
    costs = {**dict.fromkeys(("in_scope", "cash")), "self": 10_000_00, "pooled": 0}
    stay = decided(a_claim(cover, stays=[a_stay(date(2024, 5, 1), total=10_000_00, **costs)]))
    relief = decided(an_event_claim(cover, "relief", self=10_000_00))
    assert relief.facts["paid"] == 4_645_00
    with pytest.raises(Refused, match=relief.number):
        asked_of(stay)
    assert "paid" not in revoked(relief).facts, "it is reckoned anew from what was paid"
    assert revoked(stay).stage == "filed"
    assert all_agrees(office)


def test_what_a_reviewer_had_proposed_is_proposed_anew(office):
    cover = covered_by("example-relief-2024", cover_from=date(2024, 2, 1))
    claim = an_event_claim(cover, "hardship", cash=9_000_00, paid=0)
    assert decided(claim, proposed=1_000_00).facts["proposed"] == 1_000_00
    assert "proposed" not in revoked(claim).facts


# ── two people, and nothing paid meanwhile ──────────────────────────────────────────────────


def test_who_asked_does_not_grant(office):
    asked = asked_of(an_approved_claim())
    with pytest.raises(Refused, match="另一人"):
        answered_with(asked, by=asked.asked_by)
    with pytest.raises(IntegrityError), database.db.atomic():
        Reconsideration.update(decided_by=asked.asked_by).execute()
    assert Decision.select().count() == 1


def test_nothing_is_paid_while_it_is_asked_and_again_once_it_was_declined(office):
    claim = an_approved_claim()
    asked = asked_of(claim)
    with pytest.raises(Refused, match="提请撤销决定"):
        in_a_batch(claim)
    with pytest.raises(Refused, match="没有要送"):
        sent_claims(office, scheme_of(claim))
    with pytest.raises(Refused, match="等待另一人答复"):
        asked_of(claim)
    with pytest.raises(Refused, match="理由"):
        answered_with(asked, grant=False)
    answered_with(asked, grant=False, answer="已核对，无误")
    with pytest.raises(Lost):
        answered_with(asked)
    assert in_a_batch(claim).stage == "made"
    assert all_agrees(office)


def test_it_is_not_asked_without_a_reason_or_of_a_claim_on_its_way_to_be_paid(office):
    claim = an_approved_claim()
    with pytest.raises(Refused, match="理由"):
        asked_of(claim, reason=" ")
    batch = in_a_batch(claim)
    with pytest.raises(Refused, match=batch.number):
        asked_of(claim)
    payouts.withdraw_batch(batch, reason="重做", by=finance_of(claim), at=NOW)
    sent_claims(office, scheme_of(claim))
    with pytest.raises(Refused, match="收回"):
        asked_of(claim)
    assert Reconsideration.select().count() == 0


def test_the_database_lets_no_decision_go_that_is_not_kept(office):
    an_approved_claim()
    with pytest.raises(Exception, match="only added"), database.db.atomic():
        Decision.delete().execute()
    assert Decision.select().count() == 1


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE revoked_decision SET amount = amount + 1", "已撤销的决定与账簿不符"),
        ("UPDATE claim SET stage = 'approved'", "状态与决定不符"),
        ("DELETE FROM revoked_decision", "撤销的决定没有留存"),
    ],
)
def test_verify_names_what_somebody_changed_of_it_by_hand(office, statement, words):
    claim = revoked(an_approved_claim())
    claims.review_claim(claim, note="", by=a_reviewer(claim), at=NOW)
    if "claim SET" not in statement:
        decide(claim)
    assert all_agrees(office)
    found = findings_after(office, statement)
    assert any(words in sentence for sentence in found), found


# ── an operator that does not pay ───────────────────────────────────────────────────────────


def test_what_the_operator_refuses_is_taken_back_and_its_revocation_asked_in_one_step(office):
    claim, _ = a_sent_claim(office)
    scheme, by = scheme_of(claim), finance_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, "拒付", words="不属保障范围"))
    operator.settle_reply(reply_of(claim), verdict="revoke", reason="理由成立", by=by, at=NOW)
    asked = Reconsideration.get()
    assert asked.reason == "承办方拒付，不属保障范围。理由成立"
    assert (asked.asked_by, now(claim).stage) == (by, "approved")
    assert all_agrees(office)
    answered_with(asked)
    claims.review_claim(now(claim), note="", by=a_reviewer(claim), at=NOW)
    decide(claim, "refuse", reason="不属保障范围")
    assert ledger.balance(scheme, "payable") == 0
    assert all_agrees(office)


def test_what_the_operator_has_paid_is_not_revoked_but_its_other_amount_may_be(office):
    claim, _ = a_sent_claim(office)
    scheme, by = scheme_of(claim), finance_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, "同意", "5000", words="限额"))
    assert "revoke" in dict(operator.verdicts_for(reply_of(claim)))
    operator.settle_reply(reply_of(claim), verdict="wait", reason="请付全额", by=by, at=NOW)
    rows = answered(claim, "已支付", "5000", "ZF1", "2024-12-16")
    answer_taken(office, scheme, "claims", rows)
    with pytest.raises(Refused, match="请选择"):
        operator.settle_reply(reply_of(claim), verdict="revoke", reason="不对", by=by, at=NOW)
    claim = an_approved_claim(an_enrollment(claim.enrollment.edition))
    sent_claims(office, scheme_of(claim))
    answer_taken(office, scheme_of(claim), "claims", answered(claim, *PAID))
    with pytest.raises(Refused, match="已发放"):
        asked_of(now(claim))


# ── screens ─────────────────────────────────────────────────────────────────────────────────


def text(response) -> str:
    return response.get_data(as_text=True)


def test_finance_asks_and_a_reviewer_grants_on_their_screens(app, office):
    claim = an_approved_claim()
    there = f"/admin/claims/{claim.id}"
    finance, reviewer = (signed_in(app, by) for by in (finance_of(claim), a_reviewer(claim)))
    assert "提请撤销决定" in text(finance.get(there))
    assert "6,018.60" in text(finance.get(f"{there}/reconsideration"))
    assert "请写明" in text(finance.send(f"{there}/reconsideration", {"reason": ""}))
    finance.send(f"{there}/reconsideration", {"reason": WHY})
    again = finance.send(f"{there}/reconsideration", {"reason": WHY})
    assert again.status_code == 422, "from another tab"
    assert "等待另一人答复" in text(again)
    assert finance.get(f"{there}/revocation").status_code == 403
    assert "件提请撤销的决定待答复" in text(reviewer.get("/admin/"))
    assert claim.number in text(reviewer.get("/admin/claims?stage=revoke"))
    assert WHY in text(reviewer.get(f"{there}/revocation"))
    assert "请选择" in text(reviewer.send(f"{there}/revocation", {"grant": ""}))
    assert reviewer.get(f"{there}/revocation-notice").status_code == 404
    assert reviewer.send(f"{there}/revocation", {"grant": "yes"}).status_code == 303
    assert reviewer.send(f"{there}/revocation", {"grant": "yes"}).status_code == 409
    assert "没有待答复的提请" in text(reviewer.get(f"{there}/revocation"))
    page = text(reviewer.get(there))
    assert "已撤销的决定" in page
    assert "等待初审" in page
    notice = text(reviewer.get(f"{there}/revocation-notice"))
    assert "给付互助金 6,018.60 元" in notice
    assert WHY in notice
    deeds = [event.deed for event in AuditEvent.select().where(AuditEvent.deed.contains("revo"))]
    assert deeds == ["ask revocation", "revoke decision"]


def test_the_page_says_first_why_a_decision_cannot_be_revoked_now(app, office):
    claim, _ = a_sent_claim(office)
    page = text(signed_in(app, a_reviewer(claim)).get(f"/admin/claims/{claim.id}/reconsideration"))
    assert "请财务先从承办方收回" in page
    assert "<textarea" not in page


def test_the_next_notice_says_that_it_takes_the_place_of_the_revoked_one(app, office):
    claim = revoked(an_approved_claim())
    claims.review_claim(claim, note="", by=a_reviewer(claim), at=NOW)
    decide(claim, "refuse", reason="不属保障范围")
    page = text(signed_in(app, a_reviewer(claim)).get(f"/admin/claims/{claim.id}/notice"))
    assert "（给付 6,018.60 元）已于2024年12月16日撤销" in page


# ── two at once ─────────────────────────────────────────────────────────────────────────────


def won(said):
    return sum(words.startswith("won") for words in said)


def test_one_revocation_is_asked_once(office, race):
    claim = an_approved_claim()
    said = race(
        a_reviewer(claim),
        "claim = Claim.get()",
        "claims.ask_reconsideration(claim, reason='录错了', by=by, at=at)",
    )
    assert won(said) == 1, said
    assert Reconsideration.select().count() == 1


def test_a_decision_is_revoked_once_or_stands(office, race):
    claim = an_approved_claim()
    asked_of(claim)
    said = race(
        a_reviewer(claim),
        "asked = Reconsideration.get()",
        "claims.answer_reconsideration(asked, grant=me < 2, answer='已核对', by=by, at=at)",
    )
    assert won(said) == 1, said
    assert Decision.select().count() + RevokedDecision.select().count() == 1
    assert Journal.select().where(Journal.key.endswith(":reversed")).count() == (
        RevokedDecision.select().count()
    )


def test_a_claim_is_paid_or_its_revocation_asked_but_not_both(office, race):
    claim = an_approved_claim()
    a_card(claim)
    said = race(
        finance_of(claim),
        "claim = Claim.get()\ncity = claim.enrollment.edition.organization",
        "[lambda: claims.ask_reconsideration(claim, reason='录错了', by=by, at=at),\n"
        " lambda: payouts.make_batch(claims=[claim], organization=city, by=by, at=at)][me]()",
        count=2,
    )
    assert won(said) == 1, said
    assert Reconsideration.select().count() + PayoutBatch.select().count() == 1
