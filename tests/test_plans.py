"""Loading a scheme: each refusal with its place and cure; hash, cliffs, the way back to TOML."""

import json
from importlib.resources import files

import pytest
from builders_rules import BENEFIT, a_plan, a_scheme, shipped

from huigong import plans

RATE = '[[benefit.step]]\nname = "比例"\nper = "stay"\npay = "60%"\n'
CAP = '[[benefit.step]]\nname = "封顶"\nper = "term"\ncap = "100元"\n'
EDITIONS = sorted(p.name for p in (files("huigong") / "schemes").iterdir())


def faults_of(text: str) -> list[plans.Fault]:
    with pytest.raises(plans.SchemeRefused) as refused:
        plans.compile_scheme(text, "示例.toml")
    assert all(f.file == "示例.toml" and f.place and f.cure for f in refused.value.faults)
    return refused.value.faults


def only_fault(text: str) -> plans.Fault:
    [fault] = faults_of(text)
    return fault


def step(line: str) -> str:
    return a_scheme(f'{BENEFIT}[[benefit.step]]\nname = "步骤"\nper = "stay"\n{line}\n')


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('pay = [["2000元", "30%"], ["1000元", "40%"], ["以上", "50%"]]', "分段回落"),
        ('pay = [["1000元", "30%"], ["1000元", "40%"], ["以上", "50%"]]', "分段回落"),
        ('pay = [["<=4000元", "30%"], [">4001元", "50%"]]', "分段有空档"),
        ('pay = [["4000元", "30%"], ["3000元-5000元", "40%"], ["以上", "50%"]]', "分段有重叠"),
        ('pay = [["以上", "30%"], ["以上", "50%"]]', "开口的一段不在最后"),
        ('pay = [["1000元", "30%"]]', "最后一段没有开口"),
        ('pay = [["1000", "30%"], ["以上", "50%"]]', "分段上限写法不对"),
        ('pay = "100.01%"', "比例超过100%"),
        ('pay = "33.333%"', "比例写法不对"),
        ("cap = 100000", "金额写法不对"),
        ('cap = "10.001元"', "金额写法不对"),
        ('whole = true\npay = [["1000元", "50%"], ["以上", "30%"]]', "比例不能更低"),
        ('amount = [["1000元", "50元"], ["以上", "30元"]]', "定额不能更低"),
        ('by = "place"\npay = { local = "60%" }', "缺少 away"),
        ('by = "place"\npay = { local = "60%", away = "50%", abroad = "1%" }', "没有这个取值"),
        ('by = "place"\npay = "60%"', "没有分项"),
        ('by = "weather"\npay = "60%"', "没有任何表单询问这个条件"),
        ('by = "grade"\namount = { mild = "1元" }', "没有写明等级"),
        ('by = "years_enrolled"\npay = { 1 = "1%", "3以上" = "2%" }', "缺少 2"),
        ('by = "years_enrolled"\npay = { 1-3 = "1%", "3以上" = "2%" }', "重复：3以上"),
        ('by = "years_enrolled"\npay = { 1 = "1%", 2 = "2%" }', "缺少 3以上"),
        ('pay = "60%"\ncap = "100元"', "写了2种算法"),
        ("clause = '无'", "没有写算法"),
        ('reviewer_up_to = "5000元"', "没有这个取值"),
    ],
)
def test_a_faulty_step_is_refused_with_its_place(line, message):
    faults = faults_of(step(line))
    assert message in " ".join(fault.message for fault in faults)
    assert all(fault.place.startswith("benefit[1].step[1]") for fault in faults)


def test_a_float_anywhere_is_refused():
    faults = faults_of(step("pay = [[1000.0, 0.6]]"))
    assert [f.place for f in faults if "小数" in f.message] == [
        "benefit[1].step[1].pay[1][1]",
        "benefit[1].step[1].pay[1][2]",
    ]


def test_an_unknown_key_names_the_nearest_known_one():
    fault = only_fault(step('pay = "60%"\nclauze = "x"'))
    assert (fault.place, fault.cure) == ("benefit[1].step[1].clauze", "是否想写 clause？")


