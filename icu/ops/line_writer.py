"""A thread that writes lines to readers that may stall, so that nobody else waits for them.

A stalled reader (a full pipe, a terminal after Ctrl-S) would otherwise block the event loop, and with it the response
to SIGTERM. The thread writes to the descriptor itself: while it is stuck it holds no lock of Python's own streams, so
that the process can end.
"""

import atexit
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import Final

# Pending lines. Further ones are dropped: memory is bounded, however long the reader stalls.
MAX_LINES: Final = 10_000

# Seconds that the exit of the process waits for the reader.
FLUSH_TIMEOUT: Final = 1.0


class LineWriter:
    """Pending lines in their order, and the thread that writes them."""

    def __init__(self, on_dropped: Callable[[int], None]) -> None:
        """Prepare a writer. Its thread starts with the first line.

        Args:
            on_dropped: Called in the thread with the number of dropped lines, once the reader goes on.
        """
        self._on_dropped = on_dropped
        self._lines: deque[tuple[int, bytes]] = deque()
        self._dropped = 0
        self._changed = Condition()
        self._thread: Thread | None = None

    def put(self, descriptor: int, line: bytes) -> None:
        """Queue a line. Never waits."""
        with self._changed:
            if len(self._lines) >= MAX_LINES:
                self._dropped += 1
                return
            self._lines.append((descriptor, line))
            self._changed.notify_all()
            if self._thread is None:
                # A daemon, so that a stalled reader does not keep the process: atexit gives it FLUSH_TIMEOUT instead.
                self._thread = Thread(target=self._write_all, name="log", daemon=True)
                self._thread.start()
                atexit.register(self.flush)

    def flush(self, seconds: float = FLUSH_TIMEOUT) -> bool:
        """Wait at most `seconds` until no line is pending. Returns True if none is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines, seconds)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                descriptor, line = self._lines[0]
            # Written outside the lock, which `put` needs, and taken off afterwards, so that `flush` waits for it.
            _write(descriptor, line)
            self._report_dropped()
            with self._changed:
                self._lines.popleft()
                self._changed.notify_all()

    def _report_dropped(self) -> None:
        # Behind the last pending line, where the dropped ones would stand.
        with self._changed:
            dropped = self._dropped if len(self._lines) == 1 else 0
            self._dropped -= dropped
        if dropped:
            self._on_dropped(dropped)


def _write(descriptor: int, line: bytes) -> None:
    # A closed reader is no error of ours, and there is no other place to report it.
    with suppress(OSError):
        while line:
            line = line[os.write(descriptor, line) :]
