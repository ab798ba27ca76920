"""Readings as the engine sees them: the values of a row that can be judged, and the signs that are blind."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from icu.vitals.catalogue import MAP, PRESSURES, PULSE, RESP_RATE, SIGNS, SPO2, SYSTOLIC
from icu.vitals.limits import IMPLAUSIBLE

# Row of a reading, as `icu.store.readings.to_rows` makes it: patient's key, time, lag, the signs in the order of the
# catalogue in hundredths, the time of the pressure, flags as JSON. Times in milliseconds; None if absent.
Row: TypeAlias = tuple[Any, ...]

# Numbers of signs in the catalogue.
NUMBER: Final[Mapping[str, int]] = {each.name: number for number, each in enumerate(SIGNS)}
PULSE_NUMBER: Final = NUMBER[PULSE.name]
BREATHS_NUMBER: Final = NUMBER[RESP_RATE.name]
SPO2_NUMBER: Final = NUMBER[SPO2.name]
PRESSURE_NUMBERS: Final = tuple(NUMBER[each.name] for each in PRESSURES)

_MAP: Final = MAP.name
# A damped line shows no halves, but the mean is right. `implausible` of the mean stands in its own field.
_HALVES_ALONE: Final = frozenset({"damped", IMPLAUSIBLE})
LOW_PERFUSION: Final = "low-perfusion"


class Sample(Struct, frozen=True):
    """Values of one reading."""

    # By sign: value in hundredths that can be judged. None: flagged or absent.
    valid: tuple[int | None, ...]
    # By sign: value as received.
    values: tuple[int | None, ...]
    # Flags by field of the reading.
    flags: Mapping[str, str]
    # Time of a cuff's measurement. None: the pressure is measured now.
    measured: int | None

    @property
    def has_pressure(self) -> bool:
        """True if any pressure has a value, flagged or not."""
        return any(self.values[number] is not None for number in PRESSURE_NUMBERS)

    @property
    def is_implausible(self) -> bool:
        """True if a value was impossible, and left out."""
        return IMPLAUSIBLE in self.flags.values()

    @property
    def has_valid(self) -> bool:
        """True if any sign has a value that can be judged."""
        return any(each is not None for each in self.valid)


def sample_of(row: Row) -> Sample:
    """Return the sample of a reading."""
    values, quality = row[3:10], row[11]
    flags = _flags(quality) if quality else _NO_FLAGS
    valid = values
    if flags:
        flagged = _flagged(flags)
        valid = tuple(None if sign.name in flagged else value for sign, value in zip(SIGNS, values, strict=True))
    if valid[SPO2_NUMBER] == 0:
        # No saturation is 0: the sensor sees no pulse.
        valid = (*valid[:SPO2_NUMBER], None, *valid[SPO2_NUMBER + 1 :])
    return Sample(valid, values, flags, row[10])


_NO_FLAGS: Final[Mapping[str, str]] = {}


@lru_cache(maxsize=1024)
def _flags(quality: str) -> Mapping[str, str]:
    return msgspec.json.decode(quality, type=dict[str, str])


def _flagged(flags: Mapping[str, str]) -> set[str]:
    """Return the names of the signs that have a flag."""
    names = {sign.name for sign in SIGNS if sign.field in flags}
    pressure = flags.get(SYSTOLIC.field)
    if pressure is not None and pressure not in _HALVES_ALONE:
        names.add(_MAP)
    return names
