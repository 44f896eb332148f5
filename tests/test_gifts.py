"""Gifts: who else pays a roster's fee, from the declaration to the receipt and the certificate."""

import io
import re
from datetime import date

import pytest
from builders import NOW, TODAY, a_county, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_zhengzhou_unit,
    the_edition,
)
from builders_funding import paid
from builders_site import a_public_city
from builders_statements import a_line, imported, matched
from test_shares import a_top_up

from huigong import clock
from huigong.models import Due, Enrollment, Gift, Level, Payment, Reminder, Role, Roster
from huigong.plans.vocabulary import OWERS
from huigong.refusals import Lost, Refused
from huigong.sheets import read_rows
from huigong.site.build import build
from huigong.workflows import (
    agreement,
    enrollment,
    funding,
    gifts,
    ledger,
    reminders,
    shares,
    top_ups,
)
from huigong.workflows.enrollment import certificates, renewal
from huigong.workflows.statements import matching

AT_ZHENGZHOU = NOW.replace(year=2023, month=8, day=1)


def declared(roster, *, kind="enterprise", giver=None, name="示例爱心企业有限公司", whole=False,
             each=None, marked=False, basis="示例赠送函 2024-12-01", at=NOW):  # fmt: skip
    return gifts.declare(
        roster, kind=kind, giver=giver, name=name, basis=basis, whole=whole, each=each,
        marked=marked, by=roster.made_by, at=at,
    )  # fmt: skip


def submitted(roster, at=NOW):
    return enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=at)


def finance_of(gift):
    return a_user(Role.FINANCE, at=gifts.receiver_of(gift))


def agreed(gift, at=NOW):
    gift = Gift.get_by_id(gift.id)
    _, amount = gifts.figures(shares.preview(gift.roster))
    return gifts.agree(gift, amount=amount, by=finance_of(gift), at=at)


def approved(roster, at=NOW):
    roster = Roster.get_by_id(roster.id)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    return enrollment.approve_roster(roster, by=reviewer, at=at)


def a_given_roster(roster=None, *, at=NOW, **gift):
    """An approved roster whose gift was agreed to."""
    roster = roster or a_drafted_roster(people=2)
    made = declared(roster, at=at, **gift)
    submitted(roster, at)
    agreed(made, at)
    return approved(roster, at), Gift.get_by_id(made.id)


def dues(roster):
    return {due.carrier: due.amount for due in roster.dues.where(Due.live())}


def test_a_thousand_grid_workers_at_75_each_are_the_givers_whole(office):
    """S1: 1,000 网格员 enrolled free at 75 元 each; here four of them."""
    unit, start = a_zhengzhou_unit(), date(2023, 8, 1)
    roster = a_drafted_roster(
        unit, people=4, code="zhengzhou-hospital-2023", cover_from=start, at=AT_ZHENGZHOU
    )
    city = unit.above(Level.CITY)
    gift = declared(roster, kind="organization", giver=city, whole=True, at=AT_ZHENGZHOU)
    assert shares.preview(roster) == [["gift", 75_00, 4]]
    submitted(roster, AT_ZHENGZHOU)
    agreed(gift, AT_ZHENGZHOU)
    roster = approved(roster, AT_ZHENGZHOU)
    due = roster.dues.get()
    assert (due.carrier, due.payer, due.amount) == ("gift", city, 300_00)
    assert due.payer_name == city.name
    assert ledger.balance(roster.edition.scheme, "gifts") == -300_00
    assert agreement.disagreements() == []


def test_a_donor_carries_the_rest_and_the_levels_their_shares(office):
    roster, gift = a_given_roster()
    assert dues(roster) == {"gift": 100_00, "county": 20_00, "city": 40_00}
    due = gifts.due_of(gift)
    assert (due.payer, due.payer_name) == (roster.edition.organization, gift.name)
    assert (gift.people, gift.amount) == (2, 100_00)
    assert agreement.disagreements() == []


