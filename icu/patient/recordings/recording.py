"""What every reader of recordings makes: rows of signs, each with the seconds from the beginning to it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from icu.bounds import FIRST_YEAR, LAST_YEAR
from icu.vitals.catalogue import VitalSigns

DECIMALS: Final = 2
"""Digits that are kept behind the point, as the store does."""

YEARS: Final = LAST_YEAR - FIRST_YEAR + 1
LONGEST: Final = YEARS * 366 * 86_400
"""Seconds from the first row to the last, at most: longer than all the years that readings can be of."""

_NOTHING_SAID: Final[Mapping[str, str]] = MappingProxyType({})


class Row(NamedTuple):
    """One set of signs, and the seconds from the recording's first row to it."""

    elapsed: float
    signs: VitalSigns
    quality: Mapping[str, str] = _NOTHING_SAID
    """Why signs are absent, by the names of `icu.messages.Quality`."""


class Recording(NamedTuple):
    """What a file holds."""

    rows: Sequence[Row]
    duration: float
    """Seconds from the first row to the last."""
    skipped: int
    """Rows in which no sign was measured."""
    impossible: int = 0
    """Values that a monitor stored and that cannot have been measured: left out."""
    patient: str = ""
    """Whose it is, by the file's own columns; empty where the file is of one patient."""
    notes: Sequence[str] = ()
    """Notes for people on how the file was read: sentences, the same for all patients of a file."""
