"""Claims out to a scheme's operator and its answers back: what agrees is taken, what does not is
decided by somebody, and nothing is paid twice."""

from datetime import date

import pytest
from builders import NOW, TODAY, a_city, a_unit
from builders_claims import a_member, a_stay, an_approved_claim, an_enrollment
from builders_operator import (
    PAID,
    TITLES,
    a_book,
    a_checked_claim,
    a_sent_claim,
    all_agrees,
    an_answer,
    answer_taken,
    answered,
    decide,
    finance_of,
    now,
    out_of,
    reply_of,
    scheme_of,
    sent_claims,
    the_rows,
)
from builders_schemes import a_published_edition

from huigong.models import (
    AuditEvent,
    Claim,
    Journal,
    OperatorFile,
    OperatorReply,
    Payout,
    Posting,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import claims, operator, payouts
from huigong.workflows.operator import answers, files, replies

# ── out ─────────────────────────────────────────────────────────────────────────────────────


def test_a_decided_claim_goes_out_in_the_operators_columns_with_blanks_to_fill_in(office):
    claim = an_approved_claim()
    scheme, by = scheme_of(claim), finance_of(claim)
    columns = [("serial", "流水"), ("number", "案件号"), ("id_number", "证件号码"),
               ("total", "总费用"), ("amount", "申请赔付金额"), ("standing", "情况"),
               ("event", "事项"), ("hospital", "医院")]  # fmt: skip
    operator.save_layout(scheme, "claims", columns=columns, by=by, at=NOW)
    file = sent_claims(office, scheme, by=by)
    number = claim.member.opened("resident_id")
    assert out_of(office, file) == [
        ["流水", "案件号", "证件号码", "总费用", "申请赔付金额", "情况", "事项", "医院"],
        ["", claim.number, number, 53417.0, 6018.6, "已核定", "住院", "示例市第一人民医院"],
    ]
    assert (file.rows, file.amount) == (1, 6_018_60)
    assert claims.sendings_of(claim)[0].file == file
    assert [event.kind for event in claim.events][-1] == "sent"
    assert AuditEvent.get(AuditEvent.deed == "send claims").detail.endswith("1件 6,018.60元")


def test_every_column_of_a_claim_can_be_written(office):
    claim = an_approved_claim()
    scheme = scheme_of(claim)
    columns = [(name, title) for name, (title, _) in operator.FIELDS["claims"].items()]
    operator.save_layout(scheme, "claims", columns=columns, by=finance_of(claim), at=NOW)
    rows = out_of(office, sent_claims(office, scheme))
    assert len(rows) == 2
    assert rows[1][rows[0].index("住院次数")] == 1.0


def test_while_it_is_with_the_operator_our_own_bank_does_not_pay_it_nor_is_it_sent_again(office):
    claim, _ = a_sent_claim(office)
    assert list(payouts.payable(Claim.select())) == []
    city, by = scheme_of(claim).organization, finance_of(claim)
    with pytest.raises(Refused, match="已送承办方"):
        payouts.make_batch(claims=[claim], organization=city, by=by, at=NOW)
    with pytest.raises(Refused, match="没有要送"):
        sent_claims(office, scheme_of(claim))


def test_one_that_our_bank_is_paying_is_not_sent(office):
    claim = an_approved_claim()
    member = claim.member
    member.bank_card = member.seal("bank_card", "6222000000000000003")
    member.save()
    city = scheme_of(claim).organization
    payouts.make_batch(claims=[claim], organization=city, by=finance_of(claim), at=NOW)
    with pytest.raises(Refused, match="没有要送"):
        sent_claims(office, scheme_of(claim))


def test_a_scheme_that_the_office_runs_itself_sends_nothing(office):
    claim = an_approved_claim()
    edition = claim.enrollment.edition
    edition.plan = {**edition.plan, "operator": "self"}
    edition.save()
    with pytest.raises(Refused, match="自办"):
        sent_claims(office, scheme_of(claim))
    with pytest.raises(Refused, match="请选择"):
        sent_claims(office, scheme_of(claim), was="paid")
    assert not list(office.files.glob("*"))


def test_a_claim_decided_while_its_file_was_written_loses_and_no_file_stays(office, monkeypatch):
    claim = an_approved_claim()
    write = files.written

    def meanwhile(*args):
        kept = write(*args)
        Claim.update(stage="paid").where(Claim.id == claim.id).execute()
        return kept

    monkeypatch.setattr(files, "written", meanwhile)
    with pytest.raises(Lost):
        sent_claims(office, scheme_of(claim))
    assert not list(office.files.glob("*"))


def test_claims_of_a_file_that_never_arrived_are_called_back(office):
    claim, sending = a_sent_claim(office)
    by = finance_of(claim)
    with pytest.raises(Refused, match="原因"):
        operator.call_back(sending.file, reason="", by=by, at=NOW)
    assert operator.call_back(sending.file, reason="对方没有收到", by=by, at=NOW) == 1
    assert list(payouts.payable(Claim.select())) == [claim]
    with pytest.raises(Refused, match="没有还在等"):
        operator.call_back(sending.file, reason="再收一次", by=by, at=NOW)
    sent_claims(office, scheme_of(claim))
    assert claims.sendings_of(claim)[0].stage == "sent"
    assert all_agrees(office)


# ── back ────────────────────────────────────────────────────────────────────────────────────


def test_what_the_operator_paid_in_full_is_booked_out_of_what_was_passed_on(office):
    claim, sending = a_sent_claim(office)
    assert answer_taken(office, scheme_of(claim), "claims", answered(claim, *PAID)) == 1
    assert now(claim).stage == "paid"
    payout = Payout.get()
    assert payout.note == "承办方支付，流水号ZF20241216001，2024-12-16"
    batch = payout.batch
    assert batch.made_by == sending.file.by
    assert batch.released_by != batch.made_by
    booked = Journal.get(Journal.key == f"payout:{payout.id}:paid")
    lines = {line.account: line.amount for line in booked.postings.order_by(Posting.id)}
    assert lines == {"payable": 6_018_60, "transferred": -6_018_60}
    assert reply_of(claim).stage == "done"
    with pytest.raises(Refused, match="没有银行文件"):
        payouts.bank_file(batch, form="csv", by=finance_of(claim), at=NOW)
    assert all_agrees(office)


def test_whoever_sent_it_does_not_book_it_as_paid(office):
    claim, sending = a_sent_claim(office)
    by, rows = sending.file.by, answered(claim, *PAID)
    with pytest.raises(Refused, match="送出人以外"):
        answer_taken(office, scheme_of(claim), "claims", rows, by=by)
    assert now(claim).stage == "approved"
    assert not OperatorReply.select().exists()


@pytest.mark.parametrize(("amount", "more"), [("6018.59", -1), ("6018.61", 1), ("600000", 1)])
def test_another_amount_is_never_taken_silently(office, amount, more):
    claim, sending = a_sent_claim(office)
    rows = answered(claim, "已支付", amount, "ZF1", "2024-12-16")
    answer_taken(office, scheme_of(claim), "claims", rows)
    reply = reply_of(claim)
    assert (reply.stage, now(claim).stage) == ("open", "approved")
    assert operator.differs(reply)
    assert (reply.amount > 6_018_60) == (more > 0)
    assert not Payout.select().exists()
    by, sender = finance_of(claim), sending.file.by
    with pytest.raises(Refused, match="理由"):
        operator.settle_reply(reply, verdict="taken", reason="", by=by, at=NOW)
    with pytest.raises(Refused, match="送出人以外"):
        operator.settle_reply(reply, verdict="taken", reason="差额已补", by=sender, at=NOW)
    with pytest.raises(Refused, match="请选择"):
        operator.settle_reply(reply, verdict="back", reason="会付两次", by=by, at=NOW)
    operator.settle_reply(reply, verdict="taken", reason="差额已补付，回单存档", by=by, at=NOW)
    assert now(claim).stage == "paid"
    assert Payout.get().amount == 6_018_60, "what was decided is locked"
    with pytest.raises(Lost):
        operator.settle_reply(reply, verdict="wait", reason="再等一等", by=by, at=NOW)
    assert all_agrees(office)


def test_a_difference_may_wait_for_the_operators_corrected_answer(office):
    claim, _ = a_sent_claim(office)
    scheme = scheme_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, "已支付", "618.60", "ZF1", "2024-12-16"))
    operator.settle_reply(
        reply_of(claim), verdict="wait", reason="少写一位，对方重发", by=finance_of(claim), at=NOW
    )
    assert list(payouts.payable(Claim.select())) == []
    answer_taken(office, scheme, "claims", answered(claim, *PAID))
    assert now(claim).stage == "paid"
    assert all_agrees(office)


