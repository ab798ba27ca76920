"""The six quantities of a body, from which every sign follows, and their places in all arrays of this room.

All are positive and change in proportion: a fall by a tenth is as likely for a small value as for a large one. So they
fluctuate as logarithms, and limits are approached, never met.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

# /min, /min, mean arterial and pulse pressure in mm[Hg], arterial oxygen pressure in mm[Hg], Cel.
SIGNS: Final = ("pulse", "resp_rate", "map", "pulse_pressure", "oxygen", "temperature")

PULSE, RESP_RATE, MAP, PULSE_PRESSURE, OXYGEN, TEMPERATURE = range(len(SIGNS))
