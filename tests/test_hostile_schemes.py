"""Scheme files that no honest person wrote: each is refused with a place and a cure, at once, and
never crashes a loader, a form or whatever reads a plan after it."""

import io
import json
import time

import pytest
from builders_rules import BENEFIT, a_scheme
from builders_scheme_editor import a_desk, a_draft, opened, read, sent

from huigong import plans
from huigong.models import DraftEdition
from huigong.plans.bounds import MOST_CASES
from huigong.plans.retyped import sheet_of
from huigong.plans.typed import scheme_of, tidy

SECONDS = 5.0  # of a machine that others use as well; each takes a hundredth of it alone
STEP = '[[benefit.step]]\nname = "步骤"\nper = "stay"\npay = "60%"\n'
MANY = "9" * 5000


def with_step(line: str) -> str:
    return a_scheme(f'{BENEFIT}[[benefit.step]]\nname = "步骤"\nper = "stay"\n{line}\n')


def by_ages(*groups: str) -> str:
    rates = ", ".join(f'"{group}" = "1%"' for group in groups)
    return with_step(f'by = "age"\npay = {{ {rates} }}')


def table_of_ages_and_years() -> str:
    """Two facts whose branches are grouped otherwise in each: 40 ages by 40 years, cut finer."""
    ages = []
    for age in range(40):
        key = f"{age}以上" if age == 39 else str(age)
        ages.append(f'"{key}" = {{ "1-{age + 2}" = "1%", "{age + 3}以上" = "2%" }}')
    return with_step(f'by = ["age", "years_enrolled"]\npay = {{ {", ".join(ages)} }}')


