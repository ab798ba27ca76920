"""Headers of columns as people write them: a name, and often a unit behind it.

`Temp (F)`, `Time [s]`, `time_ms`, `SpO2, %`, `BodyTemp °C` and `HR/min` are a known name and its unit. A unit is
believed, converted, or refused; it is never overlooked.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from icu.vitals.catalogue import BY_NAME, SIGNS, SYSTOLIC
from icu.vitals.names import COUNTS, SECONDS, SOURCES, TIMES, words

_SIGN_OF: Final = {name: sign for source in SOURCES for sign, names in source.names.items() for name in words(names)}

_ALL_UNITS: Final = frozenset(SECONDS).union(*(each.units for each in SIGNS))
_BRACKETS: Final = re.compile(r"\A(.*?)\s*[\[({](.*)[\])}]\s*\Z")
_PER_MINUTE: Final = re.compile(r"\A(.*\w)\s*(/\s*min(?:ute)?)\Z", re.IGNORECASE)
_ENDING: Final = re.compile(r"\A(.*\w)(?:[\s_.\-,]+|(?<=[a-z])(?=[A-Z])|(?=%))([A-Za-z%µμ°/]+)\Z", re.DOTALL)
_TEMPERATURE: Final = re.compile(r"\A(temp|temperature|bodytemp)([cf])\Z")
_PATTERN: Final = re.compile(r"\A(?:[ymdhsaptz:/\-. ]{2,}|utc|gmt|local|local time|iso ?8601|iso)\Z", re.IGNORECASE)
_TIMELIKE: Final = re.compile(
    r"(?i:time|date(?!d)|dttm|offset|clock|epoch|stamp|second|minute|hour|elapsed|duration|(?:^|_)(?:at|on|when)$)|[a-z](?:At|On)$"
)

_IDENTITY: Final = re.compile(r"(?i:(?:^|[\s_.\-])(?:id|uuid|guid|user|session)$)|[a-z]I[dD]$")


class Conversion(NamedTuple):
    """Conversion of a column's values into our unit."""

    factor: float = 1.0
    offset: float = 0.0
    # True where the header says the unit.
    stated: bool = False


class UnknownUnitError(ValueError):
    """A column that is known has a unit that is not. The text is a sentence's end."""


def known_as(name: str) -> str:
    """A name without case, blanks and signs: `Heart Rate` and `heart_rate` are the same."""
    return "".join(filter(str.isalnum, name.casefold()))


def sign_of(header: str) -> tuple[str, str, Conversion] | None:
    """The sign that a column holds, the name that it is known by, and how to convert its values; None where it is no
    sign. UnknownUnitError where it is one in a unit that is not known."""
    for name, unit, stated in _readings(header):
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
    """The name of a column of times, and the seconds in one unit of it, None where the header does not say; None where
    it is no such column. UnknownUnitError where it is one in a unit that is not known."""
    for name, unit, stated in _readings(header):
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
    """Which of several columns of time counts: the lowest."""
    return TIMES.index(name) if name in TIMES else len(TIMES) + list(COUNTS).index(name)


def is_unit(text: str) -> bool:
    """Tell if this is a unit of a sign or of time, or the form of one."""
    unit = _unit(text)
    return unit in _ALL_UNITS or _PATTERN.match(unit) is not None


def looks_like_identity(header: str) -> bool:
    """Tell if a column that is not known has the name of one that tells things apart: patients, users, rows."""
    return _IDENTITY.search(header) is not None


def looks_like_time(header: str) -> bool:
    """Tell if a column that is not known has the name of one of time."""
    return _TIMELIKE.search(header) is not None


def _readings(header: str) -> Iterator[tuple[str, str, bool]]:
    """The ways to read a header: name, unit (empty: none), and whether the unit is stated beyond doubt."""
    text = header.strip()
    if match := _BRACKETS.match(text):
        yield known_as(match[1]), _unit(match[2]), True
    yield known_as(text), "", False
    if match := _PER_MINUTE.match(text):
        yield known_as(match[1]), "/min", True
    if match := _ENDING.match(text):
        yield known_as(match[1]), _unit(match[2]), False
    if match := _TEMPERATURE.match(known_as(text)):
        yield match[1], match[2], True
    # VitalDB's tables: the device before the name.
    if "/" in text:
        yield known_as(text.rpartition("/")[2]), "", False


def _unit(text: str) -> str:
    return re.sub(r"[\s\[\]{}°º._\-]", "", text.casefold())
