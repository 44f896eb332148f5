"""The house keeps its shape: which room may import which, and where certain things may stand."""

import ast
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
NOT_OURS = {".venv", "build", "tests", "benchmarks", ".typing", ".git"}

# room → what it may import, beside itself. docs/house.md prints the same table.
LEAVES = {"money", "clock", "identity", "refusals", "pinyin", "prose"}
SCHEMES = LEAVES | {"rules", "plans"}
BELOW_MODELS = {"database", "refusals", "vault", "money", "rules", "plans"}
DEEDS = SCHEMES | {
    "models",
    "database",
    "vault",
    "sheets",
    "uploads",
    "explain",
    "differences",
    "workflows",
}
DEEDS |= {"differences", "examples", "sentences"}  # what is read out of plans, like explain
SCREENS = DEEDS | {"access", "config"}
ALLOWED = {
    "": set(),
    "money": set(),
    "clock": set(),
    "identity": set(),
    "refusals": set(),
    "pinyin": set(),
    "prose": set(),
    "plans": LEAVES,
    "rules": {"money", "plans"},
    "explain": SCHEMES,
    "differences": SCHEMES | {"explain"},
    "sentences": SCHEMES | {"explain"},
    "examples": SCHEMES | {"explain", "sentences"},
    "vault": {"refusals"},
    "uploads": {"refusals", "vault"},
    "sheets": {"refusals", "money", "identity"},
    "config": {"refusals"},
    "database": {"refusals"},
    "tables": BELOW_MODELS,
    "models": BELOW_MODELS | {"tables"},
    "migrations": {"database", "models", "refusals", "vault", "pinyin", "rules", "plans"},
    "backups": {"config", "refusals"},
    "workflows": DEEDS,
    "site": DEEDS - {"workflows", "uploads", "sheets"},
    "access": {"models", "refusals"},
    "admin": SCREENS | {"admin"},
    "office": {"clock", "vault", "database", "migrations", "config"},
    "demo": SCREENS | {"migrations", "site", "app", "backups"},
}
COMPOSITION = {"app", "cli"}  # and cli_*.py: these may import everything
# The screens may build the public site, and know nothing else of it.
SITE_FOR_SCREENS = {"huigong.site.build", "huigong.site.rebuild"}


