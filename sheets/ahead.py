"""What another process says, taken from it ahead of need by a thread of this one."""

import queue
import threading
from collections.abc import Iterable


class Ahead:
    """The messages of another process, up to `most` of them at hand, so that a pause of one side
    does not hold up the other. Ends with an empty one."""

    def __init__(self, messages: Iterable[bytes], *, most: int):
        self._messages, self._closing = messages, threading.Event()
        self._ready: queue.Queue[bytes] = queue.Queue(maxsize=most)
        self._feeder = threading.Thread(target=self._feed, daemon=True)
        self._feeder.start()

    def take(self, seconds: float) -> bytes | None:
        """The next message, or None when there is none so soon."""
        try:
            return self._ready.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Take no more. What the thread waits for has to have ended already."""
        self._closing.set()
        self._feeder.join()

    def _feed(self) -> None:
        for message in self._messages:
            if not self._offer(message):
                return
        self._offer(b"")

    def _offer(self, message: bytes) -> bool:
        while not self._closing.is_set():
            try:
                self._ready.put(message, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
