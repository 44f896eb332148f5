"""Writes tests/vectors/<scheme>.json: cases as the command takes them, and what is expected.

Every scheme of the package has its file. `python tests/make_vectors.py` writes them all; a test
compares the committed files with `vectors()`.
A vector is {"name", "case", "total", "claims"}; a claim is {"benefit", "refused", "steps"}, and a
step [benefit_id, stay, before, prior, after].
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import permutations, product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # oracle, when run as a script
import oracle

HERE = Path(__file__).parent
INVENTED = ["allowance", "bands", "pools", "relief"]  # together: every form of the format
SOURCES = [*(HERE.parent / "schemes").glob("*.toml"),
           *(HERE / "schemes" / f"example-{word}-2024.toml" for word in INVENTED)]  # fmt: skip
FACTS = {"insurance": "employee", "membership": "member", "unit_level": "city",
         "employment": "regular", "age": 43, "years_enrolled": 3}  # fmt: skip
STAY = {"place": "local", "hospital_level": 3}
AMOUNT = re.compile(r"[<=>]*(?:.*-)?([\d.]+元)(?:以上)?")
MOST = 10**15  # fen
Case = dict[str, Any]
Vary = Callable[..., Case]


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


class Cases:
    """Cases about one scheme, from what its own text states."""

    def __init__(self, text: str):
        self.scheme = oracle.load(text)
        self.cover: date = self.scheme["enrolled"]["from"]
        self.end = oracle.last_day(self.scheme, self.cover)
        self.benefits = self.scheme.get("benefit", [])
        self.reads = set(re.findall(r"[a-z_]+", text))  # every word the scheme says
        self.facts = {k: v for k, v in FACTS.items() if k in self.reads}
        self.place = {k: v for k, v in STAY.items() if k in self.reads}
        if "daily" in self.reads:
            self.place["days"] = 8
        self.events = list(dict.fromkeys(b.get("event", "stay") for b in self.benefits))

    # -- one believable case, and ways to vary it

    def parts(self, event: str) -> list[str]:
        """The amounts that the benefits of an event are computed of."""
        of = [name for b in self.of(event) for name in b.get("of", [])]
        return list(dict.fromkeys(of))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [b for b in self.benefits if b.get("event", "stay") == event]

    def amounts(self, event: str, fen: int | dict[str, int]) -> dict[str, str]:
        less = [n for b in self.of(event) for n in b.get("less", []) if n != "paid"]
        given = {name: fen if isinstance(fen, int) else fen.get(name, 0)
                 for name in self.parts(event)}  # fmt: skip
        return {name: yuan(n) for name, n in (dict.fromkeys(less, 0) | given).items()}

    def stay(self, fen: int | dict[str, int], event: str = "stay", **more: Any) -> Case:
        admitted = more.pop("admitted", self.cover + timedelta(200))
        discharged = more.pop("discharged", admitted + timedelta(8))
        return {**self.place, "admitted": str(admitted), "discharged": str(discharged),
                **self.amounts(event, fen), **more}  # fmt: skip

    def claim(self, event: str, *fens: int | dict[str, int], **more: Any) -> Case:
        filed = {"filed_on": str(more.pop("filed_on", self.cover + timedelta(240)))}
        if "paid" not in self.reads:
            more.pop("paid", None)
        if event == "stay":
            stays = more.pop("stays", None) or [self.stay(fen) for fen in fens]
            grade: Case = {"grade": "mild"} if "grade" in str(self.of(event)) else {}
            return {**filed, "event": None, "stays": stays, **grade, **more}
        happened = (
            {"happened_on": str(self.cover + timedelta(200))} if "waiting" in self.reads else {}
        )
        extra: Case = {"grade": "mild"} if "grade" in str(self.of(event)) else {}
        extra |= {"proposed": "300.00"} if "reviewer_up_to" in str(self.of(event)) else {}
        amounts = self.amounts(event, fens[0] if fens else 0)
        return {**filed, "event": event, **happened, **extra, **amounts, **more}

    def case(self, *claims: Case, **more: Any) -> Case:
        facts = self.facts | more.pop("facts", {})
        whole = {"cover_from": str(self.cover), "facts": facts, "claims": list(claims), **more}
        return {key: value for key, value in whole.items() if value not in (False, {})}

    # -- all cases

    def all(self) -> Iterator[tuple[str, Case]]:
        if not self.benefits:
            yield (
                "来源未载明待遇",
                self.case({"filed_on": str(self.cover), "stays": [dict(self.place)]}),
            )
            return
        for event in self.events:
            yield from self.every_amount(event)
            yield from self.every_value(event)
            yield from self.sequences(event)
            yield from self.missing(event)
        yield from self.mixed()
        yield from self.dates()
        yield from self.numbers()

    def reaches(self, event: str, part: str, mark: int, name: str, facts: Case) -> set[int]:
        """Around the least amount whose step of this name starts from `mark`."""

        def before(fen: int) -> int:
            case = self.case(self.claim(event, {part: fen}, paid="0.00"), facts=facts)
            steps = oracle.assess(self.scheme, case)["claims"][0]["steps"]
            found = [s["before"] for s in steps if s["name"] == name]
            return max((int(b.replace(".", "")) for b in found), default=0)

        if before(MOST) < mark:
            return set()
        low, high = 0, MOST
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if before(middle) >= mark else (middle + 1, high)
        return {low - 1, low, low + 1}

    def marks(self, part: str) -> Iterator[tuple[str, int]]:
        """Every amount of every step and pool that a part can reach, with the step's name."""
        fed = [b for b in self.benefits if part in b.get("of", [])]
        ids = {b["id"] for b in fed}
        pools = [pool for pool in self.scheme.get("pool", []) if ids & set(pool["of"])]
        for step in [s for b in fed for s in b["step"]] + pools:
            for text in sorted(_amounts(step)):
                yield step["name"], round(oracle.yuan(text) * 100)

    def every_amount(self, event: str) -> Iterator[tuple[str, Case]]:
        for part in self.parts(event):
            fens = {0, 1, MOST, 10_031_00}
            for name, mark in self.marks(part):
                fens |= {mark - 1, mark, mark + 1}
                fens |= self.reaches(event, part, mark, name, {})
            for fen in sorted(f for f in fens if f >= 0):
                one = self.claim(event, {part: fen}, paid="0.00")
                yield f"{event} {part}={yuan(fen)}", self.case(one)
        for fen in (0, 1, 99, 12_345_67, MOST):
            yield f"{event} 各项{yuan(fen)}", self.case(self.claim(event, fen, paid="0.00"))

    def every_value(self, event: str) -> Iterator[tuple[str, Case]]:
        """Every value of every table, and both ends of every range."""
        for benefit in self.of(event):
            for step in benefit["step"]:
                by = step.get("by", [])
                names = [by] if isinstance(by, str) else by
                if not names:
                    continue
                form = next(f for f in oracle.FORMS if f in step)
                for values in _values(step[form], len(names)):
                    for fen in (777_77, 6_543_21):
                        chosen = dict(zip(names, values, strict=True))
                        yield (
                            f"{step['name']} {values} {yuan(fen)}",
                            self.chosen(event, chosen, fen),
                        )

    def chosen(self, event: str, values: Case, fen: int) -> Case:
        in_stay = {k: v for k, v in values.items() if k in ("place", "hospital_level")}
        rest = {k: v for k, v in values.items() if k not in in_stay}
        grade = {"grade": rest.pop("grade")} if "grade" in rest else {}
        stays = {"stays": [self.stay(fen, **in_stay)]} if event == "stay" else {}
        return self.case(self.claim(event, fen, paid="0.00", **grade, **stays), facts=rest)

    def sequences(self, event: str) -> Iterator[tuple[str, Case]]:
        """Several claims of one term in every order, decided otherwise, with earlier terms."""
        sizes = (300_05, 4_321_09, 250_000_01)
        for order in permutations(sizes):
            claims = [self.claim(event, fen, paid="1.00") for fen in order[:2]]
            yield f"{event} 先后{order}", self.case(*claims)
            if order[0] == sizes[1]:
                continue
            decided = [self.claim(event, fen, paid="1.00", decided=yuan(n + 50))
                       for n, fen in enumerate(order)]  # fmt: skip
            yield f"{event} 已决定，先后{order}", self.case(*decided)
        last = self.claim(event, 9_000_00, paid="0.00")
        for award in (0, 1, 1_234_56, 5_999_99, 99_999_99, 100_000_00, MOST):
            first = self.claim(event, 3_000_00, paid="0.00", decided=yuan(award))
            yield f"{event} 前次改定{yuan(award)}", self.case(first, last)
            broken = {k: v for k, v in first.items() if k != "stays"} | {"event": event}
            if award not in (0, 1_234_56, MOST):
                continue
            yield f"{event} 前次不合规但已决定{yuan(award)}", self.case(broken, last)
            former = first | {"cover_from": str(_back(self.cover))}
            for stay in former.get("stays", []):
                stay["admitted"] = None
            yield f"{event} 上期改定{yuan(award)}", self.case(last, earlier=[former])
        former = self.claim(event, 3_000_00, paid="0.00") | {"cover_from": str(_back(self.cover))}
        if event == "stay":
            day = _back(self.cover) + timedelta(300)
            former["stays"] = [self.stay(3_000_00, admitted=day)]
            former["filed_on"] = str(day + timedelta(20))
        yield f"{event} 上期的申领", self.case(last, earlier=[former], renewal=True)
        if event == "stay":
            yield from self.stays()

    def stays(self) -> Iterator[tuple[str, Case]]:
        """A cap reached in the middle of a stay; years that differ; stays of one claim."""
        for fens in ((2_000_00, 3_000_03), (150_000_00, 90_000_00), (0, 1), (1, 0, 700_07)):
            yield (
                f"一次申领{len(fens)}次住院{fens}",
                self.case(self.claim("stay", *fens, paid="0.00")),
            )
        middle = [self.claim("stay", fen) for fen in (150_000_00, 90_000_00, 40_000_00)]
        yield "封顶在第二次申领的中间", self.case(*middle[:2])
        yield "封顶以后的申领", self.case(*middle)
        this, following = self.end.replace(month=12, day=20), self.end
        years = [(2023, this)] if this.year == self.cover.year else []
        for _, day in [*years, (0, following - timedelta(9))]:
            stay = self.stay(8_000_00, admitted=day, discharged=day + timedelta(9))
            other = self.claim("stay", stays=[stay], filed_on=day + timedelta(20))
            yield f"跨自然年{day}", self.case(self.claim("stay", 8_000_00), other)
        mixed = [self.stay(3_000_01), self.stay(4_000_02, place="away", hospital_level=1)]
        first = [self.stay(2_500_00, admitted=day) for day in self.over_new_year()]
        again = self.claim("stay", 8_000_00)
        yield "一次申领的两次住院跨年", self.case(self.claim("stay", stays=first), again)
        unlike = [self.stay(100_00, days=days) for days in (1, 5, 40)]
        if "days" in self.place:
            yield "天数不同的三次住院", self.case(self.claim("stay", stays=unlike))
        yield "两地两级", self.case(self.claim("stay", stays=mixed, paid="0.00"))

    def over_new_year(self) -> list[date]:
        """A day before and a day after a new year, both in the term where it crosses one."""
        eve = date(self.cover.year, 12, 15)
        return [eve, min(eve + timedelta(30), self.end)]

    def missing(self, event: str) -> Iterator[tuple[str, Case]]:
        whole = self.claim(event, 5_000_00, paid="10.00")
        for fact in self.facts:
            case = self.case(whole)
            case["facts"] = {k: v for k, v in self.facts.items() if k != fact}
            yield f"{event} 缺{fact}", case
        for name in [k for k in whole if k not in ("filed_on", "event", "stays")]:
            yield f"{event} 缺{name}", self.case({k: v for k, v in whole.items() if k != name})
        for name in [k for k in self.stay(0) if k != "admitted"] if event == "stay" else []:
            stay = {k: v for k, v in self.stay(5_000_00).items() if k != name}
            yield f"缺{name}", self.case(self.claim("stay", stays=[stay], paid="0.00"))
        part = (self.parts(event) or ["total"])[0]
        for paid in ("4999.99", "5000.00", "5000.01") if "paid" in self.reads else ():
            yield f"{event} 已付{paid}", self.case(self.claim(event, 5_000_00, paid=paid))
        twice = [self.claim(event, 5_000_00), self.claim(event, 4_000_00)]
        yield f"{event} 两次，不给已付", self.case(*twice)
        for bad in ("-1.00", "1.001", "1e3", "", " 1", "１.00", 5, 0.5, True):
            claim = self.claim(event, 5_000_00, paid="10.00")
            holder = claim["stays"][0] if event == "stay" else claim
            holder[part] = bad
            yield f"{event} {part}写成{bad!r}", self.case(claim, whole)

    def mixed(self) -> Iterator[tuple[str, Case]]:
        """Claims of all events one after another, and back."""
        claims = [self.claim(event, fen) for event in self.events for fen in (900_00, 30_000_00)]
        for n, some in enumerate((claims, claims[::-1], claims[1:] + claims[:1])):
            yield f"各种事项{n}", self.case(*some)
            decided = [claim | {"decided": yuan(1_234_56 * i)} for i, claim in enumerate(some)]
            yield f"各种事项{n}，已决定", self.case(*decided)
        facts = {name: self.sums(name) for name in self.scheme.get("base", {})}
        for name, parts in facts.items():
            stay = {k: v for k, v in self.stay(0).items() if k != name}
            yield f"{name}由各项相加", self.case(self.claim("stay", stays=[stay | parts]))
            stay = stay | parts
            stay.pop(next(iter(parts)))
            yield f"{name}少一项", self.case(self.claim("stay", stays=[stay]))
        for total in ("53417.00", "53417.01"):
            sheet = {"total": total, "pooled": "38421.00", "critical": "0.00",
                     "other_funds": "0.00", "self": "14996.00"}  # fmt: skip
            stay = self.stay(10_031_00) | sheet
            yield f"结算单合计{total}", self.case(self.claim("stay", stays=[stay], paid="0.00"))
        for age, facts in ((17, {}), (18, {}), (60, {}), (61, {}), (61, {"proofs": ["over_age"]})):
            case = self.case(self.claim(self.events[0], 1_000_00), facts={"age": age, **facts})
            yield f"年龄{age}{facts or ''}", case
        others = ("resident", "other", "non_member")
        for name, value in product(("insurance", "employment", "membership"), others):
            if value in oracle.FIXED[name]:
                one = self.claim(self.events[0], 1_000_00, paid="0.00")
                yield f"{name}={value}", self.case(one, facts={name: value})

    def sums(self, name: str) -> dict[str, str]:
        return {part: yuan(1_234_56 + n) for n, part in enumerate(self.scheme["base"][name])}

    def dates(self) -> Iterator[tuple[str, Case]]:
        """First and last day of the term, of the waiting period and of the filing limit."""
        stay_days = [self.cover + timedelta(n) for n in (-1, 0, 29, 30, 89, 90)]
        for day in [*stay_days, self.end, self.end + timedelta(1)]:
            for renewal in (False, True) if "waiting" in self.reads else (False,):
                stay = self.stay(5_000_00, admitted=day)
                filed = day + timedelta(20)
                claims = [self.claim("stay", stays=[stay], filed_on=filed, paid="0.00")]
                for event in (e for e in self.events if e != "stay"):
                    claims.append(self.claim(event, 9_000_00, happened_on=str(day)))
                yield f"{day}住院，续保{renewal}", self.case(*claims, renewal=renewal)
        for days in (10, 30, 60) if "filing" in self.scheme else ():
            for day in (self.cover + timedelta(208 + days), self.end + timedelta(days)):
                for late in (0, 1):
                    stays = [
                        self.stay(5_000_00),
                        self.stay(1_00, admitted=self.cover + timedelta(230)),
                    ]
                    claim = self.claim("stay", stays=stays, filed_on=day + timedelta(late))
                    yield f"{day}后{late}天申领", self.case(claim)

    def numbers(self) -> Iterator[tuple[str, Case]]:
        """The last allowed and the first refused claim, during the term and after it."""
        inside, outside = self.end, self.end + timedelta(1)
        limited = "claims" in self.scheme
        for n, days in enumerate(product((inside, outside), repeat=3 if limited else 1)):
            claims = [self.claim("stay", stays=[self.stay(4_000_00, admitted=self.end)],
                                 filed_on=day) for day in days]  # fmt: skip
            yield f"三次申领{n}", self.case(*claims)
            claims[0]["decided"] = "10.00"
            claims[-1]["stays"][0]["admitted"] = "1999-01-01"
            yield f"三次申领{n}，一次已决定、一次不受理", self.case(*claims)
        for event in self.events:
            many = [self.claim(event, 6_000_00, paid="0.00", grade=grade)
                    for grade in ("mild", "severe", "mild")]  # fmt: skip
            yield f"{event} 三次", self.case(*many)
            many[0]["decided"] = "0.00"
            yield f"{event} 三次，首次决定为零", self.case(*many)
            former = many[2] | {"cover_from": str(_back(self.cover)), "decided": "100.00"}
            yield f"{event} 上期一次", self.case(*many[1:], earlier=[former], renewal=True)


