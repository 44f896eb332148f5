"""Schemes and cases made up at random over the whole format, each one loadable (示例)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

COVER = date(2024, 1, 1)
STAY_FACTS = {"place": ["local", "away"], "hospital_level": ["1", "2", "3"]}
CASE_FACTS = {
    "insurance": ["employee", "resident"],
    "membership": ["member", "non_member"],
    "unit_level": ["city", "county"],
    "employment": ["regular", "contract", "temporary", "other"],
    "age": None,
    "years_enrolled": None,
}
ROUNDINGS = ["down", "up", "half_up_yuan", "down_yuan", "up_yuan"]
PARTS = ["in_scope", "out_of_catalogue", "coinsurance", "self"]
FEN = [0, 1, 2, 99, 100, 101, 3333, 5000, 10000, 10001, 99999, 100000, 100001, 250050, 1000000]


def toml(value: Any) -> str:
    """A value in TOML's inline form."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return value.isoformat() if isinstance(value, date) else str(value)


def key(name: str) -> str:
    return name if name.isascii() else f'"{name}"'


def written(scheme: dict[str, Any]) -> str:
    return "".join(f"{k} = {toml(v)}\n" for k, v in scheme.items())


def money(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}元" if fen % 100 else f"{fen // 100}元"


class Invention:
    """One scheme and one case; every choice is asked of `dice`."""

    def __init__(self, dice: Random):
        self.dice = dice
        self.marks: set[int] = set()

    def chance(self, percent: int) -> bool:
        return self.dice.randint(1, 100) <= percent

    def pick(self, options: list[Any]) -> Any:
        return options[self.dice.randint(0, len(options) - 1)]

    def some(self, options: list[Any], least: int = 1) -> list[Any]:
        chosen = [option for option in options if self.chance(50)]
        return chosen if len(chosen) >= least else [options[0], *chosen][: max(least, 1)]

    # -- the scheme

    def fen(self, least: int = 0) -> int:
        fen = self.pick(FEN[1:]) if self.chance(60) else self.dice.randint(1, 2_000_000)
        self.marks.add(max(fen, least))
        return max(fen, least)

    def scheme(self) -> dict[str, Any]:
        scheme: dict[str, Any] = {
            "id": "example-random-2024", "name": "示例", "enrolled": {"from": date(2024, 1, 1)},
            "term": "12个月", "operator": "self", "source": "示例", "unstated": ["示例"],
            "events": {"diagnosis": "确诊", "relief": "二次救助"},
            "grades": {"mild": "轻度", "severe": "重度"},
            "base": {"in_scope": ["deductible", "coinsurance", "class_b"]},
        }  # fmt: skip
        if self.chance(40):
            scheme["rounding"] = self.pick(ROUNDINGS)
        if self.chance(20):
            scheme["waiting"] = self.pick(["0天", "30天", "90天"])
        count = self.dice.randint(1, 3)
        benefits = [self.benefit(f"b{n}", "stay", first=n == 1) for n in range(1, count + 1)]
        if self.chance(40):
            benefits.append(self.benefit("d1", "diagnosis", first=True))
        if self.chance(40):
            benefits.append(self.benefit("r1", "relief", first=True))
        scheme["benefit"] = benefits
        names = [benefit["id"] for benefit in benefits]
        based = [b["id"] for b in benefits if "of" in b]
        pools = [self.pool(n, names, based) for n in range(self.dice.randint(0, 2))]
        if pools:
            scheme["pool"] = pools
        if self.chance(30):
            scheme["claims"] = {"during_term": self.dice.randint(1, 3)}
            if self.chance(50):
                scheme["claims"]["or_after_term"] = self.dice.randint(1, 2)
            if self.chance(30):
                scheme["claims"]["events"] = ["stay", "diagnosis"]
        if self.chance(20):
            scheme["filing"] = {
                "within": self.pick(["60天", "400天", "10个工作日"]),
                "after": self.pick(["discharge", "term_end"]),
            }
        if self.chance(20):
            scheme["require"] = [{"fact": "age", "in": [18, 60], "proof": "over_age"},
                                 {"fact": "insurance", "one_of": ["employee"]}]  # fmt: skip
        return scheme

    def pool(self, n: int, names: list[str], based: list[str]) -> dict[str, Any]:
        pool: dict[str, Any] = {"name": f"共用{n}"}
        if self.chance(30):
            pool["id"] = f"shared-{n}"
        if based and self.chance(40):
            pool |= {"of": self.some(based), "per": self.pick(["stay", "claim", "term", "life"])}
            return {**pool, "deductible": money(self.fen())}
        pool |= {"of": self.some(names), "per": self.pick(["claim", "term", "year", "life"])}
        return {**pool, "cap": money(self.fen())}

    def benefit(self, name: str, event: str, *, first: bool) -> dict[str, Any]:
        benefit: dict[str, Any] = {"id": name, "name": f"项目{name}", "event": event}
        based = self.chance(80)
        if based:
            benefit["of"] = self.some(PARTS[:2])
            if self.chance(20):
                benefit["less"] = ["pooled"]
        relief = based and (event == "relief" or (not first and self.chance(30)))
        if relief:
            benefit["less"] = ["paid"]
        if self.chance(15):
            benefit["waiting"] = self.pick(["0天", "10天"])
        if self.chance(15):
            benefit["times"] = {
                "limit": self.dice.randint(1, 2),
                "per": self.pick(["term", "life"]),
            }
        stay_able = event == "stay" and not relief
        every = ["stay", "claim", "term", "year", "life"]
        spans = [self.pick(every) for _ in range(self.dice.randint(1, 4))]
        spans.sort(key=lambda p: p != "stay")
        spans = [p if stay_able or p != "stay" else "claim" for p in spans]
        steps = []
        for n, per in enumerate(spans):
            step = self.step(per, based, first=n == 0, event=event)
            steps.append({"name": f"步骤{n + 1}", **step})
        return {**benefit, "step": steps}

    def step(self, per: str, based: bool, *, first: bool, event: str) -> dict[str, Any]:
        short = per in ("stay", "claim")
        step: dict[str, Any] = {"per": per}
        if first and not based:
            form = "daily" if self.chance(60) or not short else "amount"
        else:
            form = self.pick(["pay", "pay", "whole", "deductible", "threshold", "cap", "cap",
                              *(["amounts"] if based else []),
                              *(["minimum", "amount"] if short else []),
                              *(["reviewer_up_to"] if per == "claim" else [])])  # fmt: skip
        makes = {
            "pay": self.pay, "whole": lambda: self.pay(rising=True),
            "amounts": lambda: self.amounts(per),
            **dict.fromkeys(["deductible", "threshold", "cap", "minimum", "amount",
                             "reviewer_up_to"], lambda: money(self.fen())),
            "daily": lambda: money(self.dice.randint(1, 9_999)),
        }  # fmt: skip
        if form == "whole":
            step["whole"] = True
        if form == "daily":
            if self.chance(50):
                step["days_after"] = f"{self.dice.randint(0, 5)}天"
            if self.chance(50):
                step["days_limit"] = f"{self.dice.randint(1, 40)}天"
        if self.chance(25) and form in ("pay", "whole"):
            step["rounding"] = self.pick([*ROUNDINGS, "half_up"])
        by = self.some(self.facts(per, event), 0) if self.chance(40) else []
        by = by[: self.dice.randint(1, 2)]
        if by:
            step["by"] = by[0] if len(by) == 1 and self.chance(50) else by
        word = {"whole": "pay", "amounts": "amount"}.get(form, form)
        return {**step, word: self.table(by, makes[form])}

    def facts(self, per: str, event: str) -> list[str]:
        names = list(CASE_FACTS)
        if per == "stay":
            names += list(STAY_FACTS)
        if event == "diagnosis":
            names.append("grade")
        return sorted(names, key=lambda _: self.dice.randint(0, 99))

    def table(self, by: list[str], make: Callable[[], Any]) -> Any:
        if not by:
            return make()
        choices = ({**CASE_FACTS, **STAY_FACTS, "grade": ["mild", "severe"]})[by[0]]
        if choices is None:
            least = 0 if by[0] == "age" else 1
            cut = self.dice.randint(least, 40 if by[0] == "age" else 3)
            span = str(least) if cut == least else f"{least}-{cut}"
            choices = [span, str(cut + 1), f"{cut + 2}以上"]
        return {choice: self.table(by[1:], make) for choice in choices}

    def bounds(self) -> list[int]:
        return sorted({self.fen(1) for _ in range(self.dice.randint(1, 3))})

    def rate(self) -> int:
        return self.pick([0, 1, 3333, 5000, 6667, 9999, 10_000, self.dice.randint(0, 10_000)])

    def pay(self, *, rising: bool = False) -> Any:
        tops = self.bounds()
        rates = [self.rate() for _ in range(len(tops) + 1)]
        if rising:
            rates.sort()
        elif self.chance(30):
            return percent(rates[0])
        words = self.band_words(tops)
        return [[word, percent(r)] for word, r in zip(words, rates, strict=True)]

    def amounts(self, per: str) -> Any:
        tops = self.bounds()
        start = 0 if self.chance(60) or per in ("term", "year", "life") else self.fen()
        sums = sorted(start + self.fen() * bool(n) for n in range(len(tops) + 1))
        return [[word, money(s)] for word, s in zip(self.band_words(tops), sums, strict=True)]

    def band_words(self, tops: list[int]) -> list[str]:
        style, words, low = self.dice.randint(0, 2), [], None
        for top in tops:
            plain = money(top)
            span = plain if low is None else f"{money(low)}-{plain}"
            words.append([plain, f"<={plain}" if low is None else plain, span][style])
            low = top
        return [*words, ["以上", f">{money(tops[-1])}", f"{money(tops[-1])}以上"][style]]

    # -- the case

    def amount(self) -> str:
        if self.chance(45) and self.marks:
            fen = max(0, self.pick(sorted(self.marks)) + self.pick([-1, 0, 1]))
        elif self.chance(5):
            fen = 10**15 + self.pick([-1, 0, 1])
        else:
            fen = self.pick(FEN) if self.chance(40) else self.dice.randint(0, 3_000_000)
        return f"{fen // 100}.{fen % 100:02d}"

    def case(self, scheme: dict[str, Any]) -> dict[str, Any]:
        facts = {name: self.pick(values or [1, 2, 3, 4, 5, 18, 25, 40, 43])
                 for name, values in CASE_FACTS.items()}  # fmt: skip
        if self.chance(70):
            facts |= {"insurance": "employee", "age": 43}
        if self.chance(5):
            del facts[self.pick(list(facts))]
        events = sorted({benefit["event"] for benefit in scheme["benefit"]})
        case: dict[str, Any] = {
            "enrolled_on": "2024-01-01", "cover_from": COVER.isoformat(),
            "renewal": self.chance(60), "facts": facts,
            "claims": [self.claim(self.pick(["stay", *events]))
                       for _ in range(self.dice.randint(1, 5))],
        }  # fmt: skip
        return case

    def claim(self, event: str) -> dict[str, Any]:
        first = COVER + timedelta(self.pick([0, 9, 10, 29, 30, 89, 90, 120, 200, 340]))
        stays = [self.stay(first + timedelta(9 * n)) for n in range(self.dice.randint(1, 3))]
        last = date.fromisoformat(stays[-1]["discharged"])
        filed = last + timedelta(self.pick([1, 20, 50, 52, 60, 61, 200, 400]))
        claim: dict[str, Any] = {"filed_on": filed.isoformat()}
        if self.chance(25):
            claim["decided"] = self.amount()
        if event == "stay":
            claim |= {"event": self.pick([None, "stay"]), "stays": stays}
        else:
            claim |= {"event": event, "happened_on": first.isoformat(),
                      "grade": self.pick(["mild", "severe"]), **self.parts()}  # fmt: skip
        if self.chance(50):
            claim["paid"] = self.amount()
        if self.chance(90):
            claim["proposed"] = self.amount()
        return claim

    def stay(self, admitted: date) -> dict[str, Any]:
        days = self.dice.randint(0, 8)
        return {"place": self.pick(["local", "away"]), "hospital_level": self.pick([1, 2, 3]),
                "admitted": admitted.isoformat(),
                "discharged": (admitted + timedelta(days)).isoformat(), **self.parts()}  # fmt: skip

    def parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"days": self.pick([0, 1, 2, 3, 4, 5, 8, 20, 39, 40, 41])}
        for name in ("in_scope", "out_of_catalogue"):
            if self.chance(97):
                parts[name] = self.amount()
        if self.chance(30):
            parts |= {name: self.amount() for name in ("deductible", "coinsurance", "class_b")}
            if self.chance(70):
                parts.pop("in_scope", None)
        if self.chance(80):
            parts["pooled"] = self.pick(["0.00", "0.01", "50.00"])
        return parts


def percent(points: int) -> str:
    whole, rest = divmod(points, 100)
    return f"{whole}.{rest:02d}%" if rest else f"{whole}%"


def invent(dice: Random) -> tuple[str, dict[str, Any]]:
    """The TOML of a scheme, and a case in the contract's JSON form."""
    invention = Invention(dice)
    scheme = invention.scheme()
    return written(scheme), invention.case(scheme)
