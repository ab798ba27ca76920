"""Blood pressure as text, `120/80`, and as two numbers."""

import re
from functools import lru_cache
from typing import Annotated, Final, NamedTuple, TypeAlias

from msgspec import Meta

from icu.vitals.catalogue import HALVES, SYSTOLIC

# Half of a pressure that was not measured.
UNKNOWN: Final = "-"

# Pressure in readings of the API.
WrittenPressure: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(-|[0-9]+(\.[0-9]+)?)/(-|[0-9]+(\.[0-9]+)?)$",
        description=f"Systolic/diastolic pressure, {SYSTOLIC.unit}, each "
        f"{SYSTOLIC.limits.low} to {SYSTOLIC.limits.high}; a half that was not measured is a dash",
        examples=["120/80", "119.5/-"],
    ),
]

# Pressures in each cache. A thousand simulated patients show 9,318 in a day: 99.4 % of readings repeat one.
PRESSURE_CACHE_SIZE: Final = 16_384

# [0-9]: \d matches digits of other scripts. \Z: $ matches before a line feed.
_HALF: Final = r"(-?(?:[0-9]{1,3}|[1-9][0-9]{3,19})(?:\.[0-9]{1,2})?|-)"
_PRESSURE: Final = re.compile(rf"\A{_HALF}/{_HALF}\Z")


class BloodPressure(NamedTuple):
    """Systolic and diastolic pressure in mm[Hg]; None if a half was not measured."""

    systolic: float | None
    diastolic: float | None


# Cached: a look-up costs a tenth of parsing.
@lru_cache(maxsize=PRESSURE_CACHE_SIZE)
def parse_blood_pressure(text: str) -> BloodPressure:
    """Parse `120/80`, `119.5/80` or `119/-`.

    Raises:
        ValueError: It is not written as a pressure, outside the limits, or upside down. The text says which.
    """
    pressure = read_halves(text)
    for sign, value in zip(HALVES, pressure, strict=True):
        if value is not None and not sign.can_be(value):
            raise ValueError(f"blood pressure {text} is outside 0 to {sign.limits.high:g} {sign.unit}")
    if _is_upside_down(pressure):
        raise ValueError(f"blood pressure {text} has a systolic half below the diastolic one")
    return pressure


def read_halves(text: str) -> BloodPressure:
    """Parse `120/80` without a check of the limits.

    Raises:
        ValueError: It is not written as a pressure.
    """
    match = _PRESSURE.match(text)
    if match is None:
        raise ValueError(f"blood pressure is written systolic/diastolic, for instance 120/80 or 119/-, not {text!r}")
    return BloodPressure(_half(match[1]), _half(match[2]))


def plausible(pressure: BloodPressure) -> BloodPressure:
    """Leave out impossible halves: 400/80 becomes -/80.

    An upside-down pressure loses both halves, since either may be the wrong one.
    """
    kept = BloodPressure(
        *(
            None if value is None or not sign.can_be(value) else value
            for sign, value in zip(HALVES, pressure, strict=True)
        )
    )
    return BloodPressure(None, None) if _is_upside_down(kept) else kept


@lru_cache(maxsize=PRESSURE_CACHE_SIZE)
def format_blood_pressure(systolic: float | None, diastolic: float | None) -> str | None:
    """Format `120/80`; None if neither half was measured."""
    if systolic is None and diastolic is None:
        return None
    return f"{_written(systolic)}/{_written(diastolic)}"


def plain(value: float) -> int | float:
    """Convert a whole float to an int, so that 72.0 is written `72` and 72.5 is written `72.5`."""
    return int(value) if value == int(value) else value


def _is_upside_down(pressure: BloodPressure) -> bool:
    systolic, diastolic = pressure
    return systolic is not None and diastolic is not None and systolic < diastolic


def _half(text: str) -> float | None:
    return None if text == UNKNOWN else plain(float(text))


def _written(value: float | None) -> str:
    return UNKNOWN if value is None else str(plain(value))
