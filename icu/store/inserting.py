"""Rows of readings into their table: quickly where all are new, compared one by one where some were stored before."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from icu.messages import Delivery, Refusal
from icu.store.engines.base import Transaction
from icu.store.readings import Row, said

# Stores rows; returns those that were new, and the conflicts.
Insert: TypeAlias = Callable[
    [Transaction, Sequence[Row], Sequence[Delivery]], Awaitable[tuple[Sequence[Row], list[Refusal]]]
]


async def insert_all(
    transaction: Transaction,
    rows: Sequence[Row],
    deliveries: Sequence[Delivery],  # noqa: ARG001 - only conflicts need them
) -> tuple[Sequence[Row], list[Refusal]]:
    """Insert rows of which all are new, as they nearly always are. OverlapError where some are not."""
    await transaction.insert(rows)
    return rows, []


async def insert_new(
    transaction: Transaction, rows: Sequence[Row], deliveries: Sequence[Delivery]
) -> tuple[Sequence[Row], list[Refusal]]:
    """Insert the rows that are new; returns them, and the conflicts among the others."""
    fresh, conflicts = await _compare(transaction, rows, deliveries)
    await transaction.insert(fresh)
    return fresh, conflicts


async def _compare(
    transaction: Transaction, rows: Sequence[Row], deliveries: Sequence[Delivery]
) -> tuple[list[Row], list[Refusal]]:
    """Which rows are new, and which contradict what is stored. The rest say the same again."""
    seen: dict[Any, Any] = {row[:2]: said(row) for row in await transaction.existing([row[:2] for row in rows])}
    fresh: list[Row] = []
    conflicts: list[Refusal] = []
    for row, delivery in zip(rows, deliveries, strict=True):
        key, says = row[:2], said(row)
        if key not in seen:
            seen[key] = says
            fresh.append(row)
        elif seen[key] != says:
            detail = "this patient has a reading of that time already, with other values"
            conflicts.append(Refusal(delivery, "conflict", detail))
    return fresh, conflicts
