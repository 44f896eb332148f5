"""The one public page that the office answers: a claim's stage, for who knows its number and
the last four of the member's ID. No name, no amount, and the same answer for absent and wrong."""

import re
import unicodedata
from typing import Any

from flask import Blueprint, render_template, request

from huigong import clock
from huigong.access import allow_anyone
from huigong.refusals import Refused
from huigong.workflows import brakes, claims

claim_status = Blueprint("claim_status", __name__)


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
        if not may_ask(f"claim {number}"):
            raise Refused("number", "查询次数过多，请 1 分钟后再试，或向单位经办人询问")
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


def may_ask(about: str) -> bool:
    """Whether the client may ask this once more, by its own address and by what it asks about."""
    now, network = clock.real_now(), brakes.network_of(request.remote_addr or "")
    asked = [f"address {network}", about]
    return all(brakes.may_try(brakes.ASK, who, now=now) for who in asked)
