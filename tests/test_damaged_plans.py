"""A damaged or unknown plan stops its own scheme with one sentence, and nothing else."""

import json
from copy import deepcopy
from datetime import timedelta

import pytest
from builders import TODAY, a_city, a_user, signed_in
from builders_claims import (
    an_approved_claim,
    an_enrollment,
    an_event_claim,
    covered_by,
    decided,
)
from builders_funding import a_paid_roster
from builders_scheme_editor import a_desk, a_draft
from builders_schemes import a_published_edition
from click.testing import CliRunner
from peewee import Value

from huigong.cli_scheme import scheme_commands
from huigong.models import DraftEdition, Edition, Role
from huigong.plans import plan_hash
from huigong.plans.soundness import LOST, SOUND, UNKNOWN, soundness
from huigong.site.build import build
from huigong.workflows import verification
from huigong.workflows.schemes import plan_of


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


def make_list(edition: Edition) -> None:
    raw = Value("[1, 2]", converter=False)
    Edition.update({Edition.plan: raw}).where(Edition.id == edition.id).execute()


def nest_without_end(edition: Edition) -> None:
    raw = Value("[" * 100_000, converter=False)
    Edition.update({Edition.plan: raw}).where(Edition.id == edition.id).execute()


def raise_a_rate(edition: Edition) -> None:
    """Whoever writes in the database pays more, but the hash stays."""
    plan = json.loads(json.dumps(edition.plan).replace("5000", "9000"))
    assert plan != edition.plan
    Edition.update(plan=plan).where(Edition.id == edition.id).execute()


def take_another_hash(edition: Edition) -> None:
    Edition.update(plan_hash="f" * 64).where(Edition.id == edition.id).execute()


def lose_its_shape(edition: Edition) -> None:
    """With a hash of its own: whoever did it knew how."""
    plan = {**edition.plan, "benefit": [1]}
    changed = {"plan": plan, "plan_hash": plan_hash(plan)}
    Edition.update(**changed).where(Edition.id == edition.id).execute()


def wait_beyond_every_calendar(edition: Edition) -> None:
    plan = {**edition.plan, "waiting_days": 10**12}
    changed = {"plan": plan, "plan_hash": plan_hash(plan)}
    Edition.update(**changed).where(Edition.id == edition.id).execute()


DAMAGES = {"已损坏": break_text, "本系统不认识": replace_by_unknown}
EVERY = {
    break_text: "已损坏", make_list: "已损坏", nest_without_end: "已损坏",
    raise_a_rate: "校验值不符", take_another_hash: "校验值不符",
    replace_by_unknown: "本系统不认识", lose_its_shape: "本系统不认识",
    wait_beyond_every_calendar: "本系统不认识",
}  # fmt: skip


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
    revoking = browser.get(f"/admin/claims/{claims[0].id}/reconsideration")
    assert revoking.status_code in (200, 409)
    assert words in revoking.get_data(as_text=True)
    page = browser.get(f"/admin/claims/{claims[1].id}").get_data(as_text=True)
    assert words not in page
    assert browser.get(f"/admin/schemes/{damaged.id}").status_code in (200, 409)
    assert words in browser.get(f"/admin/schemes/{damaged.id}").get_data(as_text=True)
    assert browser.get(f"/admin/schemes/{whole.id}").status_code == 200
    [told] = [f for f in verification.findings(office.files) if words in f]
    assert damaged.code in told


@pytest.mark.parametrize("damage", EVERY)
def test_the_notice_of_a_decided_claim_prints_the_steps_it_was_decided_by(app, office, damage):
    claim = an_approved_claim()
    browser = signed_in(app, a_user(*Role, at=claim.enrollment.edition.organization))
    whole = browser.get(f"/admin/claims/{claim.id}/notice").get_data(as_text=True)
    damage(claim.enrollment.edition)
    answer = browser.get(f"/admin/claims/{claim.id}/notice")
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert EVERY[damage] in page
    sheet = page[page.index("<article") : page.index("</article>")]
    assert sheet == whole[whole.index("<article") : whole.index("</article>")]


