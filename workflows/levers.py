"""The figures of a plan that may be turned to see what they would cost: the fee, rates, bounds,
caps, numbers of claims and days."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from huigong import explain, money, plans
from huigong.differences import in_order
from huigong.plans.cover import bearer
from huigong.plans.vocabulary import CARRIERS, SPANS
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
DAYS = {"days_after": "前几天不计", "days_limit": "最多计"}
COUNTS = {"during_term": "保障期内可申领次数", "or_after_term": "保障期结束后可申领次数"}


COUNTED = ("天", "个工作日", "次")  # units of a whole number; the others are % and 元
MOST_COUNTED = 9999


class Lever(NamedTuple):
    """One figure: its name in a form, what it is, its unit (% 元 天 个工作日 次), its value in
    basis points, fen or as it is, and for a fee who carries the difference."""

    name: str
    label: str
    unit: str
    value: int
    place: tuple[Any, ...]  # the keys that lead to it in the plan
    note: str = ""

    @property
    def is_counted(self) -> bool:
        return self.unit in COUNTED

    @property
    def text(self) -> str:
        """As a person types it: 60 (%), 1000.00 (yuan) or 2 (claims)."""
        if self.is_counted:
            return str(self.value)
        return money.percent(self.value)[:-1] if self.unit == "%" else money.plain(self.value)


def levers(plan: Plan) -> list[Lever]:
    """Every figure of the plan that a replay reads: the fee, each benefit's in the order of its
    steps, what benefits share, and how often and by when one may claim."""
    plan = in_order(plan)
    found = [*_of_fee(plan)]
    for n, benefit in enumerate(plan["benefit"]):
        for m, step in enumerate(benefit["step"]):
            found += _of_step(plan, benefit, step, ("benefit", n, "step", m))
        if benefit["times"]:
            label = f"{benefit['name']}：{SPANS[benefit['times']['per']]}可享受次数"
            found.append(
                _lever(label, "次", benefit["times"]["limit"], ("benefit", n, "times", "limit"))
            )
        if benefit["waiting_days"] is not None:
            label = f"{benefit['name']}：首次参保的等待期"
            found.append(
                _lever(label, "天", benefit["waiting_days"], ("benefit", n, "waiting_days"))
            )
    for n, pool in enumerate(plan["pool"]):
        form = "cap" if "cap" in pool else "deductible"
        label = f"{pool['name']}（共用）：{SINGLE[form]}"
        found.append(_lever(label, "元", pool[form], ("pool", n, form)))
    return [*found, *_of_limits(plan)]


def _of_fee(plan: Plan) -> Iterator[Lever]:
    """The fee of each case where the source states one; what it rises or falls by is carried by
    the last of those who share it."""
    fee = plan["fee"]
    if not fee or fee["total"] is None:
        return
    by = fee["by"] if isinstance(fee["total"], dict) else []
    bearers = {CARRIERS[bearer(shares)] for shares in _shares(fee, ())}
    note = f"差额由{'、'.join(sorted(bearers))}承担" if bearers else ""
    for keys, words, fen in _leaves(plan, by, fee["total"]):
        label = f"参保费（{words}）" if words else "参保费"
        yield _lever(label, "元", fen, ("fee", "total", *keys))._replace(note=note)


def _of_step(plan: Plan, benefit: Plan, step: Plan, root: tuple[Any, ...]) -> Iterator[Lever]:
    head = f"{benefit['name']}·{step['name']}"
    for keys, words, leaf in _leaves(plan, step["by"], step["table"]):
        label = f"{head}（{words}）" if words else head
        yield from _of_leaf(label, step["form"], (*root, "table", *keys), leaf)
    for key, words in DAYS.items():
        if step.get(key) is not None:
            yield _lever(f"{head}：{words}", "天", step[key], (*root, key))


def _of_limits(plan: Plan) -> Iterator[Lever]:
    """Numbers of claims, the waiting period and the limit for filing."""
    for key, words in COUNTS.items():
        if plan["claims"] and plan["claims"][key] is not None:
            yield _lever(words, "次", plan["claims"][key], ("claims", key))
    if plan["waiting_days"]:
        yield _lever("首次参保的等待期", "天", plan["waiting_days"], ("waiting_days",))
    if plan["filing"]:
        unit = "个工作日" if plan["filing"]["working"] else "天"
        yield _lever("申领期限", unit, plan["filing"]["days"], ("filing", "days"))


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
        yield _lever(f"{label}：{SINGLE[form]}", "元", leaf, place)
        return
    value, unit = ("比例", "%") if form == "pay" else ("金额", "元")
    for n, (upper, each) in enumerate(leaf):
        part = f"第{n + 1}段" if len(leaf) > 1 else ""
        yield _lever(f"{label}：{part}{value}", unit, each, (*place, n, 1))
        if upper is not None:
            yield _lever(f"{label}：{part}上限", "元", upper, (*place, n, 0))


def _lever(label: str, unit: str, value: int, place: tuple[Any, ...]) -> Lever:
    name = "-".join(str(key) for key in place if key != "table")
    return Lever(name, label, unit, value, place)


class Turn(NamedTuple):
    """A figure that was turned, and to what, as the lever counts."""

    lever: Lever
    value: int

    @property
    def text(self) -> str:
        return self.lever._replace(value=self.value).text

    @property
    def words(self) -> str:
        lever = self.lever
        note = f"（{lever.note}）" if lever.note else ""
        return f"{lever.label}：{lever.text}{lever.unit} 改为 {self.text}{lever.unit}{note}"


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
        place = turn.lever.place
        if place[0] == "fee":
            _share_out(changed["fee"], turn)
        _set(changed, place, turn.value)
    return changed


def _share_out(fee: Plan, turn: Turn) -> None:
    """Let the shares add up to the turned fee. Refuses where its bearer has not so much to lose."""
    more = turn.value - turn.lever.value
    for shares in _shares(fee, turn.lever.place[2:]):
        name = bearer(shares)
        if shares[name] + more < 0:
            most = f"{CARRIERS[name]}只承担{money.yuan(shares[name])}元"
            raise Refused(turn.lever.name, f"{most}，不够减；请在草稿里改各方承担的金额")
        shares[name] += more


def _shares(fee: Plan, keys: tuple[str, ...]) -> Iterator[dict[str, int]]:
    """The shares of each case that the keys lead to."""
    nodes = [fee["share"]] if fee["share"] else []
    for depth in range(len(fee["by"])):
        wanted = keys[depth] if depth < len(keys) else None
        nodes = [n for node in nodes for key, n in node.items() if wanted in (None, key)]
    yield from nodes


def _read(lever: Lever, text: str) -> int:
    if lever.is_counted:
        number = text.removesuffix(lever.unit).strip()
        if not (number.isascii() and number.isdecimal() and int(number) <= MOST_COUNTED):
            raise ValueError(f"“{text}”不是0至{MOST_COUNTED}的整数")
        return int(number)
    if lever.unit == "元":
        return money.typed_yuan(text)
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
