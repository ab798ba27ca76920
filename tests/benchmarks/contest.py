"""Contestants that take turns in one run: medians, and ratios that hold on other machines too."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from icu.bootstrap.process import tune_interpreter


class Lap(NamedTuple):
    """Result of a contestant in one round: operations a second, and microseconds of CPU time for each."""

    speed: float
    cost: float


class Ratio(NamedTuple):
    """Ratio of two contestants: median, lowest and highest of the rounds."""

    usual: float
    least: float
    most: float


class Stopwatch:
    """Wall clock and CPU time of this process, since the stopwatch was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._spent = time.process_time()

    def lap(self, count: int) -> Lap:
        """Return the result for this number of records."""
        cost = (time.process_time() - self._spent) / count * 1e6
        return Lap(count / (time.perf_counter() - self._began), cost)


def compare(
    rounds: int, contestants: Mapping[str, Callable[[], Lap]], *, beside: Sequence[str] = (), unit: str = "records"
) -> Mapping[str, Sequence[Lap]]:
    """Run all contestants in turn, several rounds, and print medians, and ratios to those in `beside`.

    Without any in `beside` it is the first. Above 1 is better: faster, or of less CPU time. Ratios are of one round
    each, for whoever shares the machine slows down all of a round.
    """
    gc.collect()
    tune_interpreter()  # as every role does, once everything is loaded
    laps: dict[str, list[Lap]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            laps[name].append(contestant())
    tell(laps, beside or list(contestants)[:1], unit)
    return laps


def tell(laps: Mapping[str, Sequence[Lap]], beside: Sequence[str], unit: str) -> None:
    """Print a line for each contestant."""
    headings = "".join(f" | beside {each[:33]:33}" for each in beside)
    print(f"{'':38} {unit + '/s':>10} {'us CPU each':>11}{headings}".rstrip())
    for name, found in laps.items():
        speed, cost = (median(figures) for figures in zip(*found, strict=True))
        ratios = "".join(f" | {_ratios(found, laps[each]):40}" for each in beside)
        print(f"{name:38} {_short(speed):>10} {cost:>11,.1f}{ratios}".rstrip())


def ratio(numbers: Sequence[float], others: Sequence[float]) -> Ratio:
    """Compute the ratio of the first to the second, round by round."""
    found = [each / other for each, other in zip(numbers, others, strict=True)]
    return Ratio(median(found), min(found), max(found))


def _ratios(laps: Sequence[Lap], others: Sequence[Lap]) -> str:
    faster = ratio([each.speed for each in laps], [each.speed for each in others])
    cheaper = ratio([each.cost for each in others], [each.cost for each in laps])
    spread = f"({_short(cheaper.least)} to {_short(cheaper.most)})"
    return f"{_short(faster.usual):>5} x, CPU {_short(cheaper.usual):>5} x {spread}"


def _short(number: float) -> str:
    """Format a number with at least three digits."""
    digits = 5 if number < 0.01 else 2 if number < 10 else 1 if number < 100 else 0
    return f"{number:,.{digits}f}"
