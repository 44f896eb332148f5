"""The editor's form and back: names like `benefit-1-step-2-name` are places in the sheet."""

import re
from typing import Any

from werkzeug.datastructures import MultiDict

from huigong.plans.bounds import MOST_CASES, MOST_ROWS
from huigong.plans.typed import Sheet, tidy

_NAME = re.compile(r"[a-z][a-z_0-9]*(-([a-z][a-z_0-9]*|[1-9][0-9]{0,2}))*")
_SEVERAL = {"of", "less", "one_of", "by", "in_scope", "events"}


def sheet_typed(form: MultiDict[str, str]) -> Sheet:
    """The sheet that a posted form holds; what is no place in it is ignored."""
    tree: dict[Any, Any] = {}
    for name in form:
        if not _NAME.fullmatch(name):
            continue
        *way, last = name.split("-")
        node = tree
        for key in way:
            below = node.setdefault(key, {})
            node = below if isinstance(below, dict) else {}
        several = last in _SEVERAL and bool(way)
        # A browser ends the lines of an area otherwise than they were kept.
        node[last] = form.getlist(name) if several else form[name].replace("\r\n", "\n")
    return tidy(_listed(tree))


def _listed(node: Any, most: int = MOST_ROWS) -> Any:
    """Numbered branches become lists in their order."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=int)][:most]
    return {key: _listed(below, _most(key)) for key, below in node.items()}


def _most(key: str) -> int:
    return MOST_CASES if key == "cases" else MOST_ROWS


def with_rows_changed(sheet: Sheet, act: str) -> Sheet:
    """The sheet after `add-benefit-1-step`, `drop-require-2`, `up-benefit-2` or `down-…`."""
    verb, _, place = act.partition("-")
    *way, last = place.split("-")
    rows: Any = sheet
    for key in way if verb != "add" else (*way, last):
        rows = _below(rows, key)
    if not isinstance(rows, list):
        return sheet
    n = int(last) - 1 if last.isdecimal() and verb != "add" else 0
    if verb == "add" and len(rows) < MOST_ROWS:
        rows.append({})
    elif verb == "drop" and 0 <= n < len(rows):
        del rows[n]
    elif verb == "up" and 0 < n < len(rows):
        rows[n - 1 : n + 1] = rows[n], rows[n - 1]
    elif verb == "down" and 0 <= n < len(rows) - 1:
        rows[n : n + 2] = rows[n + 1], rows[n]
    return tidy(sheet)


def _below(node: Any, key: str) -> Any:
    if isinstance(node, dict):
        return node.get(key)
    if isinstance(node, list) and key.isdecimal() and 0 < int(key) <= len(node):
        return node[int(key) - 1]
    return None
