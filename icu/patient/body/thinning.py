"""Rare events out of normal deviates: one happens where the deviate exceeds a threshold."""

import math
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()


def threshold(expected: float) -> float:
    """What a deviate exceeds as often as something of which `expected` are expected happens at least once."""
    chance = -math.expm1(-expected)
    return _NORMAL.inv_cdf(1 - chance) if 0 < chance < 1 else math.copysign(math.inf, 0.5 - chance)
