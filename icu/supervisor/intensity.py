"""Restart intensity: how often children may die before their supervisor gives up."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intensity:
    """The limit of deaths: more than `restarts` within `period` seconds are too many."""

    restarts: int = 10
    period: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a negative number and a period of 0 s, by ValueError."""
        if self.restarts < 0 or not self.period > 0:
            raise ValueError(
                f"{self.restarts} restarts in {self.period:g} s make no sense: 0 in more than 0 s are the least"
            )


class DeathCounter:
    """The deaths within a sliding window."""

    def __init__(self, intensity: Intensity) -> None:
        self._period = intensity.period
        # One more than allowed is enough to tell that they are too many.
        self._times: deque[float] = deque(maxlen=intensity.restarts + 1)

    def add(self, now: float) -> int:
        """Count a death.

        Args:
            now: Seconds on any clock that never goes back.

        Returns:
            The deaths within the period, this one included; at most `restarts` + 1.
        """
        self._times.append(now)
        while self._times[0] < now - self._period:
            self._times.popleft()
        return len(self._times)
