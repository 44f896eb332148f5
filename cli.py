"""The `huigong` command."""

import sys

import click

from huigong import cli_demo, cli_site
from huigong.config import Settings, read_settings
from huigong.refusals import Refused, StartRefused


class Command(click.Group):
    """One sentence on stderr, and exit 1, for whatever a person can mend."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (StartRefused, Refused) as refused:
            click.echo(str(refused), err=True)
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

    from huigong.app import make_app, open_office

    open_office(settings)
    listen = port or settings.port
    click.echo(
        f"公众网站 http://{settings.host}:{listen}/  办公室 http://{settings.host}:{listen}/admin/"
    )
    waitress.serve(make_app(settings), host=settings.host, port=listen, threads=8)


main.add_command(cli_site.site)
main.add_command(cli_demo.demo)

if __name__ == "__main__":
    main()
