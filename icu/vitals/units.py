"""Spellings of units in column headers, with their conversion to the units of the catalogue."""

from collections.abc import Mapping
from typing import Final, TypeAlias

# Factor and offset (value * factor + offset) by spelling, without case, blanks, brackets and dashes.
Spellings: TypeAlias = Mapping[str, tuple[float, float]]

_RATES: Final = ("bpm", "/min", "1/min", "min1", "perminute", "permin")

# To beats a minute, /min.
BEATS: Final[Spellings] = dict.fromkeys([*_RATES, "beats/min", "beats/minute", "beatsperminute", "beatspermin"], (1, 0))

# To breaths a minute, /min.
BREATHS: Final[Spellings] = dict.fromkeys(
    [*_RATES, "brpm", "rpm", "cpm", "insp/min", "resp/min", "breaths/min", "breaths/minute", "breathsperminute"], (1, 0)
)

# To mm[Hg]. 1 kPa = 7.500617 mm[Hg].
PRESSURES: Final[Spellings] = {"mmhg": (1, 0), "torr": (1, 0), "kpa": (7.500_617, 0)}

# To %.
PERCENTAGES: Final[Spellings] = {"%": (1, 0), "pct": (1, 0), "percent": (1, 0), "fraction": (100, 0)}

# To Cel.
TEMPERATURES: Final[Spellings] = {
    **dict.fromkeys(["c", "degc", "celsius", "cel"], (1, 0)),
    **dict.fromkeys(["f", "degf", "fahrenheit"], (5 / 9, -160 / 9)),
    **dict.fromkeys(["k", "kelvin"], (1, -273.15)),
}
