"""A plan and its evaluated steps in plain Chinese.

The policy page, the live claim form, the decision notice and the calculator's page print these
words; every amount in them comes from the plan or from an evaluated step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from huigong.money import percent, yuan
from huigong.plans.cover import requirement_words
from huigong.plans.curves import OPEN
from huigong.plans.vocabulary import (
    CARRIERS,
    FACTS,
    OPERATORS,
    PAID,
    PARTS,
    SILENT,
    SPANS,
)
from huigong.rules import Plan

FORMS = {"original": "原件", "copy": "复印件", "either": "原件或复印件"}


class Line(NamedTuple):
    """One sentence of the policy and the clause of the source it rests on."""

    text: str
    clause: str = ""


class Section(NamedTuple):
    """A heading of the policy page with its sentences."""

    title: str
    lines: list[Line]


def policy_words(plan: Plan) -> list[Section]:
    """The whole policy: 参保对象, 费用与分担, 待遇, 次数, 封顶, 申领材料, 时限, 来源, 未载明."""
    sections = [
        Section("参保对象", _who(plan)),
        Section("费用与分担", _fee(plan)),
        *(
            Section(f"待遇：{benefit['name']}", _benefit(plan, benefit))
            for benefit in plan["benefit"]
        ),
        Section("次数", _times(plan)),
        Section("封顶", _caps(plan)),
        Section("申领材料", _papers(plan)),
        Section("时限", _limits(plan)),
    ]
    if not plan["benefit"]:
        sections.insert(2, Section("待遇", []))
    filled = [Section(s.title, s.lines or [Line(f"来源未载明，{SILENT}")]) for s in sections]
    return [
        *filled,
        *([Section("另载明", [Line(told) for told in plan["stated"]])] if plan["stated"] else []),
        Section("来源", [Line(plan["source"])]),
        Section("未载明", [Line(silent_words(silent)) for silent in plan["unstated"]]),
    ]


def silent_words(silent: str) -> str:
    """Something the source does not say, and whose word holds."""
    return silent if silent.endswith("为准") else f"{silent}：{SILENT}"


def _who(plan: Plan) -> list[Line]:
    lines = [Line(requirement_words(need), need["clause"]) for need in plan["require"]]
    group = plan["group"]
    if group:
        wanted = []
        if group["people"] is not None:
            wanted.append(f"不少于{group['people']}人")
        if group["share"] is not None:
            wanted.append(f"不低于职工总数的{percent(group['share'])}")
        joined = ("或" if group["either"] else "且").join(wanted)
        lines.append(Line(f"单位参保人数{joined}", group["clause"]))
    return lines


def _fee(plan: Plan) -> list[Line]:
    fee = plan["fee"]
    if not fee:
        return []
    lines = []
    by = fee["by"] if isinstance(fee["total"], dict) else []
    for at, total in _leaves(plan, by, fee["total"]):
        amount = f"参保费标准来源未载明，{SILENT}" if total is None else f"每人{short_money(total)}"
        lines.append(Line(f"{at}{amount}", fee["clause"]))
    if not fee["share"]:
        return [*lines, Line(f"各方分担来源未载明，{SILENT}")]
    for at, shares in _leaves(plan, fee["by"], fee["share"]):
        parts = "，".join(
            f"{CARRIERS[name]}{short_money(fen)}" for name, fen in shares.items() if fen
        )
        lines.append(Line(f"{at}{parts}", fee["clause"]))
    for name, day in (fee.get("pay_by") or {}).items():
        lines.append(Line(f"{CARRIERS[name]}承担的部分每月{day}日前缴入", fee["clause"]))
    return lines


def _leaves(plan: Plan, by: list[str], node: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf of a table with its case in words: 工会会员：, 本地就医、三级医院：."""
    if not by:
        yield f"{at}：" if at else "", node
        return
    for key, below in node.items():
        words = value_words(plan, by[0], key)
        yield from _leaves(plan, by[1:], below, f"{at}、{words}" if at else words)


