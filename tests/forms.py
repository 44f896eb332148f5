"""The forms that a scheme must be able to take, one row each: how a scheme says it, what claims
are paid step by step (worked out by hand), and what its policy page prints. 示例, all made up."""

from __future__ import annotations

from typing import Any, NamedTuple

Said = list[tuple[str, str]] | str  # (step, 元 after it), … of a claim; or the field refused


class Form(NamedTuple):
    """One form: `body` (and `top`) in TOML, a `case` as `scheme assess --json` takes it, `paid` of
    its claims in turn, words of the policy (`prints`) and of the explanation (`told`), and a
    change: a figure's text in the TOML, another, and where the editor's form has it."""

    name: str
    body: str
    case: dict[str, Any]
    paid: list[Said]
    prints: tuple[str, ...]
    change: tuple[str, str, str, str]
    told: tuple[str, ...] = ()
    top: str = ""


def stay(in_scope: str | None = "1000", **more: Any) -> dict[str, Any]:
    amounts = {} if in_scope is None else {"in_scope": in_scope}
    return {"place": "local", "hospital_level": 3, "admitted": "2023-10-01",
            "discharged": "2023-10-09", "days": 8, **amounts, **more}  # fmt: skip


def claim(*stays: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"filed_on": "2023-11-01", "stays": list(stays), **more}


def event(name: str, **more: Any) -> dict[str, Any]:
    return {"filed_on": "2023-11-01", "event": name, "happened_on": "2023-10-01", **more}


def case(*claims: dict[str, Any], renewal: bool = False, **facts: Any) -> dict[str, Any]:
    return {"cover_from": "2023-08-01", "renewal": renewal, "facts": facts,
            "claims": list(claims)}  # fmt: skip


def benefit(*steps: str, head: str = 'of = ["in_scope"]', code: str = "h", name: str = "住院金"):
    """A benefit of steps named 第一步, 第二步, …"""
    text = f'[[benefit]]\nid = "{code}"\nname = "{name}"\n{head}\n'
    for number, lines in zip("一二三四五", steps, strict=False):
        text += f'[[benefit.step]]\nname = "第{number}步"\n{lines}\n'
    return text


def steps(*after: str) -> Said:
    return [(f"第{number}步", yuan) for number, yuan in zip("一二三四五", after, strict=False)]


BANDS = 'pay = [["1000元", "30%"], ["以上", "50%"]]'
PLAIN = benefit('per = "stay"\npay = "60%"')
CASE = "benefit-1-step-1-cases-1"
SIX_AND_SIX = case(claim(stay("600")), claim(stay("600")))


