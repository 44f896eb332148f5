"""Who somebody is, in numbers and names: resident IDs, units' credit codes, phones, cards.

Every `…_fault` returns the sentence a clerk reads beside the field, or None when all is well.
`normalize_…` only takes away what typing adds (spaces, full-width forms, apostrophes);
nothing is guessed or repaired.
"""

import re
from datetime import date
from functools import lru_cache
from operator import mul
from pathlib import Path
from typing import Final

# Full-width digits, letters and dots, and what copying leaves behind, all to plain text.
_PLAIN: Final = {
    **{0xFF10 + i: str(i) for i in range(10)},
    **{0xFF21 + i: chr(0x41 + i) for i in range(26)},
    **{0xFF41 + i: chr(0x61 + i) for i in range(26)},
    **dict.fromkeys([0x3000, 0xA0, 0x202F, *range(0x2000, 0x200B), 9, 10, 13], " "),
    **dict.fromkeys(
        [0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
    ),
    0xFEFF: None,
}
_ODD: Final = re.compile(f"[{re.escape(''.join(map(chr, _PLAIN)))}]")
_APOSTROPHES: Final = "'‘’`＇"


def plain_text(text: str) -> str:
    """Full-width digits and letters made half-width, odd spaces plain, invisible marks gone."""
    return (text.translate(_PLAIN) if _ODD.search(text) else text).strip()


def _compact(text: str) -> str:
    return plain_text(text).lstrip(_APOSTROPHES).replace(" ", "")


# --- resident ID, GB 11643 ---

PROVINCES: Final = frozenset(  # the first two digits
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71))
    for code in range(first, last + 1)
)
_PERMITS: Final = ("810000", "820000", "830000")  # residents of Hong Kong, Macao and Taiwan


def _listed_regions() -> frozenset[str]:
    """Every code of regions.txt, which says where it is from."""
    codes = set[str]()
    for line in Path(__file__).with_name("regions.txt").read_text("utf-8").splitlines():
        place, *spans = line.split()
        if place != "#":
            ends = [span.partition("-")[::2] for span in spans]
            for first, last in ends:
                codes.update(f"{place}{n:02d}" for n in range(int(first), int(last or first) + 1))
    return frozenset(codes)


REGIONS: Final = _listed_regions() | frozenset(_PERMITS)
_FOR_SHOW: Final = "9999"  # places three to six of made-up people's IDs: no place has such a code
_OLD_RESIDENCE: Final = re.compile(r"[A-Z]{3}\d{12}", re.ASCII)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS: Final = "10X98765432"


def normalize_id(text: str) -> str:
    """An ID as printed on the card: half-width, without spaces or apostrophes, X in capital."""
    return _compact(text).upper()


def complete_id(first17: str) -> str:
    """The 17 digits with their check digit (GB 11643: ISO 7064 mod 11-2)."""
    sum_of_all = _weighed(first17, 0) if len(first17) == 17 else None
    if sum_of_all is None:
        raise ValueError(f"{first17!r} is not 17 digits")
    return first17 + _CHECK_DIGITS[sum_of_all % 11]


@lru_cache(maxsize=65_536)
def _calendar_date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def id_fault(number: str) -> str | None:
    """What is wrong with a normalized ID: length, characters, region, birth date, check digit.

    Besides the resident ID it knows the residence permits of people from Hong Kong, Macao and
    Taiwan (81, 82, 83 and four zeros) and the foreigners' permanent residence card of 2023
    (9, province, ISO 3166 number of the country); all share the birth date and the check digit.
    """
    region, born, serial = _region(number[:6]), _born(number[6:14]), _serial(number[14:17])
    if region is None or born is None or serial is None:
        return _fault_of_part(number)
    # A city's IDs have few regions, birth dates and serials: what each adds is known.
    if _CHECK_DIGITS[(region + born + serial) % 11] != number[17:]:
        return _fault_of_part(number) or "校验码错误"
    return None


