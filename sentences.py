"""An evaluated step as a sentence: written once as a template, filled here and by the calculator.

A template's `{before}` `{prior}` `{after}` are amounts, `{counted}` the days or the reviewer's
proposal, `{over}` whether the step paid less than it was given, `{rate}` the rate of the band
reached, `{parts}` each band's part × its rate; any other name is a fact. ⟦…⟧ stands only where
something came before (`prior`).
"""

from __future__ import annotations

import re
from typing import Any

from huigong.explain import base_words, form_words, value_words
from huigong.money import percent, yuan
from huigong.plans.curves import OPEN, piece_at, step_curve
from huigong.plans.vocabulary import FACTS, ROUNDINGS, SPANS, STAY
from huigong.rules import Plan, Step

_EARLIER = re.compile("⟦(.*?)⟧")
_PLACE = re.compile(r"\{(\w+)\}")
OVER = ("未超过", "超过")  # a cap that leaves all of it, a cap that does not
STAY_NUMBER = "第{}次住院，"


def step_words(plan: Plan, step: Step) -> str:
    """One sentence with the amounts: 符合医保政策剩余10,031.00元 × 60% = 6,018.60元."""
    if step.position < 0:
        said: dict[str, Any] = {}
        template = pool_template(plan["pool"][-1 - step.position])
    else:
        benefit = next(b for b in plan["benefit"] if b["id"] == step.benefit_id)
        written = benefit["step"][step.position]
        leaf = leaf_at(written, step)
        said = dict(zip(written["by"], step.at, strict=True))
        if written["form"] == "pay":
            said |= _rated(plan, written, leaf, step)
        template = step_template(plan, benefit, step.position, step.at, leaf)
        if step.counted is not None:
            daily = written["form"] == "daily"
            said["counted"] = step.counted if daily else _fen(step.counted)
    said |= {"before": _fen(step.before), "prior": _fen(step.prior or 0), "after": _fen(step.after),
             "over": OVER[step.after != step.before]}  # fmt: skip
    text = _EARLIER.sub(r"\1" if step.prior else "", template)
    text = _PLACE.sub(lambda place: str(said.get(place[1], place[0])), text)
    return text if step.stay is None else STAY_NUMBER.format(step.stay + 1) + text


def leaf_at(written: Plan, step: Step) -> Any:
    """The leaf of the step's table that its facts chose."""
    node = written["table"]
    for value in step.at:
        node = node[_key_of(node, value)]
    return node


def _key_of(node: dict[str, Any], value: Any) -> str:
    if str(value) in node:
        return str(value)
    for key in node:
        low, dash, high = key.removesuffix(OPEN).partition("-")
        if int(low) <= value and (key.endswith(OPEN) or (dash and value <= int(high))):
            return key
    raise KeyError(value)


def step_template(plan: Plan, benefit: Plan, index: int, at: tuple, leaf: Any) -> str:
    """The sentence of one leaf of a benefit's step; `at` are the values or keys that chose it."""
    written = benefit["step"][index]
    cases = [_case(plan, fact, key) for fact, key in zip(written["by"], at, strict=True)]
    return "".join(f"{case}，" for case in cases) + _template(benefit, index, leaf)


def _case(plan: Plan, fact: str, value: Any) -> str:
    """本地就医 where a table lists its values; 年数{years_enrolled}年 where they are numbers."""
    if FACTS[fact].choices or fact == "grade":
        return value_words(plan, fact, value)
    return f"{FACTS[fact].label}{{{fact}}}{FACTS[fact].unit}"


def _template(benefit: Plan, index: int, leaf: Any) -> str:
    written, label = benefit["step"][index], _before_label(benefit, index)
    form = written["form"]
    if form == "pay":
        return _pay_template(written, leaf, label)
    if form == "cap":
        return cap_template(SPANS[written["per"]], leaf)
    if form == "daily":
        words = f"计{{counted}}天，每天{_fen(leaf)}，给付{{after}}"
        bounded = "days_limit" in written or "days_after" in written
        return f"{words}（{form_words(written, leaf)}）" if bounded else words
    if form == "reviewer_up_to":
        return f"审核人拟定{{counted}}，最高{_fen(leaf)}，给付{{after}}"
    if form == "amount" and not benefit["of"]:
        return "定额给付{after}"
    return f"⟦此前累计{{prior}}；⟧{label}{{before}}，{form_words(written, leaf)}，得{{after}}"


def _before_label(benefit: Plan, index: int) -> str:
    if index == 0:
        return base_words(benefit) if benefit["of"] else ""
    before = benefit["step"][index - 1]
    if before["per"] == STAY and benefit["step"][index]["per"] != STAY:
        return "各次住院合计"
    return f"{before['name']}后"


def _pay_template(written: Plan, bands: list, label: str) -> str:
    before = f"⟦此前累计{{prior}}，本次⟧{label}{{before}}"
    if written["whole"]:
        return f"{before}，整段按{{rate}}，⟦累计应得减去此前应得，⟧得{{after}}"
    rounding = f"（{ROUNDINGS[written['rounding']][2]}）" if written["rounding"] else ""
    if len(bands) == 1:
        return f"{before} × {{rate}} = {{after}}{rounding}"
    return f"{before}：{{parts}} = {{after}}{rounding}"


def cap_template(span: str, cap: int) -> str:
    return f"{span}最高{_fen(cap)}⟦，此前已给付{{prior}}⟧，{{before}}{{over}}，得{{after}}"


def pool_template(pool: Plan) -> str:
    """The sentence of a cap or a deductible that several benefits share; like every step's it
    stands after the name."""
    span = SPANS[pool["per"]]
    if "cap" in pool:
        return cap_template(span, pool["cap"])
    limit = f"{span}共用起付线{_fen(pool['deductible'])}⟦，此前已计{{prior}}⟧"
    return f"{limit}，{{before}}中计入{{after}}"


def _rated(plan: Plan, written: Plan, bands: list, step: Step) -> dict[str, str]:
    """The rate of the band reached, and what of this step's amount lies in each band."""
    prior = step.prior or 0
    reached, parts, lower = prior + step.before, [], 0
    for upper, rate in bands:
        part = (reached if upper is None else min(reached, upper)) - max(prior, lower)
        if part > 0:
            parts.append(f"{_fen(part)} × {percent(rate)}")
        lower = upper or 0
    rate = piece_at(step_curve(plan, written, bands), reached)[1]
    return {"rate": percent(rate), "parts": " + ".join(parts) or _fen(0)}


def _fen(fen: int) -> str:
    return f"{yuan(fen)}元"
