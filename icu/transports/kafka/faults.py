"""Partitions that cannot be read: set aside, logged once, and tried again with growing pauses."""

from collections.abc import Mapping
from typing import Final

from loguru import logger
from msgspec import Struct

from icu.transports.kafka.foreign import UnreadableError

# Seconds until a partition is tried again. The pause doubles after each failure. Even the longest is short enough for
# a person who has mended the partition and waits to see it work.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0


class _Fault(Struct):
    offset: int
    text: str
    # The time of the next attempt.
    again_at: float
    pause: float


class Faults:
    """The unreadable partitions of one topic. Times are seconds of the event loop's clock."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._faults: dict[int, _Fault] = {}

    def __contains__(self, partition: int) -> bool:
        return partition in self._faults

    @property
    def text(self) -> str | None:
        """All faults and their remedies, in words for people; None if there are none."""
        return "; ".join(self._faults[partition].text for partition in sorted(self._faults)) or None

    def note(self, partition: int, offset: int, error: UnreadableError, *, now: float) -> None:
        """Set a partition aside. Logged as an error once for each offset.

        Args:
            partition: The number of the partition.
            offset: The offset of the record that cannot be read.
            error: The reason and the remedy.
            now: The current time.
        """
        before = self._faults.get(partition)
        known = before is not None and before.offset == offset
        pause = min(2 * before.pause, LONGEST_PAUSE) if before and known else FIRST_PAUSE
        text = f"partition {partition} of {self._topic} cannot be read at offset {offset}: {error}; {error.remedy}"
        self._faults[partition] = _Fault(offset, text, now + pause, pause)
        log = logger.bind(topic=self._topic, partition=partition, offset=offset)
        log.log("DEBUG" if known else "ERROR", "{}; the other partitions go on", text)

    def due(self, now: float) -> list[int]:
        """Numbers of the partitions that are to be tried again now."""
        return [partition for partition, fault in self._faults.items() if now >= fault.again_at]

    def mended(self, partition: int) -> None:
        """Remove a partition that can be read again, and log that."""
        del self._faults[partition]
        logger.bind(topic=self._topic, partition=partition).info(
            "partition {} of {} can be read again", partition, self._topic
        )

    def keep(self, positions: Mapping[int, int]) -> None:
        """Keep only the faults at the positions of a new assignment, by partition."""
        self._faults = {each: fault for each, fault in self._faults.items() if positions.get(each) == fault.offset}
