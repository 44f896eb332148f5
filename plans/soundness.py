"""Whether a kept plan may still be used: readable, as it was published, known to this loader."""

from typing import Any

from huigong.plans.checks import plan_hash
from huigong.plans.loading import compile_scheme
from huigong.plans.reading import SchemeRefused
from huigong.plans.writing import dump

SOUND, LOST, ALTERED, UNKNOWN = "sound", "lost", "altered", "unknown"
_understood: dict[str, bool] = {}  # by hash: a plan is tried once in a process


def soundness(plan: Any, digest: str) -> str:
    """`sound`; `lost`: no plan at all; `altered`: not the one with this hash; `unknown`: today's
    loader does not take it."""
    if not isinstance(plan, dict) or "benefit" not in plan:
        return LOST
    if plan_hash(plan) != digest:
        return ALTERED
    if digest not in _understood:
        _understood[digest] = _is_understood(plan)
    return SOUND if _understood[digest] else UNKNOWN


def _is_understood(plan: dict[str, Any]) -> bool:
    try:
        compile_scheme(dump(plan))
    except (SchemeRefused, LookupError, TypeError, ValueError, AttributeError):
        return False
    return True
