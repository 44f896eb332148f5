"""A long piece of work done by a second process, which hands over what it has as it goes.

The process is a copy of this one: it knows what this one knew when it began, the office's keys
among it. It must leave the database alone, whose connection it shares.
"""

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

from huigong.refusals import Refused
from huigong.sheets.ahead import Ahead

T = TypeVar("T")

CAN_COPY: Final = hasattr(os, "fork")  # Windows cannot
_LOOK: Final = 0.2  # seconds between two looks whether to go on
_AHEAD: Final = 100  # parts held ready
_PATIENCE: Final = 2.0  # seconds that it may take to end
_GIVES_WAY: Final = 5  # of 19: to the process that keeps what it makes, which holds the write lock


def beside(work: Callable[[], Iterator[T]], *, waiting: Callable[[], object]) -> Iterator[T]:
    """What `work` yields, made by a copy of this process ahead of need.

    `waiting` is called while there is nothing yet, and ends the work by raising. Raises what the
    work refused, and RuntimeError when it ended otherwise.
    """
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(work, here, there), daemon=True)
    process.start()
    there.close()
    ahead = Ahead(_messages(here), most=_AHEAD)
    try:
        yield from _parts(ahead, waiting)
    finally:
        process.terminate()
        process.join(_PATIENCE)
        process.kill()
        process.join()
        ahead.close()
        here.close()


def _parts(ahead: Ahead, waiting: Callable[[], object]) -> Iterator[Any]:
    while True:
        message = ahead.take(_LOOK)
        if message is None:
            waiting()
            continue
        if not message:
            raise RuntimeError("the process beside this one ended before its work was done")
        said, part = pickle.loads(message)  # noqa: S301 - written by a copy of this process
        if said == "refused":
            raise Refused.all(part)
        if said == "end":
            return
        yield part


def _messages(here: Connection) -> Iterator[bytes]:
    while True:
        try:
            yield here.recv_bytes()
        except (EOFError, OSError):  # an OSError when it was killed half way through a message
            return


def _do(work: Callable[[], Iterator[Any]], here: Connection, there: Connection) -> None:
    """In the copy: do the work, and say how it ended."""
    here.close()  # so that the pipe breaks when the other process is gone
    os.nice(_GIVES_WAY)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what it opened is closed

    def say(what: str, part: Any) -> None:
        there.send_bytes(pickle.dumps((what, part), pickle.HIGHEST_PROTOCOL))

    try:
        for part in work():
            say("part", part)
        say("end", None)
    except Refused as refused:
        say("refused", refused.faults)
    except BrokenPipeError:
        sys.exit(1)  # nobody is there to take it any more
