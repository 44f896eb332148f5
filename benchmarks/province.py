"""A scratch office the size of a province: 演示 people, units, rosters, money and claims.

Everything follows from a row's number, so that an office of 10,000 members and one of 1,000,000
have the same shape. Tables are filled without their indexes, which are made afterwards.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

import peewee

from benchmarks.enrollment import _GIVEN, _SURNAMES
from huigong import database, identity, migrations, models, pinyin, vault
from huigong.models import Base, Edition, Level, Organization, Role, Scheme, User
from huigong.plans import plan_hash
from huigong.workflows import schemes

TODAY = date(2024, 12, 16)
NOW = datetime.fromisoformat("2024-12-16T09:00")
CITIES = (424, 250, 200, 126)  # of a thousand members
COUNTIES = 12  # a city
PEOPLE_A_UNIT = 200
BIG_UNIT = 30  # of a thousand members are at one unit of the first city
ROSTER_ROWS = 424  # for a thousand members: a whole city's roster, waiting to be submitted
CODE = "zhengzhou-hospital-2023"
RARE_NAME = "亓官演示"
_FACTS = json.dumps({"membership": "member", "insurance": "employee", "employment": "contract"})
_CLAIM_STAGES = ("filed", "reviewed", "returned", "approved", "refused", "paid")
_OFFICES = ("市直", "建工", "纺织", "冶金", "交通", "教育", "卫生", "机电", "食品", "物流")


class Province:
    """Fills an empty, migrated office with `members` members."""

    def __init__(self, members: int):
        self.members = members
        self.units = members // PEOPLE_A_UNIT
        self.dice = random.Random(members)  # noqa: S311 - made-up people, no secret

    def fill(self) -> None:
        """Everything; a minute or two for a million members."""
        with _bare_tables():
            self._organizations()
            self._people()
            self._editions()
            self._cover()
            self._money()
            self._claims()
            self._log()
            self._rest()
        self._caches()

    # ── organizations and who works in them ─────────────────────────────────────────────────

    def _organizations(self) -> None:
        rows = [(1, "演示省总工会", Level.PROVINCE, None, "/1/", None)]
        cities = range(2, 2 + len(CITIES))
        for number, city in enumerate(cities):
            slug = ("zhengzhou", "演示市甲", "演示市乙", "演示市丙")[number]
            rows.append((city, f"演示{number + 1}市总工会", Level.CITY, 1, f"/1/{city}/", slug))
        counties: dict[int, list[int]] = {}
        for city in cities:
            for number in range(COUNTIES):
                id = len(rows) + 1
                counties.setdefault(city, []).append(id)
                name = f"演示{city - 1}市第{number + 1}区总工会"
                rows.append((id, name, Level.COUNTY, city, f"/1/{city}/{id}/", None))
        self.first_unit = len(rows) + 1
        self.city_of: list[int] = []
        for number in range(self.units):
            city = self.dice.choices(cities, CITIES)[0] if number else cities[0]
            parent = city if number % 5 == 0 else self.dice.choice(counties[city])
            above = f"/1/{city}/" if parent == city else f"/1/{city}/{parent}/"
            id, trade = self.first_unit + number, _OFFICES[number % len(_OFFICES)]
            name = f"演示{trade}第{number + 1}公司工会"
            rows.append((id, name, Level.UNIT, parent, f"{above}{id}/", None))
            self.city_of.append(city)
        self.counties = counties
        self.paths = {row[0]: row[4] for row in rows}
        _insert(
            Organization,
            "id name level parent path slug pinyin opened_on",
            ((*row, pinyin.sort_key(row[1]), date(2023, 1, 1 + row[0] % 28)) for row in rows),
        )
        staff = [(id, id, f"演示{id}", f"u{id}", NOW) for id in sorted(self.paths)]
        _insert(User, "id organization name login made_at", staff)
        grants = (
            (id, id, role, id, date(2023, 1, 1)) for id in sorted(self.paths) for role in Role
        )
        grants = ((n, *grant[1:]) for n, grant in enumerate(grants, 1))
        _insert(models.Grant, "id user role organization on", grants)
        applied = ((n, 2 + n % 4, f"演示待登记{n}厂", f"x{n}", "演示", "", "x", "x", NOW)
                   for n in range(1, 20 + self.units // 50))  # fmt: skip
        _insert(models.UnitApplication, "id organization name code "
                "contact_name contact_phone proof proof_name "
                "applied_at", applied)  # fmt: skip

    def _people(self) -> None:
        weights = [self.dice.lognormvariate(0, 1) for _ in range(self.units)]
        weights[0] = 0
        big = self.members * BIG_UNIT // 1000
        scale = (self.members - big) / (sum(weights) or 1)
        sizes = [big, *(max(1, int(weight * scale)) for weight in weights[1:])]
        sizes[-1] = max(1, sizes[-1] + self.members - sum(sizes))
        self.sizes, self.starts = sizes, [0, *accumulate(sizes)]
        known = vault.current()

        def members() -> Iterator[tuple[Any, ...]]:
            for unit, size in enumerate(sizes):
                for at in range(size):
                    number = self.starts[unit] + at + 1
                    name = _name(number, self.dice)
                    key, letters = _reading(name)
                    born = date.fromordinal(date(1965, 1, 1).toordinal() + number * 7919 % 13_000)
                    card = identity.complete_id(f"419999{born:%Y%m%d}{number % 999 + 1:03d}")
                    ref = f"{number:032x}"
                    sealed = known.seal(card, table="member", column="resident_id", row=ref)
                    blind = known.index(f"{card}{number}", kind="id")
                    yield (number, self.first_unit + unit, ref, name, letters, key,
                           identity.sex(card), born, sealed, blind, _tail(card[-4:]))  # fmt: skip

        _insert(models.Member, "id organization ref name pinyin sort_key sex born_on resident_id "
                "id_index tail_index", members())  # fmt: skip
        employed = (
            (self.starts[unit] + at + 1, self.first_unit + unit, date(2020, 1, 1))
            for unit, size in enumerate(sizes) for at in range(size)
        )  # fmt: skip
        _insert(models.Employment, "member organization from_on", employed)

    # ── schemes, rosters, cover ─────────────────────────────────────────────────────────────

    def _editions(self) -> None:
        text = dict(schemes.shipped())[CODE]
        first = schemes.load_edition(
            text, file=f"{CODE}.toml", organization=Organization.get_by_id(2), at=NOW
        )
        plan, id = first.plan, first.id
        self.editions: dict[int, list[int]] = {2: [id]}
        scheme_id = first.scheme_id
        for city in range(2, 2 + len(CITIES)):
            if city > 2:
                scheme = Scheme.create(organization=city, slug=f"s{city}", name=f"演示{city}惠工保")
                scheme_id = scheme.id
                self.editions[city] = []
            for year in (2023, 2024):
                if (city, year) == (2, 2023):
                    continue
                made_plan = {**plan, "id": f"demo-{city}-{year}"}
                made = Edition.create(
                    organization=city, scheme=scheme_id, code=f"demo-{city}-{year}",
                    name=f"演示{city}惠工保 {year}", plan=made_plan,
                    plan_hash=plan_hash(made_plan), enrolled_from=date(year, 7, 1),
                    enrolled_to=date(year, 12, 31), stage="published", drafted_on=date(year, 6, 1),
                )  # fmt: skip
                self.editions[city].append(made.id)
        self.scheme_of = {e.id: e.scheme_id for e in Edition.select(Edition.id, Edition.scheme)}

    @cached_property
    def rosters(self) -> list[tuple[int, int, int, date, str, int]]:
        """(id, unit's place, edition, first day, stage, people): two years of each unit, and its
        joiners; of the latest year's some are not approved yet."""
        found: list[tuple[int, int, int, date, str, int]] = []
        for year in range(2):
            for unit, size in enumerate(self.sizes):
                edition = self.editions[self.city_of[unit]][year]
                joiners = size // 10 if unit % 3 == 0 else 0
                starts = date(2023 + year, 8, 1)
                found.append((len(found) + 1, unit, edition, starts, "approved", size - joiners))
                if joiners:
                    starts = date(2023 + year, 9 + unit % 3, 1)
                    found.append((len(found) + 1, unit, edition, starts, "approved", joiners))
        for number in range(max(12, self.units // 25)):
            stage = ("submitted", "draft", "returned", "withdrawn")[number % 4]
            unit = number * 7 % self.units
            edition = self.editions[self.city_of[unit]][1]
            found.append((len(found) + 1, unit, edition, date(2025, 1, 1), stage, 5))
        whole = self.members * ROSTER_ROWS // 1000
        self.whole_roster = len(found) + 1
        found.append((len(found) + 1, 0, self.editions[2][1], date(2025, 1, 1), "draft", whole))
        return found

    def _cover(self) -> None:
        digest = json.dumps({"kinds": {"new": 5}, "warned": 0, "faults": []})

        def rosters() -> Iterator[tuple[Any, ...]]:
            for id, unit, edition, starts, stage, people in self.rosters:
                made = datetime.combine(starts.replace(day=1), time(9)) - timedelta(days=id % 28)
                judge = 2 if stage == "approved" else None
                sent = judge or (self.first_unit + unit if stage == "submitted" else None)
                yield (id, self.first_unit + unit, edition, f"MC{starts.year}-{id:06d}", starts,
                       "unit", stage, f"f{id}", "名册.xlsx", self.first_unit + unit, made, people,
                       digest, "[]", "[]", people * 7500, self.first_unit + unit if sent else None,
                       judge)  # fmt: skip

        _insert(models.Roster, "id organization edition number "
                "cover_from rest_by stage file file_name "
                "made_by made_at people digest unread split total submitted_by "
                "approved_by", rosters())  # fmt: skip
        events = (
            (id, kind, self.first_unit + unit, NOW, starts)
            for id, unit, _, starts, stage, _ in self.rosters
            for kind in ("uploaded", "submitted", stage)
        )
        _insert(models.RosterEvent, "roster kind by at on", events)
        _insert(models.Enrollment, "organization member edition "
                "roster certificate cover_from cover_to "
                "renewal facts fee", self._enrollments())  # fmt: skip
        _insert(models.RosterRow, "ref roster number name "
                "id_index facts kind faults warnings", self._roster_rows())  # fmt: skip

    def _enrollments(self) -> Iterator[tuple[Any, ...]]:
        taken = dict.fromkeys(range(self.units), 0)
        for id, unit, edition, starts, stage, people in self.rosters:
            if stage != "approved":
                continue
            ends = starts.replace(year=starts.year + 1) - timedelta(days=1)
            place, later = self.first_unit + unit, starts.year == 2024
            for at in range(people):
                member = self.starts[unit] + (taken[unit] + at) % self.sizes[unit] + 1
                yield (place, member, edition, id, f"{id:06d}{at:07d}", starts, ends, later,
                       _FACTS, 7500)  # fmt: skip
            taken[unit] += people

    def _roster_rows(self) -> Iterator[tuple[Any, ...]]:
        facts = json.dumps({"sex": "male", "born_on": "1980-01-01", "age": 44, "bank": "示例银行"})
        for id, _, _, _, stage, people in self.rosters:
            if stage in ("approved", "withdrawn"):
                continue
            for at in range(people):
                kind = "faulty" if at % 50 == 0 else ("new", "renewed", "renewed")[at % 3]
                faults = '[["身份证号", "校验码不对"]]' if kind == "faulty" else "[]"
                warned = '["同名"]' if at % 100 == 1 else "[]"
                yield (f"{id:012x}{at:020x}", id, at + 3, _name(at, self.dice), f"{id}-{at}", facts,
                       kind, faults, warned)  # fmt: skip

    # ── money ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def dues(self) -> list[tuple[int, int, int, str, int, date, bool]]:
        """(id, roster, unit's place, carrier, fen, by when, whether paid)."""
        found = []
        for id, unit, _, starts, stage, people in self.rosters:
            if stage == "approved":
                for carrier, fen in (("city", 3000), ("unit", 4500)):
                    paid = starts.year == 2023 or (id * 31 + (carrier == "city")) % 25 > 0
                    day = starts.replace(day=25 if carrier == "city" else 10)
                    found.append((len(found) + 1, id, unit, carrier, fen * people, day, paid))
        return found

    def _payer(self, unit: int, carrier: str) -> int:
        return self.city_of[unit] if carrier == "city" else self.first_unit + unit

    def _money(self) -> None:
        place = self.first_unit
        _insert(models.Due, "id organization roster carrier payer amount due_on", (
            (id, place + unit, roster, carrier, self._payer(unit, carrier), fen, day)
            for id, roster, unit, carrier, fen, day, _ in self.dues))  # fmt: skip
        _insert(models.DueStanding, "organization due payer receiver due_on amount owing settled", (
            (place + unit, id, self._payer(unit, carrier), self.city_of[unit], day, fen,
             0 if paid else fen, paid)
            for id, _, unit, carrier, fen, day, paid in self.dues))  # fmt: skip
        banks = {city: city - 1 for city in range(2, 2 + len(CITIES))}
        months = max(2, self.units // 100)
        _insert(models.Statement, "id organization bank file file_name stage lines amount by at", (
            (number * len(CITIES) + banks[city], city, "示例银行", "x", "对账单.xlsx", "imported",
             100, 1, city, NOW)
            for number in range(months) for city in banks))  # fmt: skip
        paid = [due for due in self.dues if due[6] and due[3] == "unit"]
        open_lines = max(20, self.units // 10)
        _insert(models.StatementLine, "id ref organization statement "
                "number received_on amount payer_name "
                "remark reference key stage", (
            *((n, f"{n:032x}", self.city_of[due[2]],
               n % months * len(CITIES) + banks[self.city_of[due[2]]], n, due[5], due[4],
               f"演示第{due[2] + 1}公司", "参保费", f"R{n}", f"l{n}", "settled")
              for n, due in enumerate(paid, 1)),
            *((n, f"{n:032x}", 2 + n % 4, 1 + n % 4, n, TODAY, 4500 + n, "演示不明付款人", "",
               f"R{n}", f"l{n}", "open")
              for n in range(len(paid) + 1, len(paid) + 1 + open_lines))))  # fmt: skip
        lines = {due[0]: n for n, due in enumerate(paid, 1)}
        _insert(models.Payment, "id organization due amount received_on "
                "bank_reference key line by at", (
            (id, place + unit, id, fen, day, f"R{id}", f"p{id}", lines.get(id), 2, NOW)
            for id, _, unit, _, fen, day, done in self.dues if done))  # fmt: skip
        self._receipts()
        self._incomes()

    def _receipts(self) -> None:
        owing = {due[1] for due in self.dues if not due[6]}
        done = [r for r in self.rosters if r[4] == "approved" and r[0] not in owing and r[0] % 20]
        _insert(models.Receipt, "id organization roster issuer number key amount by on", (
            (n, self.first_unit + r[1], r[0], self.city_of[r[1]], f"SJ{r[3].year}-{n:06d}",
             f"{r[0]}:1", r[5] * 7500, 2, r[3]) for n, r in enumerate(done, 1)))  # fmt: skip
        moved = [r for r in done if r[3].year == 2023 and r[0] % 2]
        transfers = max(8, self.units // 60)
        _insert(models.Transfer, "id organization scheme month number amount transferred_on "
                "bank_reference by at", (
            (n + 1, 2 + n % 4, 1 + n % 4, f"2023-{8 + n % 5:02d}", f"ZK{n}", 100, TODAY, "x", 2,
             NOW) for n in range(transfers)))  # fmt: skip
        _insert(models.TransferItem, "transfer roster amount", (
            (1 + r[0] % transfers, r[0], r[5] * 7500) for r in moved))  # fmt: skip

    def _incomes(self) -> None:
        many = range(1, max(30, self.units // 4))
        _insert(models.Income, "id organization kind giver amount received_on key by at", (
            (n, 2 + n % 4, "donation", "演示公司", 100_00, TODAY - timedelta(n % 700), f"i{n}", 2,
             NOW) for n in many))  # fmt: skip
        _insert(models.Reminder, "organization receiver way dues amount by on", (
            (self.first_unit + n % self.units, 2 + n % 4, "phone", 1, 100, 2, TODAY)
            for n in many))  # fmt: skip
        _insert(models.TopUp, "organization scheme amount from_on to_on by at", (
            (2 + n % 4, 1 + n % 4, 1000, date(2023, 7, 1), date(2024, 6, 30), 2, NOW)
            for n in range(max(8, self.units // 100))))  # fmt: skip

    # ── claims ──────────────────────────────────────────────────────────────────────────────

    @cached_property
    def claims(self) -> list[tuple[int, int, int, int, str, date]]:
        """(id, member, unit's place, enrollment, stage, filed on): about three of a hundred."""
        found, share = [], self.members * 6 // 100
        for n in range(1, share + 1):
            member = n * 7919 % self.members + 1
            open_one = n > share * 95 // 100
            stage = _CLAIM_STAGES[n % 4] if open_one else _CLAIM_STAGES[4 + (n % 12 > 0)]
            filed = date(2023, 9, 1) + timedelta(days=n * 470 // share)
            found.append((n, member, self._unit_of(member), n * 7919 % self.members + 1, stage,
                          filed))  # fmt: skip
        return found

    def _unit_of(self, member: int) -> int:
        from bisect import bisect_right

        return min(bisect_right(self.starts, member - 1) - 1, self.units - 1)

    def _claims(self) -> None:
        place, told = self.first_unit, json.dumps([])
        covers = dict(  # a member's first cover
            models.Enrollment.select(models.Enrollment.member, models.Enrollment.id)
            .where(models.Enrollment.id <= self.members).tuples()
        )  # fmt: skip
        rows = [(*row[:3], covers.get(row[1], 1), *row[4:]) for row in self.claims]
        _insert(models.Claim, "id organization member enrollment "
                "number facts stage filed_by filed_on "
                "promised_on first_reviewer computed", (
            (id, place + unit, member, cover, f"SL2024-{id:06d}", "{}", stage, place + unit, filed,
             filed + timedelta(14), None if stage in ("filed", "returned") else 3, 1000_00 + id)
            for id, member, unit, cover, stage, filed in rows))  # fmt: skip
        amounts = json.dumps({"in_scope": 1003100, "total": 5341700})
        _insert(models.Stay, "claim number hospital hospital_level place admitted discharged days "
                "amounts", (
            (id, 1, "演示医院", 3, "local", filed - timedelta(20), filed - timedelta(10), 10,
             amounts) for id, *_, filed in rows))  # fmt: skip
        decided = [row for row in rows if row[4] in ("approved", "refused", "paid")]
        _insert(models.Decision, "id organization claim verdict "
                "computed amount explanation plan_hash by "
                "on filed_by first_reviewer", (
            (id, place + unit, id, "refuse" if stage == "refused" else "approve", 100_00, 100_00,
             told, "x", 2, filed + timedelta(9), place + unit, 3)
            for id, _, unit, _, stage, filed in decided))  # fmt: skip
        _insert(models.ClaimEvent, "claim kind by on at", (
            (id, kind, by or place + unit, filed, NOW)
            for id, _, unit, _, stage, filed in rows
            for kind, by in (("filed", 0), ("reviewed", 3), (stage, 2))))  # fmt: skip
        _insert(models.Document, "organization claim kind name file size sha256 by at", (
            (place + unit, id, "settlement", "结算单.pdf", f"d{id}", 1, "x", place + unit, NOW)
            for id, _, unit, *_ in rows))  # fmt: skip
        paid, batch = [row for row in rows if row[4] == "paid"], 40
        _insert(models.PayoutBatch, "id organization number stage "
                "made_by made_on released_by released_on", (
            (n, 2 + n % 4, f"FF{n:06d}", "released" if n % 30 else "made", 2, TODAY,
             3 if n % 30 else None, TODAY if n % 30 else None)
            for n in range(1, 5 + len(paid) // batch)))  # fmt: skip
        _insert(models.Payout, "ref organization batch claim key amount payee card stage", (
            (f"{n:032x}", place + row[2], 1 + n // batch, row[0], f"claim:{row[0]}:1", 100_00,
             "演示", b"", "paid" if (1 + n // batch) % 30 else "pending")
            for n, row in enumerate(paid)))  # fmt: skip

    # ── ledger and log ──────────────────────────────────────────────────────────────────────

    def _booked(self) -> Iterator[tuple[str, int, int, date, str, tuple[str, str], int]]:
        """(key, organization, scheme, on, text, debit and credit, fen) of every journal."""
        place = self.first_unit
        scheme = [self.scheme_of[self.editions[city][0]] for city in self.city_of]
        for id, roster, unit, _, fen, day, paid in self.dues:
            yield (f"due:{id}:raised", place + unit, scheme[unit], day, f"名册#{roster} 应收",
                   ("receivable", "contributions"), fen)  # fmt: skip
            if paid:
                yield (f"payment:{id}:received", place + unit, scheme[unit], day,
                       f"名册#{roster} 到账", ("bank", "receivable"), fen)  # fmt: skip
        for id, _, unit, _, stage, filed in self.claims:
            if stage in ("approved", "paid"):
                yield (f"claim:{id}:award", place + unit, scheme[unit], filed, f"申领#{id} 核定",
                       ("benefits", "payable"), 100_00)  # fmt: skip
            if stage == "paid":
                yield (f"payout:{id}:paid", place + unit, scheme[unit], filed, f"申领#{id} 发放",
                       ("payable", "bank"), 100_00)  # fmt: skip

    def _log(self) -> None:
        _insert(models.Journal, "id key organization on text by at", (
            (n, key, place, on, text, 2, NOW)
            for n, (key, place, _, on, text, _, _) in enumerate(self._booked(), 1)))  # fmt: skip
        _insert(models.Posting, "journal account scheme amount", (
            (n, account, scheme, sign * fen)
            for n, (_, _, scheme, _, _, accounts, fen) in enumerate(self._booked(), 1)
            for account, sign in zip(accounts, (1, -1), strict=True)))  # fmt: skip
        deeds = ("sign in", "upload roster", "submit roster", "record payment", "file claim")
        many = self.members // 2
        _insert(models.AuditEvent, "organization at by deed subject previous hash", (
            (unit := self.first_unit + n * 7919 % self.units,
             datetime.combine(date(2023, 7, 1), time()) + timedelta(days=n * 530 // many), unit,
             deeds[n % len(deeds)], f"Roster:{n}", f"{n - 1}", f"{n}")
            for n in range(many)))  # fmt: skip

    def _caches(self) -> None:
        """What deeds keep beside the facts, as the migration that brought it fills it."""
        dialect = "sqlite" if database.is_sqlite() else "postgresql"
        script = (migrations.FOLDER / f"0003_lists.{dialect}.sql").read_text()
        for statement in script.split(";;\n"):
            if "INSERT INTO" in statement:
                database.db.execute_sql(statement)

    def _rest(self) -> None:
        place, few = self.first_unit, max(30, self.units // 8)
        _insert(models.Relocation, "id organization member source target on stage", (
            (n, self.city_of[n % self.units], n, place + n % self.units,
             place + (n + 1) % self.units, TODAY, "asked" if n % 9 == 0 else "done")
            for n in range(1, few)))  # fmt: skip
        _insert(models.IdCorrection, "id ref organization member resident_id id_index reason proof "
                "proof_name asked_by asked_at stage", (
            (n, f"{n:032x}", place + self._unit_of(n), n, b"", f"{n}", "演示", "x", "x",
             place + self._unit_of(n), NOW, "asked" if n % 9 == 0 else "approved")
            for n in range(1, few)))  # fmt: skip
        _insert(models.Opening, "id organization kind file file_name sha256 by at", (
            (n, 2 + n % 4, "covers", "x", "x", "x", 2, NOW) for n in range(1, 20)))  # fmt: skip
        many = range(1, 801)
        _insert(models.Station, " ".join(f.name for f in models.Station._meta.sorted_fields), (
            tuple(_station(field, n) for field in models.Station._meta.sorted_fields)
            for n in many))  # fmt: skip


def _station(field: Any, n: int) -> Any:
    given = {"id": n, "organization": 2 + n % 4, "name": f"示例站{n}", "pinyin": f"shi4 {n:04d}",
             "updated_on": TODAY}  # fmt: skip
    if field.name in given:
        return given[field.name]
    if field.default is not None:
        return field.default() if callable(field.default) else field.default
    return None if field.null else TODAY if isinstance(field, peewee.DateField) else ""


def _name(number: int, dice: random.Random) -> str:
    """A name; the most common surname is borne by seven of a hundred."""
    if number % 50_000 == 1:
        return RARE_NAME
    surname = "王" if dice.random() < 0.07 else dice.choice(_SURNAMES)
    return surname + "".join(dice.choices(_GIVEN, k=dice.choice((1, 2, 2, 2))))


@lru_cache(maxsize=200_000)
def _reading(name: str) -> tuple[str, str]:
    return pinyin.name_key(name), pinyin.initials(name)


@lru_cache(maxsize=20_000)
def _tail(four: str) -> str:
    return models.Member.index_of_tail(four)


def _insert(model: type[Base], words: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows that give these fields; every other field has its default."""
    names = words.split()
    fields = model._meta.sorted_fields
    rest = {
        field: field.default for field in fields
        if field.name not in names and field.default is not None
    }  # fmt: skip
    calls = [field.default for field in rest if callable(field.default)]
    columns = [model._meta.fields[name].column_name for name in names]
    columns += [field.column_name for field in rest if not callable(field.default)]
    columns += [field.column_name for field in rest if callable(field.default)]
    fixed = tuple(field.db_value(field.default) for field in rest if not callable(field.default))
    filled = (
        (*row, *fixed, *(_made(call) for call in calls)) if calls else (*row, *fixed)
        for row in rows
    )  # fmt: skip
    with database.db.atomic():
        database.insert_rows(model._meta.table_name, columns, filled)


def _made(call: Any) -> Any:
    made = call()
    return json.dumps(made) if isinstance(made, dict | list) else made


@contextmanager
def _bare_tables() -> Iterator[None]:
    """Without indexes, foreign keys and waiting for the disk; all of it is back afterwards, and
    PostgreSQL has counted its tables, as it does unasked in a running office."""
    run = database.db.execute_sql
    if database.is_sqlite():
        known = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        run("PRAGMA foreign_keys = 0")
        run("PRAGMA synchronous = off")
        run("PRAGMA cache_size = -400000")
    else:
        known = ("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND "
                 "indexname NOT LIKE '%%_pkey' AND tablename <> 'schema_migration'")  # fmt: skip
        run("SET session_replication_role = replica")
        run("SET maintenance_work_mem = '512MB'")
    indexes = run(known).fetchall()
    for name, _ in indexes:
        run(f'DROP INDEX "{name}"')
    yield
    for _, made in indexes:
        run(made)
    if not database.is_sqlite():
        for table in models.TABLES:  # what was given an id must not be given again
            name = table._meta.table_name
            run(f"SELECT setval(pg_get_serial_sequence('\"{name}\"', 'id'), "  # noqa: S608
                f'(SELECT COALESCE(MAX(id), 1) FROM "{name}"))')  # fmt: skip
        database.db.connection().autocommit = True
        run("VACUUM ANALYZE")
