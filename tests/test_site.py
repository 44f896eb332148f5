"""The public site: what it says, that every link lands, and that it is swapped whole."""

import re
import time
from datetime import date
from pathlib import Path

import pytest
from builders import NOW, a_unit, a_user, check_page
from builders_site import a_listing, a_public_city, a_station, an_edition_from
from click.testing import CliRunner

from huigong.config import Settings
from huigong.models import Edition, Member, Notice, Organization, Role, Station
from huigong.site import build as building
from huigong.site.build import BrokenSite, build, map_link, telephone
from huigong.site.pages import pages, slug_of

DAY = date(2024, 12, 16)


def built(office: Settings, as_of: date = DAY, **more: object) -> dict[str, str]:
    """Every page of a fresh build by address."""
    root = build(office.public, as_of=as_of, **more)
    return {
        f"/{path.relative_to(root).as_posix()}".removesuffix("index.html"): path.read_text("utf-8")
        for path in root.rglob("*")
        if path.is_file()
    }


def words_of(html: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", html))


def test_every_page_of_a_city_is_built_and_sound(office: Settings) -> None:
    a_public_city()
    site = built(office, demo=True, origin="https://gh.example.cn")
    for address in (
        "/", "/about/", "/404.html", "/robots.txt", "/sitemap.xml", "/zhengzhou/",
        "/zhengzhou/programs/huigongbao/", "/zhengzhou/policies/",
        "/zhengzhou/policies/zhengzhou-hospital-2023/",
        "/zhengzhou/policies/zhengzhou-hospital-2023/notice/", "/zhengzhou/routes/",
        "/zhengzhou/attractions/", "/zhengzhou/stations/", "/zhengzhou/stations/xingyangshi/",
        "/zhengzhou/measures/2022/", "/zhengzhou/notices/", "/zhengzhou/contact/",
    ):  # fmt: skip
        assert address in site
    for address, html in site.items():
        if html.startswith("<!doctype"):
            check_page(html)
            for said in ("地区", "年度", "是否有效", "更新日期", "来源文件", "2024-12-16"):
                assert said in html or address.endswith("/notice/"), f"{address}: {said}"
            assert "演示网站" in html
            assert "<script>" not in html
    assert "<loc>https://gh.example.cn/zhengzhou/</loc>" in site["/sitemap.xml"]


def test_titles_and_descriptions_are_unique(office: Settings) -> None:
    a_public_city()
    a_public_city("安阳市总工会", "anyang")
    made = pages(DAY)
    for words in ([page.title for page in made], [page.description for page in made]):
        assert len(set(words)) == len(words), sorted(words)
    assert len({page.url for page in made}) == len(made)


def test_the_policy_page_prints_the_scheme(office: Settings) -> None:
    a_public_city()
    site = built(office)
    page = words_of(site["/zhengzhou/policies/zhengzhou-hospital-2023/"])
    for said in ("每人75元", "市级工会30元", "45元", "按60%给付", "按50%给付", "可申领2次",
                 "最高100,000元", "正观新闻", "6,018.60元", "5,015.50元"):  # fmt: skip
        assert said in page
    headings = re.findall(
        r"<h[23]>\d+\. ([^<]+)</h", site["/zhengzhou/policies/zhengzhou-hospital-2023/"]
    )
    assert headings == ["受理条件", "申请材料", "办理流程", "办理时限", "收费标准",
                        "办理地点和时间", "依据", "常见问题", "咨询和监督电话"]  # fmt: skip


def test_what_the_source_does_not_state_is_printed_as_such(office: Settings) -> None:
    a_public_city("濮阳市总工会", "puyang")
    page = built(office)["/puyang/policies/puyang-hospital-2025/"]
    for part in ("待遇", "封顶"):
        assert re.search(
            rf"<h3>{part}</h3>\s*<ul class=\"lines\">\s*<li>来源未载明，以当地工会最新通知为准",
            page,
        )
    assert "每人80元" in page
    assert 'id="calculator"' not in page


def test_in_force_follows_the_day_asked_for(office: Settings) -> None:
    a_public_city()
    address = "/zhengzhou/policies/zhengzhou-hospital-2023/"
    said = {
        date(2023, 6, 30): "尚未开始",
        date(2023, 7, 1): "执行中：参保至2023-12-31",
        date(2024, 12, 16): "参保已截止：已参保的按本版执行到保障期满，最晚2024-12-30",
        date(2024, 12, 31): "已失效",
    }
    for day, words in said.items():
        assert words in words_of(built(office, as_of=day)[address]), day


def test_no_person_ever_reaches_the_site(office: Settings) -> None:
    city = a_public_city()
    unit = a_unit(city, "示例单位工会")
    Organization.update(contact_name="演示联系人", contact_phone="13812345678").execute()
    a_user(Role.CLERK, at=unit, name="演示经办人")
    member = Member(organization=unit, name="演示职工甲", id_index="i", tail_index="t")
    member.resident_id = member.seal("resident_id", "990000198001010018")
    member.phone = member.seal("phone", "13800138000")
    member.save()
    everything = "".join(built(office).values())
    for private in ("990000198001010018", "13800138000", "13812345678", "演示职工甲",
                    "演示经办人", "演示联系人", "示例单位工会"):  # fmt: skip
        assert private not in everything
    assert not re.search(r"(?<!\d)\d{17}[\dXx](?!\d)", everything)


def test_hostile_listing_text_stays_text(office: Settings) -> None:
    city = a_public_city()
    hostile = '"><script>alert(1)</script>'
    a_station(city, hostile, region=hostile, address=hostile, phone=hostile, kind=hostile)
    a_listing(Notice, city, hostile, summary=hostile, body="", html="", from_on=DAY)
    for html in built(office).values():
        assert "<script>alert" not in html


def test_a_plan_cannot_end_its_data_block(office: Settings) -> None:
    city = a_public_city("示例市总工会", "demo")
    an_edition_from(SMALL.replace("按比例", "</script><script>x"), city)
    page = built(office)["/demo/policies/demo-hospital-2024/"]
    assert "</script><script>x" not in page


SMALL = """
id = "demo-hospital-2024"
name = "示例市住院互助"
enrolled = { from = 2024-01-01, to = 2024-12-31 }
term = "12个月"
operator = "self"
source = "示例来源"
unstated = []
[fee]
total = "60元"
[[benefit]]
id = "hospital"
name = "住院互助金"
of = ["in_scope"]
[[benefit.step]]
name = "按比例"
per = "stay"
pay = "40%"
"""


def test_the_calculator_lists_events_as_the_scheme_writes_its_benefits(office: Settings) -> None:
    city = a_public_city("示例市总工会", "demo")
    text = SMALL.replace("[fee]", 'events = { birth = "生育" }\n[fee]')
    birth = '[[benefit]]\nid = "birth"\nname = "生育补贴"\nevent = "birth"\n'
    birth += '[[benefit.step]]\nname = "定额"\nper = "claim"\namount = "500元"\n'
    an_edition_from(text + birth, city)
    page = built(office)["/demo/policies/demo-hospital-2024/"]
    options = re.findall(r'<option value="(\w+)">(?:住院|生育)<', page)
    assert options[:2] == ["stay", "birth"]


def test_a_new_edition_says_what_changed(office: Settings) -> None:
    city = a_public_city("示例市总工会", "demo")
    an_edition_from(SMALL, city)
    later = SMALL.replace("2024", "2025").replace('"40%"', '"45%"').replace('"60元"', '"70元"')
    an_edition_from(later, city)
    site = built(office)
    page = site["/demo/policies/demo-hospital-2025/"]
    assert "按<del>40%</del>给付" in page
    assert "按<ins>45%</ins>给付" in page
    assert "每人<ins>70元</ins>" in page
    assert "与上一版相比" not in site["/demo/policies/demo-hospital-2024/"]


def test_the_printed_notice_has_the_examples_and_what_changed(office: Settings) -> None:
    city = a_public_city("示例市总工会", "demo")
    an_edition_from(SMALL, city)
    later = SMALL.replace("2024", "2025").replace('"40%"', '"45%"')
    an_edition_from(later, city)
    site = built(office)
    notice = site["/demo/policies/demo-hospital-2025/notice/"]
    assert re.search(r"10,031\.00元</th><td class=\"number\">4,513\.95元", notice)
    assert "按45%给付（原：按比例（每次住院）：按40%给付）" in notice
    assert "与上一版相比" not in site["/demo/policies/demo-hospital-2024/notice/"]


def test_a_damaged_plan_stops_only_its_own_page(office: Settings) -> None:
    a_public_city()
    edition = Edition.get(Edition.code == "zhengzhou-hospital-2023")
    edition.plan["fee"]["total"] = 1
    Edition.update(plan=edition.plan).where(Edition.id == edition.id).execute()
    site = built(office)
    assert "已暂停展示和测算" in site["/zhengzhou/policies/zhengzhou-hospital-2023/"]
    assert "/zhengzhou/policies/zhengzhou-critical-2022/notice/" in site


def test_a_build_that_fails_leaves_the_old_site_serving(
    office: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = a_public_city()
    build(office.public, as_of=DAY)
    before = (office.public / "current" / "index.html").read_bytes()
    a_listing(Notice, city, "坏链接", body="", html='<a href="/nowhere/">去</a>', from_on=DAY)
    with pytest.raises(BrokenSite, match="/nowhere/"):
        build(office.public, as_of=DAY)

    def full(*_: object) -> None:
        raise OSError("disk full")

    Notice.delete().execute()
    monkeypatch.setattr(building, "_sync", full)
    with pytest.raises(OSError, match="disk full"):
        build(office.public, as_of=DAY)
    assert (office.public / "current" / "index.html").read_bytes() == before
    assert len(list(office.public.iterdir())) == 2  # the link and the one build it points at


def test_builds_replace_each_other_and_do_not_pile_up(office: Settings) -> None:
    a_public_city()
    roots = [build(office.public, as_of=DAY) for _ in range(4)]
    assert (office.public / "current").resolve() == roots[-1].resolve()
    assert {p for p in office.public.iterdir() if not p.is_symlink()} == set(roots[-2:])


def test_where_links_are_not_to_be_had_the_folder_itself_is_replaced(
    office: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_public_city()

    def no_links(*_: object, **__: object) -> None:
        raise OSError("a privilege is not held")

    monkeypatch.setattr("os.symlink", no_links)
    for day in (DAY, date(2024, 12, 17)):
        assert build(office.public, as_of=day) == office.public / "current"
        assert str(day) in (office.public / "current" / "index.html").read_text("utf-8")
    assert [path.name for path in office.public.iterdir()] == ["current"]


def test_the_command_builds_into_a_folder_and_spares_other_files(
    office: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huigong.cli import main

    a_public_city()
    monkeypatch.setenv("HUIGONG_HOME", str(office.home))
    monkeypatch.setenv("HUIGONG_KEYS", str(office.keys))
    monkeypatch.setenv("DATABASE_URL", office.database_url)
    from huigong import database

    database.db.close()
    out, others = tmp_path / "out", tmp_path / "others"
    answer = CliRunner().invoke(main, ["site", "--out", str(out), "--as-of", "2023-07-01"])
    assert answer.exit_code == 0, answer.output
    page = (out / "zhengzhou/policies/zhengzhou-hospital-2023/index.html").read_text("utf-8")
    assert "执行中：参保至2023-12-31" in page
    neighbour = tmp_path / "out.backup"
    neighbour.mkdir()
    for _ in range(3):
        assert CliRunner().invoke(main, ["site", "--out", str(out)]).exit_code == 0
    assert neighbour.exists()
    others.mkdir()
    (others / "robots.txt").write_text("mine too")
    (others / "mine.txt").write_text("mine")
    assert CliRunner().invoke(main, ["site", "--out", str(others)]).exit_code == 1
    assert sorted(path.name for path in others.iterdir()) == ["mine.txt", "robots.txt"]


def test_only_what_is_published_and_begun_is_shown(office: Settings) -> None:
    city = a_public_city()
    a_station(city, "没有发布的驿站", published=False)
    everything = "".join(built(office).values())
    assert "没有发布的驿站" not in everything
    assert "明天才生效的通知" not in everything
    assert "已经出发的一班" not in everything
    assert "明天才生效的通知" in "".join(built(office, as_of=date(2024, 12, 17)).values())


def test_examples_and_archives_are_labelled(office: Settings) -> None:
    a_public_city()
    site = built(office)
    for address in ("/zhengzhou/routes/", "/zhengzhou/attractions/",
                    "/zhengzhou/stations/jinshuiqu/"):  # fmt: skip
        assert "示例</span>" in site[address]
    assert "不代表现在的政策" in site["/zhengzhou/measures/2022/"]


def test_map_and_telephone_links(office: Settings) -> None:
    city = a_public_city()
    known = Station(name="甲 站", address="示例路", longitude=113.5, latitude=34.75)
    assert map_link(known) == (
        "https://uri.amap.com/marker?position=113.500000,34.750000"
        "&name=%E7%94%B2%20%E7%AB%99&coordinate=gaode&callnative=1"
    )
    assert "search?keyword=" in map_link(Station(name="乙站", address="示例路"))
    assert telephone("0371-66660520") == "037166660520"
    assert telephone("转8012") == ""
    assert city.slug == "zhengzhou"
    assert [slug_of(name) for name in ("荥阳市", "中牟县", "")] == [
        "xingyangshi", "zhongmuxian", "other",
    ]  # fmt: skip


def test_a_thousand_stations_are_built_in_seconds(office: Settings) -> None:
    city = a_public_city()
    divisions = ["中原区", "二七区", "金水区", "惠济区", "荥阳市", "中牟县"]
    Station.insert_many(
        [
            {
                "organization": city, "name": f"示例驿站{n}", "region": divisions[n % 6],
                "kind": "爱心驿站" if n % 2 else "司机之家", "updated_on": NOW.date(),
            }
            for n in range(1000)
        ]
    ).execute()  # fmt: skip
    began = time.perf_counter()
    site = built(office)
    took = time.perf_counter() - began
    print(f"1,000 stations, {len(site)} files: {took:.2f} s")
    assert took < 20
    assert "/zhengzhou/stations/jinshuiqu/2/" in site
    assert sum(html.count("示例驿站") for a, html in site.items() if "/stations/" in a) >= 1000


def test_a_limit_in_working_days_is_left_to_the_office_s_calendar_and_said_so(office):
    city = a_public_city()
    text = (Path(__file__).parent / "schemes/example-office-2024.toml").read_text("utf-8")
    an_edition_from(text, city)
    site = built(office)
    said = "申领期限：出院后20个工作日内。工作日按国务院办公厅的放假安排计算，这里不核对是否超期"
    assert said in words_of(site["/zhengzhou/policies/example-office-2024/"])
    assert "放假安排" not in words_of(site["/zhengzhou/policies/zhengzhou-hospital-2023/"])
