"""Whose money a statement line is: by remark, amount and payer, with the reason in words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Final

from peewee import JOIN, Select, fn

from huigong import identity
from huigong.database import among, db
from huigong.models import (
    Due,
    DueStanding,
    Edition,
    Gift,
    Organization,
    Payment,
    PaymentReversal,
    Roster,
    StatementLine,
)
from huigong.workflows.remarks import UNIT_CODE, months_in

MOST_OF_ONE_AMOUNT: Final = 60  # open dues of one amount that are looked at
MOST_TOGETHER: Final = 60  # dues that one line may pay together
_ROSTER: Final = re.compile(r"MC\d{8}-?\d{5,}|MC\d{4}-\d{5,}")
_CREDIT_CODE: Final = re.compile(r"(?<![0-9A-Z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Z])")
_ENDINGS: Final = re.compile(
    r"(基层)?(工会委员会|联合工会|总工会|工会|有限责任公司|有限公司|股份)+$"
)
Payer: Any = Organization.alias()


@dataclass
class Candidate:
    """Dues that a line may be for, how much of it, how likely, and why. `exact`: the remark
    names it and the amount is the same."""

    dues: list[Any]
    amount: int  # fen of the line that these dues would take
    score: int
    reasons: list[str]
    named: bool = False  # the remark says it
    same: bool = False  # the amount is the whole of what they owe

    @property
    def exact(self) -> bool:
        """Whether remark and amount both say so."""
        return self.named and self.same

    @property
    def parts(self) -> list[tuple[Any, int]]:
        """(due, fen) of each, the first ones filled first."""
        left, parts = self.amount, []
        for due in self.dues:
            part = min(left, due.owing)
            left -= part
            parts.append((due, part))
        return [(due, part) for due, part in parts if part]


@dataclass
class _Clues:
    """What a line says of whose it is."""

    line: StatementLine
    left: int
    rosters: set[str] = field(default_factory=set)
    organizations: set[int] = field(default_factory=set)  # named by a code in the remark
    months: set[tuple[int | None, int]] = field(default_factory=set)
    namesakes: set[int] = field(default_factory=set)
    gifts: set[int] = field(default_factory=set)  # rosters whose giver has the payer's name
    known_payers: set[int] = field(default_factory=set)  # this account paid for them before


def candidates(lines: Sequence[StatementLine], left: dict[int, int]) -> dict[int, list[Candidate]]:
    """For each line of one office, likely dues first; `left` is what each line still has, in fen.

    A fixed number of queries, however many lines there are.
    """
    if not lines:
        return {}
    clues = [_read(line, left[line.id]) for line in lines]
    _find_organizations(clues)
    dues = _open_dues(clues, lines[0].organization_id)
    return {clue.line.id: _ranked(clue, dues) for clue in clues}


def exact_among(found: dict[int, list[Candidate]]) -> dict[int, Candidate]:
    """Of lines' candidates, those that may be confirmed in bulk: exact, clearly ahead of the next,
    and no due proposed to two lines."""
    proposed: dict[int, Candidate] = {}
    taken: set[int] = set()
    for line, ranked in found.items():
        if not ranked or not ranked[0].exact:
            continue
        if len(ranked) > 1 and ranked[1].exact and ranked[1].score >= ranked[0].score:
            continue
        if not taken & {due.id for due in ranked[0].dues}:
            proposed[line] = ranked[0]
            taken |= {due.id for due in ranked[0].dues}
    return proposed


def _read(line: StatementLine, left: int) -> _Clues:
    text = identity.plain_text(line.remark).upper()
    clues = _Clues(line, left, rosters=set(_ROSTER.findall(text.replace(" ", ""))))
    for known in (_ROSTER, _CREDIT_CODE, UNIT_CODE):
        text = known.sub(" ", text)
    clues.months = months_in(text)
    return clues


def _find_organizations(clues: Sequence[_Clues]) -> None:
    """Give each line the organizations that its remark, its payer's name and account mean."""
    codes, names = defaultdict(list), defaultdict(list)
    for clue in clues:
        text = identity.plain_text(clue.line.remark).upper()
        for code in _CREDIT_CODE.findall(text):
            codes[code].append(clue)
        for number in UNIT_CODE.findall(text):
            clue.organizations.add(int(number))
        for name in _variants(clue.line.payer_name):
            names[name].append(clue)
    found: Any = Organization.select(Organization.id, Organization.code, Organization.name).where(
        (Organization.code << list(codes)) | (Organization.name << list(names))
    )
    for number, code, name in found.tuples():
        for clue in codes.get(code, []):
            clue.organizations.add(number)
        for clue in names.get(name, []):
            clue.namesakes.add(number)
    _find_givers(names)
    _find_known_payers(clues)


