"""How each due stands, what the dues of every subtree come to, and what is still to be passed on:
what lists of dues and transfer sheets are read by. Each is changed inside the transaction that
changes the facts."""

from typing import Any

from peewee import EXCLUDED

from huigong.models import (
    Due,
    DueStanding,
    DueTotal,
    Edition,
    Transfer,
    TransferItem,
    Untransferred,
)

_TALLIED = [
    *(DueTotal.organization, DueTotal.scheme, DueTotal.carrier, DueTotal.due_on),
    *(DueTotal.settled, DueTotal.dues, DueTotal.amount, DueTotal.owing),
]


def stand(due: Due, edition: Edition) -> None:
    """Let a due that was just raised stand in the lists, nothing of it paid."""
    standing = DueStanding.create(
        organization=due.organization, due=due, scheme=edition.scheme_id, carrier=due.carrier,
        payer=due.payer, receiver=edition.organization_id, due_on=due.due_on, amount=due.amount,
        owing=due.amount,
    )  # fmt: skip
    _tally(standing, 1)


def restand(due: Due) -> int:
    """Let a due's standing say again what is owing; in fen."""
    owing = int(due.amount - due.paid)
    standing = DueStanding.get(DueStanding.due == due)
    received = standing.owing - owing
    more = Untransferred.insert(roster=due.roster_id, scheme=standing.scheme_id, amount=received)
    _added(more).execute()
    _tally(standing, -1)
    standing.owing, standing.settled = owing, not owing
    standing.save(only=[DueStanding.owing, DueStanding.settled])
    _tally(standing, 1)
    return owing


def pass_on(transfer: Transfer, *, sign: int) -> None:
    """Let what a transfer's items say be passed on (1), or be to pass on again (-1)."""
    items: Any = TransferItem.select(
        TransferItem.roster, transfer.scheme_id, TransferItem.amount * -sign
    ).where(TransferItem.transfer == transfer)
    fields = [Untransferred.roster, Untransferred.scheme, Untransferred.amount]
    _added(Untransferred.insert_from(items, fields)).execute()
    if sign > 0:  # then what is at 0 is so on every later day, too
        nothing = (Untransferred.scheme == transfer.scheme_id) & (Untransferred.amount == 0)
        Untransferred.delete().where(nothing).execute()


def _added(rows: Any) -> Any:
    """An insertion that adds to what a roster's row says already."""
    sum_ = Untransferred.amount + EXCLUDED.amount
    return rows.on_conflict(
        conflict_target=[Untransferred.roster], update={Untransferred.amount: sum_}
    )


def drop_standing(due: Due) -> None:
    """Let a due that fell stand in no list, inside the caller's transaction."""
    standing = DueStanding.get(DueStanding.due == due)
    _tally(standing, -1)
    standing.delete_instance()


def _tally(standing: DueStanding, sign: int) -> None:
    """Let the totals of a due's unit and of all above it count its standing, or no longer."""
    change = (sign, sign * standing.amount, sign * standing.owing)
    sort = (standing.scheme_id, standing.carrier, standing.due_on, standing.settled)
    alike = (
        (DueTotal.scheme == sort[0]) & (DueTotal.carrier == sort[1])
        & (DueTotal.due_on == sort[2]) & (DueTotal.settled == sort[3])
    )  # fmt: skip
    lineage = standing.organization.lineage
    rows: Any = DueTotal.select(DueTotal.organization).where(
        DueTotal.organization << lineage, alike
    )
    known = {node for (node,) in rows.tuples()}
    dues, amount, owing = change
    DueTotal.update(
        dues=DueTotal.dues + dues, amount=DueTotal.amount + amount, owing=DueTotal.owing + owing
    ).where(DueTotal.organization << known, alike).execute()
    fresh = [(node, *sort, *change) for node in lineage if node not in known]
    if fresh:
        DueTotal.insert_many(fresh, fields=_TALLIED).execute()
