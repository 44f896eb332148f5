"""How each due stands, and what the dues of every subtree come to: what lists of dues are read by.
Each is changed inside the transaction that changes the facts."""

from typing import Any

from huigong.models import Due, DueStanding, DueTotal, Edition

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
    _tally(standing, -1)
    standing.owing, standing.settled = owing, not owing
    standing.save(only=[DueStanding.owing, DueStanding.settled])
    _tally(standing, 1)
    return owing


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
