"""Everything the public can see: a page is an address, a template and its data.

Only organizations, published editions and published listings are read here, never a person:
no query of this module touches a member, a claim or a user.
"""

import re
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import Any

from huigong import pinyin
from huigong.models import (
    Attraction,
    Departure,
    Edition,
    Level,
    Listing,
    Measure,
    Notice,
    Organization,
    Program,
    Route,
    Station,
    Stop,
)
from huigong.site.page import City, Page, Standing, public_phone, standing_of, trail_to
from huigong.site.policies import policy_pages

STATIONS_ON_A_PAGE = 100
ROUTE_KINDS = {"workday": "工作日体验线路", "rural": "周末乡村线路"}


def pages(as_of: date) -> list[Page]:
    """The list of everything the public can see on a day, the home page first."""
    cities = _cities()
    built = [_home(as_of), _about(), _absent()]
    for city in cities:
        in_city = [
            *_notices(city, as_of),
            *_programs(city),
            *policy_pages(city, as_of),
            *_routes(city, as_of),
            *_attractions(city),
            *_stations(city),
            *_measures(city),
            _contact(city),
        ]
        built += [_city(city, in_city, as_of), *in_city]
    return built


def _cities() -> list[City]:
    rows = Organization.select().where(
        Organization.slug.is_null(False),
        Organization.level == Level.CITY,
        Organization.closed_on.is_null(),
    )
    return [
        City(row, tuple(_sections(row)))
        for row in sorted(rows, key=lambda row: (row.pinyin or pinyin.sort_key(row.name), row.id))
    ]


def _sections(city: Organization) -> Iterator[tuple[str, str]]:
    """The city's parts that have something to show, in the order of the menu."""
    at = f"/{city.slug}/"
    yield at, "首页"
    editions = Edition.select().join(Organization)
    if editions.where(Edition.stage == "published", Organization.within(city.path)).exists():
        yield f"{at}policies/", "互助保障政策"
    for model, words, label in (
        (Program, "programs", "普惠服务"),
        (Route, "routes", "文旅专线"),
        (Attraction, "attractions", "半价景区"),
        (Station, "stations", "服务站点"),
        (Notice, "notices", "通知公告"),
        (Measure, "measures", "若干措施"),
    ):
        if _listed(model, city).exists():
            yield f"{at}{words}/", label
    yield f"{at}contact/", "咨询监督"


def _listed(model: type[Listing], city: Organization) -> Any:
    """The published rows of a listing inside a city, by pinyin."""
    inside = Organization.within(city.path)
    rows = model.select(model, Organization).join(Organization)
    return rows.where(inside, model.published).order_by(model.pinyin, model.id)


def _home(as_of: date) -> Page:
    return Page(
        "/",
        "site/home.html",
        "工会互助保障与普惠服务",
        "按城市查询工会互助保障政策、测算互助金，查找文旅专线、半价景区和服务站点。",
        Standing("全部城市", f"{as_of.year}年", "当前展示", None, "各市工会发布"),
    )


def _about() -> Page:
    return Page(
        "/about/",
        "site/about.html",
        "关于本网站",
        "本网站的内容从哪里来、怎样更新、金额怎样计算，以及隐私和无障碍说明。",
        Standing("全部城市", "—", "当前展示", None, "本网站说明"),
        (("/", "首页"),),
    )


def _absent() -> Page:
    return Page(
        "/404.html",
        "site/404.html",
        "没有找到这个页面",
        "您访问的地址不存在，可以从各城市首页重新查找。",
        Standing("全部城市", "—", "不适用", None, "本网站说明"),
        (("/", "首页"),),
    )


def _city(city: City, below: list[Page], as_of: date) -> Page:
    policies = [page for page in below if page.template == "site/policy.html"]
    notices = [page for page in below if page.template == "site/notice.html"]
    newest = [page.standing.updated_on for page in below if page.standing.updated_on]
    return Page(
        city.url,
        "site/city.html",
        f"{city.name}工会普惠服务",
        f"{city.name}的工会互助保障政策、互助金测算、文旅专线、半价景区、服务站点和咨询电话。",
        Standing(
            city.name, f"{as_of.year}年", "当前展示", max(newest, default=None),
            f"{city.organization.name}发布",
        ),
        (("/", "首页"),),
        {
            "policies": sorted(policies, key=lambda page: not page.data["force"].open),
            "programs": [page for page in below if page.template == "site/program.html"],
            "notices": notices[:3],
        },
        city,
    )  # fmt: skip


