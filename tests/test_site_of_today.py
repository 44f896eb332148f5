"""The public site is built anew for each day while an office is served."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from builders import TODAY
from builders_site import a_public_city

from huigong.admin import background
from huigong.config import DEMO_MARK, demo_mark
from huigong.site.build import MARK, build, day_of


@pytest.fixture
def quiet_builder(office) -> Iterator[None]:
    """A process that has built nothing yet, in an office whose clock another process keeps too."""
    (office.home / DEMO_MARK).write_text(demo_mark(office.database_url))
    yield
    if background._site is not None:
        background._site.kill()
        background._site.wait()
    background._site, background._site_begun = None, -float("inf")


def test_the_site_of_an_earlier_day_is_built_for_today_and_only_once(office, quiet_builder):
    a_public_city()
    build(office.public, as_of=TODAY - timedelta(days=1), demo=True)
    background.build_site_of_today(office)
    begun = background._site
    assert begun.wait(timeout=60) == 0
    assert day_of(office.public) == TODAY
    background.build_site_of_today(office)
    assert background._site is begun


def test_where_no_site_was_ever_built_none_is_begun(office, quiet_builder):
    background.build_site_of_today(office)
    assert background._site is None


def test_a_building_that_fails_is_not_begun_again_within_the_hour(office, quiet_builder):
    a_public_city()
    yesterday = TODAY - timedelta(days=1)
    made = build(office.public, as_of=yesterday, demo=True)
    locked_out = replace(office, keys=office.home / "nowhere")  # another process cannot open it
    background.build_site_of_today(locked_out)
    begun = background._site
    assert begun.wait(timeout=60) != 0
    background.build_site_of_today(office)
    assert background._site is begun
    assert (made / MARK).exists()
    assert day_of(office.public) == yesterday
