import cn2an
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huigong import money


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("53417", 53_417_00),
        ("53,417.00", 53_417_00),
        ("6018.6元", 6_018_60),
        (" 0.01 ", 1),
    ],
)
def test_yuan_as_people_write_them_are_read_as_fen(text, fen):
    assert money.parse_yuan(text) == fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [("２００元", 200_00), ("1，234．50", 1_234_50), ("12,345,678", 12_345_678_00)],
)
def test_typed_amounts_may_be_full_width(text, fen):
    assert money.typed_yuan(text) == fen


@pytest.mark.parametrize("text", ["1,5", "6,40.00", ",100", "1,2345", "10,03", "1,000,00"])
def test_a_comma_counts_only_between_thousands(text):
    with pytest.raises(ValueError, match="逗号位置不对"):
        money.typed_yuan(text)


@pytest.mark.parametrize(
    "text", ["", "-1", "1.234", "1e5", "１２", "1.", ".5", "NaN", "六十", "1 0"]
)
def test_what_is_not_an_amount_is_refused(text):
    with pytest.raises(ValueError, match="金额"):
        money.parse_yuan(text)


@given(st.integers(0, 10**17))
def test_an_amount_survives_being_written_and_read(fen):
    assert money.parse_yuan(money.yuan(fen)) == fen
    assert money.parse_yuan(money.plain(fen)) == fen


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角整"),
        (6_018_60, "陆仟零壹拾捌元陆角整"),
        (100_05, "壹佰元零伍分"),
        (100_000_00, "壹拾万元整"),
        (10_000_001_00, "壹仟万零壹元整"),
    ],
)
def test_amounts_in_capitals_read_as_receipts_write_them(fen, words):
    assert money.capitals(fen) == words


@given(st.integers(0, 10**14 - 1))
def test_capitals_agree_with_another_library(fen):
    theirs = cn2an.an2cn(money.plain(fen), "rmb")
    # cn2an leaves the 整 out after 角, which receipts here write
    assert money.capitals(fen) in (theirs, theirs + "整")


def test_a_negative_amount_has_no_capitals():
    with pytest.raises(ValueError, match="负"):
        money.capitals(-1)


@pytest.mark.parametrize(("fen", "words"), [(486_320_00, "48.63万元"), (413_920_00, "41.39万元")])
def test_ten_thousands_are_for_summaries(fen, words):
    assert money.ten_thousands(fen) == words


@pytest.mark.parametrize(("points", "words"), [(6000, "60%"), (1250, "12.5%"), (5, "0.05%")])
def test_basis_points_read_as_percentages(points, words):
    assert money.percent(points) == words


def test_a_million_million_yuan_has_no_agreed_capitals():
    with pytest.raises(ValueError, match="过大"):
        money.capitals(10**14)