@pytest.mark.parametrize("result", ["拒付", "补材料"])
def test_a_refusal_and_more_papers_are_decided_here(office, result):
    claim, _ = a_sent_claim(office)
    scheme, by = scheme_of(claim), finance_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, result, words="缺发票原件"))
    reply = reply_of(claim)
    assert (reply.stage, reply.words) == ("open", "缺发票原件")
    with pytest.raises(Refused, match="没有还在等"):
        operator.call_back(reply.sending.file, reason="不再等了", by=by, at=NOW)
    operator.settle_reply(reply, verdict="back", reason="补齐后再送", by=by, at=NOW)
    assert list(payouts.payable(Claim.select())) == [claim]
    sent_claims(office, scheme)
    assert all_agrees(office)


def test_agreeing_says_nothing_new_unless_the_amount_is_another(office):
    claim, _ = a_sent_claim(office)
    scheme = scheme_of(claim)
    answer_taken(office, scheme, "claims", answered(claim, "同意"))
    assert reply_of(claim).stage == "done"
    answer_taken(office, scheme, "claims", answered(claim, "同意", "6018.60"))
    assert reply_of(claim).stage == "done"
    rows = [["申领编号", "审核结果", "核准金额"], [claim.number, "金额调整", 5000]]
    answer_taken(office, scheme, "claims", rows)
    assert (reply_of(claim).stage, reply_of(claim).amount) == ("open", 5_000_00)
    assert now(claim).stage == "approved"


