"""Series of numbers in JSON, handled as text: its items, `7200,null,0`, are never made into objects."""

import zlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

# Items of an array as text, or compressed.
Items: TypeAlias = str | bytes


def pack(items: Items) -> bytes:
    """Compress items."""
    return items if isinstance(items, bytes) else zlib.compress(items.encode(), 1)


def unpack(items: Items) -> str:
    """Return items as text."""
    return items if isinstance(items, str) else zlib.decompress(items).decode()


def is_empty(items: str, count: int) -> bool:
    """Tell if all of so many items are null."""
    return items.count("null") == count


def has_tenths(items: str, count: int) -> bool:
    """Tell if all of so many items, hundredths, are whole tenths or null."""
    ended = f"{items},"
    return ended.count("0,") + ended.count("null,") == count


def in_tenths(items: str) -> str:
    """Turn hundredths that are whole tenths into these."""
    # Each number loses its last digit. Of a lone 0 nothing is left, and it is put back: twice, for the replacements of
    # two neighbours would overlap.
    shorter = f",{items},".replace("0,", ",")
    return shorter.replace(",,", ",0,").replace(",,", ",0,")[1:-1]


def joined(series: Sequence[Items], *, tenths: bool = False) -> Iterator[str]:
    """Join items of several slices into one array, piece by piece."""
    yield "["
    for place, items in enumerate(series):
        text = unpack(items)
        if place:
            yield ","
        yield in_tenths(text) if tenths else text
    yield "]"


class Times:
    """Times as they come, and their step as long as they are evenly spaced."""

    def __init__(self) -> None:
        self.first = 0
        # None where there are less than two times, or uneven ones.
        self.step: int | None = None
        self._last: int | None = None
        self._uneven = False

    def add(self, times: Sequence[int]) -> None:
        """Take the next ones, oldest first."""
        if self._last is None:
            self.first = times[0]
        else:
            times = [self._last, *times]
        self._last = times[-1]
        if self._uneven or len(times) < 2:
            return
        step = self.step or times[1] - times[0]
        self._uneven = times != list(range(times[0], times[-1] + step, step))
        self.step = None if self._uneven else step