def test_of_a_mixed_roster_only_the_marked_are_given(office):
    people = [a_person(是否赠送="是"), a_person(是否赠送="否"), a_person()]
    roster = a_drafted_roster(people=people)
    with pytest.raises(Refused, match="标了1人"):
        declared(roster)
    roster, gift = a_given_roster(roster, marked=True, each=30_00)
    assert dues(roster) == {"gift": 30_00, "unit": 120_00, "county": 30_00, "city": 60_00}
    given = [gifts.giver_of(cover) for cover in Enrollment.select().order_by(Enrollment.id)]
    assert given == [gift.name, "", ""]
    assert agreement.disagreements() == []


def test_marks_without_a_giver_and_a_giver_without_marks_are_refused(office):
    marked = a_drafted_roster(people=[a_person(是否赠送="是")])
    with pytest.raises(Refused, match="由谁赠送"):
        submitted(marked)
    with pytest.raises(Refused, match="没有人填"):
        declared(a_drafted_roster(a_county_unit("示例乙厂工会"), people=1), marked=True)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"kind": "nobody"}, "请选择赠送方"),
        ({"name": " "}, "全称"),
        ({"kind": "organization"}, "上级工会"),
        ({"basis": " "}, "依据"),
        ({"each": 0}, "大于零"),
        ({"each": 50_01}, "还多"),
        ({"name": "示例单位工会"}, "不是赠送"),
    ],
)
def test_an_unknown_giver_and_more_than_the_fee_are_refused(office, said, message):
    roster = a_drafted_roster(a_county_unit("示例单位工会"), people=1)
    with pytest.raises(Refused, match=message):
        declared(roster, **said)
    assert not Gift.select().exists()


def test_a_giver_that_is_not_above_the_unit_is_unknown(office):
    roster = a_drafted_roster(people=1)
    beside = a_county(roster.organization.above(Level.CITY), "示例邻县总工会")
    with pytest.raises(Refused, match="上级工会"):
        declared(roster, kind="organization", giver=beside)


def test_nothing_is_approved_before_somebody_else_agreed(office):
    roster = a_drafted_roster(people=2)
    gift = declared(roster)
    with pytest.raises(Lost):
        agreed(gift)  # not submitted yet
    submitted(roster)
    with pytest.raises(Refused, match="同意赠送"):
        approved(roster)
    gift = Gift.get_by_id(gift.id)
    with pytest.raises(Refused, match="不能自己同意"):
        gifts.agree(gift, amount=100_00, by=roster.made_by, at=NOW)
    with pytest.raises(Refused, match=r"现在是 2 人、100\.00 元"):
        gifts.agree(gift, amount=99_00, by=finance_of(gift), at=NOW)
    agreed(gift)
    assert approved(roster).stage == "approved"


def test_a_declined_gift_goes_back_and_is_dropped_or_declared_anew(office):
    roster = a_drafted_roster(people=2)
    gift = declared(roster)
    submitted(roster)
    by = finance_of(gift)
    with pytest.raises(Refused, match="原因"):
        gifts.decline(Gift.get_by_id(gift.id), reason="", by=by, at=NOW)
    gifts.decline(Gift.get_by_id(gift.id), reason="预算不足", by=by, at=NOW)
    with pytest.raises(Refused, match="没有同意"):
        approved(roster)
    roster = Roster.get_by_id(roster.id)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    enrollment.return_roster(roster, reason="赠送方没有同意", by=reviewer, at=NOW)
    with pytest.raises(Refused, match="没有同意"):
        submitted(roster)
    gifts.drop(roster, by=roster.made_by, at=NOW)
    submitted(roster)
    assert dues(approved(roster)) == {"unit": 100_00, "county": 20_00, "city": 40_00}


def test_an_agreement_is_to_one_submission_and_to_no_more_than_its_sum(office):
    roster = a_drafted_roster(people=2)
    top_up = a_top_up(roster)
    gift = declared(roster)
    submitted(roster)
    agreed(gift)
    assert Gift.get_by_id(gift.id).amount == 90_00
    top_ups.end_top_up(top_up, to_on=date(2024, 12, 31), by=top_up.by, at=NOW)
    reviewer = a_user(Role.REVIEWER, at=roster.organization.parent)
    roster = Roster.get_by_id(roster.id)
    seen = shares.mark_of(shares.preview(roster))
    with pytest.raises(Refused, match=r"同意了 90.00 元，现在是 100.00 元"):
        enrollment.accept_shares(roster, seen=seen, by=reviewer, at=NOW)
    agreed(gift)
    enrollment.accept_shares(roster, seen=seen, by=reviewer, at=NOW)
    enrollment.return_roster(roster, reason="请核对名单", by=reviewer, at=NOW)
    submitted(roster)
    assert Gift.get_by_id(gift.id).stage == "asked"


