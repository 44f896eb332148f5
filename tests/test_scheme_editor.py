"""The scheme editor: a form for every scheme, checked beside its fields, published by another."""

import re
from random import Random

import pytest
from builders import NOW, a_city, a_county, a_user, signed_in
from builders_scheme_editor import RATE, a_desk, a_draft, form_of, opened, read, sent
from invented import invent

from huigong.admin.schemes.layout import errors_of, sections
from huigong.admin.schemes.rows import with_rows_changed
from huigong.models import AuditEvent, DraftEdition, Role
from huigong.plans import SchemeRefused, compile_scheme, compile_table
from huigong.plans.curves import span_of_key
from huigong.plans.retyped import sheet_of
from huigong.plans.typed import blank, scheme_of, tidy
from huigong.plans.vocabulary import FACTS
from huigong.refusals import Refused
from huigong.workflows import drafting, schemes

# ── Typed out and back ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [code for code, _ in schemes.shipped()])
def test_a_shipped_scheme_typed_out_and_back_is_the_same_plan(code):
    plan = compile_scheme(dict(schemes.shipped())[code], code)
    sheet = sheet_of(plan)
    assert tidy(sheet) == sheet
    assert compile_table(scheme_of(sheet), code) == plan


@pytest.mark.parametrize("seed", range(60))
def test_any_scheme_typed_out_and_back_is_the_same_plan(seed):
    text, _ = invent(Random(seed))  # noqa: S311 made-up schemes, no secrets
    plan = compile_scheme(text, "x.toml")
    again = compile_table(scheme_of(sheet_of(plan)), "x.toml")
    assert everything_chosen(again) == everything_chosen(plan)


def everything_chosen(plan):
    """The plan with each table as what every value chooses: the form may cut groups finer, where
    the branches of a table group whole numbers otherwise."""

    def spelled(by, node):
        if not by:
            return node
        fact = FACTS[by[0]]
        if fact.choices or by[0] == "grade":
            return {key: spelled(by[1:], below) for key, below in node.items()}
        spans = [(*span_of_key(key), below) for key, below in node.items()]
        return {
            value: spelled(by[1:], below)
            for first, last, below in spans
            for value in range(first, min(last or 2100, 2100) + 1)
            if value < 120 or value > 2000
        }

    steps = [
        [{**step, "table": spelled(step["by"], step["table"])} for step in benefit["step"]]
        for benefit in plan["benefit"]
    ]
    fee = dict(plan["fee"] or {})
    for key in ("total", "share"):
        if isinstance(fee.get(key), dict) and fee[key]:
            fee[key] = spelled(fee["by"], fee[key])
    benefits = [b | {"step": s} for b, s in zip(plan["benefit"], steps, strict=True)]
    return {**plan, "benefit": benefits, "fee": fee}


def test_units_may_be_typed_or_left_out_and_wide_digits_count():
    sheet = sheet_of(compile_scheme(dict(schemes.shipped())["anyang-hospital-2019"]))
    sheet["fee"]["cases"][0]["total"] = "９０元"
    sheet["benefit"][0]["step"][1]["cases"][0]["amount"] = "100,000 元"
    sheet["benefit"][0]["step"][0]["cases"][0]["bands"][0]["value"] = "30%"
    plan = compile_table(scheme_of(sheet), "x.toml")
    assert plan == compile_scheme(dict(schemes.shipped())["anyang-hospital-2019"])


def test_a_table_by_facts_asks_for_every_value_once():
    sheet = tidy(
        {"benefit": [{"step": [{"by": ["place", "years_enrolled"], "keys_2": "1、2以上"}]}]}
    )
    cases = [case["at"] for case in sheet["benefit"][0]["step"][0]["cases"]]
    assert cases == ["local/1", "local/2以上", "away/1", "away/2以上"]


def test_what_was_typed_for_a_case_stays_when_its_group_is_renamed():
    typed = {"by": ["years_enrolled"], "keys_1": "1、2以上", "form": "cap",
             "cases": [{"at": "1", "amount": "10"}, {"at": "2以上", "amount": "20"}]}  # fmt: skip
    sheet = tidy({"benefit": [{"step": [{**typed, "keys_1": "1-2、3以上"}]}]})
    cases = sheet["benefit"][0]["step"][0]["cases"]
    assert [(case["at"], case["amount"]) for case in cases] == [("1-2", "10"), ("3以上", "20")]


@pytest.mark.parametrize("raw", [None, [], "x", {"fee": "x", "benefit": {"1": 2}, "require": [1]}])
def test_anything_posted_becomes_a_sheet(raw):
    sheet = tidy(raw)
    assert tidy(sheet) == sheet
    sections(sheet)
    with pytest.raises(SchemeRefused):
        compile_table(scheme_of(sheet), "x.toml")


# ── Faults beside their fields ──────────────────────────────────────────────────────────────


