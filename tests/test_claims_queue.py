"""Claims on screen for every form of a scheme; the queue in a hurry; what attackers try."""

import io
import os
import re
from datetime import date, timedelta

import pytest
from builders import NOW, TODAY, a_city, a_unit, a_user, signed_in
from builders_claims import (
    a_claim,
    a_stay,
    an_enrollment,
    an_event_claim,
    covered_by,
    decided,
)
from builders_schemes import a_published_edition

from huigong import clock
from huigong.models import AuditEvent, Claim, Decision, Document, Role
from huigong.workflows import claims

OFFICE, RELIEF = "example-office-2024", "example-relief-2024"


@pytest.fixture
def people(app):
    """For an enrollment: its clerk's browser and two reviewers' of its city."""

    def of(enrollment):
        city = enrollment.edition.organization
        enrollment.clerk = signed_in(app, a_user(Role.CLERK, at=enrollment.organization))
        enrollment.first = signed_in(app, a_user(Role.REVIEWER, at=city))
        enrollment.second = signed_in(app, a_user(Role.REVIEWER, at=city))
        return enrollment

    return of


def text_of(response):
    return response.get_data(as_text=True)


def sheet(**more):
    """A typed stay under the example office's scheme."""
    form = {"act": "file", "stays": "1", "event": "stay"}
    stay = {"admitted": "2024-12-01", "discharged": "2024-12-04", "place": "local",
            "hospital_level": "1", "in_scope": "1000"}  # fmt: skip
    return form | {f"stay-0-{name}": text for name, text in (stay | more).items()}


# ── The form ────────────────────────────────────────────────────────────────────────────────


def test_each_event_has_its_own_form_and_papers(people):
    cover = people(covered_by(OFFICE))
    address = f"/admin/claims/new/{cover.id}"
    page = text_of(cover.clerk.get(address))
    assert "意外伤害" in page
    assert 'name="grade"' not in page
    page = text_of(cover.clerk.get(f"{address}?event=accident"))
    assert 'name="happened_on"' in page
    assert "七至十级" in page
    assert "stay-0-" not in page
    assert "伤残鉴定书" in page
    assert "医保结算单</label>" not in page
    assert "等待期30天，2024-03-31起" in page
    paper = (io.BytesIO(b"%PDF-1.4 sample"), "鉴定.pdf")
    form = {"act": "file", "event": "accident", "happened_on": "2024-06-01", "grade": "heavy"}
    answer = cover.clerk.send(address, {**form, "paper-0": paper})
    claim = Claim.get()
    assert answer.location == f"/admin/claims/{claim.id}"
    assert (claim.computed, Document.get().kind) == (20_000_00, "伤残鉴定书")
    page = text_of(cover.clerk.get(answer.location))
    assert "七至十级" in page
    assert "2024-06-01" in page


def test_an_event_refused_says_so_at_its_field(people):
    cover = people(covered_by(OFFICE))
    form = {"act": "file", "event": "accident", "happened_on": "2024-03-02", "grade": "light"}
    answer = cover.clerk.send(f"/admin/claims/new/{cover.id}", form)
    assert answer.status_code == 422
    assert 'id="happened_on-wrong">首次参保等待期30天，2024-03-31起' in text_of(answer)


def test_the_trial_names_the_last_day_for_filing(people):
    cover = people(covered_by(OFFICE))
    page = text_of(cover.clerk.send(f"/admin/claims/new/{cover.id}", {**sheet(), "act": "try"}))
    assert "出院后20个工作日内，最后一天 2025-01-02" in page
    claim = a_claim(cover, stays=[a_stay(date(2024, 12, 1), 3, total=None, in_scope=1_00)])
    page = text_of(cover.clerk.get(f"/admin/claims/{claim.id}"))
    assert "2025-01-02（出院后20个工作日内）" in page


def test_what_the_office_paid_is_shown_and_not_typed(people):
    cover = people(covered_by(RELIEF, cover_from=date(2024, 2, 1)))
    address = f"/admin/claims/new/{cover.id}?event=relief"
    assert 'name="paid"' in text_of(cover.clerk.get(address))
    stay = {"admitted": date(2024, 6, 1), "self": 10_000_00, "pooled": 0, "total": 10_000_00}
    decided(a_claim(cover, stays=[{**a_stay(date(2024, 6, 1)), **stay, "cash": None,
                                   "in_scope": None}]))  # fmt: skip
    page = text_of(cover.clerk.get(address))
    assert 'name="paid"' not in page
    assert "4,645.00 元，本保障期已作出决定的申领合计" in page


