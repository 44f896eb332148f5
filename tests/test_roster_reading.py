"""A clerk's messy roster: its header, its people, and everything wrong with each line."""

import io
from datetime import date

import openpyxl
import pytest

from huigong import identity, sheets
from huigong.workflows.enrollment import columns
from huigong.workflows.enrollment.checks import (
    AS_TEXT,
    NOT_TEXT,
    Fault,
    Person,
    RosterCheck,
)
from huigong.workflows.enrollment.dates import parse_date, serial_date

ID = identity.complete_id("41999919800506001")
WOMAN = identity.complete_id("41999919800506002")
COVER = date(2025, 1, 1)


def numbered(*rows):
    return list(enumerate((list(row) for row in rows), 1))


def checked(titles, *lines, **settings):
    """The outcome of each line below a header of these titles."""
    header, people = columns.read_roster(numbered(titles, *lines))
    check = RosterCheck(header, COVER, **settings)
    return [check.check(number, row) for number, row in people]


def faults(titles, *lines, **settings):
    return [
        str(fault)
        for outcome in checked(titles, *lines, **settings)
        if isinstance(outcome, list)
        for fault in outcome
    ]


def judged(title, cell, **settings):
    """What one further cell of an otherwise good line leads to."""
    return checked(("姓名", "身份证号", title), ("张三", ID, cell), **settings)[0]


# --- the header ---


def test_columns_are_found_in_any_order_and_under_other_names():
    header = columns.find_header(numbered(("工资卡号", "联系电话", "公民身份号码", "职工姓名")))
    assert header.columns == {"bank_card": 0, "mobile": 1, "id_number": 2, "name": 3}
    assert header.questions == []
    assert header.missing == []


def test_titles_may_be_decorated():
    header = columns.find_header(numbered(("*姓 名", "身份证号码\n（18位）", "手机号(必填)：")))
    assert list(header.columns) == ["name", "id_number", "mobile"]


def test_merged_titles_above_the_header_are_passed_over():
    rows = numbered(
        ("濮阳市2025年参保名册", "", ""),
        ("单位：某厂", "", "联系电话"),
        ("序号", "姓名", "证件号码"),
    )
    header = columns.find_header(rows)
    assert header.rows == (3,)
    assert header.columns == {"name": 1, "id_number": 2}


def test_two_header_rows_are_read_together():
    rows = numbered(
        ("序号", "基本信息", "", "", "工资卡", "", "备注"),
        ("", "姓名", "身份证号", "性别", "卡号", "开户行", ""),
        (1, "张三", ID, "男", "", "", ""),
    )
    header, people = columns.read_roster(rows)
    assert header.rows == (1, 2)
    assert header.columns == {
        "name": 1, "id_number": 2, "sex": 3, "bank_card": 4, "bank": 5, "remark": 6,
    }  # fmt: skip
    assert header.questions == []
    assert [number for number, _ in people] == [3]


def test_an_unknown_column_is_asked_about_and_never_dropped():
    rows = numbered(
        ("姓名", "身份证号", "工号", "", "电话", "手机"),
        ("张三", ID, "A1", "?", "", ""),
        ("李四", WOMAN, "A2"),
    )
    questions = columns.find_header(rows).questions
    assert [(asked.letter, asked.title, asked.samples) for asked in questions] == [
        ("C", "工号", ("A1", "A2")),
        ("D", "", ("?",)),
        ("F", "手机", ()),
    ]
    assert questions[2].same_as == "E"


def test_an_answer_given_once_is_remembered():
    rows = numbered(("人", "身份证号", "工号", "电话"))
    remembered = {"人": "name", "工号": "", "电话": ""}
    header = columns.find_header(rows, remembered)
    assert header.columns == {"name": 0, "id_number": 1}
    assert header.questions == []


def test_a_missing_id_column_is_named():
    assert columns.find_header(numbered(("姓名", "手机号"))).missing == ["身份证号"]


def test_without_a_header_there_is_nothing_to_read():
    header, people = columns.read_roster(numbered(("张三", ID), ("李四", WOMAN)))
    assert header is None
    assert list(people) == []
    late = [("",)] * 20 + [("姓名", "身份证号")]
    assert columns.find_header(numbered(*late)) is None


