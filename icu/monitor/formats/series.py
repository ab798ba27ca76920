"""Series of numbers in JSON, handled as text: its items, `7200,null,0`, are never made into objects."""

import zlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

# Items of an array as text, or compressed.
_Items: TypeAlias = str | bytes


class Series:
    """Items of a column, slice by slice: hundredths, which are held as tenths where they are whole ones.

    `is_fine` once a value has hundredths; from the beginning for numbers that are no hundredths.
    """

    def __init__(self, *, is_fine: bool) -> None:
        self.is_fine = is_fine
        # And whether they are tenths.
        self._slices: list[tuple[_Items, bool]] = []

    def add(self, items: str, count: int) -> None:
        """Take so many items."""
        tenths = None if self.is_fine else in_tenths(items, count)
        self.is_fine = tenths is None
        self._slices.append((items, False) if tenths is None else (tenths, True))

    def pack(self) -> None:
        """Compress the items that were taken last."""
        items, tenths = self._slices[-1]
        self._slices[-1] = zlib.compress(unpacked(items).encode(), 1), tenths

    def joined(self, *, tenths: bool) -> Iterator[str]:
        """Join all items into one array, piece by piece; as tenths where the caller knows that none is fine."""
        yield "["
        for place, (items, are_tenths) in enumerate(self._slices):
            if place:
                yield ","
            text = unpacked(items)
            yield in_hundredths(text) if are_tenths and not tenths else text
        yield "]"


def unpacked(items: _Items) -> str:
    """Return items as text."""
    return items if isinstance(items, str) else zlib.decompress(items).decode()


def is_empty(items: str, count: int) -> bool:
    """Tell if all of so many items are null."""
    return items.count("null") == count


def in_tenths(items: str, count: int) -> str | None:
    """Turn so many hundredths into tenths; None where they are not all whole ones, or null."""
    ended = f"{items},"
    # Each number loses its last digit, if that is a 0.
    shorter = ended.replace("0,", ",")
    if len(ended) - len(shorter) + ended.count("null,") < count:
        return None
    if ",," in shorter or shorter[0] == ",":
        # Of a lone 0 nothing was left. Twice, for the replacements of two neighbours would overlap.
        shorter = f",{shorter}".replace(",,", ",0,").replace(",,", ",0,")[1:]
    return shorter[:-1]


def in_hundredths(items: str) -> str:
    """Turn tenths into hundredths."""
    longer = f",{items},".replace(",", "0,").replace("null0,", "null,")[1:]
    return longer.replace(",00,", ",0,").replace(",00,", ",0,")[1:-1]


class Spacing:
    """Step of times, as long as they are evenly spaced."""

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
