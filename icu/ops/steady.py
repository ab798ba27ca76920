"""A clock that is never set, and also counts while the machine sleeps or this process is suspended."""

import time
from typing import Final

# On macOS the monotonic clock counts while the machine sleeps, and has no other name.
_STEADY: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Return seconds on that clock, from any beginning."""
    return time.clock_gettime(_STEADY)
