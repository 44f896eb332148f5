"""What else the prose says of a scheme: its fees, and where one fen of cost pays much more."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from oracle.figures import FORMS, bands, curve, rate, rounded, row_of, yuan


def fee(
    scheme: dict[str, Any], facts: dict[str, Any]
) -> tuple[Fraction | None, dict[str, Fraction]]:
    """The fee of one enrollment and its shares by carrier."""
    given = scheme["fee"]
    by = given.get("by", [])
    total, shares = given.get("total"), given.get("share", {})
    for name in [by] if isinstance(by, str) else by:
        total = row_of(total, facts[name]) if isinstance(total, dict) else total
        nested = row_of(shares, facts[name])
        shares = shares if nested is None else nested
    paid = {who: yuan(part) for who, part in shares.items()}
    return (None if total is None else yuan(total)), paid


def cliffs(scheme: dict[str, Any]) -> list[tuple[Fraction, Fraction]]:
    """Every bound of a whole or threshold step, and how much more one fen beyond it pays there."""
    found = []
    for benefit in scheme.get("benefit", []):
        for step in benefit["step"]:
            form = next(name for name in FORMS if name in step)
            banded = form == "amount" and not isinstance(first_leaf(step, form), str)
            if form != "threshold" and not step.get("whole") and not banded:
                continue
            way = step.get("rounding", scheme.get("rounding", "half_up"))
            for value in leaves(step[form], depth(step)):
                read = yuan if form == "amount" else rate
                tops = [yuan(value)] if form == "threshold" else [
                    top for top, _ in bands(value, read) if top is not None]  # fmt: skip
                for at in tops:
                    exact = [curve(step, form, value, s) for s in (at, at + Fraction(1, 100))]
                    below, above = (rounded(s, way) if form == "pay" else s for s in exact)
                    if above - below > Fraction(1, 100):
                        found.append((at, above - below))
    return found


def depth(step: dict[str, Any]) -> int:
    by = step.get("by", [])
    return 1 if isinstance(by, str) else len(by)


def first_leaf(step: dict[str, Any], form: str) -> Any:
    return leaves(step[form], depth(step))[0]


def leaves(value: Any, depth: int) -> list[Any]:
    if not depth:
        return [value]
    return [leaf for row in value.values() for leaf in leaves(row, depth - 1)]
