"""What one edition says otherwise than another, as the public and the office read it."""

from copy import deepcopy

from builders_rules import a_plan, shipped

from huigong.differences import differences


def test_two_equal_plans_differ_in_nothing():
    plan = shipped("puyang-hospital-2025")
    assert differences(plan, deepcopy(plan)) == []


def test_a_changed_rate_stands_beside_the_old_one_and_only_it_is_marked():
    old = shipped("anyang-hospital-2019")
    new = deepcopy(old)
    new["benefit"][0]["step"][0]["table"] = [[1000_00, 4000], [None, 5000]]
    [change] = differences(old, new)
    assert change.title == "待遇：住院医疗互助金"
    assert [piece.text for piece in change.before if piece.changed] == ["30%"]
    assert [piece.text for piece in change.now if piece.changed] == ["40%"]
    assert "0.00元至1,000元" not in change.now_text
    assert "1,000元部分按40%" in change.now_text


def test_an_amount_is_never_cut_in_two():
    old = shipped("anyang-hospital-2019")
    new = deepcopy(old)
    new["fee"]["total"] = 95_00
    [change] = differences(old, new)
    assert [piece.text for piece in change.before if piece.changed] == ["90元"]
    assert [piece.text for piece in change.now if piece.changed] == ["95元"]


def test_a_date_is_marked_whole():
    old = shipped("anyang-hospital-2019")
    new = {**deepcopy(old), "enrolled": {"from": "2025-01-01", "to": None}}
    [change] = differences(old, new)
    assert [piece.text for piece in change.now if piece.changed] == ["2025-01-01"]


def test_a_line_that_is_new_or_gone_stands_alone():
    old = shipped("anyang-hospital-2019")
    new = {**deepcopy(old), "promise": None, "stated": ["全市统一执行"]}
    gone, come = sorted(differences(old, new), key=lambda change: bool(change.now))
    assert (gone.now, come.before) == ([], [])
    assert "10个工作日" in gone.before_text
    assert come.now_text == "全市统一执行"


def test_what_no_section_of_the_policy_says_is_told_too():
    old = shipped("anyang-hospital-2019")
    new = {**deepcopy(old), "name": "安阳市职工互助", "rounding": "down"}
    new["benefit"][0]["clause"] = "新的依据"
    told = {change.title: change.now_text for change in differences(old, new)}
    assert set(told) == {"名称与口径", "待遇：住院医疗互助金"}
    assert "依据：新的依据" in told["待遇：住院医疗互助金"]


def test_the_order_in_which_a_plan_was_stored_is_no_difference():
    old = shipped("anyang-hospital-2019")
    new = deepcopy(old)
    new["fee"]["share"] = dict(reversed(old["fee"]["share"].items()))
    assert differences(old, new) == []


def test_bands_that_become_whole_are_marked_by_the_word():
    bands = 'per = "term"\npay = [["1000元", "30%"], ["以上", "50%"]]'
    [change] = differences(a_plan(bands), a_plan(f"whole = true\n{bands}"))
    assert [piece.text for piece in change.before if piece.changed] == ["部分", "部分"]
    assert [piece.text for piece in change.now if piece.changed] == ["的，全部", "的，全部"]
