"""Circadian rhythm, flattened and desynchronised as in intensive care."""

from typing import Final

import numpy as np

from icu.patient.body.signs import Floats

# Seconds.
DAY: Final = 86_400.0

# Amplitude of the logarithm; less than in health, where the temperature alone swings by half a degree.
#                           pulse  resp   map    width  oxygen temperature
_AMPLITUDE: Final = np.array([0.030, 0.020, 0.025, 0.010, 0.000, 0.0050])[:, None]

# Hour of the day, UTC, at which the signs are highest in most patients.
_ACROPHASE: Final = 17.0

# Hours, SD of the patients' phases: in intensive care many circadian clocks are off.
_OUT_OF_STEP: Final = 4.0


def circadian_effect(now: float | Floats, phase: Floats) -> Floats:
    """Compute the change of the logarithm of each sign at this hour.

    Args:
        now: Seconds since 1970, UTC; one, or step x 1 x 1.
        phase: Normal deviate of each patient.

    Returns:
        Sign x patient, or step x sign x patient.
    """
    hours = now % DAY / 3_600 - _ACROPHASE - _OUT_OF_STEP * phase
    effect: Floats = _AMPLITUDE * np.cos(2 * np.pi / 24 * hours)
    return effect
