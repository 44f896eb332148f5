"""Several processes at the same rosters, jobs and editions; workers killed where it hurts most."""

import json
import signal
from datetime import timedelta

import pytest
from builders import NOW, TODAY, a_user, signed_in
from builders_enrollment import (
    a_county_unit,
    a_drafted_roster,
    a_person,
    a_roster_file,
    a_submitted_roster,
)
from builders_scheme_editor import a_desk, a_draft
from test_roster_work import a_begun_roster, again, work_off

from huigong import clock
from huigong.models import (
    AuditEvent,
    Due,
    Edition,
    Employment,
    Enrollment,
    Member,
    Organization,
    Role,
    Roster,
    RosterEvent,
    RosterJob,
    RosterRow,
    Session,
)
from huigong.refusals import Lost
from huigong.workflows import accounts, enrollment, verification
from huigong.workflows.enrollment import approval, reading, reorganizing


def won(said):
    return [number for number, words in enumerate(said) if words.startswith("won")]


def a_reviewer(roster):
    return a_user(Role.REVIEWER, at=roster.organization.parent)


def test_a_roster_is_submitted_once(race):
    roster = a_drafted_roster(people=5)
    said = race(
        roster.made_by,
        "roster = Roster.get()",
        "enrollment.submit_roster(roster, clean_only=False, by=by, at=at)",
    )
    assert len(won(said)) == 1
    assert RosterEvent.select().where(RosterEvent.kind == "submitted").count() == 1


def test_a_roster_is_approved_once_with_its_dues(race):
    roster = a_submitted_roster(people=5)
    said = race(
        a_reviewer(roster),
        "roster = Roster.get()",
        "enrollment.approve_roster(roster, by=by, at=at)",
    )
    assert len(won(said)) == 1
    assert Enrollment.counted().count() == Member.select().count() == 5
    assert sum(due.amount for due in Due.select()) == 400_00


@pytest.mark.parametrize("again", range(3))
def test_a_roster_approved_returned_and_withdrawn_at_once_goes_one_way(race, again):
    roster = a_submitted_roster(people=5)
    said = race(
        a_reviewer(roster),
        "roster = Roster.get()",
        "[lambda: enrollment.approve_roster(roster, by=by, at=at),\n"
        " lambda: enrollment.return_roster(roster, reason='请补充证明', by=by, at=at),\n"
        " lambda: enrollment.withdraw_roster(roster, by=by, at=at)][me]()",
    )
    stage = Roster.get().stage
    if stage == "approved":
        assert won(said) == [0]
    else:
        assert 0 not in won(said)
        assert not Enrollment.select().exists(), "nobody is enrolled by what was not approved"
        assert not Member.select().exists(), "nor known by it"
    assert bool(Due.select().exists()) == (stage == "approved")


IN_SMALL_STEPS = """
from huigong.workflows.enrollment import approval, reading
reading.CHUNK = reading.LEAST = reading.MOST = approval.CHUNK = 2
roster = Roster.get()
"""


@pytest.mark.parametrize("later", [0, 0.05, 0.15, 0.6])
def test_a_roster_withdrawn_while_it_is_being_approved_leaves_nobody_or_everybody(race, later):
    roster = a_submitted_roster(people=30)
    said = race(
        a_reviewer(roster),
        IN_SMALL_STEPS,
        "import time\n"
        "if me:\n"
        f"    time.sleep({later})\n"
        "    enrollment.withdraw_roster(roster, by=roster.made_by, at=at)\n"
        "else:\n"
        "    enrollment.approve_roster(roster, by=by, at=at)",
        count=2,
    )
    assert len(won(said)) == 1
    approved = Roster.get().stage == "approved"
    assert won(said) == ([0] if approved else [1])
    left = [model.select().count() for model in (Enrollment, Member, Employment, RosterRow)]
    assert left == [30 if approved else 0] * 4
    assert bool(Due.select().exists()) == approved


def test_the_same_person_on_two_units_rosters_is_submitted_by_one(race):
    person, units = a_person(), [a_county_unit(), a_county_unit()]
    for unit in units:
        a_drafted_roster(unit, people=[a_person(), person])
    said = race(
        Roster.get().made_by,
        "roster = list(Roster.select().order_by(Roster.id))[me]",
        "enrollment.submit_roster(roster, clean_only=False, by=by, at=at)",
        count=2,
    )
    assert len(won(said)) == 1


