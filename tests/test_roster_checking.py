"""A roster read and checked: who is on it, what is wrong with which line, who may upload what."""

import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from builders import NOW, a_city, a_county, a_unit, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_zhengzhou_unit,
    an_approved_roster,
    an_id,
    kept_in,
    the_edition,
)
from click.testing import CliRunner

from huigong import cli_roster, identity
from huigong.models import (
    Member,
    Role,
    Roster,
    RosterRow,
)
from huigong.refusals import Refused
from huigong.workflows import enrollment


def faults_of(roster):
    rows = roster.rows.where(RosterRow.kind << ("faulty", "unproven")).order_by(RosterRow.number)
    return [f"第{row.number}行 {title}：{words}" for row in rows for title, words in row.faults]


# ── reading and checking ────────────────────────────────────────────────────────────────────


def test_the_journeys_128_people_cost_10240_carried_by_three(office):
    roster = a_drafted_roster(people=128)
    assert (roster.people, roster.faulty, roster.total) == (128, 0, 10_240_00)
    assert roster.split == [["rest", 50_00, 128], ["county", 10_00, 128], ["city", 20_00, 128]]


def test_a_faulty_line_says_its_row_column_and_cause(office):
    roster = a_drafted_roster(people=128, faults=3)
    assert (roster.people, roster.faulty, roster.total) == (125, 3, 10_000_00)
    assert faults_of(roster)[0] == "第12行 身份证号：校验码错误"
    assert {title for row in roster.rows for title, _ in row.faults} == {
        "身份证号", "姓名", "手机号",
    }  # fmt: skip


def test_nothing_readable_is_stored_of_an_id_phone_or_card(office):
    person = a_person()
    roster = an_approved_roster(people=[person])
    row, member = roster.rows.get(), Member.get()
    for column in ("身份证号", "手机号", "银行卡号"):
        plain = person[column].encode()
        for sealed in (row.resident_id, row.phone, row.bank_card):
            assert plain not in bytes(sealed)
        for sealed in (member.resident_id, member.phone, member.bank_card):
            assert plain not in bytes(sealed)
    assert member.opened("resident_id") == person["身份证号"]
    assert member.opened("bank_card") == person["银行卡号"]
    assert row.opened("phone") == person["手机号"]


def test_somebody_twice_in_a_file_is_enrolled_once(office):
    person = a_person()
    roster = a_drafted_roster(people=[person, a_person(), person])
    assert (roster.people, roster.faulty) == (2, 1)
    assert faults_of(roster) == ["第5行 身份证号：与第3行重复"]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"身份证号": an_id(date(1963, 7, 31), 1)}, "保障开始日60岁"),
        ({"身份证号": an_id(date(1962, 7, 31), 1)}, "超过60岁"),
        ({"身份证号": an_id(date(2005, 8, 2), 1)}, "未满18岁"),
        ({"医保类型": "居民"}, "医保类型须为城镇职工基本医疗保险"),
        ({"用工形式": "其他"}, "用工形式须为"),
        ({"用工形式": ""}, "未填写"),
        ({"会员身份": "也许"}, "不认识“也许”"),
    ],
)
def test_the_editions_requirements_are_checked_on_the_day_cover_starts(office, said, fault):
    roster = a_drafted_roster(
        a_zhengzhou_unit(),
        people=[a_person(**said)],
        code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1),
        at=NOW.replace(year=2023, month=8, day=1),
    )
    if "60岁" in fault and "超过" not in fault:
        assert roster.people == 1  # sixty is still inside the bounds
    else:
        assert fault in "；".join(faults_of(roster))