def test_a_reviewer_tries_and_sets_the_amount(people):
    cover = people(covered_by(RELIEF, cover_from=date(2024, 2, 1)))
    address = f"/admin/claims/new/{cover.id}"
    page = text_of(cover.clerk.get(f"{address}?event=hardship"))
    assert 'name="proposed"' not in page
    assert "由复审人在计划规定的上限内拟定" in page
    form = {"act": "file", "event": "hardship", "happened_on": "2024-06-01", "cash": "9000",
            "paid": "0"}  # fmt: skip
    claim_page = cover.clerk.send(address, form).location
    assert "由复审人在5,000.00元以内拟定" in text_of(cover.clerk.get(claim_page))
    assert "待复审人拟定" in text_of(cover.clerk.get("/admin/claims"))
    cover.first.send(f"{claim_page}/review", {"note": ""})
    decision = f"{claim_page}/decision"
    page = text_of(cover.second.send(decision, {"act": "try", "proposed": "3,000"}))
    assert "审核人拟定3,000.00元，最高5,000.00元，给付3,000.00元" in page
    assert Decision.select().count() == 0
    answer = cover.second.send(decision, {"verdict": "approve", "proposed": "5000.01"})
    assert 'id="proposed-wrong"' in text_of(answer)
    answer = cover.second.send(decision, {"verdict": "approve", "proposed": "3000"})
    assert (answer.status_code, Decision.get().amount) == (303, 3_000_00)
    notice = text_of(cover.clerk.get(f"{claim_page}/notice"))
    assert "审核人拟定3,000.00元" in notice
    assert "特别困难救助" in notice


def test_relief_says_on_its_notice_what_was_paid_before_it(people):
    cover = people(covered_by(RELIEF, cover_from=date(2024, 2, 1)))
    stay = {"admitted": date(2024, 6, 1), "self": 10_000_00, "pooled": 0, "total": 10_000_00}
    decided(a_claim(cover, stays=[{**a_stay(), **stay, "discharged": date(2024, 6, 9),
                                   "cash": None, "in_scope": None}]))  # fmt: skip
    relief = an_event_claim(cover, "relief", **{"self": 9_645_00})
    assert "4,645.00 元" in text_of(cover.clerk.get(f"/admin/claims/{relief.id}"))
    decided(relief)
    decided(an_event_claim(cover, "hardship", cash=9_000_00), proposed=1_000_00)
    notice = text_of(cover.clerk.get(f"/admin/claims/{relief.id}/notice"))
    assert "已给付的互助金</dt><dd>4,645.00 元" in notice


def test_a_claims_page_shows_the_terms_other_claims_and_what_caps_have_left(people):
    cover = people(covered_by(OFFICE))
    first = decided(a_claim(cover, stays=[a_stay(date(2024, 12, 1), 3, total=None,
                                                 in_scope=4_000_00)]))  # fmt: skip
    second = a_claim(cover, stays=[a_stay(date(2024, 12, 8), 3, total=None, in_scope=1_00)])
    page = text_of(cover.first.get(f"/admin/claims/{second.id}/review"))
    assert first.number in page
    assert "核定 2,000.00 元" in page
    row = page[page.index("保障期封顶</th>") :]
    assert re.findall(r"[\d,]+\.\d\d", row)[:2] == ["2,000.00", "8,000.00"]


# ── The queue ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def queue(people):
    """Three claims that wait for a first review: promised for the 9th, 16th and 30th of
    December."""
    edition = a_published_edition("anyang-hospital-2019", a_city("安阳市总工会"))
    unit = a_unit(edition.organization)
    days = (25, 2, 16)
    made = []
    for day, month in zip(days, (11, 12, 12), strict=True):
        cover = an_enrollment(edition, unit, cover_from=date(2024, 1, 1))
        made.append(a_claim(cover, stays=[a_stay(date(2024, 10, 1))],
                            at=NOW.replace(month=month, day=day)))  # fmt: skip
    cover = people(made[0].enrollment)
    cover.late, cover.now, cover.later = made
    return cover


def test_the_promise_is_said_in_words_and_the_overdue_lead(queue):
    assert [c.promised_on.isoformat() for c in (queue.late, queue.now, queue.later)] == [
        "2024-12-09", "2024-12-16", "2024-12-30",
    ]  # fmt: skip
    for claim, words in ((queue.late, "已超期7天"), (queue.now, "今天到期"),
                         (queue.later, "还有14天")):  # fmt: skip
        page = text_of(queue.first.get(f"/admin/claims/{claim.id}"))
        assert words in page
        assert claim.promised_on.isoformat() in page
    page = text_of(queue.first.get("/admin/claims?stage=review"))
    places = [page.index(c.number) for c in (queue.late, queue.now, queue.later)]
    assert places == sorted(places)
    page = text_of(queue.first.get("/admin/claims?stage=review&sort=-promised"))
    assert page.index(queue.later.number) < page.index(queue.late.number)
    page = text_of(queue.clerk.get("/admin/claims?overdue=1"))
    assert queue.late.number in page
    assert queue.now.number not in page


