"""The same deed from a second tab does nothing and says so; a double click reads the first answer.

A second tab sends a key of its own; a double click sends the same form, key and all.
"""

from datetime import date

import pytest
from builders import NOW, TODAY, a_unit, a_user, signed_in
from builders_claims import an_approved_claim
from builders_enrollment import a_drafted_roster, a_person, an_approved_roster
from builders_funding import a_finance, a_paid_roster, a_roster, dues_of, paid
from builders_gifts import a_given_roster, declared, finance_of, submitted
from builders_operator import (
    PAID,
    a_sent_claim,
    an_answer,
    answer_taken,
    answered,
    reply_of,
    scheme_of,
)
from builders_operator import finance_of as at_the_operator
from peewee import fn

from huigong.models import (
    AuditEvent,
    ClaimSending,
    Due,
    Enrollment,
    GiftReminder,
    Income,
    IncomeReversal,
    PaymentReversal,
    Payout,
    PayoutBatch,
    Receipt,
    ReceiptVoid,
    Relocation,
    Reminder,
    Role,
    TopUp,
)
from huigong.workflows import agreement, funding, incomes
from huigong.workflows.enrollment import moving

WHY = {"reason": "登记错了，重新办理"}


def a_voiding(office):
    roster = a_paid_roster()
    by = a_finance(roster)
    receipt = funding.confirm_receipt(roster, by=by, at=NOW)
    return by, f"/admin/funding/receipts/{receipt.id}/void", WHY, ReceiptVoid


def a_receipting(office):
    roster = a_paid_roster()
    return a_finance(roster), f"/admin/funding/rosters/{roster.id}/receipt", {}, Receipt


def a_payments_reversal(office):
    payment = paid(dues_of(a_roster())["city"])
    return payment.by, f"/admin/funding/payments/{payment.id}/reversal", WHY, PaymentReversal


def an_incomes_recording(office):
    place = a_roster().edition.organization
    form = {"kind": "fiscal", "giver": "示例财政局", "amount": "500", "received_on": str(TODAY),
            "bank_reference": "CZ1"}  # fmt: skip
    return a_user(Role.FINANCE, at=place), f"/admin/incomes/new/{place.id}", form, Income


def an_incomes_reversal(office):
    place = a_roster().edition.organization
    by = a_user(Role.FINANCE, at=place)
    income = incomes.record_income(
        organization=place, scheme=None, kind="fiscal", giver="示例财政局", purpose="",
        amount=500_00, received_on=TODAY, bank_reference="CZ1", by=by, at=NOW,
    )  # fmt: skip
    return by, f"/admin/incomes/{income.id}/reversal", WHY, IncomeReversal


def a_top_ups_recording(office):
    roster = a_roster()
    dues_of(roster)
    county = roster.organization.parent
    form = {"scheme": roster.edition.scheme_id, "whom": "all", "amount": "5",
            "from_on": "2025-01-01", "to_on": "2025-12-31", "basis": "示例文件"}  # fmt: skip
    return a_user(Role.FINANCE, at=county), f"/admin/top-ups/new/{county.id}", form, TopUp


def a_top_ups_end(office):
    by, _, form, _ = a_top_ups_recording(office)
    top_up = TopUp.create(
        organization=by.grants.get().organization, scheme=form["scheme"], amount=500,
        members_only=False, from_on=date(2024, 1, 1), to_on=date(2025, 12, 31), basis="示例",
        by=by, at=NOW,
    )  # fmt: skip
    ended = AuditEvent.select().where(AuditEvent.deed == "end top-up")
    return by, f"/admin/top-ups/{top_up.id}/end", {"to_on": "2024-12-31"}, ended


def a_gifts_agreement(office):
    roster = a_drafted_roster(people=2)
    gift = declared(roster)
    submitted(roster)
    told = AuditEvent.select().where(AuditEvent.deed == "agree gift")
    form = {"answer": "agree", "amount": "16000" if gift.whole else "10000"}
    return finance_of(gift), f"/admin/gifts/{gift.id}", form, told


def a_gifts_refusal(office):
    by, address, _, _ = a_gifts_agreement(office)
    told = AuditEvent.select().where(AuditEvent.deed == "declined gift")
    return by, address, {"answer": "refuse", **WHY}, told