@cache
def files() -> list[Path]:
    return [
        path
        for path in sorted(HOUSE.rglob("*.py"))
        if not NOT_OURS & set(path.relative_to(HOUSE).parts)
    ]


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def room(path: Path) -> str:
    """The room a file stands in: its first folder, or its own name at the root."""
    first = path.relative_to(HOUSE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Every module a file imports, at the top or inside a function: huigong.x, flask, …"""
    found = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            if node.module == "huigong":
                found += [f"huigong.{name.name}" for name in node.names]
            else:
                found.append(str(node.module))
    return found


@cache
def ours() -> list[tuple[Path, str]]:
    return [(path, name) for path in files() for name in imports(path)]


def is_composition(name: str) -> bool:
    return name in COMPOSITION or name.startswith("cli_")


def test_every_arrow_between_rooms_is_in_the_table():
    wrong = []
    for path, name in ours():
        here = room(path)
        if not name.startswith("huigong.") or is_composition(here):
            continue
        there = name.split(".")[1]
        if here == "admin" and (there == "site"):
            allowed = name in SITE_FOR_SCREENS
        else:
            assert here in ALLOWED, f"a new room {here}: say in the table what it may import"
            allowed = there == here or there in ALLOWED[here]
        if not allowed:
            wrong.append(f"{path.relative_to(HOUSE)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_the_table_has_no_room_that_is_gone():
    rooms = {room(path) for path in files()}
    assert set(ALLOWED) - rooms == set()


def test_no_arrow_runs_in_a_circle():
    """The table without the rooms' arrows to themselves can be walked only downwards."""
    left = {here: there - {here} for here, there in ALLOWED.items()}
    while leaves := [here for here, there in left.items() if not there & left.keys()]:
        for leaf in leaves:
            del left[leaf]
    assert not left, f"rooms import each other: {sorted(left)}"


def test_the_oracle_shares_nothing_with_what_it_checks():
    for path in (HOUSE / "tests" / "oracle").glob("*.py"):
        for name in imports(path):
            assert name.split(".")[0] not in ("huigong", "make_vectors", "invented"), path


def test_nothing_of_ours_is_imported_by_its_bare_name():
    names = {room(path) for path in files()} - {""}
    names -= {"site", "calendar"}  # `site` is Python's own, and nobody may want it either
    for path, name in [*ours(), *((p, n) for p in HOUSE.glob("tests/*.py") for n in imports(p))]:
        assert name.split(".")[0] not in names | {"site"}, f"{path} imports {name}"


@pytest.mark.parametrize(
    "where", ["models.py", "tables", "workflows", "rules", "plans", "site", "sheets", "database.py"]
)
def test_flask_stays_out_of_what_the_office_knows_and_does(where):
    web = {"flask", "flask_wtf", "werkzeug", "htmx_flask", "waitress"}
    for path, name in ours():
        if path.relative_to(HOUSE).parts[0].removesuffix(".py") == where.removesuffix(".py"):
            assert name.split(".")[0] not in web, f"{path} imports {name}"


def test_rules_are_pure():
    """No files, clock, database or web where money is reckoned."""
    allowed = {"huigong", "__future__", "collections", "copy", "dataclasses", "datetime", "enum",
               "typing", "functools", "itertools", "operator", "bisect", "math", "types", "re",
               "tomllib", "json", "hashlib", "difflib", "calendar",
               "unicodedata"}  # fmt: skip
    for path, name in ours():
        if room(path) in ("rules", "plans"):
            assert name.split(".")[0] in allowed, f"{path} imports {name}"


def test_only_deeds_and_the_form_keys_open_a_write_transaction():
    for path in files():
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(mark, ast.Name) and mark.id == "writes" for mark in node.decorator_list
            ):
                place = path.relative_to(HOUSE).as_posix()
                assert place.startswith("workflows/") or place == "admin/one_time.py", (
                    f"{place}: {node.name} writes"
                )


def test_only_the_gateway_begins_transactions():
    for path in files():
        if room(path) in ("database", "migrations"):
            continue
        text = path.read_text()
        for word in (".atomic(", "BEGIN IMMEDIATE", ".begin()"):
            assert word not in text, f"{path}: {word}"


def test_no_deed_asks_what_time_it_is():
    asking = {"today", "now", "real_now", "utcnow"}
    for path in files():
        if room(path) not in ("workflows", "rules", "plans", "models", "tables", "explain"):
            continue
        for node in nodes(path):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else ""
                name = called.id if isinstance(called, ast.Name) else name
                assert name not in asking, f"{path}:{node.lineno} asks {name}()"


def test_no_view_reads_around_the_scope():
    """`Model.select()` in a view needs a scope: only these files do it, on rows already found."""
    reading = {
        path.relative_to(HOUSE).as_posix()
        for path in files()
        if room(path) == "admin" and "get_by_id(" in path.read_text()
    }
    assert not reading, f"a row by its bare number: {reading}"


def test_no_file_is_named_for_nothing():
    for path in files():
        assert path.stem not in {"utils", "helpers", "util", "helper", "misc", "common", "manager"}


def test_files_and_functions_fit_one_sitting():
    for path in files():
        text = path.read_text()
        place = path.relative_to(HOUSE)
        assert len(text.splitlines()) <= 500, f"{place} is too long"
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno
                assert length < 60, f"{place}: {node.name} has {length} lines"


def test_the_packages_are_the_folders():
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())
    named = set(project["tool"]["setuptools"]["packages"])
    listed = subprocess.run(
        ["git", "ls-files", "*__init__.py"],  # noqa: S607 git, wherever it is
        cwd=HOUSE, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    folders = {".".join(["huigong", *Path(name).parent.parts]) for name in listed}
    unshipped = ("huigong.tests", "huigong.benchmarks")
    assert named == {name for name in folders if not name.startswith(unshipped)}


def test_every_word_s_screens_and_deeds_have_tests():
    named = {path.stem for path in HOUSE.glob("tests/test_*.py")}
    for word in ("accounts", "audit", "organizations", "access", "security", "cli"):
        assert f"test_{word}" in named