def _back(cover: date) -> date:
    return cover.replace(year=cover.year - 1)


def _amounts(node: Any) -> set[str]:
    if isinstance(node, dict):
        return {text for value in node.values() for text in _amounts(value)}
    if isinstance(node, list):
        return {text for value in node for text in _amounts(value)}
    if isinstance(node, str) and (found := AMOUNT.fullmatch(node)):
        return {found[1]}
    return set()


def _values(table: Any, depth: int) -> Iterator[tuple[Any, ...]]:
    """Every key of a nested table as the fact's value; both ends of a range."""
    if not depth:
        yield ()
        return
    for key, below in table.items():
        ends = [key]
        if key[0].isdigit():
            low = oracle.number(key)
            ends = [low, int(key.split("-")[1])] if "-" in key else [low]
            ends += [low + 40] if key.endswith("以上") else []
        for end in ends:
            for rest in _values(below, depth - 1):
                yield (end, *rest)


def vectors(path: Path) -> str:
    """The vector file of one scheme as text."""
    cases = Cases(path.read_text("utf-8"))
    lines, seen = [], set()
    for name, case in cases.all():
        key = json.dumps(case, sort_keys=True)
        if key in seen:
            continue
        seen.add(key)
        lines.append(json.dumps({"name": name, "case": case, **expected(cases.scheme, case)},
                                ensure_ascii=False, separators=(",", ":")))  # fmt: skip
    return "[\n" + ",\n".join(lines) + "\n]\n"


def expected(scheme: dict[str, Any], case: Case, works: Any = None) -> Case:
    answer = oracle.assess(scheme, case, works)
    for claim in answer["claims"]:
        claim["steps"] = [list(step.values()) for step in map(nameless, claim["steps"])]
        for empty in [name for name in ("steps", "refused") if not claim[name]]:
            del claim[empty]
    return answer


def nameless(step: Case) -> Case:
    return {key: value for key, value in step.items() if key != "name"}


def main() -> None:
    folder = HERE / "vectors"
    folder.mkdir(exist_ok=True)
    for path in sorted(SOURCES):
        text = vectors(path)
        (folder / f"{path.stem}.json").write_text(text, "utf-8")
        print(path.stem, len(json.loads(text)), len(text.encode()))


if __name__ == "__main__":
    main()
