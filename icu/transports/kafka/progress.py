"""Partitions that do not go on though their broker answers: records that it does not deliver, transactions that stay
open. Times are seconds of the event loop's clock."""

from typing import Final

from loguru import logger

# Seconds after which records that do not come are no longer on their way.
STALLED_AFTER: Final = 5.0

# Seconds after which an open transaction is worth naming. Kafka itself aborts one after 60 s unless its producer asks
# for more (transaction.timeout.ms), up to 15 minutes.
OPEN_AFTER: Final = 10.0


class Stalls:
    """Partitions that have records which nobody delivers."""

    def __init__(self) -> None:
        # The position of each partition that has records behind it, and since when it stands there.
        self._behind: dict[int, tuple[int, float]] = {}

    def note(self, partition: int, position: int, end: int, *, now: float) -> bool:
        """Tell if a partition has stood at its position for too long while there were records up to `end`."""
        if position >= end:
            self._behind.pop(partition, None)
            return False
        stood_at, since = self._behind.get(partition, (position, now))
        if stood_at != position:
            since = now
        self._behind[partition] = position, since
        return now - since >= STALLED_AFTER

    def clear(self) -> None:
        """Begin anew: partitions had to wait for others that filled a whole batch."""
        self._behind.clear()


class OpenTransactions:
    """Transactions of other programs whose end the records behind them wait for."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        # The offset of each partition's oldest open transaction, and since when it is known.
        self._open: dict[int, tuple[int, float]] = {}
        self._named: dict[int, str] = {}

    @property
    def text(self) -> str | None:
        """Those that have been open for long, in words; None where there is none."""
        return "; ".join(self._named[partition] for partition in sorted(self._named)) or None

    def note(self, partition: int, stable: int, end: int, *, now: float) -> None:
        """Note up to where a partition is `stable`, and where it ends. A transaction that stays open is logged once."""
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
