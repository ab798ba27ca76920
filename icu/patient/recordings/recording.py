"""Recordings as every reader returns them: rows of signs, with their seconds from the first row."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from icu.bounds import FIRST_YEAR, LAST_YEAR
from icu.vitals.catalogue import VitalSigns

# Digits that are kept behind the point, as the store does.
DECIMALS: Final = 2

YEARS: Final = LAST_YEAR - FIRST_YEAR + 1
# Seconds from the first row to the last, at most: longer than all the years that readings can have.
LONGEST: Final = YEARS * 366 * 86_400

_NOTHING_SAID: Final[Mapping[str, str]] = MappingProxyType({})


class Row(NamedTuple):
    """One set of signs, at its seconds from the recording's first row."""

    elapsed: float
    signs: VitalSigns
    # Reasons of absent signs, by the names of `icu.messages.Quality`.
    quality: Mapping[str, str] = _NOTHING_SAID


class Recording(NamedTuple):
    """Content of a file, for one patient."""

    rows: Sequence[Row]
    # Seconds from the first row to the last.
    duration: float
    # Rows without any measured sign.
    skipped: int
    # Values that a monitor stored and that cannot have been measured; they are left out.
    impossible: int = 0
    # The patient, as the file's own columns name them; empty where the file is of one patient.
    patient: str = ""
    # Notes for people on how the file was read: sentences, the same for all patients of a file.
    notes: Sequence[str] = ()
