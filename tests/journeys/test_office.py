"""The README's walk, as people take it: unit, county, finance, reviewers, and the public.

Each step signs in as another person of the demonstration office; the same walk is taken once
with scripts and once without.
"""

import re
from pathlib import Path

import pytest
from walking import Walk

PUBLISHED = {"total": "53417", "pooled": "38421", "in_scope": "10031", "cash": "14996"}


@pytest.fixture(
    params=[
        pytest.param(True, id="with-scripts"),
        pytest.param(False, id="without-scripts", marks=pytest.mark.once),
    ]
)
def walk(request, browser, demo, tmp_path) -> Walk:
    return Walk(browser, demo, scripts=request.param, downloads=tmp_path)


def test_a_year_in_the_office(walk):
    roster = enroll_128_people(walk)
    approve_and_pay(walk, roster)
    number = file_the_published_claim(walk)
    review_and_decide(walk, number)
    pay_it_out(walk, number)
    refused = hear_from_the_insurer(walk)
    revoke_what_it_refused(walk, refused)
    see_on_a_phone_where_one_is(walk)
    read_the_public_site(walk)


def enroll_128_people(walk: Walk) -> str:
    with walk.signed_in("pyclerk") as page:
        page.goto("/admin/rosters/new")
        template = walk.download(page, "模板")
        assert template.suffix == ".xlsx"
        upload(page, walk, "演示名册-128人-三处错误.xlsx")
        text = page.inner_text("main")
        assert "第12行 身份证号：校验码错误" in text
        assert "有误的 3 行" in text
        returned = walk.download(page, "下载原文件")
        assert "错误原因" in column_titles(returned)
        page.get_by_role("link", name="重新上传").click()
        page.set_input_files("#file", walk.office.walk_file("演示名册-128人-已更正.xlsx"))
        page.locator("main form button").click()
        page.get_by_role("link", name="提交 128 人").click()
        asked = page.inner_text("main")
        assert "128人，10,240.00元" in asked
        for carried in ("6,400.00", "1,280.00", "2,560.00"):  # 自筹50、县区10、市20, each × 128
            assert carried in asked
        page.get_by_role("button", name="提交").dblclick()  # as people do
        page.get_by_text("等待濮阳市示例县总工会的审核人审核").wait_for()
        return page.url


def upload(page, walk: Walk, name: str) -> None:
    page.fill("#cover_from", "2025-01-01")
    page.get_by_label("职工").first.check()
    page.set_input_files("#file", walk.office.walk_file(name))
    page.get_by_role("button", name="上传并校对").click()
    page.get_by_role("heading", name="校对结果").wait_for()


def column_titles(path: Path) -> str:
    from openpyxl import load_workbook

    sheet = load_workbook(path).worksheets[0]
    return " ".join(str(cell.value) for row in sheet.iter_rows(max_row=5) for cell in row)


def approve_and_pay(walk: Walk, roster: str) -> None:
    with walk.signed_in("pycounty") as page:
        page.goto(roster)
        page.get_by_role("link", name="批准…").click()
        page.get_by_role("button", name="批准 128 人参保").click()
        page.get_by_text("应缴与日期").wait_for()
    with walk.signed_in("pyfinance") as page:
        funding = re.sub(r"/rosters/(\d+).*", r"/funding/rosters/\1/", roster)
        page.goto(funding)
        text = page.inner_text("main")
        assert "2025-01-10" in text  # the rest, by the 10th
        assert "2024-12-25" in text  # county and city, by the 25th
        for turn in range(3):
            page.goto(funding)
            page.get_by_role("link", name="登记到账").first.click()
            remaining = page.get_by_text(re.compile(r"^[\d,.]+ 元$")).last.inner_text()
            page.fill("#amount", remaining.removesuffix(" 元"))
            page.fill("#received_on", "2024-12-16")
            page.fill("#bank_reference", f"演示流水{turn}")
            page.get_by_role("button", name="登记到账").click()
            page.get_by_role("heading", name=re.compile("名册|缴费")).first.wait_for()
        page.goto(funding)
        page.get_by_role("link", name="开票确认").first.click()
        page.get_by_role("button", name="确认已开票").click()
        assert "10,240.00" in page.inner_text("main")
    with walk.signed_in("pyclerk") as page:
        page.goto(roster)
        page.get_by_text("参保费已缴清，保障于2025年1月1日生效").wait_for()
        page.goto("/admin/members")
        page.locator("main tbody a").first.click()
        assert re.search(r"PY2025-\d{7}", page.inner_text("main"))


