"""`huigong scheme replay`: decided claims worked through another plan, from the terminal."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from huigong import plans
from huigong.config import read_settings
from huigong.money import percent, yuan
from huigong.refusals import Refused

if TYPE_CHECKING:
    from huigong.models import Scheme
    from huigong.workflows.replay import Replay, Span

Plan = dict[str, Any]
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("rules", metavar="ID|dN|文件")
@click.option("--claims-of", metavar="系列", help="用哪个计划的申领，默认与规则同一系列")
@click.option("--since", type=DAY, help="决定日期从，默认最早")
@click.option("--until", type=DAY, help="决定日期到，默认最晚")
@click.option("--set", "turns", multiple=True, metavar="名称=值", help="改动一个数字，可多次")
@click.option("--figures", is_flag=True, help="列出可以改动的数字及其名称")
@click.option("--rise", type=click.IntRange(0, 500), default=0, help="假设申领增加的百分数")
def replay(
    rules: str,
    claims_of: str | None,
    since: Any,
    until: Any,
    turns: tuple[str, ...],
    figures: bool,
    rise: int,
) -> None:
    """按本单位数据库里的一版规则、一份草稿（d 加草稿网址里的编号）或一个计划文件，重新计算已同意
    给付的申领。"""
    from huigong import database
    from huigong.office import open_office
    from huigong.workflows.levers import levers, turned

    open_office(read_settings())
    with database.db.connection_context():
        plan, said = _plan(rules)
        if figures:
            for lever in levers(plan):
                click.echo(f"{lever.name}\t{lever.text}{lever.unit}\t{lever.label}")
            return
        plan = turned(plan, _typed(plan, turns))
        scheme, span = _claims(claims_of or plan["series"])
        first = since.date() if since else span.first
        last = until.date() if until else span.last
        click.echo("\n".join(said + _words(plan, _run(plan, scheme, first, last, rise))))


def _plan(rules: str) -> tuple[Plan, list[str]]:
    """The plan of a scheme file, or of the office's edition or draft of this number, and what is
    to be said of it."""
    from huigong.models import Edition
    from huigong.workflows.schemes import plan_of

    path = Path(rules)
    if path.suffix == ".toml":
        try:
            return plans.compile_scheme(path.read_text("utf-8"), path.name), []
        except plans.SchemeRefused as wrong:
            raise Refused.all([(fault.place, str(fault)) for fault in wrong.faults]) from wrong
        except (OSError, UnicodeDecodeError):
            raise click.UsageError(f"读不出文件：{rules}") from None
    edition = Edition.get_or_none(Edition.code == rules)
    if edition is not None:
        return plan_of(edition), []
    if rules[:1] == "d" and rules[1:].isdecimal() and len(rules) < 10:
        return _drafted(int(rules[1:]))
    raise click.UsageError(f"没有这个计划：{rules}")


def _drafted(number: int) -> tuple[Plan, list[str]]:
    from huigong.models import DraftEdition
    from huigong.workflows.drafting import plan_of

    draft = DraftEdition.get_or_none(DraftEdition.id == number)
    if draft is None:
        raise click.UsageError(f"没有这份草稿：d{number}")
    plan = plan_of(draft)
    if plan is None:
        raise Refused("draft", f"草稿“{draft.name}”还有需要更正的地方，更正后才能测算")
    return plan, [
        f"草稿第{draft.version}版，{draft.saved_by.name}保存于 {draft.saved_at:%Y-%m-%d %H:%M}"
    ]


def _typed(plan: Plan, turns: tuple[str, ...]) -> dict[str, str]:
    from huigong.workflows.levers import levers

    typed = dict(turn.partition("=")[::2] for turn in turns)
    unknown = set(typed) - {lever.name for lever in levers(plan)}
    if unknown:
        raise click.UsageError(f"没有这个数字：{'、'.join(sorted(unknown))}（--figures 列出全部）")
    return typed


def _claims(series: str) -> tuple[Scheme, Span]:
    from huigong.models import Scheme
    from huigong.workflows.replay import span_of

    scheme = Scheme.get_or_none(Scheme.slug == series)
    if scheme is None:
        raise click.UsageError(f"没有这个系列的计划：{series}（用 --claims-of 指定）")
    span = span_of(scheme)
    if span is None:
        raise Refused("claims", f"{scheme.name}还没有已同意给付的申领，没有可以测算的。")
    return scheme, span


def _run(plan: Plan, scheme: Scheme, since: date, until: date, rise: int) -> Replay:
    from huigong.workflows.replay import count_of
    from huigong.workflows.replay import replay as deed

    length = count_of(scheme, until)
    with click.progressbar(length=length, label="测算", file=sys.stderr) as bar:
        return deed(plan, scheme=scheme, since=since, until=until, rise=rise, progress=bar.update)


def _words(plan: Plan, said: Replay) -> list[str]:
    """The replay's figures as lines of a terminal, amounts in yuan."""
    both = said.all
    lines = [
        f"{plan['name']}（{plan['id']}），{said.since}至{said.until}决定的申领{both.claims}笔",
        f"给付：原{yuan(both.then)}元，新{yuan(both.now)}元，差额{yuan(both.more)}元",
        f"职工：增加{said.gained.claims}人 {yuan(said.gained.more)}元，"
        f"减少{said.lost.claims}人 {yuan(said.lost.more)}元，不变{said.same.claims}人",
        "缴费按保障天数折算到所选日期；理赔率＝给付÷缴费",
        _fund(said, "原规则", both.then, said.earned),
        _fund(said, "新规则", both.now, said.earned_now),
    ]
    if said.rise:
        lines.append(_fund(said, f"新规则，申领增加{said.rise}%", said.risen, said.earned_now))
    names = {part["id"]: part["name"] for part in (*plan["benefit"], *plan["pool"])}
    for (owner, name), sums in said.steps.items():
        lines.append(
            f"步骤 {names.get(owner, owner)}·{name}：原{yuan(sums.then)}元，新{yuan(sums.now)}元"
        )
    for size in said.sizes:
        lines.append(f"每笔{size.words}：原{size.then_claims}笔，新{size.now_claims}笔")
    for name, sums in said.named_units():
        lines.append(f"单位 {name}：{sums.claims}笔，原{yuan(sums.then)}元，新{yuan(sums.now)}元")
    return lines + _remarks(said)


def _fund(said: Replay, words: str, paid: int, earned: int) -> str:
    ratio = said.ratio(paid, earned)
    told = "无缴费" if ratio is None else percent(ratio)
    return f"{words}：缴费{yuan(earned)}元，结余{yuan(earned - paid)}元，理赔率{told}"


def _remarks(said: Replay) -> list[str]:
    reasons = [f"  {reason}：{count}笔" for reason, count in said.reasons.most_common()]
    lacking = [f"  缺少{label}：{count}笔" for label, count in said.lacking.most_common()]
    return [
        f"审核人调整过的{said.adjusted.claims}笔，两边都按原核定金额",
        f"按新规则不予受理{said.stopped.claims}笔，原给付{yuan(said.stopped.then)}元",
        *reasons,
        f"缺少新规则要问的事项{said.unknown.claims}笔，两边都不计",
        *lacking,
        f"经人工决定不予给付的{said.turned_down}笔不测算",
        "原规则下没有提出的申领不在其中。",
    ]