def test_only_people_are_read_below_the_header():
    rows = numbered(
        ("序号", "姓名", "身份证号", "备注"),
        ("", "示例：张三", ID, "系统不读取"),
        (1, "张三", ID, ""),
        ("", "", "", ""),
        (3, "  ", "", ""),
        (2, "李四", "", ""),
        ("序号", "姓名", "身份证号", "备注"),
        (4, "", WOMAN, ""),
        ("", "合计", "", 2),
        ("合 计：2人", "", "", ""),
        ("", "合计", 2, ""),
        ("", "合计", "12", ""),
        ("总计", "", "960.00元", ""),
        ("", "王五", 12, ""),
        ("制表：王五", "", "审核：赵六", ""),
        ("", "制表", "", ""),
    )
    _, people = columns.read_roster(rows)
    assert [number for number, _ in people] == [3, 6, 8, 14], "12 is no ID, and a fault of 王五"


def test_a_person_named_like_a_summary_is_still_a_person():
    _, people = columns.read_roster(numbered(("姓名", "身份证号"), ("合计", ID)))
    assert len(list(people)) == 1


# --- one line ---


def test_a_messy_line_becomes_a_clean_person():
    titles = ("姓名", "身份证号", "手机号", "银行卡号", "开户行", "性别", "出生日期")
    titles += ("用工形式", "医保类型", "参加工作时间", "会员身份", "备注")
    line = (" 张　三 ", "'４１９９９９ 19800506 0013", 13800000000.0, " 6222 0212 3456 7890 128")
    line += ("某银行", "男 ", "1980年5月6日", "合同工", "城镇职工医保", "2010.7", "是", "")
    [person] = checked(titles, line)
    assert person == Person(
        row=2,
        name="张三",
        id_number=ID,
        birth=date(1980, 5, 6),
        sex="male",
        age=44,
        mobile="13800000000",
        bank_card="6222021234567890128",
        bank="某银行",
        employment="contract",
        insurance="employee",
        membership="member",
        hired=date(2010, 7, 1),
    )


def test_a_fault_is_told_as_the_screen_shows_it():
    lines = [("张三", identity.complete_id(f"4199991980050{n}001")) for n in range(1, 10)]
    wrong = ID[:17] + "4"
    assert faults(("姓名", "身份证号"), *lines, ("", ""), ("李四", wrong)) == [
        "第12行 身份证号：校验码错误"
    ]


def test_all_faults_of_a_line_come_at_once_in_the_order_of_its_columns():
    titles = ("姓名", "身份证号", "手机号", "性别", "出生日期")
    assert faults(titles, ("张3", ID, "123", "女", "1980-05-07")) == [
        "第2行 姓名：“张3”含有姓名中不会出现的字符",
        "第2行 手机号：应为1开头的11位手机号",
        "第2行 性别：与身份证号不一致",
        "第2行 出生日期：1980-05-07与身份证号中的1980-05-06不一致",
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (4.1999919800506e17, NOT_TEXT),
        (419999198005060013, NOT_TEXT),
        ("4.19999E+17", AS_TEXT),
        ("419999198005060000", AS_TEXT),
        (date(1980, 5, 6), "应为18位号码"),
        ("", "未填写"),
    ],
)
def test_an_id_that_a_spreadsheet_rounded_is_refused_with_advice(cell, message):
    assert faults(("姓名", "身份证号"), ("张三", cell)) == [f"第2行 身份证号：{message}"]


def test_a_real_id_that_ends_in_zeros_is_warned_of_but_refused_beside_rounded_ones():
    real = next(
        number
        for day in range(1, 29)
        if (number := identity.complete_id(f"419999198005{day:02d}100"))[-1] == "0"
    )
    header, _ = columns.read_roster(numbered(("姓名", "身份证号")))
    check = RosterCheck(header, COVER)
    assert "末三位是000" in check.check(2, ["张三", real]).warnings[0]
    assert check.late_faults() == []
    check.check(3, ["李四", 4.19999198005061e17])
    assert check.late_faults() == [Fault(2, "id_number", "身份证号", AS_TEXT)]


