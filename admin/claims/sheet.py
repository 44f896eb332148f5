"""The claim form's page: what is asked, the calculation beside it, and papers kept as they come."""

from dataclasses import dataclass
from typing import Any

from flask import abort, current_app, g, render_template, request
from itsdangerous import BadSignature, URLSafeSerializer

from huigong import clock, uploads
from huigong.admin.claims import forms
from huigong.admin.claims.room import kinds_of
from huigong.models import Claim, ClaimEvent, Document, Enrollment
from huigong.money import yuan
from huigong.plans.vocabulary import SILENT, STAY
from huigong.refusals import Refused
from huigong.uploads import Kept
from huigong.workflows import claims as deeds
from huigong.workflows.schemes import plan_of

TO_BE_SET = "由审核人在复审时拟定，这里暂不计"


@dataclass(frozen=True)
class Trial:
    """The calculation beside the form: steps in words, fen, what still stands against it, and
    the last day for filing."""

    steps: list[dict[str, Any]]
    benefit: int | None
    faults: list[str]
    warning: str
    last_day: str


def form_page(
    enrollment: Enrollment,
    typed: dict[str, str],
    *,
    claim: Claim | None = None,
    errors: dict[str, str] | None = None,
    papers: list[tuple[str, Kept]] | None = None,
) -> str:
    """The form with what was typed; where the plan is damaged, the page that says so."""
    try:
        plan = plan_of(enrollment.edition)
    except Refused as refused:
        return render_template(
            "admin/claims/stopped.html", enrollment=enrollment, message=str(refused)
        )
    event = forms.event_of(plan, typed.get("event", ""))
    asked = deeds.asked_of(enrollment, event, claim)
    kinds, stated = kinds_of(plan, event)
    return render_template(
        "admin/claims/form.html",
        enrollment=enrollment, member=enrollment.member, claim=claim, typed=typed,
        errors=errors or {}, count=forms.count_of(typed), event=event,
        events=deeds.events_of(plan), claim_fields=forms.claim_fields(plan, asked),
        stay_fields=forms.stay_fields(plan, asked), part_fields=forms.part_fields(plan),
        has_stays=event == STAY, pays=bool(plan["benefit"]), kinds=kinds, stated=stated,
        there=list(claim.documents.order_by(Document.id)) if claim else [],
        papers=papers or [], seal=_seal().dumps, silent=SILENT,
        trial=trial(enrollment, plan, typed, claim), returned=_last_return(claim),
        rules_of_it=_rules_of(enrollment, plan, event, claim),
    )  # fmt: skip


def _rules_of(
    enrollment: Enrollment, plan: dict[str, Any], event: str, claim: Claim | None
) -> list[tuple[str, str]]:
    """What binds a claim for this event under this cover: (term, words)."""
    last, limit = deeds.last_filing_day(plan, enrollment, event, [])
    paid = deeds.paid_so_far(enrollment, claim) if deeds.reads_paid(plan, event) else 0
    told = [
        ("等待期", "；".join(deeds.waiting_words(enrollment, event))),
        ("申领次数", deeds.counts_words(enrollment, event)),
        ("申领期限", f"{limit}，最后一天 {last}" if last else limit),
        ("已给付的互助金", f"{yuan(paid)} 元，本保障期已作出决定的申领合计" if paid else ""),
        ("金额", "由复审人在计划规定的上限内拟定" if deeds.sets_amount(plan, event) else ""),
    ]
    return [(term, words) for term, words in told if words]


def _last_return(claim: Claim | None) -> ClaimEvent | None:
    if claim is None:
        return None
    events = ClaimEvent.select().where(ClaimEvent.claim == claim, ClaimEvent.kind == "returned")
    last: ClaimEvent | None = events.order_by(ClaimEvent.id.desc()).first()
    return last


def read(enrollment: Enrollment, typed: dict[str, str], claim: Claim | None) -> forms.Typed:
    """The form as read against what its event asks."""
    plan = plan_of(enrollment.edition)
    event = forms.event_of(plan, typed.get("event", ""))
    return forms.read(plan, deeds.asked_of(enrollment, event, claim), typed)


def trial(
    enrollment: Enrollment, plan: dict[str, Any], typed: dict[str, str], claim: Claim | None
) -> Trial:
    """What the form would be reckoned at now, and what would be refused."""
    said, today = read(enrollment, typed, claim), clock.today()
    facts = deeds.settled_facts(enrollment, said.event, said.facts, claim)
    found_faults = deeds.faults(
        enrollment, said.event, said.stays, facts=facts, on=today, claim=claim
    )
    told = [message for _, message in (*said.faults, *found_faults)]
    on = claim.filed_on if claim else today
    found = deeds.reckon(
        enrollment, said.event, said.stays, on=on, facts=facts, claim=claim
    ).claims[-1]
    discharges = [stay["discharged"] for stay in said.stays if "discharged" in stay]
    last, limit = deeds.last_filing_day(plan, enrollment, said.event, discharges)
    last_day = f"申领期限：{limit}，最后一天 {last}" if last else limit and f"申领期限：{limit}"
    faults = list(dict.fromkeys(told))
    if found.refused or said.faults:
        return Trial([], None, faults, "", last_day)
    steps = deeds.worded(plan, found.steps, open_to=TO_BE_SET)
    return Trial(steps, found.benefit, faults, _confused(said.stays), last_day)


def _confused(stays: list[dict[str, Any]]) -> str:
    """A likely slip that the sums cannot show: the in-scope remainder typed from another line."""
    for number, stay in enumerate(stays, 1):
        given = stay.get("in_scope")
        for name, words in (("cash", "现金支付"), ("out_of_catalogue", "自费（目录外）")):
            if given and given == stay.get(name):
                return (
                    f"第{number}次住院的“符合医保政策剩余”与“{words}”金额相同，"
                    "两者通常不同，请对照结算单核实。"
                )
    return ""


# ── Papers: kept when they arrive, so that a refused form does not ask for them again ──


def _seal() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"paper-{g.user.id}")


def papers_sent(plan: dict[str, Any]) -> list[tuple[str, Kept]]:
    """Papers kept before and papers just sent. Refuses a file that is no PDF, JPG or PNG, and
    one kept so long ago that it was swept."""
    folder = current_app.config["SETTINGS"].files
    g.papers, gone = _sealed_papers()
    kinds, _ = kinds_of(plan, forms.event_of(plan, request.form.get("event", "")))
    fields = {f"paper-{number}": kind for number, kind in enumerate(kinds)}
    for field, kind in {**fields, "paper-other": "其他材料"}.items():
        for sent in request.files.getlist(field):
            if sent.filename:
                paper = uploads.keep_paper(folder, sent.stream, name=sent.filename, field=field)
                g.papers.append((kind, paper))
    if gone:
        names = "、".join(gone)
        raise Refused("papers", f"这些材料上传后太久没有提交，已被清理，请重新选择：{names}")
    return kept()


def kept() -> list[tuple[str, Kept]]:
    """The papers this request has kept so far."""
    return list(g.get("papers") or [])


def _sealed_papers() -> tuple[list[tuple[str, Kept]], list[str]]:
    """Papers that an earlier sending of this form kept, and the names of those swept since;
    their marks are signed for this user."""
    folder, papers, gone = current_app.config["SETTINGS"].files, [], []
    for text in request.form.getlist("kept")[:60]:
        try:
            kind, *parts = _seal().loads(text)
        except BadSignature:
            abort(400)
        paper = Kept(*parts)
        if (folder / paper.file).is_file():
            papers.append((kind, paper))
        else:
            gone.append(paper.name)
    return papers, gone
