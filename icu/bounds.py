"""What a name, an identity and a time may be, wherever they come from: a message, a setting, a recording."""

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

MAX_NAME_LENGTH: Final = 200

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2099

TICK: Final = timedelta(milliseconds=1)
"""The store's resolution: two observations of a patient are at least so far apart."""

_SECONDS: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

# Overrides and isolates of writing direction: they make a name read as another one.
_DIRECTION: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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
        raise ValueError(outside()) from exc
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(outside())
    return moment


def from_epoch(count: float) -> datetime:
    """The moment of so many seconds, milliseconds or microseconds since 1970: ValueError for a moment of other years.

    Which of them is told by the magnitude: as seconds, the present in milliseconds lies 50,000 years ahead.
    """
    for scale in (1, 1_000, 1_000_000):
        if 0 <= count < _SECONDS * scale:
            return datetime.fromtimestamp(count / scale, UTC)
    raise ValueError(outside())


def outside() -> str:
    """What is said of a time that no reading can be of."""
    return f"is outside the years {FIRST_YEAR} to {LAST_YEAR}"