@pytest.mark.parametrize("whole", [True, False])
def test_a_gift_taken_back_after_the_approval_leaves_the_ordinary_shares(office, whole):
    people = [a_person(是否赠送="是"), a_person(是否赠送="是"), a_person()]
    roster, gift = a_given_roster(a_drafted_roster(people=people), whole=whole, marked=True)
    gifts.take_back(gift, reason="企业撤回", by=finance_of(gift), at=NOW)
    roster = Roster.get_by_id(roster.id)
    owed = {}
    for due in roster.dues.where(Due.live()):
        owed[due.carrier] = owed.get(due.carrier, 0) + due.amount
    assert owed == {"unit": 150_00, "county": 30_00, "city": 60_00}
    assert shares.owed(roster, roster.split) == owed
    assert agreement.disagreements() == []
    assert gifts.giver_of(Enrollment.select().first()) == ""
    fallen = Due.get(Due.carrier == "gift")
    with pytest.raises(Refused, match="取消"):
        paid(fallen)
    for due in roster.dues.where(Due.live()):
        paid(due)
    assert funding.is_paid(roster)
    with pytest.raises(Lost):
        gifts.take_back(Gift.get_by_id(gift.id), reason="再撤", by=finance_of(gift), at=NOW)


def test_what_was_paid_is_not_taken_back(office):
    _, gift = a_given_roster()
    paid(gifts.due_of(gift), 1_00)
    with pytest.raises(Refused, match="已到账"):
        gifts.take_back(gift, reason="企业撤回", by=finance_of(gift), at=NOW)


def test_the_giver_has_a_receipt_of_its_own(office):
    roster, gift = a_given_roster()
    for due in roster.dues:
        paid(due)
    finance = finance_of(gift)
    first = funding.confirm_receipt(roster, by=finance, at=NOW)
    theirs = funding.receipt_of(roster, given=True)
    assert (first.amount, theirs.amount) == (60_00, 100_00)
    assert theirs.made_out.get().gift == gift
    with pytest.raises(Refused, match="已开票确认"):
        funding.confirm_receipt(roster, by=finance, at=NOW)
    with pytest.raises(Refused, match="已开票确认"):
        funding.reverse_payment(
            Payment.get(Payment.due == gifts.due_of(gift)), reason="记错", by=finance, at=NOW
        )
    funding.void_receipt(theirs, reason="抬头写错", by=finance, at=NOW)
    again = funding.confirm_receipt(roster, by=finance, at=NOW)
    assert (again.amount, again.number) == (100_00, "SJ2024-000003")
    assert agreement.disagreements() == []


def test_the_bank_s_line_finds_the_giver_by_its_name_and_by_the_roster_s_number(office, tmp_path):
    roster, gift = a_given_roster()
    due, number = gifts.due_of(gift), roster.number
    lines = imported(
        roster.edition.organization, tmp_path,
        [a_line("100.00", "赠送", payer=gift.name), a_line("100.00", number, payer="某公司")],
    )  # fmt: skip
    found, exact = matched(lines)
    assert found[lines[0].id][0].dues == [due]
    assert {"付款方是赠送方", "金额相同"} <= set(found[lines[0].id][0].reasons)
    assert exact[lines[1].id].dues == [due]


def test_certificate_and_renewal_name_the_giver_and_ask_anew(office):
    roster, gift = a_given_roster()
    cover = Enrollment.select().first()
    assert ("参保费", f"80.00 元，由{gift.name}赠送") in certificates.facts_of(cover, "")
    proposal = renewal.propose(
        roster.organization, roster.edition.scheme, cover.cover_to, on=date(2025, 12, 1)
    )
    assert (proposal.giver, proposal.rest_by) == (gift.name, "")


