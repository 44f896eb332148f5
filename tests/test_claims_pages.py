"""Claims on screen: filing beside the calculation, judging, notices, and the public status page."""

import io
import re
from datetime import date

import pytest
from builders import a_city, a_unit, a_user, signed_in
from builders_claims import (
    a_claim,
    a_member,
    a_reviewed_claim,
    an_approved_claim,
    an_enrollment,
    covered_by,
)
from builders_schemes import a_published_edition
from peewee import Value

from huigong.models import AuditEvent, Claim, Decision, Document, Edition, Role, Stay
from huigong.workflows import brakes, claims

TYPED = {
    "act": "file",
    "stays": "1",
    "stay-0-hospital": "示例市第一人民医院",
    "stay-0-admitted": "2023-10-01",
    "stay-0-discharged": "2023-10-09",
    "stay-0-place": "local",
    "stay-0-total": "53,417",
    "stay-0-pooled": "38,421",
    "stay-0-critical": "0",
    "stay-0-other_funds": "0",
    "stay-0-account": "0",
    "stay-0-cash": "14996",
    "stay-0-in_scope": "10031",
}


@pytest.fixture
def covered(app):
    """An enrollment with a city above it, a clerk at its unit, and two reviewers at the city."""
    enrollment = an_enrollment()
    city, unit = enrollment.edition.organization, enrollment.organization
    enrollment.clerk = signed_in(app, a_user(Role.CLERK, at=unit))
    enrollment.first = signed_in(app, a_user(Role.REVIEWER, at=city))
    enrollment.second = signed_in(app, a_user(Role.REVIEWER, at=city))
    return enrollment


def file(enrollment, **more):
    form = {**TYPED, **{name.replace("__", "-"): text for name, text in more.items()}}
    return enrollment.clerk.send(f"/admin/claims/new/{enrollment.id}", form)


def text_of(response):
    return response.get_data(as_text=True)


def test_a_clerk_finds_a_member_by_name_by_last_four_and_by_certificate(covered):
    tail = covered.member.opened("resident_id")[-4:]
    for asked in ("张示", tail, covered.certificate, "ZS"):
        page = text_of(covered.clerk.get("/admin/claims/new", query_string={"q": asked}))
        assert covered.certificate in page, asked
        assert f"/admin/claims/new/{covered.id}" in page
        assert covered.member.opened("resident_id") not in page
    page = text_of(covered.clerk.get("/admin/claims/new?q=无此人"))
    assert "没有找到" in page


def test_the_form_asks_just_what_the_plan_reads_and_the_settlement(app, covered):
    page = text_of(covered.clerk.get(f"/admin/claims/new/{covered.id}"))
    asked = set(re.findall(r'name="stay-0-(\w+)"', page))
    sheet = {"total", "pooled", "critical", "other_funds", "account", "cash", "in_scope"}
    parts = {"deductible", "coinsurance", "class_b"}
    assert asked == {"hospital", "admitted", "discharged", "place"} | sheet | parts
    assert "不等于现金支付" in page
    assert "以当地工会最新通知为准" in page  # the papers are not stated by the source


def test_a_trial_shows_the_steps_and_keeps_nothing(covered):
    answer = file(covered, act="try")
    page = text_of(answer)
    assert answer.status_code == 200
    assert "6,018.60 <small>元" in page
    assert "10,031.00元 × 60% = 6,018.60元" in page
    assert Claim.select().count() == 0


def test_a_claim_is_filed_with_its_papers_and_its_page_shows_what_is_next(covered):
    paper = (io.BytesIO(b"%PDF-1.4 sample"), "结算单.pdf")
    answer = file(covered, **{"paper__0": paper})
    claim = Claim.get()
    assert (answer.status_code, answer.location) == (303, f"/admin/claims/{claim.id}")
    page = text_of(covered.clerk.get(answer.location))
    assert "等待初审：由申报人以外的一位审核人办理" in page
    assert Document.get().kind == "医保结算单"


