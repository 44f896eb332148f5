"""The office's screens: one blueprint per domain word."""

from flask import Blueprint

from huigong.admin.accounts import accounts
from huigong.admin.home import home

BLUEPRINTS: list[Blueprint] = [home, accounts]
