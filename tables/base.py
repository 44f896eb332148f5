"""What every table is made of: keys, plain JSON, sealed fields, compare-and-set."""

import json
from typing import TYPE_CHECKING, Any, ClassVar

from peewee import SQL, AutoField, Model, NodeList, SqliteDatabase, TextField

from huigong import vault
from huigong.database import db
from huigong.refusals import Lost, Refused


class JsonField(TextField):
    """Plain JSON kept as text, the same on both databases."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)


class KeyField(TextField):
    """Text that sorts and compares by character code on both databases, so that a prefix is a
    range of its index."""


class NeverAgainField(AutoField):
    """A number that no other row is given when this one has gone, which SQLite does of itself
    with the last; PostgreSQL does not."""

    def ddl(self, ctx: Any) -> Any:
        said = super().ddl(ctx)
        is_sqlite = isinstance(self.model._meta.database, SqliteDatabase)
        return NodeList((said, SQL("AUTOINCREMENT"))) if is_sqlite else said


class NoPlan:
    """What stands where a plan's text was damaged: every list of editions still loads, and whoever
    reads a rule of it is refused."""

    def __getitem__(self, name: str) -> Any:
        raise Refused("edition", "这个互助计划的规则已损坏，无法读取；请从备份恢复")


class PlanField(JsonField):
    """An edition's plan; one whose text was damaged reads as NoPlan, so that only its own scheme
    stops (`schemes.plan_of` says so)."""

    def python_value(self, value: str | None) -> Any:
        try:
            plan = super().python_value(value)
        except (ValueError, RecursionError):
            return NoPlan()
        return plan if isinstance(plan, dict) else NoPlan()


class NoSheet(dict[str, Any]):
    """What stands where the text of a draft was damaged: nothing typed, and the editor says why."""


class SheetField(JsonField):
    """What was typed of a draft; one whose text was damaged stops no list of drafts."""

    def python_value(self, value: str | None) -> Any:
        try:
            sheet = super().python_value(value)
        except (ValueError, RecursionError):
            return NoSheet()
        return sheet if isinstance(sheet, dict) else NoSheet()


def begins(column: Any, start: str) -> Any:
    """The condition that a KeyField begins with some text: a range of its index."""
    last = ord(start[-1])
    after = chr(0xE000 if last == 0xD7FF else min(last + 1, 0x10FFFF))  # no surrogates
    return (column >= start) & (column < start[:-1] + after)


class Base(Model):
    """Every table. `seen` says who may see a row: those above its organization ("subtree"),
    or also those below it ("lineage", for what a city publishes to its units)."""

    seen: ClassVar[str] = "subtree"
    few: ClassVar[bool] = False  # so few rows that each is asked whose it is

    if TYPE_CHECKING:  # what peewee adds to every table: the key, `…_id`, and back-references
        id: Any

        def __getattr__(self, name: str) -> Any: ...

    class Meta:
        database = db
        legacy_table_names = False

    def move(self, field: str, *, was: str, to: str, **also: Any) -> None:
        """Compare-and-set a cached stage. Raises Lost when somebody else was first."""
        cls, column = type(self), getattr(type(self), field)
        changes = {field: to, **also}
        if not cls.update(**changes).where(cls._meta.primary_key == self, column == was).execute():
            raise Lost(f"{cls.__name__} {self.get_id()} is no longer {was}")
        for name, value in changes.items():
            setattr(self, name, value)


class Sealed(Base):
    """A row with encrypted fields; `ref` binds them to this row before it has an id. It is half
    random and nobody looks a row up by it, so it has no index."""

    ref = TextField(default=vault.new_ref)

    def seal(self, column: str, text: str) -> bytes:
        return vault.current().seal(text, table=self._meta.table_name, column=column, row=self.ref)

    def opened(self, column: str) -> str:
        sealed, table = getattr(self, column), self._meta.table_name
        return vault.current().open(sealed, table=table, column=column, row=self.ref)