def test_a_paper_is_an_attachment_and_its_reading_is_recorded(covered):
    file(covered, **{"paper__0": (io.BytesIO(b"%PDF-1.4 sample"), "结算单.pdf")})
    claim, paper = Claim.get(), Document.get()
    answer = covered.first.get(f"/admin/claims/{claim.id}/papers/{paper.id}")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.mimetype == "application/octet-stream"
    answer.close()
    assert AuditEvent.select().where(AuditEvent.deed == "read paper").count() == 1
    other = a_claim(an_enrollment(covered.edition, covered.organization))
    assert covered.first.get(f"/admin/claims/{other.id}/papers/{paper.id}").status_code == 404


def test_a_settlement_that_does_not_add_up_comes_back_at_its_field(covered):
    answer = file(covered, **{"stay-0-cash": "14,990"})
    page = text_of(answer)
    assert answer.status_code == 422
    assert 'id="stay-0-total-wrong">医疗费总额53,417.00元比' in page
    assert "多6.00元" in page
    assert 'value="14,990"' in page
    assert Claim.select().count() == Stay.select().count() == 0


def test_papers_of_a_refused_form_need_not_be_chosen_again(covered):
    paper = (io.BytesIO(b"%PDF-1.4 sample"), "结算单.pdf")
    page = text_of(file(covered, **{"stay-0-cash": "14,990", "paper__0": paper}))
    kept = re.search(r'name="kept" value="([^"]+)"', page).group(1)
    assert file(covered, kept=kept).status_code == 303
    assert Document.get().name == "结算单.pdf"


def test_a_mark_of_a_paper_that_was_never_kept_here_is_refused(covered):
    forged = '["医保结算单","../huigong.db","x.pdf",1,"f"].c2lnbmF0dXJl'
    assert file(covered, kept=forged).status_code == 400
    assert Document.select().count() == 0


def test_a_file_that_is_no_paper_is_refused_at_its_field(covered):
    answer = file(covered, **{"paper__1": (io.BytesIO(b"<html>"), "小结.pdf")})
    assert answer.status_code == 422
    assert 'id="paper-1-wrong">只接受 PDF、JPG 或 PNG 文件' in text_of(answer)


def test_a_claim_after_a_limit_in_working_days_is_noticed_while_it_is_typed(app):
    """20 working days after 2024-11-15 end on 2024-12-13, and the office's day is the 16th."""
    cover = covered_by("example-office-2024")
    cover.clerk = signed_in(app, a_user(Role.CLERK, at=cover.organization))
    form = {"stay__0__admitted": "2024-11-10", "stay__0__discharged": "2024-11-15",
            "stay__0__hospital_level": "3"}  # fmt: skip
    said = "申领期限：出院后20个工作日内，最后一天 2024-12-13"
    assert said in text_of(file(cover, act="try", **form))
    late = file(cover, **form)
    assert late.status_code == 422
    assert '<a href="#filed_on">申领期限为2024-12-13，2024-12-16已超过</a>' in text_of(late)
    assert '<p class="wrong" id="filed_on">' in text_of(late)
    assert Claim.select().count() == 0
    form["stay__0__discharged"] = "2024-11-18"  # a Monday: the 20th working day is today
    answer = file(cover, **form)
    assert answer.status_code == 303
    page = text_of(cover.clerk.get(answer.location))
    assert "2024-12-16（出院后20个工作日内）" in page


@pytest.mark.parametrize("text", ["1e5", "-1", "0.001", "1,5", "10,03", "NaN", "一万", "1" * 24])
def test_an_odd_number_is_refused_at_its_field_and_kept(covered, text):
    answer = file(covered, **{"stay-0-in_scope": text})
    page = text_of(answer)
    assert answer.status_code == 422
    assert 'id="stay-0-in_scope-wrong"' in page
    assert f'value="{text}"' in page
    assert Claim.select().count() == 0


