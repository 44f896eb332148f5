"""Resident IDs, credit codes, phones, cards and names, as a clerk types them."""

import random
from datetime import date

import make_regions
import pytest

from huigong import identity

GOOD = identity.complete_id("41999919800506001")


def test_a_well_formed_id_has_no_fault():
    assert GOOD == "419999198005060013"
    assert identity.id_fault(GOOD) is None


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("", "未填写"),
        (GOOD[:17], "应为18位，现为17位"),
        ("419999800506001", "15位的旧号码已停用，请填写18位号码"),
        (GOOD[:17] + "4", "校验码错误"),
        (identity.complete_id("41999919800230001"), "第7至14位“19800230”不是有效的出生日期"),
        (identity.complete_id("41999918991231001"), "第7至14位“18991231”不是有效的出生日期"),
        (identity.complete_id("16999919800506001"), "前6位“169999”不是有效的地区代码"),
        ("41999919800506O013"[:18], "只能是17位数字加1位数字或X"),
        ("USA110080010101", "这是旧版外国人永久居留身份证的号码，请换领新版后填写18位号码"),
        ("X" * 18, "只能是17位数字加1位数字或X"),
        ("４" * 18, "只能是17位数字加1位数字或X"),
    ],
)
def test_a_faulty_id_is_told_what_is_wrong(number, message):
    assert identity.id_fault(number) == message


def test_every_single_wrong_digit_is_found():
    for place in range(17):
        for digit in set("0123456789") - {GOOD[place]}:
            assert identity.id_fault(GOOD[:place] + digit + GOOD[place + 1 :]), (place, digit)


def test_exchanged_neighbours_are_found():
    swapped = "419999198005060103"
    assert identity.id_fault(swapped) == "校验码错误"


@pytest.mark.parametrize(
    "first17",
    [
        "33011319900101001",  # 临平区, founded in 2021
        "81000019900101001",  # residence permits: Hong Kong,
        "82000019900101001",  # Macao,
        "83000019900101001",  # and Taiwan
        "91184019900101001",  # a foreigner's permanent residence card: Beijing, the US
    ],
)
def test_new_districts_and_residence_cards_are_taken(first17):
    assert identity.id_fault(identity.complete_id(first17)) is None


@pytest.mark.parametrize(
    "region",
    [
        *(
            "410105",
            "410184",
            "419001",
        ),  # a district, a city under a prefecture, under the province
        *(
            "110103",
            "320503",
            "412301",
        ),  # abolished: 崇文区 2010, 平江区 2012, 商丘市 of 1983 to 1997
        *("330113", "653228", "659012"),  # newer: 临平区 2021, 和康县 2024, 白杨市 2023
        *("410173", "130101"),  # of statistics: 航空港区, a 市辖区
        *("810000", "820000", "830000", "911840"),
    ],
)
def test_a_region_of_any_year_raises_no_question(region):
    assert identity.region_warning(identity.complete_id(f"{region}19800506001")) is None


def test_an_unknown_region_of_a_known_province_is_asked_about_and_not_refused():
    number = identity.complete_id("41019919800506001")
    assert identity.id_fault(number) is None
    assert identity.region_warning(number) == (
        "前6位“410199”不在1980年以来的行政区划代码里，请对照身份证核对"
    )


def test_made_up_people_are_told_by_a_region_that_no_list_has():
    assert identity.is_for_show(GOOD)
    assert identity.region_warning(GOOD) is None
    assert not identity.is_for_show(identity.complete_id("91999919800506001"))  # a foreigner
    assert not [region for region in identity.REGIONS if region.endswith("9999")]


def test_the_list_of_regions_is_what_its_maker_writes():
    text = make_regions.TARGET.read_text("utf-8")
    codes = identity.REGIONS - {"810000", "820000", "830000"}
    assert make_regions.written(codes | make_regions.codes_in("810000 820000")) == text


def test_a_permit_region_has_no_districts_and_a_foreigner_has_a_country():
    assert "地区代码" in (identity.id_fault(identity.complete_id("81010119900101001")) or "")
    assert "地区代码" in (identity.id_fault(identity.complete_id("91100019900101001")) or "")


@pytest.mark.parametrize(
    "typed",
    [
        "'41999919800506009x",
        " 419999 19800506 009X ",
        "４１９９９９１９８００５０６００９ｘ",
        "\u200b41999919800506009X\u3000",
    ],
)
def test_what_typing_adds_to_an_id_is_taken_away(typed):
    assert identity.normalize_id(typed) == "41999919800506009X"
    assert identity.id_fault("41999919800506009X") == identity.id_fault(
        identity.normalize_id(typed)
    )


