"""Inserts of readings: fast where all are new, with a comparison where some are stored already."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from icu.messages import Delivery, Refusal
from icu.store.engines.base import Transaction
from icu.store.readings import KEY, ReadingRow, content_of

# Stores rows; returns the new ones and the conflicts.
Insert: TypeAlias = Callable[
    [Transaction, Sequence[ReadingRow], Sequence[Delivery]], Awaitable[tuple[Sequence[ReadingRow], list[Refusal]]]
]


async def insert_all(
    transaction: Transaction,
    rows: Sequence[ReadingRow],
    deliveries: Sequence[Delivery],  # noqa: ARG001 - only conflicts need them
) -> tuple[Sequence[ReadingRow], list[Refusal]]:
    """Insert rows that are all new, as they nearly always are.

    Raises:
        OverlapError: Some are stored already, or stand twice among the rows.
    """
    await transaction.insert(rows)
    return rows, []


async def insert_new(
    transaction: Transaction, rows: Sequence[ReadingRow], deliveries: Sequence[Delivery]
) -> tuple[Sequence[ReadingRow], list[Refusal]]:
    """Insert the new rows among these.

    Args:
        transaction: Open transaction.
        rows: Readings, some of which may be stored already.
        deliveries: Source of each row, for the dead letters of conflicts.

    Returns:
        The new rows, and the conflicts: rows of a stored patient and time with other values.
    """
    fresh, conflicts = await _compare(transaction, rows, deliveries)
    await transaction.insert(fresh)
    return fresh, conflicts


async def _compare(
    transaction: Transaction, rows: Sequence[ReadingRow], deliveries: Sequence[Delivery]
) -> tuple[list[ReadingRow], list[Refusal]]:
    """Return the new rows and the conflicts. All other rows are duplicates."""
    stored = await transaction.existing([row[KEY] for row in rows])
    seen: dict[Any, Any] = {row[KEY]: content_of(row) for row in stored}
    fresh: list[ReadingRow] = []
    conflicts: list[Refusal] = []
    for row, delivery in zip(rows, deliveries, strict=True):
        key, content = row[KEY], content_of(row)
        if key not in seen:
            # Later rows of the same batch are compared with this one.
            seen[key] = content
            fresh.append(row)
        elif seen[key] != content:
            detail = "this patient has a reading of that time already, with other values"
            conflicts.append(Refusal(delivery, "conflict", detail))
    return fresh, conflicts
