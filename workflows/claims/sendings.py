"""Where a claim stands with the scheme's operator, and what a decision here means for it there."""

from datetime import datetime

from huigong.models import Claim, ClaimSending, OperatorFile, OperatorReply, User
from huigong.refusals import Refused


def sendings_of(claim: Claim) -> list[ClaimSending]:
    """How often a claim was sent to the operator, the latest first, each with its file."""
    query = ClaimSending.select(ClaimSending, OperatorFile).join(OperatorFile)
    return list(query.where(ClaimSending.claim == claim).order_by(ClaimSending.id.desc()))


def replies_of(claim: Claim) -> list[OperatorReply]:
    """What the operator answered about a claim, the latest first."""
    query = OperatorReply.select(OperatorReply, ClaimSending).join(ClaimSending)
    return list(query.where(ClaimSending.claim == claim).order_by(OperatorReply.id.desc()))


def judged(claim: Claim, to: str, field: str, *, by: User, at: datetime) -> None:
    """Let what the operator said of a checked claim be answered by what was decided here; one that
    is not going to be paid, or goes back for papers, is with the operator no more.

    Refuses (in `field`) that of a claim which the operator says it has paid. Inside the caller's
    transaction.
    """
    there = ClaimSending.get_or_none(ClaimSending.claim == claim, ClaimSending.stage == "sent")
    if there is None:
        return
    mine = (OperatorReply.sending == there) & (OperatorReply.stage == "open")
    if to != "approved":
        if OperatorReply.select().where(mine, OperatorReply.kind == "paid").exists():
            raise Refused(field, "承办方回执说这笔申领已支付，请财务先处理这份回执")
        there.move("stage", was="sent", to="back")
    OperatorReply.update(stage="done", verdict="judged", decided_by=by.id, decided_at=at).where(
        mine, OperatorReply.kind != "paid"
    ).execute()
