"""`huigong site`: render the public site from the office's database."""

from datetime import datetime
from pathlib import Path
from time import perf_counter

import click

from huigong.refusals import StartRefused


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="网站放到这个目录，默认办公室的 site/")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="按这一天判断是否执行中")
def site(out: Path | None, as_of: datetime | None) -> None:
    """生成公众网站：全部页面写好、链接核对无误后一次换上。"""
    from huigong import clock, database
    from huigong.config import read_settings
    from huigong.office import open_office
    from huigong.site.build import build, build_at

    settings = read_settings()
    open_office(settings)
    day, origin = as_of.date() if as_of else clock.today(), settings.public_origin
    began = perf_counter()
    with database.db.connection_context():
        if out is None:
            made = build(settings.public, as_of=day, demo=settings.is_demo, origin=origin)
        else:
            made = build_at(_free(out), as_of=day, demo=settings.is_demo, origin=origin)
    count = sum(1 for _ in made.rglob("*.html"))
    click.echo(
        f"{count}个页面，{perf_counter() - began:.1f}秒：{out or settings.public / 'current'}"
    )


def _free(out: Path) -> Path:
    """A place the site may take: absent, empty, or an earlier build. Raises StartRefused."""
    from huigong.site.build import MARK

    target = out.absolute()
    if not (target.exists() or target.is_symlink()) or (target / MARK).exists():
        return target
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
        return target
    raise StartRefused(f"{out} 里有别的文件，公众网站不会覆盖它：请换一个空目录。")
