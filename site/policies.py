"""The policy pages: an edition's plan in words, worked examples, what changed, the calculator."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from huigong.differences import Change, differences, in_order
from huigong.examples import worked_examples
from huigong.explain import Line, Section, filing_words, policy_words
from huigong.models import Edition, Organization
from huigong.plans.soundness import SOUND, soundness
from huigong.plans.vocabulary import PARTS, SILENT
from huigong.rules import last_day
from huigong.site.asking import asked, history, waits
from huigong.site.calculation import calculation
from huigong.site.handout import handout
from huigong.site.page import City, Page, Standing, standing_of, trail_to


def policy_pages(city: City, as_of: date) -> Iterator[Page]:
    """The list of a city's editions, and a page and a printable notice for each."""
    rows = (
        Edition.select(Edition, Organization)
        .join(Organization)
        .where(Edition.stage == "published", Organization.within(city.organization.path))
        .order_by(Edition.enrolled_from.desc(), Edition.code)
    )
    editions = list(rows)
    if not editions:
        return
    built = [_policy(city, edition, _former(edition, editions), as_of) for edition in editions]
    updated = [edition.published_on for edition in editions if edition.published_on]
    yield Page(
        f"{city.url}policies/",
        "site/policies.html",
        f"{city.name}互助保障政策",
        f"{city.name}各年度职工互助保障政策：参保对象、费用、待遇、封顶和互助金测算。",
        standing_of(city, [])._replace(
            year=f"{editions[0].enrolled_from.year}年",
            force="逐项标明",
            updated_on=max(updated, default=None),
            source="见各项政策",
        ),
        trail_to(city),
        {"policies": built},
        city,
    )
    for page in built:
        yield page
        if page.data["sections"]:
            yield handout(page)


class Force(NamedTuple):
    """Whether an edition holds on a day: a tag, a sentence, and whether people may enroll."""

    tag: str
    words: str
    open: bool


def force_of(edition: Edition, as_of: date) -> Force:
    """An edition enrolls between its dates; cover that began under it runs on for its term."""
    first, last = edition.enrolled_from, edition.enrolled_to
    if as_of < first:
        return Force("尚未开始", f"{first}起参保", open=False)
    if last is None:
        return Force("执行中", f"{first}起参保，截止日期来源未载明，{SILENT}", open=True)
    if as_of <= last:
        return Force("执行中", f"参保至{last}", open=True)
    over = last_day(last, edition.plan["term_months"])
    if as_of <= over:
        return Force("参保已截止", f"已参保的按本版执行到保障期满，最晚{over}", open=False)
    return Force("已失效", f"保障期最晚于{over}届满", open=False)


def _former(edition: Edition, editions: list[Edition]) -> Edition | None:
    """The edition of the same scheme just before this one."""
    before = [
        other
        for other in editions
        if other.scheme_id == edition.scheme_id and other.enrolled_from < edition.enrolled_from
    ]
    return before[0] if before else None


def is_whole(edition: Edition) -> bool:
    """Whether the stored plan is the one its hash names."""
    return soundness(edition.plan, edition.plan_hash) == SOUND


def _policy(city: City, edition: Edition, former: Edition | None, as_of: date) -> Page:
    whole = is_whole(edition)
    force = force_of(edition, as_of) if whole else Force("暂停展示", "数据待核对", open=False)
    year = str(edition.enrolled_from.year)
    return Page(
        f"{city.url}policies/{edition.code}/",
        "site/policy.html",
        f"{edition.name} {year}年",
        f"{edition.name}（{year}年起，{edition.code}）：参保对象、费用、待遇、申领材料和时限。",
        Standing(
            city.name,
            f"{year}年",
            f"{force.tag}：{force.words}",
            edition.published_on,
            edition.plan["source"] if whole else "—",
        ),
        trail_to(city, (f"{city.url}policies/", "互助保障政策")),
        {"edition": edition, "force": force, **(_reading(city, edition, former, as_of)
                                                    if whole else {"sections": None})},
        city,
    )  # fmt: skip


def _reading(city: City, edition: Edition, former: Edition | None, as_of: date) -> dict[str, Any]:
    """All that the page of a sound plan says."""
    plan = in_order(edition.plan)
    words = policy_words(plan)
    benefits = [s for s in words if s.title.startswith("待遇") or s.title == "封顶"]
    changes: list[Change] = []
    if former is not None and is_whole(former):
        changes = differences(former.plan, plan)
    events = dict.fromkeys(benefit["event"] for benefit in plan["benefit"])
    return {
        "sections": words,
        "benefits": benefits,
        "guide": _guide(city, plan, {section.title: section for section in words}),
        "unstated": next(s.lines for s in words if s.title == "未载明"),
        "examples": worked_examples(plan),
        "former": former,
        "changes": changes,
        "fields": asked(plan),
        "history": history(plan),
        "waits": waits(plan),
        "by_office": filing_words(plan["filing"])
        if plan["filing"] and plan["filing"]["working"]
        else "",
        "base": "、".join(PARTS[part] for part in plan["base"].get("in_scope", ())),
        "events": [(event, plan["events"][event]) for event in events],
        "plan_json": _calculated(plan),
    }


def _calculated(plan: dict[str, Any]) -> str:
    """The plan as the calculator runs on it, as JSON that no tag can end."""
    text = json.dumps(calculation(plan), ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _guide(city: City, plan: dict[str, Any], by_title: dict[str, Section]) -> list[Section]:
    """The parts of a 办事指南 in their fixed order; what the source does not say, says so."""
    silent = Line(f"来源未载明，{SILENT}")
    office = city.organization
    limits = list(by_title["时限"].lines)
    for key, words in (("filing", "申领期限"), ("promise", "办理时限")):
        if not plan[key]:
            limits.append(Line(f"{words}：来源未载明，{SILENT}"))
    place = [Line(f"{office.name}，{office.address}")] if office.address else [silent]
    return [
        Section("受理条件", [*by_title["参保对象"].lines, *_times(by_title["次数"])]),
        Section("申请材料", by_title["申领材料"].lines),
        Section("办理流程", _flow()),
        Section("办理时限", limits),
        Section("收费标准", by_title["费用与分担"].lines),
        Section("办理地点和时间", [*place, Line(f"办理时间：来源未载明，{SILENT}")]),
        Section("依据", by_title["来源"].lines),
    ]


def _times(section: Section) -> list[Line]:
    return [Line(f"申领次数：{line.text}", line.clause) for line in section.lines]


def _flow() -> list[Line]:
    return [
        Line(f"来源未载明，{SILENT}"),
        Line("使用本系统的工会按以下顺序办理：本人向所在单位工会提交材料，单位经办人申报；"
             "材料不齐的一次性告知全部缺项；初审、复审由不同的人办理；通过后批量发放到本人银行卡"),
    ]  # fmt: skip
