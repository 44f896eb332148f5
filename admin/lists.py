"""Lists in the office: filters, sorting and leafing by the query string, at any size of office.

A list is read in one of two ways, both along an index, so that its page costs the same in a city
as in a unit. What has few rows, or few that pass its filters, is *gathered*, sorted and paged by
number; the rest is *walked* in the order asked for, from the row that the page before ended with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from math import isqrt
from operator import and_, or_
from typing import Any
from urllib.parse import quote, urlencode

from flask import request
from peewee import SQL, Case, Expression, Field, ModelSelect, Select, Tuple, fn

from huigong.access import scope, scope_of_met, sees_many, sees_one, sees_whole
from huigong.database import among, containing, db, is_sqlite
from huigong.models import Base, Organization, Role

PAGE_ROWS = 50
MOST_COUNTED = 5000  # rows; a longer list says 多
MOST_GATHERED = 4000  # rows of a unit or two, sorted for one page
MOST_FETCHED = 3000  # rows that a filter finds, fetched one by one and sorted
ALWAYS_GATHERED = 1000  # rows that are sorted at once, however few there are to walk among
_FEW = 20  # organizations, named one by one
LAST = "end"  # ?before=end is the last page

Ways = dict[str, dict[str, Any]]  # first prev next last → what the query becomes


@dataclass(frozen=True)
class Waiting:
    """Something that waits for the signed-in user: how many, what, and where."""

    count: int
    words: str
    url: str


class Many(int):
    """More than were counted; a page says so (`共 10000 多 人`)."""

    def __str__(self) -> str:
        return f"{int(self)} 多"


class AtLeast(Many):
    """What a page shows of more, which nobody counted; it says so (`共 不少于 50 人`)."""

    def __str__(self) -> str:
        return f"不少于 {int(self)}"


@dataclass(frozen=True)
class Order:
    """The columns a list is sorted by, the last of them the row's id, all in one direction. None
    of them is null. `joined` are the tables beside the list's own that they stand in."""

    columns: Sequence[Any]
    descending: bool = False
    joined: Sequence[type[Base]] = ()

    def of_one_place(self) -> "Order":
        """The same order of rows that are all in one place: what it says of places is the same
        for each, and sorting by it would keep an index from being walked."""
        rest = [c for c in self.columns if not (isinstance(c, Field) and c.model is Organization)]
        joined = [table for table in self.joined if table is not Organization]
        return Order(rest, self.descending, joined)

    def sorted(self, query: Any, *, backwards: bool = False) -> Any:
        down = self.descending is not backwards
        return query.order_by(*(c.desc() if down else c.asc() for c in self.columns))

    def past(self, keys: Sequence[Any], *, backwards: bool) -> Expression:
        """The condition that a row stands after the one with these values, or before it."""
        down = self.descending is not backwards
        first = self.columns[0] <= keys[0] if down else self.columns[0] >= keys[0]
        ours, theirs = Tuple(*self.columns), Tuple(*keys)
        return first & (ours < theirs if down else ours > theirs)


