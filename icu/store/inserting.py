"""Rows of readings into their table: quickly where all are new, compared one by one where some were stored before."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from icu.messages import Delivery, Refusal
from icu.store.engines.base import Transaction
from icu.store.readings import KEY, ReadingRow, content_of

# Stores rows; returns those that were new, and the conflicts.
Insert: TypeAlias = Callable[
    [Transaction, Sequence[ReadingRow], Sequence[Delivery]], Awaitable[tuple[Sequence[ReadingRow], list[Refusal]]]
]


async def insert_all(
    transaction: Transaction,
    rows: Sequence[ReadingRow],
    deliveries: Sequence[Delivery],  # noqa: ARG001 - only conflicts need them
) -> tuple[Sequence[ReadingRow], list[Refusal]]:
    """Insert rows of which all are new, as they nearly always are. OverlapError where some are not."""
    await transaction.insert(rows)
    return rows, []


async def insert_new(
    transaction: Transaction, rows: Sequence[ReadingRow], deliveries: Sequence[Delivery]
) -> tuple[Sequence[ReadingRow], list[Refusal]]:
    """Insert the rows that are new; returns them, and the conflicts among the others."""
    fresh, conflicts = await _compare(transaction, rows, deliveries)
    await transaction.insert(fresh)
    return fresh, conflicts


async def _compare(
    transaction: Transaction, rows: Sequence[ReadingRow], deliveries: Sequence[Delivery]
) -> tuple[list[ReadingRow], list[Refusal]]:
    """Which rows are new, and which contradict what is stored. The rest say the same again."""
    stored = await transaction.existing([row[KEY] for row in rows])
    seen: dict[Any, Any] = {row[KEY]: content_of(row) for row in stored}
    fresh: list[ReadingRow] = []
    conflicts: list[Refusal] = []
    for row, delivery in zip(rows, deliveries, strict=True):
        key, content = row[KEY], content_of(row)
        if key not in seen:
            seen[key] = content
            fresh.append(row)
        elif seen[key] != content:
            detail = "this patient has a reading of that time already, with other values"
            conflicts.append(Refusal(delivery, "conflict", detail))
    return fresh, conflicts
