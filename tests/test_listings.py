"""Public listings: what may be published, and what the sources say."""

import re
import tomllib
from datetime import date
from importlib.resources import files
from typing import Any

import pytest
from builders import NOW, TODAY, a_city, a_county, a_user

from huigong.config import Settings
from huigong.models import (
    AuditEvent,
    Departure,
    Measure,
    Organization,
    Program,
    Role,
    Route,
    Station,
    Stop,
    User,
)
from huigong.refusals import Lost, Refused
from huigong.workflows import listings

pytestmark = pytest.mark.usefixtures("office")

STATION = {
    "name": "示例爱心驿站一号",
    "kind": "爱心驿站",
    "region": "荥阳市",
    "address": "示例路1号",
    "hours": "周一至周五 09:00-17:30",
}
ROUTE = {"name": "示例专线一号", "kind": "workday"}
NOTICE = {"name": "示例通知", "from_on": "2024-12-16", "body": "**注意：**先申请"}


@pytest.fixture
def city(office: Settings) -> Organization:
    return a_city("示例郑州市总工会", "zhengzhou")


@pytest.fixture
def editor(city: Organization) -> User:
    return a_user(Role.EDITOR, at=city)


def a_station(city: Organization, by: User, **facts: str) -> Station:
    return listings.save_station(organization=city, facts=STATION | facts, by=by, at=NOW)


def faults_of(city: Organization, by: User, **facts: str) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        a_station(city, by, **facts)
    assert not Station.select().exists()
    return refused.value.by_field()


# ── what the sources say ──


def paper() -> dict[str, Any]:
    text = (files("huigong") / "site/content/measures-2022.toml").read_text("utf-8")
    return tomllib.loads(text)


def test_the_archive_has_all_24_measures_with_departments() -> None:
    measures = paper()["measure"]
    assert [measure["number"] for measure in measures] == list(range(1, 25))
    assert all(measure["departments"] and measure["summary"] for measure in measures)
    assert [measure["section"] for measure in measures] == [1] * 2 + [2] * 5 + [3] * 17


@pytest.mark.parametrize(
    ("number", "amounts"),
    [
        (3, ["500万元", "30万元"]),
        (4, ["150万元"]),
        (13, ["300万元", "10元", "30亿元", "5000元"]),
        (15, ["120万元"]),
        (17, ["300万元", "200万元", "200万元"]),
        (21, ["2000元", "800元", "200元"]),
        (23, ["600万元"]),
        (24, ["1500万元"]),
    ],
)
def test_a_measure_names_every_sum_of_its_source(number: int, amounts: list[str]) -> None:
    sums = paper()["measure"][number - 1]["sums"]
    assert [found for line in sums for found in re.findall(r"\d+(?:万|亿)?元", line)] == amounts


def test_measures_without_money_in_the_source_name_no_sum() -> None:
    with_sums = {measure["number"] for measure in paper()["measure"] if measure.get("sums")}
    assert with_sums == {3, 4, 13, 15, 17, 21, 23, 24}


def test_the_archive_is_loaded_once(city: Organization) -> None:
    assert len(listings.load_archive(city=city, at=NOW)) == 24
    assert listings.load_archive(city=city, at=NOW) == []
    third = Measure.get(Measure.number == 3)
    assert third.departments == "财务部"
    assert third.document_on == date(2022, 8, 25)
    assert third.section == "切实做好助力疫情防控工作"


def test_the_programs_are_loaded_published_and_rendered(city: Organization) -> None:
    loaded = listings.load_programs(cities={"zhengzhou": city}, at=NOW)
    assert [program.slug for program in loaded] == ["huigongbao", "huigongyou", "huizhixinling"]
    assert listings.load_programs(cities={"zhengzhou": city}, at=NOW) == []
    care = Program.get(Program.slug == "huizhixinling")
    assert care.published
    assert care.phone == "0371-66660520"
    assert "<strong>1</strong>" in care.html


def test_program_texts_type_no_figure_of_a_scheme() -> None:
    text = (files("huigong") / "site/content/programs.toml").read_text("utf-8")
    for program in tomllib.loads(text)["program"]:
        if program["slug"] not in ("huigongyou", "huizhixinling"):
            said = program["body"] + program["summary"]
            for figure in ("75元", "80元", "90元", "68元", "60%", "50%", "75%", "30元", "10万元"):
                assert figure not in said, (program["city"], figure)


def test_zhengzhou_has_sixteen_divisions_in_pinyin_order(city: Organization) -> None:
    divisions = listings.divisions_of(city)
    assert len(divisions) == 16
    at = divisions.index("荥阳市")
    assert divisions[at - 1 : at + 2] == ["上街区", "荥阳市", "新密市"]
    assert divisions[-2:] == ["中牟县", "中原区"]


def test_another_citys_divisions_are_its_county_unions() -> None:
    other = a_city("示例市总工会")
    a_county(other, "荥阳示例县总工会")
    a_county(other, "安乐示例县总工会")
    assert listings.divisions_of(other) == ["安乐示例县", "荥阳示例县"]


# ── saving ──


def test_a_station_is_saved_unpublished_and_audited(city: Organization, editor: User) -> None:
    station = a_station(city, editor, phone="（0371）12345678", longitude="113.6", latitude="34.7")
    assert not station.published
    assert station.phone == "0371-12345678"
    assert station.updated_on == TODAY
    event = AuditEvent.select().order_by(AuditEvent.id.desc()).get()
    assert (event.deed, event.subject) == ("save listing", f"Station:{station.id}")


