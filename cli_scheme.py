"""`huigong scheme check|assess|replay`: schemes checked, cases assessed from the terminal.

Bad input overall (no JSON, no such scheme, a claim that is no object) is exit 2; whatever is
wrong inside one claim (an amount, a date, a missing fact) is that claim's own `refused`, the
others are still assessed, and the exit is 1.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from huigong import cli_replay, clock, plans, rules
from huigong.money import parse_yuan, plain
from huigong.plans.curves import Calendar
from huigong.plans.vocabulary import CLAIM_AMOUNTS, DATES, PARTS

LoadPlan = Callable[[str], dict[str, Any] | None]
_AMOUNT = re.compile(r"[0-9]{1,4000}(\.[0-9]{1,2})?")  # Python reads no number much longer
_ID = re.compile(r"[a-z0-9-]+")


class BadInput(ValueError):
    """Input that is no case at all: exit 2, with the one sentence that says why."""


def package_plan(scheme_id: str) -> dict[str, Any] | None:
    """The plan of a scheme file of the package, or None where there is no such file."""
    path = files("huigong") / "schemes" / f"{scheme_id}.toml"
    if not _ID.fullmatch(scheme_id) or not path.is_file():
        return None
    return plans.compile_scheme(path.read_text("utf-8"), path.name)


def assess_json(
    plan: dict[str, Any], text: str, calendar: Calendar | None = clock.after_working_days
) -> tuple[dict[str, Any], bool]:
    """Assess a case given as JSON with amounts in yuan text: the answer, and whether any refusal.
    Without a calendar no limit in working days is judged.

    Raises BadInput for what is no case at all.
    """
    case = _case(text)
    stopped = _not_covered(plan, case["facts"])
    claims = [_claim(claim, stopped) for claim in case["claims"]]
    rule = rules.prepare(plan, calendar)
    assessed = rules.assess(rule, {**case, "claims": claims})
    body = {"total": plain(assessed.total), "claims": [_answer(c) for c in assessed.claims]}
    return body, assessed.refused or not plan["benefit"]


def _case(text: str) -> dict[str, Any]:
    try:
        case = json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput("标准输入不是合法的 JSON") from None
    if not isinstance(case, dict) or not isinstance(case.get("claims"), list):
        raise BadInput('须为一个 JSON 对象，含 "claims" 列表')
    facts = case.get("facts")
    if facts is not None and not isinstance(facts, dict):
        raise BadInput('"facts" 须为一个对象')
    for claim in case["claims"]:
        stays = claim.get("stays") if isinstance(claim, dict) else ...
        if stays is not None and not (
            isinstance(stays, list) and all(isinstance(stay, dict) for stay in stays)
        ):
            raise BadInput('"claims" 的每一项须为对象，其 "stays" 须为对象的列表')
    if not isinstance(case.get("renewal", False), bool | None):
        raise BadInput('"renewal" 须为 true 或 false')
    return {**case, "facts": facts or {}, "earlier": None}


def _not_covered(plan: dict[str, Any], facts: dict[str, Any]) -> list[rules.Refusal]:
    """Requirements that the given facts fail; a fact not given was settled at enrollment."""
    return [need for need in rules.unmet(plan, facts) if facts.get(need.field) is not None]


def _claim(given: dict[str, Any], stopped: list[rules.Refusal]) -> dict[str, Any]:
    """One claim with amounts in fen and dates as dates; `refused` holds what cannot be read."""
    wrong: list[rules.Refusal] = list(stopped)
    claim = _holder(given, ("decided", *CLAIM_AMOUNTS, *PARTS), wrong)
    claim["stays"] = [_holder(stay, tuple(PARTS), wrong) for stay in given.get("stays") or ()]
    for stay in claim["stays"]:
        wrong += rules.check_settlement(stay)
    return {**claim, "refused": wrong}


def _holder(given: dict[str, Any], names: tuple[str, ...], wrong: list) -> dict[str, Any]:
    read = dict(given)
    for name in names:
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, str) and _AMOUNT.fullmatch(value):
            read[name] = parse_yuan(value)
            continue
        label = PARTS.get(name) or CLAIM_AMOUNTS.get(name, "已决定的金额")
        message = f'{label}须写成不小于零、最多两位小数的文字，如 "1000.00"'
        wrong.append(rules.Refusal(name, message))
        read[name] = None
    for name in DATES:
        try:
            read[name] = rules.day(given.get(name))
        except ValueError:
            wrong.append(rules.Refusal(name, f"{DATES[name]}须写成 2023-07-01 的样子"))
            read[name] = None
    return read


def _answer(claim: rules.AssessedClaim) -> dict[str, Any]:
    steps = [
        {
            "benefit_id": step.benefit_id,
            "stay": step.stay,
            "name": step.name,
            "before": plain(step.before),
            "prior": None if step.prior is None else plain(step.prior),
            "after": plain(step.after),
            "clause": step.clause,
        }
        for step in claim.steps
    ]
    refused = [{"field": r.field, "message": r.message} for r in claim.refused]
    return {"benefit": plain(claim.benefit), "steps": steps, "refused": refused}


def check_files(paths: list[Path]) -> tuple[list[str], bool]:
    """Check scheme files, singly and against each other: what to print, and whether all load."""
    lines, loaded, names, sound = [], [], [], True
    for path in paths:
        try:
            text = path.read_bytes().decode("utf-8")
            plan = plans.compile_scheme(text, path.name)
        except plans.SchemeRefused as refused:
            lines += [f"错误 {fault}" for fault in refused.faults]
            sound = False
        except (OSError, UnicodeDecodeError):
            lines.append(f"错误 {path.name}: 全文: 文件读不出来。请给出 UTF-8 编码的 TOML 文件")
            sound = False
        else:
            lines.append(f"通过 {plan['id']} {plan['name']} {plans.plan_hash(plan)[:12]}")
            lines += [f"警告 {path.name}: {c.place}: {c.message}" for c in plans.warnings(plan)]
            lines += [f"未载明 {path.name}: {silent}" for silent in plan["unstated"]]
            loaded.append(plan)
            names.append(path.name)
    faults = plans.overlapping(loaded, names)
    return lines + [f"错误 {fault}" for fault in faults], sound and not faults


def scheme_commands(office_plan: LoadPlan | None = None) -> click.Group:
    """The `scheme` group; `office_plan(id)` reads the office's edition for --database."""

    @click.group()
    def scheme() -> None:
        """检查互助保障计划，按计划计算待遇，测算改动。"""

    @scheme.command()
    @click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
    def check(paths: tuple[Path, ...]) -> None:
        """检查计划文件，逐条说明错误、所在位置和改法。"""
        lines, sound = check_files(list(paths))
        click.echo("\n".join(lines))
        raise SystemExit(0 if sound else 1)

    @scheme.command()
    @click.argument("scheme_id", metavar="ID")
    @click.option("--json", "as_json", is_flag=True, required=True, help="从标准输入读、写出 JSON")
    @click.option("--database", is_flag=True, help="用本单位数据库里的版本")
    def assess(scheme_id: str, as_json: bool, database: bool) -> None:
        """按计划 ID 计算标准输入中的申领。"""
        load = office_plan if database else package_plan
        plan = load(scheme_id) if load else None
        if plan is None:
            raise click.UsageError(f"没有这个计划：{scheme_id}")
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
            body, refused = assess_json(plan, text)
        except (BadInput, UnicodeDecodeError) as wrong:
            message = str(wrong) if isinstance(wrong, BadInput) else "标准输入不是 UTF-8 文字"
            click.echo(f"错误：{message}", err=True)
            raise SystemExit(2) from None
        text = json.dumps(body, ensure_ascii=False, indent=2)
        click.echo(text.encode("utf-8", "replace"))
        raise SystemExit(1 if refused else 0)

    scheme.add_command(cli_replay.replay)
    return scheme


scheme = scheme_commands()
