"""Bounds of names, identities, times, numbers and files, from whatever source: a message, a setting, a recording."""

import os
import re
import stat
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

# Characters of a name.
MAX_NAME_LENGTH: Final = 200

# Years of readings: from the beginning of Unix time to the end of a device's plausible clock.
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2099

# The store's resolution: the least time between two observations of one patient.
TICK: Final = timedelta(milliseconds=1)

# The first second after LAST_YEAR, as Unix time.
_END_OF_YEARS: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

# Overrides and isolates of the writing direction: with them, a name can look like another patient's.
_DIRECTION: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# [0-9] rather than \d or Python's own syntax, which accept digits of other scripts, and underscores.
_WHOLE: Final = re.compile(r"\A[+-]?[0-9]{1,30}\Z")
_NUMBER: Final = re.compile(r"\A[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?\Z")
_DURATION: Final = re.compile(r"\A([0-9]{1,9}(?:\.[0-9]{1,6})?)(s|m|min|h|d|y|)\Z")
# Seconds. A year has 365 days.
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "y": 31_536_000}


@lru_cache(maxsize=16_384)
def check_name(name: str, *, most: int = MAX_NAME_LENGTH) -> str:
    """Return the name if it is readable for a person.

    Raises:
        ValueError: It is empty, has over `most` characters, is invisible, or has control characters.
    """
    # Cached, since each batch brings the same patients' names again.
    if not name.strip() or len(name) > most:
        raise ValueError(f"a name has 1 to {most} characters")
    for character in name:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _DIRECTION:
            raise ValueError(f"a name cannot hold the control character U+{ord(character):04X}")
    if all(unicodedata.category(character) in {"Cf", "Zs", "Mn", "Me", "Cn", "Co"} for character in name):
        raise ValueError("a name needs at least one visible character")
    return name


def check_uuid(uuid: UUID) -> UUID:
    """Return the uuid. Raises ValueError for the nil one, which identifies nobody."""
    if not uuid.int:
        raise ValueError("the uuid is nil, which is nobody's: leave it out to have it made from the name")
    return uuid


def check_time(moment: datetime) -> datetime:
    """Convert the time of a reading to UTC.

    Raises:
        ValueError: It has no time zone, or lies outside FIRST_YEAR to LAST_YEAR.
    """
    if moment.tzinfo is None:
        raise ValueError("has no time zone: write 2026-01-31T12:00:00Z")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(outside_years()) from exc
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(outside_years())
    return moment


def from_epoch(count: float) -> datetime:
    """Convert Unix time to a moment in UTC.

    Args:
        count: Seconds, milliseconds or microseconds since 1970.

    Raises:
        ValueError: No unit gives a year up to LAST_YEAR.
    """
    # The magnitude tells the unit: taken for seconds, the present in milliseconds lies 50,000 years ahead.
    for scale in (1, 1_000, 1_000_000):
        if 0 <= count < _END_OF_YEARS * scale:
            return datetime.fromtimestamp(count / scale, UTC)
    raise ValueError(outside_years())


def outside_years() -> str:
    """Message for a time outside the years of readings."""
    return f"is outside the years {FIRST_YEAR} to {LAST_YEAR}"


def parse_whole(text: str) -> int:
    """Parse a whole number, of digits 0 to 9 and a sign. Raises ValueError."""
    if not _WHOLE.match(text):
        raise ValueError(f"{text[:80]!r} is no whole number: write the digits 0 to 9")
    return int(text)


def parse_number(text: str) -> float:
    """Parse a finite decimal number, of digits 0 to 9, a sign, a point and an exponent. Raises ValueError."""
    if not _NUMBER.match(text):
        raise ValueError(f"{text[:80]!r} is no number: write the digits 0 to 9, and a point before a fraction")
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:80]!r} is too large for a number: write a smaller one")
    return number


def parse_duration(text: str) -> float:
    """Parse a span of time with its unit: `30s`, `5min`, `24h`, `7d`, `2y`.

    Returns:
        Seconds.

    Raises:
        ValueError: It is none, or has no unit.
    """
    match = _DURATION.match(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} is no span of time: write for instance 30s, 5min, 24h or 7d")
    if not match[2]:
        raise ValueError(f"{text!r} has no unit: write {text}s, {text}min, {text}h or {text}d")
    return float(match[1]) * _UNITS[match[2]]


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, without waiting for the writer of a pipe.

    Raises:
        ValueError: It is a device or a pipe.
        OSError: It cannot be opened, or is a folder.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller's to close
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("is a device or a pipe: name a regular file")
    return file


def read_small(path: Path, *, most: int) -> bytes:
    """Read a whole file of at most `most` bytes.

    Raises:
        ValueError: It is larger, or no regular file.
        OSError: It cannot be read.
    """
    with open_regular(path) as file:
        # One byte more than allowed tells a larger file from one of exactly that size.
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"has over {most} bytes")
    return content


def _without_waiting(path: str, flags: int) -> int:
    # O_NONBLOCK: opening a pipe that nobody writes to would block for ever.
    return os.open(path, flags | os.O_NONBLOCK)
