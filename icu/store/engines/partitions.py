"""Contract between the upkeep and databases that keep the readings of each day apart."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Part(Struct, frozen=True):
    """Partition of the readings: those of a span of time, which can be dropped at once."""

    name: str
    # Milliseconds since 1970 UTC, the end excluded. None where it reaches back, or ahead, without an end.
    since: int | None
    until: int | None


class Partitions(Protocol):
    """Part of the contract of engines: see icu.store.engines.base."""

    async def parts(self) -> Sequence[Part] | None:
        """Read the partitions of the readings, in the order of their times; None where they lie in one table."""
        ...

    async def make_room(self, now: int, *, since: int | None = None) -> None:
        """Make the partitions of the present day and of the next ones, where readings are stored in such.

        Readings of a day that are stored already come into its partition.

        Args:
            now: Milliseconds since 1970 UTC.
            since: Where no day has a partition yet, each from this time on gets one, too: readings of then are to come.

        Raises:
            StoreBusyError: Others hold the table. Nothing was changed.
            StoreDeniedError: Only the owner of the tables may do it.
        """
        ...

    async def drop_before(self, until: int) -> int:
        """Drop the partitions of days that end at a time, or before it, and what is older than these.

        Args:
            until: Milliseconds since 1970 UTC.

        Returns:
            Number of days; 0 where there are no partitions.

        Raises:
            StoreBusyError: Others hold the table. Nothing was changed.
            StoreDeniedError: Only the owner of the tables may do it.
        """
        ...
