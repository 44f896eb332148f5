"""Next term's roster out of this term's people: who goes on, who does not and why, and what the
next edition changes. The draft is an ordinary roster of an ordinary file."""

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from peewee import fn

from huigong import differences, identity, rules, uploads
from huigong.models import (
    Edition,
    Employment,
    Enrollment,
    Leaving,
    Member,
    Organization,
    Roster,
    Scheme,
    User,
)
from huigong.refusals import Refused
from huigong.sheets import write_workbook
from huigong.workflows import gifts
from huigong.workflows.enrollment import jobs
from huigong.workflows.enrollment.checks import EMPLOYMENT, INSURANCE, MEMBERSHIP
from huigong.workflows.enrollment.columns import TEMPLATE, TITLES
from huigong.workflows.enrollment.drafts import draft_roster, editions_for

AT_ONCE: Final = 4000  # people; the file of more is read by a worker
OPEN: Final = ("reading", "draft", "submitted", "returned")  # the stages of a roster begun
SOON: Final = timedelta(days=90)  # how long before the end a term is offered for renewal
_WORDS: Final[dict[str, Any]] = {
    "insurance": INSURANCE,
    "employment": EMPLOYMENT,
    "membership": MEMBERSHIP,
}


class Ending(NamedTuple):
    """A unit's covers of one scheme that end on one day, and how many have none after it."""

    unit: Organization
    scheme: Scheme
    ends: date
    people: int
    open_roster: Roster | None  # one already made for the term after


class Candidate(NamedTuple):
    """One of this term's people: `goes` unless there is a reason not to; `barred` cannot."""

    cover: Enrollment
    goes: bool
    barred: bool
    why: str
    fee: int | None  # fen under the next edition; None: it does not say


@dataclass
class Proposal:
    """The next term as it would be drafted; with no edition nothing can be."""

    unit: Organization
    scheme: Scheme
    ends: date
    cover_from: date
    before: Edition
    editions: list[Edition]  # those that enroll on the first day, this scheme's first
    edition: Edition | None
    rest_by: str  # "" where it was given: then it is asked anew
    giver: str  # who gave this term
    people: list[Candidate]
    changes: list[differences.Change]

    @property
    def going(self) -> list[Candidate]:
        return [person for person in self.people if person.goes]

    @property
    def staying(self) -> list[Candidate]:
        return [person for person in self.people if not person.goes]

    @property
    def gap(self) -> int:
        """Days without cover between the terms."""
        return (self.cover_from - self.ends).days - 1


def endings(units: Sequence[int], on: date) -> list[Ending]:
    """The terms of `units` (their ids) that end around a day and whose people are not all
    covered beyond it, the first to end first."""
    query: Any = (
        Enrollment.select(
            Enrollment.organization, Edition.scheme, Enrollment.cover_to, fn.COUNT(Enrollment.id)
        )
        .join(Edition)
        .where(*_ending(units, on))
        .group_by(Enrollment.organization, Edition.scheme, Enrollment.cover_to)
        .order_by(Enrollment.cover_to, Enrollment.organization)
        .limit(500)
    )
    rows = list(query.tuples())
    places = {o.id: o for o in Organization.select().where(Organization.id << [r[0] for r in rows])}
    funds = {s.id: s for s in Scheme.select().where(Scheme.id << [r[1] for r in rows])}
    return [
        Ending(places[unit], funds[scheme], ends, people, begun_roster(unit, scheme, ends))
        for unit, scheme, ends, people in rows
        if places[unit].closed_on is None
    ]


def people_ending(units: Sequence[int], on: date, *, most: int) -> int:
    """How many people have such an ending for which no roster is begun, as far as `most`."""
    of_roster = Edition.alias()
    begun = Roster.select(Roster.id).join(of_roster, on=Roster.edition == of_roster.id)
    begun = begun.where(
        Roster.organization == Enrollment.organization,
        of_roster.scheme == Edition.scheme,
        Roster.cover_from > Enrollment.cover_to,
        Roster.stage << OPEN,
        ~jobs.unread(),
    )
    people = Enrollment.select(Enrollment.id).join(Edition)
    people = people.where(*_ending(units, on), ~fn.EXISTS(begun))
    return int(people.limit(most + 1).count())


