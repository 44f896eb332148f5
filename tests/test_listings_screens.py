"""The office's screens for public content."""

import io
import re
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from builders import NOW, TODAY, a_city, a_county, a_user, signed_in
from flask import Flask

from huigong import clock
from huigong.demo.listings import make_listings
from huigong.models import (
    Attraction,
    Departure,
    Notice,
    Organization,
    Program,
    Role,
    Route,
    Station,
    Stop,
)
from huigong.site.build import build
from huigong.workflows import listings
from huigong.workflows.listings import importing

STATION = {
    "name": "示例爱心驿站一号",
    "kind": "爱心驿站",
    "region": "荥阳市",
    "address": "示例路1号",
    "hours": "周一至周五 09:00-17:30",
}


@pytest.fixture
def city(app: Flask) -> Organization:
    return a_city("示例郑州市总工会", "zhengzhou")


@pytest.fixture
def browser(app: Flask, city: Organization) -> Any:
    return signed_in(app, a_user(Role.EDITOR, at=city))


def a_station(city: Organization, **facts: str) -> Station:
    return listings.save_station(organization=city, facts=STATION | facts, by=None, at=NOW)


def a_workbook(*rows: dict[str, Any]) -> io.BytesIO:
    """A workbook by the template's titles: a title above, the header, the rows."""
    titles = {"name": "名称", "kind": "类型", "region": "所在区县", "address": "地址"}
    titles |= {"hours": "开放时间", "longitude": "经度", "latitude": "纬度"}
    titles |= {"verified_on": "最近核实日期"}
    book = openpyxl.Workbook()
    book.active.append(["服务站点"])
    book.active.append(list(titles.values()))
    for row in rows:
        book.active.append([row.get(name, "") for name in titles])
    kept = io.BytesIO()
    book.save(kept)
    kept.seek(0)
    return kept


def send_workbook(browser: Any, book: io.BytesIO) -> Any:
    return browser.send(
        "/admin/listings/stations/import",
        {"file": (book, "站点.xlsx")},
        content_type="multipart/form-data",
    )


@pytest.mark.parametrize("word", ["programs", "routes", "attractions", "stations", "notices"])
def test_every_kind_has_its_list_and_form(browser: Any, word: str) -> None:
    assert "还没有" in browser.get(f"/admin/listings/{word}/").text
    assert browser.get(f"/admin/listings/{word}/new").status_code == 200
    empty = browser.send(f"/admin/listings/{word}/new", {})
    assert empty.status_code == 422
    assert "请填写" in empty.text


def test_a_saved_station_is_listed_and_published_after_asking(
    browser: Any, city: Organization
) -> None:
    answer = browser.send("/admin/listings/stations/new", STATION)
    assert answer.status_code == 303
    station = Station.get()
    assert (station.organization, station.published) == (city, False)
    assert "未发布" in browser.get("/admin/listings/stations/").text
    address = f"/admin/listings/stations/{station.id}/publication"
    assert "发布“示例爱心驿站一号”？" in browser.get(address).text
    assert browser.send(address, {"to": "published"}).status_code == 303
    assert Station.get().published
    assert browser.send(address, {"to": "published"}).status_code == 409
    assert browser.send(address, {"to": "withdrawn"}).status_code == 303
    assert not Station.get().published


def test_a_refused_form_keeps_what_was_typed(browser: Any) -> None:
    answer = browser.send("/admin/listings/stations/new", STATION | {"phone": "13812345678"})
    assert answer.status_code == 422
    assert 'value="13812345678"' in answer.text
    assert "个人手机号" in answer.text
    assert not Station.select().exists()


def test_what_a_demonstration_makes_is_an_example(browser: Any) -> None:
    browser.send("/admin/listings/stations/new", STATION)
    assert Station.get().example


def test_the_list_is_searched_filtered_and_sorted(browser: Any, city: Organization) -> None:
    a_station(city)
    a_station(city, name="示例司机之家", kind="司机之家", region="中牟县", address="港区大道")
    listings.publish(Station.get(Station.kind == "司机之家"), by=None, at=NOW)

    def found(query: str) -> list[str]:
        page = browser.get(f"/admin/listings/stations/?{query}").text
        return [name for name in ("示例司机之家", "示例爱心驿站一号") if f">{name}</a>" in page]

    assert found("q=港区") == ["示例司机之家"]
    assert found("region=荥阳市") == ["示例爱心驿站一号"]
    assert found("kind=司机之家") == ["示例司机之家"]
    assert found("published=0") == ["示例爱心驿站一号"]
    assert found("q=没有") == []
    assert found("sort=-name") == ["示例司机之家", "示例爱心驿站一号"]
    assert "没有符合条件的" in browser.get("/admin/listings/stations/?q=没有").text