def test_all_faults_come_at_once(city: Organization, editor: User) -> None:
    faults = faults_of(city, editor, name="", kind="茶馆", region="安阳县", phone="66660520")
    assert set(faults) == {"name", "kind", "region", "phone"}


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("phone", "66660520"),
        ("phone", "13812345678"),
        ("phone", "0371-123"),
        ("longitude", "abc"),
        ("longitude", "34.7"),
        ("longitude", "nan"),
        ("longitude", "200"),
        ("verified_on", "2024-12-17"),
        ("verified_on", "2024-02-30"),
        ("hours", "早上来"),
        ("hours", "09:00-25:00"),
        ("hours", "20:00-06:00"),
        ("hours", "9:75-12:00"),
        ("name", "名" * 61),
        ("summary", "找张三 11010119800101123X"),
        ("summary", "证号 １１０１０１１９８００１０１１２３４"),
        ("summary", "110101 19800101 1234"),
        ("entrance", "110101-1980-0101-1234"),
        ("facilities", "卡号 6222020200112233445"),
        ("address", "联系 13812345678"),
    ],
)
def test_a_faulty_field_is_refused(
    city: Organization, editor: User, field: str, typed: str
) -> None:
    faults = faults_of(city, editor, **{"latitude": "34.7", "longitude": "113.6", field: typed})
    assert list(faults) == [field]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("phone", "12351"),
        ("phone", "400-123-4567"),
        ("phone", "0371-00001234转8"),
        ("verified_on", "2024年12月16日"),
        ("hours", "全天开放"),
        ("hours", "20:00-次日06:00"),
        ("hours", "夏季 09：00—18：00，冬季 09:30-17:00"),
        ("summary", "2023-07-01 至 2024-06-30 试运行，热线 0371-66660520"),
    ],
)
def test_an_honest_field_is_taken(city: Organization, editor: User, field: str, typed: str) -> None:
    assert a_station(city, editor, **{field: typed}).id


def test_half_a_coordinate_is_refused(city: Organization, editor: User) -> None:
    assert "补上纬度" in faults_of(city, editor, longitude="113.6")["latitude"]


def test_swapped_coordinates_are_named(city: Organization, editor: User) -> None:
    faults = faults_of(city, editor, longitude="34.7", latitude="113.6")
    assert "可能填反了" in faults["longitude"]


def test_a_second_station_of_the_same_name_is_refused(city: Organization, editor: User) -> None:
    station = a_station(city, editor)
    with pytest.raises(Refused):
        a_station(city, editor)
    again = listings.save_station(
        station, organization=city, facts=STATION | {"kind": "司机之家"}, by=editor, at=NOW
    )
    assert (again.id, again.kind) == (station.id, "司机之家")


def test_a_program_address_is_taken_once(city: Organization, editor: User) -> None:
    listings.load_programs(cities={"zhengzhou": city}, at=NOW)
    facts = {"name": "示例", "slug": "huigongbao", "summary": "示例", "body": "示例"}
    with pytest.raises(Refused) as refused:
        listings.save_program(organization=city, facts=facts, by=editor, at=NOW)
    assert set(refused.value.by_field()) == {"slug"}


def test_a_notice_is_rendered_when_saved(city: Organization, editor: User) -> None:
    notice = listings.save_notice(organization=city, facts=NOTICE, by=editor, at=NOW)
    assert notice.html == "<p><strong>注意：</strong>先申请</p>\n"
    body = "<script>alert(1)</script>"
    notice = listings.save_notice(
        notice, organization=city, facts=NOTICE | {"body": body}, by=editor, at=NOW
    )
    assert "<script" not in notice.html


def test_a_routes_stops_and_departures_are_replaced_together(
    city: Organization, editor: User
) -> None:
    stops = [{"name": "示例甲"}, {"name": "", "note": ""}, {"name": "示例乙", "note": "一小时"}]
    departures = [
        {"on": "2024-12-28", "meets": "示例广场 8:30", "seats": "45"},
        {"on": "2024-12-21", "meets": "示例广场 8:30", "seats": ""},
    ]
    route = listings.save_route(
        organization=city, facts=ROUTE, stops=stops, departures=departures, by=editor, at=NOW
    )
    kept = list(Stop.select().order_by(Stop.number).dicts())
    assert [(row["number"], row["name"]) for row in kept] == [(1, "示例甲"), (2, "示例乙")]
    assert {row.seats for row in Departure.select()} == {45, None}
    listings.save_route(route, organization=city, facts=ROUTE, stops=stops[:1], by=editor, at=NOW)
    assert (Stop.select().count(), Departure.select().count()) == (1, 0)


def test_a_routes_faulty_rows_are_named_and_nothing_is_saved(
    city: Organization, editor: User
) -> None:
    with pytest.raises(Refused) as refused:
        listings.save_route(
            organization=city,
            facts=ROUTE,
            stops=[{"name": "", "note": "只有说明"}],
            departures=[{"on": "明天", "meets": "示例", "seats": "很多"}],
            by=editor,
            at=NOW,
        )
    assert set(refused.value.by_field()) == {
        "stops-0-name",
        "departures-0-on",
        "departures-0-seats",
    }
    assert not Route.select().exists()


def test_a_route_needs_a_stop(city: Organization, editor: User) -> None:
    with pytest.raises(Refused):
        listings.save_route(organization=city, facts=ROUTE, stops=[], by=editor, at=NOW)


def test_publishing_twice_is_lost(city: Organization, editor: User) -> None:
    station = a_station(city, editor)
    listings.publish(station, by=editor, at=NOW)
    assert Station.get_by_id(station.id).published
    with pytest.raises(Lost):
        listings.publish(station, by=editor, at=NOW)
    listings.unpublish(station, by=editor, at=NOW)
    assert not Station.get_by_id(station.id).published