def test_a_per_stay_step_after_a_longer_one_is_refused():
    fault = only_fault(a_scheme(BENEFIT + CAP + RATE))
    assert (fault.place, fault.message) == (
        "benefit[1].step[2]",
        "按次住院的步骤写在更长的步骤之后",
    )


def test_a_fact_of_the_stay_cannot_choose_a_rate_over_the_term():
    text = step('by = "place"\npay = { local = "60%", away = "50%" }')
    fault = only_fault(text.replace('per = "stay"', 'per = "term"'))
    assert fault.place == "benefit[1].step[1].by"


def test_shares_that_do_not_add_up_are_refused():
    fee = '[fee]\ntotal = "75元"\nby = "membership"\n'
    fee += 'share.member = { city = "30元", rest = "44元" }\n'
    fault = only_fault(a_scheme(fee + 'share.non_member = { rest = "75元" }'))
    assert fault.place == "fee.share.member"
    assert "74.00元" in fault.message


def test_a_value_written_twice_is_refused_with_its_line():
    fault = only_fault(step('cap = "1元"\ncap = "2元"'))
    assert "两次" in fault.message
    assert fault.place.startswith("第")


def test_all_faults_come_at_once():
    text = a_scheme(BENEFIT + CAP.replace("100元", "1.001元") + RATE.replace("60%", "160%"))
    assert len(faults_of(text.replace('operator = "self"', 'operator = "bank"'))) == 4


def test_text_that_is_no_toml_is_one_fault():
    assert only_fault("id = ").message == "不是合法的 TOML"


@pytest.mark.parametrize(
    "body",
    [
        "benefit = 3", "[[benefit]]", "fee = 1", "[fee]\ntotal = []", "claims = 2", "[claims]",
        "[[require]]\nfact = 'age'", "[[require]]\nfact = ['age']\nin = [1, 2]", "[[pool]]",
        "[filing]", "[promise]", "[[document]]", "[base]\nin_scope = 3", "[group]",
        "[[benefit]]\nid = []\nof = [[]]\nstep = [1]",
        "[[benefit]]\nid = 'x'\nof = ['in_scope']\n[[benefit.step]]\nper = []\npay = {}",
    ],
)  # fmt: skip
def test_nonsense_is_refused_never_a_crash(body):
    assert faults_of(a_scheme(body))


def test_editions_of_one_series_may_not_overlap():
    first = shipped("puyang-hospital-2025")
    later = {**first, "id": "puyang-hospital-2026", "enrolled": {"from": "2025-12-31", "to": None}}
    [fault] = plans.overlapping([later, first])
    assert (fault.file, fault.place) == ("puyang-hospital-2026.toml", "enrolled")
    assert "puyang-hospital-2025.toml 的 enrolled.to 定在2025-12-31之前" in fault.cure
    later["enrolled"] = {"from": "2026-01-01", "to": None}
    assert plans.overlapping([first, later]) == []
    assert plans.overlapping([first, {**first, "id": "other", "series": "other"}]) == []


def test_an_open_edition_overlaps_every_later_one():
    first = {**shipped("puyang-hospital-2025"), "enrolled": {"from": "2019-01-01", "to": None}}
    between = {**first, "id": "b", "enrolled": {"from": "2020-01-01", "to": "2020-12-31"}}
    later = {**first, "id": "c", "enrolled": {"from": "2025-12-31", "to": None}}
    found = [(f.file, f.message) for f in plans.overlapping([later, first, between])]
    said = "与 puyang-hospital-2025.toml 的参保日期重叠（puyang-hospital-2025）"
    assert found == [("b.toml", said), ("c.toml", said)]


def test_a_cliff_says_how_much_more_one_fen_pays():
    plan = a_plan(
        'per = "stay"\nwhole = true\npay = [["1000元", "30%"], ["以上", "50%"]]',
        'per = "claim"\nthreshold = "500元"',
    )
    assert [(cliff.at, cliff.more) for cliff in plans.warnings(plan)] == [
        (1_000_00, 200_01),
        (500_00, 500_01),
    ]
    assert "200.01元" in plans.warnings(plan)[0].message


