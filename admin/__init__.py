"""The office's screens: one blueprint per domain word."""

from flask import Blueprint

from huigong.admin import judging, mending, movements, receipts, renewals, roster_work  # noqa: F401 they join other words' blueprints
from huigong.admin.accounts import accounts
from huigong.admin.audit import audit
from huigong.admin.certificate_check import certificate_check
from huigong.admin.claim_status import claim_status
from huigong.admin.claims import claims
from huigong.admin.corrections import corrections
from huigong.admin.enrollment import enrollment
from huigong.admin.funding import funding
from huigong.admin.gifts import gifts
from huigong.admin.home import home
from huigong.admin.incomes import incomes
from huigong.admin.ledger import ledger
from huigong.admin.listings import listings
from huigong.admin.members import members
from huigong.admin.opening import opening
from huigong.admin.operator import operator
from huigong.admin.organizations import organizations
from huigong.admin.payouts import payouts
from huigong.admin.reminders import reminders
from huigong.admin.replay import replay
from huigong.admin.schemes import schemes
from huigong.admin.statements import statements
from huigong.admin.top_ups import top_ups
from huigong.admin.transfers import transfers

BLUEPRINTS: list[Blueprint] = [
    home,
    enrollment,
    members,
    gifts,
    accounts,
    organizations,
    opening,
    operator,
    audit,
    listings,
    funding,
    statements,
    incomes,
    top_ups,
    transfers,
    reminders,
    ledger,
    payouts,
    claims,
    schemes,
    replay,
    claim_status,
    corrections,
    certificate_check,
]
