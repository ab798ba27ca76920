"""Writes of other programs to the database while the sink has it open.

To restore a copy may be a transaction like any other: nothing fails, but what the sink knows of the database may be
wrong from then on, though its offsets be the same.
"""

from collections.abc import Hashable, Mapping
from typing import Final

from sqlalchemy import text

from icu.messages import Position
from icu.store.engines.base import Transaction
from icu.store.errors import PositionConflictError

_POSITIONS: Final = text("SELECT partition, next, mark FROM consumer_offsets WHERE topic = :topic")


class ForeignWrites:
    """Tells whether others have written. A transaction of the sink's own is no news."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        # What tells that others have written since.
        self._seen: Hashable = None
        self._generation = 0
        self._positions: dict[int, Position] = {}

    async def begin(self, transaction: Transaction) -> int:
        """Take the database as it stands for the sink's own work; returns its generation."""
        self._seen = await transaction.change_token()
        self._generation, self._positions = await self._state(transaction)
        return self._generation

    def advance(self, positions: Mapping[int, Position]) -> None:
        """Take in how far the sink itself has stored some partitions."""
        self._positions |= positions

    async def check(self, transaction: Transaction) -> bool:
        """Tell if they have since the last time. PositionConflictError where it is another database, or is stored
        another way, in whatever partition."""
        seen = await transaction.change_token()
        if seen == self._seen:
            return False
        if await self._state(transaction) != (self._generation, self._positions):
            raise PositionConflictError(
                f"the stored offsets of {self._topic} were moved meanwhile: another copy of the database was restored, "
                "or another sink writes to it"
            )
        self._seen = seen
        return True

    async def _state(self, transaction: Transaction) -> tuple[int, dict[int, Position]]:
        return await transaction.generation(), await positions_of(transaction, self._topic)


async def positions_of(transaction: Transaction, topic: str) -> dict[int, Position]:
    """How far each partition of the topic is stored."""
    rows = await transaction.rows(_POSITIONS, {"topic": topic})
    return {partition: Position(offset, mark) for partition, offset, mark in rows}
