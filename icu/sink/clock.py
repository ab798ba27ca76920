"""Wall clock, whose jumps are told by the event loop's clock, which has none."""

from collections.abc import Callable
from typing import Final

import anyio

# Seconds. Less is a clock that is being slewed, which adds up to a jump sooner or later.
_TOLERANCE: Final = 1.0


class Clock:
    """Server's time. `wall` returns seconds since 1970."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._offset = self._offset_now()

    def now(self) -> int:
        """Return the time, in milliseconds since 1970 UTC."""
        return round(self._wall() * 1000)

    @property
    def jump(self) -> int:
        """Milliseconds by which the clock was set forward, not accepted yet; negative if it was set back."""
        by = self._offset_now() - self._offset
        return 0 if abs(by) < _TOLERANCE else round(by * 1000)

    def accept(self, jump: int) -> None:
        """Note that everything has followed a jump."""
        self._offset += jump / 1000

    def _offset_now(self) -> float:
        return self._wall() - anyio.current_time()