def a_gifts_taking_back(office):
    _, gift = a_given_roster()
    reversed_ = AuditEvent.select().where(AuditEvent.deed == "withdrawn gift")
    return finance_of(gift), f"/admin/gifts/{gift.id}", {"answer": "refuse", **WHY}, reversed_


def a_donors_reminder(office):
    _, gift = a_given_roster()
    return finance_of(gift), f"/admin/gifts/{gift.id}/notice", {"way": "phone"}, GiftReminder


def a_payers_reminder(office):
    roster = a_roster()
    payer = dues_of(roster)["city"].payer
    by = a_finance(roster)
    form = {"way": "phone", "receiver": roster.edition.organization_id}
    return by, f"/admin/reminders/payers/{payer.id}/", form, Reminder


def a_relocations_decision(office):
    member, target = a_member_and_a_unit()
    by = a_user(Role.CLERK, at=target)
    asked = moving.ask_relocation(
        number=member.opened("resident_id"), name=member.name, target=target,
        on=date(2024, 12, 10), reason="", by=by, at=NOW,
    )  # fmt: skip
    above = a_user(Role.REVIEWER, at=target.parent)
    moved = AuditEvent.select().where(AuditEvent.deed == "relocate member")
    return above, f"/admin/relocations/{asked.id}", {"agree": "yes"}, moved


def a_relocation_from_above(office):
    member, target = a_member_and_a_unit()
    form = {"target": target.name, "on": "2024-12-10", "reason": "组织调动"}
    by = a_user(Role.REVIEWER, at=target.parent)
    return by, f"/admin/members/{member.id}/relocate", form, Relocation


def a_member_and_a_unit():
    roster = an_approved_roster(people=[a_person(姓名="调演示")])
    member = roster.enrollments.get().member
    return member, a_unit(roster.organization.parent, "新单位")


def a_sending_out(office):
    claim = an_approved_claim()
    by = at_the_operator(claim)
    form = {"was": "approved"}
    return by, f"/admin/operator/{scheme_of(claim).id}/claims/out", form, ClaimSending


def an_answers_taking(office):
    claim, _ = a_sent_claim(office)
    file = an_answer(office, scheme_of(claim), "claims", answered(claim, *PAID))
    return at_the_operator(claim), f"/admin/operator/files/{file.id}", {}, Payout


def an_answers_dropping(office):
    claim, _ = a_sent_claim(office)
    file = an_answer(office, scheme_of(claim), "claims", answered(claim, *PAID))
    dropped = AuditEvent.select().where(AuditEvent.deed == "drop operator answer")
    return at_the_operator(claim), f"/admin/operator/files/{file.id}/drop", {}, dropped


def a_replys_settling(office):
    claim, _ = a_sent_claim(office)
    rows = answered(claim, "已支付", "6000", "ZF1", "2024-12-16")
    answer_taken(office, scheme_of(claim), "claims", rows)
    form = {"verdict": "taken", "reason": "差额由对方补付"}
    return (
        at_the_operator(claim),
        f"/admin/operator/replies/{reply_of(claim).id}",
        form,
        PayoutBatch,
    )


def a_calling_back(office):
    claim, sending = a_sent_claim(office)
    back = AuditEvent.select().where(AuditEvent.deed == "call claims back")
    return at_the_operator(claim), f"/admin/operator/files/{sending.file_id}/call-back", WHY, back