def test_a_county_edits_its_own_and_not_the_citys(app: Flask, city: Organization) -> None:
    county = a_county(city, "荥阳市总工会")
    of_city = a_station(city)
    of_county = listings.save_station(
        organization=county, facts=STATION | {"name": "示例县站"}, by=None, at=NOW
    )
    browser = signed_in(app, a_user(Role.EDITOR, at=county))
    page = browser.get("/admin/listings/stations/").text
    assert "示例县站" in page
    assert "示例爱心驿站一号" not in page
    assert browser.get(f"/admin/listings/stations/{of_county.id}").status_code == 200
    for address in (f"{of_city.id}", f"{of_city.id}/publication"):
        assert browser.get(f"/admin/listings/stations/{address}").status_code == 404
        assert browser.send(f"/admin/listings/stations/{address}", STATION).status_code == 404
    made = browser.send("/admin/listings/stations/new", STATION | {"organization": str(city.id)})
    assert made.status_code == 404


def test_another_citys_entries_are_absent(app: Flask, city: Organization) -> None:
    station = a_station(city)
    other = signed_in(app, a_user(Role.EDITOR, at=a_city("示例市总工会")))
    assert other.get(f"/admin/listings/stations/{station.id}").status_code == 404
    assert "示例爱心驿站一号" not in other.get("/admin/listings/stations/").text


def test_only_editors_come_in(app: Flask, city: Organization) -> None:
    clerk = signed_in(app, a_user(Role.CLERK, at=city))
    assert clerk.get("/admin/listings/").status_code == 403


def test_rows_of_a_route_come_and_go_without_saving(browser: Any) -> None:
    typed = {
        "name": "示例专线",
        "kind": "rural",
        "stops-0-name": "示例甲",
        "stops-0-note": "出发",
        "stops-1-name": "示例乙",
        "stops-1-note": "",
    }
    more = browser.send("/admin/listings/routes/new", typed | {"then": "add-stops"})
    assert more.status_code == 200
    assert 'id="stops-2-name"' in more.text
    assert 'value="示例甲"' in more.text
    fewer = browser.send("/admin/listings/routes/new", typed | {"then": "drop-stops-0"})
    assert 'value="示例乙"' in fewer.text
    assert 'value="示例甲"' not in fewer.text
    assert not Route.select().exists()
    saved = browser.send("/admin/listings/routes/new", typed | {"then": "save"})
    assert saved.status_code == 303
    assert [stop.name for stop in Stop.select().order_by(Stop.number)] == ["示例甲", "示例乙"]
    again = browser.get(f"/admin/listings/routes/{Route.get().id}").text
    assert 'value="示例乙"' in again


def test_a_route_without_a_stop_says_so_once(browser: Any) -> None:
    answer = browser.send("/admin/listings/routes/new", {"name": "示例专线", "kind": "rural"})
    assert answer.status_code == 422
    assert "请至少填写一个站点" in answer.text


def test_hostile_row_numbers_are_harmless(browser: Any) -> None:
    typed = {"name": "示例", "kind": "rural", "stops-99999999-name": "x", "stops-²-name": "x"}
    for then in ("drop-stops-²", "drop-stops-99", "add-users", "drop--", "add-stops"):
        answer = browser.send("/admin/listings/routes/new", typed | {"then": then})
        assert answer.status_code == 200


def test_a_preview_shows_the_rendered_text_and_saves_nothing(browser: Any) -> None:
    typed = {"name": "示例通知", "from_on": "2024-12-16"}
    typed |= {"body": "**注意：**先申请 <script>alert(1)</script>", "then": "preview"}
    page = browser.send("/admin/listings/notices/new", typed)
    assert page.status_code == 200
    assert "<strong>注意：</strong>先申请" in page.text
    assert "<script>alert" not in page.text
    assert not Notice.select().exists()


# ── workbooks ──


def test_the_template_comes_back_in(browser: Any) -> None:
    template = browser.get("/admin/listings/stations/template").data
    book = openpyxl.load_workbook(io.BytesIO(template))
    line = {"名称": "示例驿站", "类型": "爱心驿站", "所在区县": "中牟县"}
    line |= {"地址": "示例路2号", "开放时间": "全天开放"}
    for column, title in enumerate([cell.value for cell in book.active[3]], 1):
        book.active.cell(5, column, line.get(title))
    kept = io.BytesIO()
    book.save(kept)
    kept.seek(0)
    assert send_workbook(browser, kept).status_code == 303
    assert [station.name for station in Station.select()] == ["示例驿站"]


def test_a_clean_workbook_is_imported_and_the_same_again_changes_nothing(browser: Any) -> None:
    rows = [STATION, STATION | {"name": "示例二号", "longitude": 113.6, "latitude": 34.7}]
    assert send_workbook(browser, a_workbook(*rows)).status_code == 303
    assert "新增 2 个" in browser.get("/admin/listings/stations/").text
    assert Station.get(Station.name == "示例二号").longitude == pytest.approx(113.6)
    assert send_workbook(browser, a_workbook(*rows)).status_code == 303
    assert "未变 2 个" in browser.get("/admin/listings/stations/").text
    rows[0] = STATION | {"hours": "全天开放"}
    send_workbook(browser, a_workbook(*rows))
    assert "更新 1 个" in browser.get("/admin/listings/stations/").text
    assert Station.select().count() == 2