def _facts() -> list[Form]:
    """Rates by place, level, insurance, membership, years, and by two of these together."""
    rate = 'per = "stay"\nby = {}\npay = {}'
    two = case(claim(stay(), stay(place="away")))
    return [
        Form("按就医地", benefit(rate.format('"place"', '{ local = "60%", away = "50%" }')),
             two, [steps("600.00") + steps("500.00")],
             ("，本地就医：按60%给付", "，转外地就医：按50%给付"),
             ('away = "50%"', 'away = "45%"', "benefit-1-step-1-cases-2-bands-1-value", "45"),
             ("转外地就医，符合医保政策剩余1,000.00元 × 50% = 500.00元",)),
        Form("按医院等级", benefit(rate.format('"hospital_level"',
                                              '{ 1 = "70%", 2 = "65%", 3 = "60.5%" }')),
             case(claim(stay(hospital_level=1), stay(hospital_level=3))),
             [steps("700.00") + steps("605.00")],
             ("，一级医院：按70%给付", "，三级医院：按60.5%给付"),
             ('"65%"', '"66%"', "benefit-1-step-1-cases-2-bands-1-value", "66"),
             ("三级医院，符合医保政策剩余1,000.00元 × 60.5%",)),
        Form("按医保类型", benefit(rate.format('"insurance"',
                                              '{ employee = "60%", resident = "40%" }')),
             case(claim(stay()), insurance="resident"), [steps("400.00")],
             ("，城乡居民基本医疗保险：按40%给付",),
             ('"40%"', '"41%"', "benefit-1-step-1-cases-2-bands-1-value", "41"),
             ("城乡居民基本医疗保险，",)),
        Form("按会员身份", benefit(rate.format('"membership"',
                                              '{ member = "60%", non_member = "30%" }')),
             case(claim(stay()), membership="non_member"), [steps("300.00")],
             ("，非会员：按30%给付",),
             ('"30%"', '"35%"', "benefit-1-step-1-cases-2-bands-1-value", "35"), ("非会员，",)),
        Form("按连续参保年数", benefit(rate.format('"years_enrolled"',
                                          '{ 1 = "50%", 2-4 = "55%", "5以上" = "60%" }')),
             case(claim(stay()), years_enrolled=4), [steps("550.00")],
             ("，连续参保年数2-4年：按55%给付", "，连续参保年数5年以上：按60%给付"),
             ('2-4 = "55%", "5以上"', '2-5 = "55%", "6以上"', "benefit-1-step-1-keys_1",
              "1、2-5、6以上"),
             ("连续参保年数4年，",)),
        Form("按就医地与医院等级两项", benefit(rate.format(
                '["place", "hospital_level"]',
                '{ local = { 1 = "70%", 2 = "65%", 3 = "60%" }, '
                'away = { 1 = "50%", 2 = "45%", 3 = "40%" } }')),
             two, [steps("600.00") + steps("400.00")],
             ("，本地就医、一级医院：按70%给付", "，转外地就医、三级医院：按40%给付"),
             ('2 = "45%"', '2 = "46%"', "benefit-1-step-1-cases-5-bands-1-value", "46"),
             ("转外地就医，三级医院，",)),
        Form("按医保类型与参保年数两项", benefit(rate.format(
                '["insurance", "years_enrolled"]',
                '{ employee = { 1 = "50%", "2以上" = "60%" }, '
                'resident = { 1 = "30%", "2以上" = "40%" } }')),
             case(claim(stay()), insurance="employee", years_enrolled=9), [steps("600.00")],
             ("，城镇职工基本医疗保险、连续参保年数2年以上：按60%给付",),
             ('1 = "30%"', '1 = "33%"', "benefit-1-step-1-cases-3-bands-1-value", "33")),
    ]  # fmt: skip


