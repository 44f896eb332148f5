"""What a draft would mean: its faults, cliffs, examples before and after, and what it changes."""

from typing import Any, NamedTuple

from huigong.differences import Change, differences
from huigong.examples import worked_examples
from huigong.models import DraftEdition, Edition
from huigong.plans import Cliff, Fault, warnings
from huigong.plans.typed import Sheet
from huigong.workflows import drafting

Plan = dict[str, Any]


class Cell(NamedTuple):
    """One example's benefit in fen before and now; None where there is none."""

    before: int | None
    now: int | None


class Compared(NamedTuple):
    """The examples of one benefit beside the edition before: cases across, amounts down."""

    name: str
    head: str
    cases: list[str]
    rows: list[tuple[str, list[Cell]]]
    shown: str
    steps: list[str]


class Review(NamedTuple):
    """All that the editor and the publisher see beside a draft."""

    plan: Plan | None
    hash: str
    faults: list[Fault]
    cliffs: list[Cliff]
    former: Edition | None
    ended: Edition | None
    examples: list[Compared]
    changes: list[Change]


def review(draft: DraftEdition, sheet: Sheet) -> Review:
    """A typed sheet of a draft, checked against its city's published editions."""
    checked = drafting.check(sheet, draft.organization)
    plan = checked.plan
    if plan is None:
        return Review(None, "", checked.faults, [], None, None, [], [])
    former = drafting.in_force_before(plan, draft.basis)
    return Review(
        plan, checked.hash, [], warnings(plan), former, drafting.ended_by(plan),
        compared(former.plan if former else None, plan),
        differences(former.plan, plan) if former else [],
    )  # fmt: skip


def compared(old: Plan | None, new: Plan) -> list[Compared]:
    """The worked examples of `new`, each with what `old` gave for the same."""
    known = {
        (example.name, row.given, case): fen
        for example in (worked_examples(old) if old else [])
        for row in example.rows
        for case, fen in zip(example.cases, row.benefits, strict=True)
    }
    return [
        Compared(
            example.name, example.head, example.cases,
            [
                (row.given, [
                    Cell(known.get((example.name, row.given, case)), fen)
                    for case, fen in zip(example.cases, row.benefits, strict=True)
                ])
                for row in example.rows
            ],
            example.shown, example.steps,
        )
        for example in worked_examples(new)
    ]  # fmt: skip
