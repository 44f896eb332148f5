"""The one public page that the office answers: a claim's stage, for who knows its number and
the last four of the member's ID. No name, no amount, and the same answer for absent and wrong."""

import re
import unicodedata
from collections import deque
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from flask import Blueprint, render_template, request

from huigong import clock
from huigong.access import allow_anyone
from huigong.refusals import Refused
from huigong.workflows import claims

claim_status = Blueprint("claim_status", __name__)

MOST_TRIES = 10
WITHIN = timedelta(minutes=10)
MOST_REMEMBERED = 20_000
_tries: dict[str, deque[datetime]] = {}
_lock = Lock()


@claim_status.get("/claim-status")
@allow_anyone
def ask() -> Any:
    return render_template("admin/claims/status.html", form={}, errors={}, answer=None)


@claim_status.post("/claim-status")
@allow_anyone
def answer() -> Any:
    form = request.form
    try:
        number, tail = _asked(form.get("number", ""), form.get("tail", ""))
        if not all([may_try(f"a {request.remote_addr}"), may_try(f"n {number}")]):
            raise Refused("number", "查询次数过多，请 10 分钟后再试，或向单位经办人询问")
    except Refused as refused:
        errors = refused.by_field()
        status = 429 if "过多" in errors.get("number", "") else 422
        page = render_template("admin/claims/status.html", form=form, errors=errors, answer=None)
        return page, status
    stage = claims.stage_for_member(number, tail)
    return render_template("admin/claims/status.html", form=form, errors={}, answer=stage or "")


def _asked(number: str, tail: str) -> tuple[str, str]:
    number = unicodedata.normalize("NFKC", number).replace(" ", "").upper()
    tail = unicodedata.normalize("NFKC", tail).strip().upper()
    faults = []
    if not re.fullmatch(r"SL\d{14}", number, re.ASCII):
        faults.append(("number", "申领编号以 SL 开头，后面是 14 位数字"))
    if not re.fullmatch(r"\d{3}[\dX]", tail, re.ASCII):
        faults.append(("tail", "请填写身份证号的后四位，末位是 X 的填 X"))
    if faults:
        raise Refused.all(faults)
    return number, tail


def may_try(who: str) -> bool:
    """Count a try from an address or for a number; False past ten within ten minutes."""
    now = clock.real_now()
    with _lock:
        if len(_tries) > MOST_REMEMBERED:
            _forget(now)
        tries = _tries.setdefault(who, deque())
        while tries and tries[0] <= now - WITHIN:
            tries.popleft()
        if len(tries) >= MOST_TRIES:
            return False
        tries.append(now)
        return True


def _forget(now: datetime) -> None:
    for who in [who for who, tries in _tries.items() if not tries or tries[-1] <= now - WITHIN]:
        del _tries[who]