def test_faulty_rows_are_listed_and_nothing_is_imported(browser: Any) -> None:
    rows = [
        STATION,
        STATION | {"name": "示例二号", "region": "安阳县", "hours": "早上"},
        STATION,
    ]
    answer = send_workbook(browser, a_workbook(*rows))
    assert answer.status_code == 422
    assert "有 3 处错误" in answer.text
    assert "第4行：所在区县“安阳县”不在本市区县之列" in answer.text
    assert "第5行：名称与第3行相同" in answer.text
    assert not Station.select().exists()


@pytest.mark.parametrize("content", [b"", b"not a workbook\x00\x01", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_workbook_is_one_clear_sentence(
    browser: Any, content: bytes, app: Flask
) -> None:
    answer = send_workbook(browser, io.BytesIO(content))
    assert answer.status_code == 422
    assert "请更正以下内容" in answer.text
    assert not list(app.config["SETTINGS"].files.iterdir())


def test_a_workbook_of_more_rows_than_are_held_at_once_is_refused(
    browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_MOST_ROWS", 4)
    rows = [STATION | {"name": f"示例{number}号"} for number in range(3)]
    assert send_workbook(browser, a_workbook(*rows[:2])).status_code == 303
    answer = send_workbook(browser, a_workbook(*rows))
    assert answer.status_code == 422
    assert "表格长到第5行，最多4行" in answer.text
    assert Station.select().count() == 2


def test_a_workbook_without_the_columns_says_which(browser: Any) -> None:
    book = openpyxl.Workbook()
    book.active.append(["名称", "类型"])
    book.active.append(["示例", "爱心驿站"])
    kept = io.BytesIO()
    book.save(kept)
    kept.seek(0)
    assert "表头缺少：所在区县、地址、开放时间" in send_workbook(browser, kept).text


def test_an_export_holds_what_the_list_shows_and_no_formula(
    browser: Any, city: Organization
) -> None:
    a_station(city, name="=1+1")
    a_station(city, name="示例司机之家", kind="司机之家")
    answer = browser.get("/admin/listings/stations/export?kind=爱心驿站")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    rows = list(sheet.values)
    assert rows[0][:3] == ("名称", "类型", "所在区县")
    assert [row[0] for row in rows[1:]] == ["=1+1"]
    assert sheet["A2"].data_type == "s"
    assert send_workbook(browser, io.BytesIO(answer.data)).status_code == 303
    assert Station.select().count() == 2


# ── the site ──


def test_the_site_is_built_on_demand_and_counts_the_changes_since(
    browser: Any, city: Organization
) -> None:
    listings.load_programs(cities={"zhengzhou": city}, at=NOW)
    a_station(city)
    assert "还没有生成过" in browser.get("/admin/listings/site").text
    assert browser.send("/admin/listings/site").status_code == 303
    page = browser.get("/admin/listings/site").text
    assert "公众网站已生成并换上" in page
    assert "没有等待发布的改动" in page
    a_station(city, name="示例二号")
    assert "之后有 1 次改动" in browser.get("/admin/listings/").text
    assert "次公众内容的改动还没有发布到网站" in browser.get("/admin/").text


def test_a_real_office_counts_the_changes_after_any_build(
    browser: Any, city: Organization, app: Flask
) -> None:
    build(app.config["SETTINGS"].public, as_of=NOW.date())
    clock.fix(None)
    a_station(city)
    assert "改动" not in re.sub("没有等待发布的改动", "", browser.get("/admin/listings/site").text)
    listings.save_station(
        organization=city,
        facts=STATION | {"name": "示例二号"},
        by=None,
        at=clock.now() + timedelta(minutes=1),
    )
    assert "之后有 1 次改动" in browser.get("/admin/listings/site").text


def test_a_broken_link_in_a_notice_leaves_the_old_site(browser: Any, city: Organization) -> None:
    facts = {"name": "示例通知", "from_on": "2024-12-16", "body": "[看这里](/zhengzhou/nowhere/)"}
    notice = listings.save_notice(organization=city, facts=facts, by=None, at=NOW)
    listings.publish(notice, by=None, at=NOW)
    answer = browser.send("/admin/listings/site")
    assert answer.status_code == 422
    assert "网站没有换上" in answer.text


def test_the_summary_names_faults_in_the_order_of_the_form(browser: Any) -> None:
    page = browser.send("/admin/listings/stations/new", {}).text
    places = [page.index(f'href="#{name}"') for name in ("name", "kind", "region", "hours")]
    assert places == sorted(places)


def test_the_demonstrations_entries_are_complete_and_labelled(city: Organization) -> None:
    make_listings(city, by=None, at=NOW - timedelta(days=560))
    assert min(departure.on for departure in Departure.select()) > TODAY
    counts = [Route.select().where(Route.kind == kind).count() for kind in ("workday", "rural")]
    assert counts == [25, 4]
    assert 38 <= Station.select().count() <= 45
    assert len({station.kind for station in Station.select()}) == 5
    assert len({station.region for station in Station.select()}) == 16
    assert Notice.select().count() == 3
    for model in (Route, Attraction, Station, Notice):
        for row in model.select():
            assert row.example
            assert row.published
            assert "示例" in row.name
    assert not Program.select().exists()