def test_the_same_person_on_two_units_rosters_is_covered_by_one(race):
    """Both were submitted, as from before the second one's rule, or of one moment."""
    person, units = a_person(), [a_county_unit(), a_county_unit()]
    rosters = [a_drafted_roster(unit, people=[a_person(), person]) for unit in units]
    for roster in rosters:
        Roster.update(stage="submitted").where(Roster.id == roster.id).execute()
    said = race(
        a_reviewer(rosters[0]),
        "roster = list(Roster.select().order_by(Roster.id))[me]",
        "enrollment.approve_roster(roster, by=by, at=at)",
        count=2,
    )
    assert len(won(said)) <= 1
    assert "已在" in " ".join(said)
    index = Member.index_of_id(person["身份证号"])
    covers = Enrollment.counted().where(Enrollment.member == Member.get(Member.id_index == index))
    assert covers.count() == len(won(said))


def test_a_unit_is_merged_or_its_roster_approved(race):
    roster = a_submitted_roster(people=3)
    source, county = roster.organization, roster.organization.parent
    into = a_county_unit()
    boss = a_user(Role.REVIEWER, Role.ADMINISTRATOR, at=county)
    said = race(
        boss,
        f"roster, source = Roster.get(), Organization.get_by_id({source.id})\n"
        f"into = Organization.get_by_id({into.id})",
        "[lambda: reorganizing.merge_units(source, into=into, on=day, reason='机构改革示例',"
        " by=by, at=at),\n"
        " lambda: enrollment.approve_roster(roster, by=by, at=at)][me]()",
        count=2,
    )
    assert won(said)
    closed = Organization.get_by_id(source.id).closed_on is not None
    if closed:  # nothing is left behind in a unit that is no more
        assert not Member.select().where(Member.organization == source).exists()
        assert not Enrollment.counted().where(Enrollment.organization == source).exists()
        assert not Due.select().where(Due.payer == source).exists()


def test_a_merger_in_the_middle_of_an_approval_leaves_nobody_in_the_closed_unit(
    office, monkeypatch
):
    monkeypatch.setattr(approval, "CHUNK", 3)
    monkeypatch.setattr(reading, "MOST", 3)
    roster = a_submitted_roster(people=7)
    source, into, reviewer = roster.organization, a_county_unit(), a_reviewer(roster)
    boss = a_user(Role.ADMINISTRATOR, at=source.parent)

    def merged(phase, done, total):
        if (phase, done) == ("enroll", 6):
            reorganizing.merge_units(
                source, into=into, on=TODAY, reason="机构改革示例", by=boss, at=NOW
            )

    with pytest.raises(Lost):
        enrollment.approve_roster(roster, by=reviewer, at=NOW, told=merged)
    assert (again(roster).stage, again(roster).organization) == ("submitted", into)
    enrollment.approve_roster(again(roster), by=reviewer, at=NOW)
    assert {e.organization for e in Enrollment.counted()} == {into}
    assert {member.organization for member in Member.select()} == {into}
    assert Enrollment.counted().count() == Member.select().count() == 7
    assert not Due.select().where((Due.organization == source) | (Due.payer == source)).exists()
    assert verification.findings(office.files) == []


def test_one_waiting_job_is_taken_by_one_worker(office, race):
    roster = a_begun_roster(office, a_roster_file(3))
    said = race(
        roster.made_by, "", "said = jobs.take(f'worker {me}', now=at) and 'it' or 'nothing'"
    )
    assert sorted(said) == ["won it", "won nothing", "won nothing"]


def test_a_job_whose_worker_is_gone_is_taken_over_by_one(office, race):
    roster = a_begun_roster(office, a_roster_file(3))
    RosterJob.update(worker="gone", beat_at=NOW - timedelta(hours=1), tries=1).execute()
    said = race(
        roster.made_by, "", "said = jobs.take(f'worker {me}', now=at) and 'it' or 'nothing'"
    )
    assert sorted(said) == ["won it", "won nothing", "won nothing"]
    assert RosterJob.get().tries == 2


def test_a_background_approval_asked_by_several_is_asked_once(race):
    roster = a_submitted_roster(people=3)
    race(
        a_reviewer(roster),
        "roster = Roster.get()",
        "enrollment.approve_in_background(roster, by=by, at=at)",
    )
    assert RosterJob.select().count() == 1
    assert AuditEvent.select().where(AuditEvent.deed == "ask approval").count() == 1


def test_an_edition_is_published_once(app, office, race):
    desk = a_desk(app)
    draft = a_draft(desk)
    third = a_user(Role.REVIEWER, at=desk.city)
    before = Edition.select().count()
    said = race(
        third,
        f"draft = DraftEdition.get_by_id({draft.id})\n"
        "seen = drafting.check(draft.sheet, draft.organization).hash",
        "drafting.publish_draft(draft, seen=seen, by=by, at=at)",
    )
    assert len(won(said)) == 1
    assert Edition.select().count() == before + 1


