"""Dates and clocks, one text at a time, as seconds since 1970, or since midnight. ValueError for any other text.

A date without a time zone is taken as UTC: only the distance between rows counts.
"""

import re
from datetime import UTC, datetime
from typing import Final

from icu.bounds import FIRST_YEAR

_CLOCK: Final = re.compile(r"\A([0-9]{1,3}):([0-5][0-9])(?::([0-5][0-9](?:[.,][0-9]+)?))?(?: ?([AaPp])\.?[Mm]\.?)?\Z")
_DATED: Final = re.compile(r"\A([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})(?:[ T,]+(.+))?\Z")
_YEAR_FIRST: Final = re.compile(r"\A([0-9]{4})[./]([0-9]{1,2})[./]([0-9]{1,2})(?:[ T,]+(.+))?\Z")
_COMPACT: Final = re.compile(r"\A(?:[0-9]{8}|[0-9]{12}|[0-9]{14})\Z")
# Last year of a compact date: published stays are shifted by a century or two.
_LAST_YEAR: Final = 2299


def iso(text: str) -> float:
    """Parse 2026-01-31T12:00:00Z and the shorter forms of ISO 8601, except for a date without dashes."""
    # datetime itself takes digits of other scripts, and eight digits.
    if not text.isascii() or text.isdigit():
        raise _no_date(text)
    return _seconds(datetime.fromisoformat(text.removesuffix(" UTC")))


def year_first(text: str) -> float:
    """Parse 2026/1/31 and 2026.01.31 12:00, which have one order everywhere."""
    if (match := _YEAR_FIRST.match(text)) is None:
        raise _no_date(text)
    return _of_day(*match.groups())


def dated(text: str, *, day_first: bool) -> float:
    """Parse 31.01.2026 12:00 and 1/31/2026 2:05 PM. With dots the day is always first."""
    match = _DATED.match(text)
    if match is None or (match[2] == "." and not day_first):
        raise _no_date(text)
    day, month = (match[1], match[3]) if day_first else (match[3], match[1])
    return _of_day(match[4], month, day, match[5])


def compact(text: str) -> float:
    """Parse 20260131, 202601311200 and 20260131120000."""
    if not _COMPACT.match(text):
        raise _no_date(text)
    whole = text.ljust(14, "0")
    if not FIRST_YEAR <= int(whole[:4]) <= _LAST_YEAR:
        raise _no_date(text)
    parts = [int(whole[at : at + 2]) for at in range(4, 14, 2)]
    return _seconds(datetime(int(whole[:4]), *parts))  # type: ignore[arg-type] # noqa: DTZ001 - becomes UTC


def clock(text: str) -> float:
    """Parse 14:20, 14:20:05.5 and 2:20 PM; hours may exceed a day."""
    match = _CLOCK.match(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no time of day")
    hours = int(match[1])
    if half := (match[4] or "").lower():
        if not 1 <= hours <= 12:
            raise ValueError(f"{text[:40]!r} is no time of day")
        hours = hours % 12 + (12 if half == "p" else 0)
    return hours * 3_600 + int(match[2]) * 60 + float((match[3] or "0").replace(",", "."))


def clock_of_digits(value: float) -> float:
    """Convert 142005, for 14:20:05."""
    hours, rest = divmod(int(value), 10_000)
    return hours * 3_600 + rest // 100 * 60 + rest % 100


def _of_day(year: str, month: str, day: str, rest: str | None) -> float:
    seconds = _seconds(datetime(int(year), int(month), int(day), tzinfo=UTC))
    return seconds + (clock(rest) if rest else 0)


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _no_date(text: str) -> ValueError:
    return ValueError(f"{text[:40]!r} is no date")
