"""Column headers as people write them: a name, and often a unit behind it.

`Temp (F)`, `Time [s]`, `time_ms`, `SpO2, %`, `BodyTemp °C` and `HR/min` are a known name and its unit. A unit is
converted or refused, never ignored.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from icu.vitals.catalogue import BY_NAME, SIGNS, SYSTOLIC
from icu.vitals.names import COUNTS, SECONDS, SOURCES, TIMES, words

# Signs (or `bp`) by normalised column name.
_SIGN_OF: Final = {name: sign for source in SOURCES for sign, names in source.names.items() for name in words(names)}

_ALL_UNITS: Final = frozenset(SECONDS).union(*(each.units for each in SIGNS))
# `Temp (F)`, `Time [s]`.
_BRACKETS: Final = re.compile(r"\A(.*?)\s*[\[({](.*)[\])}]\s*\Z")
# `HR/min`, `Resp / minute`.
_PER_MINUTE: Final = re.compile(r"\A(.*\w)\s*(/\s*min(?:ute)?)\Z", re.IGNORECASE)
# A last word that may be a unit: `time_ms`, `SpO2, %`, `tempC`.
_ENDING: Final = re.compile(r"\A(.*\w)(?:[\s_.\-,]+|(?<=[a-z])(?=[A-Z])|(?=%))([A-Za-z%µμ°/]+)\Z", re.DOTALL)
# `tempf`: without a separator only temperatures, since other names may end in the letter.
_TEMPERATURE: Final = re.compile(r"\A(temp|temperature|bodytemp)([cf])\Z")
# Formats and zones of times, in the place of a unit: `yyyy-mm-dd hh:mm`, `UTC`.
_PATTERN: Final = re.compile(r"\A(?:[ymdhsaptz:/\-. ]{2,}|utc|gmt|local|local time|iso ?8601|iso)\Z", re.IGNORECASE)
# Words in the names of unknown columns of time.
_TIMELIKE: Final = re.compile(
    r"(?i:time|date(?!d)|dttm|offset|clock|epoch|stamp|second|minute|hour|elapsed|duration|(?:^|_)(?:at|on|when)$)|[a-z](?:At|On)$"
)

# Ends of the names of unknown columns of identities: `user_id`, `caseUUID`, `sampleId`.
_IDENTITY: Final = re.compile(r"(?i:(?:^|[\s_.\-])(?:id|uuid|guid|user|session)$)|[a-z]I[dD]$")


class Conversion(NamedTuple):
    """Conversion of a column's values to the unit of SIGNS: value * factor + offset."""

    factor: float = 1.0
    offset: float = 0.0
    # True if the header states the unit.
    stated: bool = False


class UnknownUnitError(ValueError):
    """A known column has an unknown unit. The text is the end of a sentence."""


def normalised_name(name: str) -> str:
    """Normalise a name to lower-case letters and digits: `Heart Rate` and `heart_rate` become `heartrate`."""
    return "".join(filter(str.isalnum, name.casefold()))


def sign_of(header: str) -> tuple[str, str, Conversion] | None:
    """Find the sign that a column holds.

    Returns:
        Sign (or `bp`), normalised name and conversion of its values; None if the column holds no sign.

    Raises:
        UnknownUnitError: It holds a sign in an unknown unit.
    """
    for name, unit, stated in _split(header):
        if (sign := _SIGN_OF.get(name)) is None:
            continue
        known = BY_NAME.get(sign, SYSTOLIC).units  # `bp`: both halves
        if unit in known:
            return sign, name, Conversion(*known[unit], stated=True)
        if not unit or (sign == "bp" and "/" in unit):
            return sign, name, Conversion()
        if stated:
            raise UnknownUnitError(f"its unit {unit} is not known: write {', '.join(list(known)[:3])}, or leave it out")
    return None


def time_of(header: str) -> tuple[str, float | None] | None:
    """Find out if a column holds times.

    Returns:
        Normalized name, and the seconds in one unit or None if the header states none; None if it holds no times.

    Raises:
        UnknownUnitError: It holds times in an unknown unit.
    """
    for name, unit, stated in _split(header):
        if name not in TIMES and name not in COUNTS:
            continue
        if unit in SECONDS:
            return name, SECONDS[unit]
        if not unit or (stated and _PATTERN.match(unit)):
            return name, COUNTS.get(name)
        if stated:
            raise UnknownUnitError(
                f"its unit {unit} is not known: write s, ms, us, ns, min, h or days, or leave it out"
            )
    return None


def rank_of_time(name: str) -> int:
    """Rank a column of times by its normalised name: of several, the lowest counts."""
    return TIMES.index(name) if name in TIMES else len(TIMES) + list(COUNTS).index(name)


def is_unit(text: str) -> bool:
    """Tell if a text is a unit of a sign or of time, or a format of times."""
    unit = _unit(text)
    return unit in _ALL_UNITS or _PATTERN.match(unit) is not None


def looks_like_identity(header: str) -> bool:
    """Tell if an unknown column has the name of an identity, of patients, users or rows for instance."""
    return _IDENTITY.search(header) is not None


def looks_like_time(header: str) -> bool:
    """Tell if an unknown column has the name of a column of times."""
    return _TIMELIKE.search(header) is not None


def _split(header: str) -> Iterator[tuple[str, str, bool]]:
    """Yield the ways to read a header, the likeliest first: normalised name, unit or "", True if surely a unit."""
    text = header.strip()
    if match := _BRACKETS.match(text):
        yield normalised_name(match[1]), _unit(match[2]), True
    yield normalised_name(text), "", False
    if match := _PER_MINUTE.match(text):
        yield normalised_name(match[1]), "/min", True
    if match := _ENDING.match(text):
        yield normalised_name(match[1]), _unit(match[2]), False
    if match := _TEMPERATURE.match(normalised_name(text)):
        yield match[1], match[2], True
    # VitalDB's tables: the device before the name.
    if "/" in text:
        yield normalised_name(text.rpartition("/")[2]), "", False


def _unit(text: str) -> str:
    return re.sub(r"[\s\[\]{}°º._\-]", "", text.casefold())