@pytest.mark.parametrize(
    "text", ["10031", "10,031.00", "１００３１", "１０，０３１．００元", " 10031 元"]
)
def test_the_ways_people_write_an_amount_are_one_amount(covered, text):
    assert file(covered, **{"stay-0-in_scope": text}).status_code == 303
    assert Claim.get().computed == 6_018_60


@pytest.mark.parametrize("text", ["2023-13-01", "昨天", "2023", "0000-00-00"])
def test_an_odd_date_is_refused_at_its_field(covered, text):
    answer = file(covered, **{"stay-0-admitted": text})
    assert answer.status_code == 422
    assert 'id="stay-0-admitted-wrong"' in text_of(answer)


def test_a_stay_is_added_and_removed_without_losing_a_keystroke(covered):
    page = text_of(file(covered, act="add", **{"stay-0-hospital": "甲医院"}))
    assert 'name="stays" value="2"' in page
    assert 'value="甲医院"' in page
    both = {"stays": "2", "stay-1-hospital": "乙医院", "stay-1-in_scope": "77"}
    page = text_of(file(covered, act="remove-0", **both))
    assert 'name="stays" value="1"' in page
    assert 'id="stay-0-hospital" name="stay-0-hospital" type="text" value="乙医院"' in page
    assert "甲医院" not in page


def test_a_double_click_files_one_claim(covered):
    form = {**TYPED, "form_key": "the-same-key"}
    first = covered.clerk.send(f"/admin/claims/new/{covered.id}", form)
    again = covered.clerk.send(f"/admin/claims/new/{covered.id}", form)
    assert (first.status_code, again.location) == (303, first.location)
    assert Claim.select().count() == 1


def test_the_in_scope_remainder_typed_from_the_cash_line_is_warned_of(covered):
    page = text_of(file(covered, act="try", **{"stay-0-in_scope": "14996"}))
    assert "8,997.60" in page
    assert "与“现金支付”金额相同" in page


def test_a_claim_goes_from_filing_to_its_notice(covered):
    file(covered)
    claim = Claim.get()
    passed = covered.first.send(f"/admin/claims/{claim.id}/review", {"note": "材料齐全"})
    assert passed.status_code == 303
    own = text_of(covered.first.get(f"/admin/claims/{claim.id}/decision"))
    assert "初审与复审不能是同一人" in own
    asked = text_of(covered.second.get(f"/admin/claims/{claim.id}/decision"))
    assert 'value="6018.60"' in asked
    assert "材料齐全" in asked
    assert Decision.select().count() == 0  # GET only asks
    form = {"verdict": "approve", "amount": "6018.60", "reason": ""}
    assert covered.second.send(f"/admin/claims/{claim.id}/decision", form).status_code == 303
    notice = text_of(covered.clerk.get(f"/admin/claims/{claim.id}/notice"))
    assert "陆仟零壹拾捌元陆角整" in notice
    assert "10,031.00元 × 60% = 6,018.60元" in notice
    assert "（盖章）" in notice
    assert "如有异议" in notice


def test_a_first_reviewer_who_posts_a_decision_anyway_is_refused(covered):
    claim = a_claim(covered)
    covered.first.send(f"/admin/claims/{claim.id}/review", {"note": ""})
    answer = covered.first.send(f"/admin/claims/{claim.id}/decision", {"verdict": "approve"})
    assert answer.status_code == 422
    assert "不能是同一人" in text_of(answer)
    assert Decision.select().count() == 0


@pytest.mark.parametrize("amount", ["1e5", "-1", "0.001", "100000.01"])
def test_an_odd_or_excessive_award_is_refused_at_its_field(covered, amount):
    claim = a_reviewed_claim(covered)
    form = {"verdict": "approve", "amount": amount, "reason": "特殊情况"}
    answer = covered.second.send(f"/admin/claims/{claim.id}/decision", form)
    assert answer.status_code == 422
    assert 'id="amount-wrong"' in text_of(answer)
    assert f'value="{amount}"' in text_of(answer)