def _fault_of_part(number: str) -> str | None:
    """What is wrong with an ID but for its check digit."""
    if len(number) != 18:
        return _length_fault(number)
    if not (number.isascii() and number[:17].isdigit() and number[17] in "0123456789X"):
        return "只能是17位数字加1位数字或X"
    if not _region_known(number):
        return f"前6位“{number[:6]}”不是有效的地区代码"
    born = _calendar_date(number[6:14])
    if born is None or born.year < 1900:
        return f"第7至14位“{number[6:14]}”不是有效的出生日期"
    return None


def _weighed(digits: str, place: int) -> int | None:
    """What digits add to the sum behind the check digit, from a place on."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    return sum(map(mul, _WEIGHTS[place:], map(int, digits)))


@lru_cache(maxsize=8192)
def _region(six: str) -> int | None:
    return _weighed(six, 0) if len(six) == 6 and _region_known(six) else None


@lru_cache(maxsize=65_536)
def _born(eight: str) -> int | None:
    born = _calendar_date(eight) if len(eight) == 8 else None
    return None if born is None or born.year < 1900 else _weighed(eight, 6)


@lru_cache(maxsize=1024)
def _serial(three: str) -> int | None:
    return _weighed(three, 14) if len(three) == 3 else None


def _length_fault(number: str) -> str:
    if not number:
        return "未填写"
    if len(number) == 15 and number.isascii() and number.isdigit():
        return "15位的旧号码已停用，请填写18位号码"
    if _OLD_RESIDENCE.fullmatch(number):
        return "这是旧版外国人永久居留身份证的号码，请换领新版后填写18位号码"
    return f"应为18位，现为{len(number)}位"


def _region_known(number: str) -> bool:
    # Of a foreigner's country only 000 is refused: no package here lists ISO 3166's numbers, and
    # a list kept by hand would refuse whoever comes from a country younger than it. What a wrong
    # digit does the check digit tells.
    if number[0] == "9":
        return number[1:3] in PROVINCES and number[3:6] != "000"
    return number[:2] in PROVINCES or number[:6] in _PERMITS


def is_for_show(number: str) -> bool:
    """Whether a valid ID is a made-up person's: its region is 9999 in some province."""
    return number[2:6] == _FOR_SHOW and number[0] != "9"


def region_warning(number: str) -> str | None:
    """A valid ID whose region is in no list of divisions since 1980: worth a look at the card,
    not a refusal, for lists end before the newest district."""
    if number[:6] in REGIONS or number[0] == "9" or is_for_show(number):
        return None
    return f"前6位“{number[:6]}”不在1980年以来的行政区划代码里，请对照身份证核对"


def birth_date(number: str) -> date:
    """The birth date inside a valid ID."""
    born = _calendar_date(number[6:14])
    if born is None:
        raise ValueError("no birth date in this ID")
    return born


def sex(number: str) -> str:
    """`male` or `female`, by the parity of the seventeenth digit of a valid ID."""
    return "male" if number[16] in "13579" else "female"


