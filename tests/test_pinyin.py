import pytest

from huigong import pinyin


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("单小明", "sxm"),
        ("曾国", "zg"),
        ("仇英", "qy"),
        ("解缙", "xj"),
        ("尉迟恭", "ycg"),
        ("张三", "zs"),
        ("买买提·艾力", "mmtal"),
        ("Anna Li", "al"),
        ("\ue000田", "t"),  # a private-use character has no reading
        ("", ""),
    ],
)
def test_initials_read_surnames_as_surnames(name, letters):
    assert pinyin.initials(name) == letters


def test_places_sort_where_people_look_for_them():
    assert pinyin.sort_key("荥阳市") == "xing2 yang2 shi4"
    assert pinyin.sort_key("中牟县") == "zhong1 mu4 xian4"
    assert pinyin.sort_key("漯河市A区") == "luo4 he2 shi4 a qu1"
    listed = sorted(["中牟县", "荥阳市", "巩义市"], key=pinyin.sort_key)
    assert listed == ["巩义市", "荥阳市", "中牟县"]


def test_a_name_sorts_by_its_surname():
    assert pinyin.name_key("单小明") == "shan4 xiao3 ming2"
    assert pinyin.name_key("尉迟恭") == "yu4 chi2 gong1"


def test_names_with_one_first_character_sort_together_unless_it_begins_a_longer_surname():
    assert pinyin.shared_key("王") == "wang2"
    assert pinyin.name_key("王建国").startswith(pinyin.shared_key("王"))
    assert pinyin.shared_key("曾") == "zeng1"
    assert pinyin.shared_key("单") == ""  # 单小明 is read shan4, 单于 is read chan2
