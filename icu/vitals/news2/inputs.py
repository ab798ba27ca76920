"""Values that count for NEWS2 at a time: of each sign the last valid one, until it is too old.

Times are milliseconds since 1970 UTC. A pressure is as old as its measurement: between two inflations of a cuff the
last value stands, and each reading repeats it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from icu.vitals.news2.score import ASSUMED, Entered, Inputs, Measured, Score, score

_MILLISECONDS: Final = 1_000


class Row(NamedTuple):
    """Values of one reading that may count: hundredths; None where there is no value, or a doubtful one."""

    time: int
    resp_rate: int | None = None
    spo2: int | None = None
    systolic: int | None = None
    pulse: int | None = None
    temperature: int | None = None
    # Time of measurement of the pressure; None if it is the reading's.
    pressure_time: int | None = None


class Ages(NamedTuple):
    """Greatest ages of values that count, in milliseconds, in the order of Inputs."""

    resp_rate: int
    spo2: int
    systolic: int
    pulse: int
    temperature: int


class MaxAges(Struct, frozen=True):
    """Rule for the greatest ages of values that count. The defaults are this project's own."""

    # Of pulse, breaths and saturation, seconds; or so many intervals of the sender, if that is more.
    continuous: float = 60.0
    intervals: float = 1.5
    # Seconds.
    pressure: float = 1_800.0
    temperature: float = 14_400.0

    def of(self, interval: float | None) -> Ages:
        """Apply the rule to a sender's interval, in seconds; None if it states none."""
        continuous = _milliseconds(max(self.continuous, self.intervals * (interval or 0)))
        pressure, temperature = _milliseconds(self.pressure), _milliseconds(self.temperature)
        return Ages(continuous, continuous, pressure, continuous, temperature)


class _Newest:
    """The newest valid value of each sign."""

    def __init__(self) -> None:
        self._values: list[Measured | None] = [None] * len(Inputs._fields)

    def add(self, row: Row) -> None:
        """Take the next reading, oldest first."""
        time, resp_rate, spo2, systolic, pulse, temperature, pressure_time = row
        values = self._values
        if resp_rate is not None:
            values[0] = Measured(resp_rate, time)
        if spo2 is not None:
            values[1] = Measured(spo2, time)
        if systolic is not None:
            measured = Measured(systolic, time if pressure_time is None else pressure_time)
            # An older measurement that is sent again does not take the place of a newer one.
            if values[2] is None or values[2].time <= measured.time:
                values[2] = measured
        if pulse is not None:
            values[3] = Measured(pulse, time)
        if temperature is not None:
            values[4] = Measured(temperature, time)

    def inputs(self, at: int, ages: Ages) -> Inputs:
        """Return the values that are not too old at a time."""
        return Inputs(
            *(
                value if value is not None and at - value.time <= age else None
                for value, age in zip(self._values, ages, strict=True)
            )
        )


class Trend:
    """Scores at times, while readings come in their order.

    Args:
        times: Ascending.
        ages: Greatest ages of values that count.
        entered: Inputs that were entered, oldest first, each with the time from which it holds.
    """

    def __init__(self, times: Iterable[int], ages: Ages, entered: Sequence[tuple[int, Entered]] = ()) -> None:
        self._times = iter(times)
        self._next = next(self._times, None)
        self._ages = ages
        self._since = [since for since, _ in entered]
        self._entered = [each for _, each in entered]
        self._newest = _Newest()

    def add(self, rows: Iterable[Row]) -> list[Score]:
        """Take the next readings, oldest first, and return the scores that they complete."""
        scores: list[Score] = []
        for row in rows:
            while self._next is not None and self._next < row.time:
                scores.append(self._score(self._next))
            self._newest.add(row)
        return scores

    def finish(self) -> list[Score]:
        """Return the scores of all times that are left: no reading comes any more."""
        scores: list[Score] = []
        while self._next is not None:
            scores.append(self._score(self._next))
        return scores

    def _score(self, time: int) -> Score:
        self._next = next(self._times, None)
        place = bisect_right(self._since, time)
        entered = self._entered[place - 1] if place else ASSUMED
        return score(self._newest.inputs(time, self._ages), entered, time)


def score_at(rows: Iterable[Row], time: int, ages: Ages, entered: Entered = ASSUMED) -> Score:
    """Compute the score at a time from a patient's recent readings, oldest first. Later ones do not count."""
    newest = _Newest()
    for row in rows:
        if row.time <= time:
            newest.add(row)
    return score(newest.inputs(time, ages), entered, time)


def _milliseconds(seconds: float) -> int:
    return round(seconds * _MILLISECONDS)
