"""Paid claims of the time before: each with its stays, its decision, its payout and the ledger."""

import secrets
from collections import defaultdict
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from huigong.database import writes
from huigong.models import (
    Claim,
    ClaimEvent,
    Decision,
    Edition,
    Enrollment,
    Member,
    Opening,
    Organization,
    Payout,
    PayoutBatch,
    Stay,
    User,
)
from huigong.money import yuan
from huigong.plans.vocabulary import PARTS, STAY
from huigong.refusals import Refused
from huigong.sheets import Source
from huigong.workflows import audit, ledger
from huigong.workflows.claims import reckoning
from huigong.workflows.claims.filing import name_claimant
from huigong.workflows.enrollment import opening_sheets as sheets
from huigong.workflows.enrollment.corrected import corrected
from huigong.workflows.enrollment.opening_sheets import Faults, Line, Places, Together, Wrong
from huigong.workflows.enrollment.reading import Told, quiet
from huigong.workflows.schemes import plan_of

PER_STEP: Final = 20  # claims in one transaction


class PaidClaim(NamedTuple):
    """A paid claim of the time before, with one stay or several."""

    number: int  # its first row
    said: str  # its number then
    cover: Enrollment
    filed_on: date
    decided_on: date
    paid_on: date
    amount: int
    event: str | None
    facts: dict[str, Any]
    stays: list[dict[str, Any]]


def read_claims(
    city: Organization, file: Source, today: date, opening: Opening | None = None,
    told: Told = quiet,
) -> tuple[list[PaidClaim], Faults]:  # fmt: skip
    """The paid claims of a workbook in the order of their decision, and what is wrong where."""
    places = Places(city)
    rows, faults = sheets.each(file, "claims", lambda line: _row(line, places, today), told)
    claims: dict[str, PaidClaim] = {}
    for row in rows:
        first = claims.setdefault(row.said, row)
        if first is row:
            continue
        if first[2:9] != row[2:9]:
            faults.append((row.number, f"与第{first.number}行是同一申领号，除住院外各项须相同"))
        first.stays.extend(row.stays)
    found = sorted(claims.values(), key=lambda c: (c.decided_on, c.number))
    return found, faults + _faults_of(found, opening)


def _row(line: Line, places: Places, today: date) -> PaidClaim:
    row = Together()
    edition, number = row.ask(places.edition, line), row.ask(line.number_of_id)
    start = row.ask(places.cover_from, line, edition)
    days = [row.ask(line.day, title) for title in ("申领日期", "决定日期", "支付日期")]
    said, amount = row.ask(_said, line), row.ask(_amount, line)
    happened = row.ask(_happened, line, edition)
    row.settle()
    row.ask(_refuse_order, start, *days, today)
    cover = row.ask(_cover, number, edition, start, places.city)
    row.settle()
    (filed, decided, paid), (event, stays) = days, happened
    facts = {"grade": line.text("等级")} if line.text("等级") else {}
    return PaidClaim(line.number, said, cover, filed, decided, paid, amount, event, facts, stays)


def _said(line: Line) -> str:
    said = line.text("原申领号")[:60]
    if not said:
        raise Wrong("原申领号：未填写")
    return said


def _amount(line: Line) -> int:
    amount = line.fen("互助金")
    if amount <= 0:
        raise Wrong("互助金：应大于零")
    return amount


def _refuse_order(*days: date) -> None:
    if list(days) != sorted(days):
        raise Wrong("日期应依次为：保障开始、申领、决定、支付，且不晚于今天")


def _happened(line: Line, edition: Edition) -> tuple[str | None, list[dict[str, Any]]]:
    """The event, or the stay."""
    event = _event(line, plan_of(edition))
    return event, [sheets.stay_of(line)] if event is None else []


def _cover(number: str, edition: Edition, start: date, city: Organization) -> Enrollment:
    index = Member.index_of_id(number)
    cover = (
        Enrollment.counted()
        .join_from(Enrollment, Member)
        .join_from(Enrollment, Organization, on=Enrollment.organization == Organization.id)
        .where(Member.id_index == index, Enrollment.edition == edition)
        .where(Enrollment.cover_from == start, Organization.within(city.path))
        .first()
    )
    if cover is None and (renamed := corrected([index])):
        raise Wrong(f"身份证号：{renamed[index].fault([city.path])}")
    if cover is None:
        raise Wrong("没有这个人在这个计划、这一天开始的参保：请先导入参保")
    return cover  # type: ignore[no-any-return]


def _event(line: Line, plan: dict[str, Any]) -> str | None:
    said = line.text("事项")
    if not said or said in (STAY, plan["events"].get(STAY)):
        return None
    names = {words: name for name, words in plan["events"].items()} | {n: n for n in plan["events"]}
    if said not in names:
        raise Wrong(f"事项：这个计划没有“{said[:20]}”")
    return names[said]


def _faults_of(claims: list[PaidClaim], opening: Opening | None) -> Faults:
    """Claims that were imported before, but for those of this very opening."""
    mine = _reason(opening.id, "") if opening else "#"
    known = {
        (decision.claim.enrollment_id, decision.reason.split("：")[-1])
        for decision in Decision.select(Decision, Claim)
        .join(Claim)
        .where(Claim.enrollment << [c.cover.id for c in claims[:20_000]])
        .where(Decision.reason.startswith("期初"), ~Decision.reason.startswith(mine))
    }
    return [
        (claim.number, f"申领{claim.said}已经导入过")
        for claim in claims
        if (claim.cover.id, claim.said) in known
    ]