def test_a_draft_is_not_published_while_it_is_being_saved(app, office, race):
    """Either it is published as it was seen, or what was saved meanwhile is seen first."""
    desk = a_desk(app)
    draft = a_draft(desk)
    third = a_user(Role.REVIEWER, at=desk.city)
    said = race(
        third,
        f"draft = DraftEdition.get_by_id({draft.id})\nwriter = draft.drafted_by\n"
        "seen = drafting.check(draft.sheet, draft.organization).hash\n"
        "other = {**draft.sheet, 'name': '改过的名称'}",
        "[lambda: drafting.publish_draft(draft, seen=seen, by=by, at=at),\n"
        " lambda: drafting.save_draft(draft, sheet=other, version=draft.version, by=writer,"
        " at=at)][me]()",
        count=2,
    )
    assert len(won(said)) == 1


# ── what a browser is told ──────────────────────────────────────────────────────────────────

PAGES = """
import types
from huigong.app import make_app
from huigong.config import Settings
from builders import PageClient
app = make_app(Settings(home=Path(told['home']), keys=Path(told['keys']), database_url=told['url'],
    host='127.0.0.1', port=8000, is_demo=True, today=day, production=False))
app.test_client_class = PageClient
browser = app.test_client()
with browser.session_transaction() as cookie:
    cookie['token'] = {tokens}[me]
browser.get('/admin/')
"""


def test_whoever_loses_sees_a_page_that_says_so(app, office, race):
    """Three reviewers press the same button: one is sent on, the others read 409 or 422."""
    roster = a_submitted_roster(people=3)
    users = [a_reviewer(roster) for _ in range(3)]
    tokens = [f"rival-{number}" for number in range(3)]
    for user, token in zip(users, tokens, strict=True):
        signed_in(app, user)
        Session.update(token_hash=accounts._hashed(token)).where(Session.user == user).execute()
    said = race(
        users[0],
        PAGES.replace("{tokens}", json.dumps(tokens)),
        f"answer = browser.send('/admin/rosters/{roster.id}/approve')\n"
        "said = f'{answer.status_code}'",
    )
    codes = sorted(int(words.split()[1]) for words in said)
    assert codes[0] == 303
    assert set(codes[1:]) <= {409, 422}


# ── killed ──────────────────────────────────────────────────────────────────────────────────

DIES = """
import os, signal
from huigong.workflows.enrollment import approval, drafts, reading
reading.CHUNK = reading.MOST = approval.CHUNK = 3
from huigong import clock
from huigong.workflows import audit, ledger

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def told_of(phase, done, total):
    if phase == '{phase}' and done >= {done}:
        die()

before_last = audit.record
def record(deed, **more):
    found = before_last(deed, **more)
    if deed == '{deed}':
        die()
    return found
audit.record = record
job = jobs.take('doomed', now=clock.real_now())
"""
WORK = "jobs.work(job, worker='doomed', folder=folder, told=told_of)"
PHASES = {
    "before the file is open": ("read", "read", 0, ""),
    "between two batches of rows": ("read", "stage", 4, ""),
    "between two batches of people": ("approve", "enroll", 4, ""),
    "before the roster is settled": ("approve", "settle", 0, ""),
    "with the dues raised and nothing committed": ("approve", "", 0, "raise dues"),
    "in the very last step": ("approve", "", 0, "approve roster"),
}


@pytest.mark.parametrize("moment", PHASES)
def test_a_worker_killed_is_taken_over_and_nothing_counts_twice(office, rivals, moment):
    kind, phase, done, deed = PHASES[moment]
    if kind == "read":
        roster = a_begun_roster(office, a_roster_file(7))
    else:
        roster = a_submitted_roster(people=7)
        enrollment.approve_in_background(roster, by=a_reviewer(roster), at=NOW)
    dies = DIES
    for name, value in {"phase": phase, "done": done, "deed": deed}.items():
        dies = dies.replace(f"{{{name}}}", str(value))
    (doomed,) = rivals.begin(office, dies, WORK, count=1)
    assert doomed.wait(timeout=30) == -signal.SIGKILL
    assert RosterJob.get().worker == "doomed", "it held the job when it died"
    assert again(roster).stage == ("reading" if kind == "read" else "submitted")
    assert not Due.select().exists()
    assert verification.findings(office.files) == [], "what broke off counts for nothing"
    RosterJob.update(beat_at=clock.real_now() - timedelta(minutes=1)).execute()
    work_off(office)
    assert not RosterJob.select().exists()
    if kind == "read":
        assert (again(roster).stage, again(roster).people) == ("draft", 7)
        assert RosterRow.select().count() == 7
    else:
        assert again(roster).stage == "approved"
        assert Enrollment.counted().count() == Member.select().count() == 7
        assert sum(due.amount for due in Due.select()) == 560_00
    assert verification.findings(office.files) == []