def _find_givers(names: dict[str, list[_Clues]]) -> None:
    """Give each line the rosters that somebody of its payer's name gave to."""
    given: Any = Gift.select(Gift.name, Gift.roster).where(
        Gift.stage == "agreed", Gift.name << list(names)
    )
    for name, roster in given.tuples():
        for clue in names[name]:
            clue.gifts.add(roster)


def _variants(name: str) -> set[str]:
    """The names under which an organization may be known here, from what a bank calls it."""
    plain = identity.plain_text(name).replace(" ", "")
    core = _ENDINGS.sub("", plain)
    if len(core) < 2:
        return {plain} - {""}
    return {plain, core, *(core + ending for ending in _OFTEN)}


_OFTEN: Final = ("工会", "工会委员会", "总工会", "有限公司", "有限公司工会", "有限公司工会委员会")


def _find_known_payers(clues: Sequence[_Clues]) -> None:
    by_account = defaultdict(list)
    for clue in clues:
        if clue.line.account_index:
            by_account[clue.line.account_index].append(clue)
    undone = PaymentReversal.select(PaymentReversal.payment)
    query: Any = (
        Payment.select(StatementLine.account_index, Due.payer)
        .join_from(Payment, StatementLine)
        .join_from(Payment, Due)
        .where(StatementLine.account_index << list(by_account), Payment.id.not_in(undone))
        .where(Due.carrier != "gift")  # a donor's account is not the collector's
        .where(StatementLine.organization == clues[0].line.organization_id)
        .distinct()
    )
    for account, payer in query.tuples():
        for clue in by_account[account]:
            clue.known_payers.add(payer)


def _open_dues(clues: Sequence[_Clues], receiver: int) -> list[Any]:
    """The open dues that any of these lines may be for, each with what it owes."""
    rosters = set().union(*(clue.rosters for clue in clues))
    people = set().union(*(c.organizations | c.namesakes | c.known_payers for c in clues))
    amounts = {clue.left for clue in clues}
    standing: Any = DueStanding.select(DueStanding.due).where(
        DueStanding.receiver == receiver,
        DueStanding.settled == False,  # noqa: E712 SQL's own
    )
    numbered = Roster.select(Roster.id).where(Roster.number << list(rosters))
    of_rosters = standing.join(Due).where(Due.roster << numbered)
    of_people = standing.where(
        (DueStanding.payer << list(people)) | (DueStanding.organization << list(people))
    )
    gifts = set().union(*(clue.gifts for clue in clues))
    of_gifts = standing.join(Due).where(Due.roster << list(gifts), Due.carrier == "gift")
    ids = {
        *(due for (due,) in of_rosters.tuples()),
        *(due for (due,) in of_people.limit(5000).tuples()),
        *(due for (due,) in of_gifts.tuples()),
    }
    return load_dues(ids | _of_amounts(standing, amounts))


def _of_amounts(standing: Any, amounts: set[int]) -> set[int]:
    """Of each of these amounts the first open dues, asked for all at once."""
    place = fn.ROW_NUMBER().over(
        partition_by=[DueStanding.owing], order_by=[DueStanding.due_on, DueStanding.id]
    )
    alike = standing.select(DueStanding.due, place.alias("place"))
    alike = alike.where(among(DueStanding.owing, sorted(amounts))).alias("alike")
    first: Any = Select([alike], [alike.c.due_id]).where(alike.c.place <= MOST_OF_ONE_AMOUNT)
    return {due for (due,) in first.bind(db).tuples()}


def load_dues(ids: Iterable[int]) -> list[Any]:
    """Open dues with what a person needs to recognize them: `.owing`, roster, unit and payer."""
    query = (
        Due.select(
            *(Due, Roster, Organization, Payer, Edition, DueStanding.id, DueStanding.owing),
            Due.giver(),
        )
        .join_from(Due, Roster)
        .join_from(Roster, Edition)
        .join_from(Due, Organization, on=Due.organization)
        .join_from(Due, Payer, on=(Due.payer == Payer.id), attr="payer")
        .join_from(Due, DueStanding, JOIN.INNER, on=DueStanding.due == Due.id)
        .where(Due.id << list(ids))
        .order_by(Due.due_on, Due.id)
    )
    dues: list[Any] = list(query)
    for due in dues:
        due.owing = due.duestanding.owing
    return dues


def _ranked(clue: _Clues, dues: Sequence[Any]) -> list[Candidate]:
    found = [c for due in dues if (c := _weigh(clue, [due])) and c.score >= _WORTH]
    for together in _together(clue, dues):
        group = _weigh(clue, together)
        if group and group.same:
            group.reasons.append(f"金额等于 {len(together)} 笔应缴之和（{_days(together)}）")
            found.append(group)
    return sorted(found, key=lambda c: (-c.score, c.dues[0].due_on, c.dues[0].id))[:8]


