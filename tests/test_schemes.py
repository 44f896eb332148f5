"""Schemes: loading, publishing by a second person, and what a damaged plan stops."""

from datetime import date

import pytest
from builders import NOW, a_city, a_county, a_unit
from builders_schemes import a_published_edition
from peewee import Value

from huigong.models import Edition
from huigong.plans import plan_hash
from huigong.refusals import Refused
from huigong.workflows import schemes

A_SCHEME = """
id = "sample-hospital-2024"
name = "示例市职工住院互助"
enrolled = { from = 2024-01-01, to = 2024-12-31 }
term = "12个月"
operator = "self"
source = "示例来源"
unstated = ["申领期限"]
[[benefit]]
id = "hospital"
name = "住院互助金"
event = "stay"
of = ["in_scope"]
[[benefit.step]]
name = "按比例"
per = "stay"
pay = [["以上", "60%"]]
"""


def load(text=A_SCHEME, *, city):
    return schemes.load_edition(text, file="sample.toml", organization=city, at=NOW)


def test_an_edition_loaded_at_setup_is_published_and_named_by_its_hash(office):
    edition = load(city=a_city())
    kept = Edition.get_by_id(edition.id)
    assert (kept.stage, kept.published_on, kept.drafted_by) == ("published", NOW.date(), None)
    assert kept.plan_hash == plan_hash(kept.plan)
    assert schemes.plan_of(kept)["id"] == kept.code


def test_the_shipped_schemes_load_for_the_cities_that_exist_and_only_once(office):
    cities = {"zhengzhou": a_city("郑州", "zhengzhou"), "puyang": a_city("濮阳", "puyang")}
    codes = [edition.code for edition in schemes.load_shipped(cities=cities, at=NOW)]
    assert codes == ["puyang-hospital-2025", "zhengzhou-critical-2022", "zhengzhou-hospital-2023"]
    assert schemes.load_shipped(cities=cities, at=NOW) == []


def test_a_scheme_with_faults_is_refused_with_all_of_them(office):
    with pytest.raises(Refused) as refused:
        load(A_SCHEME.replace('"60%"', "0.6").replace('"12个月"', '"一年"'), city=a_city())
    assert len(refused.value.faults) >= 2
    assert Edition.select().count() == 0


def test_an_id_is_loaded_once(office):
    city = a_city()
    load(city=city)
    with pytest.raises(Refused, match="已经有了"):
        load(city=city)


def test_another_city_cannot_continue_a_series(office):
    load(city=a_city())
    with pytest.raises(Refused, match="另一个工会"):
        load(A_SCHEME.replace("-2024", "-2025"), city=a_city())


def test_enrollment_dates_that_overlap_an_edition_in_force_are_refused(office):
    city = a_city()
    load(city=city)
    later = A_SCHEME.replace('-2024"', '-2025"').replace("2024-01-01", "2024-07-01")
    with pytest.raises(Refused, match="重叠"):
        load(later.replace("2024-12-31", "2025-12-31"), city=city)
    assert Edition.select().count() == 1


def open_to(unit, day):
    return [e for e in schemes.editions_published_to(unit) if e.enrolls_on(day)]


def test_units_are_offered_their_own_lineages_editions_on_the_days_they_enroll(office):
    city, other = a_city(), a_city()
    unit = a_unit(a_county(city))
    edition = a_published_edition("zhengzhou-hospital-2023", city)
    assert open_to(unit, date(2023, 7, 1)) == [edition]
    assert open_to(unit, date(2023, 12, 31)) == [edition]
    assert open_to(unit, date(2024, 1, 1)) == []
    assert open_to(unit, date(2023, 6, 30)) == []
    assert open_to(a_unit(other), date(2023, 7, 1)) == []


@pytest.mark.parametrize("text", ["{not json", '{"benefit": []}', "null", "[]"])
def test_a_damaged_plan_stops_its_own_scheme_and_nothing_else(office, text):
    city = a_city()
    damaged = load(city=city)
    sound = load(A_SCHEME.replace("sample-", "second-"), city=city)
    raw = Value(text, converter=False)  # as a damaged disk would leave it
    Edition.update({Edition.plan: raw}).where(Edition.id == damaged.id).execute()
    damaged = Edition.get_by_id(damaged.id)
    with pytest.raises(Refused, match="sample-hospital-2024"):
        schemes.plan_of(damaged)
    assert open_to(a_unit(city), date(2024, 5, 1)) == [sound]
