"""How often children may die before their supervisor gives up."""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Intensity:
    """More than `restarts` deaths within `period` seconds are too many."""

    restarts: int = 10
    period: float = 60.0

    def __post_init__(self) -> None:
        """ValueError for what nothing can be counted by."""
        if self.restarts < 0 or not self.period > 0:
            raise ValueError(
                f"{self.restarts} restarts in {self.period:g} s make no sense: 0 in more than 0 s are the least"
            )


class DeathCounter:
    """The deaths within the sliding window. Holds no more of them than are needed to tell that they are too many."""

    def __init__(self, intensity: Intensity) -> None:
        self._period = intensity.period
        self._times: deque[float] = deque(maxlen=intensity.restarts + 1)

    def add(self, now: float) -> int:
        """Note a death; returns how many there were within the period, this one included."""
        self._times.append(now)
        while self._times[0] < now - self._period:
            self._times.popleft()
        return len(self._times)