def _list_page(city: City, word: str, label: str, description: str, **data: Any) -> Page:
    rows = data["rows"]
    return Page(
        f"{city.url}{word}/",
        f"site/{word}.html",
        f"{city.name}{label}",
        description,
        data.pop("standing", None) or standing_of(city, rows),
        trail_to(city),
        data,
        city,
    )


def _programs(city: City) -> Iterator[Page]:
    rows = list(_listed(Program, city.organization))
    if not rows:
        return
    words = "、".join(row.name for row in rows[:5])
    yield _list_page(
        city, "programs", "普惠服务", f"{city.name}工会普惠服务项目：{words}。", rows=rows
    )
    for row in rows:
        yield Page(
            f"{city.url}programs/{row.slug}/",
            "site/program.html",
            f"{row.name}（{city.name}）",
            f"{city.name}工会普惠服务项目{row.name}：{row.summary or '内容、对象和办理方式'}。",
            standing_of(city, [row], row.source),
            trail_to(city, (f"{city.url}programs/", "普惠服务")),
            {"program": row},
            city,
        )


def _routes(city: City, as_of: date) -> Iterator[Page]:
    rows = list(_listed(Route, city.organization))
    if not rows:
        return
    groups = [(label, [r for r in rows if r.kind == kind]) for kind, label in ROUTE_KINDS.items()]
    description = f"{city.name}职工文旅专线：工作日体验线路和周末乡村线路，含站点和出发时间。"
    coming = _departures(rows, as_of)
    yield _list_page(
        city, "routes", "文旅专线", description, rows=rows, groups=groups, coming=coming
    )
    stops: dict[int, list[Stop]] = {}
    for stop in Stop.select().where(Stop.route << rows).order_by(Stop.number):
        stops.setdefault(stop.route_id, []).append(stop)
    for row in rows:
        names = "、".join(stop.name for stop in stops.get(row.id, [])[:4])
        yield Page(
            f"{city.url}routes/{row.id}/",
            "site/route.html",
            f"{row.name}（{city.name}文旅专线第{row.id}号）",
            f"{row.name}：{row.summary or names or '线路站点与出发时间'}，第{row.id}号。",
            standing_of(city, [row]),
            trail_to(city, (f"{city.url}routes/", "文旅专线")),
            {
                "route": row,
                "kind": ROUTE_KINDS.get(row.kind, row.kind),
                "stops": stops.get(row.id, []),
                "departures": coming.get(row.id, []),
            },
            city,
        )


def _departures(routes: list[Route], as_of: date) -> dict[int, list[Departure]]:
    """The departures still to come, by route."""
    coming = Departure.select().where(Departure.route << routes, Departure.on >= as_of)
    found: dict[int, list[Departure]] = {}
    for departure in coming.order_by(Departure.on):
        found.setdefault(departure.route_id, []).append(departure)
    return found


def _attractions(city: City) -> Iterator[Page]:
    rows = list(_listed(Attraction, city.organization))
    if rows:
        description = f"{city.name}签约景区的会员优惠、地址、开放时间和电话，共{len(rows)}处。"
        yield _list_page(city, "attractions", "半价景区", description, rows=rows)


def _stations(city: City) -> Iterator[Page]:
    rows = list(_listed(Station, city.organization))
    if not rows:
        return
    rows.sort(key=lambda row: (pinyin.sort_key(row.region or "其他"), row.region, row.kind))
    districts = [
        (region, list(inside)) for region, inside in groupby(rows, key=lambda row: row.region)
    ]
    kinds = sorted({row.kind for row in rows}, key=pinyin.sort_key)
    counts = [
        (region or "其他", f"{city.url}stations/{slug_of(region)}/",
         [sum(row.kind == kind for row in inside) for kind in kinds], len(inside))
        for region, inside in districts
    ]  # fmt: skip
    description = f"{city.name}工会服务站点：{'、'.join(kinds)}，按区县查找，共{len(rows)}处。"
    yield _list_page(
        city, "stations", "服务站点", description, rows=rows, kinds=kinds, districts=counts
    )
    for region, inside in districts:
        yield from _district(city, region, inside)


