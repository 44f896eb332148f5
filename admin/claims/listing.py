"""The list of claims, one claim's page, its papers, and what waits for whom."""

from functools import reduce
from operator import add
from typing import Any

from flask import abort, g, render_template, request, url_for
from peewee import Select, fn

from huigong import clock, explain
from huigong.access import allow, find, holds, paths, scope_of_met, visible
from huigong.admin import papers
from huigong.admin.claims.room import (
    EVENTS,
    PROMISED,
    STAGES,
    claims,
    next_step,
    promise_words,
)
from huigong.admin.lists import (
    MOST_COUNTED,
    MOST_FETCHED,
    Order,
    Waiting,
    asked_order,
    beside,
    counted,
    either,
    named_place,
    ordered,
    page_of,
)
from huigong.database import db
from huigong.models import (
    Claim,
    Claimant,
    ClaimEvent,
    Decision,
    Document,
    Edition,
    Enrollment,
    Member,
    Organization,
    Reconsideration,
    Role,
    Scheme,
    Stay,
    begins,
)
from huigong.money import yuan
from huigong.plans.vocabulary import CLAIM_AMOUNTS, DATES, FACTS, PAID, PARTS
from huigong.refusals import Refused
from huigong.workflows import claims as deeds
from huigong.workflows.operator import in_words
from huigong.workflows.schemes import damage, plan_of

_COLUMNS = {
    "number": Claim.id,
    "filed": Claim.filed_on,
    "amount": Claim.computed,
    "promised": Claim.promise(),
}
READERS = (Role.CLERK, Role.REVIEWER, Role.FINANCE, Role.AUDITOR)


def waiting() -> list[Waiting]:
    """What waits for a clerk (returned claims) and a reviewer (first reviews, decisions, and
    whether one is revoked)."""
    asked = [
        (Role.CLERK, Claim.stage == "returned", "returned", "件申领待补正"),
        (Role.REVIEWER, _for_me("review"), "review", "件申领待初审"),
        (Role.REVIEWER, _for_me("decide"), "decide", "件申领待复审"),
        (Role.REVIEWER, _for_me("revoke"), "revoke", "件提请撤销的决定待答复"),
    ]
    return [
        Waiting(
            counted(Claim, condition, beside(scope_of_met(Claim, role)), most=MOST_COUNTED),
            words,
            url_for("claims.index", stage=stage),
        )
        for role, condition, stage, words in asked
    ]


def _for_me(todo: str) -> Any:
    """The claims a reviewer may first-review or decide: not those they filed or reviewed; or
    whose decision others than they ask to revoke."""
    if todo == "revoke":
        asked: Any = Reconsideration.select(Reconsideration.claim)
        return Claim.id << asked.where(
            Reconsideration.stage == "open", Reconsideration.asked_by != g.user
        )
    mine = ClaimEvent.select(ClaimEvent.id).where(
        ClaimEvent.claim == Claim.id,
        beside((ClaimEvent.by == g.user) & (ClaimEvent.kind << ("filed", "refiled"))),
    )
    others = beside((Claim.filed_by != g.user) & ~fn.EXISTS(mine))
    if todo == "review":
        return (Claim.stage == "filed") & others
    return (Claim.stage == "reviewed") & others & beside(Claim.first_reviewer != g.user)


def next_for_me(todo: str, after: Claim) -> tuple[int | None, int]:
    """The claim that waits for the signed-in reviewer after this one, from the beginning again
    at the end, and how many others wait."""
    mine = (_for_me(todo), beside(scope_of_met(Claim, Role.REVIEWER)), Claim.id != after.id)
    columns = (Claim.promise(), Claim.id)
    place: Any = Claim.select(*columns).where(Claim.id == after.id).tuples().get()
    # Found by their stage, then sorted: left to choose, PostgreSQL looks through every claim in
    # the order of their promises for the few that wait.
    others = Claim.select(columns[0].alias("promise"), Claim.id).where(*mine).offset(0)
    found = others.alias("found")
    order = Order((found.c.promise, found.c.id))
    rows = order.sorted(Select([found], [found.c.id]))
    behind = rows.where(order.past(place, backwards=False))
    following = _first(behind) or _first(rows)
    if following is None:
        return None, 0
    return following, counted(Claim, *mine, most=MOST_COUNTED)


def _first(rows: Any) -> int | None:
    ids = [int(id) for (id,) in rows.limit(1).bind(db).tuples()]
    return ids[0] if ids else None


@claims.get("")
@allow(*READERS, on=Claim, menu=(40, "申领"))
def index() -> Any:
    asked = {name: request.args.get(name, "").strip()[:50] for name in ("q", "stage", "scheme")}
    asked["overdue"] = "1" if request.args.get("overdue") == "1" else ""
    stage = asked["stage"]
    filters, held = _filters(asked)
    name, _ = asked_order(_COLUMNS, default=_usual_order(stage))
    page = page_of(
        Claim, ordered(Claim, _COLUMNS, default=_usual_order(stage)),
        filters=filters, held=held, shown=_shown(),
        near=_near(asked) if name == "number" else None,
    )  # fmt: skip
    return render_template(
        "admin/claims/index.html",
        page=page, stages=STAGES, scheme_options=list(_scheme_options()),
        awards=_awards(page.rows), target=_target(stage), open_ones=_to_be_set(page.rows),
        promises={row.id: promise_words(row, clock.today()) for row in page.rows},
        filtered=any(asked.values()), may_file=holds(Role.CLERK), **asked,
    )  # fmt: skip