def test_a_decided_claim_is_overdue_only_until_it_is_paid(queue):
    claim = decided(queue.late)
    assert "已超期" in text_of(queue.clerk.get(f"/admin/claims/{claim.id}"))
    Claim.update(stage="paid").where(Claim.id == claim.id).execute()
    assert "已超期" not in text_of(queue.clerk.get(f"/admin/claims/{claim.id}"))
    assert claim.number not in text_of(queue.clerk.get("/admin/claims?overdue=1"))


def test_after_each_deed_the_next_claim_is_one_click_away(queue):
    order = [queue.late, queue.now, queue.later]
    for claim, following in zip(order, [*order[1:], None], strict=True):
        done = queue.first.send(f"/admin/claims/{claim.id}/review", {"note": ""})
        page = text_of(queue.first.get(done.location))
        if following:
            assert f'href="/admin/claims/{following.id}/review" autofocus>下一件' in page
        else:
            assert "待我初审的都办完了" in page
    form = {"verdict": "approve", "amount": "", "reason": ""}
    done = queue.second.send(f"/admin/claims/{queue.late.id}/decision", form)
    assert f"/admin/claims/{queue.now.id}/decision" in text_of(queue.second.get(done.location))
    skip = text_of(queue.second.get(f"/admin/claims/{queue.now.id}/decision"))
    assert f'/admin/claims/{queue.later.id}/decision">跳过' in skip
    sent = queue.second.send(f"/admin/claims/{queue.now.id}/return", {"reason": "请补正"})
    assert f"/admin/claims/{queue.later.id}/decision" in text_of(queue.second.get(sent.location))


def test_the_next_claim_is_offered_to_reviewers_only(queue):
    page = text_of(queue.clerk.get(f"/admin/claims/{queue.late.id}?next=review"))
    assert "下一件" not in page


# ── Attacks ─────────────────────────────────────────────────────────────────────────────────


def test_two_tabs_on_one_supplement_file_it_once(people):
    cover = people(covered_by(OFFICE))
    claim = a_claim(cover, stays=[a_stay(date(2024, 12, 1), 3, total=None, in_scope=1_00)])
    cover.first.send(f"/admin/claims/{claim.id}/return", {"reason": "请更正"})
    address = f"/admin/claims/{claim.id}/supplement"
    assert cover.clerk.send(address, sheet()).status_code == 303
    assert cover.clerk.send(address, sheet(in_scope="2000")).status_code == 409
    assert Claim.get_by_id(claim.id).computed == 700_00
    kinds = [event.kind for event in Claim.get_by_id(claim.id).events]
    assert kinds.count("refiled") == 1


def test_more_stays_than_fit_are_all_shown_and_refused(people):
    cover = people(covered_by(OFFICE))
    form = sheet()
    for number in range(1, 40):
        form |= {f"stay-{number}-{n[7:]}": t for n, t in sheet().items() if n[:5] == "stay-"}
    answer = cover.clerk.send(f"/admin/claims/new/{cover.id}", {**form, "stays": "40"})
    assert answer.status_code == 422
    assert "最多填写20次住院" in text_of(answer)
    assert 'id="stay-39-in_scope"' in text_of(answer)
    assert Claim.select().count() == 0


@pytest.mark.parametrize("stays", ["0", "-1", "x", "999999", "¹", ""])
def test_an_odd_number_of_stays_is_survived(people, stays):
    cover = people(covered_by(OFFICE))
    answer = cover.clerk.send(f"/admin/claims/new/{cover.id}", {**sheet(), "stays": stays})
    assert answer.status_code in (303, 422)


@pytest.mark.parametrize("event", ["<script>", "nothing", "accident'--", "stay\u0000"])
def test_an_odd_event_is_survived(people, event):
    cover = people(covered_by(OFFICE))
    answer = cover.clerk.send(f"/admin/claims/new/{cover.id}", {**sheet(), "event": event})
    assert answer.status_code in (303, 400, 422)
    assert all(claim.event is None for claim in Claim.select())


def test_names_of_hospitals_and_files_are_text_and_nothing_else(people):
    cover = people(covered_by(OFFICE))
    name = '<script>alert(1)</script>"\r\nSet-Cookie: a=b/../../x.pdf'
    paper = (io.BytesIO(b"%PDF-1.4 sample"), name)
    form = sheet(hospital='"><img src=x onerror=alert(1)>')
    answer = cover.clerk.send(f"/admin/claims/new/{cover.id}", {**form, "paper-0": paper})
    claim, kept = Claim.get(), Document.get()
    for address in (answer.location, f"{answer.location}/review"):
        page = text_of((cover.first if "review" in address else cover.clerk).get(address))
        assert "<img src=x" not in page
        assert "<script>alert" not in page
    file = cover.first.get(f"/admin/claims/{claim.id}/papers/{kept.id}")
    assert "Set-Cookie" not in [name for name, _ in file.headers if "a=b" in _]
    assert "\r" not in file.headers["Content-Disposition"]
    assert "/" not in kept.name
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    file.close()


