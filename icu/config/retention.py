"""How long what is stored is kept: [retention], and checks of it beyond the types."""

import math
from collections.abc import Iterator
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from icu.bounds import parse_duration

# Readings in a full journal: 17 hours of 8 beds, half a minute of 10,000 beds at 5 s a reading.
JOURNAL: Final = 100_000

Span: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"\A([0-9]{1,9}(\.[0-9]{1,6})?(s|m|min|h|d|y))?\Z",
        description="a span of time has a unit, for instance 24h, 90d or 2y; empty quotes mean for ever",
    ),
]

# Seconds. Horizons are whole hours, and conditions of alarms and NEWS2 look back for hours.
_LEAST: Final = 3_600
_LEAST_RAW: Final = 86_400


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """Spans of time after which the upkeep deletes what is stored; empty for never. By the time of what it is about."""

    # Readings.
    raw: Span = ""
    # Their statistics by the minute, and by the hour.
    minute: Span = ""
    hour: Span = ""
    # By their arrival.
    dead_letters: Span = "90d"
    # Ended ones, by their end; and times of the alarms' statistics.
    alarms: Span = ""
    # Commands of people.
    audit: Span = ""
    # Events of alarms that could not be published.
    outbox: Span = "7d"
    # Readings behind the live streams: a count, not a span.
    journal: Annotated[int, Meta(ge=1_000, le=100_000_000)] = JOURNAL


DEFAULT: Final = Retention()

# Those that are spans, in the order in which they are checked and deleted.
SPANS: Final = tuple(name for name in Retention.__struct_fields__ if name != "journal")


def seconds_of(span: str) -> float:
    """Return the seconds of a span; inf for ever."""
    return parse_duration(span) if span else math.inf


def mistakes_in(retention: Retention) -> Iterator[tuple[str, str]]:
    """Find spans that are too short, or contradict each other.

    Yields:
        The key of each mistake, and its description.
    """
    for name in SPANS:
        span = getattr(retention, name)
        least, text = (_LEAST_RAW, "1d") if name == "raw" else (_LEAST, "1h")
        if seconds_of(span) < least:
            yield name, f"{span} is too short: write {text} or more"
    for shorter, longer, what in (("raw", "minute", "readings"), ("minute", "hour", "their minutes")):
        before, span = getattr(retention, shorter), getattr(retention, longer)
        if seconds_of(span) < seconds_of(before):
            kept = f"for {before}" if before else "for ever"
            yield longer, f"{span} is shorter than {shorter}, and {what} are kept {kept}: write as much or more"
