"""The lists alone: `python -m benchmarks.lists`, as `benchmarks/lists/__init__.py` says."""

import sys

from benchmarks.lists import LARGE, of


def main(given: list[str]) -> None:
    """Measure what the command line names."""
    options = dict(arg[2:].partition("=")[::2] for arg in given if arg.startswith("--"))
    named = [arg for arg in given if not arg.startswith("--")]
    members = next((int(arg) for arg in named if arg.isdecimal()), LARGE)
    only = [words for words in options.get("only", "").split(",") if words]
    for dialect in [arg for arg in named if not arg.isdecimal()] or ["sqlite", "postgresql"]:
        rows = of(dialect, members, show_all="all" in options,
                  keep=options.get("keep", ""), only=only)  # fmt: skip
        for row in rows:
            print(*row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