def test_verification_sees_a_gift_that_was_meddled_with(office):
    roster, _ = a_given_roster()
    Gift.update(amount=1).execute()
    assert "赠送方同意了 0.01 元" in "；".join(agreement.disagreements())
    Gift.update(stage="declined").execute()
    assert f"名册{roster.number} 有赠送应缴，没有人同意赠送" in agreement.disagreements()


# ── the screens ─────────────────────────────────────────────────────────────────────────────


def test_clerk_giver_reviewer_and_finance_carry_a_gift_through_their_pages(app):
    roster = a_drafted_roster(people=2)
    clerk = signed_in(app, roster.made_by)
    address = f"/admin/rosters/{roster.id}"
    assert clerk.send(f"{address}/gift", {"kind": "person"}).status_code == 422
    form = {
        "kind": "foundation", "name": "示例职工基金会", "basis": "示例协议", "measure": "rest",
        "whom": "all",
    }  # fmt: skip
    assert clerk.send(f"{address}/gift", form).status_code == 303
    assert "示例职工基金会" in clerk.get(f"{address}/gift").get_data(as_text=True)
    page = clerk.get(address).get_data(as_text=True)
    assert "由<a href" in page
    assert "待同意" in page
    clerk.send(f"{address}/submit")
    runs = roster.edition.organization.name
    said = f"还要等赠送方示例职工基金会同意赠送（由{runs}财务确认）"
    assert said in clerk.get("/admin/").get_data(as_text=True)
    assert "还要等示例职工基金会同意" in clerk.get(address).get_data(as_text=True)
    gift = Gift.get()
    finance = signed_in(app, finance_of(gift))
    assert "赠送待同意" in finance.get("/admin/").get_data(as_text=True)
    assert "同意赠送 100.00 元" in finance.get(f"/admin/gifts/{gift.id}").get_data(as_text=True)
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=roster.organization.parent))
    assert reviewer.send(f"{address}/approve").status_code == 422
    assert clerk.send(f"/admin/gifts/{gift.id}", {"answer": "agree"}).status_code == 403
    county = signed_in(app, a_user(Role.FINANCE, at=roster.organization.parent))
    stolen = county.send(f"/admin/gifts/{gift.id}", {"answer": "agree", "amount": "10000"})
    assert stolen.status_code == 404, "not its money"
    assert finance.send(f"/admin/gifts/{gift.id}", {"answer": "agree"}).status_code == 422
    yes = {"answer": "agree", "amount": "10000"}
    assert finance.send(f"/admin/gifts/{gift.id}", yes).status_code == 303
    assert reviewer.send(f"{address}/approve").status_code == 303
    due = gifts.due_of(gift)
    for place in (f"/admin/gifts/{gift.id}/notice", f"/admin/funding/rosters/{roster.id}/",
                  f"/admin/funding/rosters/{roster.id}/notice", "/admin/gifts", "/admin/rosters",
                  "/admin/funding/"):  # fmt: skip
        assert "示例职工基金会" in finance.get(place).get_data(as_text=True), place
    assert finance.get("/admin/gifts.xlsx").data[:2] == b"PK"
    for each in roster.dues:
        paid(each)
    asked = finance.get(f"/admin/funding/rosters/{roster.id}/receipt").get_data(as_text=True)
    for words in ("将开出 2 张收据", "60.00", "示例职工基金会", "100.00"):
        assert words in asked
    sent = finance.send(f"/admin/funding/rosters/{roster.id}/receipt")
    assert sent.status_code == 303
    told = finance.get(sent.location).get_data(as_text=True)
    assert "编号 SJ2024-000001、SJ2024-000002" in told
    asked = finance.get(f"/admin/funding/rosters/{roster.id}/receipt").get_data(as_text=True)
    assert "已开：" in asked
    assert "确认已开票" not in asked
    theirs = funding.receipt_of(Roster.get_by_id(roster.id), given=True)
    slip = finance.get(f"/admin/funding/receipts/{theirs.id}").get_data(as_text=True)
    assert "示例职工基金会（赠送方）" in slip
    assert "示例职工基金会" not in finance.get(f"/admin/funding/receipts/{theirs.id - 1}").get_data(
        as_text=True
    )
    member = Enrollment.select().first().member
    assert "由示例职工基金会赠送" in clerk.get(f"/admin/members/{member.id}").get_data(as_text=True)
    assert due.due_on > TODAY


