"""A real demonstration office served to a real browser, with and without JavaScript.

Where Chromium is not installed the journeys say so and are skipped; in CI a skip is a failure.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

WIDTHS = {"desktop": 1280, "phone": 360}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DemoOffice:
    """A demonstration office on this machine: its address and its folder."""

    def __init__(self, home: Path, database_url: str):
        self.home = home
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environ = {**os.environ, "DATABASE_URL": database_url}
        environ["HUIGONG_HOME"] = str(home)
        self.environ = environ
        self._log = (home.parent / "server.log").open("w")
        command = [sys.executable, "-m", "huigong.cli", "demo", "--port", str(self.port)]
        self._server = subprocess.Popen(command, env=environ, stdout=self._log, stderr=self._log)

    def wait(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/admin/sign-in", timeout=2).close()  # noqa: S310 our own server
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert self._server.poll() is None, Path(self._log.name).read_text()
                time.sleep(0.2)
            else:
                return
        raise AssertionError(f"no answer in {seconds} s: {Path(self._log.name).read_text()}")

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait(10)
        self._log.close()

    def walk_file(self, name: str) -> Path:
        return self.home / "演示文件" / name


@pytest.fixture
def demo(tmp_path: Path, unfurnished: str) -> Iterator[DemoOffice]:
    """A fresh demonstration office for one journey, on the database that the suite runs on."""
    office = DemoOffice(tmp_path / "instance", unfurnished)
    try:
        office.wait()
        yield office
    finally:
        office.stop()
