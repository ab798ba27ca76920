"""Spans of time that are rolled up: minutes and hours, in milliseconds."""

from typing import Final

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE


def minute_of(moment: int) -> int:
    """Return the begin of a moment's minute."""
    return moment - moment % MINUTE


def hour_of(moment: int) -> int:
    """Return the begin of a moment's hour."""
    return moment - moment % HOUR
