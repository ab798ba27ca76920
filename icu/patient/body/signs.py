"""What a body has: six quantities, from which every sign follows. Their places in all arrays of this room.

All are positive, and all change in proportion: a fall by a tenth is as likely for a small as for a large one. So they
wander as logarithms, and limits are approached, never met.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

SIGNS: Final = ("pulse", "resp_rate", "map", "pulse_pressure", "oxygen", "temperature")
"""/min, /min, mean arterial and pulse pressure in mm[Hg], arterial oxygen pressure in mm[Hg], Cel."""

PULSE, RESP_RATE, MAP, PULSE_PRESSURE, OXYGEN, TEMPERATURE = range(len(SIGNS))