def _near(asked: dict[str, str]) -> Any:
    """What follows of a claim's number: an index has a stage's by theirs; and what is overdue is
    open, so that it is no older than the oldest open one."""
    if asked["stage"] in STAGES:
        return Claim.stage == asked["stage"]
    if asked["overdue"]:
        first = Claim.select(fn.MIN(Claim.id).alias("id"))
        each = reduce(add, (first.where(Claim.stage == stage) for stage in PROMISED))
        oldest = each.alias("oldest")  # of each stage by an index, of all three by none
        return Claim.id >= Select([oldest], [fn.MIN(oldest.c.id)])
    return None


def _usual_order(stage: str) -> str:
    """A queue by what was promised, so that the overdue lead; other lists by the newest."""
    return "promised" if stage in ("review", "decide") else "-number"


def _to_be_set(rows: list[Claim]) -> set[int]:
    """The undecided claims whose amount a reviewer has yet to set."""
    undecided = [row for row in rows if row.stage in ("filed", "returned", "reviewed")]
    editions = {row.enrollment.edition_id: row.enrollment.edition for row in undecided}
    plans = {id: edition.plan for id, edition in editions.items() if not damage(edition)}
    return {
        row.id
        for row in undecided
        if (plan := plans.get(row.enrollment.edition_id)) and deeds.sets_amount(plan, row.event)
    }


def _scheme_options() -> Any:
    return visible(Scheme).select(Scheme.id, Scheme.name).order_by(Scheme.name).tuples()


def _target(stage: str) -> str:
    """Where a row of the list leads: straight to the work when the list is a queue."""
    there = {"review": "claims.review", "decide": "claims.decision", "revoke": "claims.revocation"}
    return there.get(stage, "claims.page")


def _shown() -> Any:
    """Claims with what the list shows of them."""
    return (
        Claim.select(Claim, Member, Organization, Enrollment, Edition)
        .join_from(Claim, Member)
        .join_from(Claim, Organization)
        .join_from(Claim, Enrollment)
        .join(Edition)
    )


def _filters(asked: dict[str, str]) -> tuple[list[Any], list[Any]]:
    """What was asked for: by an index, and what each claim is held against."""
    filters: list[Any] = []
    held: list[Any] = []
    if asked["stage"] in ("review", "decide", "revoke"):
        mine = _for_me(asked["stage"])
        if asked["stage"] == "revoke":  # decided claims: few, by the requests about them
            filters.append(mine)
        else:
            filters.append(Claim.stage == ("filed" if asked["stage"] == "review" else "reviewed"))
            held.append(mine)
        if paths(Role.REVIEWER) != paths():
            held.append(scope_of_met(Claim, Role.REVIEWER))
    if asked["stage"] in STAGES:
        filters.append(Claim.stage == asked["stage"])
    if asked["scheme"].isdecimal() and len(asked["scheme"]) < 9:
        common, theirs = _claimed(Claimant.scheme == int(asked["scheme"]))
        (held if common else filters).append(theirs)
    if asked["overdue"]:
        filters.append((Claim.promised_on < clock.today()) & (Claim.stage << PROMISED))
    if asked["q"]:
        common, theirs = _claimed(begins(Claimant.name, asked["q"]))
        there = named_place(Claim.organization, asked["q"])
        numbered = Claim.number == asked["q"].upper()
        (held if common else filters).append(either(theirs, there, numbered))
    return filters, held


def _claimed(condition: Any) -> tuple[bool, Any]:
    """Whether many claims are so, and the condition that one is: then each claim met is asked,
    else the few are named."""
    common = counted(Claimant, condition, most=MOST_FETCHED) >= MOST_FETCHED
    if common:  # no EXISTS: of that PostgreSQL makes a list of all tens of thousands at once
        theirs = Claimant.select(1).where(Claimant.claim == Claim.id, condition)
        return True, fn.COALESCE(theirs, 0) == 1
    return False, Claim.id << Claimant.select(Claimant.claim).where(condition)


def _awards(rows: list[Claim]) -> dict[int, int]:
    awards: Any = Decision.select(Decision.claim, Decision.amount)
    return dict(awards.where(Decision.claim << [row.id for row in rows]).tuples())


@claims.get("/<int:id>")
@allow(*READERS, on=Claim)
def page(id: int) -> Any:
    claim = find(Claim, id)
    todo = request.args.get("next", "")
    if todo not in ("review", "decide") or not holds(Role.REVIEWER):
        todo = ""
    following, waiting_count = next_for_me(todo, claim) if todo else (None, 0)
    return render_template(
        "admin/claims/page.html",
        todo=todo, following=following, waiting_count=waiting_count, target=_target(todo),
        **shown(claim),
    )  # fmt: skip


