"""The `huigong` command."""

import sys
from typing import Any

import apsw
import click
from peewee import DatabaseError, InterfaceError

from huigong import cli_demo, cli_office, cli_roster, cli_scheme, cli_site, cli_worker
from huigong.config import Settings, read_settings
from huigong.refusals import Refused, StartRefused


class Command(click.Group):
    """One sentence on stderr, and exit 1, for whatever a person can mend."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (StartRefused, Refused) as refused:
            click.echo(str(refused), err=True)
        except (apsw.Error, DatabaseError, InterfaceError) as wrong:
            click.echo(
                f"数据库出错（{wrong}）：请检查，或用 huigong restore 从备份恢复。", err=True
            )
        sys.exit(1)


@click.group(cls=Command)
def main() -> None:
    """惠工：工会互助保障与普惠服务。"""


@main.command()
@click.option("--port", type=int, help="端口，默认 HUIGONG_PORT 或 8000")
def serve(port: int | None) -> None:
    """运行办公室与公众网站。"""
    run(read_settings(), port)


def run(settings: Settings, port: int | None) -> None:
    """Serve an office until the process is stopped."""
    import waitress

    from huigong import database, pinyin
    from huigong.admin import background
    from huigong.app import keep_for_good, make_app
    from huigong.office import open_office

    open_office(settings)
    background.keep_watch(settings)
    app, listen = make_app(settings), port or settings.port
    pinyin.library()  # now, so that no request waits for it
    keep_for_good()
    database.keep_connections()
    click.echo(
        f"公众网站 http://{settings.host}:{listen}/  办公室 http://{settings.host}:{listen}/admin/"
    )
    try:
        # What proxies said of the client is dropped, but where some are ours: ProxyFix reads it.
        strip = settings.proxies == 0
        waitress.serve(
            app, host=settings.host, port=listen, threads=8, clear_untrusted_proxy_headers=strip
        )
    except OSError as wrong:
        raise StartRefused(f"端口 {listen} 不能使用（{wrong.strerror}）：请换一个端口。") from wrong


def _office_plan(id: str) -> dict[str, Any] | None:
    """The plan of the office's own edition, for `scheme --database`; None where it has none.
    Refuses a damaged one."""
    from huigong import database
    from huigong.models import Edition
    from huigong.office import open_office
    from huigong.workflows.schemes import plan_of

    open_office(read_settings())
    with database.db.connection_context():
        edition = Edition.get_or_none(Edition.code == id)
        return plan_of(edition) if edition else None


for command in (
    cli_scheme.scheme_commands(_office_plan),
    cli_office.init,
    cli_office.migrate,
    cli_office.routes,
    cli_office.user,
    cli_office.backup,
    cli_office.restore,
    cli_office.verify,
):
    main.add_command(command)
cli_roster.roster.add_command(cli_worker.work)
main.add_command(cli_roster.roster)
main.add_command(cli_site.site)
main.add_command(cli_demo.demo)

if __name__ == "__main__":
    main()