def _together(clue: _Clues, dues: Sequence[Any]) -> list[list[Any]]:
    """Dues of one payer that one transfer may have paid together: all of them, those of the months
    that the remark names, those of one day or until then (a county pays what falls on the 25th)."""
    by_payer: dict[int, list[Any]] = defaultdict(list)
    meant = clue.organizations | clue.namesakes | clue.known_payers
    for due in dues:
        if due.payer_id in meant or due.roster.number in clue.rosters:
            by_payer[due.payer_id].append(due)
    groups: dict[tuple[int, ...], list[Any]] = {}
    for owed in by_payer.values():
        days = sorted({due.due_on for due in owed})
        for group in (
            owed,
            [due for due in owed if _in_months(clue, due)],
            *([due for due in owed if due.due_on == day] for day in days),
            *([due for due in owed if due.due_on <= day] for day in days),
        ):
            if 1 < len(group) <= MOST_TOGETHER:
                groups[tuple(due.id for due in group)] = group
    return list(groups.values())


def _days(dues: Sequence[Any]) -> str:
    first, last = min(due.due_on for due in dues), max(due.due_on for due in dues)
    return f"都在 {last} 到期" if first == last else f"{last} 及以前到期"


_WORTH: Final = 25


def _weigh(clue: _Clues, dues: list[Any]) -> Candidate | None:
    """How likely a line is for these dues of one payer, and why."""
    due, owing = dues[0], sum(d.owing for d in dues)
    score, reasons, named = 0, [], False
    if due.roster.number in clue.rosters:
        score, named = score + 50, True
        reasons.append("附言写有名册号")
    if clue.organizations & {due.payer_id, due.organization_id}:
        score, named = score + 40 + (due.payer_id in clue.organizations) * 5, True
        reasons.append("附言写有单位代码")
        if clue.months and _in_months(clue, due):
            score += 10
            reasons.append("月份相同")
        elif clue.months:
            score, named = score - 15, False
            reasons.append("月份不同")
    same = clue.left == owing
    if same:
        score += 30
        reasons.append("金额相同")
    weight, words = _name_weight(clue, due)
    if due.payer_id in clue.known_payers:
        weight += 15
        words = [*words, "此账号曾为该单位缴费"]
    score += weight
    if score and not same:
        reasons.append(
            "金额少于应缴，可部分到账" if clue.left < owing else "金额多于应缴，余款留待处理"
        )
    return Candidate(dues, min(clue.left, owing), score, reasons + words, named, same)


def _name_weight(clue: _Clues, due: Any) -> tuple[int, list[str]]:
    """The very name weighs more than an amount that somebody else happens to owe."""
    if due.carrier == "gift" and due.roster_id in clue.gifts:
        return 35, ["付款方是赠送方"]
    if due.payer_id in clue.namesakes and due.payer_name == due.payer.name:
        return 35, ["付款方名称相同"]
    theirs = _ENDINGS.sub("", identity.plain_text(clue.line.payer_name).replace(" ", ""))
    ours = _ENDINGS.sub("", identity.plain_text(due.payer_name).replace(" ", ""))
    if len(theirs) < 2 or len(ours) < 2:
        return 0, []
    near = theirs in ours or ours in theirs or SequenceMatcher(None, theirs, ours).ratio() >= 0.7
    return (12, ["付款方名称相近"]) if near else (0, [])


def _in_months(clue: _Clues, due: Any) -> bool:
    start = due.roster.cover_from
    return not clue.months or any(
        month == start.month and year in (None, start.year) for year, month in clue.months
    )


def filled(dues: Sequence[Any], amount: int) -> list[tuple[Any, int]]:
    """An amount over dues in order, each filled before the next; in fen."""
    return Candidate(list(dues), amount, 0, []).parts


def search_dues(receiver: Organization, words: str) -> list[Any]:
    """Open dues whose roster number, unit or payer a person asked for, the oldest first."""
    named = Organization.select(Organization.id).where(Organization.name.contains(words))
    numbered = Roster.select(Roster.id).where(Roster.number.contains(words.upper()))
    found: Any = (
        DueStanding.select(DueStanding.due)
        .join(Due)
        .where(
            DueStanding.receiver == receiver,
            DueStanding.settled == False,  # noqa: E712 SQL's own
            (DueStanding.payer << named)
            | (DueStanding.organization << named)
            | (Due.roster << Gift.select(Gift.roster).where(Gift.name.contains(words)))
            | (Due.roster << numbered),
        )
        .order_by(DueStanding.due_on)
        .limit(MOST_TOGETHER)
    )
    return load_dues([due for (due,) in found.tuples()])
