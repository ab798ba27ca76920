"""Content of the sink's transactions, and their results."""

from collections.abc import Sequence

from msgspec import Struct, structs

from icu.messages import Delivery, Refusal
from icu.store.alarms.evaluating import StoredReadings
from icu.store.readings import INTERVAL, ObservedRow
from icu.store.writing.expired import places_of_expired
from icu.store.writing.inserting import Inserted
from icu.store.writing.offsets import Move


class WriteRequest(Struct, frozen=True, gc=False):
    """Content of one transaction."""

    observed: Sequence[ObservedRow]
    # Source of each of them, in the same order.
    deliveries: Sequence[Delivery]
    refusals: Sequence[Refusal]
    moves: Sequence[Move]
    # Partitions that had more to read when these were fetched.
    backlog: frozenset[int] = frozenset()


class WriteResult(Struct, frozen=True, gc=False):
    """Result of one transaction."""

    # Number of new readings.
    stored: int
    # Number of readings that were stored before, with the same values.
    duplicates: int
    # Those of the request, and the conflicts: same patient and time, other values.
    refusals: Sequence[Refusal]
    # Number of events of alarms.
    events: int = 0
    # Number of readings that are older than what is kept, and were not stored.
    expired: int = 0
    # Number of patients who were introduced, changed, or taken from another sink.
    patients: int = 0


def without_expired(request: WriteRequest, border: int | None) -> tuple[WriteRequest, Sequence[Delivery]]:
    """Part a request from the deliveries of readings that are older than what is kept."""
    places = places_of_expired(request.observed, border)
    if not places:
        return request, ()
    kept = [place for place in range(len(request.observed)) if place not in places]
    observed = [request.observed[place] for place in kept]
    deliveries = [request.deliveries[place] for place in kept]
    return (
        structs.replace(request, observed=observed, deliveries=deliveries),
        [request.deliveries[place] for place in sorted(places)],
    )


def to_evaluate(request: WriteRequest, inserted: Inserted, arrived: int) -> StoredReadings:
    """Return the new readings of a request, for the engine of alarms."""
    observed, deliveries = inserted.of_new(request.observed), inserted.of_new(request.deliveries)
    return StoredReadings(
        inserted.rows,
        [each[INTERVAL] for each in observed],
        deliveries,
        arrived,
        request.backlog,
    )
