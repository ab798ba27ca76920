"""The rhythm of the day, flattened and out of step as it is in intensive care."""

from typing import Final

import numpy as np

from icu.patient.body.signs import Floats

DAY: Final = 86_400.0

#                           pulse  resp   map    width  oxygen temperature
_AMPLITUDE: Final = np.array([0.030, 0.020, 0.025, 0.010, 0.000, 0.0050])[:, None]
"""Of the logarithm; less than in health, where the temperature alone swings by half a degree."""

_ACROPHASE: Final = 17.0
"""Hour of the day, UTC, at which the signs are highest in most patients."""

_OUT_OF_STEP: Final = 4.0
"""Hours, SD: in intensive care many patients' clocks are off."""


def tide(now: float, phase: Floats) -> Floats:
    """What the hour adds to the logarithm of each sign, sign x patient. `phase`: each patient's own, as deviates."""
    hours = now % DAY / 3_600 - _ACROPHASE - _OUT_OF_STEP * phase
    tide: Floats = _AMPLITUDE * np.cos(2 * np.pi / 24 * hours)
    return tide
