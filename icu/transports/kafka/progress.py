"""Progress of partitions whose broker answers: records that it does not deliver, transactions that stay open.

Times are seconds of the event loop's clock.
"""

from typing import Final

from loguru import logger

# Seconds without progress after which a partition counts as stalled.
STALLED_AFTER: Final = 5.0

# Seconds after which an open transaction is reported. Kafka itself aborts one after 60 s, unless its producer asks for
# more (transaction.timeout.ms), up to 15 minutes.
OPEN_AFTER: Final = 10.0


class Stalls:
    """Partitions that have further records, and do not deliver them."""

    def __init__(self) -> None:
        # By partition, the position that has records behind it, and the time since which it has not changed.
        self._behind: dict[int, tuple[int, float]] = {}

    def note(self, partition: int, position: int, end: int, *, now: float) -> bool:
        """Note the position of a partition.

        Args:
            partition: The number of the partition.
            position: The offset of the next record to fetch.
            end: The offset behind the last readable record.
            now: The current time.

        Returns:
            True if the position has not changed for STALLED_AFTER seconds though there are records behind it.
        """
        if position >= end:
            self._behind.pop(partition, None)
            return False
        stood_at, since = self._behind.get(partition, (position, now))
        if stood_at != position:
            since = now
        self._behind[partition] = position, since
        return now - since >= STALLED_AFTER

    def clear(self) -> None:
        """Forget all positions: a full batch of other partitions made them wait."""
        self._behind.clear()


class OpenTransactions:
    """Open transactions of other programs, which hold back the records behind them."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        # By partition, the offset of its oldest open transaction, and the time since which it is known.
        self._open: dict[int, tuple[int, float]] = {}
        # By partition, the text about a transaction that has been open for long.
        self._named: dict[int, str] = {}

    @property
    def text(self) -> str | None:
        """The transactions that have been open for OPEN_AFTER seconds, in words; None if there are none."""
        return "; ".join(self._named[partition] for partition in sorted(self._named)) or None

    def note(self, partition: int, stable: int, end: int, *, now: float) -> None:
        """Note the offsets of a partition. A transaction that stays open is logged once.

        Args:
            partition: The number of the partition.
            stable: The last stable offset, which is that of the oldest open transaction if it lies before `end`.
            end: The high watermark, behind the last record.
            now: The current time.
        """
        if stable >= end:
            self._open.pop(partition, None)
            self._named.pop(partition, None)
            return
        offset, since = self._open.get(partition, (stable, now))
        if offset != stable:
            since = now
            self._named.pop(partition, None)
        self._open[partition] = stable, since
        if now - since >= OPEN_AFTER and partition not in self._named:
            self._named[partition] = (
                f"a transaction is open at offset {stable} of partition {partition} of {self._topic} for over "
                f"{OPEN_AFTER:g} s: records behind it are read once its producer ends it, or Kafka does "
                "(kafka-transactions --find-hanging)"
            )
            logger.bind(topic=self._topic, partition=partition, offset=stable).warning("{}", self._named[partition])
