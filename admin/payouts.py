"""Payouts: claims waiting for payment, batches, release by another person, the bank file."""

from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from peewee import fn

from huigong import clock
from huigong.access import allow, find, holds, scope_of_met, visible
from huigong.admin.lists import MOST_COUNTED, Waiting, beside, newest, page_of, waiting_for_me
from huigong.admin.reasoned import do_for_a_reason
from huigong.models import (
    Claim,
    Claimant,
    ClaimSending,
    Decision,
    Edition,
    Enrollment,
    Member,
    Organization,
    Payout,
    PayoutBatch,
    Role,
    Scheme,
    User,
)
from huigong.plans.vocabulary import OPERATORS
from huigong.refusals import Refused
from huigong.workflows import payouts as deeds
from huigong.workflows.schemes import plan_of

payouts = Blueprint("payouts", __name__, url_prefix="/admin/payouts")

READERS = (Role.FINANCE, Role.AUDITOR, Role.ADMINISTRATOR)
BATCH_STAGES = {
    "made": ("待放行", "wait"),
    "released": ("已放行", "good"),
    "withdrawn": ("已撤回", "done"),
}
PAYOUT_STAGES = {
    "pending": ("待放行", "wait"),
    "paid": ("已发放", "good"),
    "returned": ("银行退回", "bad"),
    "withdrawn": ("已撤回", "done"),
}
FILES = {
    "xlsx": (
        deeds.as_workbook,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "csv": (deeds.as_csv, "text/csv; charset=gb18030"),
}


def waiting() -> list[Waiting]:
    """What waits for finance: approved claims to batch, and batches that others made."""
    made = (PayoutBatch.stage == "made", beside(PayoutBatch.made_by != g.user))
    others = waiting_for_me(PayoutBatch, *made, roles=[Role.FINANCE])
    seen = Claim.select(Claim.id).where(beside(scope_of_met(Claim, Role.FINANCE)))
    claims = deeds.payable(seen).limit(MOST_COUNTED).count()
    return [
        Waiting(claims, "件申领已核定，待发放", url_for("payouts.index")),
        Waiting(others, "个发放批次待您复核放行", url_for("payouts.index")),
    ]


@payouts.get("/")
@allow(*READERS, on=PayoutBatch, menu=(50, "发放"))
def index() -> Any:
    totals: Any = (
        Payout.select(Payout.batch, fn.COUNT(Payout.id).alias("people"), fn.SUM(Payout.amount))
        .group_by(Payout.batch)
        .tuples()
    )
    page = page_of(PayoutBatch, newest(PayoutBatch))
    of_page = totals.where(Payout.batch << page.rows)
    return render_template(
        "admin/payouts/index.html",
        page=page,
        sums={batch: (people, int(fen)) for batch, people, fen in of_page},
        cities=_cities(),
        with_operators=_with_operators(),
        stages=BATCH_STAGES,
    )


def _with_operators() -> int:
    """How many decided claims wait for a scheme's operator to pay them, and so not for us."""
    there = visible(ClaimSending).join(Claim)
    return int(there.where(ClaimSending.stage == "sent", Claim.stage == "approved").count())


def _cities() -> list[dict[str, Any]]:
    """Who runs schemes with claims waiting: each with how many, and how much."""
    running = deeds.payable(Claim.select().where(beside(scope_of_met(Claim))))
    query = (
        running.select(Edition.organization, fn.COUNT(Claim.id), fn.SUM(Decision.amount))
        .join_from(Claim, Enrollment)
        .join_from(Enrollment, Edition)
        .join_from(Claim, Decision)
        .group_by(Edition.organization)
    )
    found = {city: (count, int(fen)) for city, count, fen in query.tuples()}
    cities = Organization.select().where(Organization.id << list(found)).order_by(Organization.id)
    return [
        {"city": city, "claims": found[city.id][0], "fen": found[city.id][1]} for city in cities
    ]


@payouts.get("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def new(id: int) -> Any:
    """Choose claims; `sum=1` asks for the total of what is ticked, saving nothing."""
    return _new_page(find(Organization, id), request.args.getlist("claims"), {})


@payouts.post("/new/<int:id>")
@allow(Role.FINANCE, on=Organization)
def make_batch(id: int) -> Any:
    city, ticked = find(Organization, id), request.form.getlist("claims")
    chosen: list[Any] = list(visible(Claim).where(Claim.id << _numbers(ticked)))
    try:
        batch = deeds.make_batch(claims=chosen, organization=city, by=g.user, at=clock.now())
    except Refused as refused:
        return _new_page(city, ticked, refused.by_field()), 422
    flash(f"已制成批次 {batch.number}，请另一位财务复核放行")
    return redirect(url_for("payouts.batch", id=batch.id), 303)


def _numbers(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal() and len(text) < 18]


def _new_page(city: Organization, ticked: list[str], errors: dict[str, str]) -> str:
    scheme = request.values.get("scheme", "")
    schemes = Scheme.select().join(Edition).where(Edition.organization == city).distinct()
    known = {row.id for row in schemes}
    asked_for = {int(scheme)} if scheme.isdecimal() and len(scheme) < 9 else known
    claims = _waiting_claims(asked_for & known)
    chosen = set(_numbers(ticked))
    asked = chosen or "sum" in request.args or request.method == "POST"
    if not asked:
        chosen = {claim.id for claim in claims if not claim.fault}
    picked = [claim for claim in claims if claim.id in chosen]
    return render_template(
        "admin/payouts/new.html",
        city=city, claims=claims, chosen=chosen, errors=errors, schemes=list(schemes),
        scheme=scheme, total=sum(claim.decision.amount for claim in picked), people=len(picked),
        most=deeds.MOST_CLAIMS,
    )  # fmt: skip


def _waiting_claims(schemes: set[int]) -> list[Claim]:
    """The first claims under these schemes that wait for payment, oldest decision first; `.fault`
    says why one cannot be paid by bank file."""
    theirs = Claimant.select(1).where(Claimant.claim == Claim.id, Claimant.scheme << schemes)
    query = (
        deeds.payable(Claim.select().where(fn.EXISTS(theirs), beside(scope_of_met(Claim))))
        .select(
            Claim,
            Member,
            Organization,
            Enrollment.id,
            Edition.id,
            Edition.name,
            Decision.id,
            Decision.amount,
        )
        .join_from(Claim, Member)
        .join_from(Claim, Organization)
        .join_from(Claim, Enrollment)
        .join_from(Enrollment, Edition)
        .join_from(Claim, Decision, attr="decision")
        .order_by(Decision.id)
    )
    claims = list(query.limit(deeds.MOST_CLAIMS)) if schemes else []
    for claim in claims:
        claim.fault = deeds.card_fault(claim.member)
    return claims


@payouts.get("/<int:id>/")
@allow(*READERS, on=PayoutBatch)
def batch(id: int) -> Any:
    return _batch_page(find(PayoutBatch, id), {})


def _batch_page(batch: PayoutBatch, errors: dict[str, str]) -> str:
    rows = deeds.payouts_of(batch)
    operators = {plan_of(p.claim.enrollment.edition)["operator"] for p in rows}
    return render_template(
        "admin/payouts/batch.html",
        batch=batch,
        rows=rows,
        cards={payout.id: payout.opened("card") for payout in rows},
        total=sum(payout.amount for payout in rows),
        came_back=[payout for payout in rows if payout.stage == "returned"],
        by_operator=deeds.is_operators(batch),
        operators="、".join(sorted(OPERATORS[operator] for operator in operators)),
        is_finance=holds(Role.FINANCE, at=batch.organization),
        people={user.id: user.name for user in _signers(batch)},
        stages=BATCH_STAGES,
        payout_stages=PAYOUT_STAGES,
        errors=errors,
    )


def _signers(batch: PayoutBatch) -> Any:
    return User.select().where(User.id << [batch.made_by_id, batch.released_by_id or 0])


@payouts.get("/<int:id>/release")
@allow(Role.FINANCE, on=PayoutBatch)
def release(id: int) -> Any:
    return _release_page(find(PayoutBatch, id), {})


@payouts.post("/<int:id>/release")
@allow(Role.FINANCE, on=PayoutBatch)
def release_batch(id: int) -> Any:
    batch = find(PayoutBatch, id)
    try:
        deeds.release_batch(batch, by=g.user, at=clock.now())
    except Refused as refused:
        return _release_page(batch, refused.by_field()), 422
    flash("已放行，可以下载银行文件")
    return redirect(url_for("payouts.batch", id=batch.id), 303)


def _release_page(batch: PayoutBatch, errors: dict[str, str]) -> str:
    rows = deeds.payouts_of(batch)
    total = sum(payout.amount for payout in rows)
    return render_template(
        "admin/payouts/release.html", batch=batch, rows=rows, total=total, errors=errors
    )


@payouts.get("/<int:id>/withdrawal")
@allow(Role.FINANCE, on=PayoutBatch)
def withdrawal(id: int) -> Any:
    batch = find(PayoutBatch, id)
    return render_template("admin/payouts/withdrawal.html", batch=batch, form={}, errors={})


@payouts.post("/<int:id>/withdrawal")
@allow(Role.FINANCE, on=PayoutBatch)
def withdraw_batch(id: int) -> Any:
    batch = find(PayoutBatch, id)
    return do_for_a_reason(
        deeds.withdraw_batch, batch, page="admin/payouts/withdrawal.html", batch=batch,
        said="已撤回，其中的申领回到待发放",
        to=url_for("payouts.batch", id=batch.id),
    )  # fmt: skip


@payouts.post("/<int:id>/bank-file")
@allow(Role.FINANCE, on=PayoutBatch)
def bank_file(id: int) -> Any:
    """The bank file with full card numbers; a POST, because taking it is logged."""
    batch, form = find(PayoutBatch, id), request.form.get("form", "")
    if form not in FILES:
        abort(404)
    try:
        rows = deeds.bank_file(batch, form=form, by=g.user, at=clock.now())
    except Refused as refused:
        return _batch_page(batch, refused.by_field()), 422
    make, kind = FILES[form]
    attached = f'attachment; filename="{batch.number}.{form}"'
    return Response(make(rows), content_type=kind, headers={"Content-Disposition": attached})


@payouts.get("/items/<int:id>/return")
@allow(Role.FINANCE, on=Payout)
def came_back(id: int) -> Any:
    payout = find(Payout, id)
    return render_template("admin/payouts/return.html", payout=payout, form={}, errors={})


@payouts.post("/items/<int:id>/return")
@allow(Role.FINANCE, on=Payout)
def return_payout(id: int) -> Any:
    payout = find(Payout, id)
    return do_for_a_reason(
        deeds.return_payout, payout, page="admin/payouts/return.html", payout=payout,
        said="已登记银行退回，申领回到待发放",
        field="note",
        to=url_for("payouts.batch", id=payout.batch_id),
    )  # fmt: skip
