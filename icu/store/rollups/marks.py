"""Marks of late hours: readings that come behind the roll-ups are noted in the transaction that stores them."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from sqlalchemy import text

from icu.store.engines.base import Transaction
from icu.store.readings import PATIENT, TIMESTAMP, ReadingRow
from icu.store.rollups.spans import hour_of

_MARK: Final = text("INSERT INTO late_hours (patient_id, hour) VALUES (:patient, :hour) ON CONFLICT DO NOTHING")

_timestamp: Final = itemgetter(TIMESTAMP)


async def mark_late(transaction: Transaction, rows: Sequence[ReadingRow], marked_until: int | None) -> None:
    """Mark the hours of the readings that the roll-ups may lack. Where none is late, there is no statement.

    Args:
        transaction: Transaction that stores the readings.
        rows: New readings.
        marked_until: Readings before it are late, in milliseconds since 1970 UTC, as of this transaction; None before
            the first roll-up.
    """
    # The least is looked for first: of most batches no reading is late, and this takes 30 ns a reading.
    if marked_until is None or min(map(_timestamp, rows), default=marked_until) >= marked_until:
        return
    late = {(row[PATIENT], hour_of(row[TIMESTAMP])) for row in rows if row[TIMESTAMP] < marked_until}
    # Sorted, as in the table.
    await transaction.execute(_MARK, [{"patient": patient, "hour": hour} for patient, hour in sorted(late)])