def _curves() -> list[Form]:
    """Bands over each span, whole and threshold; deductibles and caps at each span, and shared."""
    five = ("stay", "claim", "term", "year", "life")
    less = zip(five, (100, 50, 200, 30, 20), strict=True)
    most = zip(five, (900, 800, 1000, 950, 920), strict=True)
    return [
        Form("每次住院分段", benefit(f'per = "stay"\n{BANDS}'),
             case(claim(stay("1001"), stay("500"))), [steps("300.50") + steps("150.00")],
             ("第一步（每次住院）：0元至1,000元部分按30%；1,000元以上部分按50%",),
             ('"30%"', '"35%"', f"{CASE}-bands-1-value", "35"),
             ("1,000.00元 × 30% + 1.00元 × 50% = 300.50元",)),
        Form("每次申领分段", benefit(f'per = "claim"\n{BANDS}'),
             case(claim(stay("600"), stay("600"))), [steps("400.00")],
             ("第一步（每次申领）：0元至1,000元部分按30%",),
             ('"1000元"', '"1500元"', f"{CASE}-bands-1-upto", "1500"),
             ("1,000.00元 × 30% + 200.00元 × 50% = 400.00元",)),
        Form("保障期分段", benefit(f'per = "term"\n{BANDS}'), SIX_AND_SIX,
             [steps("180.00"), steps("220.00")], ("第一步（一个保障期内）：",),
             ('per = "term"', 'per = "year"', "benefit-1-step-1-per", "year"),
             ("此前累计600.00元，本次符合医保政策剩余600.00元：400.00元 × 30% + 200.00元 × 50%",)),
        Form("自然年度分段", benefit(f'per = "year"\n{BANDS}'),
             case(claim(stay("600")), claim(stay("600", discharged="2024-01-03")),
                  claim(stay("600", discharged="2024-01-09"))),
             [steps("180.00"), steps("180.00"), steps("220.00")], ("第一步（一个自然年度内）：",),
             ('"50%"', '"55%"', f"{CASE}-bands-2-value", "55"), ("此前累计600.00元",)),
        Form("终身分段", benefit(f'per = "life"\n{BANDS}'), SIX_AND_SIX,
             [steps("180.00"), steps("220.00")], ("第一步（终身）：",),
             ('"50%"', '"55%"', f"{CASE}-bands-2-value", "55"), ("此前累计600.00元",)),
        Form("整段计算", benefit(f'per = "claim"\nwhole = true\n{BANDS}'),
             case(claim(stay("1000")), claim(stay("1000.01"))), [steps("300.00"), steps("500.01")],
             ("0元至1,000元的，全部按30%；1,000元以上的，全部按50%",),
             ("whole = true\n", "", "benefit-1-step-1-whole", ""), ("整段按50%，得500.01元",)),
        Form("门槛", benefit('per = "claim"\nthreshold = "500元"'),
             case(claim(stay("500")), claim(stay("500.01"))), [steps("0.00"), steps("500.01")],
             ("不超过500元的不予给付，超过的从第一分起计入",),
             ('"500元"', '"400元"', f"{CASE}-amount", "400"), ("得500.01元",)),
        Form("各计算范围的起付线",
             benefit(*(f'per = "{per}"\ndeductible = "{fen}元"' for per, fen in less)),
             case(claim(stay()), claim(stay())),
             [steps("900.00", "850.00", "650.00", "620.00", "600.00"),
              steps("900.00", "850.00", "850.00", "850.00", "850.00")],
             ("（每次住院）：起付线100元，超过部分计入", "（每次申领）：起付线50元",
              "（一个保障期内）：起付线200元", "（一个自然年度内）：起付线30元",
              "（终身）：起付线20元"),
             ('"200元"', '"250元"', "benefit-1-step-3-cases-1-amount", "250"),
             ("起付线200元，超过部分计入，得650.00元",)),
        Form("各计算范围的封顶",
             benefit(*(f'per = "{per}"\ncap = "{fen}元"' for per, fen in most)),
             case(claim(stay()), claim(stay())),
             [steps("900.00", "800.00", "800.00", "800.00", "800.00"),
              steps("900.00", "800.00", "200.00", "150.00", "120.00")],
             ("住院金每次住院：最高900元", "住院金每次申领：最高800元",
              "住院金一个保障期内：最高1,000元", "住院金一个自然年度内：最高950元",
              "住院金终身：最高920元"),
             ('"950元"', '"960元"', "benefit-1-step-4-cases-1-amount", "960"),
             ("一个保障期内最高1,000.00元，此前已给付800.00元，800.00元超过，得200.00元",)),
        Form("几项待遇共用起付线与封顶",
             benefit('per = "stay"\npay = "60%"', code="in", name="目录内")
             + benefit('per = "stay"\npay = "50%"', code="out", name="目录外",
                       head='of = ["out_of_catalogue"]')
             + '[[pool]]\nid = "less"\nname = "共用起付线"\nof = ["in", "out"]\nper = "term"\n'
               'deductible = "100元"\n[[pool]]\nid = "most"\nname = "共用封顶"\n'
               'of = ["in", "out"]\nper = "term"\ncap = "500元"\n',
             case(claim(stay(out_of_catalogue="1000"))),
             [[("共用起付线", "900.00"), ("共用起付线", "1000.00"), ("第一步", "540.00"),
               ("第一步", "500.00"), ("共用封顶", "500.00")]],
             ("一个保障期内与其他待遇共用起付线100元", "目录内、目录外合计，一个保障期内最高500元"),
             ('cap = "500元"', 'cap = "700元"', "pool-2-amount", "700"),
             ("一个保障期内最高500.00元，1,040.00元超过，得500.00元",)),
    ]  # fmt: skip