def test_a_refusal_without_a_reason_comes_back_and_with_one_is_printed(covered):
    claim = a_reviewed_claim(covered)
    address = f"/admin/claims/{claim.id}/decision"
    answer = covered.second.send(address, {"verdict": "refuse", "amount": "6018.60"})
    assert 'id="reason-wrong"' in text_of(answer)
    covered.second.send(address, {"verdict": "refuse", "amount": "", "reason": "不属于住院"})
    notice = text_of(covered.clerk.get(f"/admin/claims/{claim.id}/notice"))
    assert "不予给付。理由：不属于住院" in notice


def test_a_claim_comes_back_once_with_everything_and_is_filed_again(covered):
    claim = a_claim(covered, by=None)
    form = {"missing": ["出院小结", "发票"], "reason": "第二页不清晰"}
    covered.first.send(f"/admin/claims/{claim.id}/return", form)
    notice = text_of(covered.clerk.get(f"/admin/claims/{claim.id}/return-notice"))
    assert all(line in notice for line in ("补交出院小结", "补交发票", "第二页不清晰"))
    assert "1" in text_of(covered.clerk.get("/admin/"))
    page = text_of(covered.clerk.get(f"/admin/claims/{claim.id}/supplement"))
    assert "第二页不清晰" in page
    assert 'value="10031.00"' in page
    form = {**TYPED, "stay-0-in_scope": "10000", "note": "已重新扫描"}
    answer = covered.clerk.send(f"/admin/claims/{claim.id}/supplement", form)
    assert answer.status_code == 303
    assert Claim.get_by_id(claim.id).computed == 6_000_00
    page = text_of(covered.clerk.get(f"/admin/claims/{claim.id}"))
    assert "由10,031.00元改为10,000.00元" in page
    assert "已重新扫描" in page


def test_a_return_that_says_nothing_is_refused(covered):
    claim = a_claim(covered)
    answer = covered.first.send(f"/admin/claims/{claim.id}/return", {"reason": ""})
    assert answer.status_code == 422
    assert Claim.get_by_id(claim.id).stage == "filed"


def test_what_waits_leaves_out_what_one_filed_or_reviewed_oneself(app, covered):
    both = a_user(Role.CLERK, Role.REVIEWER, at=covered.edition.organization)
    here = signed_in(app, both)
    a_claim(covered, by=both)
    assert "待初审" not in text_of(here.get("/admin/"))
    assert "待初审" in text_of(covered.first.get("/admin/"))
    claim = Claim.get()
    covered.first.send(f"/admin/claims/{claim.id}/review", {"note": ""})
    assert "待复审" not in text_of(covered.first.get("/admin/"))
    assert "待复审" not in text_of(here.get("/admin/"))
    page = text_of(covered.second.get("/admin/claims?stage=decide"))
    assert f"/admin/claims/{claim.id}/decision" in page


def test_the_list_finds_sorts_and_says_when_it_is_empty(app, covered):
    assert "还没有申领" in text_of(covered.clerk.get("/admin/claims"))
    claim = a_claim(covered)
    for query in (f"q={claim.number}", "q=张示例", "stage=filed", "sort=-amount", "scheme=1"):
        assert claim.number in text_of(covered.clerk.get(f"/admin/claims?{query}")), query
    for query in ("q=无此人", "stage=paid", "scheme=99", "stage=odd&q=%25"):
        page = text_of(covered.clerk.get(f"/admin/claims?{query}"))
        assert claim.number not in page or "odd" in query, query


def test_another_units_claims_and_members_are_as_absent(app, covered):
    claim = an_approved_claim(covered)
    foreign = signed_in(app, a_user(Role.CLERK, Role.REVIEWER, at=a_unit(a_city())))
    for address in (
        f"/admin/claims/{claim.id}",
        f"/admin/claims/{claim.id}/review",
        f"/admin/claims/{claim.id}/decision",
        f"/admin/claims/{claim.id}/notice",
        f"/admin/claims/new/{covered.id}",
    ):
        assert foreign.get(address).status_code == 404, address
    assert foreign.send(f"/admin/claims/new/{covered.id}", TYPED).status_code == 404
    assert covered.certificate not in text_of(foreign.get("/admin/claims/new?q=张示例"))


