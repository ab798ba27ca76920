"""Figures of the database as lines of text."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from icu.bootstrap.database import DatabaseInfo, Restored
from icu.cli.listing import aligned, escape_control

_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")

# Days from which on nobody can tell: a ward that has hardly run in the last day seems to grow by nothing.
_FAR: Final = 3_650

# Number that would be shown with four digits.
_FOUR_DIGITS: Final = 999.5


def lines_of(info: DatabaseInfo, now: datetime) -> list[str]:
    """Format the figures, a line each."""
    return aligned([*_size(info), *_content(info), *_state(info, now)])


def sentence_about(source: Path, restored: Restored) -> str:
    """Format the result of a restoration."""
    made = "" if restored.backed_up is None else f", of {_moment(restored.backed_up)}"
    kept = "" if restored.kept is None else f"; the database of before is kept as {restored.kept}"
    return escape_control(f"{restored.location} was restored from {source}{made}{kept}")


def size_of(count: float) -> str:
    """Format a number of bytes: three digits and a unit."""
    unit = 0
    while count >= _FOUR_DIGITS and unit < len(_UNITS) - 1:
        count /= 1000
        unit += 1
    return f"{count:.3g} {_UNITS[unit]}"


def _size(info: DatabaseInfo) -> Iterator[tuple[str, str]]:
    storage = info.storage
    yield "database", info.location
    yield "tables", f"version {info.version}"
    yield "size", f"{size_of(storage.size)}, of it {size_of(storage.log)} log and {size_of(storage.unused)} unused"
    growth = "unknown: too few readings in the last 24 hours"
    yield "growth", growth if info.growth is None else f"{size_of(info.growth)} a day, as in the last 24 hours"
    free = "unknown" if storage.disk is None else f"{size_of(storage.disk)} free"
    yield "disk", free + ("" if info.days_left is None else f", {_full_in(info.days_left)} if nothing is deleted")


def _content(info: DatabaseInfo) -> Iterator[tuple[str, str]]:
    number = f"about {float(f'{info.readings:.2e}'):,.0f}" if info.estimated else f"{info.readings:,}"
    cost = "" if info.bytes_per_reading is None else f", {info.bytes_per_reading:.1f} bytes each with all around them"
    yield "readings", number + cost
    yield "oldest", _moment(info.oldest)
    yield "newest", _moment(info.newest)
    yield "patients", f"{info.patients:,}"
    yield "dead letters", f"{info.dead_letters:,}"
    if info.days is not None:
        yield "days", f"{info.days:,}, in a partition each"
    yield "journal", f"{info.journal_readings:,} readings in {info.journal_entries:,} entries"


def _state(info: DatabaseInfo, now: datetime) -> Iterator[tuple[str, str]]:
    behind = "" if info.rolled_until is None else f", {_age(info.rolled_until, now)} behind"
    yield "rolled up until", f"{_moment(info.rolled_until)}{behind}; {info.late_hours:,} late hours wait"
    horizons = {"readings": info.raw_horizon, "minutes": info.minute_horizon, "hours": info.hour_horizon}
    deleted = [f"{name} before {_moment(horizon)}" for name, horizon in horizons.items() if horizon is not None]
    yield "deleted", ", ".join(deleted) or "nothing"
    # Where readings lie in days, the server's own tools make backups, and leave no word of them.
    yield "last backup", _seen(info.backed_up, now) if info.days is None else "unknown: the server's tools make them"
    yield "sink last seen", _seen(info.sink_seen, now)
    yield "upkeep last seen", _seen(info.upkeep_seen, now)


def _full_in(days: float) -> str:
    return f"full in {days:,.0f} days" if days < _FAR else "not full within 10 years"


def _seen(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{_moment(moment)}, {_age(moment, now)} ago"


def _moment(moment: datetime | None) -> str:
    return "none" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _age(moment: datetime, now: datetime) -> str:
    """Format the time since a moment, in the largest unit of which there are two."""
    seconds = max(0.0, (now - moment).total_seconds())
    for name, length in (("days", 86_400), ("hours", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} s"