def _amounts() -> list[Form]:
    """A minimum, an allowance by days, lump sums, and relief of what remains."""
    lump = benefit('per = "claim"\nby = "grade"\namount = { mild = "3000元", severe = "10000元" }',
                   head='event = "illness"', code="lump", name="重大疾病给付")  # fmt: skip
    ill = 'events = { illness = "确诊重大疾病" }\ngrades = { mild = "轻度", severe = "重度" }'
    relief = 'events = { relief = "二次救助" }'
    remains = (
        'event = "relief"\nof = ["self"]\nless = ["paid"]\ntimes = {{ limit = 1, per = "{}" }}'
    )
    return [
        Form("每次住院的最低给付", benefit('per = "stay"\npay = "60%"',
                                          'per = "stay"\nminimum = "50元"'),
             case(claim(stay("10"), stay("0"))), [steps("6.00", "50.00") + steps("0.00", "0.00")],
             ("不足50元的按此给付",),
             ('"50元"', '"60元"', "benefit-1-step-2-cases-1-amount", "60"),
             ("不足50元的按此给付，得50.00元",)),
        Form("按参保年数的住院津贴",
             benefit('per = "term"\nby = "years_enrolled"\ndays_after = "3天"\n'
                     'days_limit = "10天"\ndaily = { 1 = "33.33元", "2以上" = "50元" }', head=""),
             case(claim(stay(None)), claim(stay(None, days=30)), years_enrolled=2),
             [steps("250.00"), steps("250.00")],
             ("，连续参保年数1年：每天33.33元，前3天不计，一个保障期内最多10天",
              "，连续参保年数2年以上：每天50元"),
             ('days_limit = "10天"', 'days_limit = "20天"', "benefit-1-step-1-days_limit", "20"),
             ("计8天，每天50.00元，给付250.00元",)),
        Form("按事项与等级的定额", lump, case(event("illness", grade="severe"),
                                              event("illness", grade="mild")),
             [steps("10000.00"), steps("3000.00")],
             ("，轻度：定额给付3,000元", "，重度：定额给付10,000元", "确诊重大疾病"),
             ('"10000元"', '"12000元"', "benefit-1-step-1-cases-2-amount", "12000"),
             ("重度，定额给付10,000.00元",), ill),
        Form("按剩余金额分档的救助，保障期一次",
             benefit('per = "claim"\namount = [["10000元", "0元"], ["20000元", "1500元"], '
                     '["以上", "3000元"]]', head=remains.format("term"), code="relief",
                     name="二次救助金"),
             case(event("relief", self="21000", paid="6000"),
                  event("relief", self="90000", paid="0")),
             [steps("1500.00"), "event"],
             ("二次救助，以个人负担减已给付的互助金为基数", "10,000元至20,000元的给付1,500元",
              "二次救助金一个保障期内可享受1次"),
             ('"1500元"', '"1800元"', f"{CASE}-bands-2-value", "1800"), ("得1,500.00元",), relief),
        Form("审核人在上限内确定的救助，终身一次",
             benefit('per = "claim"\nreviewer_up_to = "5000元"', head=remains.format("life"),
                     code="relief", name="二次救助金"),
             case(event("relief", self="9000", paid="1000", proposed="5000.01"),
                  event("relief", self="9000", paid="1000", proposed="1")),
             [steps("5000.00"), "event"],
             ("由审核人确定，最高5,000元", "二次救助金终身可享受1次"),
             ('limit = 1', 'limit = 2', "benefit-1-times-limit", "2"),
             ("审核人拟定5,000.01元，最高5,000.00元，给付5,000.00元",), relief),
    ]  # fmt: skip


