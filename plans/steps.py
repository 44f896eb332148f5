"""Reading benefits, their steps and the caps and deductibles that benefits share."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from huigong.plans.bounds import MOST_FACTS
from huigong.plans.curves import FORMS
from huigong.plans.reading import Reader
from huigong.plans.vocabulary import FACTS, PAID, PARTS, ROUNDINGS, SPANS, STAY

STEP = (
    "name", "per", "by", *FORMS, "whole", "days_after", "days_limit", "rounding", "clause",
)  # fmt: skip
BENEFIT = ("id", "name", "event", "of", "less", "waiting", "times", "step", "clause")
OWED = ("amount", "daily", "minimum")  # paid as written, whatever the base
SINGLE = {"minimum": ("stay", "claim"), "reviewer_up_to": ("claim",)}


def read_benefits(reader: Reader, written: list[dict], plan: dict, years) -> list[dict[str, Any]]:
    """Every [[benefit]] with its steps in the order they run."""
    benefits = [
        _benefit(reader, f"benefit[{n}]", given, plan, years) for n, given in enumerate(written, 1)
    ]
    ids = [benefit["id"] for benefit in benefits]
    for name in {name for name in ids if ids.count(name) > 1}:
        reader.fault("benefit", f"两项待遇的 id 都是 {name}", "各用一个 id")
    return benefits


def _benefit(reader: Reader, place: str, given: dict, plan: dict, years) -> dict[str, Any]:
    reader.known(place, given, BENEFIT)
    waiting = given.get("waiting")
    benefit = {
        "id": reader.text(f"{place}.id", given.get("id")),
        "name": reader.text(f"{place}.name", given.get("name")),
        "event": reader.choice(f"{place}.event", given.get("event", STAY), plan["events"]),
        "of": reader.names(f"{place}.of", given.get("of"), PARTS, "结算单没有这一项"),
        "less": reader.names(
            f"{place}.less", given.get("less"), (*PARTS, PAID), "结算单没有这一项"
        ),
        "waiting_days": None
        if waiting is None
        else reader.count(f"{place}.waiting", waiting, ("天",))[0],
        "times": _times(reader, f"{place}.times", given.get("times")),
        "clause": reader.text(f"{place}.clause", given.get("clause"), plan["source"]),
    }
    steps = given.get("step")
    if not (isinstance(steps, list) and steps and all(isinstance(s, dict) for s in steps)):
        reader.fault(place, "待遇没有步骤", "至少写一个 [[benefit.step]]")
        steps = []
    benefit["step"] = [
        _step(reader, f"{place}.step[{n}]", step, benefit, plan, years)
        for n, step in enumerate(steps, 1)
    ]
    _order(reader, place, benefit)
    return benefit


def _times(reader: Reader, place: str, value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        reader.fault(place, "次数写法不对", '写成 { limit = 1, per = "term" }')
        return None
    reader.known(place, value, ("limit", "per"))
    return {
        "limit": reader.whole(f"{place}.limit", value.get("limit")),
        "per": reader.choice(f"{place}.per", value.get("per"), ("term", "life")),
    }


def _order(reader: Reader, place: str, benefit: dict[str, Any]) -> None:
    """What the order of steps and the base allow."""
    longer = False
    for n, step in enumerate(benefit["step"]):
        at = f"{place}.step[{n + 1}]"
        if step["per"] == STAY and longer:
            reader.fault(at, "按次住院的步骤写在更长的步骤之后", "把它移到前面")
        longer = longer or step["per"] != STAY
        if step["form"] == "daily" and (n or benefit["of"]):
            reader.fault(at, "按日津贴须是第一步且没有基数", "去掉 of，把它移到第一步")
        starts = ("amount", "daily", "reviewer_up_to")
        if n == 0 and not benefit["of"] and step["form"] not in starts:
            reader.fault(place, "没有基数", '写 of = ["in_scope"]，或以定额、津贴开头')
        if step["per"] == STAY and PAID in benefit["less"]:
            reader.fault(at, "扣减已给付互助金的待遇不能按次住院计算", '写 per = "claim" 或更长')
        for name in step["by"]:
            if step["per"] != STAY and name in FACTS and FACTS[name].scope == STAY:
                cure = '写 per = "stay"'
                reader.fault(f"{at}.by", f"{FACTS[name].label}逐次住院不同，不能按更长计算", cure)


def _step(reader: Reader, place: str, given: dict, benefit: dict, plan: dict, years) -> dict:
    reader.known(place, given, STEP)
    forms = [form for form in FORMS if form in given]
    if len(forms) != 1:
        cure = f"只写其中一种：{'、'.join(FORMS)}"
        reader.fault(place, "没有写算法" if not forms else f"写了{len(forms)}种算法", cure)
    form = forms[0] if forms else "pay"
    per = reader.choice(f"{place}.per", given.get("per"), SINGLE.get(form, SPANS))
    by = read_by(reader, f"{place}.by", given.get("by"), plan)
    whole = reader.flag(f"{place}.whole", given.get("whole"))
    if whole and form != "pay":
        reader.fault(f"{place}.whole", "whole 只用于 pay", "去掉 whole")
    rounding = given.get("rounding")
    if rounding is not None and form != "pay":
        cure = "去掉 rounding；只有比例会算出不足一分的零头"
        reader.fault(f"{place}.rounding", "rounding 只用于 pay", cure)
    step = {
        "name": reader.text(f"{place}.name", given.get("name")),
        "per": per,
        "by": by,
        "form": form,
        "table": None,
        "whole": whole,
        "rounding": None
        if rounding is None
        else reader.choice(f"{place}.rounding", rounding, ROUNDINGS),
        "clause": reader.text(f"{place}.clause", given.get("clause"), benefit["clause"]),
    }
    for key in ("days_after", "days_limit"):
        if key in given:
            if form != "daily":
                reader.fault(f"{place}.{key}", f"{key} 只用于 daily", f"去掉 {key}")
            step[key] = reader.count(f"{place}.{key}", given[key], ("天",))[0]
    if forms:
        leaf = partial(_leaf, reader, form, whole, bool(benefit["of"]))
        at = f"{place}.{form}"
        step["table"] = reader.table(at, by, given[form], leaf, plan["grades"], years)
        if form == "amount":
            _lumps(reader, at, per, list(_values(step["table"])))
    return step


def _values(node: Any) -> Iterator[Any]:
    for value in node.values() if isinstance(node, dict) else (node,):
        yield from _values(value) if isinstance(value, dict) else (value,)


def _lumps(reader: Reader, place: str, per: str, leaves: list[Any]) -> None:
    """What an amount may be: over a span only its growth is paid, so it must start at nothing."""
    banded = [leaf for leaf in leaves if isinstance(leaf, list)]
    fixed = len(leaves) - len(banded)
    if banded and fixed:
        reader.fault(place, "有的分段、有的不分段", '不分段的也写成 [["以上", "3000元"]]')
    if per in (STAY, "claim"):
        return
    if fixed and not banded:
        cure = '写 per = "claim"，次数用 times 限制'
        reader.fault(place, "固定金额不能按保障期、年度或终身累计", cure)
    if any(bands and bands[0][1] for bands in banded):
        cure = '最前面加一段 ["0.01元", "0元"]'
        reader.fault(place, "累计的分段定额须从0元开始", cure)


def read_by(reader: Reader, place: str, value: Any, plan: dict[str, Any]) -> list[str]:
    """The fact, or the list of facts, that a table is read by."""
    words = [value] if isinstance(value, str) else value
    names = reader.names(place, words, list(FACTS), "没有任何表单询问这个条件")
    if len(names) > MOST_FACTS:
        reader.fault(place, f"一张表最多按{MOST_FACTS}个条件", "分成几步写")
    if "grade" in names and not plan["grades"]:
        reader.fault(place, "没有写明等级", '加 [grades]，如 mild = "轻度"')
    return names


def _leaf(reader: Reader, form: str, whole: bool, based: bool, place: str, value: Any) -> Any:
    """One leaf of a step's table: bands of rates, bands of amounts, or an amount."""
    if form == "pay":
        if isinstance(value, str):
            return [[None, reader.rate(place, value)]]
        bands = reader.bands(place, value, reader.rate)
        if whole:
            _rising(reader, place, bands, "整段计算时，较高一段的比例不能更低")
        return bands
    if form == "amount" and isinstance(value, list):
        if not based:
            reader.fault(place, "按金额分段的定额须有基数", '写 of = ["in_scope"]')
        bands = reader.bands(place, value, reader.owed)
        _rising(reader, place, bands, "较高一段的定额不能更低")
        return bands
    return (reader.owed if form in OWED else reader.amount)(place, value)


