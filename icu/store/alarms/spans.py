"""Spans of keys, for statements that take the first and the last of many."""

from collections.abc import Iterable, Iterator
from typing import Final

# Keys that lie so close to each other are read with those between them.
_NEAR: Final = 16

# Keys in one span at most.
LONGEST: Final = 500


def spans(keys: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Part keys into spans that hold few others.

    Yields:
        The key before the first, and the last, of each span.
    """
    ordered = sorted(keys)
    if not ordered:
        return
    first = last = ordered[0]
    for key in ordered:
        if key - last > _NEAR or key - first >= LONGEST:
            yield first - 1, last
            first = key
        last = key
    yield first - 1, last
