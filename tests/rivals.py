"""Real processes that do deeds at the same moment: started once, then told what to do by line.

`before` runs unhurried and leaves what it read, stale by the time the others have won; `deed`
begins in all of them at one agreed moment.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

COUNT = 3
_HEAD_START = 0.02  # seconds, until everybody has read when to begin
WORDS = """
from datetime import date, datetime
from pathlib import Path
from huigong.models import *
from huigong.refusals import Lost, Refused
from huigong.workflows import (
    claims, drafting, enrollment, funding, incomes, organizations, payouts, statements,
    top_ups, transfers,
)
from huigong.workflows.enrollment import jobs, reorganizing
at, day = datetime(2024, 12, 16, 9), date(2024, 12, 16)
"""


class Rivals:
    """Some processes at the doors of one office."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def race(self, office: Any, before: str, deed: str, *, count: int = COUNT) -> list[str]:
        """How each fared: "won", "lost …" or "refused …". Anything else fails the test; so does
        a process that somebody killed."""
        try:
            told = self.begin(office, before, deed, count=count)
            answers = [self._heard(rival) for rival in told]
        except AssertionError:
            self._dismiss()
            raise
        crashed = [said for said in answers if not said.startswith(("won", "lost", "refused"))]
        assert not crashed, "\n".join(crashed)
        return answers

    def begin(self, office: Any, before: str, deed: str, *, count: int = COUNT) -> list[Any]:
        """The processes, at work on the deed."""
        for gone in [rival for rival in self._running if rival.poll() is not None]:
            self._running.remove(gone)
            _closed(gone)
        while len(self._running) < count:
            self._running.append(_started())
        told = self._running[:count]
        for me, rival in enumerate(told):
            settings = {"url": office.database_url, "keys": str(office.keys)}
            _say(rival, {**settings, "files": str(office.files), "home": str(office.home),
                         "me": me, "before": before, "deed": deed})  # fmt: skip
        for rival in told:
            assert (heard := self._heard(rival)) == "ready", heard
        moment = time.monotonic() + _HEAD_START
        for rival in told:
            _say(rival, moment)
        return told

    @staticmethod
    def _heard(rival: Any) -> str:
        line = rival.stdout.readline()
        return json.loads(line) if line else f"process ended with {rival.wait()}"

    def _dismiss(self) -> None:
        """Nobody who waits for a moment that never comes answers the next test."""
        for rival in self._running:
            rival.kill()
        self.go_home()

    def go_home(self) -> None:
        for rival in self._running:
            _closed(rival)
        self._running = []


def _started() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parent,
    )  # fmt: skip


def _closed(rival: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(BrokenPipeError):
        rival.stdin.close()  # type: ignore[union-attr]
    rival.wait(timeout=30)
    rival.stdout.close()  # type: ignore[union-attr]


def _say(rival: Any, what: Any) -> None:
    rival.stdin.write(json.dumps(what) + "\n")
    rival.stdin.flush()


def main() -> None:
    """One rival, until its input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # what a deed prints is not an answer

    def answer(words: str) -> None:
        answers.write(json.dumps(words) + "\n")
        answers.flush()

    words: dict[str, Any] = {}
    exec(WORDS, words)  # noqa: S102 our own tests' words
    for line in sys.stdin:
        told = json.loads(line)
        try:
            with _at_the_office(told):
                here = {**words, "me": told["me"], "folder": Path(told["files"]), "told": told}
                exec(told["before"], here)  # noqa: S102
                answer("ready")
                moment = json.loads(sys.stdin.readline())
                time.sleep(max(0.0, moment - time.monotonic() - 0.002))
                while time.monotonic() < moment:
                    pass
                answer(_fared(told["deed"], here))
        except Exception:
            answer(traceback.format_exc())


@contextlib.contextmanager
def _at_the_office(told: dict[str, Any]) -> Any:
    from builders import TODAY

    from huigong import clock, database, vault

    clock.fix(TODAY)
    vault.unlock(Path(told["keys"]))
    database.connect_to(told["url"])
    database.db.connect()
    try:
        yield
    finally:
        if not database.db.is_closed():
            database.db.close()


def _fared(deed: str, here: dict[str, Any]) -> str:
    from huigong.refusals import Lost, Refused

    try:
        exec(deed, here)  # noqa: S102
    except Lost as lost:
        return f"lost {lost}"
    except Refused as refused:
        return f"refused {refused}"
    return f"won {here.get('said', '')}".strip()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
