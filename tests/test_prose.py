"""What editors write reads as they meant it, and carries nothing hostile."""

import tomllib
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from huigong.prose import render


@pytest.mark.parametrize(
    ("text", "bold"),
    [
        ("**注意：**先申请", "<strong>注意：</strong>先申请"),
        ("请看**“政策页”**上的数字", "请看<strong>“政策页”</strong>上的数字"),
        ("费用由**市总（本级）**承担", "费用由<strong>市总（本级）</strong>承担"),
        ("按**《办法》**第三条", "按<strong>《办法》</strong>第三条"),
        ("一共**60%**的费用", "一共<strong>60%</strong>的费用"),
        ("先申请，**后住院。**不要忘记", "<strong>后住院。</strong>不要忘记"),
        ("热线**0371-66660520（24小时）**随时可打", "<strong>0371-66660520（24小时）</strong>随时"),
        ("*提示：*请先电话确认", "<em>提示：</em>请先"),
    ],
)
def test_chinese_bold_beside_punctuation_is_bold(text: str, bold: str) -> None:
    assert bold in render(text)


def test_marks_that_are_not_emphasis_stay_as_written() -> None:
    assert render("2 * 3 * 4 = 24") == "<p>2 * 3 * 4 = 24</p>\n"
    assert render("file_name_here") == "<p>file_name_here</p>\n"
    assert "<strong>" not in render(r"\*\*注意：\*\*先申请")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[点我](javascript:alert(1))",
        "[点我](JaVaScRiPt:alert(1))",
        "[点我](data:text/html;base64,PHNjcmlwdD4=)",
        "[点我](vbscript:x)",
        "![图](https://example.com/x.png)",
        '<a href="https://example.com" onclick="x()">a</a>',
        "<iframe src='https://example.com'></iframe>",
        "<svg/onload=alert(1)>",
        '[a](https://example.com "x\\" onmouseover=\\"alert(1)")',
        "<p style='position:fixed'>x</p>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "`<script>`",
        "```html\n<script>alert(1)</script>\n```",
    ],
)
def test_nothing_hostile_comes_out(hostile: str) -> None:
    for tag, attributes in elements(render(hostile)):
        assert tag in {"p", "a", "code", "pre"}
        for name, value in attributes.items():
            assert (tag, name) in {("a", "href"), ("a", "title"), ("a", "rel")}
            assert name != "href" or value.startswith("https://example.com")


def elements(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every element as a browser would see it."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, dict(attrs)))  # type: ignore[method-assign,assignment]
    parser.feed(html)
    return found


def test_html_is_shown_as_it_was_typed() -> None:
    assert render("<b>粗</b>") == "<p>&lt;b&gt;粗&lt;/b&gt;</p>\n"


def test_headings_begin_below_the_pages_own() -> None:
    assert render("# 一\n\n## 二\n\n### 三") == "<h2>一</h2>\n<h2>二</h2>\n<h3>三</h3>\n"


def test_telephones_lists_and_tables_are_kept() -> None:
    assert '<a href="tel:0371-66660520"' in render("[热线](tel:0371-66660520)")
    assert "<ol>" in render("1. 一\n2. 二")
    assert "<td>42.4万人</td>" in render("| 项目 | 数字 |\n|---|---|\n| 覆盖 | 42.4万人 |")
    assert render("第一行\n第二行") == "<p>第一行<br>\n第二行</p>\n"


def test_the_shipped_programs_leave_no_mark_unread() -> None:
    text = (files("huigong") / "site/content/programs.toml").read_text("utf-8")
    for program in tomllib.loads(text)["program"]:
        assert "**" not in render(program["body"]), program["slug"]