def value_words(plan: Plan, fact: str, value: Any) -> str:
    """A fact's value as a person says it: local → 本地就医, 2-4 → 连续参保年数2-4年."""
    choices = plan["grades"] if fact == "grade" else FACTS[fact].choices
    for choice, label in choices.items():
        if str(choice) == str(value):
            return label
    text = str(value)
    unit = FACTS[fact].unit
    words = f"{text.removesuffix(OPEN)}{unit}{OPEN}" if text.endswith(OPEN) else f"{text}{unit}"
    return f"{FACTS[fact].label}{words}"


def _benefit(plan: Plan, benefit: Plan) -> list[Line]:
    lines = []
    event = plan["events"][benefit["event"]]
    if benefit["of"]:
        lines.append(Line(f"{event}，以{base_words(benefit)}为基数", benefit["clause"]))
    else:
        lines.append(Line(event, benefit["clause"]))
    for pool in plan["pool"]:
        if benefit["id"] in pool["of"] and "deductible" in pool:
            text = f"{SPANS[pool['per']]}与其他待遇共用起付线{short_money(pool['deductible'])}"
            lines.append(Line(text, pool["clause"]))
    for step in benefit["step"]:
        if step["form"] == "cap":
            continue
        for at, leaf in _leaves(plan, step["by"], step["table"]):
            case = f"，{at}" if at else "："
            text = f"{step['name']}（{SPANS[step['per']]}）{case}{form_words(step, leaf)}"
            lines.append(Line(text, step["clause"]))
    days = plan["waiting_days"] if benefit["waiting_days"] is None else benefit["waiting_days"]
    if days:
        lines.append(Line(waiting_words(days), benefit["clause"]))
    return lines


def base_words(benefit: Plan) -> str:
    """The base in the settlement's words, less what is taken off it."""
    base = "与".join(PARTS[name] for name in benefit["of"])
    less = [("已给付的互助金" if name == PAID else PARTS[name]) for name in benefit["less"]]
    return base + "".join(f"减{name}" for name in less)


def form_words(step: Plan, leaf: Any) -> str:
    """What one leaf of a step does, as a phrase."""
    form = step["form"]
    if form == "pay":
        return _whole_words(leaf) if step["whole"] else _marginal_words(leaf)
    if form == "amount" and isinstance(leaf, list):
        pieces = [(words, short_money(fen)) for words, fen in _ranges(leaf)]
        return "；".join(f"{words}的给付{fen}" for words, fen in pieces)
    if form == "daily":
        first = f"，前{step['days_after']}天不计" if step.get("days_after") else ""
        limit = step.get("days_limit")
        most = f"，{SPANS[step['per']]}最多{limit}天" if limit is not None else ""
        return f"每天{short_money(leaf)}{first}{most}"
    words = {
        "cap": "最高{}",
        "deductible": "起付线{}，超过部分计入",
        "threshold": "不超过{}的不予给付，超过的从第一分起计入",
        "minimum": "不足{}的按此给付",
        "amount": "定额给付{}",
        "reviewer_up_to": "由审核人确定，最高{}",
    }
    return words[form].format(short_money(leaf))


def _ranges(bands: list) -> Iterator[tuple[str, int]]:
    lower = 0
    for upper, value in bands:
        if upper is None:
            yield (f"{short_money(lower)}以上" if lower else "全部"), value
        else:
            yield f"{short_money(lower)}至{short_money(upper)}", value
        lower = upper


def _marginal_words(bands: list) -> str:
    if len(bands) == 1:
        return f"按{percent(bands[0][1])}给付"
    return "；".join(
        f"{words}部分{f'按{percent(rate)}' if rate else '不予给付'}"
        for words, rate in _ranges(bands)
    )


def _whole_words(bands: list) -> str:
    return "；".join(f"{words}的，全部按{percent(rate)}" for words, rate in _ranges(bands))


def _times(plan: Plan) -> list[Line]:
    claims = plan["claims"]
    lines = [Line(claims_words(claims) + _counted(plan), claims["clause"])] if claims else []
    return lines + [
        Line(times_words(benefit), benefit["clause"])
        for benefit in plan["benefit"]
        if benefit["times"]
    ]


