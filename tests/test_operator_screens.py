"""The operator's files of claims on the screens of those who send, read back and decide."""

import io

from builders import a_city, a_county, a_user, signed_in
from builders_claims import an_approved_claim, an_enrollment
from builders_operator import (
    PAID,
    TITLES,
    a_book,
    a_checked_claim,
    a_sent_claim,
    answer_taken,
    answered,
    finance_of,
    reply_of,
    scheme_of,
)

from huigong.models import (
    AuditEvent,
    ClaimSending,
    OperatorFile,
    PayoutBatch,
    Role,
)
from huigong.workflows import operator
from huigong.workflows.operator import claims as operator_claims

# ── screens ─────────────────────────────────────────────────────────────────────────────────


def text(response) -> str:
    return response.get_data(as_text=True)


def test_finance_sends_reads_back_and_decides_on_its_screens(app, office):
    claim = an_approved_claim()
    scheme = scheme_of(claim)
    sender, taker = (signed_in(app, finance_of(claim)) for _ in range(2))
    there = f"/admin/operator/{scheme.id}/claims"
    page = text(sender.get(there))
    assert "1 件，共 6,018.60 元" in page
    assert "没有待处理的回执" in page
    assert sender.send(f"{there}/out", {"was": "none"}).status_code == 422
    kept = sender.send(f"{there}/out", {"was": "approved"}).location
    page = text(sender.get(kept))
    assert claim.number in page
    assert claim.member.opened("resident_id") not in page
    assert sender.send(f"{kept}/download").data[:2] == b"PK"
    assert AuditEvent.select().where(AuditEvent.deed == "take operator file").count() == 1
    assert "在承办方办理" in text(sender.get(f"/admin/claims/{claim.id}"))
    assert "另有 1 件已核定的申领在承办方" in text(sender.get("/admin/payouts/"))
    assert "没有要送" in text(sender.send(f"{there}/out", {"was": "approved"}))
    rows = answered(claim, "已支付", "6000", "ZF1", "2024-12-16")
    sent = taker.send(f"{there}/answer", {"file": (io.BytesIO(a_book(rows)), "回执.xlsx")})
    assert "金额与我们的不同，须有人决定：<strong>1</strong>" in text(taker.get(sent.location))
    assert taker.send(sent.location).status_code == 303
    assert taker.send(sent.location).status_code == 409
    assert "件承办方回执待处理" in text(taker.get("/admin/"))
    assert "1 件回执待处理" in text(taker.get("/admin/operator"))
    assert "少 18.60" in text(taker.get(there))
    reply = f"/admin/operator/replies/{reply_of(claim).id}"
    assert "我们的金额" in text(taker.get(reply))
    assert taker.send(reply, {"verdict": "taken"}).status_code == 422
    done = {"verdict": "taken", "reason": "差额另行补付"}
    assert "送出人以外" in text(sender.send(reply, done))
    assert taker.send(reply, done).status_code == 303
    assert taker.send(reply, done).status_code == 409
    assert "差额另行补付" in text(taker.get(reply))
    batch = PayoutBatch.get()
    page = text(taker.get(f"/admin/payouts/{batch.id}/"))
    assert "由承办方支付" in page
    assert "下载银行文件" not in page


def test_faults_are_listed_and_given_back_and_a_wrong_file_is_one_sentence(app, office):
    claim, _ = a_sent_claim(office)
    taker = signed_in(app, finance_of(claim))
    there = f"/admin/operator/{scheme_of(claim).id}/claims"

    def uploaded(rows):
        return taker.send(f"{there}/answer", {"file": (io.BytesIO(a_book(rows)), "回执.xlsx")})

    rows = [*answered(claim, "拒付", words="不符"), ["SL1", *PAID]]
    kept = uploaded(rows).location
    page = text(taker.get(kept))
    assert "只登记没有问题的 1 行" in page
    assert "没有送过编号为“SL1”的申领" in page
    assert taker.send(kept).status_code == 422
    assert taker.send(f"{kept}/faults").data[:2] == b"PK"
    assert taker.send(f"{kept}/drop").status_code == 303
    assert taker.send(kept, {"clean": "1"}).status_code == 409
    wrong = uploaded([TITLES, ["SL1", *PAID]])
    assert wrong.status_code == 422
    assert "传错了文件" in text(wrong)
    assert taker.send(f"{there}/answer", {}).status_code == 422
    kept = f"/admin/operator/files/{OperatorFile.get(OperatorFile.way == 'out').id}/call-back"
    assert taker.get(kept).status_code == 200
    assert taker.send(kept, {"reason": ""}).status_code == 422
    assert taker.send(kept, {"reason": "对方没有收到"}).status_code == 303


