"""Lines on their way to a reader that may stall: a thread writes them, so that nobody else waits.

A reader that stops (a full pipe, a terminal after Ctrl-S) would otherwise stop whoever writes: the event loop, and with
it the answer to SIGTERM. The thread writes to the descriptor itself: while it is stuck it holds no lock of Python's own
streams, and the process can end.
"""

import atexit
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import Final

# Lines that wait for the reader; those that come on top are dropped.
MAX_LINES: Final = 10_000

# Seconds that the end of the process waits for the reader.
FLUSH_TIMEOUT: Final = 1.0


class LineWriter:
    """What was not written yet, in its order. `on_dropped` is told how many lines were dropped, once it goes on."""

    def __init__(self, on_dropped: Callable[[int], None]) -> None:
        self._on_dropped = on_dropped
        self._lines: deque[tuple[int, bytes]] = deque()
        self._dropped = 0
        self._changed = Condition()
        self._thread: Thread | None = None

    def put(self, descriptor: int, line: bytes) -> None:
        """Have the line written after those before it. Never waits."""
        with self._changed:
            if len(self._lines) >= MAX_LINES:
                self._dropped += 1
                return
            self._lines.append((descriptor, line))
            self._changed.notify_all()
            if self._thread is None:
                self._thread = Thread(target=self._write_all, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.flush)

    def flush(self, seconds: float = FLUSH_TIMEOUT) -> bool:
        """Wait until everything is written, but not for long; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines, seconds)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                descriptor, line = self._lines[0]
            _write(descriptor, line)
            self._tell_dropped()
            with self._changed:
                self._lines.popleft()
                self._changed.notify_all()

    def _tell_dropped(self) -> None:
        """Behind the last line that waits, so that it stands where lines are missing."""
        with self._changed:
            dropped = self._dropped if len(self._lines) == 1 else 0
            self._dropped -= dropped
        if dropped:
            self._on_dropped(dropped)


def _write(descriptor: int, line: bytes) -> None:
    # A reader that went away is no error of ours, and there is nowhere to tell of it.
    with suppress(OSError):
        while line:
            line = line[os.write(descriptor, line) :]
