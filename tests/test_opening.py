"""A city that starts in mid-life: covers, payments and paid claims of the time before."""

import io
from datetime import date
from pathlib import Path

import pytest
from builders import NOW, a_city, a_unit, a_user, signed_in
from builders_enrollment import a_person, kept_in
from builders_schemes import a_published_edition

from huigong import rules, uploads
from huigong.models import (
    Claim,
    Decision,
    Edition,
    Enrollment,
    Journal,
    Member,
    Opening,
    Organization,
    Payment,
    Role,
    Roster,
)
from huigong.refusals import Lost, Refused
from huigong.sheets import write_workbook
from huigong.workflows import agreement, enrollment, funding
from huigong.workflows.claims import reckoning
from huigong.workflows.enrollment import opening, renewal
from huigong.workflows.enrollment import opening_sheets as sheets
from huigong.workflows.replay import replay

CODE = "zhengzhou-hospital-2023"
START = "2023-12-20"  # runs until 2024-12-19: in force today


def the_city() -> Organization:
    """Zhengzhou with its edition and one unit."""
    made = a_city("郑州市总工会", slug="zhengzhou")
    a_published_edition(CODE, made)
    a_unit(made, "期初单位")
    return made


@pytest.fixture
def city(office) -> Organization:
    return the_city()


def workbook(kind: str, rows: list[dict[str, str]]) -> bytes:
    book = io.BytesIO()
    titles = sheets.TITLES[kind]
    cells = [[row.get(title, "") for title in titles] for row in rows]
    write_workbook(book, sheets.template_columns(kind), cells, title="期初")
    return book.getvalue()


def a_cover(**said: str) -> dict[str, str]:
    place = {"单位": "期初单位", "计划编号": CODE, "保障开始日": START}
    return {**a_person(), **place, "自筹由谁承担": "单位", **said}


def a_payment(**said: str) -> dict[str, str]:
    place = {"单位": "期初单位", "计划编号": CODE, "保障开始日": START}
    return {**place, "承担方": "单位", "金额": "45.00", "到账日期": "2023-12-10", **said}


def a_paid_claim(person: dict[str, str], **said: str) -> dict[str, str]:
    days = {"申领日期": "2024-03-01", "决定日期": "2024-03-10", "支付日期": "2024-03-15"}
    stay = {
        "入院日期": "2024-02-01",
        "出院日期": "2024-02-09",
        "就医地": "本地",
        "医院": "示例医院",
    }
    money = {"互助金": "6018.60", "符合医保政策剩余": "10031.00"}
    who = {"身份证号": person["身份证号"], "计划编号": CODE, "保障开始日": START}
    return {"原申领号": "A-1", **who, **days, **stay, **money, **said}


def keep(city, kind, rows, folder: Path, by=None) -> Opening:
    by = by or a_user(Role.ADMINISTRATOR, at=city)
    kept = kept_in(folder, workbook(kind, rows), "期初.xlsx")
    return opening.keep_opening(city, kind=kind, kept=kept, folder=folder, by=by, at=NOW)


def booked(city, kind, rows, folder: Path) -> Opening:
    kept = keep(city, kind, rows, folder)
    by = a_user(Role.ADMINISTRATOR, at=city)
    return opening.book_opening(kept, folder=folder, by=by, at=NOW)


def test_covers_become_approved_rosters_whose_dues_are_in_the_ledger(city, tmp_path):
    done = booked(city, "covers", [a_cover(), a_cover(是否续保="是"), a_cover()], tmp_path)
    assert (done.stage, done.rows, done.amount) == ("booked", 3, 225_00)
    roster = Roster.get()
    assert roster.number.startswith("QC")
    assert (roster.stage, roster.people) == ("approved", 3)
    assert [cover.renewal for cover in Enrollment.select().order_by(Enrollment.id)].count(True) == 1
    assert "名册#QC" in Journal.get().text
    assert agreement.disagreements() == []


