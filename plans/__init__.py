"""A scheme's TOML text → its plan, and back. Pure: text in, dict out; no files.

A plan is plain JSON in fen and basis points; its hash names the edition.
"""

from huigong.plans.checks import Cliff, overlapping, plan_hash, warnings
from huigong.plans.loading import compile_scheme, compile_table
from huigong.plans.reading import Fault, SchemeRefused
from huigong.plans.writing import dump

__all__ = [
    "Cliff",
    "Fault",
    "SchemeRefused",
    "compile_scheme",
    "compile_table",
    "dump",
    "overlapping",
    "plan_hash",
    "warnings",
]