@dataclass(frozen=True)
class Filter:
    """What a list is narrowed by, one of several conditions by each of which an index finds rows:
    where few do, they are read off the indexes one after the other, and no row is fetched.
    Where it `is_placed`, the index finds them together with their place in the office."""

    ways: Sequence[Any]
    is_placed: bool = False

    @classmethod
    def of(cls, condition: Any) -> "Filter":
        """A filter as it is, or one of a single condition."""
        return condition if isinstance(condition, cls) else cls((condition,))

    def beside(self) -> Any:
        """The filter as a condition that each row met is held against."""
        return beside(reduce(or_, self.ways))


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, how many there are, and the way to the other pages. A
    gathered list has numbered `pages`; one that is walked has `number` 0."""

    rows: list[Any]
    number: int
    total: int
    size: int = PAGE_ROWS
    ways: Ways = field(default_factory=dict)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


def asked_order(columns: dict[str, Any], *, default: str) -> tuple[str, bool]:
    """The name of the asked sort, `?sort=name` or `?sort=-name`, and whether it is descending."""
    asked = request.args.get("sort", default)
    if asked.lstrip("-") not in columns:
        asked = default
    return asked.lstrip("-"), asked.startswith("-")


def ordered(model: type[Base], columns: dict[str, Any], *, default: str) -> Order:
    """The asked order, only by the columns a list offers; a name may stand for several, with the
    tables they are in."""
    name, descending = asked_order(columns, default=default)
    chosen = columns[name] if isinstance(columns[name], tuple) else (columns[name],)
    joined = {c.model for c in chosen if isinstance(c, Field) and c.model is not model}
    ends = () if chosen[-1] is model.id else (model.id,)
    return Order((*chosen, *ends), descending, tuple(joined))


def page_of(
    model: type[Base],
    order: Order,
    *,
    filters: Sequence[Any] = (),
    held: Sequence[Any] = (),
    inside: Any = None,
    near: Any = None,
    shown: "ModelSelect[Any] | None" = None,
    size: int = PAGE_ROWS,
    most_met: int = 0,
) -> Page:
    """The page of a model's visible rows that pass `filters`, as the query string asks for it.

    `held` are filters by which no index finds rows: each row met is held against them.
    Where `inside` is given, it says which rows instead, and the order's index begins with what it
    compares. `near` follows from the filters and is about columns that the order's index begins
    with, so that a walk begins near. `shown` selects what a row shows, joins and all. Where
    hardly a row may pass, a walk ends after `most_met` rows and the page leads on from there.
    """
    found = _Found(model, order, list(filters), list(held), inside, near)
    total, way = found.reckon()
    if way is None:
        number, (ids, ways) = 0, found.walked(size, most_met)
        if not ways:
            total = len(ids)
        elif isinstance(total, AtLeast):
            total = AtLeast(len(ids))
    else:
        ids, total, number, ways = found.numbered(way, size)
    rows = (model.select() if shown is None else shown).where(model.id << ids)
    by_id = {row.id: row for row in rows} if ids else {}
    return Page([by_id[id] for id in ids if id in by_id], number, total, size, ways)


class _Found:
    """The rows a list is asked for, and how they are best come by."""

    def __init__(
        self, model: Any, order: Order, filters: list[Any], held: list[Any], inside: Any, near: Any
    ):
        alone = inside is None and sees_one()
        self.order = order.of_one_place() if alone and Organization in order.joined else order
        self.model, self.filters = model, [Filter.of(condition) for condition in filters]
        self.held = [Filter.of(condition).beside() for condition in held]
        self.inside = scope(model) if inside is None else inside
        self.placed = beside(scope_of_met(model)) if inside is None else inside
        # SQLite's indexes end with the row's id: one place's rows stand in theirs by it
        self.walked_in = self.inside if alone and is_sqlite() else self.placed
        self.whole = inside is None and sees_whole()
        self.many = inside is None and sees_many()
        self.near = SQL("1 = 1") if near is None else near

    def reckon(self) -> tuple[int, tuple[Filter, list[Any]] | None]:
        """How many rows there are at most, as far as they are counted, and what gathers them: a
        filter that finds them, and the conditions they are held against; None when they are
        walked."""
        if (self.filters or self.held) and _is_walking():  # as was found at its first page
            return AtLeast(0), None
        if not self.filters and not self.held:
            total = counted(self.model, self.inside, most=MOST_COUNTED)
            few = total <= self.worth_gathering
            return total, (Filter.of(self.inside), []) if few else None
        if not self.filters and self.many:  # then there is no use in counting first
            return AtLeast(0), None
        sizes = [counted(self.model, way, most=self._most_of(way)) for way in self.filters]
        least = min(sizes, default=MOST_COUNTED)
        if not sizes or (least > self.worth_fetching and not (self.whole or self.many)):
            sizes.append(counted(self.model, self.inside, most=self.worth_gathering + 1))
            least = min(sizes)
        narrowest = sizes.index(least)
        by_place = narrowest == len(self.filters)
        first = Filter([self.inside], is_placed=True) if by_place else self.filters[narrowest]
        others = [f.beside() for at, f in enumerate(self.filters) if at != narrowest] + self.held
        is_alone = not others and (first.is_placed or self.whole)
        if not first.is_placed:
            others.append(self.placed)
        if least <= (self.worth_gathering if by_place else self.worth_fetching):
            return least, (first, others)
        is_exact = isinstance(least, Many) or len(first.ways) == 1
        return (least if is_exact and is_alone else AtLeast(0)), None

    def _most_of(self, way: Filter) -> int:
        """How far a filter's rows are counted: as far as a page says, where it may say it; else
        only until they are not worth fetching, for then nobody is told how many they are."""
        is_said = len(self.filters) == 1 and not self.held and (way.is_placed or self.whole)
        return MOST_COUNTED if is_said else self.worth_fetching + 1

    @cached_property
    def worth_gathering(self) -> int:
        """The most rows that are gathered: of n among N a walk meets N / n for each that it shows,
        so that both ways cost alike where n × n is a page of N."""
        return min(MOST_GATHERED, max(ALWAYS_GATHERED, self._crossing))

    @cached_property
    def worth_fetching(self) -> int:
        """The same for rows that are not read off the index that finds them."""
        return min(MOST_FETCHED, max(ALWAYS_GATHERED, self._crossing // 2))

    @cached_property
    def _crossing(self) -> int:
        table = self.model.select(fn.MAX(self.model.id)).scalar() or 0
        return isqrt(PAGE_ROWS * int(table))

    @cached_property
    def own(self) -> dict[Any, Any]:
        """By which of the model's fields each joined table is meant: that of its name."""
        fields = self.model._meta.fields
        return {table: fields[table.__name__.lower()] for table in self.order.joined}

    def numbered(
        self, way: tuple[Filter, list[Any]], size: int
    ) -> tuple[list[int], int, int, Ways]:
        """The ids of the numbered page that is asked for, how many rows there are, its number, and
        the other pages."""
        names = [f"k{at}" for at in range(len(self.order.columns))]
        columns = [c.alias(n) for c, n in zip(self.order.columns, names, strict=True)]
        first, others = way
        inner = reduce(or_, (
            self._joined(self.model.select(*columns)).where(each, *others) for each in first.ways
        ))  # fmt: skip
        # its limit keeps the order from choosing another way
        found = inner.limit(MOST_COUNTED + 1).alias("found")
        keys = [getattr(found.c, name) for name in names]
        order = Order(keys, self.order.descending)
        every = fn.COUNT(SQL("*")).over()
        rows = order.sorted(Select([found], [keys[-1], every])).limit(size).bind(db).tuples()
        asked = _asked_number()
        page = list(rows.offset((asked - 1) * size))
        if not page and asked > 1:  # past the last page
            total = int(Select([found], [fn.COUNT(SQL("*"))]).bind(db).scalar())
            asked = max(1, -(-total // size))
            page = list(rows.offset((asked - 1) * size))
        total = page[0][1] if page else 0
        return [id for id, _ in page], total, *_numbers(total, asked, size)

    def walked(self, size: int, most_met: int) -> tuple[list[int], Ways]:
        """The ids of the page after (`?after=id`) or before a row, and the ways on from it."""
        after, before = request.args.get("after", ""), request.args.get("before", "")
        keys = self._keys(before or after)
        backwards = before == LAST or (bool(before) and keys is not None)
        rows = self._joined(self.model.select(self.model.id)).where(self.near)
        if keys is not None:
            rows = rows.where(self.order.past(keys, backwards=backwards))
        rows = self.order.sorted(rows, backwards=backwards)
        passed = [self.walked_in, *(each.beside() for each in self.filters), *self.held]
        if most_met:
            ids = _ids(_among(rows, passed, most_met).limit(size + 1))
        else:
            ids = _ids(rows.where(*passed).limit(size + 1))
        more, ids = len(ids) > size, ids[:size]
        edge = [] if more or not most_met else _ids(rows.limit(1).offset(most_met - 1))
        if backwards:
            ids.reverse()
        earlier = more if backwards else keys is not None
        later = (keys is not None) if backwards else more
        ways: Ways = {}
        if earlier and ids:
            ways = {"first": {}, "prev": {"before": ids[0]}}
        if keys is not None and not ids:
            ways = {"first": {}}
        if later and ids:
            ways |= {"next": {"after": ids[-1]}, "last": {"before": LAST}}
        for id in edge:  # where it ended before the rows did
            on = {"first": {}, "prev": {"before": id}}
            ways |= on if backwards else {"next": {"after": id}, "last": {"before": LAST}}
        return ids, ways

    def _keys(self, id: str) -> Any:
        """What the row with an id is sorted by, or None where there is no such row (any more):
        then a list begins again."""
        if not (id.isdecimal() and len(id) < 10):
            return None
        row = self._joined(self.model.select(*self.order.columns))
        found: Any = row.where(self.model.id == int(id), self.inside).tuples()
        return found.first()

    def _joined(self, query: "ModelSelect[Any]") -> "ModelSelect[Any]":
        for table in self.order.joined:
            query = query.join_from(self.model, table, on=self.own[table])
        return query


def newest(model: type[Base]) -> Order:
    """A model's rows, the newest first."""
    return Order((model.id,), descending=True)


def page_of_groups(query: "ModelSelect[Any]", *, size: int = PAGE_ROWS) -> Page:
    """The numbered page of an ordered query whose rows are few sums over many."""
    total = query.limit(MOST_COUNTED).count()
    number, ways = _numbers(total, _asked_number(), size)
    rows = list(query.limit(size).offset((number - 1) * size))
    return Page(rows, number, total, size, ways)


def _is_walking() -> bool:
    """Whether a page is asked for by the row that another ended with."""
    return bool(request.args.get("after") or request.args.get("before"))


def _asked_number() -> int:
    asked = request.args.get("page", "1")
    return max(int(asked) if asked.isdecimal() and len(asked) < 9 else 1, 1)


def _numbers(total: int, asked: int, size: int) -> tuple[int, Ways]:
    """The number of the page that is shown, and the way to the others."""
    last = max(1, -(-total // size))
    number = min(asked, last)
    ways = {"first": 1, "prev": number - 1} if number > 1 else {}
    ways |= {"next": number + 1, "last": last} if number < last else {}
    return number, {rel: {"page": at} for rel, at in ways.items()}


def counted(model: type[Base], *conditions: Any, most: int) -> int:
    """How many rows there are, as far as `most`."""
    first, *others = conditions
    count = 0
    for each in Filter.of(first).ways:  # a row may be counted for several
        if count <= most:
            rows = model.select(model.id).where(each, *others)
            count += rows.limit(most + 1 - count).count()
    return Many(most) if count > most else int(count)


def waiting_for_me(model: type[Base], *conditions: Any, roles: Sequence[Role]) -> int:
    """How many rows that an index finds by these conditions are the signed-in user's."""
    return counted(model, *conditions, beside(scope_of_met(model, *roles)), most=MOST_COUNTED)


def placed(condition: Any, model: type[Base]) -> Filter:
    """A filter that an index finds together with the rows' place."""
    return Filter([condition & scope(model)], is_placed=True)


def either(*conditions: Any) -> Filter:
    """A filter that one of these conditions holds, each of which an index finds."""
    return Filter(conditions)


def named_place(column: Any, part: str) -> Any:
    """The condition that a row is in an organization in sight with this in its name."""
    named: Any = Organization.select(Organization.id).where(containing(Organization.name, part))
    if not sees_whole():
        named = named.where(scope(Organization))
    found = [id for (id,) in named.tuples()]
    if len(found) <= _FEW:
        return column << (found or [-1])
    return column << Organization.select(Organization.id).where(among(Organization.id, found))


def beside(condition: Any) -> Any:
    """A condition that each row met is held against, and by whose index none is looked for.
    PostgreSQL takes it that nearly every row passes, and walks on instead of sorting all."""
    return Case(None, [(condition, 1)]).is_null(False)


def _among(rows: Any, passed: list[Any], most: int) -> Any:
    """The ids of those among the first rows of an ordered query that pass, in its order."""
    met = Case(None, [(reduce(and_, passed), 1)]).alias("met")
    first = rows.select_extend(met).limit(most).alias("first")
    return Select([first], [first.c.id]).where(first.c.met.is_null(False))


def _ids(query: Any) -> list[int]:
    return [row[0] for row in query.bind(db).tuples()]


def here(**changes: Any) -> str:
    """This page's address with its query changed; None takes a word out. What a visitor typed
    into the query stays a query: `url_for` would take a key such as `_scheme` as its own."""
    query = {**request.args.to_dict(), **changes}
    return f"{quote(request.path)}?{urlencode({k: v for k, v in query.items() if v is not None})}"


def leaf(way: dict[str, Any]) -> str:
    """The address of another page of this list."""
    return here(**{"page": None, "after": None, "before": None, **way})