def _limits() -> list[Form]:
    """Numbers of claims, waiting, filing limits, papers, the office's promise, and groups."""
    late = claim(stay(), filed_on="2023-12-09")  # 61 days after the discharge
    counts = "[claims]\nduring_term = 2\nor_after_term = 1\n"
    filing = '[filing]\nwithin = "{}"\nafter = "{}"\n'
    after = "2024-08-31"  # 31 days after the term's last day
    return [
        Form("保障期内与保障期结束后的申领次数", counts + PLAIN,
             case(claim(stay()), claim(stay()), claim(stay()),
                  claim(stay(), filed_on="2024-08-01")),
             [steps("600.00"), steps("600.00"), "filed_on", "filed_on"],
             ("保障期内可申领2次，或保障期结束后可申领1次",),
             ("during_term = 2", "during_term = 3", "claims-during_term", "3")),
        Form("首次参保的等待期，续保没有", PLAIN,
             case(claim(stay(admitted="2023-08-30")), claim(stay(admitted="2023-08-31"))),
             ["admitted", steps("600.00")], ("首次参保等待期30天，续保无等待期",),
             ('"30天"', '"15天"', "waiting", "15"), top='waiting = "30天"'),
        Form("续保没有等待期", PLAIN, case(claim(stay(admitted="2023-08-01")), renewal=True),
             [steps("600.00")], ("首次参保等待期90天",),
             ('"90天"', '"60天"', "waiting", "60"), top='waiting = "90天"'),
        Form("出院后若干天的申领期限", filing.format("60天", "discharge") + PLAIN,
             case(late, claim(stay(), filed_on="2023-12-08")), ["filed_on", steps("600.00")],
             ("申领期限：出院后60天内",), ('"60天"', '"90天"', "filing-within", "90")),
        Form("出院后若干个工作日的申领期限", filing.format("20个工作日", "discharge") + PLAIN,
             case(late, claim(stay(), filed_on="2023-11-06")), ["filed_on", steps("600.00")],
             ("申领期限：出院后20个工作日内",),
             ('"20个工作日"', '"20天"', "filing-unit", "天")),
        Form("保障期结束后的申领期限", filing.format("30天", "term_end") + PLAIN,
             case(claim(stay(), filed_on=after), claim(stay(), filed_on="2024-08-30")),
             ["filed_on", steps("600.00")], ("申领期限：保障期结束后30天内",),
             ('"30天"', '"45天"', "filing-within", "45")),
        Form("办理时限的承诺",
             '[promise]\nwithin = "10个工作日"\nafter = "收到申领材料"\n' + PLAIN,
             case(claim(stay())), [steps("600.00")], ("办理时限：收到申领材料后10个工作日内",),
             ('"10个工作日"', '"7个工作日"', "promise-within", "7")),
        Form("申领材料",
             '[[document]]\nname = "出院小结"\nform = "copy"\ncopies = 2\nissued_by = "就诊医院"\n'
             'stamp = true\n[[document]]\nname = "申请书"\nform = "original"\n'
             'blank = "互助金申请表"\n'
             + PLAIN, case(claim(stay())), [steps("600.00")],
             ("出院小结（复印件2份，由就诊医院出具，须盖章）",
              "申请书（原件1份，空白表：互助金申请表）"),
             ("copies = 2", "copies = 3", "document-1-copies", "3")),
        Form("单位参保的最少人数或比例",
             '[group]\npeople = "10人"\nshare = "80%"\neither = true\n' + PLAIN,
             case(claim(stay())), [steps("600.00")],
             ("单位参保人数不少于10人或不低于职工总数的80%",),
             ('"80%"', '"70%"', "group-share", "70")),
    ]  # fmt: skip


def _fees() -> list[Form]:
    """Fees by membership, unit level and year, with a rest that is carried by unit or person."""
    fee = "[fee]\nby = {}\ntotal = {}\n"
    one = case(claim(stay()))
    return [
        Form("参保费按会员身份，其余由单位或个人承担",
             fee.format('"membership"', '"75元"')
             + 'share.member = { city = "30元", rest = "45元" }\n'
             'share.non_member = { rest = "75元" }\n' + PLAIN, one, [steps("600.00")],
             ("每人75元", "工会会员：市级工会30元，单位或个人（基层自筹）45元",
              "非会员：单位或个人（基层自筹）75元"),
             ('city = "30元", rest = "45元"', 'city = "31元", rest = "44元"',
              "fee-cases-1-city fee-cases-1-rest", "31 44")),
        Form("参保费按单位隶属",
             fee.format('"unit_level"', '{ city = "80元", county = "90元" }')
             + 'share.city = { city = "30元", unit = "50元" }\n'
               'share.county = { county = "10元", city = "20元", person = "60元" }\n' + PLAIN,
             one, [steps("600.00")],
             ("市直基层单位：每人80元", "县区基层单位：每人90元", "个人60元", "单位50元"),
             ('county = "10元", city = "20元"', 'county = "15元", city = "15元"',
              "fee-cases-2-county fee-cases-2-city", "15 15")),
        Form("参保费按年度",
             fee.format('"year"', '{ 2023 = "75元", "2024以上" = "85元" }')
             + 'share.2023 = { rest = "75元" }\nshare."2024以上" = { rest = "85元" }\n' + PLAIN,
             one, [steps("600.00")], ("参保年度2023年：每人75元", "参保年度2024年以上：每人85元"),
             ('"75元"', '"76元"', "fee-cases-1-total fee-cases-1-rest", "76 76")),
    ]  # fmt: skip


FORMS = [*_curves(), *_facts(), *_amounts(), *_limits(), *_fees()]
