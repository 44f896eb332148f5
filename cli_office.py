"""`huigong init|migrate|routes|user|verify|backup|restore`: an office from the terminal."""

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from huigong.config import Settings, read_settings
from huigong.refusals import StartRefused


@click.command()
@click.option("--province", prompt="省级工会名称", help="如 河南省总工会")
@click.option(
    "--city",
    "cities",
    multiple=True,
    help="市级工会及其网址用名，如 zhengzhou=郑州市总工会，可多次",
)
@click.option("--name", prompt="第一位管理员的姓名")
@click.option("--login", prompt="第一位管理员的登录名（英文字母或数字）")
def init(province: str, cities: tuple[str, ...], name: str, login: str) -> None:
    """新建办公室：密钥、数据库、组织、第一位管理员。"""
    from huigong import clock, database, migrations, vault
    from huigong.workflows import beginning

    settings = read_settings()
    named = _cities(cities or (click.prompt("市级工会，写成 网址用名=名称"),))
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (settings.keys / vault.KEY_FILE).exists():
        vault.make_key(settings.keys)
    vault.unlock(settings.keys)
    database.connect_to(settings.database_url)
    database.check_readable()
    migrations.migrate()
    with database.db.connection_context():
        begun = beginning.begin(
            province=province, cities=named, name=name, login=login,
            at=clock.now(), link_at=clock.real_now(),
        )  # fmt: skip
    click.echo(f"办公室已建立，载入互助保障计划 {len(begun.editions)} 个。")
    _print_link(settings, begun.link)
    click.echo(f"请把密钥目录 {settings.keys} 另行妥善备份：没有它，加密的信息无法恢复。")