def test_an_id_of_an_unknown_region_is_warned_of_and_a_made_up_one_counted():
    header, _ = columns.read_roster(numbered(("姓名", "身份证号")))
    check = RosterCheck(header, COVER)
    unknown = identity.complete_id("41019919800506001")
    assert "“410199”不在1980年以来" in check.check(2, ["张三", unknown]).warnings[0]
    known = identity.complete_id("41010519800506001")
    assert check.check(3, ["李四", known]).warnings == ()
    assert check.for_show == 0
    assert check.check(4, ["王五", ID]).warnings == ()
    assert check.for_show == 1


@pytest.mark.parametrize(
    "title", ["姓名", "手机号", "银行卡号", "开户行", "性别", "出生日期", "医保类型", "备注"]
)
@pytest.mark.parametrize("error", ["#N/A", "#REF!", " #VALUE! "])
def test_the_error_of_a_formula_is_told_in_any_column(title, error):
    said = faults(("身份证号", "姓名", title), (ID, "张三", error))
    if title == "姓名":  # the first of two columns is the name
        said = faults(("身份证号", "姓名"), (ID, error))
    assert said == [f"第2行 {title}：是公式的出错值“{error.strip()}”，请改正公式，或重新填写成文字"]


def test_a_bank_card_in_a_number_cell_has_lost_digits():
    assert [fault.message for fault in judged("银行卡号", 6.22202123456789e18)] == [NOT_TEXT]
    assert [fault.message for fault in judged("卡号", "6.22E+18")] == [AS_TEXT]
    assert judged("卡号", 622202123456.0).bank_card == "622202123456"


@pytest.mark.parametrize(
    "cell",
    [
        *("1980-05-06", "1980/5/6", "1980.5.6", "1980年5月6日", "19800506", "1980 年 5 月 6 日"),
        *("１９８０．５．６", "1980-05-06 00:00:00", "'1980-5-6", date(1980, 5, 6), 29347, 29347.0),
        *("29347", 19800506.0),
    ],
)
def test_birth_dates_are_read_in_every_form(cell):
    assert judged("出生日期", cell).birth == date(1980, 5, 6)


def test_serials_count_from_the_base_of_their_workbook():
    assert serial_date(29347, 1900) == serial_date(29347 - 1462, 1904) == date(1980, 5, 6)
    assert isinstance(judged("出生日期", 29347 - 1462, epoch=1904), Person)
    assert isinstance(judged("出生日期", 29347 - 1462), list)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("05/06/1980", "“05/06/1980”分不清月和日，请写成1980-05-06或1980-06-05"),
        ("5-6-1980 00:00", "“5-6-1980 00:00”分不清月和日，请写成1980-05-06或1980-06-05"),
        ("６／５／１９８０", "“6/5/1980”分不清月和日，请写成1980-06-05或1980-05-06"),
        ("06/05/1980", "“06/05/1980”分不清月和日，请写成1980-06-05或1980-05-06"),
        ("25/06/1980", "“25/06/1980”的年份要写在前面，如1980-06-25"),
        ("5.5.1980", "“5.5.1980”的年份要写在前面，如1980-05-05"),
        ("80.5.6", "“80.5.6”的年份要写四位，如1980-05-06"),
        ("05/06/80", "“05/06/80”的年份要写四位，如1980-05-06"),
    ],
)
def test_a_date_that_may_be_two_says_so_and_is_never_guessed(cell, told):
    [fault] = judged("出生日期", cell)
    assert fault.message == f"{told}；或留空，以身份证号中的为准"
    assert [fault.message for fault in judged("参加工作时间", cell)] == [told]


@pytest.mark.parametrize(
    "cell", ["31/13/1980", "0/6/1980", "1980-13-01", "1980-02-30", "昨天", True, -5.0, 1e300]
)
def test_what_is_no_date_is_refused(cell):
    assert [fault.message for fault in judged("出生日期", cell)] == ["应为日期，如1980-05-06"]


def test_a_month_is_enough_for_work_but_not_for_birth():
    assert judged("参加工作时间", "2010年7月").hired == date(2010, 7, 1)
    assert judged("参加工作时间", "201007").hired == date(2010, 7, 1)
    assert [fault.message for fault in judged("出生年月", "1980.5")] == ["请写到日，如1980-05-06"]
    assert "分不清1月和10月" in judged("参加工作时间", 2010.1)[0].message