def file_the_published_claim(walk: Walk) -> str:
    with walk.signed_in("zzclerk2") as page:
        page.goto("/admin/claims/new?q=2023")
        if not page.get_by_role("link", name="申报").count():
            page.fill("#q", name_of_a_covered_member(page))
            page.get_by_role("button", name="查找").click()
        page.get_by_role("link", name=re.compile("申报.+的申领")).first.click()
        fill_stay(page, PUBLISHED | {"cash": "14000"})
        page.get_by_role("button", name="提交申报").click()
        page.get_by_role("heading", name="请更正以下内容").wait_for()
        assert "996.00" in page.inner_text("#error-summary")  # the difference, named
        fill_stay(page, PUBLISHED)
        if not walk.scripts:
            page.get_by_role("button", name="试算").last.click()
        page.locator("#reckoned .figure").get_by_text("6,018.60").wait_for()
        assert "60%" in page.inner_text("#reckoned")
        page.get_by_role("button", name="提交申报").click()
        return re.search(r"SL\d{14}", page.inner_text("main")).group()


def name_of_a_covered_member(page) -> str:
    page.goto("/admin/members")
    name = page.locator("main tbody a").first.inner_text()
    page.goto("/admin/claims/new")
    return name.split()[0]


def fill_stay(page, parts: dict[str, str]) -> None:
    page.fill("#stay-0-hospital", "示例市第一人民医院（演示）")
    page.fill("#stay-0-admitted", "2024-03-01")
    page.fill("#stay-0-discharged", "2024-03-09")
    page.select_option("#stay-0-place", "local")
    for part, yuan in parts.items():
        page.fill(f"#stay-0-{part}", yuan)


def review_and_decide(walk: Walk, number: str) -> None:
    with walk.signed_in("zzreviewer") as page:
        press_link(open_claim(page, number), "初审")
        page.get_by_role("button", name="初审通过").click()
        press_link(open_claim(page, number), "复审")
        page.get_by_text("初审与复审不能是同一人").wait_for()
        assert not page.get_by_role("button", name="作出决定").count()
    with walk.signed_in("zzreviewer2") as page:
        press_link(open_claim(page, number), "复审")
        assert page.input_value("#amount") == "6018.60"
        page.get_by_label("同意给付").check()
        page.get_by_role("button", name="作出决定").click()
        press_link(open_claim(page, number), "给付通知书")
        notice = page.inner_text("main")
        for said in ("6,018.60", "陆仟零壹拾捌元陆角整", "60%"):
            assert said in notice
        printed = page.pdf(prefer_css_page_size=True)  # no heading alone at a page's foot
        assert len(re.findall(rb"/Type /Page[\s/>]", printed)) == 1


def open_claim(page, number: str):
    page.goto(f"/admin/claims?q={number}")
    press_link(page, number)
    return page


def press_link(page, name: str) -> None:
    page.locator("main").get_by_role("link", name=name, exact=True).first.click()


def pay_it_out(walk: Walk, number: str) -> None:
    with walk.signed_in("zzfinance") as page:
        page.goto("/admin/payouts/")
        press_link(page, "制作发放批次")
        page.get_by_label(f"选择 {number}").check()
        page.get_by_role("button", name="制成批次").click()
        page.get_by_role("link", name="撤回批次").wait_for()
        assert not page.get_by_role("link", name="复核放行").count()  # another person releases
        batch = page.url
    with walk.signed_in("zzfinance2") as page:
        page.goto(batch)
        press_link(page, "复核放行")
        page.get_by_role("button", name="放行这个批次").click()
        with page.expect_download() as found:
            page.get_by_role("button", name="下载银行文件（Excel）").click()
        bank_file = walk.downloads / found.value.suggested_filename
        found.value.save_as(bank_file)
        assert "收款人姓名" in column_titles(bank_file)


