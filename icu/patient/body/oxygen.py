"""How much oxygen the blood carries at which pressure: the dissociation curve, and back.

Severinghaus: Simple, accurate equations for human blood O2 dissociation computations. J Appl Physiol 46(3), 1979. It
is why a saturation that is near 100 % hardly moves, and one below 90 % falls off a cliff.
"""

from typing import Final

import numpy as np

from icu.patient.body.signs import Floats

_FULL: Final = 99.9
"""%: the curve never comes to 100."""


def saturation(pressure: Floats) -> Floats:
    """Arterial oxygen saturation, %, at an oxygen pressure in mm[Hg] above 0."""
    return 100 / (1 + 23_400 / (pressure**3 + 150 * pressure))


def pressure_at(saturation: Floats | float) -> Floats:
    """The oxygen pressure, mm[Hg], at which the blood has this saturation, % (the real root of the cubic)."""
    share = np.clip(saturation, 0, _FULL) / 100
    half = 23_400 * share / (1 - share) / 2
    root = np.sqrt(half**2 + 50.0**3)
    return np.cbrt(half + root) + np.cbrt(half - root)
