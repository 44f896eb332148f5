"""Claims of a case one after the other: no running totals, for every span the sums of before."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from oracle.figures import (
    AMOUNT,
    FORMS,
    IDENTITIES,
    LONG,
    PARTS,
    ZERO,
    Unclear,
    allowance,
    curve,
    day_of,
    last_day,
    number,
    rounded,
    row_of,
    text_of,
    yuan,
)


class Reading:
    """One claim as given; collects the names of what is missing or wrong."""

    def __init__(self, scheme: dict[str, Any], case: dict[str, Any], given: dict[str, Any]):
        self.scheme, self.case, self.given = scheme, case, given
        self.event = given.get("event") or "stay"
        self.cover = day_of(given.get("cover_from") or case["cover_from"])
        self.stays = given.get("stays") if self.event == "stay" else given.get("stays") or None
        self.units = self.stays if self.stays is not None else [given]
        self.benefits = [
            b for b in scheme.get("benefit", []) if b.get("event", "stay") == self.event
        ]
        self.faults: list[str] = []

    def fault(self, name: str) -> Fraction:
        self.faults.append(name)
        return ZERO

    def amount(self, holder: dict[str, Any], name: str) -> Fraction | None:
        value = holder.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not AMOUNT.fullmatch(value):
            return self.fault(name)
        return Fraction(value)

    def fact(self, unit: dict[str, Any] | None, name: str) -> Any:
        if name == "year":
            return self.cover.year
        for holder in (unit or {}, self.given, self.case.get("facts") or {}):
            if holder.get(name) is not None:
                return holder[name]
        return None

    def value(self, step: dict[str, Any], form: str, unit: dict[str, Any] | None) -> Any:
        by = step.get("by", [])
        value = step[form]
        for name in [by] if isinstance(by, str) else by:
            value = row_of(value, self.fact(unit, name))
            if value is None:
                self.fault(name)
                return None
        return value

    def part(self, unit: dict[str, Any], name: str) -> Fraction:
        found = self.amount(unit, name)
        if found is not None:
            return found
        parts = self.scheme.get("base", {}).get(name)
        if not parts or any(unit.get(part) is None for part in parts):
            return self.fault(name)
        return sum((self.part(unit, part) for part in parts), ZERO)

    def base(self, benefit: dict[str, Any], unit: dict[str, Any]) -> Fraction:
        less = [name for name in benefit.get("less", []) if name != "paid"]
        base = sum((self.part(unit, name) for name in benefit.get("of", [])), ZERO)
        for name in less:
            base -= self.part(unit, name)
        return base if base >= 0 else self.fault(less[0])

    def days(self, units: list[dict[str, Any]]) -> int:
        total = 0
        for unit in units:
            found = unit.get("days")
            if not isinstance(found, int) or isinstance(found, bool) or found < 0:
                self.fault("days")
            else:
                total += found
        return total

    @property
    def year(self) -> int | None:
        """The calendar year of the last discharge, else of the filing."""
        discharges = [day_of(stay.get("discharged")) for stay in self.stays or []]
        known = [day for day in discharges if day]
        last = max(known) if known else day_of(self.given.get("filed_on"))
        return last.year if last else None


class Past:
    """What a claim leaves behind for those after it."""

    def __init__(self, reading: Reading):
        self.cover, self.year, self.event = reading.cover, reading.year, reading.event
        self.counts = False
        self.inputs: dict[Any, Fraction] = {}
        self.days: dict[Any, int] = {}
        self.awarded: dict[str, Fraction] = {}
        self.late = False

    def award(self, decided: Fraction) -> None:
        """Spread a decided sum over the benefits from the last."""
        names = list(self.awarded)
        change = decided - sum(self.awarded.values(), ZERO)
        if change > 0 and names:
            self.awarded[names[-1]] += change
        for name in reversed(names if change < 0 else []):
            cut = min(-change, self.awarded[name])
            self.awarded[name] -= cut
            change += cut


class Assessing:
    """A case, claim after claim."""

    def __init__(self, scheme: dict[str, Any], case: dict[str, Any]):
        self.scheme, self.case = scheme, case
        self.works: Any = None  # whether a day is worked, where somebody knows
        self.past: list[Past] = []

    def written(self, reading: Reading) -> list[str]:
        """All benefits of the claim's event, also those it may not have."""
        found = self.scheme.get("benefit", [])
        return [b["id"] for b in found if b.get("event", "stay") == reading.event]

    def within(self, reading: Reading, per: str) -> list[Past]:
        if per == "term":
            return [p for p in self.past if p.cover == reading.cover]
        if per == "year":
            return [p for p in self.past if p.year == reading.year]
        if per == "life":
            return list(self.past)
        return []

    def assess(self, given: dict[str, Any]) -> dict[str, Any]:
        reading = Reading(self.scheme, self.case, given)
        past = Past(reading)
        self.admit(reading, past)
        steps: list[dict[str, Any]] = []
        benefit = ZERO
        if not reading.faults:
            # what a step lacks is named; what it would then give is nobody's business
            self.run(reading, past, steps)
            benefit = sum(past.awarded.values(), ZERO)
        decided = reading.amount(given, "decided")
        if reading.faults:
            past.awarded = dict.fromkeys(self.written(reading), ZERO)
            past.inputs, past.days, benefit, steps = {}, {}, ZERO, []
        past.counts = not reading.faults or decided is not None
        if decided is not None:
            past.award(decided)
        self.past.append(past)
        refused = sorted(set(reading.faults))
        return {"benefit": benefit, "steps": steps, "refused": refused, "shares": past.awarded}

    # -- may it be claimed at all

    def admit(self, reading: Reading, past: Past) -> None:
        scheme = self.scheme
        if not reading.benefits:
            reading.fault("event" if self.scheme.get("benefit") else "benefit")
            return
        self.check_amounts(reading)
        self.check_requirements(reading)
        if reading.event == "stay" and not reading.stays:
            reading.fault("stays")
        end = last_day(scheme, reading.cover)
        for stay in reading.stays or []:
            admitted = day_of(stay.get("admitted"))
            if admitted is not None and not reading.cover <= admitted <= end:
                reading.fault("admitted")
        self.check_filing(reading, end)
        self.check_numbers(reading, past, end)
        self.leave_out(reading)

    def leave_out(self, reading: Reading) -> None:
        """Benefits still waiting or used up are left out; without any the claim is refused."""
        kept, reasons = [], []
        for benefit in reading.benefits:
            reason = self.waits(reading, benefit) or self.used_up(reading, benefit)
            (reasons if reason else kept).append(reason or benefit)
        if not kept:
            reading.fault(reasons[0])
        reading.benefits = kept

    def waits(self, reading: Reading, benefit: dict[str, Any]) -> str | None:
        wait = number(benefit.get("waiting", self.scheme.get("waiting", "0天")))
        if self.case.get("renewal") or not wait:
            return None
        field, holders = "admitted", reading.stays
        if holders is None:
            field, holders = "happened_on", [reading.given]
        days = [day_of(holder.get(field)) for holder in holders]
        return field if any(not d or d < reading.cover + timedelta(wait) for d in days) else None

    def used_up(self, reading: Reading, benefit: dict[str, Any]) -> str | None:
        times = benefit.get("times")
        if not times:
            return None
        before = self.within(reading, times["per"])
        paid = sum(p.awarded.get(benefit["id"], ZERO) > 0 for p in before)
        return "event" if paid >= times["limit"] else None

    def check_amounts(self, reading: Reading) -> None:
        for holder in (reading.given, *(reading.stays or [])):
            for name in (*PARTS, "decided", "proposed", "paid"):
                reading.amount(holder, name)
        for stay in reading.stays or []:
            for whole, parts in IDENTITIES:
                sums = [reading.amount(stay, name) for name in (whole, *parts)]
                if all(found is not None for found in sums) and sums[0] != sum(sums[1:], ZERO):
                    reading.fault(whole)

    def check_requirements(self, reading: Reading) -> None:
        facts = self.case.get("facts") or {}
        for need in self.scheme.get("require", []):
            value = facts.get(need.get("fact"))
            if value is None or need.get("proof", "") in facts.get("proofs", []):
                continue
            fits = (
                need["in"][0] <= value <= need["in"][1] if "in" in need else value in need["one_of"]
            )
            if not fits:
                reading.fault(need["fact"])

    def check_filing(self, reading: Reading, end: date) -> None:
        limit = self.scheme.get("filing")
        by_work = bool(limit) and limit["within"].endswith("个工作日")
        if not limit or (by_work and self.works is None):
            return  # without a calendar nobody says which days are worked
        start = end
        if limit["after"] == "discharge":
            left = [day_of(stay.get("discharged")) for stay in reading.stays or []]
            if reading.stays is None:
                return  # no discharge to count from
            known = [day for day in left if day]
            if not known:
                reading.fault("discharged")
                return
            start = min(known)
        filed = day_of(reading.given.get("filed_on"))
        allowed = number(limit["within"])
        if filed is None or (
            self.worked_beyond(start, filed, allowed)
            if by_work
            else filed > start + timedelta(allowed)
        ):
            reading.fault("filed_on")

    def worked_beyond(self, start: date, filed: date, allowed: int) -> bool:
        """Whether all the working days allowed were over before the day of filing. Where nobody
        knows which days are worked, only what is in time if every day is worked is in time."""
        if filed <= start + timedelta(allowed):
            return False
        try:
            before = [start + timedelta(n) for n in range(1, (filed - start).days)]
            return sum(map(self.works, before)) >= allowed
        except NotImplementedError:
            return True

    def check_numbers(self, reading: Reading, past: Past, end: date) -> None:
        filed = day_of(reading.given.get("filed_on"))
        past.late = bool(filed and filed > end)
        limits = self.scheme.get("claims")
        if (
            not limits
            or reading.given.get("decided") is not None
            or reading.event not in limits.get("events", ["stay"])
        ):
            return
        events = limits.get("events", ["stay"])
        before = [p for p in self.within(reading, "term") if p.counts and p.event in events]
        after = limits.get("or_after_term")
        if past.late and after is not None:
            fits = all(p.late for p in before) and len(before) < after
        else:
            fits = len(before) < limits["during_term"] and not (
                after is not None and any(p.late for p in before)
            )
        if not fits:
            reading.fault("filed_on")

    # -- what it pays

    def run(self, reading: Reading, past: Past, steps: list[dict[str, Any]]) -> None:
        bases = {
            b["id"]: [reading.base(b, unit) for unit in reading.units] for b in reading.benefits
        }
        pools = self.scheme.get("pool", [])
        named = [(pool.get("id", f"pool-{n}"), pool) for n, pool in enumerate(pools, 1)]
        for key, pool in named:
            if "deductible" in pool:
                self.share_deductible(reading, past, steps, key, pool, bases)
        paid: dict[str, Fraction] = {}
        for benefit in reading.benefits:
            paid[benefit["id"]] = self.benefit(reading, past, steps, benefit, bases, paid)
        for key, pool in named:
            if "cap" in pool:
                self.share_cap(reading, steps, key, pool, paid)
        past.awarded = paid

    def share_deductible(self, reading, past, steps, key, pool, bases) -> None:
        limit, per = yuan(pool["deductible"]), pool["per"]
        before = sum((p.inputs.get(("pool", key), ZERO) for p in self.within(reading, per)), ZERO)
        seen = before
        for n in range(len(reading.units)):
            if per == "stay":
                seen = ZERO
            for benefit in reading.benefits:
                if benefit["id"] not in pool["of"] or not benefit.get("of"):
                    continue
                x = bases[benefit["id"]][n]
                after = max(seen + x - limit, ZERO) - max(seen - limit, ZERO)
                steps.append(
                    told(benefit["id"], n if reading.stays is not None else None, pool, x,
                         None if per == "stay" else seen, after)
                )  # fmt: skip
                bases[benefit["id"]][n] = after
                seen += x
        past.inputs["pool", key] = seen - before

    def benefit(self, reading, past, steps, benefit, bases, paid) -> Fraction:
        own = benefit["step"]
        each = [step for step in own if step["per"] == "stay"]
        base = bases[benefit["id"]]
        x = sum(base, ZERO)
        if "paid" in benefit.get("less", []):
            if each:
                raise Unclear("paid is taken off the summed base, and steps run per stay")
            x = max(x - self.paid_before(reading, benefit, paid), ZERO)
        whole = x
        if each:
            x = ZERO
            for n, unit in enumerate(reading.units):
                y = base[n]
                for step in each:
                    y = self.step(reading, past, steps, benefit, step, y, base[n], n, unit)
                x += y
        for step in own[len(each) :]:
            x = self.step(reading, past, steps, benefit, step, x, whole, None, None)
        return x

    def paid_before(self, reading: Reading, benefit, paid: dict[str, Fraction]) -> Fraction:
        given = reading.amount(reading.given, "paid")
        if given is not None:
            return given
        if (
            benefit["id"] != self.written(reading)[0]
        ):  # what those before it paid on this claim, if nothing too
            return sum(paid.values(), ZERO)
        before = self.within(reading, "term")
        awarded = sum((sum(p.awarded.values(), ZERO) for p in before), ZERO)
        return awarded or reading.fault("paid")

    def step(self, reading, past, steps, benefit, step, x, base, n, unit) -> Fraction:
        form = next(name for name in FORMS if name in step)
        value = reading.value(step, form, unit)
        if value is None:
            return ZERO
        per, key = step["per"], (benefit["id"], benefit["step"].index(step))
        span = self.within(reading, per)
        has_base = bool(benefit.get("of"))
        stay = n if reading.stays is not None else None
        if form == "daily":
            days = reading.days([unit] if n is not None else reading.units)
            earlier = sum(p.days.get(key, 0) for p in span)
            past.days[key] = days
            prior = allowance(step, value, earlier)
            after = allowance(step, value, earlier + days) - prior
        elif form == "reviewer_up_to":
            proposed = reading.amount(reading.given, "proposed")
            if proposed is None:
                return reading.fault("proposed")
            prior = ZERO
            after = min(proposed, yuan(value), *([x] if has_base else []))
        else:
            if self.closes(benefit, step):
                prior = sum((p.awarded.get(benefit["id"], ZERO) for p in span), ZERO)
            else:
                prior = sum((p.inputs.get(key, ZERO) for p in span), ZERO)
                past.inputs[key] = x
            after = self.paid_through(step, form, value, prior + x)
            if per in LONG:
                after -= self.paid_through(step, form, value, prior)
            if base == 0 and form == "minimum":
                after = x
            if base == 0 and form == "amount" and has_base and isinstance(value, str):
                after = ZERO
        steps.append(told(benefit["id"], stay, step, x, None if per == "stay" else prior, after))
        return after

    def paid_through(self, step: dict[str, Any], form: str, value: Any, s: Fraction) -> Fraction:
        """R(F(s)); only a rate makes parts of a fen, so only `pay` is rounded."""
        owed = curve(step, form, value, s)
        way = step.get("rounding", self.scheme.get("rounding", "half_up"))
        return rounded(owed, way) if form == "pay" else owed

    def closes(self, benefit: dict[str, Any], step: dict[str, Any]) -> bool:
        rest = benefit["step"][benefit["step"].index(step) :]
        return step["per"] in LONG and all("cap" in s for s in rest)

    def share_cap(self, reading, steps, key, pool, paid) -> None:
        members = [b["id"] for b in reading.benefits if b["id"] in pool["of"]]
        if not members:
            return
        limit, per = yuan(pool["cap"]), pool["per"]
        before = [
            p.awarded.get(name, ZERO) for p in self.within(reading, per) for name in pool["of"]
        ]
        prior = sum(before, ZERO)
        x = sum((paid[name] for name in members), ZERO)
        after = min(prior + x, limit) - min(prior, limit)
        steps.append(told(key, None, pool, x, None if per == "stay" else prior, after))
        over = x - after
        for name in sorted(members, key=pool["of"].index, reverse=True):
            cut = min(over, paid[name])
            paid[name] -= cut
            over -= cut


def told(owner, stay, step, before, prior, after) -> dict[str, Any]:
    return {"benefit_id": owner, "stay": stay, "name": step["name"], "before": before,
            "prior": prior, "after": after}  # fmt: skip


def assess(scheme: dict[str, Any], case: dict[str, Any], works: Any = None) -> dict[str, Any]:
    """The expected answer to a case in the contract's JSON form: amounts as text, fields refused.

    `earlier` holds claims of former enrollments, each with its cover_from; `works` says whether a
    day is worked, where somebody does.
    """
    assessing = Assessing(scheme, case)
    assessing.works = works
    for claim in case.get("earlier") or []:
        assessing.assess(claim)
    found = [assessing.assess(claim) for claim in case["claims"]]
    total = sum((claim["benefit"] for claim in found), ZERO)
    return {"total": text_of(total), "claims": [_written(claim) for claim in found]}


def _written(claim: dict[str, Any]) -> dict[str, Any]:
    steps = [
        {k: text_of(v) if isinstance(v, Fraction) else v for k, v in step.items()}
        for step in claim["steps"]
    ]
    return {"benefit": text_of(claim["benefit"]), "steps": steps, "refused": claim["refused"]}