def _cities(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(text.split("=", 1) for text in texts if "=" in text)
    if len(pairs) != len(texts):
        raise StartRefused("市级工会请写成 网址用名=名称，如 zhengzhou=郑州市总工会，且不重复。")
    return {slug.strip(): name.strip() for slug, name in pairs.items()}


def _print_link(settings: Settings, token: str) -> None:
    click.echo("设置密码的一次性链接，三天内有效：")
    click.echo(f"  http://{settings.host}:{settings.port}/admin/password/{token}")


@click.command()
@click.option("--backed-up", is_flag=True, help="PostgreSQL：已用 pg_dump 备份")
def migrate(backed_up: bool) -> None:
    """把数据库结构升级到最新，升级前先备份；以前未加密保管的文件随后加密。"""
    from huigong import backups, clock, database, migrations, vault

    settings = read_settings()
    _refuse_before_init(settings)
    vault.unlock(settings.keys)
    database.connect_to(settings.database_url)
    database.check_readable()
    with database.db.connection_context():
        waiting, is_new = migrations.pending(), not database.db.get_tables()
    if not waiting:
        click.echo("数据库结构已是最新。")
        _seal_files(settings)
        return
    if settings.sqlite_path and not is_new:
        place = backups.default_place(settings, clock.real_now(), "before-migrate")
        click.echo(f"已备份到 {backups.make(settings, place, now=clock.real_now())}")
    elif not (is_new or backed_up):
        raise StartRefused(
            "升级前请先用 pg_dump 备份 PostgreSQL，再运行 huigong migrate --backed-up。"
        )
    click.echo(f"已升级：{'、'.join(migrations.migrate())}")
    _seal_files(settings)


def _seal_files(settings: Settings) -> None:
    """Seal kept files that lie open, as they all did before sealing came; most often none."""
    from huigong import uploads, vault

    vault.unlock(settings.keys)
    if sealed := uploads.seal_old(settings.files):
        click.echo(
            f"已加密 {sealed} 份以前未加密保管的文件；更早的备份里它们仍未加密，请妥善处置。"
        )


def _refuse_before_init(settings: Settings) -> None:
    if settings.sqlite_path and not settings.sqlite_path.exists():
        raise StartRefused(
            f"没有数据库文件 {settings.sqlite_path}：新办公室请先运行 huigong init。"
        )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON")
def routes(as_json: bool) -> None:
    """列出全部入口：地址、方法、谁可以使用。"""
    from huigong import vault
    from huigong.access import route_list
    from huigong.app import make_app

    with tempfile.TemporaryDirectory() as folder:  # the list needs no office, only some key
        vault.make_key(Path(folder))
        vault.unlock(Path(folder))
        listed = route_list(make_app(read_settings()))
    if as_json:
        click.echo(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    for row in listed:
        click.echo(f"{','.join(row['methods']):<10} {row['address']}  {' '.join(row['roles'])}")


@click.group()
def user() -> None:
    """账号：列出；为被锁在门外的人生成一次性链接。"""


@user.command("list")
def list_users() -> None:
    """列出使用中的账号及其角色。"""
    from huigong import database
    from huigong.models import User
    from huigong.office import open_office
    from huigong.workflows import accounts

    open_office(read_settings())
    with database.db.connection_context():
        for person in User.select().where(User.ended_on.is_null()).order_by(User.id):
            held = [f"{g.role}@{g.organization.name}" for g in accounts.grants_of(person)]
            click.echo(f"{person.login}\t{person.name}\t{' '.join(held)}")


@user.command()
@click.argument("login")
def link(login: str) -> None:
    """为 LOGIN 生成设置密码的一次性链接。"""
    from huigong import clock, database
    from huigong.models import User
    from huigong.office import open_office
    from huigong.workflows import accounts

    settings = read_settings()
    open_office(settings)
    with database.db.connection_context():
        person = User.get_or_none(User.login == login.lower(), User.ended_on.is_null())
        if person is None:
            raise StartRefused(f"没有使用中的账号 {login}：huigong user list 列出全部账号。")
        _print_link(settings, accounts.make_link(person, by=None, at=clock.real_now()))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="新目录，默认在 HUIGONG_HOME/backups")
def backup(out: Path | None) -> None:
    """备份数据库和上传的文件（不含密钥），可在办公室运行时进行。"""
    from huigong import backups, clock

    settings, now = read_settings(), clock.real_now()
    place = (out or backups.default_place(settings, now)).absolute()
    click.echo(f"已备份到 {backups.make(settings, place, now=now)}")
    click.echo(f"备份不含密钥，请另行保管 {settings.keys}。")
    _sweep(settings)


def _sweep(settings: Settings) -> None:
    """After a backup holds them, remove papers that were uploaded and never filed. Like the
    backup it needs no key."""
    from huigong import clock, database, migrations
    from huigong.workflows import claims

    clock.fix(settings.today)
    database.connect_to(settings.database_url)
    migrations.check_current()
    with database.db.connection_context():
        older = clock.real_now() - claims.ABANDONED_AFTER
        swept = claims.sweep_papers(settings.files, older, at=clock.now())
    if swept:
        click.echo(f"清理了 {swept} 份上传后没有提交的材料。")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def restore(folder: Path) -> None:
    """从备份 FOLDER 恢复；现有内容移到一旁保留。请先停止 serve。"""
    from huigong import backups, clock

    aside = backups.restore(read_settings(), folder, now=clock.real_now())
    click.echo("已恢复。" + (f"原有内容保留在 {aside}。" if aside else ""))
    click.echo("请运行 huigong verify 核对；若备份来自旧版本，请先运行 huigong migrate。")


@click.command()
@click.option("--head", help="以前记下的操作记录末尾摘要：核对它仍在链中")
@click.option(
    "--minutes",
    type=click.FloatRange(0),
    default=30,
    show_default=True,
    help="打开保管的文件最多用多少分钟，其余只核对在不在；0 为全部打开",
)
def verify(head: str | None, minutes: float) -> None:
    """核对操作记录链、分类账与业务记录、保管的文件；有不符则以 1 退出。"""
    from huigong import database
    from huigong.office import open_office
    from huigong.workflows import audit, keeping, verification

    settings = read_settings()
    open_office(settings)
    with database.db.connection_context():
        found = verification.of_records(head=head)
        with ExitStack() as shown:
            told: keeping.Told = keeping.quiet
            if sys.stderr.isatty():  # elsewhere click would print the label as a line
                bar = click.progressbar(length=keeping.count(), label="保管的文件", file=sys.stderr)
                told = shown.enter_context(bar).update
            kept = keeping.examine(settings.files, told=told, seconds=minutes * 60)
        count, last = audit.head()
    found += kept.found
    for sentence in found:
        click.echo(sentence, err=True)
    click.echo(f"操作记录 {count} 条，末尾摘要 {last}")
    click.echo(f"保管的文件 {kept.total} 份，打开核对 {kept.opened} 份")
    if left := kept.total - kept.opened:
        click.echo(f"时间到，{left} 份只核对了在不在；下次从别处打开，或加 --minutes 0 全部打开。")
    click.echo(f"发现 {len(found)} 处不符。" if found else "全部相符。")
    sys.exit(1 if found else 0)
