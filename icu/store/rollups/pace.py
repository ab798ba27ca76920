"""Size of the upkeep's transactions: as much as they can write in a time for which the sink may wait."""

from collections.abc import Callable
from typing import Final

# Seconds that a transaction should hold the write lock: half of what it may, for it cannot be foreseen exactly.
TARGET: Final = 0.01

# An hour from its minutes takes as long as this number of minutes: 80 us and 6.
HOUR_MINUTES: Final = 15

# Minutes that are written in the first transaction, at most, and at least. Those of one patient's hour may have to be
# written at once anyway, and beside a transaction's own cost they take little.
FIRST: Final = 300
MOST: Final = 2_000
LEAST: Final = 60 + HOUR_MINUTES


class Pace:
    """Pace of the writing.

    Args:
        clock: Seconds of a steady clock.
        minutes: Minutes to write in the first transaction.
        most: Minutes to write in one transaction at most.
    """

    def __init__(self, clock: Callable[[], float], minutes: int, *, most: int = MOST) -> None:
        self._clock = clock
        self._minutes = float(minutes)
        self._least = min(self._minutes, LEAST)
        self._most = float(most)
        self._began = 0.0

    def units(self, minutes: int) -> int:
        """Return the number of units, of so many minutes each, for the next transaction."""
        return max(1, int(self._minutes) // minutes)

    def begin(self) -> None:
        """Note that the write lock was taken."""
        self._began = self._clock()

    def end(self, minutes: int) -> None:
        """Note that so many minutes were written, and the lock was released."""
        taken = max(self._clock() - self._began, 1e-6)
        # In small steps: a checkpoint that falls into one says little about the next.
        wanted = minutes * TARGET / taken
        self._minutes = min(max(wanted, self._minutes / 2, self._least), self._minutes * 1.5, self._most)
