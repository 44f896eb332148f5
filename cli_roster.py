"""`huigong roster`: a roster's file checked outside the office, as the upload form would."""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from huigong.refusals import StartRefused


@click.group()
def roster() -> None:
    """参保名册。"""


@roster.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--edition", "code", required=True, help="互助计划编号，如 puyang-hospital-2025")
@click.option(
    "--from", "start", required=True, type=click.DateTime(["%Y-%m-%d"]), help="保障开始日"
)
@click.option(
    "--unit-level",
    type=click.Choice(["county", "city"]),
    default="county",
    show_default=True,
    help="单位属县区还是市直，影响参保条件",
)
@click.option("--database", is_flag=True, help="用办公室里的计划，而不是随软件发布的")
def check(file: Path, code: str, start: datetime, unit_level: str, database: bool) -> None:
    """逐行校对名册 FILE，只看文件，不保存；有误时退出码为 1。

    是否已在别处参保，要上传到办公室后才能核对。
    """
    from huigong.workflows.enrollment.staging import check_file

    day = start.date()
    plan = _office_plan(code) if database else _shipped_plan(code)
    _say_window(plan, day)
    found = check_file(file, plan=plan, cover_from=day, unit_level=unit_level)
    for fault in found.faults:
        click.echo(str(fault))
    for row, doubt in found.doubts:
        click.echo(f"第{row}行 提示：{doubt}")
    for letter, title in found.unread:
        click.echo(f"没有采用：{letter}列“{title}”，上传后会请您说明它是什么")
    wrong = len({fault.row for fault in found.faults})
    doubted = len({row for row, _ in found.doubts})
    shown = f"，演示用的{found.for_show}人" if found.for_show else ""
    counted = f"共{found.people}人，有误{wrong}行，需要再看一眼{doubted}行{shown}"
    click.echo(counted, err=True)
    if found.faults:
        sys.exit(1)


def _shipped_plan(code: str) -> dict[str, Any]:
    from huigong.plans import compile_scheme
    from huigong.workflows import schemes

    texts = dict(schemes.shipped())
    if code not in texts:
        raise StartRefused(f"没有编号为 {code} 的计划，现有：{'、'.join(texts)}。")
    return compile_scheme(texts[code], f"{code}.toml")


def _office_plan(code: str) -> dict[str, Any]:
    from huigong import database
    from huigong.config import read_settings
    from huigong.models import Edition
    from huigong.office import open_office
    from huigong.workflows import schemes

    open_office(read_settings())
    with database.db.connection_context():
        edition = Edition.get_or_none(Edition.code == code)
        if edition is None:
            raise StartRefused(f"办公室里没有编号为 {code} 的计划。")
        return schemes.plan_of(edition)


def _say_window(plan: dict[str, Any], day: date) -> None:
    first, last = plan["enrolled"]["from"], plan["enrolled"]["to"]
    if day.isoformat() < first or (last and day.isoformat() > last):
        raise StartRefused(f"保障开始日须在这个计划的参保期内（{first}至{last or '另行通知'}）。")
