"""A form about a unit, for somebody who sees more units than a list can show."""

import re

import pytest
from builders import a_city, a_unit, a_user, signed_in
from builders_enrollment import the_edition

from huigong.admin import choosing
from huigong.models import Role


@pytest.fixture
def clerk(app, monkeypatch):
    """Of a city with four units, two of which fit into a list."""
    monkeypatch.setattr(choosing, "MOST_LISTED", 2)
    city = a_city("濮阳市总工会", slug="puyang")
    for name in ("演示甲厂工会", "演示乙厂工会", "演示丙校工会", "演示丁校工会"):
        last = a_unit(city, name)
    the_edition(last)
    return signed_in(app, a_user(Role.CLERK, at=city))


def chosen_from(html: str) -> list[str]:
    return re.findall(r'<option value="\d+"[^>]*>(演示[^<]+)</option>', html)


@pytest.mark.parametrize("path", ["/admin/rosters/new", "/admin/relocations/new"])
def test_a_unit_that_a_list_does_not_show_is_found_by_a_part_of_its_name(clerk, path):
    page = clerk.get(path).get_data(as_text=True)
    assert len(chosen_from(page)) == 2
    assert "单位很多" in page
    found = clerk.get(f"{path}?find=校").get_data(as_text=True)
    assert sorted(chosen_from(found)) == ["演示丁校工会", "演示丙校工会"]
    assert "单位很多" not in found
    alone = clerk.get(f"{path}?find=乙厂").get_data(as_text=True)
    assert "<strong>" in alone
    assert "演示乙厂工会" in alone
    assert not chosen_from(alone)
    assert "没有名称含“医院”的单位" in clerk.get(f"{path}?find=医院").get_data(as_text=True)


def test_the_unit_that_was_chosen_stays_in_the_list_when_the_form_comes_back(clerk):
    everybody = {
        name: number
        for part in ("厂", "校")
        for number, name in re.findall(
            r'<option value="(\d+)"[^>]*>(演示[^<]+)</option>',
            clerk.get(f"/admin/rosters/new?find={part}").get_data(as_text=True),
        )
    }
    listed = chosen_from(clerk.get("/admin/rosters/new").get_data(as_text=True))
    (other, *_) = sorted(everybody.keys() - set(listed))
    sent = clerk.send("/admin/rosters/new", {"unit": everybody[other]})
    assert sent.status_code == 422
    page = sent.get_data(as_text=True)
    assert f'value="{everybody[other]}" selected' in page
    assert len(chosen_from(page)) == 3
