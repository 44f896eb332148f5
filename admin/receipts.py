"""Receipts: rosters to confirm, receipts issued, printed and voided."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from peewee import JOIN

from huigong import clock
from huigong.access import allow, find, visible
from huigong.admin.funding import (
    READERS,
    Payer,
    funding,
    only_received_here,
    receipts_of,
    to_confirm,
)
from huigong.admin.lists import Order, newest, page_of
from huigong.admin.reasoned import do_for_a_reason
from huigong.database import containing
from huigong.models import Due, Organization, Receipt, ReceiptVoid, ReceiptWanted, Role, Roster
from huigong.plans.vocabulary import OPERATORS, OWERS
from huigong.refusals import Refused
from huigong.workflows import funding as deeds
from huigong.workflows import gifts
from huigong.workflows.schemes import plan_of


@funding.get("/receipts")
@allow(Role.FINANCE, on=Roster)
def receipts() -> Any:
    order = Order((ReceiptWanted.roster, ReceiptWanted.id))
    shown = ReceiptWanted.select(ReceiptWanted, Roster, Organization).join(Roster)
    shown = shown.join_from(Roster, Organization)
    page = page_of(ReceiptWanted, order, inside=to_confirm(), shown=shown)
    return render_template("admin/funding/receipts.html", page=page)


@funding.get("/rosters/<int:id>/receipt")
@allow(Role.FINANCE, on=Roster)
def receipt(id: int) -> Any:
    roster = find(Roster, id)
    only_received_here(roster)
    return _receipt_page(roster, {})


@funding.post("/rosters/<int:id>/receipt")
@allow(Role.FINANCE, on=Roster)
def confirm_receipt(id: int) -> Any:
    roster = find(Roster, id)
    only_received_here(roster)
    try:
        receipt = deeds.confirm_receipt(roster, by=g.user, at=clock.now())
    except Refused as refused:
        return _receipt_page(roster, refused.by_field()), 422
    made = [r for r in receipts_of(roster) if r and r.id >= receipt.id]
    flash(f"已开票确认，编号 {'、'.join(r.number for r in made)}")
    if len(made) > 1:
        return redirect(url_for("funding.roster", id=id), 303)
    return redirect(url_for("funding.receipt_print", id=receipt.id), 303)


def _receipt_page(roster: Roster, errors: dict[str, str]) -> str:
    gift = gifts.of_roster(roster)
    wanting = [
        (gift.name if gift and given else roster.organization.name, total)
        for given, total in deeds.receipts_wanting(roster)
    ]
    return render_template(
        "admin/funding/receipt.html",
        roster=roster, wanting=wanting, is_paid=deeds.is_paid(roster), errors=errors,
        has_receipts=[r for r in receipts_of(roster) if r],
    )  # fmt: skip


@funding.get("/receipts/<int:id>")
@allow(*READERS, on=Receipt)
def receipt_print(id: int) -> Any:
    receipt = find(Receipt, id)
    made_out = receipt.made_out.first()
    whose = Due.carrier == "gift" if made_out else Due.carrier != "gift"
    dues = (
        visible(Due)
        .where(Due.roster == receipt.roster_id, Due.live(), whose)
        .select(Due, Payer)
        .join(Payer, on=(Due.payer == Payer.id), attr="payer")
    )
    return render_template(
        "admin/funding/receipt_print.html",
        receipt=receipt, roster=receipt.roster, gift=made_out.gift if made_out else None,
        dues=list(dues), carriers=OWERS,
        void=receipt.voids.first(),
        operator=OPERATORS[plan_of(receipt.roster.edition)["operator"]],
    )  # fmt: skip


@funding.get("/receipts/issued")
@allow(Role.FINANCE, Role.AUDITOR, on=Receipt)
def issued() -> Any:
    """Every receipt in order of its number, the voided with their reasons."""
    asked = request.args.get("q", "").strip()[:40].upper()
    shown = (
        Receipt.select(Receipt, Roster, Organization, ReceiptVoid)
        .join_from(Receipt, Roster)
        .join_from(Receipt, Organization, on=Receipt.organization)
        .join_from(Receipt, ReceiptVoid, JOIN.LEFT_OUTER, attr="void")
    )
    filters = [containing(Receipt.number, asked)] if asked else []
    page = page_of(Receipt, newest(Receipt), filters=filters, shown=shown)
    return render_template("admin/funding/issued.html", page=page, asked=asked)


@funding.get("/receipts/<int:id>/void")
@allow(Role.FINANCE, on=Receipt)
def void(id: int) -> Any:
    receipt = find(Receipt, id)
    only_received_here(receipt.roster)
    return render_template("admin/funding/void.html", receipt=receipt, form={}, errors={})


@funding.post("/receipts/<int:id>/void")
@allow(Role.FINANCE, on=Receipt)
def void_receipt(id: int) -> Any:
    receipt = find(Receipt, id)
    only_received_here(receipt.roster)
    return do_for_a_reason(
        deeds.void_receipt, receipt, page="admin/funding/void.html", receipt=receipt,
        said=f"收据 {receipt.number} 已作废，编号不再使用",
        to=url_for("funding.roster", id=receipt.roster_id),
    )  # fmt: skip
