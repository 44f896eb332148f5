"""Claims that the operator judges before we decide, and two who decide or take at once."""

import pytest
from builders import NOW, a_user
from builders_claims import an_approved_claim
from builders_operator import (
    PAID,
    a_checked_claim,
    a_sent_claim,
    all_agrees,
    an_answer,
    answer_taken,
    answered,
    decide,
    finance_of,
    now,
    reply_of,
    scheme_of,
    sent_claims,
)
from builders_statements import a_line, imported
from test_verification import findings_after

from huigong.models import (
    Claim,
    ClaimSending,
    Payout,
    Role,
)
from huigong.refusals import Refused
from huigong.workflows import claims, operator, payouts, statements

# ── checked, not decided ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("result", "amount", "words"),
    [("同意", "5000", ""), ("拒付", "", "不属保障范围"), ("补件", "", "缺出院小结")],
)
def test_what_the_operator_says_of_a_checked_claim_is_answered_by_the_decision(
    office, result, amount, words
):
    claim = a_checked_claim(office)
    scheme = scheme_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, result, amount, words=words))
    assert (reply_of(claim).stage, now(claim).stage) == ("open", "reviewed")
    if result == "补件":
        by = a_user(Role.REVIEWER, at=claim.organization.parent)
        claims.return_claim(claim, reason=words, by=by, at=NOW)
    elif result == "拒付":
        decide(claim, "refuse", reason=words)
    else:
        decide(claim, amount=5_000_00, reason="按承办方核定")
    reply = reply_of(claim)
    assert (reply.stage, reply.verdict) == ("done", "judged")
    there = claims.sendings_of(claim)[0].stage
    assert there == ("sent" if result == "同意" else "back")
    assert all_agrees(office)


def test_once_decided_a_checked_claim_goes_out_again_to_be_paid(office):
    claim = a_checked_claim(office)
    scheme = scheme_of(claim)
    decide(claim)
    assert list(payouts.payable(Claim.select())) == [], "it is still with the operator"
    sent_claims(office, scheme)
    assert [(s.was, s.stage) for s in claims.sendings_of(claim)] == [
        ("approved", "sent"), ("reviewed", "back"),
    ]  # fmt: skip
    answer_taken(office, scheme, "claims", answered(claim, *PAID))
    assert now(claim).stage == "paid"
    assert all_agrees(office)


def test_a_payment_before_our_decision_waits_for_it_and_forbids_a_refusal(office):
    claim = a_checked_claim(office)
    scheme, by = scheme_of(claim), finance_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, *PAID))
    assert (reply_of(claim).stage, now(claim).stage) == ("open", "reviewed")
    with pytest.raises(Refused, match="请选择"):
        operator.settle_reply(reply_of(claim), verdict="taken", reason="", by=by, at=NOW)
    with pytest.raises(Refused, match="财务先处理"):
        decide(claim, "refuse", reason="不符合")
    decide(claim)
    with pytest.raises(Refused, match="没有要送"):
        sent_claims(office, scheme)
    operator.settle_reply(reply_of(claim), verdict="taken", reason="", by=by, at=NOW)
    assert now(claim).stage == "paid"
    assert all_agrees(office)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE claim_sending SET stage = 'sent'", "不该还在承办方"),
        ("UPDATE claim_sending SET stage = 'back'", "承办方支付与发放不符"),
        ("DELETE FROM operator_batch", "发放#1"),
        ("DELETE FROM claim_sending", "承办方支付与发放不符"),
    ],
)
def test_verify_names_what_somebody_changed_by_hand(office, statement, words):
    claim, _ = a_sent_claim(office)
    answer_taken(office, scheme_of(claim), "claims", answered(claim, *PAID))
    assert all_agrees(office)
    found = findings_after(office, statement)
    assert any(words in sentence for sentence in found), found


def test_a_payment_that_came_back_to_the_operator_is_owed_again(office):
    claim, _ = a_sent_claim(office)
    scheme, by = scheme_of(claim), finance_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, *PAID))
    payouts.return_payout(Payout.get(), note="承办方告知：户名不符被退回", by=by, at=NOW)
    assert all_agrees(office)
    sent_claims(office, scheme)
    again = ["已支付", "6018.60", "ZF20241216009", "2024-12-16", ""]
    answer_taken(office, scheme, "claims", answered(claim, *again))
    assert now(claim).stage == "paid"
    assert all_agrees(office)


def test_a_line_of_our_bank_is_no_return_of_what_the_operator_paid(office):
    claim, _ = a_sent_claim(office)
    answer_taken(office, scheme_of(claim), "claims", answered(claim, *PAID))
    city = scheme_of(claim).organization
    (line,) = imported(city, office.files, [a_line("6018.60", "退汇", reference="LS1")])
    assert statements.returned_payouts([line], {line.id: 6_018_60}) == {line.id: []}
    with pytest.raises(Refused, match="由承办方支付"):
        statements.take_as_return(line, payout=Payout.get(), by=finance_of(claim), at=NOW)
    assert now(claim).stage == "paid"


# ── two at once, on real processes ──────────────────────────────────────────────────────────


def won(said: list[str]) -> int:
    return sum(words.startswith("won") for words in said)


def test_two_who_take_one_answer_at_once_pay_it_once(office, race):
    claim, _ = a_sent_claim(office)
    an_answer(office, scheme_of(claim), "claims", answered(claim, *PAID))
    said = race(
        finance_of(claim),
        "from huigong.workflows import operator\n"
        "file = OperatorFile.get(OperatorFile.way == 'back')",
        "operator.take_answer(file, folder=folder, clean_only=False, by=by, at=at)",
    )
    assert won(said) == 1, said
    assert Payout.select().count() == 1


def test_our_bank_and_the_operator_are_not_both_given_one_claim(office, race):
    claim = an_approved_claim()
    member = claim.member
    member.bank_card = member.seal("bank_card", "6222000000000000003")
    member.save()
    said = race(
        finance_of(claim),
        "from huigong.workflows import operator\n"
        "claim, scheme = Claim.get(), Scheme.get()\ncity = scheme.organization",
        "[lambda: operator.send_claims(scheme, was='approved', folder=folder, by=by, at=at),\n"
        " lambda: payouts.make_batch(claims=[claim], organization=city, by=by, at=at),\n"
        " lambda: operator.send_claims(scheme, was='approved', folder=folder, by=by, at=at)][me]()",
    )
    assert won(said) == 1, said
    live = ClaimSending.select().where(ClaimSending.stage == "sent").count()
    assert live + Payout.select().where(Payout.stage == "pending").count() == 1


def test_two_who_decide_one_answer_at_once_decide_it_once(office, race):
    claim, _ = a_sent_claim(office)
    rows = answered(claim, "已支付", "6000", "ZF1", "2024-12-16")
    answer_taken(office, scheme_of(claim), "claims", rows)
    said = race(
        finance_of(claim),
        "from huigong.workflows import operator\nreply = OperatorReply.get()",
        "operator.settle_reply(reply, verdict=['taken', 'wait', 'taken'][me], reason='已核对',\n"
        "  by=by, at=at)",
    )
    assert won(said) == 1, said
