"""Rosters from upload to approval, as deeds and through the screens."""

from datetime import date

from builders_enrollment import a_drafted_roster, an_approved_roster, an_enrollment

from huigong.models import Enrollment


def test_an_approved_roster_enrolls(office):
    roster = an_approved_roster(people=128)
    assert roster.total == 10_240_00
    assert {d.carrier: d.amount for d in roster.dues} == {
        "unit": 6_400_00,
        "county": 1_280_00,
        "city": 2_560_00,
    }
    assert Enrollment.counted().count() == 128
    first = Enrollment.select().first()
    assert first.certificate == "PY2025-0000001"
    assert first.cover_to == date(2025, 12, 31)


def test_x(office):
    assert an_enrollment().certificate.startswith("ZZ2023-")
    assert a_drafted_roster(people=20, faults=3).faulty == 3
