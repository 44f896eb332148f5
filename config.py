"""Settings from the environment, checked at start. What is wrong is said in one sentence."""

import os
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from huigong.refusals import StartRefused

DEMO_MARK = "demo-office"  # a file in the instance that only `huigong demo` writes
DEMO_TODAY = date(2024, 12, 16)


@dataclass(frozen=True)
class Settings:
    """Where this office lives and how it is reached."""

    home: Path
    keys: Path
    database_url: str
    host: str
    port: int
    is_demo: bool
    today: date | None
    production: bool
    proxies: int = 0  # how many in front are ours: whose word for the client's address counts
    origin: str = ""  # the public address, https://…, for sitemap.xml

    @property
    def files(self) -> Path:
        """Quarantined uploads, under random names."""
        return self.home / "files"

    @property
    def public(self) -> Path:
        """The public site's builds; `current` in it is what is served."""
        return self.home / "site"

    @property
    def public_origin(self) -> str:
        return self.origin or f"http://{self.host}:{self.port}"

    @property
    def sqlite_path(self) -> Path | None:
        if not self.database_url.startswith("sqlite:///"):
            return None
        return Path(self.database_url.removeprefix("sqlite:///"))


def read_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read and check the settings. Raises StartRefused with the cure."""
    env = dict(os.environ) if environ is None else environ
    home = Path(env.get("HUIGONG_HOME", "instance")).absolute()
    database_url = env.get("DATABASE_URL") or _own_database(home)
    is_demo = _is_demo(home, database_url)
    production = _production(env.get("HUIGONG_PRODUCTION", ""))
    return Settings(
        home=home,
        keys=Path(env["HUIGONG_KEYS"]).absolute() if env.get("HUIGONG_KEYS") else home / "keys",
        database_url=database_url,
        host=env.get("HUIGONG_HOST", "127.0.0.1"),
        port=_port(env.get("HUIGONG_PORT", "8000")),
        is_demo=is_demo,
        today=_today(env.get("HUIGONG_TODAY"), is_demo),
        production=production,
        proxies=_proxies(env.get("HUIGONG_PROXIES") or str(int(production))),
        origin=env.get("HUIGONG_ORIGIN", "").rstrip("/"),
    )


def _own_database(home: Path) -> str:
    return f"sqlite:///{home / 'huigong.db'}"


def demo_mark(database_url: str) -> str:
    """What the mark of a demonstration says: which database is its, where that is not the file
    in the instance itself."""
    if database_url.startswith("sqlite:///"):
        return "huigong demo\n"
    return f"huigong demo {sha256(database_url.encode()).hexdigest()}\n"


def _is_demo(home: Path, database_url: str) -> bool:
    """Whether `huigong demo` made this instance with this database: beside another's, the fixed
    clock and the well-known passwords would be a real office's."""
    mark = home / DEMO_MARK
    said = mark.read_text() if mark.exists() else None
    if said is None or len(said.split()) == 3:  # it names a database
        return said == demo_mark(database_url)
    return database_url == _own_database(home)


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise StartRefused(f"HUIGONG_PORT 应为 1–65535 的整数，现在是“{text}”。")


def _proxies(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 9:
        return int(text)
    raise StartRefused(f"HUIGONG_PROXIES 应为 0–9：前面有几层自己的代理，现在是“{text}”。")


def _production(text: str) -> bool:
    if text in ("", "0", "1"):
        return text == "1"
    raise StartRefused(f"HUIGONG_PRODUCTION 应为 0 或 1，现在是“{text}”。")


def _today(text: str | None, is_demo: bool) -> date | None:
    if not is_demo:
        return None  # a real office's clock cannot be fixed, whatever the environment says
    if not text:
        return DEMO_TODAY
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        message = f"HUIGONG_TODAY 应写成 2024-12-16 这样的日期，现在是“{text}”。"
        raise StartRefused(message) from wrong
