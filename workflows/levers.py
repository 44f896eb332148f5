"""The figures of a plan that may be turned to see what they would cost: rates, bounds, caps."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from huigong import explain, money, plans
from huigong.differences import in_order
from huigong.refusals import Refused

Plan = dict[str, Any]
SINGLE = {
    "cap": "封顶额",
    "deductible": "起付线",
    "threshold": "门槛",
    "minimum": "保底额",
    "amount": "定额",
    "daily": "每日金额",
    "reviewer_up_to": "审核上限",
}


class Lever(NamedTuple):
    """One figure: its name in a form, what it is, and its value in fen or basis points."""

    name: str
    label: str
    is_rate: bool
    value: int
    place: tuple[Any, ...]  # the keys that lead to it in the plan

    @property
    def text(self) -> str:
        """As a person types it: 60 (%) or 1000.00 (yuan)."""
        return money.percent(self.value)[:-1] if self.is_rate else money.plain(self.value)


def levers(plan: Plan) -> list[Lever]:
    """Every rate, bound, cap and amount of the plan, in the order of its benefits and steps."""
    found: list[Lever] = []
    plan = in_order(plan)
    for n, benefit in enumerate(plan["benefit"]):
        for m, step in enumerate(benefit["step"]):
            head = f"{benefit['name']}·{step['name']}"
            root = ("benefit", n, "step", m, "table")
            for keys, words, leaf in _leaves(plan, step["by"], step["table"]):
                label = f"{head}（{words}）" if words else head
                found += _of_leaf(label, step["form"], (*root, *keys), leaf)
    for n, pool in enumerate(plan["pool"]):
        form = "cap" if "cap" in pool else "deductible"
        label = f"{pool['name']}（共用）：{SINGLE[form]}"
        found.append(_lever(label, False, pool[form], ("pool", n, form)))
    return found


def _leaves(plan: Plan, by: list[str], node: Any) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Each leaf of a table: the keys that lead to it, its case in words, and itself."""
    if not by:
        yield (), "", node
        return
    for key, below in node.items():
        here = explain.value_words(plan, by[0], key)
        for keys, words, leaf in _leaves(plan, by[1:], below):
            yield (key, *keys), f"{here}、{words}" if words else here, leaf


def _of_leaf(label: str, form: str, place: tuple[Any, ...], leaf: Any) -> Iterator[Lever]:
    if not isinstance(leaf, list):
        yield _lever(f"{label}：{SINGLE[form]}", False, leaf, place)
        return
    value = "比例" if form == "pay" else "金额"
    for n, (upper, each) in enumerate(leaf):
        part = f"第{n + 1}段" if len(leaf) > 1 else ""
        yield _lever(f"{label}：{part}{value}", form == "pay", each, (*place, n, 1))
        if upper is not None:
            yield _lever(f"{label}：{part}上限", False, upper, (*place, n, 0))


def _lever(label: str, is_rate: bool, value: int, place: tuple[Any, ...]) -> Lever:
    name = "-".join(str(key) for key in place if key != "table")
    return Lever(name, label, is_rate, value, place)


class Turn(NamedTuple):
    """A figure that was turned, and to what, in fen or basis points."""

    lever: Lever
    value: int

    @property
    def text(self) -> str:
        return self.lever._replace(value=self.value).text

    @property
    def words(self) -> str:
        unit = "%" if self.lever.is_rate else "元"
        return f"{self.lever.label}：{self.lever.text}{unit} 改为 {self.text}{unit}"


def turns(plan: Plan, typed: Mapping[str, str]) -> list[Turn]:
    """The figures that were typed otherwise than the plan has them (texts by lever's name; blank:
    as it was). Refuses what is no rate or amount, and what the loader would refuse (a band that
    falls, a rate over 100%), beside the figure."""
    moved, wrong = [], []
    for lever in levers(plan):
        text = typed.get(lever.name, "").strip()
        if not text:
            continue
        try:
            value = _read(lever, text)
        except ValueError as fault:
            wrong.append((lever.name, str(fault)))
            continue
        if value != lever.value:
            moved.append(Turn(lever, value))
    if wrong:
        raise Refused.all(wrong)
    _refuse_unloadable(plan, moved)
    return moved


def turned(plan: Plan, typed: Mapping[str, str]) -> Plan:
    """The plan with the figures that were typed. Refuses as `turns` does."""
    return _with(plan, turns(plan, typed))


def _with(plan: Plan, moved: list[Turn]) -> Plan:
    if not moved:
        return plan
    changed = deepcopy(plan)
    for turn in moved:
        _set(changed, turn.lever.place, turn.value)
    return changed


def _read(lever: Lever, text: str) -> int:
    if not lever.is_rate:
        return money.parse_yuan(text)
    try:
        points = money.parse_yuan(text.removesuffix("%").removesuffix("％"))
    except ValueError:
        points = -1
    if not 0 <= points <= 10000:
        raise ValueError(f"“{text}”不是0至100、最多两位小数的百分数")
    return points


def _set(plan: Plan, place: tuple[Any, ...], value: int) -> None:
    node: Any = plan
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value


def _refuse_unloadable(plan: Plan, moved: list[Turn]) -> None:
    """The loader's faults with the changed plan stand beside the first figure moved."""
    if not moved:
        return
    try:
        plans.compile_scheme(plans.dump(_with(plan, moved)), f"{plan['id']}.toml")
    except plans.SchemeRefused as refused:
        first = moved[0].lever.name
        faults = [(first, f"{fault.message}。{fault.cure}") for fault in refused.faults]
        raise Refused.all(faults) from refused
