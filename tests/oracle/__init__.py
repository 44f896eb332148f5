"""An independent oracle: what docs/schemes.md says a scheme pays, in exact fractions of a yuan.

Written from the prose and sharing no code with rules or plans. It keeps no running totals: for
every step over a span it adds up, from the claims before, what the prose says counts. It is slow,
and it trusts that the scheme loads; what it does not know it refuses to guess (Unclear).
"""

from oracle.assessing import assess
from oracle.figures import FIXED, FORMS, last_day, load, number, yuan
from oracle.terms import cliffs, fee

__all__ = ["FIXED", "FORMS", "assess", "cliffs", "fee", "last_day", "load", "number", "yuan"]
