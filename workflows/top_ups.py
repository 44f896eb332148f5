"""Top-ups: what an organization adds per person for its subtree, so that the rest is less."""

from collections import Counter
from datetime import date, datetime
from typing import Any

from huigong.database import writes
from huigong.models import Level, Organization, Roster, Scheme, TopUp, User
from huigong.money import yuan
from huigong.refusals import Refused
from huigong.workflows import audit

_FROM_THE_TOP = (Level.PROVINCE, Level.CITY, Level.COUNTY, Level.UNIT)


@writes
def record_top_up(
    *,
    organization: Organization,
    scheme: Scheme,
    amount: int,
    members_only: bool,
    from_on: date,
    to_on: date,
    basis: str,
    by: User,
    at: datetime,
) -> TopUp:
    """Record that an organization adds `amount` fen per person for covers that start in a time.

    Dues already raised stay as they are. Refuses an amount of nothing, a time that ends before
    it starts, a scheme that is not offered there, no basis, and one overlapping another of the
    same organization and scheme.
    """
    faults = []
    if amount <= 0:
        faults.append(("amount", "每人补贴金额应大于零"))
    if to_on < from_on:
        faults.append(("to_on", "结束日期不能早于开始日期"))
    if not basis.strip():
        faults.append(("basis", "请写明依据，例如补贴文件的名称和文号"))
    if scheme.organization_id not in organization.lineage:
        faults.append(("scheme", "这个互助计划不在该单位所属的城市"))
    others = TopUp.select().where(TopUp.organization == organization, TopUp.scheme == scheme)
    overlapping = others.where(TopUp.from_on <= to_on, TopUp.to_on >= from_on).first()
    if overlapping:
        since = f"{overlapping.from_on} 至 {overlapping.to_on}"
        faults.append(("from_on", f"与已登记的补贴（{since}）时间重叠，请先提前结束那一条"))
    if faults:
        raise Refused.all(faults)
    top_up = TopUp.create(
        organization=organization, scheme=scheme, amount=amount, members_only=members_only,
        from_on=from_on, to_on=to_on, basis=basis.strip(), by=by, at=at,
    )  # fmt: skip
    detail = f"每人{yuan(amount)}元"
    audit.record("record top-up", by=by, at=at, on=top_up, organization=organization, detail=detail)
    return top_up


@writes
def end_top_up(top_up: TopUp, *, to_on: date, by: User, at: datetime) -> TopUp:
    """End a top-up earlier; dues already raised stay. Refuses a later day than before, and one
    before its first day other than the day before it, which means that it never held."""
    now = TopUp.get_by_id(top_up.id)
    if to_on >= now.to_on:
        raise Refused("to_on", f"结束日期只能提前，现在是 {now.to_on}")
    if (now.from_on - to_on).days > 1:
        raise Refused("to_on", "结束日期最早是开始日期的前一天（表示这条补贴从未生效）")
    TopUp.update(to_on=to_on).where(TopUp.id == top_up.id).execute()
    top_up.to_on = to_on
    place, detail = top_up.organization, str(to_on)
    audit.record("end top-up", by=by, at=at, on=top_up, organization=place, detail=detail)
    return top_up


def held_for(roster: Roster) -> list[TopUp]:
    """The top-ups of a roster's lineage that hold on the day its cover starts, from the top."""
    found = list(
        TopUp.select(TopUp, Organization)
        .join(Organization)
        .where(
            TopUp.organization << roster.organization.lineage,
            TopUp.scheme == roster.edition.scheme_id,
            TopUp.from_on <= roster.cover_from,
            TopUp.to_on >= roster.cover_from,
        )
    )
    return sorted(found, key=lambda top_up: _FROM_THE_TOP.index(Level(top_up.organization.level)))


def carried(shares: dict[str, int], facts: dict[str, Any], top_ups: list[TopUp]) -> dict[str, int]:
    """One person's shares in fen with the top-ups taken out of the rest, never more than it."""
    rest, added = shares.get("rest", 0), Counter[str]()
    for top_up in top_ups:
        if top_up.members_only and facts.get("membership", "member") != "member":
            continue
        part = min(rest, top_up.amount)
        rest -= part
        added[top_up.organization.level] += part
    whole = Counter({carrier: fen for carrier, fen in shares.items() if carrier != "rest"})
    whole.update(added)
    if rest:
        whole["rest"] = rest
    return {carrier: fen for carrier, fen in whole.items() if fen}