def _reason(opening: int, said: str) -> str:
    return f"期初导入{opening}，原申领号：{said}"


def book_claims(
    opening: Opening, claims: list[PaidClaim], by: User, at: datetime, told: Told = quiet
) -> None:
    """Book them in the order of their decision, each scheme's runner with its own batch."""
    by_runner: dict[int, list[PaidClaim]] = defaultdict(list)
    for claim in claims:
        by_runner[claim.cover.edition.organization_id].append(claim)
    for runner, theirs in by_runner.items():
        for start in range(0, len(theirs), PER_STEP):
            told("book", start, len(theirs))
            _book_some(opening, runner, theirs[start : start + PER_STEP], by, at)


@writes
def _book_some(
    opening: Opening, runner: int, claims: list[PaidClaim], by: User, at: datetime
) -> None:
    batch, _ = PayoutBatch.get_or_create(
        number=f"FF{sheets.prefix_of(opening)}{runner}",
        defaults={
            "organization": runner, "stage": "released", "made_by": opening.by_id,
            "made_on": at.date(), "released_by": by.id, "released_on": at.date(),
        },
    )  # fmt: skip
    for claim in claims:
        reason = _reason(opening.id, claim.said)
        there = Decision.select().join(Claim)
        if not there.where(Claim.enrollment == claim.cover, Decision.reason == reason).exists():
            _book(opening, batch, claim, reason, by, at)


def _book(
    opening: Opening, batch: PayoutBatch, old: PaidClaim, reason: str, by: User, at: datetime
) -> None:
    steps, computed, facts = _reckoned(old)
    cover, edition = old.cover, old.cover.edition
    claim = Claim.create(
        organization=cover.organization_id, member=cover.member_id, enrollment=cover,
        number=_number(old.filed_on), event=old.event, facts=facts, stage="paid",
        filed_by=opening.by_id, filed_on=old.filed_on, computed=computed,
    )  # fmt: skip
    name_claimant(claim)
    for number, stay in enumerate(old.stays, 1):
        _stay(claim, number, stay)
    for kind, on in (("filed", old.filed_on), ("approved", old.decided_on), ("paid", old.paid_on)):
        ClaimEvent.create(claim=claim, kind=kind, by=opening.by_id, on=on, at=at, note=reason)
    Decision.create(
        organization=cover.organization_id, claim=claim, verdict="approve", computed=computed,
        amount=old.amount, reason=reason, explanation=steps, plan_hash=edition.plan_hash,
        by=by, on=old.decided_on, filed_by=opening.by_id, first_reviewer=opening.by_id,
    )  # fmt: skip
    payout = _payout(batch, claim, old.amount, reason)
    for key, text, postings in (
        (f"claim:{claim.id}:award", f"期初 申领{claim.number} 互助金 {yuan(old.amount)}元",
         [("benefits", old.amount), ("payable", -old.amount)]),
        (f"payout:{payout.id}:paid", f"期初 申领{claim.number} 已于{old.paid_on}发放",
         [("payable", old.amount), ("bank", -old.amount)]),
    ):  # fmt: skip
        ledger.book(
            key=key, text=text, organization=claim.organization, scheme=edition.scheme,
            postings=postings, by=by, at=at,
        )  # fmt: skip
    audit.record("approve claim", by=by, at=at, on=claim, organization=claim.organization,
                 detail=reason)  # fmt: skip


def _reckoned(old: PaidClaim) -> tuple[list[Any], int, dict[str, Any]]:
    """What the scheme's steps say of it now; where they refuse, only what was paid is known."""
    try:
        said = reckoning.reckon(
            old.cover, old.event, old.stays, on=old.filed_on, facts=old.facts
        ).claims[-1]
    except Refused:
        return [], old.amount, old.facts
    if said.refused:
        return [], old.amount, old.facts
    return reckoning.worded(plan_of(old.cover.edition), said.steps), said.benefit, old.facts


def _stay(claim: Claim, number: int, stay: dict[str, Any]) -> None:
    nights = (stay["discharged"] - stay["admitted"]).days
    Stay.create(
        claim=claim, number=number, hospital=stay.get("hospital", ""),
        hospital_level=stay.get("hospital_level"), place=stay.get("place", ""),
        admitted=stay["admitted"], discharged=stay["discharged"], days=max(nights, 1),
        amounts={name: stay[name] for name in PARTS if name in stay},
    )  # fmt: skip


def _payout(batch: PayoutBatch, claim: Claim, amount: int, note: str) -> Payout:
    member = claim.member
    payout = Payout(
        organization=claim.organization_id, batch=batch, claim=claim, key=f"claim:{claim.id}:1",
        amount=amount, payee=member.name, bank=member.bank, stage="paid", note=note,
    )  # fmt: skip
    payout.card = payout.seal("card", member.opened("bank_card")) if member.bank_card else b""
    payout.save(force_insert=True)
    return payout


def _number(on: date) -> str:
    while True:
        number = f"SL{on:%Y%m%d}{secrets.randbelow(10**6):06d}"
        if not Claim.select().where(Claim.number == number).exists():
            return number
