"""Correcting a member's phone and card at once, and a resident ID with proof by two people."""

import io

import pytest
from builders import NOW, a_city, a_unit, a_user, signed_in
from builders_claims import a_member, an_approved_claim
from builders_enrollment import a_submitted_roster
from peewee import IntegrityError

from huigong import identity
from huigong.database import writes
from huigong.models import AuditEvent, Enrollment, IdCorrection, Member, Role, Roster
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import corrections, enrollment, payouts
from huigong.workflows.enrollment import approval

RIGHT = identity.complete_id("94184019850203111")
PROOF = Kept("a" * 32, "身份证.pdf", 9, "f" * 64)
PDF = b"%PDF-1.4 sample"


@pytest.fixture
def member(office):
    return a_member(a_unit(a_city()), number=identity.complete_id("94184019800101111"))


def asked(member, number=RIGHT, **more):
    by = a_user(Role.CLERK, at=member.organization)
    given = {"reason": "名册录错末位", "proof": PROOF, "by": by, "at": NOW, **more}
    return corrections.ask_id_correction(member, resident_id=number, **given)


def decide(request, *, approve=True, note="", by=None):
    by = by or a_user(Role.REVIEWER, at=request.organization.parent)
    return corrections.decide_id_correction(request, approve=approve, note=note, by=by, at=NOW)


# ── Phone, card, bank ───────────────────────────────────────────────────────────────────────


def test_a_missing_card_is_added_and_the_log_holds_no_number(member):
    by = a_user(Role.CLERK, at=member.organization)
    changed = corrections.correct_member(
        member, bank_card="6222 0212 3456 7890 128", bank=" 中国工商银行 ", by=by, at=NOW
    )
    fresh = Member.get_by_id(member.id)
    assert changed == ["bank_card", "bank"]
    assert (fresh.opened("bank_card"), fresh.bank) == ("6222021234567890128", "中国工商银行")
    assert fresh.phone == member.phone
    event = AuditEvent.get(AuditEvent.deed == "correct member")
    assert (event.subject, event.detail) == (f"Member:{member.id}", "银行卡号、开户行")


def test_after_a_card_is_added_the_claim_can_be_paid(office):
    claim = an_approved_claim()
    assert "职工信息里补登" in payouts.card_fault(claim.member)
    by = a_user(Role.CLERK, at=claim.organization)
    corrections.correct_member(claim.member, bank_card="6217000000000000", by=by, at=NOW)
    assert payouts.card_fault(Member.get_by_id(claim.member_id)) == ""


@pytest.mark.parametrize(
    ("given", "field"),
    [({"phone": "12345"}, "phone"), ({"bank_card": "62-x"}, "bank_card"),
     ({"bank_card": "6" * 23}, "bank_card"), ({}, "phone"), ({"bank": "  "}, "phone")],
)  # fmt: skip
def test_a_correction_that_cannot_be_or_changes_nothing_is_refused(member, given, field):
    by = a_user(Role.CLERK, at=member.organization)
    with pytest.raises(Refused) as refused:
        corrections.correct_member(member, by=by, at=NOW, **given)
    assert set(refused.value.by_field()) == {field}
    assert AuditEvent.select().where(AuditEvent.deed == "correct member").count() == 0


# ── The resident ID ─────────────────────────────────────────────────────────────────────────


def test_an_approved_correction_gives_the_new_id_with_birth_date_and_sex(member):
    before = member.opened("resident_id")
    request = asked(member)
    assert Member.get_by_id(member.id).opened("resident_id") == before
    decide(request)
    fresh = Member.get_by_id(member.id)
    assert fresh.opened("resident_id") == RIGHT
    assert fresh.id_index == Member.index_of_id(RIGHT)
    assert fresh.tail_index == Member.index_of_tail(RIGHT[-4:])
    assert (fresh.born_on.isoformat(), fresh.sex) == ("1985-02-03", "male")
    deeds = {event.deed for event in AuditEvent.select()}
    assert {"ask ID correction", "approve ID correction"} <= deeds
    assert not any(RIGHT in event.detail for event in AuditEvent.select())


def test_who_asked_cannot_decide_not_even_past_the_code(member):
    request = asked(member)
    with pytest.raises(Refused, match="由另一人审核"):
        decide(request, by=request.asked_by)

    @writes
    def past_the_code():
        IdCorrection.update(decided_by=request.asked_by).execute()

    with pytest.raises(IntegrityError):
        past_the_code()


def test_an_id_of_somebody_else_is_refused_when_asked_and_when_decided(member):
    other = a_member(member.organization, number=RIGHT)
    with pytest.raises(Refused, match="另一位职工") as refused:
        asked(member)
    assert other.organization.name not in str(refused.value)
    free = identity.complete_id("94184019850203112")
    request = asked(member, free)
    a_member(member.organization, number=free)
    with pytest.raises(Refused, match="另一位职工"):
        decide(request)
    assert IdCorrection.get_by_id(request.id).stage == "asked"


def test_a_request_that_cannot_be_is_refused(member):
    for number, told in ((RIGHT[:-1], "身份证号"), (member.opened("resident_id"), "相同")):
        with pytest.raises(Refused, match=told):
            asked(member, number)
    with pytest.raises(Refused, match="原因"):
        asked(member, reason=" ")
    asked(member)
    with pytest.raises(Refused, match="等待审核"):
        asked(member)


