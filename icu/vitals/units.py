"""Units as people write them: by spelling, the factor, and what is added then, that make a value one of our units."""

from collections.abc import Mapping
from typing import Final, TypeAlias

# Without case, blanks, brackets and dashes.
Spellings: TypeAlias = Mapping[str, tuple[float, float]]

_RATES: Final = ("bpm", "/min", "1/min", "min1", "perminute", "permin")

# /min.
BEATS: Final[Spellings] = dict.fromkeys([*_RATES, "beats/min", "beats/minute", "beatsperminute", "beatspermin"], (1, 0))

# /min.
BREATHS: Final[Spellings] = dict.fromkeys(
    [*_RATES, "brpm", "rpm", "cpm", "insp/min", "resp/min", "breaths/min", "breaths/minute", "breathsperminute"], (1, 0)
)

# mm[Hg].
PRESSURES: Final[Spellings] = {"mmhg": (1, 0), "torr": (1, 0), "kpa": (7.500_617, 0)}

# %.
PERCENTAGES: Final[Spellings] = {"%": (1, 0), "pct": (1, 0), "percent": (1, 0), "fraction": (100, 0)}

# Cel.
TEMPERATURES: Final[Spellings] = {
    **dict.fromkeys(["c", "degc", "celsius", "cel"], (1, 0)),
    **dict.fromkeys(["f", "degf", "fahrenheit"], (5 / 9, -160 / 9)),
    **dict.fromkeys(["k", "kelvin"], (1, -273.15)),
}