@pytest.mark.parametrize(
    "paper", ["..%2f..%2fhuigong.db", "../../huigong.db", "1%00", "-1", "99999999999999999999"]
)
def test_a_paper_is_found_by_its_number_alone(people, paper):
    cover = people(covered_by(OFFICE))
    claim = a_claim(cover, stays=[a_stay(date(2024, 12, 1), 3, total=None, in_scope=1_00)])
    answer = cover.first.get(f"/admin/claims/{claim.id}/papers/{paper}")
    assert answer.status_code in (400, 404)


@pytest.mark.parametrize("content", [b"<html>", b"PK\x03\x04", b"", b"\x7fELF", b"%PD"])
def test_what_is_no_paper_is_refused_and_leaves_no_file(people, office, content):
    cover = people(covered_by(OFFICE))
    form = {**sheet(), "paper-0": (io.BytesIO(content), "结算单.pdf")}
    answer = cover.clerk.send(f"/admin/claims/new/{cover.id}", form)
    assert answer.status_code == 422
    assert not office.files.exists() or not list(office.files.iterdir())
    assert Claim.select().count() == 0


def test_a_foreign_units_enrollment_is_as_absent_for_each_event(app, people):
    cover = covered_by(OFFICE)
    foreign = signed_in(app, a_user(Role.CLERK, at=a_unit(a_city())))
    for event in ("stay", "accident"):
        address = f"/admin/claims/new/{cover.id}"
        assert foreign.get(f"{address}?event={event}").status_code == 404
        assert foreign.send(address, {**sheet(), "event": event}).status_code == 404
    assert Claim.select().count() == 0


def test_a_proposal_cannot_be_posted_with_the_filing(people):
    cover = people(covered_by(RELIEF, cover_from=date(2024, 2, 1)))
    form = {"act": "file", "event": "hardship", "happened_on": "2024-06-01", "cash": "9000",
            "paid": "0", "proposed": "5000"}  # fmt: skip
    cover.clerk.send(f"/admin/claims/new/{cover.id}", form)
    assert Claim.get().computed == 0
    assert "proposed" not in Claim.get().facts


# ── Papers that nobody filed ────────────────────────────────────────────────────────────────


def test_abandoned_papers_are_swept_and_filed_ones_stay(people, office):
    cover = people(covered_by(OFFICE))
    address = f"/admin/claims/new/{cover.id}"
    one = {"paper-0": (io.BytesIO(b"%PDF-1.4 kept"), "结算单.pdf")}
    cover.clerk.send(address, {**sheet(), **one})
    left = {"paper-0": (io.BytesIO(b"%PDF-1.4 left"), "未提交.pdf")}
    page = text_of(cover.clerk.send(address, {**sheet(in_scope=""), **left}))
    mark = re.search(r'name="kept" value="([^"]+)"', page).group(1)
    (office.files / f"{'a' * 32}.partial").write_bytes(b"an upload that broke off")
    (office.files / "note.txt").write_bytes(b"%PDF- not ours")
    now = clock.real_now()
    assert claims.sweep_papers(office.files, now - timedelta(days=7), at=NOW) == 0
    for file in office.files.iterdir():
        os.utime(file, (0, 0))
    assert claims.sweep_papers(office.files, now - timedelta(days=7), at=NOW) == 2
    names = {file.name for file in office.files.iterdir()}
    assert names == {Document.get().file, "note.txt"}
    assert AuditEvent.select().where(AuditEvent.deed == "sweep papers").count() == 1
    stay = sheet(admitted="2024-12-08", discharged="2024-12-09")
    answer = cover.clerk.send(address, {**stay, "kept": mark})
    assert answer.status_code == 422
    assert "已被清理，请重新选择：未提交.pdf" in text_of(answer)


def test_a_claim_for_an_event_is_returned_with_its_own_papers(people):
    cover = people(covered_by(OFFICE))
    claim = an_event_claim(cover, "death")
    page = text_of(cover.first.get(f"/admin/claims/{claim.id}/return"))
    assert 'value="死亡证明" checked' in page
    cover.first.send(f"/admin/claims/{claim.id}/return", {"missing": ["死亡证明"]})
    page = text_of(cover.clerk.get(f"/admin/claims/{claim.id}/supplement"))
    assert "补交死亡证明" in page
    day = (cover.cover_from + timedelta(days=100)).isoformat()
    assert f'value="{day}"' in page
    assert TODAY.isoformat() in text_of(cover.clerk.get(f"/admin/claims/{claim.id}"))