def _rising(reader: Reader, place: str, bands: list, message: str) -> None:
    values = [value for _, value in bands]
    if None not in values and values != sorted(values):
        reader.fault(place, message, "各段的值须由小到大")


def read_pools(reader: Reader, written: list[dict], plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Every [[pool]]: a cap or a deductible that several benefits share."""
    known = [benefit["id"] for benefit in plan["benefit"]]
    pools: list[dict[str, Any]] = []
    for n, given in enumerate(written, 1):
        place = f"pool[{n}]"
        reader.known(place, given, ("id", "name", "of", "per", "cap", "deductible", "clause"))
        forms = [form for form in ("cap", "deductible") if form in given]
        if len(forms) != 1:
            reader.fault(place, "须写 cap 或 deductible 其中之一", '写 cap = "100000元"')
        form = forms[0] if forms else "cap"
        spans = tuple(SPANS) if form == "deductible" else tuple(SPANS)[1:]
        pool = {
            "id": reader.text(f"{place}.id", given.get("id"), f"pool-{n}"),
            "name": reader.text(f"{place}.name", given.get("name")),
            "of": reader.names(f"{place}.of", given.get("of"), known, "没有这项待遇"),
            "per": reader.choice(f"{place}.per", given.get("per"), spans),
            form: reader.amount(f"{place}.{form}", given.get(form)),
            "clause": reader.text(f"{place}.clause", given.get("clause"), plan["source"]),
        }
        if not pool["of"]:
            reader.fault(f"{place}.of", "没有写明哪些待遇共用", '写 of = ["…", "…"]')
        if pool["id"] in known:
            reader.fault(f"{place}.id", f"与待遇的 id 相同：{pool['id']}", "另用一个 id")
        known_ids = [other["id"] for other in pools]
        if pool["id"] in known_ids:
            reader.fault(f"{place}.id", f"两处共用的 id 都是 {pool['id']}", "各用一个 id")
        pools.append(pool)
    return pools
