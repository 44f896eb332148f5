"""`huigong verify` works out anew what the caps left for every award."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from builders import a_city
from builders_claims import a_claim, a_stay, an_approved_claim, an_enrollment, decided
from builders_schemes import a_published_edition

from huigong import database
from huigong.models import Claim, Decision
from huigong.workflows import caps


def _two_claims_that_meet_the_cap() -> tuple[Claim, ...]:
    """Of 100,000 元 a term: 60,000 decided first, then the 40,000 that are left."""
    cover = an_enrollment(cover_from=date(2023, 12, 30))
    return tuple(
        decided(a_claim(cover, stays=[_a_costly_stay(day)]))
        for day in (date(2024, 2, 1), date(2024, 5, 1))
    )


def _a_costly_stay(admitted: date) -> dict[str, Any]:
    stay = a_stay(admitted, in_scope=100_000_00)
    return {name: value for name, value in stay.items() if name not in ("total", "pooled", "cash")}


def _change(claim: Claim, fen: int) -> None:
    """What somebody does to the row who has the database file."""
    Decision.update(amount=fen).where(Decision.claim == claim).execute()


@pytest.fixture
def unguarded(office) -> Iterator[None]:
    """An office whose decisions may be changed, until the test ends."""
    with database.db.atomic() as transaction:
        on = "" if database.is_sqlite() else " ON decision"
        database.db.execute_sql(f'DROP TRIGGER "decision_no_update"{on}')
        yield
        transaction.rollback()


def test_awards_that_reach_the_cap_together_are_in_order(office):
    first, second = _two_claims_that_meet_the_cap()
    assert [c.decisions.get().amount for c in (first, second)] == [60_000_00, 40_000_00]
    assert caps.awards_beyond_caps() == []


def test_an_award_one_fen_beyond_what_the_cap_left_is_named(unguarded):
    _, second = _two_claims_that_meet_the_cap()
    _change(second, 40_000_01)
    assert caps.awards_beyond_caps() == [
        f"申领#{second.id} 核定 40,000.01 元，超过当时按封顶还可给付的最高金额 40,000.00 元"
    ]


def test_what_a_reviewer_raised_within_the_cap_is_in_order_until_it_leaves_too_little(unguarded):
    first, second = _two_claims_that_meet_the_cap()
    _change(second, 35_000_00)
    _change(first, 65_000_00)
    assert caps.awards_beyond_caps() == []
    _change(first, 65_000_01)
    [told] = caps.awards_beyond_caps()
    assert told.startswith(f"申领#{second.id} 核定 35,000.00 元")


def test_every_scheme_is_asked_by_its_own_plan(unguarded):
    city = a_city("示例市总工会")
    anyang = an_enrollment(
        a_published_edition("anyang-hospital-2019", city), cover_from=date(2023, 8, 1)
    )
    claim = an_approved_claim(anyang, in_scope=1_001_00)
    assert claim.decisions.get().amount == 300_50
    an_approved_claim()
    assert caps.awards_beyond_caps() == []
    _change(claim, 100_000_01)
    [told] = caps.awards_beyond_caps()
    assert f"申领#{claim.id} " in told
    assert "100,000.00 元" in told
