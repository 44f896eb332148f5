"""Claims out to a scheme's operator: those decided, for it to pay, or those checked, for its word
before they are decided. While one is with the operator the office's own bank does not pay it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from peewee import fn

from huigong import uploads
from huigong.database import among, writes
from huigong.models import (
    Claim,
    Claimant,
    ClaimEvent,
    ClaimSending,
    Decision,
    Edition,
    Enrollment,
    Member,
    OperatorFile,
    OperatorReply,
    Organization,
    Scheme,
    Stay,
    User,
)
from huigong.money import yuan
from huigong.plans.vocabulary import STAY
from huigong.refusals import Lost, Refused
from huigong.sheets import write_workbook
from huigong.workflows import audit, payouts
from huigong.workflows.operator import files
from huigong.workflows.operator.covers import CHUNK, of_person
from huigong.workflows.operator.layouts import ANSWERED, columns_of, layout_of
from huigong.workflows.transfers import is_passed_on

MOST_CLAIMS: Final = 5000  # in one file, so that recording it holds the write lock but shortly
STANDINGS: Final = {"approved": "已核定", "reviewed": "已初审"}


def waiting_claims(scheme: Scheme, was: str) -> Any:
    """The claims of a scheme that may be sent to its operator, decided (approved) or checked
    (reviewed): not those that are there, or that the office's own bank is paying. One that was
    there to be checked goes out again once it is decided."""
    of_scheme = Claimant.select(1).where(Claimant.claim == Claim.id, Claimant.scheme == scheme)
    claims = Claim.select().where(Claim.stage == was, fn.EXISTS(of_scheme))
    there: Any = ClaimSending.select(ClaimSending.id).where(
        ClaimSending.claim == Claim.id, ClaimSending.stage == "sent"
    )
    if was == "approved":
        paid = OperatorReply.select(OperatorReply.id).where(
            OperatorReply.sending == ClaimSending.id,
            OperatorReply.kind == "paid",
            OperatorReply.stage == "open",
        )
        there = there.where((ClaimSending.was == "approved") | fn.EXISTS(paid))
        claims = payouts.owed(claims)
    return claims.where(~fn.EXISTS(there))


def _amounts(scheme: Scheme, was: str) -> list[tuple[int, int]]:
    """(claim, fen) of what would be sent, the oldest claim first: as decided, or as reckoned."""
    query = waiting_claims(scheme, was)
    amount = Claim.computed
    if was == "approved":
        query, amount = query.join_from(Claim, Decision), Decision.amount
    found = query.select(Claim.id, amount).order_by(Claim.id).limit(MOST_CLAIMS)
    return [(claim, int(fen)) for claim, fen in found.tuples()]


def send_claims(scheme: Scheme, *, was: str, folder: Path, by: User, at: datetime) -> OperatorFile:
    """Write, keep and record the workbook of the claims that wait for the operator, the oldest
    5,000 of them, full numbers included.

    Refuses a scheme that the office runs itself, and none that waits. Raises Lost when one of them
    went elsewhere meanwhile.
    """
    if was not in STANDINGS:
        raise Refused("was", "请选择送已核定的还是已初审的申领")
    if not is_passed_on(scheme):
        raise Refused("was", "这个计划由本工会自办，互助金在“发放”里发给职工")
    amounts = _amounts(scheme, was)
    if not amounts:
        raise Refused("was", f"没有要送承办方的{STANDINGS[was]}申领")
    layout = layout_of(scheme, "claims")
    names, columns = [name for name, _ in layout], columns_of(layout, "claims")
    kept = files.written(
        folder, f"{scheme.name}-申领-{STANDINGS[was]}-{at:%Y-%m-%d}.xlsx",
        lambda book: write_workbook(book, columns, _rows(amounts, names, was), sheet="申领"),
    )  # fmt: skip
    try:
        return _record(scheme, kept, was, amounts, by=by, at=at)
    except BaseException:
        uploads.drop(folder, kept.file)
        raise


@writes
def _record(
    scheme: Scheme, kept: uploads.Kept, was: str, amounts: list[tuple[int, int]], *, by: User,
    at: datetime,
) -> OperatorFile:  # fmt: skip
    if _amounts(scheme, was) != amounts:
        raise Lost(f"claims of scheme {scheme.id} changed while their file was written")
    total = sum(fen for _, fen in amounts)
    made = files.record(
        scheme, kept, kind="claims", way="out", by=by, at=at, rows=len(amounts), amount=total
    )
    claims = [claim for claim, _ in amounts]
    ClaimSending.update(stage="back").where(
        among(ClaimSending.claim, claims), ClaimSending.stage == "sent"
    ).execute()
    place, note = scheme.organization_id, f"{STANDINGS[was]}，承办方文件{made.number}"
    _insert(ClaimSending, [
        {"organization": place, "file": made.id, "claim": claim, "was": was, "amount": fen,
         "stage": "sent"}
        for claim, fen in amounts
    ])  # fmt: skip
    tell(claims, "sent", note, by=by, at=at)
    detail = f"{made.number} {scheme.name} {STANDINGS[was]}{len(amounts)}件 {yuan(total)}元"
    audit.record("send claims", by=by, at=at, on=made, organization=scheme.organization,
                 detail=detail)  # fmt: skip
    return made


def tell(claims: Sequence[int], kind: str, note: str, *, by: User, at: datetime) -> None:
    """Say the same in the history of many claims."""
    fact = {"kind": kind, "by": by.id, "on": at.date(), "at": at, "note": note}
    _insert(ClaimEvent, [{"claim": claim, **fact} for claim in claims])


def _insert(model: Any, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 500):
        model.insert_many(rows[start : start + 500]).execute()


def _rows(amounts: Sequence[tuple[int, int]], names: Sequence[str], was: str) -> Iterator[Any]:
    """A row a claim, asked for by thousands."""
    for start in range(0, len(amounts), CHUNK):
        part = dict(amounts[start : start + CHUNK])
        stays: dict[int, list[Stay]] = {claim: [] for claim in part}
        for stay in Stay.select().where(among(Stay.claim, list(part))).order_by(Stay.number):
            stays[stay.claim_id].append(stay)
        decided: Any = Decision.select(Decision.claim, Decision.on)
        days: Any = dict(decided.where(among(Decision.claim, list(part))).tuples())
        for claim in _full(list(part)):
            more = {"amount": part[claim.id], "decided_on": days.get(claim.id)}
            more |= {"standing": STANDINGS[was], **dict.fromkeys(ANSWERED, "")}
            yield [
                more[name] if name in more else _cell(claim, name, stays[claim.id])
                for name in names
            ]


def _full(claims: list[int]) -> Any:
    return (
        Claim.select(Claim, Enrollment, Member, Organization, Edition)
        .join_from(Claim, Enrollment)
        .join_from(Enrollment, Member)
        .join_from(Enrollment, Organization, on=Enrollment.organization == Organization.id)
        .join_from(Enrollment, Edition)
        .where(among(Claim.id, claims))
        .order_by(Claim.id)
    )


def _cell(claim: Claim, name: str, stays: Sequence[Stay]) -> Any:
    if name not in _OF_CLAIM:
        return of_person(claim.enrollment, name)
    return _OF_CLAIM[name](claim, stays)


def _event(claim: Claim, stays: Sequence[Stay]) -> str:
    events = claim.enrollment.edition.plan["events"]
    return str(events.get(claim.event or STAY, claim.event or "住院"))


_OF_CLAIM: Final[dict[str, Any]] = {
    "number": lambda claim, stays: claim.number,
    "event": _event,
    "filed_on": lambda claim, stays: claim.filed_on,
    "hospital": lambda claim, stays: "；".join(dict.fromkeys(stay.hospital for stay in stays)),
    "admitted": lambda claim, stays: min((stay.admitted for stay in stays), default=None),
    "discharged": lambda claim, stays: max((stay.discharged for stay in stays), default=None),
    "stays": lambda claim, stays: len(stays),
    "total": lambda claim, stays: sum(stay.amounts.get("total", 0) for stay in stays) or None,
}


@writes
def call_back(file: OperatorFile, *, reason: str, by: User, at: datetime) -> int:
    """Take back the claims of a file that are still with the operator, for instance because it
    never arrived: they may be sent again, or paid by the office itself. How many they are.

    Those whose answer somebody has yet to decide stay. Refuses without a reason and for none.
    """
    if len(reason.strip()) < 2:
        raise Refused("reason", "请写明收回的原因")
    open_ones = OperatorReply.select(OperatorReply.sending).where(OperatorReply.stage == "open")
    mine = (ClaimSending.file == file) & (ClaimSending.stage == "sent")
    mine &= ClaimSending.id.not_in(open_ones)
    rows: Any = ClaimSending.select(ClaimSending.claim).where(mine).tuples()
    claims = [claim for (claim,) in rows]
    if not claims:
        raise Refused("reason", "这份文件里没有还在等回执的申领")
    ClaimSending.update(stage="back").where(mine).execute()
    tell(claims, "called_back", reason.strip(), by=by, at=at)
    place, detail = file.organization, f"{file.number} {len(claims)}件：{reason.strip()}"
    audit.record("call claims back", by=by, at=at, on=file, organization=place, detail=detail)
    return len(claims)