def test_a_gift_is_declared_with_the_upload(app, office):
    unit = a_county_unit()
    clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    form = {
        "unit": str(unit.id), "edition": the_edition(unit).code, "cover_from": "2025-01-01",
        "rest_by": "unit", "kind": "enterprise", "name": "示例企业", "basis": "函",
        "measure": "rest",
    }  # fmt: skip

    def uploaded(**more):
        file = (io.BytesIO(a_roster_file(2)), "名册.xlsx")
        return clerk.send("/admin/rosters/new", {**form, **more, "file": file})

    wrong = uploaded()
    assert wrong.status_code == 422
    assert not Roster.select().exists()
    uploaded(whom="all")
    assert (Gift.get().name, Gift.get().roster.people) == ("示例企业", 2)
    misfit = uploaded(whom="marked")
    assert misfit.location.endswith("/gift")
    assert Gift.select().count() == 1


def test_an_empty_declaration_is_told_every_gap_at_once(app):
    roster = a_drafted_roster(people=1)
    clerk = signed_in(app, roster.made_by)
    answer = clerk.send(f"/admin/rosters/{roster.id}/gift", {})
    assert answer.status_code == 422
    told = re.findall(r'<li><a href="#([\w-]+)">', answer.get_data(as_text=True))
    assert set(told) == {"kind", "basis", "measure", "whom"}


def test_another_units_gift_is_as_absent(app):
    roster, gift = a_given_roster()
    stranger = signed_in(app, a_user(Role.CLERK, Role.FINANCE, at=a_county_unit("示例外厂工会")))
    for place in (f"/admin/gifts/{gift.id}", f"/admin/gifts/{gift.id}/notice",
                  f"/admin/rosters/{roster.id}/gift"):  # fmt: skip
        assert stranger.get(place).status_code == 404
    assert gift.name not in stranger.get("/admin/gifts").get_data(as_text=True)


def page_of(app, user, address):
    return signed_in(app, user).get(address).get_data(as_text=True)


def test_a_donors_due_waits_for_the_donor_and_not_for_who_collects_it(app):
    roster, gift = a_given_roster()
    office = roster.edition.organization
    clerk = a_user(Role.CLERK, at=office)
    assert {due.carrier for due in roster.dues.where(Due.payer == office)} == {"city", "gift"}
    home = page_of(app, clerk, "/admin/")
    assert re.search(r'figure">1</p><p><a [^>]*>笔应缴等本单位缴纳', home), "its own share alone"
    mine = page_of(app, clerk, "/admin/funding/?whose=mine")
    assert roster.number in mine
    assert gift.name not in mine
    assert gift.name in page_of(app, finance_of(gift), "/admin/funding/?whose=all")


def test_an_organizations_gift_waits_for_that_organization(app):
    roster = a_drafted_roster(people=2)
    county = roster.organization.parent
    a_given_roster(roster, kind="organization", giver=county, whole=True)
    home = page_of(app, a_user(Role.CLERK, at=county), "/admin/")
    assert re.search(r'figure">1</p><p><a [^>]*>笔应缴等本单位缴纳', home)


def test_a_reminder_goes_to_the_donor_by_name_and_leaves_who_collects_its_own(app):
    roster, gift = a_given_roster()
    a_given_roster(a_drafted_roster(a_county_unit("示例乙厂工会"), people=1), name="示例基金会")
    office, finance = roster.edition.organization, finance_of(gift)
    clock.fix(date(2025, 2, 1))
    page = page_of(app, finance, "/admin/reminders/")
    for name in (gift.name, "示例基金会"):
        assert re.search(rf'/gifts/\d+/notice">{name}</a>', page)
    assert "还没有，请发赠送缴费通知" in page
    letter = page_of(app, finance, f"/admin/reminders/payers/{office.id}/")
    assert "合计人民币 60.00 元" in letter
    assert OWERS["gift"] not in letter
    told = reminders.remind(office, receiver=office, way="letter", by=finance, at=NOW)
    assert (told.dues, told.amount) == (2, 60_00)
    for due in Due.select().where(Due.carrier == "gift"):
        paid(due)
    assert gift.name not in page_of(app, finance, "/admin/reminders/")


