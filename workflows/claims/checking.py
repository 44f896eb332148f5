"""Everything that stands against filing a claim, found before anything is kept."""

from datetime import date
from typing import Any

from huigong import rules
from huigong.models import Claim, Document, Edition, Enrollment, Stay
from huigong.money import yuan
from huigong.plans.vocabulary import DATES, PARTS, STAY
from huigong.refusals import Refused
from huigong.uploads import Kept
from huigong.workflows import funding
from huigong.workflows.claims.asking import HAPPENED, questions_for, reads_paid
from huigong.workflows.claims.reckoning import (
    MOST_FEN,
    Facts,
    known_facts,
    paid_so_far,
    stay_facts,
    stays_of,
    with_open_claims,
)
from huigong.workflows.schemes import plan_of

SETTLEMENT = "医保结算单"
MOST_STAYS = 20
NO_AMOUNT = "须为不小于零、不超过一百亿元的金额"
OF_ALL = ("filed_on", "event", "benefit")  # what is against the claim as a whole, told first
UNPAID = "名册未审核通过，或参保费没有到齐"
Fault = tuple[str, str]


def field_of(number: int, name: str) -> str:
    """The form field of one stay's fact; stays count from 0."""
    return f"stay-{number}-{name}"


def faults(
    enrollment: Enrollment,
    event: str | None,
    stays: list[Facts],
    *,
    facts: Facts,
    on: date,
    claim: Claim | None = None,
) -> list[Fault]:
    """All that is wrong with a claim as (field, message); empty when it may be filed."""
    plan = plan_of(enrollment.edition)
    event, filed_on = event or STAY, claim.filed_on if claim else on
    asked = asked_of(enrollment, event, claim)
    if event == STAY:
        found = _stay_faults(enrollment, asked, stays, on)
        found += _answers(asked, "claim", facts)
    else:
        found = _event_faults(enrollment, asked, facts, on)
    if not found:
        found = _overlaps(enrollment, stays, claim) + _same_event(enrollment, event, facts, claim)
    if not found:
        found = _paid_undecided(plan, enrollment, event, claim)
    if not found:
        said = with_open_claims(enrollment, event, stays, on=filed_on, facts=facts, claim=claim)
        whole = [(no.field, no.message) for no in said.refused if no.field in OF_ALL]
        found = [(_place(asked, no.field, stays), no.message) for no in said.refused]
        found = [*whole, *(fault for fault in found if fault not in whole)]
    return found


def asked_of(
    enrollment: Enrollment, event: str | None, claim: Claim | None = None
) -> list[rules.Question]:
    """What must be asked for a claim under this cover; facts that every other form would have
    asked at enrollment, and that the office still lacks, are asked of the claim."""
    plan = plan_of(enrollment.edition)
    paid = paid_so_far(enrollment, claim) > 0
    known = {name for name, value in known_facts(enrollment).items() if value is not None}
    return [
        question._replace(scope="claim") if question.scope == "enrollment" else question
        for question in questions_for(plan, event, dict.fromkeys(known), paid_known=paid)
    ]


def _stay_faults(
    enrollment: Enrollment, asked: list[rules.Question], stays: list[Facts], on: date
) -> list[Fault]:
    if not stays:
        return [("stays", "请至少填写一次住院")]
    if len(stays) > MOST_STAYS:
        return [("stays", f"一次申领最多填写{MOST_STAYS}次住院，请分次申报")]
    base = plan_of(enrollment.edition)["base"]
    found: list[Fault] = []
    for number, stay in enumerate(stays):
        told = _date_faults(enrollment, stay, on) + _amount_faults(asked, base, stay)
        found += [(field_of(number, name), message) for name, message in told or _days(stay)]
    return found


def _days(stay: Facts) -> list[Fault]:
    """Days in hospital cannot be more than the calendar gives; both ends may count."""
    days, most = stay.get("days"), (stay["discharged"] - stay["admitted"]).days + 1
    if days is None or 0 <= days <= most:
        return []
    return [("days", f"住院天数{days}天，多于入院至出院的{most}天")]


def _event_faults(
    enrollment: Enrollment, asked: list[rules.Question], facts: Facts, on: date
) -> list[Fault]:
    """An event of its own: its day within cover that was in force, and what the plan reads."""
    found, day = _answers(asked, "claim", facts), rules.day(facts.get(HAPPENED))
    if day is None:
        return found
    if day > on:
        return [(HAPPENED, f"发生日期{day}晚于今天"), *found]
    if not enrollment.cover_from <= day <= enrollment.cover_to:
        span = f"{enrollment.cover_from}至{enrollment.cover_to}"
        return [(HAPPENED, f"发生日期{day}不在保障期{span}内"), *found]
    if not funding.in_force_on(enrollment, day):
        return [(HAPPENED, f"这份参保在当日没有生效：{UNPAID}"), *found]
    return found


