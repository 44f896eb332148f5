"""The faults of a roster, those of one kind together: what its clerk mends in one go."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

FIRST: Final = 5  # sentences shown of each kind; the rest are in their own file
_OF_ONE_ROW: Final = re.compile(r"“.*”|[\d-]*\d", re.DOTALL)  # what a sentence says of its row


class FaultGroups:
    """Faults by column and by what is wrong: how many, and the first of them as sentences."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[int, str, list[str]]] = {}

    def add(self, number: int, faults: Iterable[Sequence[str]]) -> None:
        """The faults of a row, each (column, message)."""
        for title, message in faults:
            kind = _OF_ONE_ROW.sub(_left_out, message)
            count, said, first = self._found.get((title, kind), (0, message, []))
            if count < FIRST:
                first.append(f"第{number}行 {title}：{message}")
            self._found[title, kind] = count + 1, message if said == message else kind, first

    def listed(self) -> list[tuple[str, int, list[str]]]:
        """(what is wrong, how many, the first), the most frequent first."""
        found = [
            (f"{title}：{said}", count, first)
            for (title, _), (count, said, first) in self._found.items()
        ]
        return sorted(found, key=lambda group: -group[1])


def _left_out(said: re.Match[str]) -> str:
    return "“…”" if said[0].startswith("“") else "…"
