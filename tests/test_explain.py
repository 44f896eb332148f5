"""The words a member reads, from the same evaluated steps."""

from pathlib import Path

import pytest
from builders_rules import a_case, a_claim, a_plan, a_stay, shipped

from huigong import explain, rules, sentences
from huigong.plans import compile_scheme


def words(plan, *claims, **more) -> list[list[str]]:
    assessed = rules.assess(plan, a_case(*claims, **more)).claims
    return [[sentences.step_words(plan, step) for step in claim.steps] for claim in assessed]


def invented(code: str) -> str:
    return (Path(__file__).parent / "schemes" / f"{code}.toml").read_text("utf-8")


def section(plan, title: str) -> list[str]:
    [found] = [s for s in explain.policy_words(plan) if s.title == title]
    return [line.text for line in found.lines]


def test_the_published_claim_reads_as_one_sentence_a_step():
    [first] = words(shipped("zhengzhou-hospital-2023"), a_claim())
    assert first == [
        "第1次住院，本地就医，符合医保政策剩余10,031.00元 × 60% = 6,018.60元",
        "一个保障期内最高100,000.00元，6,018.60元未超过，得6,018.60元",
    ]


def test_bands_over_the_term_show_each_part_and_what_came_before():
    plan = shipped("anyang-hospital-2019")
    claims = words(plan, a_claim(a_stay(600_00)), a_claim(a_stay(600_00)))
    assert claims[0][0] == "符合医保政策剩余600.00元：600.00元 × 30% = 180.00元"
    assert claims[1][0] == (
        "此前累计600.00元，本次符合医保政策剩余600.00元：400.00元 × 30% + 200.00元 × 50% = 220.00元"
    )


def test_a_cap_reached_names_what_was_paid_before():
    plan = a_plan('per = "term"\ncap = "100元"')
    claims = words(plan, a_claim(a_stay(80_00)), a_claim(a_stay(80_00)))
    assert claims[1] == ["一个保障期内最高100.00元，此前已给付80.00元，80.00元超过，得20.00元"]


def test_a_pool_is_explained_after_its_name_and_not_by_it_again():
    stay = a_stay(3_000_000_00, out_of_catalogue=0)
    last = words(shipped("ningbo-gonghuibao-2022"), a_claim(stay))[0][-1]
    assert last == ("一个保障期内最高2,000,000.00元，2,980,000.00元超过，得2,000,000.00元")


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ('per = "claim"\nthreshold = "5元"', "符合医保政策剩余10.00元，不超过5元的不予给付"),
        ('per = "claim"\nminimum = "50元"', "不足50元的按此给付，得50.00元"),
        ('per = "claim"\ndeductible = "5元"', "起付线5元，超过部分计入，得5.00元"),
        ('per = "claim"\nreviewer_up_to = "8元"', "审核人拟定9.00元，最高8.00元，给付8.00元"),
        ('per = "claim"\namount = [["5元", "1元"], ["以上", "2元"]]', "得2.00元"),
        ('per = "claim"\nwhole = true\npay = "50%"', "整段按50%，得5.00元"),
        ('per = "stay"\nby = "years_enrolled"\npay = { 1-2 = "1%", "3以上" = "50%" }', "× 50%"),
    ],
)
def test_every_form_has_words(step, sentence):
    plan = a_plan(step)
    case = a_claim(a_stay(10_00), proposed=9_00)
    assert sentence in words(plan, case, facts={"years_enrolled": 7})[0][0]
    assert all(s.lines for s in explain.policy_words(plan) if s.title != "未载明")


def test_a_daily_allowance_is_explained_in_days():
    plan = a_plan(
        'per = "stay"\ndaily = "50元"\ndays_limit = "10天"',
        benefit='[[benefit]]\nid = "daily"\nname = "津贴"\n',
    )
    [[sentence]] = words(plan, a_claim(a_stay(days=12)))
    assert sentence == "第1次住院，计12天，每天50.00元，给付500.00元（每天50元，每次住院最多10天）"


def test_the_policy_says_fee_rates_numbers_cap_and_source():
    plan = shipped("zhengzhou-hospital-2023")
    assert "每人75元" in section(plan, "费用与分担")
    assert "工会会员：市级工会30元，单位或个人（基层自筹）45元" in section(plan, "费用与分担")
    rates = section(plan, "待遇：住院医疗互助金")
    assert any("本地就医：按60%给付" in line for line in rates)
    assert section(plan, "次数") == ["保障期内可申领2次，或保障期结束后可申领1次"]
    assert section(plan, "封顶") == ["住院医疗互助金一个保障期内：最高100,000元"]
    assert section(plan, "来源") == [plan["source"]]


def test_where_one_may_claim_for_several_events_papers_and_numbers_say_for_which():
    plan = compile_scheme(invented("example-every-2024"))
    assert section(plan, "申领材料") == [
        "医保结算单（用于住院，原件1份，由就诊医院出具，须盖章）",
        "出院小结（用于住院，复印件2份）",
        "诊断证明（用于重大疾病，原件1份，空白表：重大疾病申请表）",
    ]
    assert section(plan, "次数") == ["保障期内可申领2次，或保障期结束后可申领1次（只计住院）"]


def test_what_the_source_does_not_say_is_said_so():
    plan = shipped("puyang-hospital-2025")
    assert section(plan, "待遇") == ["来源未载明，以当地工会最新通知为准"]
    assert all(line.endswith("为准") for line in section(plan, "未载明"))


def test_a_rate_of_a_policy_carries_its_clause():
    plan = shipped("anyang-hospital-2019")
    [benefit] = [s for s in explain.policy_words(plan) if s.title.startswith("待遇")]
    assert benefit.lines[-1].clause == plan["benefit"][0]["step"][0]["clause"]
