"""Pinyin for searching and sorting: a name's initials, a text's sort key.

A dictionary alone misreads surnames (单 is Shàn) and places (荥阳, 中牟), so those are written
down here.
"""

from functools import cache, lru_cache
from typing import Any, Final

# Surnames that are read otherwise than the character mostly is. Two characters come first.
_SURNAMES: Final = {
    **{"尉迟": "yu4 chi2", "万俟": "mo4 qi2", "长孙": "zhang3 sun1", "澹台": "tan2 tai2"},
    **{"鲜于": "xian1 yu2", "令狐": "ling2 hu2", "单于": "chan2 yu2", "宰父": "zai3 fu3"},
    **{"单": "shan4", "曾": "zeng1", "仇": "qiu2", "解": "xie4", "区": "ou1", "朴": "piao2"},
    **{"查": "zha1", "翟": "zhai2", "盖": "ge3", "缪": "miao4", "乐": "yue4", "员": "yun4"},
    **{"种": "chong2", "折": "she2", "冼": "xian3", "洗": "xian3", "召": "shao4", "秘": "bi4"},
    **{"葛": "ge3", "那": "na1", "宁": "ning4", "覃": "qin2", "任": "ren2", "华": "hua4"},
    **{"燕": "yan1", "繁": "po2", "黑": "he4", "佴": "nai4", "逄": "pang2", "车": "che1"},
    **{"牟": "mu4", "隗": "wei3", "哈": "ha3", "重": "chong2", "不": "fou3", "晟": "cheng2"},
    **{"长": "zhang3", "谌": "chen2", "尉": "wei4", "幺": "yao1", "钭": "tou3", "句": "gou1"},
}
# Places and one-off words whose characters have several readings.
_PLACES: Final = {
    **{"荥阳": "xing2 yang2", "荥": "xing2", "中牟": "zhong1 mu4", "濮阳": "pu2 yang2"},
    **{"漯河": "luo4 he2", "浚县": "xun4 xian4", "长垣": "chang2 yuan2", "尉氏": "wei4 shi4"},
    **{"泌阳": "bi4 yang2", "武陟": "wu3 zhi4", "渑池": "mian3 chi2", "柘城": "zhe4 cheng2"},
    **{"郏县": "jia2 xian4", "睢县": "sui1 xian4", "重庆": "chong2 qing4", "召陵": "shao4 ling2"},
    **{"郾城": "yan3 cheng2", "会计": "kuai4 ji4", "车站": "che1 zhan4", "长安": "chang2 an1"},
}
_LONGEST_PLACE: Final = max(map(len, _PLACES))


@cache
def library() -> Any:
    """The dictionaries, opened when something is first read in them: it takes a fifth of a second,
    and most commands read nothing."""
    import pypinyin

    pypinyin.load_phrases_dict({"荥阳": [["xíng"], ["yáng"]], "中牟": [["zhōng"], ["mù"]]})
    return pypinyin


def _syllables(text: str) -> list[str]:
    style = library().Style.TONE3
    return list(library().lazy_pinyin(text, style=style, neutral_tone_with_five=True))


def initials(name: str) -> str:
    """A person's initials for search, small letters: 单小明 → sxm, Anna Li → al."""
    name = name.strip()
    surname = next((name[:size] for size in (2, 1) if name[:size] in _SURNAMES), "")
    read = [syllable[0] for syllable in _SURNAMES.get(surname, "").split()]
    rest = name[len(surname) :]
    return "".join(read) + "".join(_letters(rest))


def _letters(text: str) -> list[str]:
    letters, before = [], " "
    for character in text:
        if character.isascii():
            if character.isalnum() and not before.isalnum():
                letters.append(character.lower())
            before = character
            continue
        letters.append(_first_letter(character))
        before = " "
    return letters


@lru_cache(maxsize=30_000)
def _first_letter(character: str) -> str:
    """The first letter of one character, or nothing for a mark or an unknown one."""
    letter = _reading(character)[:1].lower()
    return letter if letter.isascii() and letter.isalpha() else ""


@lru_cache(maxsize=30_000)
def _reading(character: str) -> str:
    return _syllables(character)[0]


def sort_key(text: str) -> str:
    """A text as pinyin with tones, one syllable after another: 荥阳市 → `xing2 yang2 shi4`.

    Latin letters and digits stay, in small letters; sorting by it is sorting as a dictionary does.
    """
    parts, plain, at = [], "", 0

    def read_plain() -> None:
        if plain:
            parts.extend(_syllables(plain))

    while at < len(text):
        sizes = range(min(_LONGEST_PLACE, len(text) - at), 0, -1)
        place = next((text[at : at + n] for n in sizes if text[at : at + n] in _PLACES), "")
        if place:
            read_plain()
            parts.append(_PLACES[place])
            plain = ""
        else:
            plain += text[at]
        at += len(place) or 1
    read_plain()
    return " ".join(parts).lower()


def place_key(name: str) -> str:
    """An organization's name as pinyin without tones, the readings of place names included."""
    return " ".join(library().lazy_pinyin(name)).lower()


def shared_key(character: str) -> str:
    """What the sort keys of all names with this first character begin with; nothing where a
    surname of two characters makes it be read otherwise (单于)."""
    if any(surname != character and surname.startswith(character) for surname in _SURNAMES):
        return ""
    return name_key(character)


def name_key(name: str) -> str:
    """A person's name as pinyin for sorting, the surname read as a surname, character by
    character (a given name is no phrase): 单小明 → `shan4 xiao3 ming2`."""
    surname = next((name[:size] for size in (2, 1) if name[:size] in _SURNAMES), "")
    given = (_reading(character) for character in name[len(surname) :])
    return " ".join([*_SURNAMES.get(surname, "").split(), *given]).lower()
