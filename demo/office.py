"""The demonstration office, built through the same deeds a real office uses."""

import shutil
from datetime import datetime
from pathlib import Path

from huigong import clock, database, migrations, vault
from huigong.config import DEMO_MARK, DEMO_TODAY, Settings, demo_mark
from huigong.demo import cover, operator, sickness, staff
from huigong.demo.listings import make_listings
from huigong.refusals import StartRefused
from huigong.site.build import build
from huigong.workflows import listings, schemes

SETTING_UP = datetime(2023, 7, 4, 9)  # noqa: DTZ001 Beijing time without a zone, as stored
FURNISHED = datetime(2024, 12, 2, 9)  # noqa: DTZ001 likewise
WALK = "演示文件"  # the folder with the files of the README's walk


def build_office(settings: Settings) -> None:
    """Build the demonstration in an instance that does not exist yet, beside it, then swap it in:
    a build that broke off leaves nothing. Refuses a place where something else stands.

    On PostgreSQL the database of DATABASE_URL must be empty, and is emptied again by hand after a
    build that broke off.
    """
    if settings.home.exists() and any(settings.home.iterdir()):
        raise StartRefused(
            f"{settings.home.name} 里已有内容，不会在其中建立演示系统："
            "请用 HUIGONG_HOME 指定一个新目录。"
        )
    scratch = settings.home.with_name(settings.home.name + ".building")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    (scratch / DEMO_MARK).write_text(demo_mark(settings.database_url))
    vault.make_key(scratch / "keys")
    vault.unlock(scratch / "keys")
    if settings.sqlite_path:
        database.connect_to(f"sqlite:///{scratch / settings.sqlite_path.name}")
    else:
        _open_empty(settings.database_url)
    with database.db.connection_context():
        migrations.migrate()
        _furnish(scratch / "files")
        operator.write_answer(scratch / WALK)
        build(scratch / "site", as_of=DEMO_TODAY, demo=True, origin=settings.public_origin)
    cover.write_samples(scratch / WALK)
    if settings.home.exists():
        settings.home.rmdir()
    scratch.rename(settings.home)


def _open_empty(url: str) -> None:
    database.connect_to(url)
    database.check_readable()
    with database.db.connection_context():
        if database.db.get_tables():
            raise StartRefused(
                "DATABASE_URL 的数据库里已有内容，不会在其中建立演示系统：请指定一个空的数据库。"
            )


def _furnish(files: Path) -> None:
    cast = staff.found_unions(SETTING_UP)
    staff.open_accounts(cast, at=SETTING_UP, link_at=clock.real_now())
    cities = {slug: cast.city(slug) for slug in staff.CITIES}
    schemes.load_shipped(cities=cities, at=SETTING_UP)
    listings.load_programs(cities=cities, at=FURNISHED)
    listings.load_archive(city=cities["zhengzhou"], at=FURNISHED)
    make_listings(cities["zhengzhou"], by=None, at=FURNISHED)
    cover.enroll(cast, files)
    sickness.fall_ill(cast, files)
    operator.send_claims(cast, files)
