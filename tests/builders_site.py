"""A small city as the public reads it, for the tests of the public site."""

from datetime import date
from typing import Any

from builders import NOW, TODAY, a_city

from huigong.models import (
    Attraction,
    Departure,
    Edition,
    Measure,
    Notice,
    Organization,
    Program,
    Route,
    Station,
    Stop,
)
from huigong.workflows.schemes import load_edition, load_shipped


def a_listing(model: Any, city: Organization, name: str, **more: Any) -> Any:
    return model.create(organization=city, name=name, updated_on=date(2024, 12, 1), **more)


def a_public_city(name: str = "郑州市总工会", slug: str = "zhengzhou") -> Organization:
    """A city with its shipped editions and one of every listing."""
    city = a_city(name, slug)
    Organization.update(contact_phone="0371-12345678", address="示例路1号").where(
        Organization.id == city.id
    ).execute()
    load_shipped(cities={slug: city}, at=NOW)
    a_listing(
        Program, city, "惠工保", slug="huigongbao", summary="住院医疗互助", example=False,
        body="正文", html="<p>正文</p>", phone="0371-66660520", source="示例来源",
    )  # fmt: skip
    route = a_listing(Route, city, "示例线路一", kind="rural", region="登封市", example=True)
    Stop.create(route=route, number=1, name="示例站点", note="停留一小时")
    Departure.create(route=route, on=date(2024, 12, 21), meets="示例广场8:00", seats=40)
    Departure.create(route=route, on=date(2024, 12, 1), meets="已经出发的一班", seats=40)
    a_listing(
        Attraction, city, "示例景区", region="登封市", address="示例街道2号", offer="门票半价",
        longitude=113.05, latitude=34.45, example=True,
    )  # fmt: skip
    a_station(city, "示例爱心驿站", region="金水区")
    a_station(city, "示例骑手之家", kind="骑手之家", region="荥阳市")
    for number in (1, 2):
        a_listing(
            Measure, city, f"第{number}条措施", document="若干措施", document_on=date(2022, 8, 25),
            number=number, sums="300万元", departments="示例部门", section="服务职工",
        )  # fmt: skip
    a_listing(Notice, city, "示例通知", body="内容", html="<p>内容</p>", from_on=TODAY)
    a_listing(
        Notice,
        city,
        "明天才生效的通知",
        body="内容",
        html="<p>内容</p>",
        from_on=date(2024, 12, 17),
    )
    return city


def a_station(city: Organization, name: str, **more: Any) -> Station:
    whole = {"kind": "爱心驿站", "address": "示例路3号", "hours": "8:00–20:00", "example": True}
    return a_listing(Station, city, name, **{**whole, **more})


def an_edition_from(text: str, city: Organization) -> Edition:
    """A published edition from TOML text."""
    return load_edition(text, file="x.toml", organization=city, at=NOW)