HOSTILE = {
    "lists in lists": ("a = " + "[" * 5000, "嵌套过深"),
    "lists in lists, closed": ("a = " + "[" * 900 + "]" * 900, "嵌套过深"),
    "tables in tables": ("a = " + "{a=" * 900 + "1" + "}" * 900, "嵌套过深"),
    "a key of many parts": (".".join(["a"] * 5000) + " = 1", "嵌套过深"),
    "a heading of many parts": (f"[{'.'.join(['a'] * 3000)}]\nb = 1", "嵌套过深"),
    "a number of 5000 digits": (a_scheme(f"[claims]\nduring_term = {MANY}\n"), "数字过长"),
    "the same in hexadecimal": (a_scheme(f"[claims]\nduring_term = 0x{MANY}\n"), "数字过长"),
    "an amount of 5000 digits": (with_step(f'cap = "{MANY}元"'), "文字有5001个字"),
    "a cap of 19 digits": (with_step(f'cap = "{MANY[:19]}元"'), "金额过大"),
    "a bound of 19 digits": (
        with_step(f'pay = [["{MANY[:19]}元", "1%"], ["以上", "2%"]]'), "分段上限写法不对"),
    "a sum that no column holds": (with_step(f'amount = "{MANY[:16]}元"'), "金额过大"),
    "a fee that no column holds": (a_scheme(f'[fee]\ntotal = "{MANY[:16]}元"\n'), "金额过大"),
    "a term of a thousand centuries": (
        a_scheme(BENEFIT + STEP).replace('"12个月"', '"9999个月"'), "数字过大"),
    "waiting beyond every calendar": (
        a_scheme(BENEFIT + STEP, top='waiting = "3000000天"'), "数字过大"),
    "filing beyond every calendar": (
        a_scheme(f'{BENEFIT}{STEP}[filing]\nwithin = "{MANY[:12]}天"\nafter = "discharge"\n'),
        "数字过大"),
    "a promise beyond every calendar": (
        a_scheme(f'{BENEFIT}{STEP}[promise]\nwithin = "{MANY[:12]}个工作日"\n'), "数字过大"),
    "more claims than fit a column": (
        a_scheme(f"{BENEFIT}{STEP}[claims]\nduring_term = 10000\n"), "数字过大"),
    "the last day there is": (
        a_scheme(BENEFIT + STEP).replace("2023-12-31", "9999-12-31"), "日期不在1900年至2999年之间"),
    "the first day there is": (
        a_scheme(BENEFIT + STEP).replace("2023-01-01", "0001-01-01"), "日期不在1900年至2999年之间"),
    "a range of a hundred million ages": (by_ages("0-99999999", "100000000以上"), "写法不对"),
    "ages in wide digits": (by_ages("0-59", "６０以上"), "写法不对"),
    "a table cut into thousands": (table_of_ages_and_years(), f"最多{MOST_CASES}种"),
    "a table by seven facts": (
        with_step('by = ["age", "years_enrolled", "place", "hospital_level", "insurance", '
                  '"membership", "employment"]\npay = "1%"'), "最多按6个条件"),
    "hundreds of benefits": (a_scheme((BENEFIT + STEP) * 500), "有500项，最多60项"),
    "hundreds of events": (
        a_scheme("[events]\n" + "".join(f'e{n} = "事"\n' for n in range(200))),
        "有200项，最多60项"),
    "a grade that reads as two": (a_scheme('[grades]\n"a/b" = "甲"\n'), "代号写法不对：a/b"),
    "a text with a NUL": (a_scheme(BENEFIT + STEP).replace("示例计划", r"示例\u0000"), "U+0000"),
    "a text that turns its order": (
        a_scheme(BENEFIT + STEP).replace("示例计划", r"示\u202e例"), "U+202E"),
    "an endless text": (
        a_scheme(BENEFIT + STEP).replace("示例来源", "长" * 3000), "文字有3000个字"),
    "half a character": (
        a_scheme(BENEFIT + STEP).replace("示例计划", r"示\ud800例"), "不是合法的 TOML"),
    "thousands of unknown keys": ("\n".join(f"key{n} = 1" for n in range(4000)), "没有这个键"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_place_and_cure_at_once(name):
    text, words = HOSTILE[name]
    began = time.perf_counter()
    with pytest.raises(plans.SchemeRefused) as refused:
        plans.compile_scheme(text, "来路不明.toml")
    assert time.perf_counter() - began < SECONDS
    told = [str(fault) for fault in refused.value.faults]
    assert any(words in sentence for sentence in told), told[:3]
    assert all(fault.place and fault.cure for fault in refused.value.faults)
    assert max(map(len, told)) < 600  # what is quoted is no flood either


def test_what_stands_at_the_edge_is_taken():
    edge = by_ages("0-59", "60-9998", "9999以上").replace('"12个月"', '"1200个月"')
    plan = plans.compile_scheme(edge.replace("示例来源", "长" * 2000))
    assert plans.compile_scheme(plans.dump(plan)) == plan
    assert plans.compile_table(scheme_of(sheet_of(plan)), "edge.toml") == plan


def test_the_editor_takes_in_none_of_them_and_keeps_its_draft(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    place = f"/admin/schemes/drafts/{draft.id}/toml"
    for name, (text, words) in HOSTILE.items():
        file = (io.BytesIO(text.encode()), "来路不明.toml")
        answer = desk.writer.send(place, {"version": "1", "file": file})
        assert answer.status_code == 422, name
        assert words in read(answer), name
        assert len(answer.data) < 100_000, name
    assert DraftEdition.get_by_id(draft.id).version == 1


def test_a_file_too_large_for_a_scheme_says_so(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    file = (io.BytesIO("长".encode() * 100_000), "长.toml")
    place = f"/admin/schemes/drafts/{draft.id}/toml"
    answer = desk.writer.send(place, {"version": "1", "file": file})
    assert answer.status_code == 422
    assert "文件过大：一个计划最多200千字节" in read(answer)


def test_a_table_of_many_cases_loses_none_of_them_in_the_form(app):
    """192 combinations of six facts: more than sixty rows, which is all that other lists have."""
    values = {
        "insurance": ("employee", "resident"), "membership": ("member", "non_member"),
        "unit_level": ("city", "county"), "place": ("local", "away"),
        "employment": ("regular", "contract", "temporary", "other"), "hospital_level": "123",
    }  # fmt: skip

    def nested(facts: list[str], at: int) -> str:
        if not facts:
            return f'"{at % 100}%"'
        branches = [
            f"{value} = {nested(facts[1:], at * 5 + n)}"
            for n, value in enumerate(values[facts[0]], 1)
        ]
        return f"{{ {', '.join(branches)} }}"

    facts = list(values)
    line = f"by = {json.dumps(facts)}\npay = {nested(facts, 0)}"
    desk = a_desk(app)
    draft = a_draft(desk)
    place = f"/admin/schemes/drafts/{draft.id}/toml"
    assert desk.writer.send(place, {"version": "1", "toml": with_step(line)}).status_code == 303
    before = DraftEdition.get_by_id(draft.id).sheet
    assert len(before["benefit"][0]["step"][0]["cases"]) == 192
    assert sent(desk.writer, draft, opened(desk.writer, draft), "save").status_code == 303
    assert tidy(DraftEdition.get_by_id(draft.id).sheet) == tidy(before)


def test_ranges_typed_without_end_make_no_more_rows_than_a_table_may_have():
    ages = "、".join(map(str, range(1000)))
    step = {"by": ["age", "years_enrolled", "year"]} | {f"keys_{n}": ages for n in (1, 2, 3)}
    sheet = tidy({"benefit": [{"step": [step]}]})
    assert len(sheet["benefit"][0]["step"][0]["cases"]) == MOST_CASES