def _faults_of(sheet) -> dict[str, str]:
    sheet = tidy(sheet)
    try:
        compile_table(scheme_of(sheet), "x.toml")
    except SchemeRefused as refused:
        return errors_of(sections(sheet), refused.faults)
    return {}


def anyang():
    return sheet_of(compile_scheme(dict(schemes.shipped())["anyang-hospital-2019"]))


def test_each_fault_stands_beside_its_field_with_a_cure_in_the_words_of_the_form():
    sheet = anyang()
    sheet["name"] = ""
    sheet["enrolled"]["from"] = "明年"
    sheet["fee"]["cases"][0]["total"] = "九十"
    sheet["benefit"][0]["step"][0]["per"] = ""
    sheet["benefit"][0]["step"][0]["cases"][0]["bands"][0]["value"] = "130"
    sheet["benefit"][0]["step"][1]["cases"][0]["amount"] = ""
    found = _faults_of(sheet)
    assert found == {
        "name": "还没有填写",
        "enrolled-from": "“明年”不是日期，写成 2025-01-01 的样子",
        "fee-cases-1-total": "“九十”不是金额，只写数字，最多两位小数",
        "benefit-1-step-1-per": "还没有选择",
        "benefit-1-step-1-cases-1-bands-1-row": "比例超过100%：130%。比例须在 0% 至 100% 之间",
        "benefit-1-step-2-cases-1-amount": "还没有填写",
    }


def test_no_fault_of_the_form_speaks_toml():
    sheet = blank()
    sheet["pool"] = [{"of": ["gone"]}]
    sheet["require"] = [{"fact": "age", "low": "x", "high": ""}, {}, {"fact": "insurance"}]
    sheet["document"] = [{"form": "z", "copies": "x"}]
    sheet["group"]["people"] = "几"
    sheet["benefit"] = [{"event": "gone", "step": [{"form": "daily"}, {"by": ["grade"]}]}]
    for words in _faults_of(sheet).values():
        assert not re.search(r'["\[\]={}]|None|\bid\b|toml', words), words


def test_shares_that_do_not_add_up_are_told_at_their_case():
    sheet = sheet_of(compile_scheme(dict(schemes.shipped())["zhengzhou-hospital-2023"]))
    case = sheet["fee"]["cases"][0]
    case["rest"] = "44"
    [(key, words)] = _faults_of(sheet).items()
    assert key == "fee-cases-1-row"
    assert "相等" in words


def test_rows_are_added_dropped_and_moved_without_losing_what_was_typed():
    sheet = anyang()
    names = lambda s: [step["name"] for step in s["benefit"][0]["step"]]  # noqa: E731 said thrice
    assert names(with_rows_changed(anyang(), "add-benefit-1-step")) == ["分段比例", "年度封顶", ""]
    assert names(with_rows_changed(anyang(), "down-benefit-1-step-1")) == ["年度封顶", "分段比例"]
    assert names(with_rows_changed(anyang(), "drop-benefit-1-step-1")) == ["年度封顶"]
    for nonsense in ("drop-benefit-9", "up-name", "add-name", "drop-", "x", "up-benefit-1-step-1"):
        assert with_rows_changed(anyang(), nonsense) == sheet


# ── The screens ─────────────────────────────────────────────────────────────────────────────