# What the second tab is told: 409, that somebody was first, or in a sentence beside its field.
DEEDS = {
    a_voiding: "已经作废",
    a_receipting: "收据",
    a_payments_reversal: "已经更正",
    an_incomes_recording: "CZ1",
    an_incomes_reversal: "已经更正",
    a_top_ups_recording: "重叠",
    a_top_ups_end: "只能提前",
    a_gifts_agreement: 409,
    a_gifts_refusal: 409,
    a_gifts_taking_back: 409,
    a_donors_reminder: "不再重复登记",
    a_payers_reminder: "不再重复登记",
    a_relocations_decision: 409,
    a_relocation_from_above: "已在这个单位",
    a_sending_out: "没有要送",
    an_answers_taking: 409,
    an_answers_dropping: 409,
    a_replys_settling: 409,
    a_calling_back: "没有还在等回执",
}


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_a_second_tab_does_nothing_and_says_so(app, office, deed):
    by, address, form, facts = deed(office)
    browser = signed_in(app, by)
    first = browser.send(address, form)
    assert first.status_code == 303, first.get_data(as_text=True)
    again = browser.send(address, form)
    told = DEEDS[deed]
    if told == 409:
        assert again.status_code == 409
    else:
        assert again.status_code == 422
        assert told in again.get_data(as_text=True)
    assert facts.select().count() == 1 if isinstance(facts, type) else facts.count() == 1


@pytest.mark.parametrize(
    "deed", [a_voiding, a_payments_reversal, an_incomes_reversal], ids=lambda deed: deed.__name__
)
def test_a_page_that_undoes_says_when_it_was_done_before_and_asks_nothing(app, office, deed):
    by, address, form, _ = deed(office)
    browser = signed_in(app, by)
    browser.send(address, form)
    page = browser.get(address).get_data(as_text=True)
    assert DEEDS[deed] in page
    assert form["reason"] in page
    assert "<textarea" not in page


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_a_double_click_is_answered_as_the_first_one_and_counts_once(app, office, deed):
    by, address, form, facts = deed(office)
    browser = signed_in(app, by)
    form = {**form, "form_key": "the same form"}
    first, second = (browser.send(address, form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert facts.select().count() == 1 if isinstance(facts, type) else facts.count() == 1


# ── at the same moment, by real processes ───────────────────────────────────────────────────


def one_won(said):
    return sum(words.startswith("won") for words in said) == 1


def test_a_gift_is_agreed_to_once_at_the_figure_that_was_read(office, race):
    by, _, form, told = a_gifts_agreement(office)
    said = race(
        by,
        "from huigong.workflows import gifts\ngift = Gift.get()\ngift.roster",
        f"gifts.agree(gift, amount={form['amount']}, by=by, at=at)",
    )
    assert one_won(said), said
    assert told.count() == 1


def test_a_gift_is_taken_back_once_and_its_part_raised_once(office, race):
    _, gift = a_given_roster()
    said = race(
        finance_of(gift),
        "from huigong.workflows import gifts\ngift = Gift.get()\ngift.roster",
        "gifts.take_back(gift, reason='不再赠送', by=by, at=at)",
    )
    assert one_won(said), said
    owed = [due.amount for due in gift.roster.dues.where(Due.live())]
    assert sum(owed) == gift.roster.enrollments.select(fn.SUM(Enrollment.fee)).scalar()
    assert agreement.disagreements() == []


def test_a_member_is_moved_from_above_once(office, race):
    member, target = a_member_and_a_unit()
    said = race(
        a_user(Role.REVIEWER, at=target.parent),
        "from huigong.workflows.enrollment import moving\n"
        f"member, target = Member.get_by_id({member.id}), Organization.get_by_id({target.id})\n"
        "member.organization",
        "moving.relocate(member, target=target, on=day, reason='组织调动', by=by, at=at)",
    )
    assert one_won(said), said
    assert Relocation.select().count() == 1


def test_a_top_up_is_ended_once(office, race):
    by, address, _, ended = a_top_ups_end(office)
    number = address.split("/")[3]
    said = race(
        by,
        f"top_up = TopUp.get_by_id({number})",
        "top_ups.end_top_up(top_up, to_on=day, by=by, at=at)",
    )
    assert one_won(said), said
    assert ended.count() == 1


def test_who_owes_is_reminded_once_by_several_at_once(office, race):
    roster = a_roster()
    payer = dues_of(roster)["city"].payer
    said = race(
        a_finance(roster),
        "from huigong.workflows import reminders\n"
        f"payer, city = Organization.get_by_id({payer.id}), "
        f"Organization.get_by_id({roster.edition.organization_id})",
        "reminders.remind(payer, receiver=city, way='phone', by=by, at=at)",
    )
    assert one_won(said), said
    assert Reminder.select().count() == 1
