"""Three schemes' formulas by hand: plain Python loops over the same claims that `rules` reads.

Each takes a member's case and adds what each claim pays, in fen, to `paid`. They read the same
fields and enforce the same limits as the plan: days of admission, numbers of claims, places,
bands, caps. They are the floor that the evaluator is measured against.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

Cases = list[dict[str, Any]]


def anyang(cases: Cases, paid: list[int]) -> None:
    """Marginal bands 30% to 1,000 and 50% above over the term, at most 100,000."""
    for case in cases:
        cover, costs, given = case["cover_from"], 0, 0
        end = cover.replace(year=cover.year + 1) - timedelta(1)
        for claim in case["claims"]:
            base = 0
            for stay in claim["stays"]:
                if not cover <= stay["admitted"] <= end:
                    paid.append(0)
                    break
                base += stay["in_scope"]
            else:
                prior, costs = costs, costs + base
                if costs <= 100000:
                    benefit = (costs * 3000 + 5000) // 10000
                else:
                    benefit = (300000000 + (costs - 100000) * 5000 + 5000) // 10000
                if prior <= 100000:
                    benefit -= (prior * 3000 + 5000) // 10000
                else:
                    benefit -= (300000000 + (prior - 100000) * 5000 + 5000) // 10000
                benefit = min(benefit, 10000000 - given)
                given += benefit
                paid.append(benefit)


def zhengzhou(cases: Cases, paid: list[int]) -> None:
    """60% or 50% by place per stay, at most 100,000 a term; two claims in it or one after it."""
    for case in cases:
        cover, given, during, after = case["cover_from"], 0, 0, 0
        end = cover.replace(year=cover.year + 1) - timedelta(1)
        for claim in case["claims"]:
            late = claim["filed_on"] > end
            if (during or after) if late else (after or during >= 2):
                paid.append(0)
                continue
            benefit = 0
            for stay in claim["stays"]:
                if not cover <= stay["admitted"] <= end:
                    paid.append(0)
                    break
                rate = 6000 if stay["place"] == "local" else 5000
                benefit += (stay["in_scope"] * rate + 5000) // 10000
            else:
                if late:
                    after += 1
                else:
                    during += 1
                benefit = min(benefit, 10000000 - given)
                given += benefit
                paid.append(benefit)


def ningbo(cases: Cases, paid: list[int]) -> None:
    """Above 20,000 a term all of the costs in the catalogue and 75% of those outside it, at most
    2,000,000 together."""
    for case in cases:
        cover, inside, outside, given = case["cover_from"], 0, 0, 0
        end = cover.replace(year=cover.year + 1) - timedelta(1)
        for claim in case["claims"]:
            more_in = more_out = 0
            for stay in claim["stays"]:
                if not cover <= stay["admitted"] <= end:
                    paid.append(0)
                    break
                more_in += stay["in_scope"]
                more_out += stay["out_of_catalogue"]
            else:
                before_in, inside = inside, inside + more_in
                before_out, outside = outside, outside + more_out
                benefit = max(inside - 2000000, 0) - max(before_in - 2000000, 0)
                benefit += (max(outside - 2000000, 0) * 7500 + 5000) // 10000
                benefit -= (max(before_out - 2000000, 0) * 7500 + 5000) // 10000
                benefit = min(benefit, 200000000 - given)
                given += benefit
                paid.append(benefit)


HAND_WRITTEN = {
    "anyang-hospital-2019": anyang,
    "zhengzhou-hospital-2023": zhengzhou,
    "ningbo-gonghuibao-2022": ningbo,
}
