"""The field's words: what a form may ask, the parts of a settlement, who carries a fee.

Pure data under everything that says what a plan is, so that a fact has one name, one label and one
set of values everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

OPEN = "以上"
SILENT = "以当地工会最新通知为准"


class Fact(NamedTuple):
    """Something a form asks about: its label, at which scope, and which values it can take.

    `choices` is empty for a whole number; `least` is then its smallest value.
    """

    name: str
    label: str
    scope: str  # enrollment | claim | stay
    choices: Mapping[Any, str] = MappingProxyType({})
    least: int | None = None
    unit: str = ""


FACTS = MappingProxyType(
    {
        fact.name: fact
        for fact in (
            Fact(
                "insurance",
                "医保类型",
                "enrollment",
                {"employee": "城镇职工基本医疗保险", "resident": "城乡居民基本医疗保险"},
            ),
            Fact(
                "membership",
                "会员身份",
                "enrollment",
                {"member": "工会会员", "non_member": "非会员"},
            ),
            Fact(
                "unit_level",
                "单位隶属",
                "enrollment",
                {"city": "市直基层单位", "county": "县区基层单位"},
            ),
            Fact(
                "employment",
                "用工形式",
                "enrollment",
                {
                    "regular": "正式职工",
                    "contract": "合同制职工",
                    "temporary": "聘用期超过一年的临时职工",
                    "other": "其他",
                },
            ),
            Fact("age", "保障期首日的周岁年龄", "enrollment", least=0, unit="周岁"),
            Fact("years_enrolled", "连续参保年数", "enrollment", least=1, unit="年"),
            Fact("year", "参保年度", "enrollment", unit="年"),
            Fact("place", "就医地", "stay", {"local": "本地就医", "away": "转外地就医"}),
            Fact(
                "hospital_level",
                "医院等级",
                "stay",
                {1: "一级医院", 2: "二级医院", 3: "三级医院"},
            ),
            Fact("grade", "等级", "claim"),
        )
    }
)

PARTS = MappingProxyType(
    {
        "total": "医疗费总额",
        "pooled": "统筹基金支付",
        "critical": "大病保险支付",
        "other_funds": "其他基金支付",
        "self": "个人负担",
        "account": "个人账户支付",
        "cash": "现金支付",
        "deductible": "起付标准",
        "coinsurance": "按比例自付",
        "class_b": "乙类先行自付",
        "over_limit": "超限价",
        "out_of_catalogue": "自费（目录外）",
        "in_scope": "符合医保政策剩余",
    }
)
DAYS = "住院天数"
PAID = "paid"
CLAIM_AMOUNTS = MappingProxyType({PAID: "已给付的互助金", "proposed": "审核人拟定的金额"})
IDENTITIES = (
    ("total", ("pooled", "critical", "other_funds", "self")),
    ("self", ("account", "cash")),
    ("self", ("deductible", "coinsurance", "class_b", "over_limit", "out_of_catalogue")),
)
DATES = MappingProxyType(
    {
        "filed_on": "申领日期",
        "admitted": "入院日期",
        "discharged": "出院日期",
        "happened_on": "发生日期",
        "cover_from": "保障期首日",
    }
)

CARRIERS = MappingProxyType(
    {
        "province": "省总工会",
        "city": "市级工会",
        "county": "县（区）级工会",
        "union": "各级工会",
        "unit": "单位",
        "person": "个人",
        "rest": "单位或个人（基层自筹）",
    }
)
# Who owes a due: besides who carries a fee by its scheme, whoever gives it.
OWERS = MappingProxyType({**CARRIERS, "gift": "赠送方"})
OPERATORS = MappingProxyType(
    {
        "self": "本工会自办",
        "association": "职工保险互助会办事处承办",
        "insurer": "保险公司承办",
    }
)
SPANS = MappingProxyType(
    {
        "stay": "每次住院",
        "claim": "每次申领",
        "term": "一个保障期内",
        "year": "一个自然年度内",
        "life": "终身",
    }
)
ROUNDINGS = MappingProxyType(
    {
        "half_up": ("half", 1, "四舍五入到分"),
        "down": ("down", 1, "分以下舍去"),
        "up": ("up", 1, "分以下进一分"),
        "half_up_yuan": ("half", 100, "四舍五入到元"),
        "down_yuan": ("down", 100, "元以下舍去"),
        "up_yuan": ("up", 100, "元以下进一元"),
    }
)
STAY = "stay"
EVENTS = MappingProxyType({STAY: "住院"})
