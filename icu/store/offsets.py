"""Stored offsets of a topic's partitions. They move in the transaction that stores the records."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.messages import Position
from icu.store.engines.base import Transaction
from icu.store.errors import PositionConflictError

# Compare-and-set: it changes no row once another sink has moved the offset.
_MOVE_OFFSET: Final = text(
    "UPDATE consumer_offsets SET next = :next, mark = :mark"
    " WHERE topic = :topic AND partition = :partition AND next = :start"
)
_BEGIN_LOG: Final = text(
    "INSERT INTO consumer_offsets (topic, partition, log, next, mark) VALUES (:topic, :partition, 1, :next, :mark)"
    " ON CONFLICT (topic, partition) DO UPDATE"
    " SET next = excluded.next, mark = excluded.mark, log = consumer_offsets.log + :raised"
)


class Move(Struct, frozen=True, gc=False):
    """Move of one partition's offset."""

    partition: int
    # Offset of the first record in the request.
    start: int
    # Position after its last record.
    end: Position


async def begin_logs(
    transaction: Transaction, topic: str, positions: Mapping[int, Position], *, other_logs: frozenset[int]
) -> None:
    """Store the positions from which a sink reads on; `other_logs` get the next log number."""
    values = [
        {
            "topic": topic,
            "partition": partition,
            "next": each.next,
            "mark": each.mark,
            "raised": int(partition in other_logs),
        }
        for partition, each in positions.items()
    ]
    await transaction.execute(_BEGIN_LOG, values)


async def move_offsets(transaction: Transaction, topic: str, moves: Sequence[Move]) -> None:
    """Move offsets from where each request began.

    Raises:
        PositionConflictError: One of them is elsewhere.
    """
    values = [
        {
            "topic": topic,
            "partition": each.partition,
            "start": each.start,
            "next": each.end.next,
            "mark": each.end.mark,
        }
        for each in moves
    ]
    if await transaction.execute(_MOVE_OFFSET, values) != len(moves):
        raise PositionConflictError(
            f"the stored offsets of {topic} were moved meanwhile: another sink writes to this database"
        )