def test_a_damaged_plan_stops_filing_with_a_clear_page(covered):
    claim = a_claim(covered)
    raw = Value("{", converter=False)
    Edition.update({Edition.plan: raw}).where(Edition.id == covered.edition_id).execute()
    assert "已损坏" in text_of(covered.clerk.get(f"/admin/claims/new/{covered.id}"))
    answer = file(covered)
    assert answer.status_code == 422
    assert "已损坏" in text_of(answer)
    assert "已损坏" in text_of(covered.clerk.get(f"/admin/claims/{claim.id}"))
    assert "已损坏" in text_of(covered.clerk.get(f"/admin/schemes/{covered.edition_id}"))
    assert covered.clerk.get("/admin/schemes").status_code == 200


def test_a_scheme_without_stated_benefits_says_so_instead_of_calculating(app):
    city = a_city("濮阳市总工会")
    puyang = a_published_edition("puyang-hospital-2025", city)
    enrollment = an_enrollment(puyang, cover_from=date(2024, 1, 1))
    clerk = signed_in(app, a_user(Role.CLERK, at=enrollment.organization))
    page = text_of(clerk.get(f"/admin/claims/new/{enrollment.id}"))
    assert "没有载明待遇标准，以当地工会最新通知为准" in page


def test_a_scheme_page_prints_the_policy_and_what_its_source_leaves_open(covered):
    page = text_of(covered.clerk.get(f"/admin/schemes/{covered.edition_id}"))
    assert "60%" in page
    assert "申领材料：以当地工会最新通知为准" in page
    assert covered.edition.plan_hash in page


# ── /claim-status ───────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asker(app):
    member = a_member(a_unit(a_city()), name="保密示例")
    claim = a_claim(an_enrollment(member=member))
    browser = app.test_client()
    browser.claim, browser.tail = claim, member.opened("resident_id")[-4:]
    return browser


def test_the_public_learns_a_stage_in_words_and_no_more(asker):
    page = text_of(asker.send("/claim-status", {"number": asker.claim.number, "tail": asker.tail}))
    assert "已受理，等待初审" in page
    assert "保密示例" not in page
    assert "6,018" not in page
    assert "住院医疗" not in page


def test_absent_and_wrong_have_the_same_answer(asker):
    wrong = {"number": asker.claim.number, "tail": "0000" if asker.tail != "0000" else "1111"}
    absent = {"number": "SL20240101000000", "tail": wrong["tail"]}
    pages = [text_of(asker.send("/claim-status", form)) for form in (wrong, absent)]
    plain = [
        re.sub(r'name="csrf_token" value="[^"]+"', "", page).replace(form["number"], "N")
        for page, form in zip(pages, (wrong, absent), strict=True)
    ]
    assert "没有查到" in plain[0]
    assert plain[0] == plain[1]


def test_guessing_is_stopped_even_when_the_last_guess_is_right(asker):
    for guess in range(brakes.ASK.most):
        wrong = f"{(int(asker.tail[:3]) + guess + 1) % 1000:03d}0"
        asker.send("/claim-status", {"number": asker.claim.number, "tail": wrong})
    answer = asker.send("/claim-status", {"number": asker.claim.number, "tail": asker.tail})
    assert answer.status_code == 429
    assert "等待初审" not in text_of(answer)


@pytest.mark.parametrize(
    ("number", "tail", "field"),
    [("", "1234", "number"), ("SL1", "1234", "number"), ("SL20241216000000", "12", "tail")],
)
def test_an_odd_question_is_refused_at_its_field(asker, number, tail, field):
    answer = asker.send("/claim-status", {"number": number, "tail": tail})
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in text_of(answer)


def test_the_stage_words_cover_every_stage():
    from huigong.admin.claims.room import STAGES
    from huigong.workflows.claims.filing import STAGE_FOR_MEMBER

    assert set(STAGES) == set(STAGE_FOR_MEMBER)
    assert claims.stage_for_member
