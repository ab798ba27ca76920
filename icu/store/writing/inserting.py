"""Inserts of readings: fast where all are new, with a comparison where some are stored already."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from icu.messages import Delivery, Refusal
from icu.store.engines.base import Transaction
from icu.store.readings import KEY, ReadingRow, content_of

T = TypeVar("T")


class Inserted(Struct, frozen=True, gc=False):
    """Rows that were new, and the conflicts: rows of a stored patient and time with other values."""

    rows: Sequence[ReadingRow]
    conflicts: Sequence[Refusal] = ()
    # Places of the new rows among the given ones; None if all are new.
    places: Sequence[int] | None = None

    def of_new(self, values: Sequence[T]) -> Sequence[T]:
        """Return those of values, one for each given row, that belong to the new rows."""
        return values if self.places is None else [values[place] for place in self.places]


# Stores rows.
Insert: TypeAlias = Callable[[Transaction, Sequence[ReadingRow], Sequence[Delivery]], Awaitable[Inserted]]


async def insert_all(
    transaction: Transaction,
    rows: Sequence[ReadingRow],
    deliveries: Sequence[Delivery],  # noqa: ARG001 - only conflicts need them
) -> Inserted:
    """Insert rows that are all new, as they nearly always are.

    Raises:
        OverlapError: Some are stored already, or stand twice among the rows.
    """
    await transaction.insert(rows)
    return Inserted(rows)


async def insert_new(transaction: Transaction, rows: Sequence[ReadingRow], deliveries: Sequence[Delivery]) -> Inserted:
    """Insert the new rows among these.

    Args:
        transaction: Open transaction.
        rows: Readings, some of which may be stored already.
        deliveries: Source of each row, for the dead letters of conflicts.
    """
    inserted = await _compare(transaction, rows, deliveries)
    await transaction.insert(inserted.rows)
    return inserted


async def _compare(transaction: Transaction, rows: Sequence[ReadingRow], deliveries: Sequence[Delivery]) -> Inserted:
    """Find the new rows and the conflicts. All other rows are duplicates."""
    stored = await transaction.existing([row[KEY] for row in rows])
    seen: dict[Any, Any] = {row[KEY]: content_of(row) for row in stored}
    places: list[int] = []
    conflicts: list[Refusal] = []
    for place, (row, delivery) in enumerate(zip(rows, deliveries, strict=True)):
        key, content = row[KEY], content_of(row)
        if key not in seen:
            # Later rows of the same batch are compared with this one.
            seen[key] = content
            places.append(place)
        elif seen[key] != content:
            detail = "this patient has a reading of that time already, with other values"
            conflicts.append(Refusal(delivery, "conflict", detail))
    return Inserted([rows[place] for place in places], conflicts, places)