def _answers(asked: list[rules.Question], scope: str, given: Facts) -> list[Fault]:
    """The questions of one scope that have no answer, or one that cannot be."""
    found: list[Fault] = []
    for question in asked:
        if question.scope != scope or question.name in ("admitted", "discharged"):
            continue
        found += _unanswered(question, given)
    return found


def _same_event(
    enrollment: Enrollment, event: str, facts: Facts, claim: Claim | None
) -> list[Fault]:
    """What happened on one day is claimed for once in a scheme."""
    if event == STAY:
        return []
    earlier = (
        Claim.select()
        .join(Enrollment)
        .join(Edition)
        .where(Claim.member == enrollment.member_id, Claim.stage != "refused")
        .where(Edition.scheme == enrollment.edition.scheme_id, Claim.event == event)
    )
    for other in earlier:
        if other.facts.get(HAPPENED) == facts[HAPPENED] and (claim is None or other.id != claim.id):
            return [(HAPPENED, f"这一事项已在申领 {other.number} 中申报过")]
    return []


def _paid_undecided(
    plan: Facts, enrollment: Enrollment, event: str, claim: Claim | None
) -> list[Fault]:
    """Relief of what remains after other benefits waits until those have been decided."""
    if not reads_paid(plan, event):
        return []
    open_ones = Claim.select().where(
        Claim.enrollment == enrollment, Claim.stage << ("filed", "returned", "reviewed")
    )
    for other in open_ones.order_by(Claim.id):
        if (claim is None or other.id != claim.id) and not reads_paid(plan, other.event):
            message = (
                f"本保障期的申领 {other.number} 还没有作出决定；这项待遇按给付后的余额计算，"
                "请等它办结后再申报"
            )
            return [("event", message)]
    return []


def _date_faults(enrollment: Enrollment, stay: Facts, on: date) -> list[Fault]:
    admitted, discharged = stay.get("admitted"), stay.get("discharged")
    if admitted is None or discharged is None:
        wanted = [("admitted", admitted), ("discharged", discharged)]
        return [(name, f"请填写{DATES[name]}") for name, day in wanted if day is None]
    if discharged < admitted:
        return [("discharged", f"出院日期{discharged}早于入院日期{admitted}")]
    if discharged > on:
        return [("discharged", f"出院日期{discharged}晚于今天，出院后才能申领")]
    if not enrollment.cover_from <= admitted <= enrollment.cover_to:
        span = f"{enrollment.cover_from}至{enrollment.cover_to}"
        return [("admitted", f"入院日期{admitted}不在保障期{span}内")]
    if not funding.in_force_on(enrollment, admitted):
        return [("admitted", f"这份参保在入院当日没有生效：{UNPAID}")]
    return []


def _amount_faults(asked: list[rules.Question], base: Facts, stay: Facts) -> list[Fault]:
    """Amounts that cannot be, the plan's questions without an answer, parts that do not add up."""
    found = [
        (name, f"{PARTS[name]}{NO_AMOUNT}")
        for name in PARTS
        if stay.get(name) is not None and not _is_amount(stay[name])
    ]
    for name, message in _answers(asked, "stay", stay):
        parts = base.get(name)
        summed = parts and all(stay.get(part) is not None for part in parts)
        if (name, message) not in found and not (summed and stay.get(name) is None):
            found.append((name, message))
    if found:
        return found
    whole = _completed(stay)
    derived = "" if "self" in stay or "self" not in whole else "（个人账户加现金）"
    found = [
        (no.field, no.message.replace(PARTS["self"], PARTS["self"] + derived))
        for no in rules.check_settlement(whole)
    ]
    return found or _too_much_in_scope(stay)


def _is_amount(fen: Any) -> bool:
    return type(fen) is int and 0 <= fen <= MOST_FEN


def _unanswered(question: rules.Question, given: Facts) -> list[Fault]:
    value = given.get(question.name)
    if value is None:
        verb = "请选择" if question.kind == "choice" else "请填写"
        return [(question.name, f"{verb}{question.label}")]
    if question.kind == "amount" and not _is_amount(value):
        return [(question.name, f"{question.label}{NO_AMOUNT}")]
    if question.choices and value not in question.choices:
        return [(question.name, f"{question.label}没有“{value}”这一项")]
    return []


def _completed(stay: Facts) -> Facts:
    """Where the sheet gives account and cash but not their sum, the sum is what self was."""
    account, cash = stay.get("account"), stay.get("cash")
    if stay.get("self") is None and account is not None and cash is not None:
        return {**stay, "self": account + cash}
    return stay


