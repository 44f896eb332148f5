"""Every form a scheme can take, from its text through the rules, the explanation, the calculator,
the editor's form and the policy page. The rows are in forms.py."""

import json

import pytest
from builders import NOW, a_city
from builders_rules import a_scheme
from builders_scheme_editor import a_desk, form_of
from builders_site import an_edition_from
from forms import FORMS, Form
from test_calculator import needs_node, ruled, said, under_node
from test_site import built, words_of

from huigong import rules, sentences
from huigong.cli_scheme import _claim, assess_json
from huigong.models import DraftEdition
from huigong.plans import compile_scheme
from huigong.plans.retyped import sheet_of
from huigong.plans.typed import blank
from huigong.site.calculation import calculation
from huigong.workflows import drafting

BY_NAME = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)


def text_of(form: Form, number: int = 0) -> str:
    return a_scheme(form.body, top=form.top, scheme_id=f"form-{number}-2023")


@BY_NAME
def test_claims_are_paid_step_by_step_and_explained(form):
    plan = compile_scheme(text_of(form))
    body, _ = assess_json(plan, json.dumps(form.case))
    for answer, paid in zip(body["claims"], form.paid, strict=True):
        if isinstance(paid, str):
            assert [refusal["field"] for refusal in answer["refused"]] == [paid]
            continue
        assert answer["refused"] == []
        assert [(step["name"], step["after"]) for step in answer["steps"]] == paid
    claims = [_claim(claim, []) for claim in form.case["claims"]]
    found = rules.assess(plan, {**form.case, "claims": claims}).claims
    told = "\n".join(sentences.step_words(plan, step) for one in found for step in one.steps)
    for words in form.told:
        assert words in told


@needs_node
def test_the_calculator_says_the_same_of_every_form():
    made = [compile_scheme(text_of(form)) for form in FORMS]
    cases = [[str(number), form.case] for number, form in enumerate(FORMS)]
    found = under_node({"plans": dict(enumerate(map(calculation, made))), "cases": cases})
    for form, plan, answers in zip(FORMS, made, found, strict=True):
        assert [said(answer) for answer in answers] == list(ruled(plan, form.case)), form.name


@BY_NAME
def test_the_editor_s_form_says_it_and_changes_it(app, form):
    """Typed field by field into a draft begun from nothing; then one figure typed anew."""
    desk, text = a_desk(app), text_of(form)
    model, own = (
        drafting.begin_draft(
            organization=desk.city, basis=None, sheet=sheet, by=desk.users[0], at=NOW
        )
        for sheet in (sheet_of(compile_scheme(text)), blank())
    )
    shown = desk.writer.get(f"/admin/schemes/drafts/{model.id}").get_data(as_text=True)
    assert "规则完整" in shown
    fields = form_of(shown)
    old, new, names, values = form.change
    assert old in text
    changed = dict(zip(names.split(), values.split(" "), strict=True))
    assert set(changed) <= set(fields)
    for number, typed, wanted in ((1, {}, text), (2, changed, text.replace(old, new))):
        posted = {**fields, **typed, "version": str(number), "do": "save"}
        assert desk.writer.send(f"/admin/schemes/drafts/{own.id}", posted).status_code == 303
        saved = DraftEdition.get_by_id(own.id)
        assert drafting.plan_of(saved) == compile_scheme(wanted)


def test_the_policy_page_prints_every_form(office):
    city = a_city("示例市总工会", "example")
    for number, form in enumerate(FORMS):
        an_edition_from(text_of(form, number), city)
    site = built(office, NOW.date())
    for number, form in enumerate(FORMS):
        page = words_of(site[f"/example/policies/form-{number}-2023/"])
        notice = words_of(site[f"/example/policies/form-{number}-2023/notice/"])
        for words in form.prints:
            assert words in page, f"{form.name}: {words}"
            assert words in notice, f"{form.name}: {words}"