def _district(city: City, region: str, rows: list[Station]) -> Iterator[Page]:
    """One county-level division's stations by kind, so many on a page."""
    total = -(-len(rows) // STATIONS_ON_A_PAGE)
    at, name = f"{city.url}stations/{slug_of(region)}/", region or "其他"
    for number in range(1, total + 1):
        part = rows[(number - 1) * STATIONS_ON_A_PAGE : number * STATIONS_ON_A_PAGE]
        groups = [(kind, list(inside)) for kind, inside in groupby(part, key=lambda row: row.kind)]
        which = f"（第{number}页）" if total > 1 else ""
        yield Page(
            at if number == 1 else f"{at}{number}/",
            "site/district.html",
            f"{city.name}{name}服务站点{which}",
            f"{city.name}{name}的工会服务站点{which}：地址、开放时间、设施和怎样进入。",
            standing_of(city, part)._replace(region=f"{city.name}{name}"),
            trail_to(city, (f"{city.url}stations/", "服务站点")),
            {"groups": groups, "name": name, "number": number, "total": total, "at": at,
             "count": len(rows)},
            city,
        )  # fmt: skip


def slug_of(region: str) -> str:
    """A division's address: 荥阳市 → xingyangshi."""
    return re.sub(r"[^a-z]", "", pinyin.sort_key(region)) or "other"


def _measures(city: City) -> Iterator[Page]:
    rows = list(_listed(Measure, city.organization))
    rows.sort(key=lambda row: (-row.document_on.year, row.document, row.number))
    if not rows:
        return
    years = [(year, list(i)) for year, i in groupby(rows, key=lambda row: row.document_on.year)]
    yield _list_page(
        city,
        "measures",
        "若干措施",
        f"{city.name}历年发布的若干措施文件存档，按年份查看，不代表当前政策。",
        rows=rows,
        years=years,
        standing=standing_of(city, rows)._replace(force="历史存档", year=f"{years[0][0]}年"),
    )
    for year, inside in years:
        documents = [(name, list(i)) for name, i in groupby(inside, key=lambda row: row.document)]
        yield Page(
            f"{city.url}measures/{year}/",
            "site/archive.html",
            f"{city.name}若干措施（{year}年存档）",
            f"{city.name}{year}年发布的{documents[0][0]}全部{len(inside)}条措施、金额和责任部门，历史存档。",
            Standing(
                city.name, f"{year}年", "历史存档，不代表当前政策",
                max(row.updated_on for row in inside),
                f"{documents[0][0]}（{inside[0].document_on}）",
            ),
            trail_to(city, (f"{city.url}measures/", "若干措施")),
            {"year": year, "documents": documents},
            city,
        )  # fmt: skip


def _notices(city: City, as_of: date) -> Iterator[Page]:
    rows = list(_listed(Notice, city.organization).where(Notice.from_on <= as_of))
    rows.sort(key=lambda row: (row.from_on, row.id), reverse=True)
    if not any(words == "通知公告" for _, words in city.sections):
        return
    description = f"{city.name}工会发布的通知公告，按日期排列。"
    yield _list_page(city, "notices", "通知公告", description, rows=rows)
    for row in rows:
        yield Page(
            f"{city.url}notices/{row.id}/",
            "site/notice.html",
            f"{row.name}（{city.name}通知{row.from_on} 第{row.id}号）",
            f"{row.summary or row.name}（{city.name}，{row.from_on}，第{row.id}号）",
            standing_of(city, [row]),
            trail_to(city, (f"{city.url}notices/", "通知公告")),
            {"notice": row},
            city,
        )


def _contact(city: City) -> Page:
    """Whom to ask: the city's and its counties' fixed lines, and the programs' own."""
    counties = Organization.select().where(
        Organization.within(city.organization.path),
        Organization.level == Level.COUNTY,
        Organization.closed_on.is_null(),
    )
    rows = [city.organization, *sorted(counties, key=lambda row: row.pinyin or row.name)]
    offices = [
        (row.name, row.address, phone)
        for row in rows
        if (phone := public_phone(row.contact_phone)) or row.address or row is rows[0]
    ]
    programs = [row for row in _listed(Program, city.organization) if row.phone]
    return Page(
        f"{city.url}contact/",
        "site/contact.html",
        f"{city.name}咨询与监督",
        f"{city.name}各级工会的咨询、监督电话和地址，以及各项服务的专线。",
        Standing(city.name, "—", "当前展示", None, f"{city.organization.name}发布"),
        trail_to(city),
        {"offices": offices, "programs": programs},
        city,
    )
