"""`huigong demo`: a demonstration office, built if there is none, then served."""

import os

import click

from huigong.config import DEMO_MARK, read_settings


@click.command()
@click.option("--port", type=int, help="端口，默认 HUIGONG_PORT 或 8000")
@click.option("--build-only", is_flag=True, help="只建立，不运行")
def demo(port: int | None, build_only: bool) -> None:
    """建立并运行演示系统（默认在 ./instance）。"""
    from huigong.demo.office import WALK, build_office
    from huigong.demo.staff import PASSWORD, PEOPLE

    settings = read_settings()
    if settings.sqlite_path and os.environ.get("DATABASE_URL"):
        raise click.UsageError("演示系统的 SQLite 文件在它自己的目录里：请先取消 DATABASE_URL。")
    if (settings.home / DEMO_MARK).exists() and not settings.is_demo:
        raise click.UsageError(
            "这个演示系统是用另一个数据库建立的：请改 DATABASE_URL 或 HUIGONG_HOME。"
        )
    if not settings.is_demo:
        click.echo("正在建立演示系统……")
        build_office(settings)
    settings = read_settings()
    click.echo(f"\n演示账号（口令都是 {PASSWORD}）：")
    for login, (name, union, _) in PEOPLE.items():
        click.echo(f"  {login:<12} {name}，{union}")
    click.echo(f"演示用的名册和承办方回执在 {settings.home.name}/{WALK}/\n")
    if not build_only:
        from huigong.cli import run

        run(settings, port)