def test_dates_know_whether_the_day_was_given():
    assert parse_date("1980.5") == (date(1980, 5, 1), False)
    assert parse_date("1980.5.1") == (date(1980, 5, 1), True)


@pytest.mark.parametrize(
    ("title", "cell", "field", "value"),
    [
        ("医保类型", "城乡居民", "insurance", "resident"),
        ("医保类别", "职工 医保", "insurance", "employee"),
        ("用工性质", "正式职工", "employment", "regular"),
        ("用工形式", "临时工", "employment", "temporary"),
        ("用工形式", "劳务派遣", "employment", "other"),
        ("是否工会会员", "否", "membership", "non_member"),
        ("医保类型", "", "insurance", ""),
    ],
)
def test_words_become_the_facts_that_schemes_ask_for(title, cell, field, value):
    assert getattr(judged(title, cell), field) == value


def test_an_unknown_word_is_asked_back_with_the_choices():
    [fault] = judged("医保类型", "商业险")
    assert str(fault) == "第2行 医保类型：不认识“商业险”，请填写：职工、居民"


def test_a_required_column_may_not_be_blank_or_absent():
    required = frozenset({"mobile", "insurance"})
    assert faults(("姓名", "身份证号", "手机号"), ("张三", ID, ""), required=required) == [
        "第2行 手机号：未填写",
        "第2行 医保类型：未填写",
    ]


def test_the_age_counts_on_the_day_cover_starts():
    def aged(birth, **settings):
        number = identity.complete_id(f"419999{birth}001")
        return checked(("姓名", "身份证号"), ("张三", number), ages=(18, 60), **settings)[0]

    assert aged("20070101").age == 18
    assert aged("20070102")[0].message == "保障开始日17岁，未满18岁"
    assert aged("19640102").age == 60
    assert aged("19640101")[0].message == "保障开始日61岁，超过60岁"
    assert aged("19640101", over_age_proof=True).proof == "over_age"
    assert aged("19640102", over_age_proof=True).proof == ""
    assert aged("20260101")[0].message == "出生日期晚于保障开始日"


def test_the_same_person_twice_names_the_other_row():
    numbers = (identity.complete_id(f"419999198005060{n}") for n in range(10, 99))
    lower = next(number for number in numbers if number.endswith("X"))
    lines = [("张三", ID), ("李四", lower), ("张三", f" {ID}"), ("李四", lower.lower())]
    assert faults(("姓名", "身份证号"), *lines) == [
        "第4行 身份证号：与第2行重复",
        "第5行 身份证号：与第3行重复",
    ]


# --- the template ---


def test_the_template_is_recognized_and_its_example_ignored(tmp_path):
    path = tmp_path / "template.xlsx"
    sheets.write_template(
        path,
        columns.TEMPLATE,
        title="参保名册",
        notes=columns.TEMPLATE_NOTES,
        example=columns.TEMPLATE_EXAMPLE,
    )
    with sheets.read_rows(path) as rows:
        header, people = columns.read_roster(rows)
        assert list(people) == []
    assert header.questions == []
    seldom = {"gifted"}  # added by who needs it
    assert set(header.columns) == set(columns.TITLES) - seldom


def test_every_column_of_the_template_is_text_and_choices_are_understood():
    stream = io.BytesIO()
    sheets.write_template(
        stream, columns.TEMPLATE, title="参保名册", notes=["一"], example=columns.TEMPLATE_EXAMPLE
    )
    page = openpyxl.load_workbook(stream).active
    formats = {page.column_dimensions[letter].number_format for letter in "ABCDEFGHIJKL"}
    assert formats == {"@"}
    assert len(page.data_validations.dataValidation) == 4
    for column in columns.TEMPLATE:
        for choice in column.choices:
            person = WOMAN if choice == "女" else ID
            line = ("张三", person, choice)
            assert isinstance(checked(("姓名", "身份证号", column.title), line)[0], Person), choice


def test_the_example_line_is_itself_a_good_line():
    line = list(columns.TEMPLATE_EXAMPLE)
    line[0] = "张三"
    titles = [column.title for column in columns.TEMPLATE]
    assert isinstance(checked(titles, line)[0], Person)