def test_a_donor_s_reminder_is_noted_on_its_notice_and_is_nobody_else_s(app):
    roster, gift = a_given_roster()
    office, finance = roster.edition.organization, finance_of(gift)
    clock.fix(date(2025, 2, 1))
    browser, notice = signed_in(app, finance), f"/admin/gifts/{gift.id}/notice"
    assert "还没有催缴过" in browser.get(notice).get_data(as_text=True)
    assert browser.send(notice, {"way": "owl"}).status_code == 422
    assert browser.send(notice, {"way": "phone"}).location.endswith(notice)
    told = Reminder.get()
    assert (told.organization_id, told.dues, told.amount) == (office.id, 1, gift.amount)
    assert "上次催缴：2025-02-01，电话" in browser.get(notice).get_data(as_text=True)
    page = browser.get("/admin/reminders/").get_data(as_text=True)
    assert page.count("2025-02-01，电话") == 1
    assert "还没有</td>" in page, "the collecting office was not reminded of its own share"
    county = signed_in(app, a_user(Role.FINANCE, at=roster.organization.parent))
    assert "已用电话催缴" not in county.get(notice).get_data(as_text=True)
    assert county.send(notice, {"way": "phone"}).status_code == 404
    paid(gifts.due_of(gift))
    assert "记下催缴" not in browser.get(notice).get_data(as_text=True)
    with pytest.raises(Refused, match="不需要催缴"):
        reminders.remind_donor(gift, way="phone", by=finance, at=NOW)


def test_an_organizations_gift_is_reminded_as_a_payer_not_as_a_donor(app):
    roster = a_drafted_roster(people=2)
    county = roster.organization.parent
    _, gift = a_given_roster(roster, kind="organization", giver=county, whole=True)
    browser = signed_in(app, a_user(Role.FINANCE, at=county))
    notice = f"/admin/gifts/{gift.id}/notice"
    assert "记下催缴" not in browser.get(notice).get_data(as_text=True)
    assert browser.send(notice, {"way": "phone"}).status_code == 404
    with pytest.raises(Refused, match="不需要催缴"):
        reminders.remind_donor(gift, way="phone", by=finance_of(gift), at=NOW)


def test_lists_of_gifts_and_of_their_dues_ask_no_more_the_longer_they_are(app, asked_sql, tmp_path):
    gift = a_given_roster()[1]
    paid(gifts.due_of(gift), 10_00)
    browser = signed_in(app, finance_of(gift))

    def asked() -> list[int]:
        counts = []
        for place in ("/admin/gifts", "/admin/gifts.xlsx", "/admin/funding/?whose=all"):
            asked_sql.clear()
            assert browser.get(place).status_code == 200
            counts.append(len(asked_sql))
        asked_sql.clear()
        dues = matching.load_dues(due.id for due in Due.select())
        assert gift.name in {due.payer_name for due in dues}
        return [*counts, len(asked_sql)]

    few = asked()
    for number in range(3):
        unit = a_county_unit(f"示例{number}厂工会")
        a_given_roster(a_drafted_roster(unit, people=1), name=f"示例企业{number}")
    assert asked() == few
    book = tmp_path / "gifts.xlsx"
    book.write_bytes(browser.get("/admin/gifts.xlsx").data)
    with read_rows(book) as rows:
        listed = [row for _, row in rows]
    assert [float(row[8]) for row in listed[2:]] == [0, 0, 0, 10]


def test_the_public_site_never_names_a_giver(office):
    a_public_city()
    draft = a_drafted_roster(
        a_zhengzhou_unit(), people=2, code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1), at=AT_ZHENGZHOU,
    )  # fmt: skip
    said = {"name": "示例只在内部出现的企业", "basis": "示例只在内部出现的函"}
    roster, gift = a_given_roster(draft, whole=True, at=AT_ZHENGZHOU, **said)
    paid(gifts.due_of(gift))
    root = build(office.public, as_of=TODAY)
    files = [path for path in root.rglob("*") if path.is_file()]
    assert root / f"zhengzhou/policies/{roster.edition.code}/index.html" in files
    for path in files:
        content = path.read_bytes()
        for words in said.values():
            assert words.encode() not in content, path
