"""Partitions that cannot be read: set aside, named once, and tried again ever more rarely."""

from collections.abc import Mapping
from typing import Final

from loguru import logger
from msgspec import Struct

from icu.transports.kafka.foreign import UnreadableError

FIRST_PAUSE: Final = 1.0
# Seconds until a partition is tried again: twice as long after each failure. Whoever mends it looks at the ward.
LONGEST_PAUSE: Final = 60.0


class _Fault(Struct):
    offset: int
    text: str
    again_at: float
    pause: float


class Faults:
    """The partitions of one topic that cannot be read. Times are seconds of the event loop's clock."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._faults: dict[int, _Fault] = {}

    def __contains__(self, partition: int) -> bool:
        return partition in self._faults

    @property
    def text(self) -> str | None:
        """All of them in words, with what to do; None where there is none."""
        return "; ".join(self._faults[partition].text for partition in sorted(self._faults)) or None

    def note(self, partition: int, offset: int, error: UnreadableError, *, now: float) -> None:
        """Set a partition aside whose record at `offset` cannot be read. Logged once for each offset."""
        before = self._faults.get(partition)
        known = before is not None and before.offset == offset
        pause = min(2 * before.pause, LONGEST_PAUSE) if before and known else FIRST_PAUSE
        text = f"partition {partition} of {self._topic} cannot be read at offset {offset}: {error}; {error.remedy}"
        self._faults[partition] = _Fault(offset, text, now + pause, pause)
        log = logger.bind(topic=self._topic, partition=partition, offset=offset)
        log.log("DEBUG" if known else "ERROR", "{}; the other partitions go on", text)

    def due(self, now: float) -> list[int]:
        """Those that are to be tried again."""
        return [partition for partition, fault in self._faults.items() if now >= fault.again_at]

    def mended(self, partition: int) -> None:
        """Forget a partition that can be read again."""
        del self._faults[partition]
        logger.bind(topic=self._topic, partition=partition).info(
            "partition {} of {} can be read again", partition, self._topic
        )

    def keep(self, positions: Mapping[int, int]) -> None:
        """Forget the partitions that are read from another position by now, or not at all."""
        self._faults = {each: fault for each, fault in self._faults.items() if positions.get(each) == fault.offset}