def test_a_line_is_told_everything_at_once_in_the_order_of_its_columns(office):
    elsewhere, covered = a_zhengzhou_unit("示例甲厂工会"), a_person()
    august = {"code": "zhengzhou-hospital-2023", "cover_from": date(2023, 8, 1)}
    at = NOW.replace(year=2023, month=8, day=1)
    an_approved_roster(elsewhere, people=[covered], **august, at=at)
    aged, short = an_id(date(1961, 3, 4)), {"用工形式": "临时", "参加工作时间": "2023-05-01"}
    wrong = {"手机号": "138", "医保类型": "居民"}
    people = [
        covered | wrong,
        a_person(身份证号=aged, **wrong),
        a_person(性别="也许", **short),
        a_person(**wrong) | {"身份证号": aged[:17] + "?"},
    ]
    roster = a_drafted_roster(a_zhengzhou_unit("示例乙厂工会"), people=people, **august, at=at)
    hired = "用工形式：用工形式须为正式职工、合同制职工、聘用期超过一年的临时职工，现为其他；"
    hired += "临时用工到保障开始日聘用不满一年（2023-05-01起），不作临时职工核对"
    insured = "医保类型：医保类型须为城镇职工基本医疗保险，现为城乡居民基本医疗保险"
    assert faults_of(roster) == [
        "第3行 身份证号：已在其他单位参保（保障期2023-08-01至2024-07-31），与这次的保障期重叠",
        "第3行 手机号：应为1开头的11位手机号",
        f"第3行 {insured}",
        "第4行 身份证号：保障开始日62岁，超过60岁；仍在岗未退休的，可以上传证明",
        "第4行 手机号：应为1开头的11位手机号",
        f"第4行 {insured}",
        "第5行 性别：不认识“也许”，请填写：男、女",
        f"第5行 {hired}",
        "第6行 身份证号：只能是17位数字加1位数字或X",
        "第6行 手机号：应为1开头的11位手机号",
        f"第6行 {insured}",
    ]


def test_members_and_others_pay_their_own_shares(office):
    people = [a_person(), a_person(), a_person(会员身份="非会员")]
    roster = a_drafted_roster(
        a_zhengzhou_unit(),
        people=people,
        code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1),
        at=NOW.replace(year=2023, month=8, day=1),
    )
    assert roster.split == [["rest", 75_00, 1], ["rest", 45_00, 2], ["city", 30_00, 2]]
    assert roster.total == 225_00


def test_a_column_that_the_scheme_needs_may_not_be_absent(office):
    book = openpyxl.Workbook()
    book.active.append(["姓名", "身份证号"])
    book.active.append(["张三", an_id()])
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(Refused, match="缺少“会员身份”“医保类型”“用工形式”列"):
        a_drafted_roster(
            a_zhengzhou_unit(),
            content=content.getvalue(),
            code="zhengzhou-hospital-2023",
            cover_from=date(2023, 8, 1),
            at=NOW.replace(year=2023, month=8, day=1),
        )
    assert not Roster.select().exists()


def test_odd_characters_are_taken_or_named_never_repaired(office):
    full_width = str.maketrans("0123456789", "０１２３４５６７８９")
    number = an_id()
    people = [
        a_person(姓名="买买提•艾力"),
        a_person(姓名="张 三"),
        a_person(姓名="\U00020bb7田"),
        a_person(身份证号=f" '{number.translate(full_width)}"),
        a_person(姓名="<script>alert(1)</script>"),
        a_person(姓名="王?"),
    ]
    roster = a_drafted_roster(people=people)
    clean = roster.rows.where(RosterRow.kind == "new").order_by(RosterRow.number)
    names = [row.name for row in clean]
    assert names[:3] == ["买买提·艾力", "张三", "\U00020bb7田"]
    assert roster.people == 4
    assert roster.rows.where(RosterRow.number == 6).get().opened("resident_id") == number
    assert roster.faulty == 2


def test_columns_that_were_not_understood_are_named(office):
    book = openpyxl.Workbook()
    book.active.append(["序号", "姓名", "身份证号", "星座"])
    book.active.append([1, "张三", an_id(), "处女座"])
    content = io.BytesIO()
    book.save(content)
    assert a_drafted_roster(content=content.getvalue()).unread == [["D", "星座"]]


def test_people_with_ids_for_show_are_counted_in_one_sentence(app, office):
    real = identity.complete_id("41010519900101001")
    roster = a_drafted_roster(people=[a_person(), a_person(), a_person(身份证号=real)])
    assert (roster.people, roster.digest["for_show"], roster.digest["warned"]) == (3, 2, 0)
    page = signed_in(app, roster.made_by).get(f"/admin/rosters/{roster.id}").text
    assert "有 2 人的身份证号是演示用的" in page
    unknown = identity.complete_id("41019919900101001")
    roster = a_drafted_roster(people=[a_person(身份证号=real), a_person(身份证号=unknown)])
    assert (roster.people, roster.digest.get("for_show"), roster.digest["warned"]) == (2, None, 1)
    page = signed_in(app, roster.made_by).get(f"/admin/rosters/{roster.id}").text
    assert "演示用" not in page
    assert "1 人需要再看一眼" in page
    Roster.update(digest={**roster.digest, "warned": None}).where(Roster.id == roster.id).execute()
    page = signed_in(app, roster.made_by).get(f"/admin/rosters/{roster.id}").text
    assert "1 人需要再看一眼" in page, "a roster read before this was counted is counted now"
    assert "前6位“410199”不在1980年以来的行政区划代码里" in page