@pytest.mark.parametrize("words", DAMAGES)
def test_an_event_claims_notice_leaves_out_only_what_the_plan_has_words_for(app, office, words):
    cover = covered_by("example-office-2024")
    claim = decided(an_event_claim(cover, "accident", grade="light"))
    browser = signed_in(app, a_user(*Role, at=cover.edition.organization))
    DAMAGES[words](cover.edition)
    page = browser.get(f"/admin/claims/{claim.id}/notice").get_data(as_text=True)
    assert "怎样算出来的" in page
    assert str(cover.cover_from + timedelta(days=100)) in page, "the day it happened"
    assert "accident" not in page[page.index("<article") :]
    assert "要等计划恢复后才能印上" in page


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


def test_however_a_plan_is_damaged_each_reader_stops_for_it_alone(app, office):
    """The site and its calculator, the lists, the editor, the replay, the terminal and verify."""
    city = a_city("示例市总工会")
    codes = ("zhengzhou-hospital-2023", "anyang-hospital-2019")
    damaged, whole = (
        an_approved_claim(an_enrollment(a_published_edition(code, city))).enrollment.edition
        for code in codes
    )
    assert "5000" in json.dumps(damaged.plan)
    kept = Edition.select().where(Edition.id == damaged.id).dicts().get()
    browser = signed_in(app, a_user(*Role, at=city))
    given = json.dumps({"claims": []})
    command = scheme_commands(_office_plan_of)
    for damage, words in EVERY.items():
        damage(Edition.get_by_id(damaged.id))
        said = damage.__name__
        for place in ("schemes", "schemes/drafts/new", "replay", "operator", "transfers/", "",
                      f"schemes/{whole.id}", f"replay?rules={whole.id}", "claims"):  # fmt: skip
            assert browser.get(f"/admin/{place}").status_code == 200, (said, place)
        listed = browser.get("/admin/schemes").get_data(as_text=True)
        assert "规则已损坏，已停用" in listed, said
        assert words in browser.get(f"/admin/schemes/{damaged.id}").get_data(as_text=True), said
        assert browser.get(f"/admin/replay?rules={damaged.id}").status_code == 404, said
        started = browser.send(
            "/admin/schemes/drafts/new", {"start": "edition", "basis": str(damaged.id)}
        )
        assert (started.status_code, words in started.get_data(as_text=True)) == (422, True), said
        site = build(office.home / "out", as_of=TODAY)
        policies = site / (city.slug or "") / "policies"
        assert "暂停展示和测算" in (policies / codes[0] / "index.html").read_text(), said
        assert 'id="calculator"' in (policies / codes[1] / "index.html").read_text(), said
        [told] = [f for f in verification.findings(office.files) if codes[0] in f]
        assert words in told, said
        for code in codes:
            run = CliRunner().invoke(command, ["assess", code, "--json", "--database"], given)
            assert (words in str(run.exception)) == (code == codes[0]), (said, code)
        Edition.update(plan=kept["plan"], plan_hash=kept["plan_hash"]).where(
            Edition.id == damaged.id
        ).execute()


def _office_plan_of(code: str):
    return plan_of(Edition.get(Edition.code == code))


@pytest.mark.parametrize("text", ["{not json", "[1, 2]", "[" * 100_000])
def test_a_damaged_draft_says_so_and_stops_no_list(app, text):
    desk = a_desk(app)
    damaged, whole = a_draft(desk), a_draft(desk)
    raw = Value(text, converter=False)
    DraftEdition.update({DraftEdition.sheet: raw}).where(DraftEdition.id == damaged.id).execute()
    for place in ("", "schemes", "replay", f"schemes/drafts/{whole.id}"):
        for browser in (desk.writer, desk.second):
            assert browser.get(f"/admin/{place}").status_code == 200, place
    page = desk.writer.get(f"/admin/schemes/drafts/{damaged.id}")
    assert "这份草稿的内容已损坏，读不出来" in page.get_data(as_text=True)
    page = desk.second.get(f"/admin/schemes/drafts/{damaged.id}/publication")
    assert "现在不能发布" in page.get_data(as_text=True)
    page = desk.writer.get(f"/admin/schemes/drafts/{whole.id}")
    assert "已损坏" not in page.get_data(as_text=True)
