"""Bounds of an ordinary reading: one by which nothing changes but the newest time."""

from typing import Any, Final, NamedTuple, TypeAlias

# Beyond all times and values.
INFINITE: Final = 1 << 62

# Lowest and highest value of each sign, flat, in hundredths; an absent value is -1.
Band: TypeAlias = tuple[int, ...]


class Steady(NamedTuple):
    """Readings by which nothing changes but the newest time. Milliseconds and hundredths."""

    # Ages of a live reading, and of one from a backlog.
    age_low: int
    age_high: int
    backlog_low: int
    backlog_high: int
    # Arrival from which an age must be noted.
    look_at: int
    # Time from the reading before.
    gap_low: int
    gap_high: int
    # Sender's time of the next deadline.
    until: int
    # Interval, time of the pressure, and flags: the same as before.
    interval: float | None
    measured: int | None
    quality: Any
    band: Band
