"""How long a child waits before it starts again."""

from collections.abc import Callable
from typing import Final

FIRST: Final = 0.1
LONGEST: Final = 5.0
# A child that ran so many seconds is taken for healthy: its next death waits like a first one.
#
# Twice the longest wait, so that a child which dies at each start never counts as healthy.
SETTLED: Final = 10.0


class Backoff:
    """Waits of one child: doubling from FIRST up to LONGEST, with full jitter (anything from 0 to that).

    Full jitter spreads children that died of one cause, so that they don't return all at once.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._ceiling = FIRST

    def next(self, uptime: float) -> float:
        """Seconds to wait now, after a life that ran for `uptime` seconds."""
        if uptime >= SETTLED:
            self._ceiling = FIRST
        delay = self._ceiling * self._random()
        self._ceiling = min(LONGEST, self._ceiling * 2)
        return delay
