from datetime import date

import pytest

from huigong import clock


def test_a_make_up_sunday_is_worked_and_a_holiday_is_not():
    assert clock.is_working_day(date(2024, 9, 29))  # made up for the national holiday
    assert not clock.is_working_day(date(2024, 10, 1))
    assert not clock.is_working_day(date(2024, 12, 15))


def test_ten_working_days_step_over_the_new_year_holiday():
    assert clock.after_working_days(date(2024, 12, 16), 10) == date(2024, 12, 30)
    assert clock.after_working_days(date(2024, 12, 30), 2) == date(2025, 1, 2)


def test_a_year_without_a_published_calendar_is_refused_rather_than_guessed():
    with pytest.raises(NotImplementedError):
        clock.is_working_day(date(2040, 1, 1))


def test_a_fixed_clock_keeps_its_day_and_never_fixes_time_limits():
    clock.fix(date(2024, 12, 16))
    try:
        assert clock.today() == date(2024, 12, 16)
        assert clock.real_now().date() != date(2024, 12, 16)
    finally:
        clock.fix(None)