def test_with_their_payments_covers_are_in_force_from_the_first_day(city, tmp_path):
    booked(city, "covers", [a_cover()], tmp_path)
    cover = Enrollment.get()
    assert not funding.in_force_on(cover, NOW.date())
    both = [a_payment(), a_payment(承担方="市", 金额="30")]
    booked(city, "payments", both, tmp_path)
    assert funding.in_force_on(cover, NOW.date())
    assert {payment.remark for payment in Payment.select()} == {"期初"}
    assert agreement.disagreements() == []


def test_a_paid_claim_counts_towards_numbers_and_caps_and_is_replayed(city, tmp_path):
    person = a_cover()
    booked(city, "covers", [person], tmp_path)
    booked(city, "claims", [a_paid_claim(person)], tmp_path)
    claim = Claim.get()
    assert (claim.stage, claim.computed) == ("paid", 6018_60)
    assert Decision.get().explanation
    assert "期初" in Journal.select().order_by(Journal.id.desc()).get().text
    assert agreement.disagreements() == []
    stay = {"place": "local", "admitted": date(2024, 11, 1), "discharged": date(2024, 11, 5)}
    cover, on = Enrollment.get(), NOW.date()
    second = reckoning.reckon(cover, None, [{**stay, "in_scope": 100_00}], on=on)
    assert second.claims[-1].benefit == 60_00
    booked(city, "claims", [a_paid_claim(person, 原申领号="A-2", 互助金="99000")], tmp_path)
    third = reckoning.reckon(cover, None, [{**stay, "in_scope": 100_00}], on=on)
    assert "次数已用完" in third.claims[-1].refused[0].message
    assert isinstance(third, rules.Assessment)


def test_old_certificates_keep_their_numbers_and_are_found_by_them(app, city, tmp_path):
    person = a_cover(原凭证号="zz 2022-0000017")
    booked(city, "covers", [person, a_cover()], tmp_path)
    numbers = {cover.certificate for cover in Enrollment.select()}
    assert "ZZ2022-0000017" in numbers
    assert len(numbers) == 2
    clerk = signed_in(app, a_user(Role.CLERK, at=city))
    found = clerk.get("/admin/members?q=zz2022-0000017").get_data(as_text=True)
    assert person["姓名"] in found
    assert "共 1 人" in found
    again = a_cover(原凭证号="ZZ2022-0000017")
    with pytest.raises(Refused, match="第3行 原凭证号：已有这个凭证"):
        keep(city, "covers", [again], tmp_path)
    with pytest.raises(Refused, match="与第3行重复"):
        keep(city, "covers", [a_cover(原凭证号="甲1"), a_cover(原凭证号="甲1")], tmp_path)


def test_after_the_import_cap_count_renewal_and_replay_are_right(city, tmp_path):
    person = a_cover()
    booked(city, "covers", [person, a_cover()], tmp_path)
    booked(city, "payments", [a_payment(金额="90.00"), a_payment(承担方="市", 金额="60")], tmp_path)
    booked(city, "claims", [a_paid_claim(person, 互助金="99900")], tmp_path)
    cover, on = Claim.get().enrollment, NOW.date()
    stay = {"place": "local", "admitted": date(2024, 11, 1), "discharged": date(2024, 11, 5)}
    second = reckoning.reckon(cover, None, [{**stay, "in_scope": 10_000_00}], on=on)
    assert second.claims[-1].benefit == 100_00, "of the cap of 100,000 as much as is left"
    edition = cover.edition
    said = replay(edition.plan, scheme=edition.scheme, since=date(2024, 1, 1), until=on)
    assert (said.all.claims, said.all.then) == (1, 99_900_00)
    Edition.update(enrolled_to=None).execute()
    proposal = renewal.propose(cover.organization, edition.scheme, cover.cover_to, on=on)
    assert (len(proposal.going), proposal.gap) == (2, 0)
    draft = renewal.draft_renewal(
        proposal, going={each.cover.id for each in proposal.going}, rest_by="unit",
        folder=tmp_path, by=a_user(Role.CLERK, at=cover.organization), at=NOW,
    )  # fmt: skip
    assert enrollment.kinds(draft) == {"renewed": 2}
    assert agreement.disagreements() == []


