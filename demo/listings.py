"""Made-up routes, attractions, stations and notices, every one of them labelled 示例."""

from datetime import date, datetime, timedelta

from huigong.models import Listing, Organization, User
from huigong.workflows import listings
from huigong.workflows.listings.kinds import STATION_KINDS

WORKDAY_THEMES = (
    *("整车总装", "客车制造", "速冻食品", "盾构装备", "超硬材料", "智能传感", "生物制药"),
    *("煤矿机械", "铝精深加工", "电子终端", "印刷包装", "纺织服装", "轨道车辆", "储能电池"),
    *("航空物流", "跨境电商", "大数据中心", "会展服务", "现代金融", "软件园区", "动漫设计"),
    *("冷链物流", "检验检测", "职业教育", "健康产业"),
)  # 25 kinds of trade, no real business
RURAL = (("新密市", "溪谷"), ("新密市", "古村"), ("登封市", "山居"), ("巩义市", "河岸"))
ATTRACTIONS = (
    *(
        ("新密市", "溪谷公园"),
        ("登封市", "林海步道"),
        ("巩义市", "黄土窑院"),
        ("荥阳市", "河畔湿地"),
    ),
    *(
        ("中牟县", "花田乐园"),
        ("新郑市", "枣林庄园"),
        ("惠济区", "滨河植物园"),
        ("二七区", "山地营地"),
    ),
)
LISTED = datetime(2024, 12, 2, 10)  # noqa: DTZ001 Beijing time without a zone, as stored
MEETS = "示例广场东门 8:30"
_OFFERS = ("持会员卡门票半价", "持会员卡门票半价，一人一票", "持会员卡门票半价，节假日通用")
_FACILITIES = {
    "爱心驿站": "饮水、休息座椅、微波炉、充电、雨具",
    "司机之家": "停车、热水、淋浴、休息床位",
    "骑手之家": "换电柜、饮水、充电、休息座椅",
    "心理服务中心": "咨询室、团体活动室、减压放松室",
    "心理服务站": "咨询角、自助测评",
}
_HOURS = {
    "爱心驿站": "每天 08:00-20:00",
    "司机之家": "全天开放",
    "骑手之家": "每天 07:00-22:00",
    "心理服务中心": "周一至周五 09:00-12:00，14:00-17:30，需预约",
    "心理服务站": "周一至周五 09:00-17:00",
}
NOTICES = (
    (
        "示例通知：元旦期间办理互助金申领的安排",
        "**注意：**这是演示用的示例通知。\n\n元旦当天不受理纸质材料，网上申领照常。\n\n"
        "1. 材料齐全的，按承诺时限办理；\n2. 缺材料的，一次告知全部缺少的内容。",
    ),
    (
        "示例通知：冬季乡村专线班期",
        "这是演示用的示例通知。\n\n- 雨雪天气停发，以当天通知为准；\n- 请自带会员卡和身份证件。",
    ),
    (
        "示例通知：服务站点信息核实",
        "这是演示用的示例通知。\n\n各站点请在月底前核对开放时间、地址和电话，"
        "有变化的告诉所在区县工会。",
    ),
)


def make_listings(city: Organization, *, by: User | None, at: datetime) -> None:
    """Make and publish the example entries of `city`, with departures soon after.

    However early the office itself was set up, the entries are of December 2024 or later, so that
    the demonstration's day finds departures ahead and stations verified lately.
    """
    at = max(at, LISTED)
    made: list[Listing] = [
        *_routes(city, by, at),
        *_attractions(city, by, at),
        *_stations(city, by, at),
        *_notices(city, by, at),
    ]
    for listing in made:
        listings.publish(listing, by=by, at=at)


