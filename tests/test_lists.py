"""Leafing through lists: every row once, in every order, however the list is read."""

import re

import pytest
from builders import a_city, a_county, a_unit, a_user, signed_in
from builders_claims import a_member

from huigong import database
from huigong.admin import lists
from huigong.models import Member, Organization, Role

NAMES = ("王演示", "王演示", "王演示", "李演示", "李演示", "张演示", "周演示")


@pytest.fixture
def town(office):
    """A city with two units and a stranger beside it; names and units come in ties."""
    city = a_city()
    units = [a_unit(a_county(city), f"演示{n}厂") for n in range(2)]
    for n in range(14):
        a_member(units[n % 2], name=NAMES[n % 7])
    a_member(a_unit(a_city("别市总工会"), "别厂"), name="王别人")
    return city


@pytest.fixture(params=["numbered", "walked"])
def small_pages(request, monkeypatch):
    """Pages of three rows, of a list that is gathered or of one that is walked."""
    monkeypatch.setattr(
        lists.page_of, "__kwdefaults__", {**lists.page_of.__kwdefaults__, "size": 3}
    )
    if request.param == "walked":
        for limit in ("MOST_GATHERED", "MOST_FETCHED"):
            monkeypatch.setattr(lists, limit, 0)
    return request.param


def rows_of(page: str) -> list[int]:
    return [int(id) for id in re.findall(r'href="/admin/members/(\d+)"', page)]


