"""The claim form: generated from what the plan reads, and read back without losing a keystroke."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from huigong import money, rules
from huigong.models import Claim, Stay
from huigong.plans.vocabulary import CLAIM_AMOUNTS, DATES, PAID, PARTS, STAY
from huigong.workflows import claims as deeds

MOST_SHOWN = 99  # more stays than may be filed, so that none is dropped without a word
SHEET = ("total", "pooled", "critical", "other_funds", "account", "cash")
USUALLY_NONE = ("critical", "other_funds", "account")  # printed as 0.00 on most sheets
_DATE = re.compile(r"(\d{4})\D(\d{1,2})\D(\d{1,2})\D?")


class Field(NamedTuple):
    """One field of a stay or of the claim, as the form asks it."""

    name: str
    label: str
    kind: str  # choice | whole | amount | date | text
    choices: list[tuple[Any, str]]
    hint: str
    required: bool


class Typed(NamedTuple):
    """What the form says, read: `faults` are what cannot be read, by field."""

    event: str | None
    facts: dict[str, Any]
    stays: list[dict[str, Any]]
    faults: list[tuple[str, str]]


def stay_fields(plan: rules.Plan, questions: list[rules.Question]) -> list[Field]:
    """What is asked of each stay: where and when, what the plan reads, and the settlement."""
    asked = {q.name: q for q in questions if q.scope == "stay"}
    fields = [
        Field("hospital", "医院", "text", [], "", False),
        Field("admitted", DATES["admitted"], "date", [], "", True),
        Field("discharged", DATES["discharged"], "date", [], "", True),
    ]
    for question in asked.values():
        if question.kind in ("choice", "whole"):
            fields.append(_field(plan, question))
    read = [name for name, question in asked.items() if question.kind == "amount"]
    for name in dict.fromkeys((*SHEET, *read)):
        hint = _hint(plan, name)
        fields.append(Field(name, PARTS[name], "amount", [], hint, name in read))
    return fields


def _field(plan: rules.Plan, question: rules.Question) -> Field:
    choices, hint = list(question.choices.items()), _hint(plan, question.name)
    return Field(question.name, question.label, question.kind, choices, hint, True)


def part_fields(plan: rules.Plan) -> list[Field]:
    """The parts that add up to the scheme's base, for sheets that do not print their sum."""
    names = dict.fromkeys(part for parts in plan["base"].values() for part in parts)
    return [Field(name, PARTS[name], "amount", [], "", False) for name in names]


def claim_fields(plan: rules.Plan, questions: list[rules.Question]) -> list[Field]:
    """What is asked once of the claim: its day, grade and amounts, and facts of the person that
    nobody asked at enrollment."""
    return [_field(plan, question) for question in questions if question.scope == "claim"]


def _hint(plan: rules.Plan, name: str) -> str:
    if name == "in_scope":
        parts = plan["base"].get(name)
        sums = "本计划按" + "、".join(PARTS[part] for part in parts) + "之和计。" if parts else ""
        return sums + "它不等于现金支付，也不等于自费。"
    return {
        "total": "结算单上的费用总额",
        "pooled": "医保统筹基金报销的金额",
        "critical": "没有则填 0",
        "other_funds": "公务员补助、医疗救助等，没有则填 0",
        "account": "从医保个人账户划走的金额，没有则填 0",
        "cash": "本人最后付的现金，其中可能含自费",
        "out_of_catalogue": "医保目录以外、全部由本人承担的费用",
        "days": "照结算单或出院小结上的住院天数",
        "happened_on": "须在保障期内",
        PAID: "系统中还没有已作出决定的申领；在别处已得到的照凭证填写，没有则填 0",
    }.get(name, "")


def blank(event: str, count: int = 1) -> dict[str, str]:
    """A new form's text for one event."""
    typed = {"stays": str(count), "event": event}
    for number in range(count):
        typed |= _new_stay(number)
    return typed


