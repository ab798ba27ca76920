"""Age from which a patient's data are stale: one rule for the alarm `data.stale` and for what the API shows."""

from collections.abc import Sequence
from statistics import median
from typing import Final

# Milliseconds.
LEAST: Final = 15_000
# Interval of a sender that states none, before its first gap is known.
USUAL_INTERVAL: Final = 5_000
# Last gaps between two readings from which the interval is taken.
GAPS: Final = 10

# Intervals that may pass without a reading.
_INTERVALS: Final = 3


def interval_of(stated: int | None, gaps: Sequence[int]) -> int:
    """Return the interval of a sender in milliseconds: as stated, else the median of its last gaps in whole seconds.

    What a sender's clock and network shift from one reading to the next is no other interval.

    Args:
        stated: Interval in its last observation.
        gaps: Differences of the times of its readings, in order. The last ten count.
    """
    if stated is not None:
        return stated
    return int(median(map(to_seconds, gaps[-GAPS:]))) if gaps else USUAL_INTERVAL


def to_seconds(gap: int) -> int:
    """Round milliseconds to whole seconds, half up. Still milliseconds."""
    return (gap + 500) // 1_000 * 1_000


def stale_after(stated: int | None, gaps: Sequence[int]) -> int:
    """Return the milliseconds since the last arrival after which a patient's data are stale."""
    return max(LEAST, _INTERVALS * interval_of(stated, gaps))
