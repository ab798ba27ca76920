"""Sliding window over the time in which a sign is flagged or absent.

A sign is unavailable once it was blind for 30 s of the last 60 (low), 120 s of the last 180 (medium): levels of Philips
MX40 p. 4-14. So one valid reading in five cannot keep both alarms silent. Senders with an interval of over 10 s get
longer windows in proportion: one missing reading in an hour is no lost sign.
"""

from itertools import pairwise
from typing import Final

from msgspec import Struct

# Milliseconds: blind time, of the last.
LEVELS: Final = ((30_000, 60_000), (120_000, 180_000))

# Interval of a sender up to which LEVELS hold as they are.
_USUAL: Final = 10_000

# Before all times.
_EVER: Final = -(1 << 62)


class Window(Struct, frozen=True, gc=False):
    """Blind times of a sign. Times are the sender's."""

    # Blind times that have ended, the oldest first.
    spans: tuple[tuple[int, int], ...] = ()
    # Start of the blind time that has not ended.
    since: int | None = None
    # Last valid value before it.
    valid_at: int | None = None

    def lose(self, at: int, valid_at: int | None) -> "Window":
        """Begin a blind time."""
        return self if self.since is not None else Window(self.spans, at, valid_at)

    def see(self, at: int, interval: int) -> "Window":
        """End the blind time, and drop those that left all windows."""
        if self.since is None:
            return self
        horizon = at - scaled(LEVELS[-1][1], interval)
        kept = tuple(each for each in self.spans if each[1] > horizon)
        return Window((*kept, (self.since, at)))

    def moved(self, shift: int) -> "Window":
        """Return the window on another clock of the sender."""
        return Window(
            tuple((start + shift, end + shift) for start, end in self.spans),
            None if self.since is None else self.since + shift,
            None if self.valid_at is None else self.valid_at + shift,
        )

    def blind(self, at: int, length: int) -> int:
        """Return the blind time in the last `length` milliseconds before a time."""
        begin = at - length
        blind = sum(max(0, end - max(start, begin)) for start, end in self.spans)
        return blind if self.since is None else blind + max(0, at - max(self.since, begin))

    def tier(self, at: int, interval: int, tiers: int) -> int:
        """Return the worst level that is reached at a time, of the first `tiers` ones. -1: none."""
        worst = -1
        for number, (least, length) in enumerate(LEVELS[:tiers]):
            if self.blind(at, scaled(length, interval)) >= scaled(least, interval):
                worst = number
        return worst

    def next_change(self, at: int, interval: int, tiers: int) -> int | None:
        """Return the first time after `at` at which the level is another one. None: never, as it is."""
        tier = self.tier(at, interval, tiers)
        times = [each for each in self._crossings(at, interval, tiers) if self.tier(each, interval, tiers) != tier]
        return min(times, default=None)

    def _crossings(self, at: int, interval: int, tiers: int) -> list[int]:
        """Return the times after `at` at which the blind time crosses a level."""
        times = []
        edges = [edge for span in self.spans for edge in span]
        if self.since is not None:
            edges.append(self.since)
        for least, length in LEVELS[:tiers]:
            need, span = scaled(least, interval), scaled(length, interval)
            # Between two times at which an edge leaves the window, the blind time changes evenly.
            marks = sorted({at, *(edge + span for edge in edges if edge + span > at)})
            for first, last in pairwise(marks):
                begin, end = self.blind(first, span), self.blind(last, span)
                if begin < need <= end:
                    times.append(first + need - begin)
                elif end < need <= begin:
                    times.append(first + begin - need + 1)
        return times


def scaled(time: int, interval: int) -> int:
    """Lengthen a time for senders with a long interval."""
    return time if interval <= _USUAL else time * interval // _USUAL