def test_marginal_bands_have_no_cliff():
    assert plans.warnings(shipped("anyang-hospital-2019")) == []


@pytest.mark.parametrize("name", EDITIONS)
def test_an_edition_survives_the_way_to_toml_and_back(name):
    plan = shipped(name.removesuffix(".toml"))
    assert plans.compile_scheme(plans.dump(plan)) == plan
    assert json.loads(json.dumps(plan)) == plan


def test_every_form_survives_the_way_to_toml_and_back():
    plan = a_plan(
        'per = "stay"\nby = ["place", "hospital_level"]\nrounding = "down"\nclause = "第一条"\n'
        'pay = { local = { 1 = "1%", 2 = "2.5%", 3 = "3.05%" }, away = { 1 = "0%", 2 = "0%", '
        '3 = [["0.05元", "1%"], ["以上", "0%"]] } }',
        'per = "stay"\nminimum = "50元"',
        'per = "claim"\nwhole = true\npay = [["1元", "1%"], ["以上", "2%"]]',
        'per = "claim"\nthreshold = "1.50元"',
        'per = "year"\ndeductible = "0元"',
        'per = "life"\ncap = "3元"',
        top='waiting = "30天"\nrounding = "up"\nstated = ["“引号”\\\\与\\n换行"]\n'
        '[events]\nrelief = "二次救助"\n[grades]\nmild = "轻"\n[base]\nin_scope = ["class_b"]',
        after='[[benefit]]\nid = "r"\nname = "救助"\nevent = "relief"\nof = ["cash"]\n'
        'less = ["paid"]\nwaiting = "0天"\ntimes = { limit = 1, per = "life" }\n'
        '[[benefit.step]]\nname = "定"\nper = "claim"\nreviewer_up_to = "5元"\n'
        '[[benefit]]\nid = "d"\nname = "津贴"\n[[benefit.step]]\nname = "日"\nper = "term"\n'
        'daily = "5元"\ndays_after = "3天"\ndays_limit = "0天"\n'
        '[[pool]]\nname = "共用"\nof = ["r", "d"]\nper = "term"\ncap = "9元"\n'
        '[[pool]]\nname = "共用起付"\nof = ["r"]\nper = "stay"\ndeductible = "1元"\n'
        '[group]\npeople = "10人"\nshare = "80%"\neither = true\n'
        "[claims]\nduring_term = 0\nor_after_term = 1\n"
        '[[require]]\nfact = "age"\nin = [0, 60]\n'
        '[[document]]\nname = "发票"\nform = "original"\ncopies = 2\nstamp = true\n'
        '[filing]\nwithin = "60个工作日"\nafter = "discharge"\n'
        '[promise]\nwithin = "10天"\nafter = "材料齐全"\n',
    )
    assert plans.compile_scheme(plans.dump(plan)) == plan


def test_the_hash_names_the_edition_whatever_the_order_of_keys():
    plan = shipped("luohe-hospital-2024")
    assert plans.plan_hash(plan) == plans.plan_hash(dict(reversed(plan.items())))
    assert plans.plan_hash(plan) != plans.plan_hash({**plan, "term_months": 11})


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ('cap = "1元"\nrounding = "down_yuan"', ".rounding", "只用于 pay"),
        ('amount = "3000元"', ".amount", "固定金额不能按保障期"),
        ('amount = [["1000元", "1元"], ["以上", "2元"]]', ".amount", "须从0元开始"),
        ('by = "membership"\namount = { member = "1元", non_member = [["以上", "0元"]] }',
         ".amount", "有的分段、有的不分段"),
    ],
)  # fmt: skip
def test_what_would_pay_nothing_over_a_term_or_round_nothing_is_refused(line, place, message):
    fault = only_fault(step(line).replace('per = "stay"', 'per = "term"'))
    assert fault.place == f"benefit[1].step[1]{place}"
    assert message in fault.message


def test_bands_of_amounts_over_a_term_may_start_with_nothing():
    a_plan('per = "term"\namount = [["0.01元", "0元"], ["1000元", "50元"], ["以上", "80元"]]')
