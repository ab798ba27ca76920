"""Contestants that take turns in one run: medians, and ratios that hold on other machines too."""

import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import NamedTuple

import anyio


class Lap(NamedTuple):
    """What a contestant reached in a round: records a second, and microseconds of its own CPU time for each."""

    speed: float
    cost: float


class Stopwatch:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._spent = time.process_time()

    def lap(self, count: int) -> Lap:
        """So many records were moved."""
        cost = (time.process_time() - self._spent) / count * 1e6
        return Lap(count / (time.perf_counter() - self._began), cost)


def compare(rounds: int, contestants: Mapping[str, Callable[[], Awaitable[Lap]]]) -> None:
    """Run all in turn, several rounds, and print the medians of what they reach, beside the first of them.

    Ratios are of one round each, for whoever shares the machine slows down all of a round.
    """
    gc.collect()
    gc.freeze()  # as bootstrap does, once everything is loaded
    laps: dict[str, list[Lap]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            laps[name].append(anyio.run(contestant))
    first = next(iter(laps.values()))
    for name, found in laps.items():
        faster = sorted(lap.speed / other.speed for lap, other in zip(found, first, strict=True))
        dearer = median(lap.cost / other.cost for lap, other in zip(found, first, strict=True))
        speed = f"{median(lap.speed for lap in found):>9,.0f} records/s"
        ratio = f"{median(faster):7.2f} x the first ({faster[0]:.2f} to {faster[-1]:.2f})"
        print(f"{name:36} {speed} {ratio}, CPU {median(lap.cost for lap in found):7.1f} us each ({dearer:.3f} x)")
