"""A roster's page says at every stage who must do what next."""

import re
from datetime import date

from builders import NOW, TODAY, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_submitted_roster,
    an_approved_roster,
)
from builders_funding import a_finance, paid

from huigong import clock
from huigong.models import Role
from huigong.workflows import enrollment, funding


def next_step(app, roster):
    """The sentence and the primary button, as a clerk of the unit reads them."""
    client = signed_in(app, a_user(Role.CLERK, at=roster.organization))
    page = client.get(f"/admin/rosters/{roster.id}").get_data(as_text=True)
    sentence = page.split("下一步：</strong>")[1].split("</p>")[0]
    button = re.search(r'<a class="button" href="[^"]+">([^<]+)</a>', page)
    return re.sub("<[^>]+>", "", sentence).strip(), button.group(1) if button else ""


def test_columns_that_nobody_explained_come_before_the_submission(app):
    roster = a_drafted_roster(people=[a_person(班组="一班")])
    sentence, button = next_step(app, roster)
    assert sentence == f"请{roster.made_by.name}先说明没有采用的列（班组），再核对提交。"
    assert button == "说明没有采用的列…"


def test_the_same_file_once_more_is_to_be_withdrawn(app):
    unit, content = a_county_unit(), a_roster_file(2)
    a_submitted_roster(unit, content=content)
    again = a_drafted_roster(unit, content=content)
    sentence, button = next_step(app, again)
    assert sentence == f"这些人都已参保或已提交，不用再报，请{again.made_by.name}撤回。"
    assert button == ""


def test_an_approved_roster_names_who_pays_who_receipts_and_when_cover_is_in_force(app):
    roster = an_approved_roster()
    receiver, finance = roster.edition.organization.name, a_finance(roster)
    unit, county = roster.organization.name, roster.organization.parent.name
    sentence, _ = next_step(app, roster)
    assert sentence.startswith(
        f"请{receiver}、{county}、{unit}按应缴日期汇款，由{receiver}财务登记"
    )
    clock.fix(date(2025, 1, 2))
    assert "全部缴清后，保障自2025年1月1日算起。" in next_step(app, roster)[0]
    clock.fix(TODAY)
    for due in roster.dues:
        paid(due)
    sentence, _ = next_step(app, roster)
    assert sentence == (
        f"请{receiver}财务开票确认；参保费已缴清，保障于2025年1月1日生效。缴费和收据"
    )
    funding.confirm_receipt(roster, by=finance, at=NOW)
    assert next_step(app, roster)[0] == "参保费已缴清，保障于2025年1月1日生效。缴费和收据"
    clock.fix(date(2025, 1, 1))
    assert next_step(app, roster)[0].startswith("参保费已缴清，保障已于2025年1月1日生效。")
    clock.fix(date(2026, 1, 1))
    assert next_step(app, roster)[0].startswith("参保费已缴清，保障已于2025年12月31日到期。")


def test_a_start_that_has_passed_is_told_before_the_submission_and_before_the_approval(app):
    roster = a_drafted_roster()
    clerk = signed_in(app, roster.made_by)
    reviewer = signed_in(app, a_user(Role.REVIEWER, at=roster.organization.parent))

    def told(client, page):
        asked = client.get(f"/admin/rosters/{roster.id}/{page}").get_data(as_text=True)
        return "保障开始日2025年1月1日已过" in asked

    assert not told(clerk, "submit")
    clock.fix(date(2025, 1, 2))
    assert told(clerk, "submit")
    enrollment.submit_roster(roster, clean_only=False, by=roster.made_by, at=NOW)
    assert told(reviewer, "approve")