def test_the_same_file_twice_changes_nothing_even_after_the_claim_went_out_again(office):
    claim, _ = a_sent_claim(office)
    scheme, by = scheme_of(claim), finance_of(claim)
    book = a_book(answered(claim, "拒付", words="不在保障范围"))

    def taken():
        file = an_answer(office, scheme, "claims", [], book=book)
        return operator.take_answer(file, folder=office.files, clean_only=False, by=by, at=NOW)

    assert taken() == 1
    with pytest.raises(Refused, match="没有新的内容"):
        taken()
    operator.settle_reply(reply_of(claim), verdict="back", reason="已说明", by=by, at=NOW)
    with pytest.raises(Refused, match="没有新的内容"):
        taken()
    sent_claims(office, scheme)
    with pytest.raises(Refused, match="没有新的内容"):
        taken()
    assert OperatorReply.select().count() == 1
    answer_taken(office, scheme, "claims", answered(claim, *PAID))
    with pytest.raises(Refused, match="没有新的内容"):
        answer_taken(office, scheme, "claims", answered(claim, *PAID))
    assert Payout.select().count() == 1
    assert all_agrees(office)


def test_an_answer_is_read_however_its_columns_stand(office):
    """A cover sheet's lines above, two header rows, other names and orders, our own column sent
    out blank beside one that the operator added, wide digits, a serial date, a total below."""
    claim, _ = a_sent_claim(office)
    number = claim.member.opened("resident_id")
    rows = [
        ["某某互助会办事处支付明细"],
        ["", "", "支付情况", "", "", "", "", ""],
        ["姓名", "证件号码", "赔付状态", "实付金额(元)", "支付金额（元）", "银行流水号", "付款日期",
         "备注"],
        ["张*", number.lower(), " 赔付成功 ", "￥６，018.60", "", 20241216001, 45642, "无误"],
        ["合计", "1笔", "", 6018.6, "", "", "", ""],
    ]  # fmt: skip
    file = an_answer(office, scheme_of(claim), "claims", rows)
    found = operator.preview(file, folder=office.files, on=TODAY)
    assert found.faults == []
    answer_taken(office, scheme_of(claim), "claims", rows)
    reply = reply_of(claim)
    assert (reply.serial, reply.paid_on, reply.words) == ("20241216001", TODAY, "无误")
    assert now(claim).stage == "paid"


