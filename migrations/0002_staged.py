"""Staged rows carry what their member will be, sealed for that member, so that approving them
is done by the database alone; no index on what nobody looks rows up by.

The rows of rosters that were staged before are opened and sealed again: needs the office's key.
"""

import json
from functools import cache

from huigong import pinyin, rules, vault
from huigong.database import is_sqlite
from huigong.plans.vocabulary import FACTS

_KEPT = FACTS.keys() | {"gifted"}
_UNUSED = ("member", "roster_row", "id_correction", "statement_line", "payout")
_ADDED = {
    **dict.fromkeys(("pinyin", "sort_key", "sex", "tail_index", "bank", "membership"), "TEXT"),
    **{"born_on": "DATE", "fee": "BIGINT"},
    **dict.fromkeys(("resident_id", "phone", "bank_card"), "BLOB"),
}
_SQLITE = (
    'ALTER TABLE "roster_row" RENAME TO "roster_row_before"',
    'CREATE TABLE "roster_row" ("id" INTEGER NOT NULL PRIMARY KEY, "ref" TEXT NOT NULL, '
    '"roster_id" INTEGER NOT NULL, "number" INTEGER NOT NULL, "name" TEXT NOT NULL, '
    '"pinyin" TEXT NOT NULL, "sort_key" TEXT NOT NULL, "sex" TEXT NOT NULL, "born_on" DATE, '
    '"resident_id" BLOB NOT NULL, "id_index" TEXT NOT NULL, "tail_index" TEXT NOT NULL, '
    '"phone" BLOB NOT NULL, "bank_card" BLOB NOT NULL, "bank" TEXT NOT NULL, '
    '"membership" TEXT NOT NULL, "facts" TEXT NOT NULL, "fee" INTEGER NOT NULL, '
    '"kind" TEXT NOT NULL, "faults" TEXT NOT NULL, "warnings" TEXT NOT NULL, '
    'FOREIGN KEY ("roster_id") REFERENCES "roster" ("id") ON DELETE CASCADE)',
    'INSERT INTO "roster_row" SELECT id, ref, roster_id, number, name, pinyin, sort_key, sex, '
    "born_on, resident_id, id_index, tail_index, phone, bank_card, bank, membership, facts, fee, "
    'kind, faults, warnings FROM "roster_row_before"',
    'DROP TABLE "roster_row_before"',
    'CREATE INDEX "roster_row_roster_id_kind_number" ON "roster_row" '
    '("roster_id", "kind", "number")',
    'CREATE INDEX "roster_row_roster_id_id_index" ON "roster_row" ("roster_id", "id_index")',
    'CREATE INDEX "roster_row_warned" ON "roster_row" ("roster_id", "number") '
    """WHERE "warnings" <> '[]'""",
)
_ROWS = """
    SELECT r."id", r."ref", r."name", r."secret", r."facts", o."edition_id"
    FROM "roster_row" r JOIN "roster" o ON o."id" = r."roster_id"
    WHERE r."id_index" <> '' AND r."id" > ? ORDER BY r."id" LIMIT 1000
"""


def up(migrator, db):
    for table in _UNUSED:
        db.execute_sql(f'DROP INDEX "{table}_ref"')
    db.execute_sql('UPDATE "member" SET "tail_index" = SUBSTR("tail_index", 1, 12)')
    for name, kind in _ADDED.items():
        db.execute_sql(f'ALTER TABLE "roster_row" ADD COLUMN "{name}" {_declared(name, kind)}')
    _fill(db)
    if is_sqlite():
        for index in ("roster_id_kind_number", "roster_id_id_index", "warned"):
            db.execute_sql(f'DROP INDEX "roster_row_{index}"')
        for statement in _SQLITE:
            db.execute_sql(statement)
        return
    for name in _ADDED:
        db.execute_sql(f'ALTER TABLE "roster_row" ALTER COLUMN "{name}" DROP DEFAULT')
    db.execute_sql('ALTER TABLE "roster_row" DROP COLUMN "secret"')


def _declared(name, kind):
    if is_sqlite():
        kind = kind.replace("BIGINT", "INTEGER")
    else:
        kind = kind.replace("BLOB", "BYTEA") + (' COLLATE "C"' if name == "sort_key" else "")
    if name == "born_on":
        return kind
    return f"{kind} NOT NULL DEFAULT {0 if name == 'fee' else repr('')}"


def _fill(db):
    mark = "?" if is_sqlite() else "%s"
    columns = [*_ADDED, "facts"]
    update = ", ".join(f'"{name}" = {mark}' for name in columns)
    statement = f'UPDATE "roster_row" SET {update} WHERE "id" = {mark}'  # noqa: S608 our own names
    after = 0
    while True:
        rows = db.execute_sql(_ROWS.replace("?", mark), (after,)).fetchall()
        for id, *row in rows:
            found = _staged(db, *row)
            values = [found[name] for name in columns]
            db.execute_sql(statement, (*values, id))
        if not rows:
            return
        after = rows[-1][0]


def _staged(db, ref, name, secret, said, edition):
    keys = vault.current()
    plain = json.loads(keys.open(secret, table="roster_row", column="secret", row=ref))
    facts = json.loads(said)
    enrolled = {fact: value for fact, value in facts.items() if fact in _KEPT}
    sealed = {
        column: keys.seal(plain[field], table="member", column=column, row=ref)
        for column, field in (("resident_id", "id"), ("phone", "phone"), ("bank_card", "card"))
    }
    return {
        **sealed,
        "pinyin": pinyin.initials(name),
        "sort_key": pinyin.name_key(name),
        "sex": facts["sex"],
        "born_on": facts["born_on"],
        "tail_index": keys.index(plain["id"][-4:], kind="id tail")[:12],
        "bank": facts.get("bank", ""),
        "membership": facts.get("membership") or "",
        "facts": json.dumps(enrolled, ensure_ascii=False, sort_keys=True),
        "fee": _fee(_plan(db, edition), enrolled),
    }


def _fee(plan, facts):
    try:
        return rules.fee(plan, facts).total
    except rules.NotStated:
        return 0


@cache
def _plan(db, edition):
    mark = "?" if is_sqlite() else "%s"
    query = f'SELECT "plan" FROM "edition" WHERE "id" = {mark}'  # noqa: S608 our own names
    return json.loads(db.execute_sql(query, (edition,)).fetchone()[0])
