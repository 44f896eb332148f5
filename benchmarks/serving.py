"""The served office while a city's roster goes through it: 演示 people.

`python -m benchmarks.serving [rows] [sqlite|postgresql]` measures it alone.

The real office (`huigong serve`, its worker and the worker's children) is asked over HTTP. A clerk
uploads the workbook on the screen and submits it, a reviewer approves it; meanwhile a page is due
every 200 ms, every second one the progress that the clerk watches. A page's time runs from the
moment it was due, so that one that hangs counts for all that waited behind it.
"""

from __future__ import annotations

import math
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.enrollment import AT, ROWS, _family, _people_of_the_office, people
from benchmarks.office import an_office
from benchmarks.table import Row, within
from huigong import clock, database
from huigong.config import DEMO_MARK, demo_mark
from huigong.models import Grant, Organization, Role, User
from huigong.sheets import write_workbook
from huigong.workflows import accounts
from huigong.workflows.enrollment.columns import TEMPLATE

MOST_MORE = 150  # MiB that the web process may take more
MOST_WAIT = 0.5  # seconds: as long as another writer may wait for the lock, and felt as at once
EVERY = 0.2  # seconds from one page to the next
IDLE = 15.0  # seconds of the same pages before anything is at work
PASSWORD = "示例口令-只为测量用的"  # noqa: S105 - of an office that is gone with its folder
# Every second page is the progress of the roster, once there is one.
_ASKED = ("/admin/", "", "/admin/members", "", "/admin/rosters", "", "roster", "")
_FIELD = re.compile(r'name="(csrf_token|form_key|split)" value="([^"]*)"')


def rows() -> Iterator[Row]:
    """Every figure of the served office, on both databases."""
    yield from a_city("sqlite")
    yield from a_city("postgresql")


def a_city(dialect: str, count: int = ROWS) -> Iterator[Row]:
    """What a city's roster costs the web process, and whoever works beside it."""
    with tempfile.TemporaryDirectory() as folder, an_office(Path(folder), dialect) as url:
        home = Path(folder)
        source = home / "source.xlsx"
        with source.open("wb") as book:
            write_workbook(book, TEMPLATE, people(count), title="参保名册")
        unit, edition, links = _settled(home, url)
        database.db.close()
        with _served(home, url) as office:
            said = _asked_of(office, links, source, unit, edition)
        database.db.connect(reuse_if_open=True)
    what = f"web process while {count:,} rows are uploaded, read and approved, {dialect}"
    note = f"{said.before:.0f} MiB before, {said.peak:.0f} at most; {said.times}"
    yield within(what, max(0.0, said.peak - said.before), MOST_MORE, "MiB more", note)
    busy, idle = said.busy, said.idle
    note = f"worst {max(busy):.2f} s of {len(busy):,} pages ({said.slowest}); "
    note += f"idle {_p99(idle):.3f} s, worst {max(idle):.2f} s"
    yield within(f"… 99 of 100 pages meanwhile, {dialect}", _p99(busy), MOST_WAIT, "s", note)


class _Said(NamedTuple):
    """MiB of the web process, seconds of each page idle and meanwhile, and what took how long."""

    before: float
    peak: float
    idle: list[float]
    busy: list[float]
    slowest: str
    times: str


def _p99(times: list[float]) -> float:
    return sorted(times)[math.ceil(0.99 * len(times)) - 1]


def _settled(home: Path, url: str) -> tuple[Organization, Any, dict[str, str]]:
    """A unit, an edition, and for a clerk and a reviewer the links by which they begin."""
    unit, clerk, reviewer, edition = _people_of_the_office()
    links = {}
    for user, role in ((clerk, Role.CLERK), (reviewer, Role.REVIEWER)):
        Grant.create(user=user, role=role, organization=user.organization, on=AT.date())
        links[user.login] = accounts.make_link(
            User.get_by_id(user.id), by=None, at=clock.real_now()
        )
    (home / DEMO_MARK).write_text(demo_mark(url))  # its day can be fixed, as its people's is
    return unit, edition, links


