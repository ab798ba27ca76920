"""Staleness of a patient's readings: when so many are missing that something is wrong."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

# Intervals without a reading: one may be late and one lost before anything is wrong.
MISSED: Final = 3

# Seconds below which no reading is stale: a sink that is restarted is away for some, and a ward must not flash.
SHORTEST: Final = 15.0

# Gaps between readings that tell the interval of a sender which states none.
GAPS: Final = 10

# Seconds between the readings of such a sender, until it has made as many gaps.
USUAL_INTERVAL: Final = 5.0


def stale_after(interval: float | None, times: Sequence[float] = ()) -> float:
    """Return the age from which a patient's latest reading is stale, in seconds.

    Args:
        interval: Seconds between two readings, as the sender states it; None if it states none.
        times: Of the readings of a sender that states none, in seconds and ascending: at least the last GAPS + 1.
    """
    return max(SHORTEST, MISSED * (_usual_gap(times) if interval is None else interval))


def _usual_gap(times: Sequence[float]) -> float:
    last = times[-GAPS - 1 :]
    if len(last) <= GAPS:
        return USUAL_INTERVAL
    return median(after - before for before, after in pairwise(last))
