"""Made-up members and claims for the benchmarks: 演示. The same seed gives the same claims."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

COVER = {
    "anyang-hospital-2019": date(2020, 1, 1),
    "zhengzhou-hospital-2023": date(2023, 8, 1),
    "ningbo-gonghuibao-2022": date(2022, 1, 1),
}


def cases(scheme: str, count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Members with `count` claims in all: most file one of one stay, some two or three."""
    dice, made, members = random.Random(seed), 0, []  # noqa: S311 - made-up claims, no secret
    cover = COVER[scheme]
    while made < count:
        number = min(dice.choices((1, 2, 3), (80, 17, 3))[0], count - made)
        made += number
        members.append(
            {
                "cover_from": cover,
                "renewal": False,
                "facts": {"membership": "member", "insurance": "employee"},
                "claims": [_claim(dice, cover) for _ in range(number)],
            }
        )
    return members


def _claim(dice: random.Random, cover: date) -> dict[str, Any]:
    admitted = cover + timedelta(dice.randrange(360))
    stays = [_stay(dice, admitted) for _ in range(dice.choices((1, 2), (85, 15))[0])]
    return {"filed_on": admitted + timedelta(dice.randrange(15, 60)), "stays": stays}


def _stay(dice: random.Random, admitted: date) -> dict[str, Any]:
    days = dice.randrange(3, 20)
    in_scope = int(dice.lognormvariate(12.9, 1.0))  # a median of 4,000 yuan, a long tail
    return {
        "place": dice.choices(("local", "away"), (85, 15))[0],
        "hospital_level": dice.choice((1, 2, 3)),
        "admitted": admitted,
        "discharged": admitted + timedelta(days),
        "days": days,
        "in_scope": in_scope,
        "out_of_catalogue": int(in_scope * dice.random()),
    }
