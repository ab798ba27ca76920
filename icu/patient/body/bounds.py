"""Limits of a body's signs without a scenario: outside a comfortable range they change ever less."""

from typing import Final

import numpy as np

from icu.patient.body.signs import Floats

# Range of a body without a scenario, in the units of SIGNS. LOW to HIGH is the comfortable part; LOWEST and HIGHEST are
# never passed. An oxygen pressure of 560 takes pure oxygen.
#                    pulse  resp   map   width  oxygen temperature
_LOWEST: Final = np.array([28.0, 5.0, 32.0, 12.0, 34.0, 32.5])
_LOW: Final = np.array([54.0, 11.0, 56.0, 32.0, 76.0, 35.6])
_HIGH: Final = np.array([112.0, 28.0, 112.0, 105.0, 300.0, 38.4])
_HIGHEST: Final = np.array([200.0, 52.0, 165.0, 150.0, 560.0, 41.5])

# As logarithms, which is how the signs wander; columns, so that they apply to every patient.
_LOG_LOW: Final = np.log(_LOW)[:, None]
_LOG_HIGH: Final = np.log(_HIGH)[:, None]
_ROOM_BELOW: Final = np.log(_LOW / _LOWEST)[:, None]
_ROOM_ABOVE: Final = np.log(_HIGHEST / _HIGH)[:, None]


def bounded(signs: Floats) -> Floats:
    """Bend signs towards their limits.

    Args:
        signs: Logarithms, sign x patient.

    Returns:
        The same logarithms: unchanged within the comfortable range, compressed outside it.
    """
    # 1 - exp(-x): slope 1 at the edge of the range, so that no course has a corner there, and 0 at the limit.
    over = np.maximum(signs - _LOG_HIGH, 0.0)
    under = np.maximum(_LOG_LOW - signs, 0.0)
    bent: Floats = np.clip(signs, _LOG_LOW, _LOG_HIGH)
    bent -= _ROOM_ABOVE * np.expm1(-over / _ROOM_ABOVE)
    bent += _ROOM_BELOW * np.expm1(-under / _ROOM_BELOW)
    return bent