def _ending(units: Sequence[int], on: date) -> tuple[Any, ...]:
    """The conditions of a cover that ends around a day and has none of its scheme after it. Each
    is asked of the covers met: of no more than ended lately or soon will."""
    after, later_edition = Enrollment.alias(), Edition.alias()
    later = after.select(after.id).join(later_edition, on=after.edition == later_edition.id)
    later = later.where(
        after.member == Enrollment.member,
        later_edition.scheme == Edition.scheme,
        after.cover_to > Enrollment.cover_to,
    )
    uncounted = Roster.select(Roster.id).where(
        Roster.id == Enrollment.roster, Roster.stage != "approved"
    )
    return (
        Enrollment.organization << units,
        Enrollment.cover_to.between(on - SOON, on + SOON),
        Enrollment.left_on.is_null(),
        ~fn.EXISTS(uncounted),
        ~fn.EXISTS(later),
    )


def begun_roster(unit: int, scheme: int, ends: date) -> Roster | None:
    """The latest roster of a unit for a term after the one that ends, while it is not approved."""
    found: Roster | None = (
        Roster.select(Roster)
        .join(Edition)
        .where(Roster.organization == unit, Edition.scheme == scheme, Roster.cover_from > ends)
        .where(Roster.stage << OPEN, ~jobs.unread())
        .order_by(Roster.id.desc())
        .first()
    )
    return found


def propose(
    unit: Organization, scheme: Scheme, ends: date, *, on: date, code: str = ""
) -> Proposal:
    """The next term of a unit's people whose cover of a scheme ends on a day.

    It starts the day after, or on `on` where that has passed. Refuses where nobody's ends then.
    """
    covers = _covers(unit, scheme, ends)
    if not covers:
        raise Refused("ends", "没有在这一天到期的参保人员")
    cover_from = max(ends + timedelta(days=1), on)
    open_ones = [e for e in editions_for(unit, on) if e.enrolls_on(cover_from)]
    open_ones.sort(key=lambda e: (e.scheme_id != scheme.id, e.enrolled_from))
    edition = next((e for e in open_ones if e.code == code), open_ones[0] if open_ones else None)
    before = covers[0].edition
    given = gifts.givers_of({cover.roster_id for cover in covers if cover.roster_id})
    giver = next((gift.name for gift in given.values() if gift.stage == "agreed"), "")
    changed = edition is not None and edition.id != before.id and before.plan is not None
    return Proposal(
        unit=unit,
        scheme=scheme,
        ends=ends,
        cover_from=cover_from,
        before=before,
        editions=open_ones,
        edition=edition,
        rest_by="" if giver else covers[0].roster.rest_by if covers[0].roster else "unit",
        giver=giver,
        people=_candidates(covers, unit, edition, cover_from),
        changes=differences.differences(before.plan, edition.plan) if changed and edition else [],
    )


def _covers(unit: Organization, scheme: Scheme, ends: date) -> list[Enrollment]:
    """The covers that end, each with its member; editions and rosters, which many share, once."""
    editions = {edition.id: edition for edition in scheme.editions}
    covers = list(
        Enrollment.select(Enrollment, Member)
        .join_from(Enrollment, Member)
        .where(Enrollment.organization == unit, Enrollment.edition << list(editions))
        .where(Enrollment.cover_to == ends, Enrollment.counts())
        .order_by(Member.sort_key, Enrollment.id)
    )
    numbers = {cover.roster_id for cover in covers if cover.roster_id}
    rosters = {roster.id: roster for roster in Roster.select().where(Roster.id << numbers)}
    for cover in covers:
        cover.edition = editions[cover.edition_id]
        cover.roster = rosters.get(cover.roster_id)
    return covers


def _candidates(
    covers: list[Enrollment], unit: Organization, edition: Edition | None, cover_from: date
) -> list[Candidate]:
    members = [cover.member_id for cover in covers]
    gone, again = _gone(members, unit), _covered_after(members, covers[0].edition, cover_from)
    judged = _judged(edition.plan, unit, cover_from) if edition and edition.plan else None
    return [_candidate(cover, unit, judged, cover_from, gone, again) for cover in covers]


def _judged(
    plan: dict[str, Any], unit: Organization, cover_from: date
) -> Callable[[dict[str, Any]], tuple[str, int | None]]:
    """What keeps somebody with such facts out of the next term, and the fee: reckoned once for
    all who are alike to the plan, as nearly everybody of a big unit is."""
    place = {"year": cover_from.year, "unit_level": unit.unit_level}
    known: dict[tuple[tuple[str, str], ...], tuple[str, int | None]] = {}

    def judge(facts: dict[str, Any]) -> tuple[str, int | None]:
        key = tuple(sorted((name, repr(fact)) for name, fact in facts.items()))
        if key not in known:
            all_ = {**facts, **place}
            why = "；".join(miss.message for miss in rules.unmet(plan, all_))
            try:
                known[key] = why, rules.fee(plan, all_).total
            except rules.NotStated:
                known[key] = why, None
        return known[key]

    return judge