def _routes(city: Organization, by: User | None, at: datetime) -> list[Listing]:
    day = at.date() + timedelta(days=14)
    saturday = day + timedelta(days=(5 - day.weekday()) % 7 or 7)
    made = []
    for number, theme in enumerate(WORKDAY_THEMES, 1):
        workday = saturday + timedelta(days=3 + 7 * (number % 3))
        made.append((f"示例体验线{number:02}·{theme}", "workday", "", theme, workday))
    for number, (region, theme) in enumerate(RURAL):
        day = saturday + timedelta(days=7 * (number % 2))
        made.append((f"示例乡村线·{region.rstrip('市')}{theme}", "rural", region, theme, day))
    return [_route(city, by, at, *one) for one in made]


def _route(
    city: Organization,
    by: User | None,
    at: datetime,
    name: str,
    kind: str,
    region: str,
    theme: str,
    day: date,
) -> Listing:
    rural = kind == "rural"
    facts = {
        "name": name,
        "kind": kind,
        "region": region,
        "summary": f"演示用的示例线路，{'周末看乡村' if rural else '工作日看产业'}：{theme}。",
        "length": "一天，约 120 公里" if rural else "半天，约 40 公里",
        "how": "坐专线班车或自驾前往。"
        if rural
        else "由单位工会提前一周集体报名，每批不超过 40 人。",
    }
    stops = [
        {"name": "示例广场", "note": "集合，发车"},
        {"name": f"示例{theme}{'村' if rural else '展厅'}", "note": "参观约 90 分钟"},
        {"name": f"示例{theme}{'农家院' if rural else '车间走廊'}", "note": "休息、交流"},
    ]
    departures = [
        {"on": str(day + timedelta(days=14 * turn)), "meets": MEETS, "seats": "40"}
        for turn in range(2)
    ]
    return listings.save_route(
        organization=city,
        facts=facts,
        stops=stops,
        departures=departures,
        example=True,
        by=by,
        at=at,
    )


def _attractions(city: Organization, by: User | None, at: datetime) -> list[Listing]:
    return [
        listings.save_attraction(
            organization=city,
            facts={
                "name": f"示例{theme}",
                "region": region,
                "summary": "演示用的示例景区，不是真实的签约景区。",
                "offer": _OFFERS[number % len(_OFFERS)],
                "address": f"{region}示例路{number + 1}号",
                "hours": "每天 09:00-17:30",
                "phone": f"0371-0000{1000 + number}",
            },
            example=True,
            by=by,
            at=at,
        )
        for number, (region, theme) in enumerate(ATTRACTIONS)
    ]


def _stations(city: Organization, by: User | None, at: datetime) -> list[Listing]:
    """Two or three stations in each division, and every kind several times."""
    made = []
    for number, region in enumerate(listings.divisions_of(city)):
        kinds = [STATION_KINDS[0], STATION_KINDS[1 + number % 4]]
        kinds += ["心理服务中心"] if number % 2 else []
        made += [(region, kind) for kind in dict.fromkeys(kinds)]
    return [_station(city, by, at, *one) for one in enumerate(made)]


def _station(
    city: Organization, by: User | None, at: datetime, number: int, where: tuple[str, str]
) -> Listing:
    region, kind = where
    facts = {
        "name": f"示例{kind}·{region}{number + 1:02}",
        "kind": kind,
        "region": region,
        "address": f"{region}示例路{number + 1}号",
        "entrance": "一楼临街，直接进入" if number % 3 else "从东门进，一楼大厅左侧",
        "hours": _HOURS[kind],
        "facilities": _FACILITIES[kind],
        "phone": f"0371-0000{2000 + number}",
        "verified_on": str(at.date() - timedelta(days=number % 30)),
        "summary": "演示用的示例站点，不是真实地址。",
    }
    return listings.save_station(organization=city, facts=facts, example=True, by=by, at=at)


def _notices(city: Organization, by: User | None, at: datetime) -> list[Listing]:
    return [
        listings.save_notice(
            organization=city,
            facts={
                "name": name,
                "from_on": str(at.date() - timedelta(days=5 * number)),
                "summary": "演示用的示例通知。",
                "body": body,
            },
            example=True,
            by=by,
            at=at,
        )
        for number, (name, body) in enumerate(NOTICES)
    ]
