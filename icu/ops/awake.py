"""An event loop whose clock stops while this process is suspended.

A process may be suspended for minutes: Ctrl-Z, SIGSTOP, `docker pause`, a machine that is hopelessly busy. The system's
clock goes on meanwhile, so that every deadline would have passed at the first look afterwards, before the loop could
read what had arrived in time. On this clock a suspension takes no time, as on a laptop that is shut: each deadline
keeps what was left of it. That holds for all timers of the loop, those of libraries too. Code that needs the time that
passed outside calls `time.monotonic`.
"""

import asyncio
import selectors
import time
from typing import Final

# Seconds that one call of select may take. Between two calls a running process needs less than that, so a longer gap
# is a suspension.
SELECT_LIMIT: Final = 0.5


class AwakeSelector(selectors.DefaultSelector):
    """A selector that wakes up every SELECT_LIMIT seconds, and counts the time in which this process ran."""

    def __init__(self) -> None:
        super().__init__()
        # Seconds up to the last call of select, and the system's time of that call.
        self._counted = self._since = time.monotonic()
        # This clock's time of the last suspension.
        self._suspended_at = self._counted - SELECT_LIMIT

    def time(self) -> float:
        """Seconds since an arbitrary beginning. Never goes back, and stops SELECT_LIMIT after the last select."""
        return self._counted + min(time.monotonic() - self._since, SELECT_LIMIT)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for events as the base class does, for SELECT_LIMIT seconds at most: the loop calls again."""
        asked = SELECT_LIMIT if timeout is None else min(timeout, SELECT_LIMIT)
        self._counted = self.time()
        began = time.monotonic()
        events = super().select(asked)
        self._since = time.monotonic()
        waited = self._since - began
        if waited <= asked + SELECT_LIMIT:
            self._counted += waited
        elif self._counted - self._suspended_at < SELECT_LIMIT:
            # Suspended again at once: the machine is hopelessly busy. Count what was asked for, or no timer would end.
            self._counted += asked
        else:
            self._suspended_at = self._counted
        return events


class AwakeLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on the clock of an AwakeSelector."""

    def __init__(self) -> None:
        self._awake_selector = AwakeSelector()
        super().__init__(self._awake_selector)

    def time(self) -> float:
        """Seconds in which this process ran, since an arbitrary beginning."""
        return self._awake_selector.time()