def hear_from_the_insurer(walk: Walk) -> str:
    """Send what waits, take the insurer's answer, and decide what it does not simply pay; the
    number of the claim that it refused and whose revocation was asked."""
    with walk.signed_in("ayreviewer") as page:
        open_insurers_claims(page)
        assert "1 件，共" in page.inner_text("main")
        page.get_by_role("button", name="送出（.xlsx）").dblclick()
        page.get_by_role("heading", name="送出的申领").wait_for()
        with page.expect_download() as found:
            page.get_by_role("button", name="下载文件").click()
        sent = walk.downloads / found.value.suggested_filename
        found.value.save_as(sent)
        assert "支付流水号" in column_titles(sent)
    with walk.signed_in("ayfinance") as page:
        open_insurers_claims(page)
        assert "现在没有要送承办方的申领" in page.inner_text("main"), "sent once by a double click"
        press_link(page, "导入回执")
        page.set_input_files("#file", walk.office.walk_file("演示承办方回执-四件.xlsx"))
        page.locator("main form button").click()
        page.get_by_text("已支付，金额相同，登记发放").wait_for()
        page.get_by_role("button", name="登记").first.click()
        page.get_by_text("已登记 4 行回执").wait_for()
        settle(page, "已支付", "按我们核定的金额登记为已支付", "已电话核对，差额由对方补付")
        settle(page, "要求补材料", "仍由承办方办理", "已请单位补交")
        return settle(page, "拒付", "并提请撤销我们的决定", "已核对工伤认定，理由成立")


def open_insurers_claims(page) -> None:
    page.goto("/admin/operator")
    page.locator("main").get_by_role("link", name=re.compile("^申领")).click()
    page.get_by_role("heading", name="往来文件").wait_for()


def settle(page, said: str, verdict: str, reason: str) -> str:
    """Decide the open answer of a kind; the number of its claim."""
    open_insurers_claims(page)
    row = page.locator("main tbody tr").filter(has_text=said).filter(has_text="待处理").first
    number = row.get_by_role("link").inner_text()
    row.get_by_role("link").click()
    page.get_by_label(re.compile(verdict)).check()
    page.fill("#reason", reason)
    page.get_by_role("button", name="确定").click()
    page.get_by_text("已处理这份回执").wait_for()
    return number


def revoke_what_it_refused(walk: Walk, number: str) -> None:
    with walk.signed_in("ayreviewer2") as page:
        page.goto("/admin/")
        press_link(page, "件提请撤销的决定待答复")
        press_link(page, number)
        assert "已核对工伤认定，理由成立" in page.inner_text("main")
        page.get_by_label("撤销原决定").check()
        page.get_by_role("button", name="答复").click()
        page.get_by_text("已撤销原决定，申领重新等待初审").wait_for()
        press_link(page, "撤销决定告知书")
        assert "工伤" in page.inner_text("main")


def see_on_a_phone_where_one_is(walk: Walk) -> None:
    with walk.signed_in("zzadmin") as page:
        page.set_viewport_size({"width": 360, "height": 700})
        page.goto("/admin/audit")
        here = page.locator(".menu a[aria-current]").bounding_box()
        is_seen = here["x"] >= 0 and here["x"] + here["width"] <= 360
        assert is_seen or not walk.scripts


def read_the_public_site(walk: Walk) -> None:
    context = walk._browser.new_context(java_script_enabled=walk.scripts, base_url=walk.office.url)
    page = context.new_page()
    page.goto("/zhengzhou/policies/zhengzhou-hospital-2023/")
    text = page.inner_text("main")
    for said in ("每人75元", "30元", "45元", "60%", "50%", "100,000元", "保障期内可申领2次"):
        assert said in text
    assert "启动仪式报道" in text
    if walk.scripts:
        page.get_by_label(re.compile("符合医保政策剩余")).first.fill("10031")
        page.get_by_text("6,018.60").last.wait_for()
    else:
        assert "6,018.60" in text  # the worked examples stand in the calculator's place
    page.goto("/puyang/policies/puyang-hospital-2025/")
    assert "以当地工会最新通知为准" in page.inner_text("main")
    context.close()