def _gone(members: list[int], unit: Organization) -> dict[int, date]:
    """The last day at the unit of those who left it and did not come back."""
    here = Employment.select(Employment.member).where(
        Employment.organization == unit, Employment.to_on.is_null()
    )
    left: Any = Leaving.select(Leaving.member, Leaving.on).where(
        Leaving.member << members, Leaving.organization == unit, Leaving.member.not_in(here)
    )
    return dict(left.order_by(Leaving.id).tuples())


def _covered_after(members: list[int], edition: Edition, cover_from: date) -> set[int]:
    """Those whose cover of the same scheme already reaches into the next term."""
    found: Any = (
        Enrollment.select(Enrollment.member)
        .join(Edition)
        .where(Enrollment.member << members, Edition.scheme == edition.scheme_id)
        .where(Enrollment.counts(), Enrollment.cover_to >= cover_from)
    )
    return {member for (member,) in found.tuples()}


def _candidate(
    cover: Enrollment,
    unit: Organization,
    judged: Callable[[dict[str, Any]], tuple[str, int | None]] | None,
    cover_from: date,
    gone: dict[int, date],
    again: set[int],
) -> Candidate:
    member = cover.member
    fee, why = None, ""
    if judged is not None:
        age = identity.age_on(member.born_on, cover_from) if member.born_on else None
        why, fee = judged(cover.facts if age is None else {**cover.facts, "age": age})
    if member.organization_id != unit.id:
        why = "已登记在其他单位"
    if member.id in gone:
        why = f"{gone[member.id]}离开本单位"
    if cover.left_on is not None:
        why = f"{cover.left_on}退出保障"
    if member.id in again:
        return Candidate(cover, False, True, "下一期已经参保", fee)
    return Candidate(cover, not why, False, why, fee)


def draft_renewal(
    proposal: Proposal,
    *,
    going: Collection[int],
    rest_by: str,
    folder: Path,
    by: User,
    at: datetime,
    seen: Sequence[str] = (),
) -> Roster:
    """Draft the next term's roster of those whose enrollment ids are in `going`.

    Refuses without an edition and without anybody, and as `draft_roster` does.
    """
    if proposal.edition is None:
        raise Refused("edition", f"没有在{proposal.cover_from}可以参保的计划，请等上级发布下一期")
    chosen = [p.cover for p in proposal.people if p.cover.id in going and not p.barred]
    if not chosen:
        raise Refused("keep", "请至少保留一名续保人员")
    kept = uploads.keep(
        folder,
        _file(chosen, proposal),
        name=f"续保名册-{proposal.cover_from}.xlsx",
        field="keep",
        limit=uploads.ROSTER_LIMIT,
    )
    asked: dict[str, Any] = {
        "organization": proposal.unit,
        "edition": proposal.edition,
        "cover_from": proposal.cover_from,
        "rest_by": rest_by,
        "kept": kept,
        "by": by,
        "at": at,
        "seen": seen,
    }
    try:
        if len(chosen) > AT_ONCE:
            return jobs.draft_in_background(**asked)
        return draft_roster(**asked, folder=folder)
    except Refused:
        uploads.drop(folder, kept.file)
        raise


def _file(covers: list[Enrollment], proposal: Proposal) -> io.BytesIO:
    """The roster's file, as the unit itself would have filled it in."""
    book = io.BytesIO()
    title = f"{proposal.edition.name if proposal.edition else ''} 续保名册"
    write_workbook(book, TEMPLATE, (_line(cover) for cover in covers), title=title)
    book.seek(0)
    return book


def _line(cover: Enrollment) -> list[str]:
    member = cover.member
    said = {
        TITLES["name"]: member.name,
        TITLES["id_number"]: member.opened("resident_id"),
        TITLES["mobile"]: member.opened("phone"),
        TITLES["bank_card"]: member.opened("bank_card"),
        TITLES["bank"]: member.bank,
    }
    known = {**cover.facts, "membership": member.membership}
    for name, words in _WORDS.items():
        said[TITLES[name]] = words[known[name]][0] if known.get(name) in words else ""
    return [said.get(column.title, "") for column in TEMPLATE]
