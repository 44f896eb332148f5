"""The editor's form as data: sections of fields and rows, each with its place in the scheme.

A field's `name` is its place in the sheet (and its id); its `place` is what the loader calls it,
so that a fault stands beside the field it concerns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from huigong.admin.schemes.cures import in_form
from huigong.explain import FORMS as PAPER_FORMS
from huigong.explain import value_words
from huigong.plans import Fault
from huigong.plans.typed import BANDED, FORMS, MOST_FACTS, Sheet, choices_of_base, events_of
from huigong.plans.vocabulary import (
    CARRIERS,
    FACTS,
    OPERATORS,
    PAID,
    PARTS,
    ROUNDINGS,
    SPANS,
)

ASKED = {name: fact.label for name, fact in FACTS.items() if fact.scope == "enrollment"}


class Field(NamedTuple):
    """One thing to fill in. `kind`: text area date number select checks check hidden; `reshapes`
    says that the form has other fields once it changes."""

    name: str
    label: str
    kind: str
    value: Any
    place: str
    options: Mapping[str, str] = {}
    hint: str = ""
    suffix: str = ""
    reshapes: bool = False
    id: str = ""

    @property
    def key(self) -> str:
        return self.id or self.name


class Block(NamedTuple):
    """A section, or one row of rows, with its fields, seldom used ones (`more`) and own rows."""

    name: str
    title: str
    place: str
    fields: list[Field]
    rows: "Sequence[Rows]" = ()
    more: Sequence[Field] = ()
    hint: str = ""
    fixed: bool = True  # it cannot be dropped or moved
    first: bool = True
    last: bool = True

    @property
    def is_tight(self) -> bool:
        """Whether it is all short numbers, which stand two abreast on a phone."""
        return sum(field.kind == "number" for field in self.fields) > 3

    @property
    def more_words(self) -> str:
        """What is folded away: the first labels, and how many are filled in."""
        labels = "、".join(field.label for field in self.more[:3])
        filled = sum(bool(field.value) for field in self.more)
        etc = "等" if len(self.more) > 3 else ""
        return f"{labels}{etc}（已填 {filled} 项）" if filled else f"{labels}{etc}"


class Rows(NamedTuple):
    """Rows that can be added to (unless `add` is empty), dropped and moved."""

    name: str
    add: str
    blocks: list[Block]
    inline: bool = False


class Spot:
    """A part of the sheet with its two names, and the fields made there."""

    def __init__(self, node: Any, name: str = "", place: str = ""):
        self.node, self.name, self.place = node, name, place

    def _named(self, key: str) -> tuple[str, str]:
        name = f"{self.name}-{key}" if self.name else key
        return name, f"{self.place}.{key}" if self.place else key

    def field(self, key: str, label: str, kind: str = "text", **more: Any) -> Field:
        name, place = self._named(key)
        return Field(name, label, kind, self.node[key], more.pop("place", place), **more)

    def select(self, key: str, label: str, options: Mapping[str, str], **more: Any) -> Field:
        return self.field(key, label, "select", options=options, **more)

    def number(self, key: str, label: str, suffix: str = "", **more: Any) -> Field:
        return self.field(key, label, "number", suffix=suffix, **more)

    def below(self, key: str) -> "Spot":
        return Spot(self.node[key], *self._named(key))

    def each(self, key: str) -> "list[Spot]":
        name, place = self._named(key)
        return [
            Spot(row, f"{name}-{n}", f"{place}[{n}]") for n, row in enumerate(self.node[key], 1)
        ]

    def rows(self, key: str, add: str, make: "Callable[[Spot], Block]", **more: Any) -> Rows:
        made = [make(spot) for spot in self.each(key)]
        last = len(made) - 1
        blocks = [
            block._replace(fixed=False, first=n == 0, last=n == last)
            for n, block in enumerate(made)
        ]
        return Rows(self._named(key)[0], add, blocks, **more)


def sections(sheet: Sheet) -> list[Block]:
    """The whole form, in the order in which a scheme is read."""
    top, events = Spot(sheet), events_of(sheet)
    benefits = {row["id"]: row["name"] or row["id"] for row in sheet["benefit"] if row["id"]}
    return [
        _head(top),
        Block("unions", "来源", "", [
            top.field("source", "来源文件", hint="这一版所依据的文件，标题和日期"),
            top.field("unstated", "来源未载明的事项", "area", hint="每行一项；全部载明时留空"),
        ], more=[
            top.field("source_url", "来源网址"),
            top.field("stated", "另载明的事实", "area", hint="每行一项；不参与计算"),
        ]),
        _fee(top.below("fee")),
        Block("requirements", "参保条件", "", [], [top.rows("require", "加一个条件", _require)]),
        _group(top.below("group")),
        _claims(top.below("claims"), events),
        Block("benefits", "待遇", "benefit", [], [
            top.rows("benefit", "加一项待遇", lambda spot: _benefit(spot, events, sheet))
        ], hint="一项待遇从基数开始，一步一步算下来；每一步以前一步的结果为准。"),
        Block("pools", "几项待遇共用的封顶或起付线", "pool", [], [
            top.rows("pool", "加一处共用", lambda spot: _pool(spot, benefits))
        ]),
        _words(top),
        Block("documents", "申领材料", "document", [], [
            top.rows("document", "加一份材料", lambda spot: _paper(spot, events))
        ]),
        _limits(top),
    ]  # fmt: skip


def _head(top: Spot) -> Block:
    dates = top.below("enrolled")
    return Block("head", "名称与期限", "", [
        top.field("name", "计划名称"),
        top.field("id", "这一版的编号", hint="用作网址，如 anyang-hospital-2025"),
        dates.field("from", "参保开始", "date"),
        dates.field("to", "参保截止（选填）", "date", hint="留空为不设截止"),
        top.number("term", "保障期", "个月"),
        top.select("operator", "由谁承办", OPERATORS),
    ], more=[
        top.field("series", "系列", hint="同一计划的各版用同一个系列名；留空按编号去掉年份"),
        top.field("city", "所在城市"),
        top.select("rounding", "金额取整", {key: row[2] for key, row in ROUNDINGS.items()}),
        top.number("waiting", "首次参保的等待期", "天"),
    ])  # fmt: skip


def _by(spot: Spot, facts: Mapping[str, str]) -> list[Field]:
    """Which facts a table is read by, and the groups of those that are whole numbers."""
    name, place = spot.name, f"{spot.place}.by"
    fields = []
    for n, value in enumerate([*spot.node["by"], ""][:MOST_FACTS], 1):
        label = "按什么区分（选填）" if n == 1 else "再按什么区分（选填）"
        key = f"{name}-by-{n}"
        fields.append(
            Field(f"{name}-by", label, "select", value, place, facts, reshapes=True, id=key)
        )
    for n, fact in enumerate(spot.node["by"], 1):
        if not FACTS[fact].choices and fact != "grade":
            label = f"{FACTS[fact].label}的取值分组"
            hint = "用顿号分开，如 1、2-4、5以上"
            fields.append(spot.field(f"keys_{n}", label, hint=hint, reshapes=True))
    return fields


def _case_words(spot: Spot, at: str, grades: Mapping[str, str]) -> str:
    if not at:
        return ""
    pairs = zip(spot.node["by"], at.split("/"), strict=True)
    return "、".join(value_words({"grades": grades}, *pair) or "（先写明等级）" for pair in pairs)


def _cases(spot: Spot, place: str, grades: Mapping[str, str]) -> Iterable[tuple[Spot, str, Field]]:
    """Each case of a table: its spot, its words, and the hidden field that names it."""
    for n, case in enumerate(spot.node["cases"], 1):
        name = f"{spot.name}-cases-{n}"
        at = ".".join(part for part in (place, *case["at"].split("/")) if part)
        yield (
            Spot(case, name, at),
            _case_words(spot, case["at"], grades),
            Field(f"{name}-at", "", "hidden", case["at"], ""),
        )


def _fee(spot: Spot) -> Block:
    blocks = []
    for case, words, hidden in _cases(spot, "fee.share", {}):
        total_at = case.place.replace("fee.share", "fee.total", 1)
        fields = [hidden, case.number("total", "参保费", "元", place=total_at)]
        fields += [case.number(name, f"{label}承担", "元") for name, label in CARRIERS.items()]
        blocks.append(Block(case.name, words or "每人", case.place, fields))
    days = spot.below("pay_by")
    return Block(
        spot.name,
        "费用与分担",
        "fee",
        _by(spot, ASKED),
        [Rows(f"{spot.name}-cases", "", blocks)],
        [
            spot.field("clause", "费用的依据"),
            *(days.number(name, f"{label}每月几日前缴", "日") for name, label in CARRIERS.items()),
        ],
        hint="各方承担之和须等于参保费；不承担的留空。来源没有载明费用时全部留空。",
    )


def _require(spot: Spot) -> Block:
    fact = FACTS.get(spot.node["fact"])
    fields = [spot.select("fact", "条件", ASKED, reshapes=True, hint="不选时只印出文字，不核对")]
    if fact is None:
        fields.append(spot.field("says", "文字"))
    elif fact.choices:
        options = {str(key): label for key, label in fact.choices.items()}
        fields.append(spot.field("one_of", "可以是", "checks", options=options))
    else:
        fields.append(spot.number("low", "最小（含）", fact.unit, place=f"{spot.place}.in"))
        fields.append(spot.number("high", "最大（含）", fact.unit, place=""))
    more = [spot.field("clause", "依据")]
    if fact is not None:
        more.append(spot.field("proof", "可以代替的证明（英文代号）"))
    return Block(spot.name, "条件", spot.place, fields, more=more)


def _group(spot: Spot) -> Block:
    return Block(spot.name, "单位参保人数（选填）", "group", [
        spot.number("people", "不少于", "人"),
        spot.number("share", "不低于职工总数的", "%"),
        spot.field("either", "两项满足一项即可", "check"),
    ], more=[spot.field("clause", "依据")])  # fmt: skip


def _claims(spot: Spot, events: Mapping[str, str]) -> Block:
    return Block(spot.name, "申领次数（选填）", "claims", [
        spot.number("during_term", "保障期内可申领", "次"),
        spot.number("or_after_term", "或保障期结束后可申领", "次"),
    ], more=[
        spot.field("clause", "依据"),
        spot.field("events", "计入次数的事项", "checks", options=events, hint="不勾选时只计住院"),
    ])  # fmt: skip


def _benefit(spot: Spot, events: Mapping[str, str], sheet: Sheet) -> Block:
    grades = {row["key"]: row["label"] for row in sheet["grades"] if row["key"]}
    times = spot.below("times")
    return Block(
        spot.name,
        spot.node["name"] or "待遇",
        spot.place,
        [
            spot.field("name", "待遇名称"),
            spot.field("id", "代号", hint="英文小写，如 hospital"),
            spot.select("event", "申领事项", events),
            spot.field("of", "基数（结算单各项之和）", "checks", options=PARTS),
        ],
        [spot.rows("step", "加一步", lambda step: _step(step, grades))],
        [
            spot.field("less", "从基数中扣减", "checks", options={PAID: "已给付的互助金", **PARTS}),
            spot.number("waiting", "首次参保的等待期", "天", hint="留空用整个计划的"),
            times.number("limit", "可享受次数", "次"),
            times.select("per", "次数的范围", {key: SPANS[key] for key in ("term", "life")}),
            spot.field("clause", "依据"),
        ],
    )


def _step(spot: Spot, grades: Mapping[str, str]) -> Block:
    form, facts = spot.node["form"], {name: fact.label for name, fact in FACTS.items()}
    written = form.removesuffix("_bands")
    fields = [
        spot.field("name", "步骤名称"),
        spot.select("form", "算法", FORMS, reshapes=True, place=""),
        spot.select("per", "计算范围", SPANS),
        *_by(spot, facts),
    ]
    if form == "pay":
        label = "整段计算：达到哪一段，全部金额按那一段的比例"
        fields.append(spot.field("whole", label, "check"))
    if form == "daily":
        fields += [spot.number("days_after", "前几天不计（选填）", "天"),
                   spot.number("days_limit", "最多计（选填）", "天")]  # fmt: skip
    blocks = [
        _case(case, words, hidden, form)
        for case, words, hidden in _cases(spot, f"{spot.place}.{written}", grades)
    ]
    more = [
        spot.select("rounding", "取整", {key: row[2] for key, row in ROUNDINGS.items()}),
        spot.field("clause", "依据"),
    ]
    title = spot.node["name"] or "步骤"
    cases = Rows(f"{spot.name}-cases", "", blocks)
    return Block(spot.name, title, spot.place, fields, [cases], more)


def _case(case: Spot, words: str, hidden: Field, form: str) -> Block:
    if form not in BANDED:
        label = {"daily": "每天", "amount": "给付", "cap": "最高"}.get(form, "金额")
        return Block(case.name, words, case.place, [
            hidden, case.number("amount", label, "元", place=case.place),
        ])  # fmt: skip
    rate = form == "pay"
    value, suffix = ("比例", "%") if rate else ("给付", "元")
    bands = []
    for n, band in enumerate(case.each("bands"), 1):
        place = f"{case.place}[{n}]"
        fields = [
            band.number("upto", "上限（含），留空为以上", "元", place=""),
            band.number("value", value, suffix, place=""),
        ]
        last = n == len(case.node["bands"])
        bands.append(Block(band.name, "", place, fields, fixed=False, first=n == 1, last=last))
    rows = Rows(f"{case.name}-bands", "加一段", bands, inline=True)
    return Block(case.name, words, case.place, [hidden], [rows])


def _pool(spot: Spot, benefits: Mapping[str, str]) -> Block:
    form = spot.node["form"] if spot.node["form"] in ("cap", "deductible") else "cap"
    return Block(spot.name, spot.node["name"] or "共用", spot.place, [
        spot.field("name", "名称"),
        spot.select("form", "算法", {"cap": "封顶", "deductible": "起付线"}, place=""),
        spot.number("amount", "金额", "元", place=f"{spot.place}.{form}"),
        spot.select("per", "计算范围", SPANS),
        spot.field("of", "哪些待遇共用", "checks", options=benefits),
    ], more=[spot.field("id", "代号（选填）"), spot.field("clause", "依据")])  # fmt: skip


def _words(top: Spot) -> Block:
    def row(spot: Spot) -> Block:
        return Block(spot.name, "", spot.place, [
            spot.field("key", "代号", hint="英文小写", reshapes=True),
            spot.field("label", "名称", place=f"{spot.place.partition('[')[0]}.{spot.node['key']}"),
        ])  # fmt: skip

    base = top.below("base")
    return Block("words", "事项与等级（选填）", "", [
        base.field(
            "in_scope", "结算单没有直接给出“符合医保政策剩余”时，由哪几项相加", "checks",
            options=choices_of_base(),
        ),
    ], [
        top.rows("events", "加一种申领事项（住院以外）", row, inline=True),
        top.rows("grades", "加一个等级", row, inline=True),
    ])  # fmt: skip


def _paper(spot: Spot, events: Mapping[str, str]) -> Block:
    return Block(spot.name, spot.node["name"] or "材料", spot.place, [
        spot.field("name", "材料名称"),
        spot.select("form", "原件或复印件", PAPER_FORMS),
        spot.number("copies", "份数", "份"),
    ], more=[
        spot.field("issued_by", "由谁出具"),
        spot.field("stamp", "须盖章", "check"),
        spot.field("blank", "空白表的名称"),
        spot.select("event", "用于哪种事项", events),
        spot.field("note", "说明"),
        spot.field("clause", "依据"),
    ])  # fmt: skip


def _limits(top: Spot) -> Block:
    filing, promise = top.below("filing"), top.below("promise")
    units = {"天": "天", "个工作日": "个工作日"}
    return Block("limits", "时限（选填）", "", [
        filing.number("within", "申领期限"),
        filing.select("unit", "申领期限的单位", units, place=""),
        filing.select("after", "从何时起", {"discharge": "出院", "term_end": "保障期结束"}),
        promise.number("within", "办理时限"),
        promise.select("unit", "办理时限的单位", units, place=""),
        promise.field("after", "办理时限从何时起（选填）", hint="如 收到申领材料"),
    ], more=[
        filing.field("clause", "申领期限的依据"), promise.field("clause", "办理时限的依据"),
    ])  # fmt: skip


# ── Which field a fault or a change belongs to ──────────────────────────────────────────────


def errors_of(form: list[Block], faults: list[Fault]) -> dict[str, str]:
    """Each fault beside its field, row or section, the first at each: {id: words}, in the
    order of the form."""
    places: dict[str, str] = {}
    order = []
    for key, place in _keys(form):
        order.append(key)
        if place:
            places.setdefault(place, key)
    found: dict[str, str] = {}
    for fault in faults:
        if fault.message == "缺少文字" and fault.place.endswith(".clause"):
            continue  # without a source no clause has one to inherit; the source says so
        found.setdefault(_nearest(fault.place, places, order[0]), in_form(fault))
    return {key: found[key] for key in order if key in found}


def _nearest(place: str, places: dict[str, str], otherwise: str) -> str:
    """The key at a place, at the first place below it, or at the nearest above it."""
    while place:
        if place in places:
            return places[place]
        for other, key in places.items():
            if other.startswith((f"{place}.", f"{place}[")):
                return key
        cut = max(place.rfind("."), place.rfind("["))
        place = place[:cut] if cut > 0 else ""
    return otherwise


def _keys(form: list[Block]) -> Iterable[tuple[str, str]]:
    """Every block's and field's (id, loader's place), in the order of the form."""
    for block in form:
        for field in block.fields:
            if field.kind != "hidden":
                yield field.key, field.place
        yield f"{block.name}-row", block.place
        for rows in block.rows:
            yield from _keys(rows.blocks)
        for field in block.more:
            yield field.key, field.place


def labels_of(form: list[Block], under: str = "") -> dict[str, str]:
    """How a person finds a place in the form: {id: 待遇 2 › 步骤名称}."""
    found = {}
    for block in form:
        found[f"{block.name}-row"] = under or block.title
        for field in (*block.fields, *block.more):
            found[field.key] = f"{under or block.title} › {field.label}"
        for rows in block.rows:
            for n, row in enumerate(rows.blocks, 1):
                words = f"{row.title or '第'} {n}" if not row.fixed else row.title
                found |= labels_of([row], " › ".join(w for w in (under, words) if w))
    return found


def wrong_ids(form: list[Block]) -> str:
    """The ids of all places for a fault's words, as htmx takes them."""
    return ",".join(f"#{key}-wrong" for key, _ in _keys(form))


def otherwise(mine: list[Block], theirs: list[Block]) -> list[tuple[str, str, str]]:
    """What two forms hold otherwise: (label, theirs, mine)."""
    left, right = dict(_texts(theirs, "")), dict(_texts(mine, ""))
    names = dict.fromkeys([*right, *left])
    return [
        (name, left.get(name, ""), right.get(name, ""))
        for name in names
        if left.get(name, "") != right.get(name, "")
    ]


def _texts(form: list[Block], under: str) -> Iterable[tuple[str, str]]:
    for block in form:
        here = " › ".join(part for part in (under, block.title) if part)
        for field in (*block.fields, *block.more):
            if field.kind != "hidden":
                yield f"{here} › {field.label}", _shown(field)
        for rows in block.rows:
            for n, row in enumerate(rows.blocks, 1):
                place = f"{here} {n}" if len(rows.blocks) > 1 else here
                yield from _texts([row], place)


def _shown(field: Field) -> str:
    if field.kind == "check":
        return "是" if field.value else "否"
    if isinstance(field.value, list):
        return "、".join(field.options.get(word, word) for word in field.value)
    return f"{field.options.get(field.value, field.value)}{field.suffix if field.value else ''}"