def test_a_refusal_says_why_and_a_request_is_decided_once(member):
    request = asked(member)
    with pytest.raises(Refused, match="理由"):
        decide(request, approve=False)
    decide(request, approve=False, note="证明看不清")
    with pytest.raises(Lost):
        decide(IdCorrection.get_by_id(request.id))
    assert Member.get_by_id(member.id).opened("resident_id") != RIGHT


def test_no_two_members_share_a_ref_when_a_broken_off_approval_is_done_again(office, monkeypatch):
    monkeypatch.setattr(approval, "CHUNK", 2)
    roster = a_submitted_roster(people=4)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)

    def breaks_off(phase, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        enrollment.approve_roster(roster, by=reviewer, at=NOW, told=breaks_off)
    made = Member.select().order_by(Member.id)
    assert (made.count(), Enrollment.select().count()) == (2, 2)
    enrollment.return_roster(roster, reason="身份证号请核对", by=reviewer, at=NOW)
    known = made.get()
    before = [known.opened(name) for name in ("phone", "bank_card")]
    decide(asked(known, identity.complete_id("94184019850203777")), by=reviewer)
    clerk = roster.made_by
    enrollment.submit_roster(Roster.get_by_id(roster.id), clean_only=False, by=clerk, at=NOW)
    enrollment.approve_roster(Roster.get_by_id(roster.id), by=reviewer, at=NOW)
    members = list(Member.select())
    assert len(members) == len({member.ref for member in members}) == 5
    assert Enrollment.counted().count() == 4
    assert len({member.opened("resident_id") for member in members}) == 5
    corrected = Member.get_by_id(known.id)
    assert [corrected.opened(name) for name in ("phone", "bank_card")] == before


# ── Screens ─────────────────────────────────────────────────────────────────────────────────


def test_an_id_of_an_unknown_region_is_asked_about_on_both_sides(app, member, office):
    unit, number = member.organization, identity.complete_id("41019919850203111")
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=unit.parent))
    sent = {"resident_id": number, "reason": "录错", "proof": (io.BytesIO(PDF), "x.pdf")}
    assert clerk.send(f"/admin/members/{member.id}/correct-id", sent).status_code == 303
    told = "前6位“410199”不在1980年以来的行政区划代码里"
    assert told in clerk.get(f"/admin/members/{member.id}").text
    place = f"/admin/id-corrections/{IdCorrection.get().id}"
    assert told in reviewer.get(place).text
    assert reviewer.send(place, {"verdict": "approve"}).status_code == 303
    assert told not in reviewer.get(place).text


def test_from_the_members_page_to_the_approved_id(app, member, office):
    unit = member.organization
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=unit.parent))
    page = clerk.get(f"/admin/members/{member.id}").get_data(as_text=True)
    assert f"/admin/members/{member.id}/correct-id" in page
    address = f"/admin/members/{member.id}/correct"
    assert "现登记：没有" in clerk.get(address).get_data(as_text=True)
    answer = clerk.send(address, {"phone": "1", "bank_card": "6217000000000000"})
    assert answer.status_code == 422
    assert 'value="6217000000000000"' in answer.get_data(as_text=True)
    assert clerk.send(address, {"bank_card": "6217000000000000"}).status_code == 303
    form = {"resident_id": RIGHT, "reason": "录错"}
    answer = clerk.send(f"{address}-id", form)
    assert 'id="proof-wrong"' in answer.get_data(as_text=True)
    bad = clerk.send(f"{address}-id", {**form, "proof": (io.BytesIO(b"<html>"), "x.pdf")})
    assert bad.status_code == 422
    wrong = {**form, "resident_id": "1", "proof": (io.BytesIO(PDF), "x.pdf")}
    assert clerk.send(f"{address}-id", wrong).status_code == 422
    assert not list(office.files.iterdir())
    sent = {**form, "proof": (io.BytesIO(PDF), "身份证.pdf")}
    assert clerk.send(f"{address}-id", sent).status_code == 303
    request = IdCorrection.get()
    assert "件身份证更正待审核" in reviewer.get("/admin/").get_data(as_text=True)
    for who in (clerk, reviewer):  # the member's page says that it waits
        page = who.get(f"/admin/members/{member.id}").get_data(as_text=True)
        assert "由申请人以外的审核人" in page
    place = f"/admin/id-corrections/{request.id}"
    assert place in reviewer.get("/admin/id-corrections").get_data(as_text=True)
    assert RIGHT in reviewer.get(place).get_data(as_text=True)
    file = reviewer.get(f"{place}/proof")
    assert file.data == PDF
    assert file.headers["Content-Disposition"].startswith("attachment")
    file.close()
    assert reviewer.send(place, {}).status_code == 422
    assert clerk.get(place).status_code == 403
    assert reviewer.send(place, {"verdict": "approve"}).status_code == 303
    assert Member.get_by_id(member.id).opened("resident_id") == RIGHT
    assert RIGHT not in reviewer.get(place).get_data(as_text=True)
    foreign = signed_in(app, a_user(Role.CLERK, Role.REVIEWER, at=a_unit(a_city())))
    assert foreign.get(place).status_code == 404
    assert foreign.get(address).status_code == 404
