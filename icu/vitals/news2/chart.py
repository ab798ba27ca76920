"""Chart of NEWS2: points of each input, and the category of a total.

Royal College of Physicians: National Early Warning Score (NEWS) 2, London 2017: charts 1 (points) and 2 (thresholds).
Values are hundredths of a sign's unit, as they are stored, and are rounded here, to the steps that the chart is printed
in, halves up. There are no floats: NaN has no place in a chart, and a half would be rounded to even.
"""

from bisect import bisect_left
from operator import index
from typing import Final, Literal, NamedTuple, TypeAlias

Consciousness: TypeAlias = Literal["alert", "confusion", "voice", "pain", "unresponsive"]
# Scale of the saturation: 2 is for hypercapnic respiratory failure, with a target of 88 to 92 %.
Scale: TypeAlias = Literal[1, 2]
# Of a total: 0, 1 to 4, the same with a single 3, 5 to 6, 7 and more.
Category: TypeAlias = Literal["zero", "low", "low-medium", "medium", "high"]

# Points of the two inputs that are no signs.
ON_OXYGEN: Final = 2
NOT_ALERT: Final = 3

# Points of one input that make a category of their own.
SINGLE: Final = 3


class Bands(NamedTuple):
    """Points of one sign by bands of its values."""

    # Highest value of each band but the last, ascending, in steps of the chart.
    bounds: tuple[int, ...]
    # Points of each band: one more than bounds.
    points: tuple[int, ...]
    # Hundredths of the sign's unit in a step of the chart.
    step: int = 100

    def rounded(self, hundredths: int) -> int:
        """Round a value to steps of the chart, halves up. TypeError for a float."""
        return (index(hundredths) + self.step // 2) // self.step

    def score(self, hundredths: int) -> int:
        """Return the points for a value. TypeError for a float."""
        return self.points[bisect_left(self.bounds, self.rounded(hundredths))]


# /min.
RESP_RATE: Final = Bands((8, 11, 20, 24), (3, 1, 0, 2, 3))

# %. The first is scale 1, the others are scale 2.
SPO2: Final = Bands((91, 93, 95), (3, 2, 1, 0))
SPO2_ON_AIR: Final = Bands((83, 85, 87), (3, 2, 1, 0))
SPO2_ON_OXYGEN: Final = Bands((83, 85, 87, 92, 94, 96), (3, 2, 1, 0, 1, 2, 3))

# mm[Hg].
SYSTOLIC: Final = Bands((90, 100, 110, 219), (3, 2, 1, 0, 3))

# Heart rate, /min.
PULSE: Final = Bands((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3))

# Tenths of Cel.
TEMPERATURE: Final = Bands((350, 360, 380, 390), (3, 1, 0, 1, 2), step=10)


def bands_of_spo2(scale: Scale, *, oxygen: bool) -> Bands:
    """Choose the bands of the saturation. On scale 1 oxygen changes nothing about them."""
    if scale == 1:
        return SPO2
    return SPO2_ON_OXYGEN if oxygen else SPO2_ON_AIR


def category_of(total: int, highest: int) -> Category:
    """Return the category of a total.

    Args:
        total: Sum of the points of all inputs.
        highest: Points of the input that has most.
    """
    if total >= 7:
        return "high"
    if total >= 5:
        return "medium"
    if highest >= SINGLE:
        return "low-medium"
    return "low" if total else "zero"