def test_several_stays_of_one_claim_are_one_claim(city, tmp_path):
    person = a_cover()
    booked(city, "covers", [person], tmp_path)
    rows = [
        a_paid_claim(person),
        a_paid_claim(person, 入院日期="2024-02-20", 出院日期="2024-02-25"),
    ]
    assert booked(city, "claims", rows, tmp_path).rows == 1
    assert Claim.get().stays.count() == 2
    with pytest.raises(Refused, match="第3行是同一申领号"):
        keep(city, "claims", [rows[0], {**rows[1], "互助金": "1"}], tmp_path)


def test_everything_wrong_is_said_with_its_row_and_nothing_is_kept(city, tmp_path):
    twice = a_cover()
    rows = [
        a_cover(单位="没有的单位"),
        a_cover(计划编号="none-2020"),
        a_cover(保障开始日="2020-01-01"),
        a_cover(身份证号="419999198101010010"),
        a_cover(会员身份=""),
        twice,
        {**twice, "保障开始日": "2023-12-25"},
        a_cover(保障开始日="2024/13/40"),
        a_cover(自筹由谁承担="邻居"),
    ]
    with pytest.raises(Refused) as refused:
        keep(city, "covers", rows, tmp_path)
    told = [message for _, message in refused.value.faults]
    assert [message.split()[0] for message in told] == [
        *("第3行", "第4行", "第5行", "第6行", "第7行", "第9行", "第10行", "第11行"),
    ]
    assert not Opening.select().exists()
    assert not Member.select().exists()


def test_a_row_of_each_workbook_is_told_all_that_is_wrong_with_it_at_once(city, tmp_path):
    wrong = {"单位": "没有的单位", "保障开始日": "05/08/2023", "手机号": "138", "是否续保": "也许"}
    rows = {
        "covers": (a_cover(**wrong), ["单位：", "保障开始日：", "手机号：", "是否续保："]),
        "payments": (
            a_payment(单位="没有的单位", 承担方="邻居", 金额="一百", 到账日期="昨天"),
            ["单位：", "承担方：", "金额：", "到账日期："],
        ),
        "claims": (
            a_paid_claim(
                a_cover(), 身份证号="4199", 申领日期="昨天", 互助金="-1", 原申领号="", 出院日期=""
            ),
            ["身份证号：", "申领日期：", "原申领号：", "互助金：", "出院日期："],
        ),
    }
    for kind, (row, told) in rows.items():
        with pytest.raises(Refused) as refused:
            keep(city, kind, [row], tmp_path)
        [(_, message)] = refused.value.faults
        places = [message.find(word) for word in told]
        assert -1 not in places, (kind, message)
        assert places == sorted(places)


def test_who_is_covered_already_is_refused_at_booking_too(city, tmp_path):
    person = a_cover()
    first, second = (keep(city, "covers", [person, *more], tmp_path) for more in ([], [a_cover()]))
    by = a_user(Role.ADMINISTRATOR, at=city)
    opening.book_opening(first, folder=tmp_path, by=by, at=NOW)
    with pytest.raises(Refused, match="重叠"):
        opening.book_opening(second, folder=tmp_path, by=by, at=NOW)
    assert Enrollment.select().count() == 1


