"""Rules: one claim explained, a million claims, loading, the calculator, replay from a database."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import office
from benchmarks.claims import cases
from benchmarks.formulas import HAND_WRITTEN
from benchmarks.table import Row, elapsed, seconds, within
from huigong import plans, rules
from huigong.site.calculation import calculation

CLAIMS = 1_000_000
PEOPLE = 424_000  # enrolled in Zhengzhou in 2024
BLOCK = 50_000  # claims made and measured at once, so that a million fit in memory
ANYANG, ZHENGZHOU = "anyang-hospital-2019", "zhengzhou-hospital-2023"


def rows() -> Iterator[Row]:
    """Every figure of the rules."""
    yield from one_claim()
    yield from a_million()
    yield from loading()
    yield from calculator()
    yield from replays()


def text_of(scheme: str) -> str:
    return (files("huigong") / "schemes" / f"{scheme}.toml").read_text("utf-8")


def plan_of(scheme: str) -> dict[str, Any]:
    return plans.compile_scheme(text_of(scheme), f"{scheme}.toml")


def _peer() -> Any:
    """OpenFisca in this process, or None where the extra `bench` is not installed."""
    try:
        from benchmarks import openfisca
    except ImportError:
        return None
    return openfisca


# ── One claim ───────────────────────────────────────────────────────────────────────────────


def one_claim() -> Iterator[Row]:
    times = 2000
    for scheme in HAND_WRITTEN:
        plan, case = plan_of(scheme), _one(cases(scheme, 50))
        rules.assess(plan, case)

        def explained(plan: Any = plan, case: Any = case) -> None:
            for _ in range(times):
                rules.assess(plan, case)

        micro = seconds(explained, 5) / times * 1e6
        yield within(f"one claim with explanation, {scheme}", micro, 20, "µs")
    openfisca = _peer()
    if openfisca is None:
        yield Row("one calculation with trace, OpenFisca-core", "not installed: extra `bench`")
        return
    import numpy

    system = openfisca.a_system()
    one = {name: numpy.array([fen]) for name, fen in
           (("costs", 10031.0), ("before", 0.0), ("given", 0.0))}  # fmt: skip

    def traced() -> None:
        for _ in range(100):
            openfisca.calculate(system, one, trace=True)

    yield Row(
        f"one calculation with trace, OpenFisca-core, {ANYANG}",
        f"{seconds(traced, 3) / 100 * 1e6:.3g} µs",
        note="running totals given to it ready made",
    )


def _one(members: list[dict[str, Any]]) -> dict[str, Any]:
    """The first member with one claim of one stay."""
    return next(m for m in members if len(m["claims"]) == 1 and len(m["claims"][0]["stays"]) == 1)


# ── A million claims ────────────────────────────────────────────────────────────────────────


def a_million() -> Iterator[Row]:
    by_hand = ours = 0.0
    wrong = count = 0
    totals: list[tuple[int, int, int]] = []  # Anyang: costs, before, what it pays, in fen
    each = CLAIMS // len(HAND_WRITTEN)
    for scheme, formula in HAND_WRITTEN.items():
        rule, done, seed, hand_s, ours_s = rules.prepare(plan_of(scheme)), 0, 0, 0.0, 0.0
        while done < each:
            seed += 1
            members = cases(scheme, min(BLOCK, each - done), seed)
            hand, said = _block(rule, formula, members)
            hand_s, ours_s, done = hand_s + hand[0], ours_s + said[0], done + len(hand[1])
            wrong += sum(a != b for a, b in zip(hand[1], said[1], strict=True))
            if scheme == ANYANG:
                totals += _totals(members, hand[1])
        by_hand, ours, count = by_hand + hand_s, ours + ours_s, count + done
        yield Row(
            f"{done:,} claims, {scheme}", f"{ours_s / done * 1e6:.3g} µs each", "",
            None, f"by hand {hand_s / done * 1e6:.3g} µs, {ours_s / hand_s:.2f} times",
        )  # fmt: skip
    note = f"{ours:.3g} s against {by_hand:.3g} s, {wrong} results differ"
    what = f"{count:,} claims of three schemes, without explanation, against a loop by hand"
    yield within(what, ours / by_hand, 4, "times", note)
    yield Row("results wrong by a fen or more, huigong", f"{wrong:,} of {count:,}", "0", wrong == 0)
    yield from _arrays(totals)


def _block(rule: Any, formula: Any, members: Any) -> tuple[Any, Any]:
    """(seconds, fen per claim) of the loop by hand and of the evaluator, over one block."""
    by_hand: list[int] = []
    ours: list[int] = []

    def hand() -> None:
        by_hand.clear()
        formula(members, by_hand)

    def evaluator() -> None:
        ours.clear()
        for assessment in rules.assess_all(rule, members):
            for claim in assessment.claims:
                ours.append(claim.benefit)

    return (seconds(hand, 2), by_hand), (seconds(evaluator, 2), ours)


def _totals(members: Any, paid: list[int]) -> list[tuple[int, int, int]]:
    """Each claim's running costs with and without it, for the peers, with what it pays."""
    found, place = [], 0
    for member in members:
        costs = 0
        for claim in member["claims"]:
            before, costs = costs, costs + sum(stay["in_scope"] for stay in claim["stays"])
            found.append((costs, before, paid[place]))
            place += 1
    return found


