"""Limits of measurement of bedside monitors: a value outside is an error of the sender, never a very ill patient.

The ranges enclose those that bedside monitors state for themselves (heart rate up to 350 /min and respiration up to
170 /min on neonatal leads, invasive pressure up to 360 mm[Hg], temperature -1 to 45 Cel). Zero is a measurement:
asystole, apnoea and a pulseless arterial line are real. Temperature ends at 10 Cel, below the lowest core temperature
that a patient survived (11.8 Cel: Mroczek et al., 2020, accidental hypothermia in a child).
"""

from typing import Final, NamedTuple


class Range(NamedTuple):
    """Closed interval."""

    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


# Flag in `quality` of a sign that is absent because its value was impossible.
IMPLAUSIBLE: Final = "implausible"
