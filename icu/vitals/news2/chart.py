"""NEWS2, the National Early Warning Score 2, as a table: points for each sign alone.

Royal College of Physicians: National Early Warning Score (NEWS) 2, London 2017, chart 1. Oxygen saturation by scale 1.
The whole score also needs supplemental oxygen and consciousness, which no monitor measures: without them it is partial.
"""

from bisect import bisect_left
from typing import Final, NamedTuple


class Bands(NamedTuple):
    """Points of one sign by bands of its values."""

    # Highest value of each band but the last, ascending.
    bounds: tuple[float, ...]
    # Points of each band: one more than bounds.
    points: tuple[int, ...]

    def score(self, value: float) -> int:
        """Return the points for a value rounded as in the chart: to an integer, temperature to tenths of a degree."""
        return self.points[bisect_left(self.bounds, value)]


# /min.
RESP_RATE: Final = Bands((8, 11, 20, 24), (3, 1, 0, 2, 3))

# %.
SPO2: Final = Bands((91, 93, 95), (3, 2, 1, 0))

# mm[Hg].
SYSTOLIC: Final = Bands((90, 100, 110, 219), (3, 2, 1, 0, 3))

# Heart rate, /min.
PULSE: Final = Bands((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3))

# Cel.
TEMPERATURE: Final = Bands((35.0, 36.0, 38.0, 39.0), (3, 1, 0, 1, 2))