def _arrays(totals: list[tuple[int, int, int]]) -> Iterator[Row]:
    """The peers that work on arrays of floats, given the running totals ready made."""
    openfisca = _peer()
    if openfisca is None:
        yield Row("OpenFisca-core and numpy over arrays", "not installed: extra `bench`")
        return
    import numpy

    costs, before, expected = numpy.array(totals).T
    yuan = {"costs": costs / 100, "before": before / 100}
    answer: dict[str, Any] = {}

    def curve(sums: Any) -> Any:
        low = numpy.minimum(sums, 1000)
        return openfisca.half_up(low * 0.3 + (sums - low) * 0.5)

    def by_numpy() -> None:
        now, then = curve(yuan["costs"]), curve(yuan["before"])
        answer["numpy"] = numpy.minimum(now, 100000) - numpy.minimum(then, 100000)

    system = openfisca.a_system()
    given = {**yuan, "given": numpy.minimum(curve(yuan["before"]), 100000)}

    def by_openfisca() -> None:
        answer["OpenFisca-core"] = openfisca.calculate(system, given)

    for name, deed in (("numpy", by_numpy), ("OpenFisca-core", by_openfisca)):
        taken = seconds(deed, 3)
        fen = numpy.rint(answer[name].astype("float64") * 100).astype("int64")
        wrong = int((fen != expected).sum())
        yield Row(
            f"{len(totals):,} claims in one array, {name}, {ANYANG}",
            f"{taken / len(totals) * 1e6:.3g} µs each", "", None,
            f"{wrong:,} wrong by a fen or more; no explanation, running totals ready made",
        )  # fmt: skip


# ── Loading, the calculator, replay ─────────────────────────────────────────────────────────


def loading() -> Iterator[Row]:
    for scheme in HAND_WRITTEN:
        text = text_of(scheme)
        milli = seconds(lambda text=text: plans.compile_scheme(text, "x.toml"), 20) * 1000
        yield within(f"loading {scheme}", milli, 1, "ms")


TIMED = """async ([script, plan, one]) => {
  const { assess } = await import("data:text/javascript;base64," + script);
  const given = JSON.parse(one), rules = JSON.parse(plan);
  if (assess(rules, given)[0].benefit != 601860n) throw Error("not the published figure");
  const taken = [];
  for (let n = 0; n < 20; n++) {
    const start = performance.now();
    for (let m = 0; m < 100; m++) assess(rules, given);
    taken.push((performance.now() - start) / 100);
  }
  return taken.sort((a, b) => a - b)[10];
}"""