def way(page: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return found.group(1).replace("&amp;", "&") if found else None


def leafed(client, address: str, rel: str = "next") -> list[list[int]]:
    """The rows of every page from an address on."""
    pages = []
    while address:
        page = client.get(address).get_data(as_text=True)
        pages.append(rows_of(page))
        address = way(page, rel)
    return pages


@pytest.mark.parametrize("sort", ["name", "-name", "unit", "-unit"])
def test_leafing_meets_every_row_once_in_every_order_there_and_back(app, town, small_pages, sort):
    client = signed_in(app, a_user(Role.CLERK, at=town))
    there = leafed(client, f"/admin/members?sort={sort}")
    ids = [id for page in there for id in page]
    ours = Member.select(Member).join(Organization).where(Organization.within(town.path))
    assert sorted(ids) == sorted(member.id for member in ours)
    keys = [Member.get_by_id(id).sort_key for id in ids]
    if "name" in sort:
        assert keys == sorted(keys, reverse=sort.startswith("-"))
    first = client.get(f"/admin/members?sort={sort}").get_data(as_text=True)
    back = leafed(client, way(first, "last"), "prev")
    assert sorted(id for page in back for id in page) == sorted(ids)
    assert back[-1][0] == ids[0] or small_pages == "walked"
    assert back[0][-1] == ids[-1]


def test_a_filtered_list_is_leafed_through_as_wholly(app, town, small_pages):
    client = signed_in(app, a_user(Role.CLERK, at=town))
    ids = [id for page in leafed(client, "/admin/members?q=王") for id in page]
    assert len(ids) == len(set(ids)) == 6
    assert {Member.get_by_id(id).name for id in ids} == {"王演示"}


@pytest.mark.parametrize("small_pages", ["walked"], indirect=True)  # numbers shift, a walk does not
def test_rows_added_between_two_pages_shift_nobody_out(app, town, small_pages):
    client = signed_in(app, a_user(Role.CLERK, at=town))
    first = client.get("/admin/members").get_data(as_text=True)
    before = {member.id for member in Member.select()}
    a_member(Organization.get(Organization.name == "演示0厂"), name="艾先来")
    rest = leafed(client, way(first, "next"))
    met = rows_of(first) + [id for page in rest for id in page]
    stranger = Member.get(Member.name == "王别人").id
    assert sorted(met) == sorted(before - {stranger})


def test_a_place_in_the_list_that_is_gone_or_foreign_begins_again(app, town, small_pages):
    client = signed_in(app, a_user(Role.CLERK, at=town))
    whole = rows_of(client.get("/admin/members").get_data(as_text=True))
    stranger = Member.get(Member.name == "王别人").id
    for after in (stranger, 999_999, "x", ""):
        page = client.get(f"/admin/members?after={after}").get_data(as_text=True)
        assert rows_of(page) == whole


def test_a_long_list_says_that_it_was_not_counted_to_its_end(app, town, monkeypatch):
    monkeypatch.setattr(lists, "MOST_COUNTED", 5)
    monkeypatch.setattr(lists, "MOST_GATHERED", 0)
    monkeypatch.setattr(
        lists.page_of, "__kwdefaults__", {**lists.page_of.__kwdefaults__, "size": 3}
    )
    client = signed_in(app, a_user(Role.CLERK, at=town))
    assert "共 5 多 人" in client.get("/admin/members").get_data(as_text=True)


def test_a_filtered_list_too_long_to_ask_wholly_says_at_least_how_many(app, town, monkeypatch):
    for limit in ("MOST_GATHERED", "MOST_FETCHED"):
        monkeypatch.setattr(lists, limit, 0)
    monkeypatch.setattr(
        lists.page_of, "__kwdefaults__", {**lists.page_of.__kwdefaults__, "size": 3}
    )
    client = signed_in(app, a_user(Role.CLERK, at=town))
    assert "共 不少于 3 人" in client.get("/admin/members?q=王").get_data(as_text=True)


def test_a_name_and_a_unit_are_sought_together(app, town):
    client = signed_in(app, a_user(Role.CLERK, at=town))
    found = rows_of(client.get("/admin/members?q=王 演示1").get_data(as_text=True))
    assert {Member.get_by_id(id).organization.name for id in found} == {"演示1厂"}
    assert {Member.get_by_id(id).name for id in found} == {"王演示"}


def test_a_whole_id_leads_to_its_member(app, town):
    member = Member.select().order_by(Member.id).first()
    client = signed_in(app, a_user(Role.CLERK, at=town))
    answer = client.get("/admin/members", query_string={"q": member.opened("resident_id")})
    assert answer.location == f"/admin/members/{member.id}"


def asked(client, address: str, monkeypatch) -> list[str]:
    """The statements that one page sends to the database."""
    sent: list[str] = []
    run = type(database.db.obj).execute_sql
    with monkeypatch.context() as patch:
        patch.setattr(
            type(database.db.obj),
            "execute_sql",
            lambda self, sql, *more, **named: sent.append(sql) or run(self, sql, *more, **named),
        )
        assert client.get(address).status_code == 200
    return sent


EVERY_LIST = (
    *("members", "rosters", "funding/", "claims", "audit", "ledger/", "organizations", "accounts"),
    *("payouts/", "statements/", "incomes/", "relocations", "id-corrections", "transfers/"),
)


@pytest.mark.parametrize("address", EVERY_LIST)
def test_a_list_asks_no_more_of_many_rows_than_of_few(app, town, monkeypatch, address):
    user = a_user(*Role, at=town)
    client = signed_in(app, user)
    few = len(asked(client, f"/admin/{address}", monkeypatch))
    unit = Organization.get(Organization.name == "演示0厂")
    for n in range(20, 40):
        a_member(unit, name="孙多")
        a_user(Role.CLERK, at=a_unit(town, f"新{n}厂"))
    assert len(asked(client, f"/admin/{address}", monkeypatch)) <= max(few, 25)


def test_members_are_read_off_the_index_of_their_order(app, town):
    query = Member.select(Member.id).where(lists.beside(Member.organization == 1))
    query = query.order_by(Member.sort_key, Member.id).limit(3)
    with database.db.atomic():
        if not database.is_sqlite():  # so few rows it would rather read whole
            database.db.execute_sql("SET LOCAL enable_seqscan = off")
            database.db.execute_sql("SET LOCAL enable_bitmapscan = off")
        sql, values = query.sql()
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite() else "EXPLAIN"
        told = str(database.db.execute_sql(f"{explain} {sql}", values).fetchall())
    assert "member_sort_key_id_organization_id_name_pinyin" in told
    assert "Sort" not in told
    assert "TEMP B-TREE" not in told
