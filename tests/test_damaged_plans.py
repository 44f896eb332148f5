"""A damaged or unknown plan stops its own scheme with one sentence, and nothing else."""

from copy import deepcopy

import pytest
from builders import a_city, a_user, signed_in
from builders_claims import an_approved_claim, an_enrollment
from builders_funding import a_paid_roster
from builders_schemes import a_published_edition
from peewee import Value

from huigong.models import Edition, Role
from huigong.plans import plan_hash
from huigong.plans.soundness import LOST, SOUND, UNKNOWN, soundness
from huigong.workflows import verification


def unheard_of(plan: dict) -> dict:
    changed = deepcopy(plan)
    changed["operator"] = "unheard_of"
    for benefit in changed["benefit"]:
        benefit["step"][0]["form"] = "unheard_of"
    return changed


def break_text(edition: Edition) -> None:
    raw = Value("{not json", converter=False)
    Edition.update({Edition.plan: raw}).where(Edition.id == edition.id).execute()


def replace_by_unknown(edition: Edition) -> None:
    plan = unheard_of(edition.plan)
    changed = {"plan": plan, "plan_hash": plan_hash(plan)}
    Edition.update(**changed).where(Edition.id == edition.id).execute()


DAMAGES = {"已损坏": break_text, "本系统不认识": replace_by_unknown}


def test_a_plan_is_sound_as_published_and_not_otherwise(office):
    edition = a_published_edition("anyang-hospital-2019", a_city())
    plan = unheard_of(edition.plan)
    assert soundness(edition.plan, edition.plan_hash) == SOUND
    assert soundness(plan, plan_hash(plan)) == UNKNOWN
    break_text(edition)
    assert soundness(Edition.get_by_id(edition.id).plan, edition.plan_hash) == LOST


@pytest.mark.parametrize("words", DAMAGES)
def test_every_page_of_a_damaged_scheme_says_so_and_the_others_go_on(app, office, words):
    city = a_city("示例市总工会")
    claims = [
        an_approved_claim(an_enrollment(a_published_edition(code, city)))
        for code in ("zhengzhou-hospital-2023", "anyang-hospital-2019")
    ]
    damaged, whole = (claim.enrollment.edition for claim in claims)
    DAMAGES[words](damaged)
    browser = signed_in(app, a_user(*Role, at=city))
    for claim in claims:
        answer = browser.get(f"/admin/claims/{claim.id}")
        assert answer.status_code in (200, 409)
    page = browser.get(f"/admin/claims/{claims[1].id}").get_data(as_text=True)
    assert words not in page
    assert browser.get(f"/admin/schemes/{damaged.id}").status_code in (200, 409)
    assert words in browser.get(f"/admin/schemes/{damaged.id}").get_data(as_text=True)
    assert browser.get(f"/admin/schemes/{whole.id}").status_code == 200
    [told] = [f for f in verification.findings(office.files) if words in f]
    assert damaged.code in told


@pytest.mark.parametrize("words", DAMAGES)
def test_money_of_a_damaged_scheme_waits_and_no_page_breaks(app, office, words):
    roster = a_paid_roster()
    city = roster.edition.organization
    DAMAGES[words](roster.edition)
    browser = signed_in(app, a_user(*Role, at=city))
    for where in ("", f"rosters/{roster.id}", f"funding/rosters/{roster.id}/", "funding/",
                  "funding/receipts", "ledger/", "schemes", "members", "payouts/"):  # fmt: skip
        answer = browser.get(f"/admin/{where}")
        assert answer.status_code < 500, where
        assert answer.status_code == 200 or words in answer.get_data(as_text=True), where
