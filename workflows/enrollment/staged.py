"""People as rows of the staging table, sealed for the members they may become."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from huigong import pinyin, vault
from huigong.models import Member
from huigong.plans.vocabulary import FACTS
from huigong.workflows.enrollment.checks import Person

COLUMNS: Final = (
    *("ref", "roster_id", "number", "name", "pinyin", "sort_key", "sex", "born_on"),
    *("resident_id", "id_index", "tail_index", "phone", "bank_card", "bank", "membership"),
    *("facts", "fee", "kind", "faults", "warnings"),
)
KEPT: Final = FACTS.keys() | {"gifted"}  # of what a roster says of somebody
Staged = tuple[Any, ...]
dumped: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode

_initials = lru_cache(100_000)(pinyin.initials)
_name_key = lru_cache(100_000)(pinyin.name_key)


@lru_cache(20_000)
def _tail(four: str) -> str:
    return Member.index_of_tail(four)


def stager(roster_id: int) -> Callable[..., Staged]:
    """A function of a person (row number, person, blind index, the scheme's facts as JSON, fee,
    kind, faults and warnings as JSON) that gives the row. It is called for every line of a city."""
    seal_id, seal_phone, seal_card = (
        vault.current().sealing(table="member", column=column)
        for column in ("resident_id", "phone", "bank_card")
    )
    refs = vault.new_refs()

    def staged(
        number: int, person: Person, index: str, facts: str, fee: int, kind: str,
        faults: str = "[]", warnings: str = "[]",
    ) -> Staged:  # fmt: skip
        ref, name, resident_id = next(refs), person.name, person.id_number
        return (
            ref, roster_id, number, name, _initials(name), _name_key(name), person.sex,
            person.birth, seal_id(resident_id, ref), index, _tail(resident_id[-4:]),
            seal_phone(person.mobile, ref), seal_card(person.bank_card, ref), person.bank,
            person.membership, facts, fee, kind, faults, warnings,
        )  # fmt: skip

    return staged


def faulty(roster_id: int, number: int, name: str, faults: str) -> Staged:
    """The row of a line without anybody to enroll: only what its name cell says is kept."""
    return (
        *(vault.new_ref(), roster_id, number, name, "", "", "", None),
        *(b"", "", "", b"", b"", "", ""),
        *("{}", 0, "faulty", faults, "[]"),
    )
