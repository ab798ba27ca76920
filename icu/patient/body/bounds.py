"""How far a body's signs go by themselves: beyond a comfortable range ever more slowly, and never past a limit."""

from typing import Final

import numpy as np

from icu.patient.body.signs import Floats

#                    pulse  resp   map   width  oxygen temperature
_LOWEST: Final = np.array([28.0, 5.0, 32.0, 12.0, 34.0, 32.5])
_LOW: Final = np.array([54.0, 11.0, 56.0, 32.0, 76.0, 35.6])
_HIGH: Final = np.array([112.0, 28.0, 112.0, 105.0, 300.0, 38.4])
_HIGHEST: Final = np.array([200.0, 52.0, 165.0, 150.0, 560.0, 41.5])
"""What bodies do without a scenario, in the units of SIGNS. An oxygen pressure of 560 takes pure oxygen."""

_FROM: Final = np.log(_LOW)[:, None]
_TO: Final = np.log(_HIGH)[:, None]
_BELOW: Final = np.log(_LOW / _LOWEST)[:, None]
_ABOVE: Final = np.log(_HIGHEST / _HIGH)[:, None]


def bounded(signs: Floats) -> Floats:
    """Logarithms of signs, sign x patient: as they are within the comfortable range, and bent towards the limits."""
    over = np.maximum(signs - _TO, 0.0)
    under = np.maximum(_FROM - signs, 0.0)
    bent: Floats = np.clip(signs, _FROM, _TO)
    bent -= _ABOVE * np.expm1(-over / _ABOVE)
    bent += _BELOW * np.expm1(-under / _BELOW)
    return bent
