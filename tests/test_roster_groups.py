"""The faults of a roster on its page, those of one kind together with the first rows of each."""

import sys

import pytest
from builders import signed_in
from builders_enrollment import a_county_unit, a_drafted_roster, a_person, an_id, faulty

from huigong.workflows.enrollment.groups import FIRST, FaultGroups


def groups_of(*messages, title="身份证号"):
    groups = FaultGroups()
    for number, message in enumerate(messages, 2):
        groups.add(number, [[title, message]])
    return [(said, count) for said, count, _ in groups.listed()]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("与第5行重复", "与第17行重复", "与第…行重复"),
        ("应为18位，现为17位", "应为18位，现为20位", "应为…位，现为…位"),
        ("保障开始日14岁，未满18岁", "保障开始日9岁，未满18岁", "保障开始日…岁，未满…岁"),
        ("不认识“甲”，请填写：男、女", "不认识“”1”，请填写：男、女", "不认识“…”，请填写：男、女"),
        ("“a\nb”含有不会出现的字符", "“<c>”含有不会出现的字符", "“…”含有不会出现的字符"),
        (
            "1980-05-07与身份证号中的1980-05-06不一致",
            "1981-01-01与身份证号中的1980-12-31不一致",
            "…与身份证号中的…不一致",
        ),
    ],
)  # fmt: skip
def test_sentences_that_differ_by_their_rows_alone_are_of_one_kind(one, other, said):
    assert groups_of(one, other) == [(f"身份证号：{said}", 2)]
    assert groups_of(one, one) == [(f"身份证号：{one}", 2)], "alike to the letter: told as it is"


def test_the_most_frequent_kind_comes_first_and_no_kind_hides_another():
    said = ["校验码错误", *["与第2行重复"] * 9, "未填写", "未填写"]
    assert groups_of(*said) == [
        ("身份证号：与第2行重复", 9),
        ("身份证号：未填写", 2),
        ("身份证号：校验码错误", 1),
    ]


@pytest.mark.parametrize("at_most", [2000, 0])
def test_a_page_shows_the_first_rows_of_every_kind(app, office, monkeypatch, at_most):
    # past that many as they were counted at the reading
    monkeypatch.setattr(sys.modules["huigong.admin.enrollment"], "_FAULTY_READ", at_most)
    person = a_person()
    people = [person, *[person] * 7, faulty(a_person(), 0), a_person(身份证号=an_id()[:17])]
    roster = a_drafted_roster(a_county_unit(), people=people)
    page = signed_in(app, roster.made_by).get(f"/admin/rosters/{roster.id}").get_data(as_text=True)
    assert "身份证号：与第3行重复（7 处）" in page
    shown = [number for number in range(3, 20) if f"第{number}行 身份证号：与第3行重复" in page]
    assert shown == list(range(4, 4 + FIRST))
    assert "还有 2 处，见下载的文件" in page
    assert "第11行 身份证号：校验码错误" in page, "though seven came before it in this column"
    assert "第12行 身份证号：应为18位，现为17位" in page
    assert "其他，各 1 处" in page
