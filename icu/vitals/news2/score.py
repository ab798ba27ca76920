"""NEWS2 of one patient at one time, from the values that count then. Times are milliseconds since 1970 UTC."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from icu.vitals import catalogue
from icu.vitals.news2 import chart
from icu.vitals.news2.chart import Bands, Category, Consciousness, Scale

# Signs that are inputs, in the order of the chart.
SIGNS: Final = (catalogue.RESP_RATE, catalogue.SPO2, catalogue.SYSTOLIC, catalogue.PULSE, catalogue.TEMPERATURE)


class Measured(NamedTuple):
    """A value that counts."""

    # Of the sign's unit.
    hundredths: int
    time: int


class Inputs(NamedTuple):
    """Values that count at one time, in the order of SIGNS; None where there is none."""

    resp_rate: Measured | None = None
    spo2: Measured | None = None
    systolic: Measured | None = None
    pulse: Measured | None = None
    temperature: Measured | None = None


class Entered(Struct, frozen=True):
    """Inputs that no monitor measures. The defaults are assumptions, which nobody entered."""

    oxygen: bool = False
    consciousness: Consciousness = "alert"
    scale: Scale = 1
    # Name of the person, and time; None for the assumptions.
    by: str | None = None
    at: int | None = None


ASSUMED: Final = Entered()


class Score(Struct, frozen=True):
    """NEWS2 at one time."""

    time: int
    inputs: Inputs
    entered: Entered
    # By input: the signs that there are, `oxygen` and `consciousness`.
    points: Mapping[str, int]

    @property
    def missing(self) -> Sequence[str]:
        """Signs without a value that counts, in the order of SIGNS."""
        return missing_of(self.points)

    @property
    def sum(self) -> int:
        """Sum of the points that there are: the total, or the least that it can be where a sign is missing."""
        return sum(self.points.values())

    @property
    def total(self) -> int | None:
        """The score; None where a sign is missing."""
        return total_of(self.points)

    @property
    def category(self) -> Category | None:
        """Category of the total; None without one."""
        return category_of(self.points)


def missing_of(points: Mapping[str, int]) -> Sequence[str]:
    """Return the signs without points, in the order of SIGNS."""
    return [name for name in Inputs._fields if name not in points]


def total_of(points: Mapping[str, int]) -> int | None:
    """Return the score; None where a sign is missing."""
    return None if missing_of(points) else sum(points.values())


def category_of(points: Mapping[str, int]) -> Category | None:
    """Return the category of the total; None without one."""
    total = total_of(points)
    return None if total is None else chart.category_of(total, max(points.values()))


def points_entered(entered: Entered) -> Mapping[str, int]:
    """Return the points of the inputs that no monitor measures."""
    return {
        "oxygen": chart.ON_OXYGEN if entered.oxygen else 0,
        "consciousness": 0 if entered.consciousness == "alert" else chart.NOT_ALERT,
    }


def bands_of(entered: Entered) -> Sequence[Bands]:
    """Return the bands of SIGNS, in their order."""
    spo2 = chart.bands_of_spo2(entered.scale, oxygen=entered.oxygen)
    return chart.RESP_RATE, spo2, chart.SYSTOLIC, chart.PULSE, chart.TEMPERATURE


def score(inputs: Inputs, entered: Entered, time: int) -> Score:
    """Compute the score from the values that count at a time."""
    points = {
        name: bands.score(value.hundredths)
        for name, value, bands in zip(Inputs._fields, inputs, bands_of(entered), strict=True)
        if value is not None
    }
    return Score(time, inputs, entered, {**points, **points_entered(entered)})