def age_on(birth: date, day: date) -> int:
    """Whole years on a day; someone born on 29 February comes of age on 1 March."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


# --- units: 统一社会信用代码, GB 32100 ---

_CREDIT_CHARACTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_VALUES: Final = {character: value for value, character in enumerate(_CREDIT_CHARACTERS)}
_CREDIT_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))


def normalize_credit_code(text: str) -> str:
    return _compact(text).upper()


def complete_credit_code(first17: str) -> str:
    """The 17 characters with their check character (GB 32100, mod 31)."""
    total = sum(
        weight * _CREDIT_VALUES[character]
        for weight, character in zip(_CREDIT_WEIGHTS, first17, strict=True)
    )
    return first17 + _CREDIT_CHARACTERS[-total % 31]


def credit_code_fault(code: str) -> str | None:
    """What is wrong with a normalized 统一社会信用代码."""
    if not code:
        return "未填写"
    if len(code) != 18:
        return f"应为18位，现为{len(code)}位"
    if any(character not in _CREDIT_VALUES for character in code):
        return "只能是数字和大写字母，且不含I、O、S、V、Z"
    return None if complete_credit_code(code[:17]) == code else "校验码错误"


# --- phones and bank cards ---

_MOBILE: Final = re.compile(r"1[3-9]\d{9}", re.ASCII)
_CARD: Final = re.compile(r"\d{12,22}", re.ASCII)
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_SINGLE: Final = bytes.maketrans(b"0123456789", bytes(range(10)))


def normalize_mobile(text: str) -> str:
    """Digits alone, without +86, spaces or hyphens."""
    digits = _compact(text).replace("-", "").replace("－", "").replace("—", "")
    return re.sub(r"^(\+|00)?86(?=1\d{10}$)", "", digits)


def mobile_fault(number: str) -> str | None:
    if not number:
        return "未填写"
    return None if _MOBILE.fullmatch(number) else "应为1开头的11位手机号"


def normalize_bank_card(text: str) -> str:
    return _compact(text).replace("-", "")


def bank_card_fault(number: str) -> str | None:
    """Accounts of passbooks have other lengths than cards, so 12 to 22 digits are let through."""
    if not number:
        return "未填写"
    return None if _CARD.fullmatch(number) else "应为12至22位数字"


def bank_card_warning(number: str) -> str | None:
    """A UnionPay card whose last digit does not fit (Luhn): worth a second look, not a refusal."""
    if number[:2] != "62" or not 16 <= len(number) <= 19:
        return None
    digits = number.encode()
    total = sum(digits[-1::-2].translate(_SINGLE)) + sum(digits[-2::-2].translate(_DOUBLED))
    return "末位校验不符，请核对卡号" if total % 10 else None


# --- names ---

# 〇, unified ideographs with their extensions, compatibility ideographs, and the private use
# area, where older Chinese encodings kept rare characters.
_HAN: Final = "〇㐀-䶿一-鿿豈-﫿\ue000-\uf8ff\U00020000-\U000323af\U000f0000-\U0010fffd"
_HAN_NAME: Final = re.compile(f"[{_HAN}]+(·[{_HAN}]+)*")
_HAN_WITH_SPACES: Final = re.compile(f"[{_HAN}· ]+")
_FOREIGN_NAME: Final = re.compile(f"[^\\W\\d_{_HAN}]+([ .'’·-]+[^\\W\\d_{_HAN}]+)*\\.?")
_DOTS: Final = dict.fromkeys(map(ord, "•・‧∙⋅．●"), "·")


def normalize_name(text: str) -> str:
    """A name without the spaces that line up columns (张 三); every middle dot written ·."""
    if _HAN_NAME.fullmatch(text):
        return text
    name = re.sub(" +", " ", plain_text(text).lstrip(_APOSTROPHES).translate(_DOTS))
    return name.replace(" ", "") if _HAN_WITH_SPACES.fullmatch(name) else name


def is_usual_name(text: str) -> bool:
    """Whether a text is a name as it should be, in Chinese characters."""
    return 2 <= len(text) <= 50 and _HAN_NAME.fullmatch(text) is not None


def name_fault(name: str) -> str | None:
    """What is wrong with a normalized name; rare characters and foreign letters are fine."""
    if is_usual_name(name):
        return None
    if not name:
        return "未填写"
    if "?" in name or "？" in name or "�" in name:
        return "有未能显示的生僻字，请改用能显示该字的字体或输入法重新填写"
    if len(name) < 2:
        return "至少两个字"
    if len(name) > 50:
        return "不能超过50个字"
    return None if _FOREIGN_NAME.fullmatch(name) else f"“{name}”含有姓名中不会出现的字符"


# --- what is printed in place of the full text ---


def mask_name(name: str) -> str:
    """张*"""
    return f"{name[:1]}*" if name else ""


def mask_id(number: str) -> str:
    """410***********1234"""
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}" if len(number) > 7 else "*" * 8


def mask_mobile(number: str) -> str:
    """138****5678"""
    return f"{number[:3]}****{number[-4:]}" if len(number) == 11 else "*" * 8


def mask_bank_card(number: str) -> str:
    """The last four: 尾号1234."""
    return f"尾号{number[-4:]}" if len(number) >= 8 else "*" * 4