def _too_much_in_scope(stay: Facts) -> list[Fault]:
    """What remains in scope can never be more than what the funds left to the person."""
    fens = [stay.get(name) for name in ("in_scope", "total", "pooled")]
    if None in fens:
        return []
    funds = sum(stay.get(name) or 0 for name in ("pooled", "critical", "other_funds"))
    left = stay["total"] - funds
    if stay["in_scope"] <= left:
        return []
    message = (
        f"符合医保政策剩余{yuan(stay['in_scope'])}元，多于总额减去各项基金支付后的"
        f"{yuan(left)}元，请核对结算单"
    )
    return [("in_scope", message)]


def _overlaps(enrollment: Enrollment, stays: list[Facts], claim: Claim | None) -> list[Fault]:
    """A stay counts once in a scheme: none may overlap another of the same member's."""
    found: list[Fault] = []
    for number, stay in enumerate(stays):
        for other in range(number):
            if _meet(stay, stays[other]):
                message = f"与第{other + 1}次住院的日期重叠"
                found.append((field_of(number, "admitted"), message))
    earlier = (
        Stay.select(Stay, Claim)
        .join(Claim)
        .join(Enrollment)
        .join(Edition)
        .where(Claim.member == enrollment.member_id, Claim.stage != "refused")
        .where(Edition.scheme == enrollment.edition.scheme_id)
    )
    for row in earlier:
        if claim is not None and row.claim_id == claim.id:
            continue
        kept = stay_facts(row)
        for number, stay in enumerate(stays):
            if _meet(stay, kept):
                found.append((field_of(number, "admitted"), _twice(row, kept, stay)))
    return found


def _twice(row: Stay, kept: Facts, stay: Facts) -> str:
    same = all(stay.get(name) == kept.get(name) for name in ("admitted", "discharged", "total"))
    if same:
        return f"这张结算单已在申领 {row.claim.number} 中申报过"
    return (
        f"与申领 {row.claim.number} 中{row.admitted}至{row.discharged}的住院日期重叠，"
        "同一次住院只能申领一次"
    )


def _meet(one: Facts, other: Facts) -> bool:
    """Whether two stays share a night, or are the same day; a transfer's one day is no overlap."""
    first, last = one["admitted"], one["discharged"]
    if other.get("admitted") is None or other.get("discharged") is None:
        return False
    if (first, last) == (other["admitted"], other["discharged"]):
        return True
    return bool(first < other["discharged"] and other["admitted"] < last)


def _place(asked: list[rules.Question], field: str, stays: list[Facts]) -> str:
    """The form field of a rules' refusal: the first stay that lacks it, or the first stay."""
    of_stays = {question.name for question in asked if question.scope == "stay"} | {"admitted"}
    if field not in of_stays or not stays:
        return field
    lacking = [n for n, stay in enumerate(stays) if stay.get(field) is None]
    return field_of(lacking[0] if lacking else 0, field)


def same_paper(enrollment: Enrollment, papers: list[tuple[str, Kept]], claim: Claim | None) -> None:
    """Refuses a settlement sheet whose very file came with another live claim of the member."""
    hashes = [kept.sha256 for kind, kept in papers if kind == SETTLEMENT]
    if not hashes:
        return
    twins = (
        Document.select(Document, Claim)
        .join(Claim)
        .join(Enrollment)
        .join(Edition)
        .where(Document.kind == SETTLEMENT, Document.sha256 << hashes)
        .where(Claim.member == enrollment.member_id, Claim.stage != "refused")
        .where(Edition.scheme == enrollment.edition.scheme_id)
    )
    for twin in twins:
        if claim is None or twin.claim_id != claim.id:
            message = f"这份医保结算单文件已随申领 {twin.claim.number} 提交过"
            raise Refused("papers", message)


def claimed_elsewhere(claim: Claim) -> str:
    """That another live claim of the member is for the same stays or event, in a sentence; ""
    when none is."""
    enrollment, event = claim.enrollment, claim.event or STAY
    found = _overlaps(enrollment, stays_of(claim), claim)
    found += _same_event(enrollment, event, claim.facts, claim)
    return found[0][1] if found else ""


def required_papers(plan: Facts, event: str | None) -> list[Facts]:
    """The papers that the scheme's source asks of a claim; empty where it states none."""
    return [paper for paper in plan["document"] if paper["event"] == (event or STAY)]


def missing_papers(claim: Claim) -> list[str]:
    """The kinds of paper that the scheme asks for and the claim has not."""
    kinds = {row.kind for row in Document.select(Document.kind).where(Document.claim == claim)}
    asked = required_papers(plan_of(claim.enrollment.edition), claim.event)
    return [paper["name"] for paper in asked if paper["name"] not in kinds]
