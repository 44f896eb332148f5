"""The demonstration office: built on whichever database, and never beside another's."""

import dataclasses

import pytest
from conftest import ON_POSTGRESQL

from huigong import database
from huigong.config import DEMO_MARK, Settings, demo_mark, read_settings
from huigong.demo.office import build_office
from huigong.models import Roster
from huigong.refusals import StartRefused
from huigong.workflows import verification

ELSEWHERE = "postgresql://演示@localhost/other"


@pytest.fixture
def place(office, tmp_path, unfurnished) -> Settings:
    """Where a demonstration may be built: no folder yet, and an empty database."""
    home = tmp_path / "demo"
    url = unfurnished or f"sqlite:///{home / 'huigong.db'}"
    database.db.close()
    return dataclasses.replace(office, home=home, keys=home / "keys", database_url=url)


def test_a_demonstration_is_built_where_database_url_says_and_agrees(place):
    build_office(place)
    assert read_settings(
        {"HUIGONG_HOME": str(place.home), "DATABASE_URL": place.database_url}
    ).is_demo
    database.connect_to(place.database_url)
    with database.db.connection_context():
        assert Roster.select().count() > 3
        assert verification.findings(place.files) == []
    if ON_POSTGRESQL:
        other = dataclasses.replace(place, home=place.home.with_name("second"))
        with pytest.raises(StartRefused, match="已有内容"):
            build_office(other)


@pytest.mark.parametrize(
    ("mark", "url", "is_demo"),
    [
        (None, "", False),
        ("huigong demo\n", "", True),
        ("", "", True),  # as restored from an older backup
        ("huigong demo\n", ELSEWHERE, False),
        (demo_mark(ELSEWHERE), ELSEWHERE, True),
        (demo_mark(ELSEWHERE), "postgresql://real@localhost/office", False),
        (demo_mark(ELSEWHERE), "", False),
    ],
)
def test_an_instance_is_a_demonstration_only_with_its_own_database(tmp_path, mark, url, is_demo):
    if mark is not None:
        (tmp_path / DEMO_MARK).write_text(mark)
    settings = read_settings({"HUIGONG_HOME": str(tmp_path), "DATABASE_URL": url})
    assert settings.is_demo == is_demo
    assert (settings.today is not None) == is_demo
