"""Back-off: the delay before a child starts again."""

from collections.abc import Callable
from typing import Final

# Seconds. The first is short, so that one death costs next to nothing; the longest still lets a child be back soon
# after the trouble that kills it has ended.
FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 5.0

# Seconds of a life after which a child counts as healthy: its next death gets the first delay again. Twice the longest
# delay, so that a child that dies at each start never counts as healthy.
HEALTHY_UPTIME: Final = 10.0


class Backoff:
    """Delays of one child: doubling from FIRST_DELAY to LONGEST_DELAY, with full jitter (anything from 0 to that).

    Full jitter spreads children that died of one cause, so that they do not all return at once.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._ceiling = FIRST_DELAY

    def next(self, uptime: float) -> float:
        """Seconds to wait after a life of `uptime` seconds."""
        if uptime >= HEALTHY_UPTIME:
            self._ceiling = FIRST_DELAY
        delay = self._ceiling * self._random()
        self._ceiling = min(LONGEST_DELAY, self._ceiling * 2)
        return delay
