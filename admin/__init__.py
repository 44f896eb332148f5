"""The office's screens: one blueprint per domain word."""

from flask import Blueprint

from huigong.admin.accounts import accounts
from huigong.admin.audit import audit
from huigong.admin.enrollment import enrollment
from huigong.admin.home import home
from huigong.admin.listings import listings
from huigong.admin.organizations import organizations

BLUEPRINTS: list[Blueprint] = [home, enrollment, accounts, organizations, audit, listings]
