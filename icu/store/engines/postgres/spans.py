"""Spans of time to look into one after the other.

A statement on all days opens each of them, which takes milliseconds before it finds anything. On a few days it takes as
long as on one table, if it says which: nearly all that is asked for is in the last week.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from icu.store.engines.postgres.days import DAY

# From the end at which it begins.
_CUTS: Final = (7 * DAY, 70 * DAY)


def split(since: int, until: int, *, newest_first: bool, now: int) -> Sequence[tuple[int, int]]:
    """Split a span: see icu.store.engines.base.Connection.spans.

    Args:
        since: Milliseconds since 1970 UTC.
        until: End, excluded.
        newest_first: True to look for the newest first.
        now: Milliseconds since 1970 UTC: what lies ahead of it is hardly ever there.
    """
    cuts = [min(until, now) - each for each in reversed(_CUTS)] if newest_first else [since + each for each in _CUTS]
    edges = [since, *(each for each in cuts if since < each < until), until]
    parts = list(pairwise(edges))
    return parts[::-1] if newest_first else parts
