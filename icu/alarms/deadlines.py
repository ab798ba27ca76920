"""Next ticks of all patients, the earliest first.

Each ordinary reading moves the deadline of silence forward. The entry of its patient stays where it is, and is moved
when its time comes.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from icu.alarms.bands import INFINITE


class Deadlines:
    """Server's time of each patient's next tick, or an earlier one. INFINITE: only a reading or a command matters."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        # By patient: the entry that counts. Others are left over.
        self._times: Final[dict[int, int]] = {}

    @property
    def next(self) -> int | None:
        """Time before which no tick is needed. None: none is."""
        return self._heap[0][0] if self._heap and self._heap[0][0] < INFINITE else None

    def put(self, key: int, time: int) -> None:
        """Set the next tick of a patient."""
        if self._times.get(key) != time:
            self._times[key] = time
            heappush(self._heap, (time, key))
        if len(self._heap) > 4 * len(self._times) + 64:
            self._heap = [(time, key) for key, time in self._times.items()]
            heapify(self._heap)
        self._drop_outdated()

    def remove(self, key: int) -> None:
        """Forget a patient."""
        self._times.pop(key, None)
        self._drop_outdated()

    def passed(self, now: int, time_of: Callable[[int], int]) -> list[int]:
        """Return the patients whose next tick is due, sorted. They stay due until another time is set.

        Args:
            now: Server's time.
            time_of: Time of a patient's next tick, as it stands now.
        """
        heap, times = self._heap, self._times
        found: set[tuple[int, int]] = set()
        while heap and heap[0][0] <= now:
            entry, key = heap[0]
            if times.get(key) != entry:
                heappop(heap)
            elif (time := time_of(key)) > now:
                times[key] = time
                heapreplace(heap, (time, key))
            else:
                found.add(heappop(heap))
        for each in found:
            heappush(heap, each)
        self._drop_outdated()
        return sorted(key for _, key in found)

    def _drop_outdated(self) -> None:
        while self._heap and self._times.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
