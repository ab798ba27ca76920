"""Oxygen dissociation curve: from arterial oxygen pressure to saturation, and back.

Severinghaus: Simple, accurate equations for human blood O2 dissociation computations. J Appl Physiol 46(3), 1979. The
curve is why a saturation near 100 % hardly moves, and one below 90 % falls steeply.
"""

from typing import Final

import numpy as np

from icu.patient.body.signs import Floats

# %. The curve approaches 100 and never reaches it, so its inverse has no value there.
_MAX_SATURATION: Final = 99.9


def saturation(pressure: Floats) -> Floats:
    """Compute the arterial oxygen saturation, %, at an oxygen pressure in mm[Hg] above 0."""
    return 100 / (1 + 23_400 / (pressure**3 + 150 * pressure))


def pressure_at(saturation: Floats | float) -> Floats:
    """Compute the oxygen pressure, mm[Hg], at a saturation in %: the real root of the cubic."""
    fraction = np.clip(saturation, 0, _MAX_SATURATION) / 100
    half = 23_400 * fraction / (1 - fraction) / 2
    root = np.sqrt(half**2 + 50.0**3)
    return np.cbrt(half + root) + np.cbrt(half - root)
