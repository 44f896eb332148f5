"""Correcting a member's phone and card at once, and a resident ID with proof by two people."""

import io
import re

import pytest
from builders import NOW, a_city, a_unit, a_user, signed_in
from builders_claims import a_member, an_approved_claim
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_submitted_roster,
    break_off_approval,
)
from builders_operator import TITLES, a_sent_claim, answer_taken, scheme_of
from peewee import IntegrityError
from test_opening import a_cover, a_paid_claim, booked, keep, the_city

from huigong import identity
from huigong.database import writes
from huigong.models import AuditEvent, IdCorrection, Member, Role, Roster
from huigong.refusals import Lost, Refused
from huigong.uploads import Kept
from huigong.workflows import corrections, enrollment, payouts
from huigong.workflows.enrollment import approval, moving

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


def test_who_was_corrected_in_the_midst_of_an_approval_is_not_made_anew(office, monkeypatch):
    monkeypatch.setattr(approval, "CHUNK", 2)
    roster = a_submitted_roster(people=4)
    reviewer = break_off_approval(roster)
    known = Member.select().order_by(Member.id).get()
    before = [known.opened(name) for name in ("phone", "bank_card")]
    decide(asked(known, identity.complete_id("94184019850203777")), by=reviewer)
    with pytest.raises(Refused, match="有1人的身份证号已更正"):
        enrollment.approve_roster(Roster.get_by_id(roster.id), by=reviewer, at=NOW)
    enrollment.return_roster(roster, reason="身份证号请核对", by=reviewer, at=NOW)
    with pytest.raises(Refused, match="有1人的身份证号在校对之后已更正"):
        enrollment.submit_roster(
            Roster.get_by_id(roster.id), clean_only=False, by=roster.made_by, at=NOW
        )
    assert len({member.ref for member in Member.select()}) == Member.select().count()
    corrected = Member.get_by_id(known.id)
    assert [corrected.opened(name) for name in ("phone", "bank_card")] == before


# ── A file that still names the old ID ──────────────────────────────────────────────────────

OLD = identity.complete_id("94184019800101111")


def renamed(unit, name="王建国"):
    """Somebody of a unit whose ID was OLD and was corrected to RIGHT."""
    person = a_member(unit, number=OLD, name=name)
    decide(asked(person))
    return Member.get_by_id(person.id)


def drafted(unit, number, name="王建国", **more):
    return a_drafted_roster(unit, people=[a_person(身份证号=number, 姓名=name)], **more)


def test_a_roster_that_names_the_old_id_is_told_the_right_one_and_nobody_is_made(office):
    unit = a_county_unit()
    renamed(unit)
    roster = drafted(unit, OLD, seen=[unit.path])
    assert (roster.people, roster.faulty) == (0, 1)
    [[_, fault]] = roster.rows.get().faults
    assert fault == f"这个号码已凭证件更正，现登记为{identity.mask_id(RIGHT)}，请改用更正后的号码"
    assert drafted(unit, RIGHT).people == 1
    assert Member.select().count() == 1


def test_another_unit_is_told_only_that_the_id_was_corrected(office):
    unit, other = a_county_unit(), a_county_unit()
    renamed(unit)
    roster = drafted(other, OLD, seen=[other.path])
    [[_, fault]] = roster.rows.get().faults
    assert fault == "这个号码已凭证件更正，请向本人核对现在的身份证号后改用"
    with pytest.raises(Refused, match="已凭证件更正，请向本人") as refused:
        moving.ask_relocation(
            number=OLD, name="王建国", target=other, on=NOW.date(), reason="调入",
            by=roster.made_by, at=NOW,
        )  # fmt: skip
    assert RIGHT[-4:] not in str(refused.value)
    with pytest.raises(Refused, match="没有查到"):  # a stranger's name learns nothing
        moving.ask_relocation(
            number=OLD, name="李四", target=other, on=NOW.date(), reason="调入",
            by=roster.made_by, at=NOW,
        )  # fmt: skip