def _new_stay(number: int) -> dict[str, str]:
    return {deeds.field_of(number, name): "0" for name in USUALLY_NONE}


def of_claim(claim: Claim) -> dict[str, str]:
    """A kept claim's text, for filing it again."""
    rows = list(Stay.select().where(Stay.claim == claim).order_by(Stay.number))
    typed = {"stays": str(max(len(rows), 1)), "event": claim.event or STAY}
    for name, value in claim.facts.items():
        amount = name in PARTS or name in CLAIM_AMOUNTS
        typed[name] = money.plain(value) if amount else str(value)
    for number, row in enumerate(rows):
        for name in ("hospital", "admitted", "discharged", "place", "hospital_level", "days"):
            value = getattr(row, name)
            typed[deeds.field_of(number, name)] = "" if value is None else str(value)
        for name, fen in row.amounts.items():
            typed[deeds.field_of(number, name)] = money.plain(fen)
    return typed


def count_of(typed: Mapping[str, str]) -> int:
    text = typed.get("stays", "1")
    return min(max(int(text), 1), MOST_SHOWN) if text.isdecimal() and len(text) < 4 else 1


def add_stay(typed: dict[str, str]) -> dict[str, str]:
    """The same text with one more, empty stay."""
    count = count_of(typed)
    if count >= deeds.MOST_STAYS:
        return typed
    return {**typed, **_new_stay(count), "stays": str(count + 1)}


def remove_stay(typed: dict[str, str], number: int) -> dict[str, str]:
    """The same text without one stay; the later ones move up."""
    count, kept = count_of(typed), {}
    if count == 1 or not 0 <= number < count:
        return typed
    for name, text in typed.items():
        match = re.fullmatch(r"stay-(\d{1,3})-(\w+)", name)
        place = int(match[1]) if match else -1
        if match and place != number:
            kept[deeds.field_of(place - (place > number), match[2])] = text
        elif not match:
            kept[name] = text
    return {**kept, "stays": str(count - 1)}


def event_of(plan: rules.Plan, text: str) -> str:
    """The event a form is for: the one it names where the plan has it, else the plan's first."""
    events = deeds.events_of(plan)
    return text if text in events else next(iter(events), STAY)


def read(plan: rules.Plan, questions: list[rules.Question], typed: Mapping[str, str]) -> Typed:
    """Read the form; what cannot be read is a fault at its field, and nothing is guessed."""
    found: list[tuple[str, str]] = []
    facts = _read(claim_fields(plan, questions), typed, "", found)
    event = event_of(plan, typed.get("event", ""))
    stays = []
    if event == STAY:
        fields = [*stay_fields(plan, questions), *part_fields(plan)]
        stays = [
            _read(fields, typed, f"stay-{number}-", found) for number in range(count_of(typed))
        ]
    return Typed(event, facts, stays, found)


def _read(
    fields: list[Field], typed: Mapping[str, str], before: str, found: list[tuple[str, str]]
) -> dict[str, Any]:
    given = {}
    for field in fields:
        text = unicodedata.normalize("NFKC", typed.get(before + field.name, "")).strip()
        if not text:
            continue
        try:
            given[field.name] = _value(field, text)
        except ValueError as wrong:
            found.append((before + field.name, f"{field.label}：{wrong}"))
    return given


def _value(field: Field, text: str) -> Any:
    if field.kind == "amount":
        return money.typed_yuan(text)
    if field.kind == "date":
        return _date(text)
    if field.kind == "whole":
        if not text.isdecimal() or len(text) > 4:
            raise ValueError("请填写不小于零的整数")
        return int(text)
    if field.kind == "choice":
        for value, _ in field.choices:
            if str(value) == text:
                return value
        raise ValueError("请从列表中选择")
    return text[:100]


def _date(text: str) -> date:
    match = _DATE.fullmatch(text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else date(0, 0, 0)
    except ValueError:
        raise ValueError(f"“{text}”不是日期，请写成 2023-10-01") from None