def test_a_reviewer_decides_with_the_operators_word_beside(app, office):
    claim = a_checked_claim(office)
    rows = answered(claim, "同意", "5000", words="扣除自费药")
    answer_taken(office, scheme_of(claim), "claims", rows)
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=claim.organization.parent))
    page = text(reviewer.get(f"/admin/claims/{claim.id}/decision"))
    assert "同意，5,000.00元，扣除自费药" in page
    assert "少 1,018.60 元" in page
    reply = f"/admin/operator/replies/{reply_of(claim).id}"
    assert "请审核人参考承办方的回执" in text(reviewer.get(reply))
    assert reviewer.send(reply, {"verdict": "wait", "reason": "再等"}).status_code == 403


def test_only_who_may_sends_reads_back_and_sees_numbers(app, office):
    claim, sending = a_sent_claim(office)
    scheme, city = scheme_of(claim), scheme_of(claim).organization
    there, file = f"/admin/operator/{scheme.id}/claims", f"/admin/operator/files/{sending.file_id}"
    book = {"file": (io.BytesIO(a_book(answered(claim, *PAID))), "回执.xlsx")}
    boss = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    assert boss.get(there).status_code == 404, "claims are not an administrator's"
    assert boss.get(file).status_code == 404
    assert boss.send(f"{file}/download").status_code == 404
    assert ">申领<" not in text(boss.get("/admin/operator"))
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=city))
    assert reviewer.send(f"{file}/download").status_code == 200
    assert reviewer.send(f"{there}/answer", book).status_code == 404, "money is finance's"
    auditor = signed_in(app, a_user(Role.AUDITOR, at=city))
    assert "由审核人或财务导出" in text(auditor.get(there))
    assert auditor.get(file).status_code == 200
    assert auditor.send(f"{file}/download").status_code == 403
    assert auditor.send(f"{there}/out", {"was": "approved"}).status_code == 403
    clerk = signed_in(app, a_user(Role.CLERK, at=city))
    assert clerk.get(there).status_code == 403
    for where in (a_county(city), claim.organization, a_city("外地总工会")):
        stranger = signed_in(app, a_user(Role.FINANCE, Role.REVIEWER, at=where))
        for address in (there, file):
            assert stranger.get(address).status_code == 404, where.name
        assert stranger.send(f"{file}/download").status_code == 404
    answer_taken(office, scheme, "claims", answered(claim, "拒付", words="不符"))
    stranger = signed_in(app, a_user(Role.FINANCE, at=a_city("别处总工会")))
    assert stranger.get(f"/admin/operator/replies/{reply_of(claim).id}").status_code == 404


def test_claims_that_do_not_go_into_one_file_are_said_to_wait(app, office, monkeypatch):
    monkeypatch.setattr(operator_claims, "MOST_CLAIMS", 1)
    monkeypatch.setattr(operator, "MOST_CLAIMS", 1)
    claim = an_approved_claim()
    an_approved_claim(an_enrollment(claim.enrollment.edition, claim.organization))
    sender = signed_in(app, finance_of(claim))
    there = f"/admin/operator/{scheme_of(claim).id}/claims"
    assert "一份文件最多 1 件" in text(sender.get(there))
    first = sender.send(f"{there}/out", {"was": "approved"}).location
    assert "还有 1 件请再送一份" in text(sender.get(first))
    assert "一份文件最多 1 件" not in text(sender.get(there))
    second = sender.send(f"{there}/out", {"was": "approved"}).location
    assert "再送一份" not in text(sender.get(second))
    assert ClaimSending.select().count() == 2
