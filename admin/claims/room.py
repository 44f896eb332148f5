"""The blueprint of claims and the words their screens share."""

from datetime import date
from typing import Any

from flask import Blueprint

from huigong.models import Claim
from huigong.plans.vocabulary import STAY
from huigong.workflows import claims as deeds

claims = Blueprint("claims", __name__, url_prefix="/admin/claims")

STAGES = {
    "filed": ("等待初审", "wait"),
    "returned": ("退回补正", "bad"),
    "reviewed": ("等待复审", "wait"),
    "approved": ("同意给付", "good"),
    "refused": ("不予给付", "bad"),
    "paid": ("已发放", "done"),
}
EVENTS = {
    "filed": "申报",
    "returned": "退回补正",
    "refiled": "补正后重新申报",
    "reviewed": "初审通过",
    "approved": "复审同意给付",
    "refused": "复审不予给付",
    "paid": "已发放",
    "payment_returned": "银行退回",
    "revocation_asked": "提请撤销决定",
    "revocation_declined": "维持原决定",
    "revoked": "撤销决定，重新审核",
    "sent": "送承办方",
    "answered": "承办方回执",
    "reply_settled": "处理承办方回执",
    "called_back": "从承办方收回",
}
PAPERS = ("医保结算单", "出院小结", "费用清单", "发票", "身份证", "银行卡")
EVENT_PAPERS = ("事项证明", "身份证", "银行卡")  # where a source names none for an event of its own
PROMISED = ("filed", "reviewed", "approved")  # stages in which the office's promise runs


def kinds_of(plan: dict[str, Any], event: str | None) -> tuple[list[str], bool]:
    """The kinds of paper a claim for an event is asked for, and whether the source states them."""
    stated = [paper["name"] for paper in deeds.required_papers(plan, event)]
    usual = PAPERS if event in (None, STAY) else EVENT_PAPERS
    return stated or list(usual), bool(stated)


def promise_words(claim: Claim, today: date) -> tuple[str, str]:
    """How a claim stands to the office's promise, with the badge's kind; no words where none
    runs."""
    if claim.stage not in PROMISED or claim.promised_on is None:
        return "", ""
    left = (claim.promised_on - today).days
    if left < 0:
        return f"已超期{-left}天", "bad"
    return (f"还有{left}天", "done") if left else ("今天到期", "wait")


def next_step(claim: Claim) -> str:
    """Who must do what next, as a sentence."""
    if claim.stage == "filed":
        return "等待初审：由申报人以外的一位审核人办理"
    if claim.stage == "reviewed" and claim.first_reviewer:
        first = claim.first_reviewer.name
        return f"等待复审：由申报人和初审人（{first}）以外的一位审核人决定"
    if asked := deeds.open_reconsideration(claim):
        return f"已提请撤销决定：由提请人（{asked.asked_by.name}）以外的一位审核人答复"
    if claim.stage == "approved" and any(s.stage == "sent" for s in deeds.sendings_of(claim)):
        return "已送承办方，等它支付并发回执"
    return {
        "returned": "等待单位经办人补正后重新申报",
        "approved": "等待财务编入发放批次",
        "refused": "已办结：请把通知书交给职工",
        "paid": "已办结：互助金已发放",
    }[claim.stage]
