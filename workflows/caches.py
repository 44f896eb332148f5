"""What is kept beside the facts, for lists to be read by, against the facts. Only reads."""

from collections import Counter
from typing import Any

from peewee import JOIN, fn

from huigong.models import (
    Balance,
    Claim,
    Claimant,
    Due,
    DueStanding,
    DueTotal,
    Edition,
    Enrollment,
    GiftReceipt,
    Journal,
    Member,
    Organization,
    Payment,
    PaymentReversal,
    Posting,
    Receipt,
    ReceiptVoid,
    ReceiptWanted,
    Roster,
    TransferItem,
    TransferReversal,
    Untransferred,
)
from huigong.money import yuan
from huigong.workflows.ledger import total


def _standings() -> list[str]:
    """The cache of what is owing, by which lists are filtered, against dues and payments."""
    owing = Due.amount - Due.received()
    query: Any = (
        Due.select(Due.id, owing.alias("owing"), DueStanding.owing, DueStanding.settled)
        .join(DueStanding, JOIN.LEFT_OUTER, on=DueStanding.due == Due.id)
        .where(
            Due.live(),
            DueStanding.id.is_null()
            | (DueStanding.owing != owing)
            | (DueStanding.amount != Due.amount)
            | (DueStanding.settled != (DueStanding.owing == 0)),
        )
    )
    moved: Any = (
        DueStanding.select(DueStanding.due)
        .join(Due)
        .join(Roster)
        .join(Edition)
        .where(
            (DueStanding.payer != Due.payer)
            | (DueStanding.carrier != Due.carrier)
            | (DueStanding.scheme != Edition.scheme)
            | (DueStanding.due_on != Due.due_on)
            | (DueStanding.receiver != Edition.organization)
        )
    )
    found = [f"应收#{due} 的缴款方、收款方或期限与清单不同" for (due,) in moved.tuples()]
    return found + [
        f"应收#{number} 尚欠 {yuan(owed)} 元，清单记 {yuan(listed or 0)} 元"
        for number, owed, listed, _ in query.tuples()
    ]


def _totals() -> list[str]:
    """Subtrees whose totals of dues are not the sums of their dues' standings."""
    by = (DueStanding.scheme, DueStanding.carrier, DueStanding.due_on, DueStanding.settled)
    sums = (fn.COUNT(DueStanding.id), total(DueStanding.amount), total(DueStanding.owing))
    stand: Any = DueStanding.select(Organization.path, *by, *sums)
    stand = stand.join(Organization, on=DueStanding.organization == Organization.id)
    found: Counter[tuple[Any, ...]] = Counter()
    for path, *sort, dues, amount, owing in stand.group_by(Organization.path, *by).tuples():
        for node in filter(None, path.split("/")):
            for what, number in enumerate((dues, amount, owing)):
                found[int(node), *sort, what] += int(number)
    said: Any = DueTotal.select(
        DueTotal.organization, DueTotal.scheme, DueTotal.carrier, DueTotal.due_on,
        DueTotal.settled, DueTotal.dues, DueTotal.amount, DueTotal.owing,
    )  # fmt: skip
    for *sort, dues, amount, owing in said.tuples():
        for what, number in enumerate((dues, amount, owing)):
            found[*sort, what] -= int(number)
    places = sorted({key[0] for key, number in found.items() if number})
    return [f"单位#{place} 的应缴合计与清单不符" for place in places]


def _balances() -> list[str]:
    """Subtrees whose balance of an account is not the sum of their postings."""
    booked: Any = (
        Posting.select(Organization.path, Posting.scheme, Posting.account, total(Posting.amount))
        .join(Journal)
        .join(Organization)
        .group_by(Organization.path, Posting.scheme, Posting.account)
    )
    sums: Counter[tuple[int, int | None, str]] = Counter()
    for path, scheme, account, fen in booked.tuples():
        for node in filter(None, path.split("/")):
            sums[int(node), scheme, account] += int(fen)
    said: Any = Balance.select(
        Balance.organization, Balance.scheme, Balance.account, Balance.amount
    )
    for place, scheme, account, fen in said.tuples():
        sums[place, scheme, account] -= int(fen)
    places = sorted({place for (place, _, _), fen in sums.items() if fen})
    return [f"单位#{place} 的账户余额与凭证不符" for place in places]


def _wanted() -> list[str]:
    """Rosters that wait for a receipt and should not, or the other way round."""
    live = Due.select(Due.roster).where(Due.live())
    owing: Any = live.join(DueStanding).where(DueStanding.owing > 0)
    voided = ReceiptVoid.select(ReceiptVoid.receipt)
    receipts = Receipt.select(Receipt.roster).where(Receipt.id.not_in(voided))
    to_givers = GiftReceipt.select(GiftReceipt.receipt)
    units, givers = Receipt.id.not_in(to_givers), Receipt.id << to_givers
    lacking = [
        (Roster.id << live.where(of_side)) & Roster.id.not_in(receipts.where(made_out))
        for of_side, made_out in ((Due.carrier != "gift", units), (Due.carrier == "gift", givers))
    ]
    wanted: Any = Roster.select(Roster.id).where(
        Roster.stage == "approved", Roster.id.not_in(owing), lacking[0] | lacking[1]
    )
    said: Any = ReceiptWanted.select(ReceiptWanted.roster)
    wrong = {id for (id,) in wanted.tuples()} ^ {id for (id,) in said.tuples()}
    return [f"名册#{id} 是否待开票记错" for id in sorted(wrong)]


def _untransferred() -> list[str]:
    """Rosters whose sheet says another sum than their payments less what was passed on."""
    undone: Any = PaymentReversal.select(PaymentReversal.payment)
    came: Any = Due.select(Due.roster, total(Payment.amount)).join(Payment)
    came = came.where(Payment.id.not_in(undone)).group_by(Due.roster)
    undone = TransferReversal.select(TransferReversal.transfer)
    went: Any = TransferItem.select(TransferItem.roster, total(TransferItem.amount))
    went = went.where(TransferItem.transfer.not_in(undone)).group_by(TransferItem.roster)
    said: Any = Untransferred.select(Untransferred.roster, Untransferred.amount)
    left: Counter[int] = Counter()
    for rows, sign in ((came, 1), (went, -1), (said, -1)):
        for roster, fen in rows.tuples():
            left[roster] += sign * int(fen)
    strange: Any = Untransferred.select(Untransferred.roster).join(Roster).join(Edition)
    strange = strange.where(Untransferred.scheme != Edition.scheme)
    wrong = {roster for roster, fen in left.items() if fen} | {id for (id,) in strange.tuples()}
    return [f"名册#{id} 应转承办方的款与到账、转款不符" for id in sorted(wrong)]


def _claimants() -> list[str]:
    """Claims that a list would not find by their member's name or their scheme."""
    named: Any = (
        Claim.select(Claim.number)
        .join_from(Claim, Claimant, JOIN.LEFT_OUTER, on=Claimant.claim == Claim.id)
        .join_from(Claim, Member)
        .join_from(Claim, Enrollment)
        .join_from(Enrollment, Edition)
        .where(
            Claimant.id.is_null()
            | (Claimant.name != Member.name)
            | (Claimant.scheme != Edition.scheme)
        )
    )
    return [f"申领{number} 的职工姓名或计划与清单不符" for (number,) in named.tuples()]


QUESTIONS = (_standings, _totals, _balances, _wanted, _untransferred, _claimants)