def test_our_own_figure_coming_back_is_not_what_they_paid(office):
    """The amount went out under a title that the operator chose; it fills in nothing else."""
    claim = an_approved_claim()
    scheme, by = scheme_of(claim), finance_of(claim)
    columns = [("number", "案件号"), ("amount", "赔付金额"), ("result", "结果")]
    operator.save_layout(scheme, "claims", columns=columns, by=by, at=NOW)
    sent_claims(office, scheme)
    rows = [["案件号", "赔付金额", "结果", "流水号", "支付日期"],
            [claim.number, 6018.6, "已支付", "ZF1", "2024-12-16"]]  # fmt: skip
    file = an_answer(office, scheme, "claims", rows)
    found = operator.preview(file, folder=office.files, on=TODAY)
    assert found.faults == [(2, "已支付的须写明支付金额")]


def of_one_city(count: int) -> list[Claim]:
    """Approved claims of as many people of one city."""
    edition = a_published_edition("zhengzhou-hospital-2023", a_city("郑州市总工会"))
    unit = a_unit(edition.organization)
    return [an_approved_claim(an_enrollment(edition, unit)) for _ in range(count)]


def test_faulty_rows_come_back_in_their_own_workbook_and_the_clean_ones_are_taken(office):
    mine = of_one_city(5)
    scheme = scheme_of(mine[0])
    sent_claims(office, scheme)
    other = an_approved_claim(an_enrollment(mine[0].enrollment.edition, mine[0].organization))
    stranger = a_member(mine[0].organization).opened("resident_id")
    numbers = [claim.number for claim in mine]
    head = ["申领编号", "身份证号", "结果", "支付金额", "流水号", "支付日期", "原因"]
    rows = [
        (numbers[0], "", *PAID),
        (numbers[1], stranger, *PAID),
        (numbers[2], "410***********1234", "已支付", "12.345", "ZF2", "2024-12-17", ""),
        (numbers[3], "", "已支付", "", "", "", ""),
        (numbers[4], "", "看看再说", "", "", "", ""),
        (other.number, "", *PAID),
        ("SL20240101000000", "", *PAID),
        (numbers[0], "", "拒付", "", "", "", "改主意了"),
        ("", "", "已支付", "1", "ZF9", "2024-12-16", ""),
    ]
    file = an_answer(office, scheme, "claims", [head, *map(list, rows)])
    with operator.own_file_back(file, folder=office.files, on=TODAY) as book:
        back = the_rows(book)
    assert back[0] == [*head, "错误原因"]
    assert [row[7] for row in back[1:]] == [
        "",
        "身份证号与这笔申领的职工不符",
        "金额“12.345”不是以元为单位、最多两位小数的数",
        "已支付的须写明支付金额；已支付的须写明支付流水号；已支付的须写明支付日期",
        "不认识结果“看看再说”，请填写：已支付、同意、拒付、补材料",
        f"没有送过编号为“{other.number}”的申领",
        "没有送过编号为“SL20240101000000”的申领",
        "与第2行是同一笔申领，写的不一样",
        "没有送过这个人的申领，请核对身份证号",
    ]
    by = finance_of(mine[0])
    with pytest.raises(Refused, match="8 行需要更正"):
        operator.take_answer(file, folder=office.files, clean_only=False, by=by, at=NOW)
    assert not OperatorReply.select().exists()
    assert operator.take_answer(file, folder=office.files, clean_only=True, by=by, at=NOW) == 1
    assert [now(claim).stage for claim in mine] == ["paid", *["approved"] * 4]
    assert all_agrees(office)


@pytest.mark.parametrize(
    ("day", "words"), [("2024-12-15", "之间"), ("2024-12-17", "之间"), ("十二月", "看不懂支付日期")]
)
def test_a_payment_before_the_sending_or_after_today_is_refused(office, day, words):
    claim, _ = a_sent_claim(office)
    rows = answered(claim, "已支付", "6018.60", "ZF1", day)
    file = an_answer(office, scheme_of(claim), "claims", rows)
    ((_, said),) = operator.preview(file, folder=office.files, on=TODAY).faults
    assert words in said