def shown(claim: Claim, proposed: int | None = None) -> dict[str, Any]:
    """What a page about one claim shows. A decided claim shows its decision's own steps; one
    that is not, what it would be with what a reviewer proposes in fen."""
    decision = Decision.get_or_none(Decision.claim == claim)
    steps, benefit, stopped = _steps(claim, decision, proposed)
    edition = claim.enrollment.edition
    plan = None if damage(edition) else edition.plan
    return {
        "claim": claim,
        "member": claim.member,
        "enrollment": claim.enrollment,
        "edition": edition,
        "decision": decision,
        "asked": deeds.open_reconsideration(claim),
        "revoked": deeds.revoked_of(claim),
        "steps": steps,
        "benefit": benefit,
        "stopped": stopped,
        "stays": list(Stay.select().where(Stay.claim == claim).order_by(Stay.number)),
        "told": _told(plan, claim),
        "damaged": damage(edition) if decision is not None else None,
        "days": _days(plan, claim) if plan else [],
        "caps": deeds.remaining(claim) if plan else [],
        "others": _others(claim),
        "papers": list(Document.select().where(Document.claim == claim).order_by(Document.id)),
        "missing": [] if stopped or not plan else deeds.missing_papers(claim),
        "events": list(
            ClaimEvent.select().where(ClaimEvent.claim == claim).order_by(ClaimEvent.id)
        ),
        "sendings": deeds.sendings_of(claim),
        "replies": deeds.replies_of(claim),
        "operator_says": in_words,
        "next_step": next_step(claim),
        "promise": promise_words(claim, clock.today()),
        "parts": PARTS,
        "stages": STAGES,
        "event_names": EVENTS,
        "fact_words": explain.value_words,
    }


def _told(plan: dict[str, Any] | None, claim: Claim) -> list[tuple[str, str]]:
    """What a claim itself states, in words: what happened and when, its grade and amounts. What
    only the plan has words for is left out where that is damaged."""
    told = []
    if plan and claim.event:
        told.append(("申领事项", plan["events"].get(claim.event, claim.event)))
    reads_paid = plan is not None and deeds.reads_paid(plan, claim.event)
    paid = deeds.paid_so_far(claim.enrollment, claim) if reads_paid else 0
    facts = {PAID: paid, **claim.facts} if paid else claim.facts
    for name, value in facts.items():
        if value is None:
            continue
        if name in CLAIM_AMOUNTS or name in PARTS:
            label = CLAIM_AMOUNTS.get(name) or PARTS[name]
            told.append((label, f"{yuan(value)} 元"))
        elif name in DATES:
            told.append((DATES[name], str(value)))
        elif name in FACTS and (plan or name != "grade"):
            told.append((FACTS[name].label, explain.value_words(plan or {}, name, value)))
        elif name == "days":
            told.append(("住院天数", f"{value} 天"))
    return told


def _days(plan: dict[str, Any], claim: Claim) -> list[tuple[str, str]]:
    """The days that bind a claim, in words: for filing, and the office's own promise."""
    discharges = [stay["discharged"] for stay in deeds.stays_of(claim)]
    last, limit = deeds.last_filing_day(plan, claim.enrollment, claim.event, discharges)
    told = [("申领期限", f"{last}（{limit}）" if last else limit)] if limit else []
    if plan["promise"] and claim.stage in PROMISED:
        words = str(claim.promised_on) if claim.promised_on else f"按工作日计，{deeds.UNPUBLISHED}"
        told.append(("承诺办结日", words))
    return told


def _others(claim: Claim) -> list[tuple[Claim, int | None]]:
    """The member's other claims of the term that may be seen, with what was awarded in fen."""
    query = visible(Claim).where(Claim.enrollment == claim.enrollment_id, Claim.id != claim.id)
    rows = list(query.order_by(Claim.id))
    awards = _awards(rows)
    return [(row, awards.get(row.id)) for row in rows]


def _steps(
    claim: Claim, decision: Decision | None, proposed: int | None
) -> tuple[list[dict[str, Any]], int, str]:
    """(steps in words, fen, what stops the reckoning). A damaged plan stops only the reckoning."""
    if decision is not None:
        return decision.explanation, decision.computed, ""
    try:
        said = deeds.reckon_claim(claim, proposed=proposed)
        plan = plan_of(claim.enrollment.edition)
        most = None if proposed is not None else deeds.proposal_ceiling(claim)
    except Refused as refused:
        return [], 0, str(refused)
    stopped = "；".join(no.message for no in said.refused)
    open_to = "" if most is None else f"由复审人在{yuan(most)}元以内拟定，这里暂不计"
    return deeds.worded(plan, said.steps, open_to=open_to), said.benefit, stopped


@claims.get("/<int:id>/papers/<int:paper>")
@allow(Role.CLERK, Role.REVIEWER, Role.AUDITOR, on=Claim)
def paper(id: int, paper: int) -> Any:
    document = find(Document, paper)
    if document.claim_id != id:
        abort(404)
    opened = papers.handed(document.file, document.name)
    deeds.read_paper(document, by=g.user, at=clock.now())
    return opened
