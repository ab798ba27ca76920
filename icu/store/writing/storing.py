"""Storing of a batch in the sink's transaction: offsets, patients, readings, and dead letters."""

from collections.abc import Sequence

from msgspec import Struct

from icu.messages import Refusal
from icu.store.alarms.evaluating import Evaluator
from icu.store.dead_letters.inserting import insert_dead_letters
from icu.store.engines.base import Transaction
from icu.store.journal.entries import PatientNews
from icu.store.readings import to_rows
from icu.store.rollups.marks import mark_late
from icu.store.writing.expired import insert_expired
from icu.store.writing.guarding import Guard
from icu.store.writing.inserting import Insert, Inserted
from icu.store.writing.introducing import KnownPatients, introduce
from icu.store.writing.offsets import move_offsets
from icu.store.writing.requests import WriteRequest, without_expired


class StoredBatch(Struct, frozen=True):
    """Batch as it was stored."""

    # Without the readings that are older than what is kept, and their number.
    request: WriteRequest
    expired: int
    # All patients, and the changes.
    patients: KnownPatients
    news: Sequence[PatientNews]
    inserted: Inserted
    # Number of readings that were stored before, with the same values.
    duplicates: int
    # Those of the request, and the conflicts.
    refusals: Sequence[Refusal]
    # Number of patients who are this sink's from now on, and were another's or new.
    taken: int


async def store_batch(
    transaction: Transaction,
    guard: Guard,
    topic: str,
    request: WriteRequest,
    arrived: int,
    evaluator: Evaluator | None,
    insert: Insert,
) -> StoredBatch:
    """Store a batch, all but what its evaluation brings.

    Args:
        transaction: Open transaction.
        guard: Of the sink.
        topic: Topic of the batch.
        request: The batch.
        arrived: Time of arrival, in milliseconds since 1970 UTC.
        evaluator: Engine of alarms, which begins an evaluation.
        insert: Way to insert the readings.

    Raises:
        PositionConflictError: Another program moved the offsets.
        OwnersChangedError: Other sinks have taken patients.
        OverlapError: As `insert`.
    """
    known = await guard.open(transaction, request)
    await move_offsets(transaction, topic, request.moves)
    request, expired = without_expired(request, guard.upkeep.refused_until)
    patients, news = await introduce(transaction, request.observed, known, arrived)
    if evaluator is not None:
        evaluator.begin()
    taken = await guard.take(transaction, request, patients, evaluator, arrived)
    rows = to_rows(request.observed, patients.ids, arrived)
    inserted = await insert(transaction, rows, request.deliveries)
    await mark_late(transaction, inserted.rows, guard.upkeep.marked_until)
    refusals = [*request.refusals, *inserted.conflicts]
    if refusals:
        await insert_dead_letters(transaction, topic, refusals, arrived)
    if expired:
        refusals += await insert_expired(transaction, topic, expired, arrived)
    duplicates = len(rows) - len(inserted.rows) - len(inserted.conflicts)
    return StoredBatch(request, len(expired), patients, news, inserted, duplicates, refusals, taken)
