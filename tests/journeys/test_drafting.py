"""Anyang drafts a higher rate below 1,000 yuan, another reviewer publishes, the public reads.
Zhengzhou tries a draft on decided claims and takes the rate it found back into it."""

from urllib.parse import urlsplit

import pytest
from walking import Walk

pytestmark = pytest.mark.once


@pytest.fixture(params=[True, False], ids=["with-scripts", "without-scripts"])
def walk(request, browser, demo, tmp_path) -> Walk:
    return Walk(browser, demo, scripts=request.param, downloads=tmp_path)


RATE = "#benefit-1-step-1-cases-1-bands-1-value"


def test_a_higher_rate_is_drafted_published_by_another_and_read_by_the_public(walk):
    draft = draft_a_higher_rate(walk)
    publish_it(walk, draft)
    read_it(walk)


def draft_a_higher_rate(walk: Walk) -> str:
    with walk.signed_in("ayreviewer") as page:
        page.goto("/admin/schemes")
        page.get_by_role("link", name="起草新的一版").click()
        page.select_option("#basis", label=option_of(page, "anyang-hospital-2019"))
        page.get_by_role("button", name="建立草稿").click()
        page.fill(RATE, "140")
        if not walk.scripts:
            page.get_by_role("button", name="检查并重新计算").click()
        wrong = page.locator("#benefit-1-step-1-cases-1-bands-1-row-wrong")
        wrong.get_by_text("比例超过100%").wait_for()
        assert page.locator(RATE).input_value() == "140"
        page.fill(RATE, "40")
        if not walk.scripts:
            page.get_by_role("button", name="检查并重新计算").click()
        checked = page.locator("#checked")
        checked.get_by_text("+100.00").first.wait_for()
        row = checked.get_by_role("row", name="1,000.00").first.inner_text()
        assert row.split() == ["1,000.00", "300.00", "400.00", "+100.00"]
        assert checked.locator("ins", has_text="40%").count() == 1
        page.locator("#do-add-document").click()
        page.fill("#document-1-name", "出院小结")
        page.locator("#do-drop-document-1").click()
        page.locator("#document-1-name").wait_for(state="detached")
        assert page.locator(RATE).input_value() == "40"
        page.get_by_role("button", name="保存草稿").click()
        page.get_by_text("草稿已保存").wait_for()
        address = urlsplit(page.url).path
        page.get_by_role("link", name="发布", exact=True).click()
        assert page.get_by_role("button", name="核对无误，发布").count() == 0
        return address


def option_of(page, code: str) -> str:
    return page.locator("#basis option", has_text=code).inner_text()


def publish_it(walk: Walk, draft: str) -> None:
    with walk.signed_in("ayreviewer2") as page:
        page.goto("/admin/schemes")
        page.get_by_role("link", name="核对并发布").click()
        assert page.locator("del", has_text="30%").count() == 1
        page.get_by_role("button", name="核对无误，发布").click()
        page.get_by_text("公众网站已更新").wait_for()
        assert page.get_by_text("从现在起不再改动").count() == 1
        page.goto("/admin/schemes")
        assert page.locator(f"a[href='{draft}']").count() == 0
        assert "参保尚未开始" in page.get_by_role("row", name="2025-01-01").inner_text()


def read_it(walk: Walk) -> None:
    context = walk._browser.new_context(java_script_enabled=walk.scripts, base_url=walk.office.url)
    page = context.new_page()
    page.goto("/anyang/policies/anyang-hospital-2025/")
    changes = page.locator("#changes")
    assert changes.locator("del", has_text="30%").count() == 1
    assert changes.locator("ins", has_text="40%").count() == 1
    page.goto("/anyang/policies/anyang-hospital-2019/")
    assert "2024-12-31" in page.inner_text("main")
    context.close()


LEVER = "#benefit-0-step-0-local-0-1"


def test_a_rate_is_found_on_decided_claims_and_taken_back_by_keyboard(walk):
    """By keyboard alone, in a window as narrow as a phone's."""
    with walk.signed_in("zzreviewer") as page:
        page.set_viewport_size({"width": 360, "height": 800})
        page.goto("/admin/schemes/drafts/new")
        page.select_option("#basis", label=option_of(page, "zhengzhou-hospital-2023"))
        page.get_by_role("button", name="建立草稿").press("Enter")
        page.locator("#do-replay").press("Enter")
        page.locator(LEVER).wait_for()
        assert "草稿第1版" in page.inner_text("#result")
        assert "28,071.19" in page.inner_text("#result")
        page.locator(LEVER).fill("65")
        if not walk.scripts:
            page.locator(LEVER).press("Enter")
        page.locator("#moved").get_by_text("60% 改为 65%").wait_for()
        assert "29,767.50" in page.inner_text("#result")
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.locator("#take-back").press("Enter")
        page.get_by_text("已写回草稿，存为第2版").wait_for()
        assert page.locator(LEVER).input_value() == "65"
        page.locator("#to-draft").press("Enter")
        assert page.locator(RATE).first.input_value() == "65"