def test_whose_id_it_really_is_may_be_enrolled_after_a_second_look(office):
    unit = a_county_unit()
    person = renamed(unit)
    roster = drafted(unit, OLD, "李四")
    assert roster.people == 1
    assert "曾登记在另一位职工名下" in roster.rows.get().warnings[0]
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    reviewer = a_user(Role.REVIEWER, at=unit.parent)
    enrollment.approve_roster(Roster.get_by_id(roster.id), by=reviewer, at=NOW)
    assert {m.opened("resident_id") for m in Member.select()} == {OLD, RIGHT}
    assert Member.get_by_id(person.id).name == "王建国"


def test_an_id_corrected_after_the_reading_is_caught_at_submission_and_at_approval(office):
    unit, other = a_county_unit(), a_county_unit()
    person = a_member(unit, number=OLD, name="王建国")
    read, submitted = drafted(unit, OLD), drafted(other, OLD)
    enrollment.submit_roster(submitted, clean_only=False, by=submitted.made_by, at=NOW)
    decide(asked(person))
    with pytest.raises(Refused, match="有1人的身份证号在校对之后已更正"):
        enrollment.submit_roster(read, clean_only=False, by=read.made_by, at=NOW)
    reviewer = a_user(Role.REVIEWER, at=unit.parent)
    with pytest.raises(Refused, match="有1人的身份证号已更正"):
        enrollment.approve_roster(Roster.get_by_id(submitted.id), by=reviewer, at=NOW)
    assert Member.select().count() == 1


def test_a_number_that_is_corrected_twice_or_back_is_known_by_what_it_was(office):
    unit = a_county_unit()
    person, third = renamed(unit), identity.complete_id("94184019850203112")
    decide(asked(person, third))
    assert {drafted(unit, number).faulty for number in (OLD, RIGHT)} == {1}
    decide(asked(Member.get_by_id(person.id), OLD))
    assert drafted(unit, OLD).people == 1
    assert drafted(unit, RIGHT).faulty == drafted(unit, third).faulty == 1


def test_past_covers_and_claims_that_name_the_old_id_are_told_the_right_one(office, tmp_path):
    city = the_city()
    person, told = a_cover(), f"现登记为{identity.mask_id(RIGHT)}"
    booked(city, "covers", [person], tmp_path)
    decide(asked(Member.get()), by=a_user(Role.REVIEWER, at=city))
    later = a_cover(**{**person, "保障开始日": "2023-12-21"})
    with pytest.raises(Refused, match=f"第3行 身份证号：.*{re.escape(told)}"):
        keep(city, "covers", [later], tmp_path)
    with pytest.raises(Refused, match=f"第3行 身份证号：.*{re.escape(told)}"):
        keep(city, "claims", [a_paid_claim(person)], tmp_path)
    assert booked(city, "claims", [a_paid_claim({**person, "身份证号": RIGHT})], tmp_path).rows == 1
    assert Member.select().count() == 1


def test_an_operators_answer_that_names_the_old_id_finds_its_person(office):
    claim, _ = a_sent_claim(office)
    scheme, number = scheme_of(claim), OLD
    for known in (OLD, RIGHT):
        decide(asked(Member.get_by_id(claim.member_id), known))
    cover = [["身份证号", "结果", "原因"], [number, "承保", ""]]
    assert answer_taken(office, scheme, "covers", cover) == 1
    titles, paid = ["身份证号", *TITLES[1:]], ["已支付", "6018.60", "Z1", "2024-12-16", ""]
    assert answer_taken(office, scheme, "claims", [titles, [number, *paid]]) == 1
    both, again = ["身份证号", *TITLES], [number, claim.number, "已支付", "6018.60", "Z1"]
    with pytest.raises(Refused, match="没有新的内容"):  # and its ID fits the claim's number
        answer_taken(office, scheme, "claims", [both, [*again, "2024-12-16", ""]])


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
    sought = clerk.get(f"/admin/members?q={member.opened('resident_id')}", follow_redirects=True)
    assert "这个号码已凭证件更正" in sought.text
    assert f"<h1>{member.name}" in sought.text
    assert RIGHT not in reviewer.get(place).get_data(as_text=True)
    foreign = signed_in(app, a_user(Role.CLERK, Role.REVIEWER, at=a_unit(a_city())))
    assert foreign.get(place).status_code == 404
    assert foreign.get(address).status_code == 404
