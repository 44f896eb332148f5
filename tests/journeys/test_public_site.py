"""The public in a real browser, under the app's own headers, with and without JavaScript."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import TODAY
from builders_site import a_public_city, an_edition_from
from werkzeug.serving import make_server

from huigong.app import make_app
from huigong.config import Settings
from huigong.site.build import build

POLICY = "/zhengzhou/policies/zhengzhou-hospital-2023/"
NOTICE = f"{POLICY}notice/"
EXAMPLES = Path(__file__).parent.parent / "schemes"


@pytest.fixture
def address(office: Settings) -> Iterator[str]:
    """A city's site as the app itself serves it."""
    a_public_city()
    build(office.public, as_of=TODAY, demo=True)
    server = make_server("127.0.0.1", 0, make_app(office), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser, address: str) -> Iterator:
    """A phone's page that fails the test when a script or the content policy complains."""
    context = browser.new_context(base_url=address, viewport={"width": 360, "height": 800})
    opened, wrong = context.new_page(), []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    assert not wrong


def test_the_calculator_gives_the_published_figure(page) -> None:
    page.goto(POLICY)
    assert "请填写符合医保政策剩余" in page.inner_text("#answer")
    page.get_by_label("符合医保政策剩余（元）").fill("10,031")
    assert "6,018.60元" in page.inner_text("#answer")
    page.get_by_label("就医地").select_option("away")
    assert "5,015.50元" in page.inner_text("#answer")
    page.get_by_label("就医地").select_option("local")
    page.get_by_role("button", name="再加一次住院").press("Enter")
    page.get_by_label("符合医保政策剩余（元）").nth(1).fill("190000.01")
    assert "测算互助金 100,000.00元" in page.inner_text("#answer")
    page.get_by_label("符合医保政策剩余（元）").nth(1).fill("1.234")
    assert "符合医保政策剩余须为不小于零、最多两位小数的金额" in page.inner_text("#answer")
    spent = page.evaluate(
        """async () => {
          const form = await fetch(document.querySelector("script[src*=calculator]").src);
          const { assess } = await import(/"([^"]*calculator[^"]*)"/.exec(await form.text())[1]);
          const plan = JSON.parse(document.getElementById("plan").textContent);
          const stays = [{ in_scope: "10031.00", place: "local", admitted: "2023-10-01" }];
          const one = { cover_from: "2023-08-01", claims: [{ filed_on: "2023-11-01", stays }] };
          if (assess(plan, one)[0].benefit != 601860n) throw Error("not the published figure");
          const began = performance.now();
          for (let n = 0; n < 1000; n++) assess(plan, one);
          return (performance.now() - began) / 1000;
        }"""
    )
    print(f"one answer in Chromium: {spent:.3f} ms")
    assert spent < 1


def test_what_was_claimed_before_counts_towards_caps_and_numbers(page) -> None:
    page.goto(POLICY)
    page.get_by_label("符合医保政策剩余（元）").fill("１０，０３１元")
    add = page.get_by_role("button", name="加一次已领过的申领")
    add.press("Enter")
    assert page.inner_text("#answer") == "已领过的第1次：请填写决定给付的金额"
    page.get_by_label("决定给付的金额（元）").fill("96,000.00")
    assert "测算互助金 4,000.00元" in page.inner_text("#answer")
    assert "此前已给付96,000.00元，6,018.60元超过，得4,000.00元" in page.inner_text("#answer")
    add.press("Enter")
    page.get_by_label("决定给付的金额（元）").nth(1).fill("1")
    assert "次数已用完" in page.inner_text("#answer")
    page.get_by_role("button", name="删去这次申领").nth(1).press("Enter")
    assert "测算互助金 4,000.00元" in page.inner_text("#answer")
    page.get_by_role("button", name="删去这次申领").press("Enter")
    assert "测算互助金 6,018.60元" in page.inner_text("#answer")