def test_birth_date_and_sex_are_in_the_id():
    assert identity.birth_date(GOOD) == date(1980, 5, 6)
    assert identity.sex(GOOD) == "male"
    assert identity.sex(identity.complete_id("41999919800506002")) == "female"


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(1964, 7, 1), date(2024, 6, 30), 59),
        (date(1964, 7, 1), date(2024, 7, 1), 60),
        (date(2004, 2, 29), date(2022, 2, 28), 17),
        (date(2004, 2, 29), date(2022, 3, 1), 18),
    ],
)
def test_age_is_whole_years(birth, day, age):
    assert identity.age_on(birth, day) == age


def test_a_credit_code_is_checked_by_its_last_character():
    code = identity.complete_credit_code("81419999MC0000001")
    assert identity.credit_code_fault(code) is None
    assert identity.credit_code_fault("91350100M000100Y43") is None  # the standard's own example
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    assert identity.credit_code_fault(wrong) == "校验码错误"
    assert identity.credit_code_fault("O" + code[1:]) == "只能是数字和大写字母，且不含I、O、S、V、Z"
    assert identity.credit_code_fault(code[:-1]) == "应为18位，现为17位"
    assert identity.normalize_credit_code(f" {code.lower()} ") == code


@pytest.mark.parametrize(
    "typed", ["138 0000 0000", "+8613800000000", "86-138-0000-0000", "１３８００００００００"]
)
def test_a_mobile_is_taken_however_it_is_spaced(typed):
    number = identity.normalize_mobile(typed)
    assert number == "13800000000"
    assert identity.mobile_fault(number) is None


def test_a_landline_is_not_a_mobile():
    assert identity.mobile_fault("037166660520") == "应为1开头的11位手机号"


def test_a_bank_card_whose_last_digit_does_not_fit_is_only_warned_of():
    assert identity.bank_card_warning("6222021234567890128") is None
    assert identity.bank_card_warning("6222021234567890123") == "末位校验不符，请核对卡号"
    assert identity.bank_card_warning("6222021234576890128")  # two neighbours exchanged
    assert identity.bank_card_fault("6222021234567890123") is None
    assert identity.bank_card_fault("6222-0212") == "应为12至22位数字"
    assert identity.normalize_bank_card(" 6222 0212 3456 7890 128") == "6222021234567890128"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("张 三", "张三"),
        ("　李　四　", "李四"),
        ("阿卜杜•买买提", "阿卜杜·买买提"),
        ("𠮷野", "𠮷野"),
        ("王\ue863", "王\ue863"),  # a rare character as older encodings keep it
        ("John  Smith", "John Smith"),
        ("张三", "张三"),
    ],
)
def test_names_keep_rare_characters_and_lose_padding(typed, name):
    assert identity.normalize_name(typed) == name
    assert identity.name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "part"),
    [("", "未填写"), ("王", "至少两个字"), ("张3", "张3"), ("王?", "生僻字"), ("张三(大)", "字符")],
)
def test_what_is_no_name_is_said(name, part):
    assert part in (identity.name_fault(name) or "")


def test_masks_show_only_what_may_be_shown():
    assert identity.mask_name("张三丰") == "张*"
    assert identity.mask_id("410105198001011234") == "410***********1234"
    assert identity.mask_mobile("13812345678") == "138****5678"
    assert identity.mask_bank_card("6222021234567890128") == "尾号0128"


def test_an_id_is_sound_when_all_its_parts_and_its_check_digit_are():
    """The parts are reckoned apart from each other and remembered; here from the standard."""
    weights, letters = [pow(2, 17 - place, 11) for place in range(17)], "10X98765432"
    regions = {"410101": True, "810000": True, "911156": True, "000000": False, "991156": False}
    dice, faults = random.Random(3), set()  # noqa: S311 - made-up IDs
    for _ in range(5_000):
        born = date.fromordinal(dice.randrange(date(1890, 1, 1).toordinal(), 730_000))
        region = dice.choice([*regions])
        first = f"{region}{born:%Y%m%d}{dice.randrange(1000):03d}"
        total = sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True))
        last = dice.choice(letters)
        sound = regions[region] and born.year >= 1900 and letters[total % 11] == last
        fault = identity.id_fault(first + last)
        assert (fault is None) == sound, first + last
        faults.add(fault and fault[-6:])
    assert len(faults) >= 4
