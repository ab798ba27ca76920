"""Bounds of names, identities, times, numbers and files, wherever they come from: a message, a setting, a
recording."""

import os
import re
import stat
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

MAX_NAME_LENGTH: Final = 200

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2099

# The store's resolution: two observations of a patient are at least so far apart.
TICK: Final = timedelta(milliseconds=1)

_SECONDS: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

# Overrides and isolates of writing direction: they make a name read as another one.
_DIRECTION: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# [0-9], not \d, and not all that Python takes: that would be digits of other scripts, and underscores.
_WHOLE: Final = re.compile(r"\A[+-]?[0-9]{1,30}\Z")
_NUMBER: Final = re.compile(r"\A[+-]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?\Z")


@lru_cache(maxsize=16_384)
def check_name(name: str) -> str:
    """The name, if a person can read it: ValueError says why not. Cached, for a ward repeats its names."""
    if not name.strip() or len(name) > MAX_NAME_LENGTH:
        raise ValueError(f"a name has 1 to {MAX_NAME_LENGTH} characters")
    for character in name:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _DIRECTION:
            raise ValueError(f"a name cannot hold the control character U+{ord(character):04X}")
    if all(unicodedata.category(character) in {"Cf", "Zs", "Mn", "Me", "Cn", "Co"} for character in name):
        raise ValueError("a name needs at least one visible character")
    return name


def check_uuid(uuid: UUID) -> UUID:
    """The uuid, if it is somebody's: ValueError for the nil one."""
    if not uuid.int:
        raise ValueError("the uuid is nil, which is nobody's: leave it out to have it made from the name")
    return uuid


def check_time(moment: datetime) -> datetime:
    """The time in UTC, if a reading can be of it: ValueError says why not."""
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
    """The moment of so many seconds, milliseconds or microseconds since 1970: ValueError for a moment of other years.

    Which of them is told by the magnitude: as seconds, the present in milliseconds lies 50,000 years ahead.
    """
    for scale in (1, 1_000, 1_000_000):
        if 0 <= count < _SECONDS * scale:
            return datetime.fromtimestamp(count / scale, UTC)
    raise ValueError(outside_years())


def outside_years() -> str:
    """What is said of a time that no reading can be of."""
    return f"is outside the years {FIRST_YEAR} to {LAST_YEAR}"


def parse_whole(text: str) -> int:
    """The whole number that somebody wrote: ValueError says why it is none."""
    if not _WHOLE.match(text):
        raise ValueError(f"{text[:80]!r} is no whole number: write the digits 0 to 9")
    return int(text)


def parse_number(text: str) -> float:
    """The number that somebody wrote, finite: ValueError says why it is none."""
    if not _NUMBER.match(text):
        raise ValueError(f"{text[:80]!r} is no number: write the digits 0 to 9, and a point before a fraction")
    return float(text)


def open_regular(path: Path) -> BinaryIO:
    """A file, opened for reading. ValueError for another kind of file, OSError where it cannot be opened.

    A pipe is not waited for.
    """
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller's to close
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("is a device or a pipe: name a regular file")
    return file


def read_small(path: Path, *, most: int) -> bytes:
    """A file of at most so many bytes, whole. ValueError for a larger one, and as for `open_regular`."""
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"has over {most} bytes")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