@pytest.mark.parametrize("text", ["1e5", "-5", "1.234", "abc", "0x10", "1..2", "∞"])
def test_what_is_no_amount_is_asked_for_again(page, text: str) -> None:
    page.goto(POLICY)
    page.get_by_label("符合医保政策剩余（元）").fill(text)
    wish = "符合医保政策剩余须为不小于零、最多两位小数的金额"
    assert page.inner_text("#answer") == wish
    assert page.get_by_label("符合医保政策剩余（元）").get_attribute("aria-invalid") == "true"


def test_stays_come_and_go_and_the_answer_follows_what_stands_there(page) -> None:
    page.goto(POLICY)
    amounts, answer = page.get_by_label("符合医保政策剩余（元）"), page.locator("#answer")
    page.get_by_role("button", name="再加一次住院").press("Enter")
    amounts.nth(1).fill("1000")
    assert answer.inner_text() == "请填写符合医保政策剩余"
    amounts.nth(0).fill("¥10,031.00 元")
    assert "测算互助金 6,618.60元" in answer.inner_text()
    page.get_by_role("button", name="删去这次住院").nth(0).press("Enter")
    assert amounts.count() == 1
    assert "测算互助金 600.00元" in answer.inner_text()
    page.goto("/zhengzhou/")
    page.go_back()
    shown = "测算互助金 600.00元" if amounts.input_value() else "请填写符合医保政策剩余"
    assert shown in answer.inner_text()


def test_large_type_is_kept_and_no_page_is_wider_than_a_phone(page) -> None:
    page.goto("/zhengzhou/")
    for large in (False, True):
        if large:
            page.get_by_label("大字").check()
        for where in ("/", "/zhengzhou/", POLICY, NOTICE, "/zhengzhou/stations/",
                      "/zhengzhou/stations/jinshuiqu/", "/zhengzhou/measures/2022/"):  # fmt: skip
            page.goto(where)
            assert page.get_by_label("大字").is_checked() == large
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, where


def test_everything_is_read_without_scripts(browser, address: str) -> None:
    context = browser.new_context(base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto(POLICY)
    assert not page.locator("#calculator").is_visible()
    assert page.get_by_role("cell", name="6,018.60元").is_visible()
    page.get_by_role("link", name="服务站点").first.click()
    page.get_by_role("link", name="荥阳市").click()
    assert page.get_by_role("heading", name="示例骑手之家").is_visible()
    assert page.goto("/zhengzhou/nowhere/").status == 404
    assert page.get_by_role("heading", name="没有找到这个页面").is_visible()
    context.close()


def test_every_notice_prints_on_one_page_in_large_type_too(office: Settings, browser) -> None:
    city = a_public_city()
    a_public_city("安阳市总工会", "anyang")
    for example in sorted(EXAMPLES.glob("*.toml")):
        an_edition_from(example.read_text("utf-8"), city)
    later = (EXAMPLES / "example-bands-2024.toml").read_text("utf-8").replace("2024", "2025")
    later = later.replace("示例：各种", "示例：又改过的各种").replace("00元", "09元")
    an_edition_from(later, city)
    root = build(office.public, as_of=TODAY)
    style = next((root / "assets").glob("site.*.css")).read_text("utf-8")
    notices = sorted(root.glob("*/policies/*/notice/index.html"))
    assert len(notices) > 9
    page = browser.new_page()
    for notice in notices:
        html = re.sub("<(link|script)[^>]*>(</script>)?", "", notice.read_text("utf-8"))
        page.set_content(html.replace("</head>", f"<style>{style}</style></head>"))
        for large in (False, True):
            page.evaluate(
                "large => document.documentElement.classList.toggle('large', large)", large
            )
            pdf = page.pdf(prefer_css_page_size=True)
            assert len(re.findall(rb"/Type /Page[\s/>]", pdf)) == 1, (
                notice.parent.parent.name,
                large,
            )
    page.close()