# ── who may upload what, when ───────────────────────────────────────────────────────────────


def test_an_edition_that_no_longer_enrolls_takes_no_roster(office):
    with pytest.raises(Refused, match="已停止参保"):
        a_drafted_roster(at=NOW.replace(year=2026, month=1, day=1), cover_from=date(2026, 1, 1))


@pytest.mark.parametrize("start", [date(2024, 12, 31), date(2026, 1, 1)])
def test_cover_starts_inside_the_editions_window(office, start):
    with pytest.raises(Refused, match="参保期内（2025-01-01至2025-12-31）"):
        a_drafted_roster(cover_from=start)


def test_cover_is_not_backdated(office):
    with pytest.raises(Refused, match="不能早于今天"):
        a_drafted_roster(cover_from=date(2025, 3, 1), at=NOW.replace(year=2025, month=3, day=2))


def test_another_citys_edition_and_one_without_a_fee_are_refused(office):
    unit = a_county_unit()
    stranger = a_unit(a_county(a_city()))
    edition = the_edition(unit)
    with pytest.raises(Refused, match="不面向本单位"):
        enrollment.draft_roster(
            organization=stranger, edition=edition, cover_from=date(2025, 1, 1), rest_by="unit",
            kept=kept_in(Path(office.home), a_roster_file()), folder=Path(office.home),
            by=a_user(Role.CLERK, at=stranger), at=NOW,
        )  # fmt: skip
    with pytest.raises(Refused, match="来源未载明参保费"):
        a_drafted_roster(
            a_zhengzhou_unit(), code="zhengzhou-critical-2022", cover_from=date(2022, 5, 1),
            at=NOW.replace(year=2022, month=5, day=1),
        )  # fmt: skip


# ── the command ─────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_faults_and_exits_1(tmp_path):
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    good.write_bytes(a_roster_file(12))
    bad.write_bytes(a_roster_file(12, faults=1))
    asked = ["--edition", "puyang-hospital-2025", "--from", "2025-01-01"]
    ran = CliRunner().invoke(cli_roster.roster, ["check", str(bad), *asked])
    assert ran.exit_code == 1
    assert "第12行 身份证号：校验码错误" in ran.output
    assert CliRunner().invoke(cli_roster.roster, ["check", str(good), *asked]).exit_code == 0


def test_the_command_tells_what_is_worth_a_second_look_as_the_preview_does(tmp_path):
    file, unknown = tmp_path / "a.xlsx", identity.complete_id("41019919800506001")
    file.write_bytes(a_roster_file([a_person(工号="7"), a_person(身份证号=unknown, 工号="8")]))
    asked = ["--edition", "puyang-hospital-2025", "--from", "2025-01-01"]
    ran = CliRunner().invoke(cli_roster.roster, ["check", str(file), *asked])
    assert ran.exit_code == 0
    assert "第4行 提示：身份证号前6位“410199”不在1980年以来的行政区划代码里" in ran.output
    assert "列“工号”，上传后会请您说明" in ran.output
    assert "共2人，有误0行，需要再看一眼1行，演示用的1人" in ran.output


# ── what a file says beside its people ──────────────────────────────────────────────────────


def test_a_total_line_with_its_headcount_in_the_id_column_is_nobody(office):
    book = openpyxl.Workbook()
    book.active.append(["姓名", "身份证号"])
    book.active.append(["张三", an_id()])
    book.active.append(["李四", "21人"])  # a name with such an ID is a fault
    book.active.append(["合计", "21人"])
    book.active.append(["总计", "共 21 人"])
    content = io.BytesIO()
    book.save(content)
    roster = a_drafted_roster(content=content.getvalue())
    assert (roster.people, roster.faulty) == (1, 1)


@pytest.mark.parametrize(
    ("hired", "people", "words"),
    [
        ("2022-08-01", 1, ""),
        ("2022-08-02", 0, "聘用不满一年（2022-08-02起）"),
        ("", 1, "请核对聘用是否已满一年"),
    ],
)
def test_a_temporary_employee_is_one_after_a_year(office, hired, people, words):
    roster = a_drafted_roster(
        a_zhengzhou_unit(),
        people=[a_person(用工形式="临时", 参加工作时间=hired)],
        code="zhengzhou-hospital-2023",
        cover_from=date(2023, 8, 1),
        at=NOW.replace(year=2023, month=8, day=1),
    )
    assert roster.people == people
    assert words in "；".join([*faults_of(roster), *roster.rows.get().warnings])