def test_a_draft_begins_from_the_edition_in_force_with_its_own_number_and_dates(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    assert draft.sheet["id"] == "anyang-hospital-2025"
    assert draft.sheet["enrolled"] == {"from": "2025-01-01", "to": ""}
    page = read(desk.writer.get(f"/admin/schemes/drafts/{draft.id}"))
    assert "规则完整" in page
    assert draft.name in read(desk.writer.get("/admin/schemes"))


def test_checking_shows_the_examples_and_the_difference_and_saves_nothing(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    page = read(sent(desk.writer, draft, {**opened(desk.writer, draft), RATE: "40"}, "check"))
    assert re.search(r"300\.00</td>\s*<td class=\"number\">400\.00", page)
    assert "<del>30%</del>" in page
    assert "<ins>40%</ins>" in page
    assert "有未保存的修改" in page
    assert DraftEdition.get_by_id(draft.id).version == 1


def test_a_row_button_keeps_what_was_typed(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    form = {**opened(desk.writer, draft), "name": "还没写完"}
    answer = sent(desk.writer, draft, form, "add-document")
    assert answer.status_code == 200
    assert 'value="还没写完"' in read(answer)
    assert 'name="document-1-name"' in read(answer)


def test_a_cliff_is_told_with_how_much_more_one_fen_pays(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    form = {**opened(desk.writer, draft), "benefit-1-step-1-whole": "1"}
    page = read(sent(desk.writer, draft, form, "check"))
    assert "台阶提醒" in page
    assert "多一分钱的费用多付200" in page


def test_a_draft_with_faults_is_kept_and_told_but_not_published(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    answer = sent(desk.writer, draft, {**opened(desk.writer, draft), RATE: "很多"}, "save")
    assert answer.status_code == 303
    page = read(desk.second.get(f"/admin/schemes/drafts/{draft.id}"))
    assert "“很多”不是比例" in page
    assert 'value="很多"' in page
    page = read(desk.second.get(f"/admin/schemes/drafts/{draft.id}/publication"))
    assert "现在不能发布" in page
    assert 'name="seen"' not in page
    with pytest.raises(Refused):
        drafting.publish_draft(draft, seen="", by=desk.users[1], at=NOW)


def test_the_second_of_two_savings_is_told_what_changed_and_loses_nothing(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    mine, theirs = opened(desk.writer, draft), opened(desk.second, draft)
    assert sent(desk.second, draft, {**theirs, RATE: "35"}, "save").status_code == 303
    answer = sent(desk.writer, draft, {**mine, RATE: "40"}, "save")
    page = read(answer)
    assert answer.status_code == 409
    assert "35%" in page
    assert "40%" in page
    kept = form_of(page)
    assert kept[RATE] == "40"
    assert (
        DraftEdition.get_by_id(draft.id).sheet["benefit"][0]["step"][0]["cases"][0]["bands"][0][
            "value"
        ]
        == "35"
    )
    assert sent(desk.writer, draft, kept, "save").status_code == 303
    assert opened(desk.writer, draft)[RATE] == "40"


def test_a_draft_is_discarded_only_as_it_was_looked_at(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    assert "不能恢复" in read(desk.writer.get(f"/admin/schemes/drafts/{draft.id}/discard"))
    sent(desk.second, draft, {**opened(desk.second, draft), RATE: "35"}, "save")
    where = f"/admin/schemes/drafts/{draft.id}/discard"
    assert desk.writer.send(where, {"version": "1"}).status_code == 409
    assert desk.writer.send(where, {"version": "2"}).status_code == 303
    assert DraftEdition.select().count() == 0
    deeds = [event.deed for event in AuditEvent.select().order_by(AuditEvent.id)]
    assert deeds == ["begin edition draft", "save edition draft", "discard edition draft"]


def test_toml_comes_out_and_goes_in_again(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    text = read(desk.writer.get(f"/admin/schemes/drafts/{draft.id}/file"))
    assert compile_scheme(text)["id"] == "anyang-hospital-2025"
    where = f"/admin/schemes/drafts/{draft.id}/toml"
    form = {"version": "1", "toml": text.replace('"30%"', '"45%"')}
    assert desk.writer.send(where, form).status_code == 303
    assert opened(desk.writer, draft)[RATE] == "45"
    published = read(desk.writer.get(f"/admin/schemes/{desk.edition.id}/file"))
    assert compile_scheme(published) == desk.edition.plan


def test_toml_with_faults_replaces_nothing_and_names_each(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    answer = desk.writer.send(
        f"/admin/schemes/drafts/{draft.id}/toml", {"version": "1", "toml": "id = 1.5\nx = 2"}
    )
    assert answer.status_code == 422
    assert "没有这个键：x" in read(answer)
    assert "id = 1.5" in read(answer)
    assert DraftEdition.get_by_id(draft.id).version == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "请选择从哪里开始"),
        ({"start": "edition"}, "请选择一个已有的计划"),
        ({"start": "toml"}, "请粘贴 TOML"),
    ],
)
def test_beginning_says_what_is_missing(app, form, said):
    answer = a_desk(app).writer.send("/admin/schemes/drafts/new", form)
    assert answer.status_code == 422
    assert said in read(answer)


def test_a_scheme_may_begin_from_nothing_or_from_toml(app):
    desk = a_desk(app)
    city = {"city": str(desk.city.id)}
    blank_one = desk.writer.send("/admin/schemes/drafts/new", {"start": "blank", **city})
    assert "处需要更正" in read(desk.writer.get(blank_one.location))
    text = dict(schemes.shipped())["puyang-hospital-2025"]
    given = desk.writer.send("/admin/schemes/drafts/new", {"start": "toml", "toml": text, **city})
    assert "规则完整" in read(desk.writer.get(given.location))


def test_a_draft_of_another_city_is_neither_begun_nor_seen(app):
    desk = a_desk(app)
    draft = a_draft(desk)
    foreign = signed_in(app, a_user(Role.REVIEWER, at=a_city("外地总工会")))
    form = {"start": "edition", "basis": str(desk.edition.id)}
    assert foreign.send("/admin/schemes/drafts/new", form).status_code == 404
    assert foreign.get(f"/admin/schemes/drafts/{draft.id}").status_code == 404
    county = signed_in(app, a_user(Role.REVIEWER, at=a_county(desk.city)))
    assert county.get(f"/admin/schemes/drafts/{draft.id}").status_code == 404
    assert county.send("/admin/schemes/drafts/new", form).status_code == 404
    assert "起草新的一版" not in read(county.get("/admin/schemes"))