def test_rows_for_claims_that_are_elsewhere_by_now_are_named(office):
    claim, sending = a_sent_claim(office)
    scheme, by = scheme_of(claim), finance_of(claim)
    operator.call_back(sending.file, reason="改由本会发放", by=by, at=NOW)
    file = an_answer(office, scheme, "claims", answered(claim, *PAID))
    assert "已从承办方收回" in operator.preview(file, folder=office.files, on=TODAY).faults[0][1]
    sent_claims(office, scheme)
    answer_taken(office, scheme, "claims", answered(claim, *PAID))
    late = answered(claim, "已支付", "6018.60", "ZF-OTHER", "2024-12-16")
    file = an_answer(office, scheme, "claims", late)
    assert "已登记支付" in operator.preview(file, folder=office.files, on=TODAY).faults[0][1]


def test_two_claims_of_one_person_are_told_apart_by_number_alone(office):
    enrollment = an_enrollment(cover_from=date(2024, 3, 1))
    stays = [a_stay(admitted=date(2024, month, 1)) for month in (4, 6)]
    two = [an_approved_claim(enrollment, stays=[stay]) for stay in stays]
    scheme = scheme_of(two[0])
    sent_claims(office, scheme)
    number = two[0].member.opened("resident_id")
    rows = [["身份证号", "结果", "说明"], [number, "拒付", "不符"]]
    file = an_answer(office, scheme, "claims", rows)
    assert "2笔申领送出" in operator.preview(file, folder=office.files, on=TODAY).faults[0][1]


def test_another_operators_file_is_refused_whole_and_not_kept(office):
    claim, _ = a_sent_claim(office)
    rows = [TITLES, ["SL20240101000000", *PAID], ["SL20240101000001", *PAID]]
    with pytest.raises(Refused, match="传错了文件"):
        an_answer(office, scheme_of(claim), "claims", rows)
    with pytest.raises(Refused, match="没有找到"):
        an_answer(office, scheme_of(claim), "claims", [["身份证号", "承保"], ["1", "2"]])
    assert OperatorFile.select().where(OperatorFile.way == "back").count() == 0


def test_a_claim_decided_after_the_answer_was_read_is_not_taken_by_the_old_figure(office):
    claim = a_checked_claim(office)
    file = an_answer(office, scheme_of(claim), "claims", answered(claim, "同意", "6018.60"))
    read = operator.preview(file, folder=office.files, on=TODAY).judged.fresh
    decide(claim, amount=5_000_00, reason="扣除一项")
    with pytest.raises(Lost):
        replies.keep(file, read, by=finance_of(claim), at=NOW)
    found = operator.preview(file, folder=office.files, on=TODAY)
    assert [said.effect for said in found.judged.fresh] == ["differs"]


def test_an_answer_whose_taking_broke_off_is_taken_on_where_it_was(office, monkeypatch):
    mine = of_one_city(3)
    scheme, by = scheme_of(mine[0]), finance_of(mine[0])
    sent_claims(office, scheme)
    rows = [TITLES, *([claim.number, *PAID] for claim in mine)]
    file = an_answer(office, scheme, "claims", rows)
    monkeypatch.setitem(answers._SOME, "claims", 1)
    take, done = answers._take_some, []

    def killed(*args, **named):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(take(*args, **named))

    monkeypatch.setattr(answers, "_take_some", killed)
    given = {"folder": office.files, "clean_only": False, "by": by, "at": NOW}
    with pytest.raises(KeyboardInterrupt):
        operator.take_answer(file, **given)
    assert [now(claim).stage for claim in mine] == ["paid", "paid", "approved"]
    assert OperatorFile.get_by_id(file.id).stage == "kept"
    monkeypatch.setattr(answers, "_take_some", take)
    assert operator.take_answer(OperatorFile.get_by_id(file.id), **given) == 1
    kept = OperatorFile.get_by_id(file.id)
    assert (kept.stage, kept.rows, kept.amount) == ("taken", 3, 3 * 6_018_60)
    assert all_agrees(office)