def _counted(plan: Plan) -> str:
    """Which events are counted, where a plan pays for others too."""
    events = plan["claims"]["events"]
    told = "、".join(plan["events"][event] for event in events)
    return f"（只计{told}）" if _claimed_for(plan) - set(events) else ""


def claims_words(claims: Plan) -> str:
    """How often one may claim: 保障期内可申领2次，或保障期结束后可申领1次."""
    during, after = claims["during_term"], claims["or_after_term"]
    told = [] if during is None else [f"保障期内可申领{during}次"]
    if after is not None:
        told.append(f"{'或' if told else ''}保障期结束后可申领{after}次")
    return "，".join(told)


def times_words(benefit: Plan) -> str:
    """How often a benefit may be had: 重大疾病给付终身可享受2次."""
    times = benefit["times"]
    return f"{benefit['name']}{SPANS[times['per']]}可享受{times['limit']}次"


def _caps(plan: Plan) -> list[Line]:
    lines = []
    for benefit in plan["benefit"]:
        for step in benefit["step"]:
            if step["form"] == "cap":
                for at, fen in _leaves(plan, step["by"], step["table"]):
                    text = f"{benefit['name']}{SPANS[step['per']]}：{at}最高{short_money(fen)}"
                    lines.append(Line(text, step["clause"]))
    for pool in plan["pool"]:
        if "cap" in pool:
            names = {b["id"]: b["name"] for b in plan["benefit"]}
            joined = "、".join(names[benefit_id] for benefit_id in pool["of"])
            text = f"{joined}合计，{SPANS[pool['per']]}最高{short_money(pool['cap'])}"
            lines.append(Line(text, pool["clause"]))
    return lines


def _papers(plan: Plan) -> list[Line]:
    """The papers; where one may claim for several events, each says for which."""
    several = len(_claimed_for(plan) | {paper["event"] for paper in plan["document"]}) > 1
    return [
        document_line(paper, plan["events"][paper["event"]] if several else "")
        for paper in plan["document"]
    ]


def _claimed_for(plan: Plan) -> set[str]:
    return {benefit["event"] for benefit in plan["benefit"]}


def document_line(paper: Plan, event: str = "") -> Line:
    """One paper a claim needs: for what, name, form, number, issuer, stamp, blank form."""
    parts = [f"用于{event}"] if event else []
    parts += [f"{FORMS[paper['form']]}{paper['copies']}份"]
    if paper["issued_by"]:
        parts.append(f"由{paper['issued_by']}出具")
    if paper["stamp"]:
        parts.append("须盖章")
    if paper["blank"]:
        parts.append(f"空白表：{paper['blank']}")
    if paper["note"]:
        parts.append(paper["note"])
    return Line(f"{paper['name']}（{'，'.join(parts)}）", paper["clause"])


def _limits(plan: Plan) -> list[Line]:
    lines = []
    first, last = plan["enrolled"]["from"], plan["enrolled"]["to"]
    span = f"{first}至{last}" if last else f"{first}起"
    lines.append(Line(f"参保时间：{span}；保障期{plan['term_months']}个月", plan["source"]))
    filing, promise = plan["filing"], plan["promise"]
    if filing:
        lines.append(Line(filing_words(filing), filing["clause"]))
    if promise:
        text = f"办理时限：{promise['after']}后{_days(promise)}内"
        lines.append(Line(text, promise["clause"]))
    lines.append(Line(OPERATORS[plan["operator"]], plan["source"]))
    return lines


def filing_words(filing: Plan) -> str:
    """By when to claim: 申领期限：出院后60天内."""
    after = {"discharge": "出院", "term_end": "保障期结束"}[filing["after"]]
    return f"申领期限：{after}后{_days(filing)}内"


def waiting_words(days: int) -> str:
    return f"首次参保等待期{days}天，续保无等待期"


def _days(limit: Plan) -> str:
    return f"{limit['days']}{'个工作日' if limit['working'] else '天'}"


def short_money(fen: int) -> str:
    return f"{yuan(fen).removesuffix('.00')}元"
