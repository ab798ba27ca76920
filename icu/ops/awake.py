"""An event loop whose clock counts the time in which this process ran.

A process may stand still for minutes: Ctrl-Z, SIGSTOP, `docker pause`, a machine that is hopelessly busy. The system's
clock goes on meanwhile, so that every deadline would have passed at the first look afterwards, before anybody who kept
it could be heard. Here the standstill takes no time, as with a laptop that is shut: what is left of each deadline is
left to it still. That holds for all that counts by the loop, in the libraries too. Who needs the time that has passed
outside asks `time.monotonic`.
"""

import asyncio
import selectors
import time
from typing import Final

# Seconds. A process that runs takes no longer between two looks for what has arrived, or is late by less.
BEAT: Final = 0.5


class AwakeSelector(selectors.DefaultSelector):
    """Looks for what has arrived, at least once a beat, and counts the time for it and between."""

    def __init__(self) -> None:
        super().__init__()
        self._counted = self._since = time.monotonic()
        # When it last did so, on this clock.
        self._stood_still = self._counted - BEAT

    def time(self) -> float:
        """Seconds of an arbitrary beginning. Never goes back, and stops a beat after the last look."""
        return self._counted + min(time.monotonic() - self._since, BEAT)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the library has it, for a beat at most: the loop asks again."""
        asked = BEAT if timeout is None else min(timeout, BEAT)
        self._counted = self.time()
        began = time.monotonic()
        events = super().select(asked)
        self._since = time.monotonic()
        waited = self._since - began
        if waited <= asked + BEAT:
            self._counted += waited
        elif self._counted - self._stood_still < BEAT:
            # Again and again, on a machine that is hopelessly busy: what is waited for there must come all the same.
            self._counted += asked
        else:
            self._stood_still = self._counted
        return events


class AwakeLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on such a clock."""

    def __init__(self) -> None:
        self._looks = AwakeSelector()
        super().__init__(self._looks)

    def time(self) -> float:
        """Seconds in which this process ran, counted from an arbitrary beginning."""
        return self._looks.time()
