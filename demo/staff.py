"""The demonstration's unions and the people who sign in there. Units and people are made up."""

from dataclasses import dataclass, field
from datetime import date, datetime

from huigong.models import Level, Organization, Role, User
from huigong.workflows import accounts, organizations

OPENED = date(2023, 6, 1)
PASSWORD = "demo-huigong-2024"  # noqa: S105 printed on the terminal: a demonstration keeps nothing
ZHENGZHOU_COUNTIES = (
    *("中原区", "二七区", "管城回族区", "金水区", "上街区", "惠济区", "巩义市", "荥阳市"),
    *("新密市", "新郑市", "登封市", "中牟县", "郑东新区", "经开区", "高新区", "航空港区"),
)
CITIES = {
    "zhengzhou": ("河南省总工会", "郑州市总工会"),
    "puyang": ("河南省总工会", "濮阳市总工会"),
    "luohe": ("河南省总工会", "漯河市总工会"),
    "anyang": ("河南省总工会", "安阳市总工会"),
    "ningbo": ("浙江省总工会", "宁波市总工会"),
}
UNITS = {  # key: (the level above, name)
    "machinery": ("二七区总工会", "演示机械制造有限公司工会"),
    "textile": ("郑州市总工会", "演示纺织集团工会"),
    "chemical": ("濮阳市示例县总工会", "演示化工有限公司工会"),
    "museum": ("濮阳市总工会", "演示文化馆工会"),
    "granary": ("安阳市总工会", "演示粮食仓储有限公司工会"),
    "food": ("漯河市总工会", "演示食品集团工会"),
}
PEOPLE = {  # login: (name, organization, roles)
    "admin": ("演示 省管理员", "河南省总工会", (Role.ADMINISTRATOR,)),
    "zzadmin": ("演示 郑州管理员", "郑州市总工会", (Role.ADMINISTRATOR,)),
    "zzclerk": ("演示 郑州单位经办", "演示机械制造有限公司工会", (Role.CLERK,)),
    "zzclerk2": ("演示 郑州单位经办二", "演示纺织集团工会", (Role.CLERK,)),
    "zzreviewer": ("演示 郑州初审", "郑州市总工会", (Role.REVIEWER,)),
    "zzreviewer2": ("演示 郑州复审", "郑州市总工会", (Role.REVIEWER,)),
    "zzfinance": ("演示 郑州财务", "郑州市总工会", (Role.FINANCE,)),
    "zzfinance2": ("演示 郑州财务复核", "郑州市总工会", (Role.FINANCE,)),
    "zzeditor": ("演示 郑州编辑", "郑州市总工会", (Role.EDITOR,)),
    "zzauditor": ("演示 郑州监督", "郑州市总工会", (Role.AUDITOR,)),
    "pyclerk": ("演示 濮阳单位经办", "演示化工有限公司工会", (Role.CLERK,)),
    "pyclerk2": ("演示 濮阳市直经办", "演示文化馆工会", (Role.CLERK,)),
    "pycounty": ("演示 濮阳县区审核", "濮阳市示例县总工会", (Role.REVIEWER,)),
    "pyreviewer": ("演示 濮阳市审核", "濮阳市总工会", (Role.REVIEWER,)),
    "pyfinance": ("演示 濮阳财务", "濮阳市总工会", (Role.FINANCE,)),
    "ayclerk": ("演示 安阳单位经办", "演示粮食仓储有限公司工会", (Role.CLERK,)),
    "ayreviewer": ("演示 安阳审核", "安阳市总工会", (Role.REVIEWER,)),
    "ayreviewer2": ("演示 安阳复审", "安阳市总工会", (Role.REVIEWER,)),
    "ayfinance": ("演示 安阳财务", "安阳市总工会", (Role.FINANCE,)),
    "lhclerk": ("演示 漯河单位经办", "演示食品集团工会", (Role.CLERK,)),
    "lhreviewer": ("演示 漯河审核", "漯河市总工会", (Role.REVIEWER,)),
}


@dataclass
class Cast:
    """Everyone and every union of the demonstration, by key, login or full name."""

    unions: dict[str, Organization] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)

    def unit(self, key: str) -> Organization:
        return self.unions[UNITS[key][1]]

    def city(self, slug: str) -> Organization:
        return self.unions[CITIES[slug][1]]


def found_unions(at: datetime) -> Cast:
    """Found the provinces, cities, counties and units, from the console."""
    cast = Cast()

    def add(name: str, level: Level, parent: str | None, slug: str | None = None) -> None:
        above = cast.unions[parent] if parent else None
        cast.unions[name] = organizations.found(
            name=name, level=level, parent=above, slug=slug, by=None, at=at, opened_on=OPENED
        )

    for province in dict.fromkeys(province for province, _ in CITIES.values()):
        add(province, Level.PROVINCE, None)
    for slug, (province, city) in CITIES.items():
        add(city, Level.CITY, province, slug)
    for county in ZHENGZHOU_COUNTIES:
        add(f"{county}总工会", Level.COUNTY, "郑州市总工会")
    add("濮阳市示例县总工会", Level.COUNTY, "濮阳市总工会")
    for above, name in UNITS.values():
        add(name, Level.UNIT, above)
    return cast


def open_accounts(cast: Cast, *, at: datetime, link_at: datetime) -> None:
    """Open everyone's account and set the demonstration's password by its one-time link."""
    for login, (name, union, roles) in PEOPLE.items():
        user = accounts.open_account(
            name=name,
            login=login,
            organization=cast.unions[union],
            roles=list(roles),
            by=None,
            at=at,
        )
        token = accounts.make_link(user, by=None, at=link_at)
        accounts.set_password(token=token, password=PASSWORD, again=PASSWORD, at=link_at)
        cast.users[login] = user
