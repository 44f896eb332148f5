"""Which dues a statement's lines are proposed for: exactly, or likely with the reason."""

from datetime import timedelta

import pytest
from builders import NOW, a_city, a_unit
from builders_funding import a_finance, a_roster, dues_of
from builders_statements import a_line, an_owing_roster, code_of, imported, matched

from huigong.workflows import statements


@pytest.fixture
def folder(office):
    return office.files


def test_code_month_and_amount_are_an_exact_match(office, folder):
    roster, dues, city = an_owing_roster()
    lines = imported(
        city,
        folder,
        [
            a_line("6400.00", f"{code_of(roster.organization)} 202501 参保费", payer="张三"),
            a_line("1280.00", f"互助 {roster.number}", payer="示例县总工会"),
        ],
    )
    _, exact = matched(lines)
    assert [exact[line.id].dues[0].id for line in lines] == [dues["unit"].id, dues["county"].id]
    assert "附言写有单位代码" in exact[lines[0].id].reasons
    assert "月份相同" in exact[lines[0].id].reasons
    assert "金额相同" in exact[lines[0].id].reasons
    assert "附言写有名册号" in exact[lines[1].id].reasons


@pytest.mark.parametrize(
    "remark",
    [
        "{code}202501",
        "{code}２０２５０１参保费",
        "{code}-2025-01",
        "{code} 2025.1月",
        "2025年1月互助保障费 {code}",
        "单位代码：{code}，1月",
        "dw{id} 2025/01 /附言结束",
        "ＤＷ{id}　202501",
    ],
)
def test_code_and_month_are_read_however_people_and_banks_write_them(office, folder, remark):
    roster, dues, city = an_owing_roster()
    unit = roster.organization
    remark = remark.format(code=code_of(unit), id=unit.id)
    lines = imported(city, folder, [a_line("6400.00", remark, payer="张三")])
    _, exact = matched(lines)
    assert [due.id for due in exact[lines[0].id].dues] == [dues["unit"].id]
    assert exact[lines[0].id].reasons[:2] == ["附言写有单位代码", "月份相同"]


@pytest.mark.parametrize(
    ("amount", "remark", "payer", "words"),
    [
        ("6400.00", "参保费", "演示机械制造公司", "付款方名称相近"),
        ("6400.00", "参保费", "演示机械公司工会", "付款方名称相同"),
        ("6399.00", "参保费", "演示机械公司工会", "金额少于应缴，可部分到账"),
        ("6500.00", "参保费", "演示机械公司工会", "金额多于应缴，余款留待处理"),
        ("6400.00", "DW{id} 202402", "甲", "月份不同"),
    ],
)
def test_what_is_not_exact_is_likely_with_the_reason_in_words(
    office, folder, amount, remark, payer, words
):
    roster, dues, city = an_owing_roster()
    remark = remark.format(id=roster.organization_id)
    lines = imported(city, folder, [a_line(amount, remark, payer=payer)])
    found, exact = matched(lines)
    assert not exact
    best = found[lines[0].id][0]
    assert best.dues[0].id == dues["unit"].id
    assert words in best.reasons


def test_the_payers_very_name_weighs_more_than_an_amount_that_another_owes(office, folder):
    roster, dues, city = an_owing_roster()
    other = dues_of(a_roster(a_unit(roster.organization.parent, "示例水务公司工会"), people=6))
    lines = imported(city, folder, [a_line("300.00", "参保", payer="演示机械公司")])
    found, _ = matched(lines)
    first, second = found[lines[0].id][:2]
    assert (first.dues[0].id, second.dues[0].id) == (dues["unit"].id, other["unit"].id)
    assert (first.parts[0][1], second.reasons) == (300_00, ["金额相同"])


def test_two_rosters_of_one_unit_and_month_with_one_amount_are_left_to_a_person(office, folder):
    roster, _, city = an_owing_roster(people=2)
    dues_of(a_roster(roster.organization, people=2))
    remark = f"{code_of(roster.organization)} 202501"
    lines = imported(city, folder, [a_line("100.00", remark)])
    found, exact = matched(lines)
    assert not exact
    assert len([c for c in found[lines[0].id] if c.same]) == 2


def test_two_lines_are_not_both_proposed_for_one_due(office, folder):
    roster, _, city = an_owing_roster(people=2)
    remark = f"{code_of(roster.organization)} 202501"
    lines = imported(city, folder, [a_line("100.00", remark, reference=f"LS{n}") for n in (1, 2)])
    _, exact = matched(lines)
    assert list(exact) == [lines[0].id]


def test_one_transfer_for_several_rosters_is_found_by_their_sum(office, folder):
    roster, dues, city = an_owing_roster(people=2)
    other = dues_of(a_roster(roster.organization, people=3))
    remark = f"{code_of(roster.organization)} 2025年1月"
    lines = imported(city, folder, [a_line("250.00", remark)])
    _, exact = matched(lines)
    together = exact[lines[0].id]
    assert {due.id for due in together.dues} == {dues["unit"].id, other["unit"].id}
    assert "金额等于 2 笔应缴之和（都在 2025-01-10 到期）" in together.reasons


@pytest.mark.parametrize(
    ("amount", "months", "words"),
    [
        ("50.00", [1], "金额等于 2 笔应缴之和（都在 2025-01-25 到期）"),
        ("90.00", [0, 1], "金额等于 3 笔应缴之和（2025-01-25 及以前到期）"),
        ("150.00", [0, 1, 2], "金额等于 4 笔应缴之和（2025-02-25 及以前到期）"),
    ],
)
def test_a_county_pays_at_once_what_falls_on_a_day_or_until_then(
    office, folder, amount, months, words
):
    """Rosters of one county: 40.00 until 25 December, 20.00 and 30.00 January's, 60.00 later."""
    roster, first, city = an_owing_roster(people=4)
    due = {0: [first["county"].id], 1: [], 2: []}
    for people, month in ((2, 1), (3, 1), (6, 2)):
        later = NOW + timedelta(days=31 * month)
        dues = dues_of(a_roster(roster.organization, people=people), at=later)
        due[month].append(dues["county"].id)
    county = first["county"].payer_name
    (line,) = imported(city, folder, [a_line(amount, "补贴", payer=county)])
    found, exact = matched([line])
    best = found[line.id][0]
    assert [each.id for each in best.dues] == [id for month in months for id in due[month]]
    assert words in best.reasons
    assert not exact


def test_an_account_that_paid_before_is_known_again(office, folder):
    roster, dues, city = an_owing_roster(people=2)
    (line,) = imported(city, folder, [a_line("100.00", payer="李四", reference="LS1")])
    statements.assign(line, parts=[(dues["unit"], 100_00)], by=a_finance(roster), at=NOW)
    other = dues_of(a_roster(roster.organization, people=5))
    lines = imported(city, folder, [a_line("250.00", payer="李四", reference="LS2")])
    found, _ = matched(lines)
    best = found[lines[0].id][0]
    assert best.dues[0].id == other["unit"].id
    assert "此账号曾为该单位缴费" in best.reasons


def test_another_citys_dues_are_never_proposed(office, folder):
    roster, _, _ = an_owing_roster()
    lines = imported(a_city("另一示例市总工会"), folder, [a_line("6400.00", roster.number)])
    found, exact = matched(lines)
    assert found[lines[0].id] == []
    assert not exact