def calculator() -> Iterator[Row]:
    what = "the calculator's answer in Chromium"
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        yield Row(what, "not measured: playwright is not installed")
        return
    script = base64.b64encode((files("huigong") / "site/static/calculator.js").read_bytes())
    stay = {"place": "local", "in_scope": "10031.00", "admitted": "2023-10-01"}
    claim = {"filed_on": "2023-11-01", "stays": [stay]}
    one = json.dumps({"cover_from": "2023-08-01", "claims": [claim]})
    given = [script.decode(), json.dumps(calculation(plan_of(ZHENGZHOU))), one]
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox"]
            )
            milli = browser.new_page().evaluate(TIMED, given)
            version = browser.version
            browser.close()
    except Error as wrong:
        yield Row(what, f"not measured: {str(wrong).splitlines()[0][:60]}")
        return
    yield within(what, milli, 1, "ms", f"median, Chromium {version}")


def replays() -> Iterator[Row]:
    for dialect in ("sqlite", "postgresql"):
        for claims, most in ((13_000, 1), (350_000, 30)):
            with (
                tempfile.TemporaryDirectory() as folder,
                office.an_office(Path(folder), dialect),
            ):
                yield from _replay(dialect, claims, most)
                if claims == 13_000:  # a year, small enough to be replayed while one types
                    yield _page(dialect, claims, office.signed_in(Path(folder)))


def _replay(dialect: str, claims: int, most: float) -> Iterator[Row]:
    from huigong.workflows.replay import replay

    scheme = office.fill(plan_of(ZHENGZHOU), claims, PEOPLE)
    memory: list[float] = []
    said: list[Any] = []

    def run() -> None:
        said.append(
            replay(
                plan_of(ZHENGZHOU), scheme=scheme, since=date(2000, 1, 1),
                until=date(2030, 1, 1), progress=lambda _: memory.append(_resident()),
            )
        )  # fmt: skip

    clock = elapsed(run)
    taken = min(_processor(run) for _ in range(3 if claims < 50_000 else 1))
    all_of = said[0].all
    same = all_of.claims == claims and all_of.then == all_of.now
    note = f"{clock:.1f} s by the clock; then and now {'agree' if same else 'DIFFER'}"
    yield within(
        f"replay of {claims:,} claims of {PEOPLE:,} people, {dialect}", taken, most, "s", note
    )
    grown = memory[-1] - memory[len(memory) // 10]
    what = f"… memory gained over the last 90% of {claims:,} claims, {dialect}"
    yield within(what, grown, 32, "MiB")


def _page(dialect: str, claims: int, browser: Any) -> Row:
    """The whole page as htmx asks for it when a rate is typed: replay, figures, charts, HTML."""
    rate = iter(range(61, 100))
    clock: list[float] = []

    def ask() -> None:
        address = f"/admin/replay?rules=1&benefit-0-step-0-local-0-1={next(rate)}"
        start = perf_counter()
        page = browser.get(address, headers={"HX-Request": "true"}).get_data(as_text=True)
        clock.append(perf_counter() - start)
        if "改动了1个数字" not in page or f"申领{claims}笔" not in page:
            raise RuntimeError("the page does not show the replay")

    taken = min(_processor(ask) for _ in range(4))
    note = f"{min(clock):.2f} s by the clock"
    what = f"… its page, recomputed as a rate is typed, {dialect}"
    return within(what, taken, 1, "s", note)


def _processor(deed: Any) -> float:
    """Seconds of processor time, here and in the database's own process where it has one."""
    from huigong import database

    if database.is_sqlite():
        return seconds(deed)
    stat = Path(f"/proc/{database.db.connection().info.backend_pid}/stat")

    def there() -> float:
        spent = stat.read_text().rpartition(")")[2].split()
        return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")

    before = there()
    return seconds(deed) + there() - before


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20
