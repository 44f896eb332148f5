"""The public page that says whether a certificate holds: valid or not and its dates, nothing
else, for who has its QR code or knows its number and the last four of the member's ID."""

import re
import unicodedata
from typing import Any

from flask import Blueprint, render_template, request

from huigong import clock
from huigong.access import allow_anyone
from huigong.admin.claim_status import may_ask
from huigong.refusals import Refused
from huigong.workflows.enrollment import certificates

certificate_check = Blueprint("certificate_check", __name__)
TOO_MANY = "核验次数过多，请 1 分钟后再试，或向单位经办人询问"


@certificate_check.get("/certificate-check")
@allow_anyone
def ask() -> Any:
    number, token = _plain(request.args.get("c", "")), request.args.get("t", "")
    if not number or not token:
        return _page({"number": number}, {}, None)
    return _answer(number, {"token": token[:64]})


@certificate_check.post("/certificate-check")
@allow_anyone
def answer() -> Any:
    number, tail = _plain(request.form.get("number", "")), _plain(request.form.get("tail", ""))
    faults = []
    if not re.fullmatch(r"[A-Z0-9-]{6,40}", number, re.ASCII):
        faults.append(("number", "请填写凭证上的凭证号"))
    if not re.fullmatch(r"\d{3}[\dX]", tail, re.ASCII):
        faults.append(("tail", "请填写身份证号的后四位，末位是 X 的填 X"))
    if faults:
        return _page(request.form, Refused.all(faults).by_field(), None), 422
    return _answer(number, {"tail": tail})


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace(" ", "").upper()


def _answer(number: str, proof: dict[str, str]) -> Any:
    form = {"number": number}
    if not may_ask(f"certificate {number[:40]}"):
        return _page(form, {"number": TOO_MANY}, None), 429
    checked = certificates.check(number, on=clock.today(), **proof)
    return _page(form, {}, checked or False)


def _page(form: Any, errors: dict[str, str], checked: Any) -> str:
    """`checked`: None when nothing was asked, False when nothing was found."""
    return render_template("admin/members/check.html", form=form, errors=errors, checked=checked)