# ── the office ──────────────────────────────────────────────────────────────────────────────


class _Served(NamedTuple):
    port: int
    pid: int


@contextmanager
def _served(home: Path, url: str) -> Iterator[_Served]:
    """The office's own server on a port of its own, and nothing left of it afterwards."""
    environ = {
        **os.environ, "HUIGONG_HOME": str(home), "HUIGONG_KEYS": str(home / "keys"),
        "DATABASE_URL": url, "HUIGONG_TODAY": AT.date().isoformat(),
    }  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "huigong.cli", "serve", "--port", str(port)]
    with (home / "server.log").open("w+") as log:
        server = subprocess.Popen(command, env=environ, stdout=log, stderr=log)  # noqa: S603 - ours
        try:
            _wait_for(server, port)
            yield _Served(port, server.pid)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read())
            raise
        finally:
            for pid in reversed(_family(server.pid)):  # a worker of its own outlives its server
                os.kill(pid, 15)
            server.wait(30)


def _wait_for(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the office did not begin to serve")


class _Memory(threading.Thread):
    """Watches what a process takes: its resident memory, also between two looks, and the files
    without a name that it holds in memory."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self._pid, self._over = pid, threading.Event()
        self.before = self._looked()
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from here
        self.peak = self.before

    def run(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, self._looked())

    def ended(self) -> _Memory:
        self._over.set()
        self.join()
        self.peak = max(self.peak, _of_status(self._pid, "VmHWM"))
        return self

    def _looked(self) -> float:
        held = 0
        for link in Path(f"/proc/{self._pid}/fd").iterdir():
            try:
                if os.readlink(link).startswith("/memfd:"):
                    held += link.stat().st_blocks * 512
            except OSError:  # closed meanwhile
                continue
        return _of_status(self._pid, "VmRSS") + held / 1024 / 1024


def _of_status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


# ── those who ask it ────────────────────────────────────────────────────────────────────────


class _Browser:
    """One person's browser: a connection kept open, its cookie, and the forms it has seen."""

    def __init__(self, port: int):
        self._port, self._line = port, HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookie = ""

    def twin(self) -> _Browser:
        """Another window of the same person."""
        twin = _Browser(self._port)
        twin.cookie = self.cookie
        return twin

    def get(self, path: str, **headers: str) -> tuple[HTTPResponse, str]:
        return self._asked("GET", path, None, headers)

    def post(self, path: str, form: dict[str, str]) -> str:
        """Send a form from its own page; where it leads."""
        _, page = self.get(path)
        body = urllib.parse.urlencode({**dict(_FIELD.findall(page)), **form})
        kind = "application/x-www-form-urlencoded"
        return self._led("POST", path, body.encode(), {"Content-Type": kind})

    def upload(self, path: str, form: dict[str, str], file: Path) -> str:
        """Send a form with a file, a piece at a time; where it leads."""
        _, page = self.get(path)
        fields, mark = {**dict(_FIELD.findall(page)), **form}, "----huigong-benchmark"
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        opening = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"'
        head = ("".join(parts) + opening + "\r\n\r\n").encode()
        tail = f"\r\n--{mark}--\r\n".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={mark}",
            "Content-Length": str(len(head) + file.stat().st_size + len(tail)),
        }

        def body() -> Iterator[bytes]:
            yield head
            with file.open("rb") as content:
                while piece := content.read(256 * 1024):
                    yield piece
            yield tail

        return self._led("POST", path, body(), headers)

    def _led(self, *asked: Any) -> str:
        answer, page = self._asked(*asked)
        if answer.status != 303:
            wrong = re.findall(r'class="wrong"[^>]*>([^<]+)', page)
            raise RuntimeError(f"{asked[1]} answered {answer.status}: {wrong}")
        return urllib.parse.urlsplit(answer.headers["Location"]).path

    def _asked(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[HTTPResponse, str]:
        try:
            self._line.request(method, path, body, {**headers, "Cookie": self.cookie})
            answer = self._line.getresponse()
        except (HTTPException, ConnectionError):  # closed meanwhile: a browser asks anew
            if method != "GET":
                raise
            self._line.close()
            self._line.request(method, path, body, {**headers, "Cookie": self.cookie})
            answer = self._line.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookie = cookie.split(";", 1)[0]
        return answer, text


def _signed_in(office: _Served, login: str, link: str) -> _Browser:
    browser = _Browser(office.port)
    browser.post(f"/admin/password/{link}", {"password": PASSWORD, "again": PASSWORD})
    browser.post("/admin/sign-in", {"login": login, "password": PASSWORD})
    return browser


class _Others(threading.Thread):
    """Somebody who asks for a page every so often, and how long each took from when it was due."""

    def __init__(self, browser: _Browser, roster: str = ""):
        super().__init__(daemon=True)
        self._browser, self.roster = browser, roster
        self._over, self.wrong = threading.Event(), ""
        self.taken: list[tuple[float, str]] = []

    def run(self) -> None:
        due = time.perf_counter()
        for page in cycle(_ASKED):
            if self._over.wait(max(0.0, due - time.perf_counter())):
                return
            watched = page == "" and self.roster
            there = self.roster if page in ("", "roster") else page
            path = there or "/admin/rosters"
            progress = {"HX-Request": "true", "HX-Target": "work"} if watched else {}
            answer, _ = self._browser.get(path, **progress)
            if answer.status != 200:
                self.wrong = f"{path} answered {answer.status}"
                return
            self.taken.append((time.perf_counter() - due, "progress" if watched else path))
            due += EVERY

    def ended(self) -> list[tuple[float, str]]:
        self._over.set()
        self.join()
        if self.wrong:
            raise RuntimeError(self.wrong)
        return self.taken


def _asked_of(
    office: _Served, links: dict[str, str], source: Path, unit: Organization, edition: Any
) -> _Said:
    """Take the roster through the screens while somebody else works beside."""
    clerk, reviewer = (_signed_in(office, login, link) for login, link in links.items())
    idle = _Others(clerk.twin())
    idle.start()
    time.sleep(IDLE)
    before = [taken for taken, _ in idle.ended()]
    memory, others = _Memory(office.pid), _Others(clerk.twin())
    memory.start()
    others.start()
    form = {
        "unit": str(unit.id), "edition": edition.code, "cover_from": AT.date().isoformat(),
        "rest_by": "unit", "kind": "",
    }  # fmt: skip
    times, steps = [], time.perf_counter()

    def done(what: str) -> None:
        nonlocal steps
        now = time.perf_counter()
        times.append(f"{what} {now - steps:.1f}")
        steps = now

    others.roster = roster = clerk.upload("/admin/rosters/new", form, source)
    done("upload")
    _work_over(clerk, roster)
    done("read")
    clerk.post(f"{roster}/submit", {})
    done("submit")
    reviewer.post(f"{roster}/approve", {})
    _work_over(reviewer, roster)
    done("approve")
    _, page = reviewer.get(roster)
    if "已批准" not in page:
        raise RuntimeError(f"{roster} was not approved")
    taken, memory = others.ended(), memory.ended()
    slowest = ", ".join(f"{path} {worst:.2f}" for path, worst in _worst(taken))
    busy, took = [seconds for seconds, _ in taken], " s, ".join(times) + " s"
    return _Said(memory.before, memory.peak, before, busy, slowest, took)


def _work_over(browser: _Browser, roster: str) -> None:
    """Watch a roster's progress as its page does, until it says that the work is over."""
    while True:
        answer, _ = browser.get(roster, **{"HX-Request": "true", "HX-Target": "work"})
        if answer.headers.get("HX-Refresh"):
            return
        time.sleep(2)


def _worst(taken: list[tuple[float, str]]) -> list[tuple[str, float]]:
    """Each page with its longest time, the slowest first."""
    most: dict[str, float] = {}
    for seconds, path in taken:
        most[path] = max(seconds, most.get(path, 0.0))
    return sorted(most.items(), key=lambda item: -item[1])


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    for name in sys.argv[2:] or ["sqlite", "postgresql"]:
        for row in a_city(name, asked):
            print(*row, flush=True)
