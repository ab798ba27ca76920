"""Random events from normal deviates: an event happens in a step where the deviate exceeds a threshold."""

import math
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()


def threshold(expected: float) -> float:
    """The z-score that a normal deviate exceeds with probability 1 - exp(-expected).

    Args:
        expected: Mean number of events in the step.
    """
    chance = -math.expm1(-expected)
    # Outside (0, 1) the inverse is undefined: never for a chance of 0, always for one that rounds to 1.
    return _NORMAL.inv_cdf(1 - chance) if 0 < chance < 1 else math.copysign(math.inf, 0.5 - chance)
