"""The office's home: what waits for each role."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template

from huigong.access import allow_signed_in
from huigong.admin.claims import waiting as claims_waiting
from huigong.admin.corrections import waiting as corrections_waiting
from huigong.admin.enrollment import waiting as rosters_waiting
from huigong.admin.funding import waiting as money_waiting
from huigong.admin.gifts import waiting as gifts_waiting
from huigong.admin.listings.building import waiting as listings_waiting
from huigong.admin.lists import Waiting
from huigong.admin.movements import waiting as moves_waiting
from huigong.admin.opening import waiting as opening_waiting
from huigong.admin.operator import waiting as operator_waiting
from huigong.admin.organizations import waiting as units_waiting
from huigong.admin.payouts import waiting as payouts_waiting
from huigong.admin.renewals import waiting as renewals_waiting
from huigong.admin.schemes import waiting as schemes_waiting
from huigong.admin.statements import waiting as statements_waiting

home = Blueprint("home", __name__, url_prefix="/admin")

# Each word's own question, in the order of the work: what waits for the signed-in user?
QUESTIONS: list[Callable[[], list[Waiting]]] = [
    rosters_waiting,
    renewals_waiting,
    moves_waiting,
    money_waiting,
    gifts_waiting,
    statements_waiting,
    claims_waiting,
    corrections_waiting,
    payouts_waiting,
    operator_waiting,
    units_waiting,
    opening_waiting,
    schemes_waiting,
    listings_waiting,
]


@home.get("/")
@allow_signed_in
def index() -> Any:
    waiting = [item for question in QUESTIONS for item in question() if item.count]
    return render_template("admin/home/index.html", waiting=waiting)