def test_a_booking_that_broke_off_is_continued(city, tmp_path):
    a_unit(city, "另一单位")
    kept = keep(city, "covers", [a_cover(), a_cover(单位="另一单位")], tmp_path)
    by = a_user(Role.ADMINISTRATOR, at=city)

    def dies(phase, done, total):
        if (phase, done) == ("book", 2):  # the second roster is being approved
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opening.book_opening(kept, folder=tmp_path, by=by, at=NOW, told=dies)
    assert (Enrollment.select().count(), Enrollment.counted().count()) == (2, 1)
    with pytest.raises(Refused, match="不能撤回"):
        opening.withdraw_opening(kept, by=by, at=NOW)
    opening.book_opening(kept, folder=tmp_path, by=by, at=NOW)
    assert Enrollment.select().count() == Enrollment.counted().count() == 2
    assert agreement.disagreements() == []
    with pytest.raises(Lost):
        opening.book_opening(kept, folder=tmp_path, by=by, at=NOW)


def test_who_kept_it_does_not_book_it_and_one_file_is_kept_once(city, tmp_path):
    by, rows = a_user(Role.ADMINISTRATOR, at=city), [a_cover()]
    kept = keep(city, "covers", rows, tmp_path, by)
    with pytest.raises(Refused, match="上传人以外"):
        opening.book_opening(kept, folder=tmp_path, by=by, at=NOW)
    with uploads.open_kept(tmp_path, kept.file) as copied:
        file = kept_in(tmp_path, copied.read())
    with pytest.raises(Refused, match="已经上传过"):
        opening.keep_opening(city, kind="covers", kept=file, folder=tmp_path, by=by, at=NOW)


def test_payments_need_a_due_and_no_more_than_it(city, tmp_path):
    with pytest.raises(Refused, match="没有对应的期初应缴"):
        keep(city, "payments", [a_payment()], tmp_path)
    booked(city, "covers", [a_cover()], tmp_path)
    with pytest.raises(Refused, match="还剩15"):
        keep(city, "payments", [a_payment(金额="30"), a_payment(金额="16")], tmp_path)


def test_a_claim_needs_its_cover_and_days_in_order(city, tmp_path):
    person = a_cover()
    with pytest.raises(Refused, match="先导入参保"):
        keep(city, "claims", [a_paid_claim(person)], tmp_path)
    booked(city, "covers", [person], tmp_path)
    with pytest.raises(Refused, match="依次"):
        keep(city, "claims", [a_paid_claim(person, 支付日期="2024-03-01")], tmp_path)
    booked(city, "claims", [a_paid_claim(person)], tmp_path)
    with pytest.raises(Refused, match="已经导入过"):
        keep(city, "claims", [a_paid_claim(person, 医院="别的")], tmp_path)


def test_the_city_imports_on_pages(app, city):
    admin = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    other = signed_in(app, a_user(Role.ADMINISTRATOR, at=city))
    assert "期初" in admin.get("/admin/opening").get_data(as_text=True)
    for kind in sheets.KINDS:
        assert admin.get(f"/admin/opening/template.xlsx?kind={kind}").data[:2] == b"PK"
    assert admin.get("/admin/opening/new").status_code == 200, "reloaded after a refusal"
    empty = admin.send("/admin/opening/new", {}).get_data(as_text=True)
    assert 'href="#kind"' in empty
    assert 'href="#file"' in empty
    wrong = {
        "kind": "covers",
        "file": (io.BytesIO(workbook("covers", [a_cover(单位="无")])), "a.xlsx"),
    }
    page = admin.send("/admin/opening/new", wrong)
    assert page.status_code == 422
    assert "第3行" in page.get_data(as_text=True)
    right = {"kind": "covers", "file": (io.BytesIO(workbook("covers", [a_cover()])), "a.xlsx")}
    made = admin.send("/admin/opening/new", right)
    assert made.status_code == 303
    assert admin.send(f"{made.location}/book").status_code == 422
    assert "期初数据待复核" in other.get("/admin/").get_data(as_text=True)
    assert "复核入账" in other.get(made.location).get_data(as_text=True)
    assert other.send(f"{made.location}/book").status_code == 303
    assert Enrollment.counted().count() == 1
    outside = signed_in(app, a_user(Role.ADMINISTRATOR, at=a_city("外地总工会")))
    assert outside.get(made.location).status_code == 404
