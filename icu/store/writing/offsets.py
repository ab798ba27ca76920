"""Stored offsets of a topic's partitions. They move in the transaction that stores the records."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import TextClause, text

from icu.messages import Position
from icu.store.engines.base import Transaction, Values
from icu.store.errors import PositionConflictError

_POSITIONS: Final = text("SELECT partition, next, mark FROM consumer_offsets WHERE topic = :topic")
# Compare-and-set: it changes no row once another sink has moved the offset.
_MOVE_OFFSET: Final = text(
    "UPDATE consumer_offsets SET next = :next, mark = :mark"
    " WHERE topic = :topic AND partition = :partition AND next = :start"
)
# A position is overwritten only as it was read: another sink may have moved it since.
_NEW_LOG: Final = text(
    "INSERT INTO consumer_offsets (topic, partition, log, next, mark) VALUES (:topic, :partition, 1, :next, :mark)"
    " ON CONFLICT (topic, partition) DO NOTHING"
)
_BEGIN_LOG: Final = text(
    "UPDATE consumer_offsets SET next = :next, mark = :mark, log = log + :raised"
    " WHERE topic = :topic AND partition = :partition AND next = :known AND mark = :known_mark"
)


class Move(Struct, frozen=True, gc=False):
    """Move of one partition's offset."""

    partition: int
    # Offset of the first record in the request.
    start: int
    # Position after its last record.
    end: Position


async def positions_of(transaction: Transaction, topic: str) -> dict[int, Position]:
    """Read the stored position of each partition of the topic."""
    rows = await transaction.rows(_POSITIONS, {"topic": topic})
    return {partition: Position(offset, mark) for partition, offset, mark in rows}


async def begin_logs(
    transaction: Transaction,
    topic: str,
    positions: Mapping[int, Position],
    *,
    known: Mapping[int, Position],
    other_logs: frozenset[int],
) -> None:
    """Store the positions from which a sink reads on.

    Args:
        transaction: Open transaction.
        topic: Topic of the partitions.
        positions: Next record of each partition.
        known: Stored positions, as they were read; of a partition without one, none.
        other_logs: Partitions whose log is another than the stored one. They get the next log number.

    Raises:
        PositionConflictError: One of them was moved since it was read.
    """
    new, begun = [], []
    for partition, each in positions.items():
        values = {"topic": topic, "partition": partition, "next": each.next, "mark": each.mark}
        before = known.get(partition)
        if before is None:
            new.append(values)
        else:
            raised = int(partition in other_logs)
            begun.append({**values, "known": before.next, "known_mark": before.mark, "raised": raised})
    await _change_all(transaction, _NEW_LOG, new, topic)
    await _change_all(transaction, _BEGIN_LOG, begun, topic)


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
    await _change_all(transaction, _MOVE_OFFSET, values, topic)


async def _change_all(transaction: Transaction, statement: TextClause, values: Sequence[Values], topic: str) -> None:
    """Change a row for each of the values.

    Raises:
        PositionConflictError: There is none for one of them.
    """
    if values and await transaction.execute(statement, values) != len(values):
        raise PositionConflictError(
            f"the stored offsets of {topic} were moved meanwhile: another sink writes to this database"
        )
