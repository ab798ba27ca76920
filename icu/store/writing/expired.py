"""Readings that are older at their arrival than what is kept: not stored, so that a topic read anew brings none back.

The upkeep moves this border before it deletes, and it is read in the transaction that stores the readings beside them.
So nothing comes in any more where readings are being deleted, nor does one that was deleted come back.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from icu.alarms.tally import HOUR
from icu.messages import Delivery, Refusal
from icu.store.dead_letters.inserting import letter_of
from icu.store.engines.base import Transaction
from icu.store.readings import TIMESTAMP, ObservedRow

EXPIRED: Final = "expired"

_DETAIL: Final = "older than the readings that are kept, and not stored: one letter an hour and partition for all such"

# One a partition and hour of arrival: a topic of years that is read anew must not fill the table.
_INSERT_FIRST: Final = text(
    'INSERT INTO dead_letters (topic, log, partition, "offset", reason, detail, key, value, size, headers, arrived)'
    " SELECT :topic, log, :partition, :offset, :reason, :detail, :key, :value, :size, :headers, :arrived"
    " FROM consumer_offsets WHERE topic = :topic AND partition = :partition AND NOT EXISTS (SELECT 1 FROM dead_letters"
    " WHERE reason = :reason AND arrived >= :hour AND topic = :topic AND partition = :partition)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)


def places_of_expired(observed: Sequence[ObservedRow], border: int | None) -> frozenset[int]:
    """Find the readings before the border, in milliseconds since 1970 UTC; None where there is none yet."""
    if border is None or not observed or min(row[TIMESTAMP] for row in observed) >= border:
        return frozenset()
    return frozenset(place for place, row in enumerate(observed) if row[TIMESTAMP] < border)


async def insert_expired(
    transaction: Transaction, topic: str, expired: Sequence[Delivery], arrived: int
) -> list[Refusal]:
    """Insert a dead letter, without its value, for the first of each partition that has none in this hour yet.

    Args:
        transaction: Open transaction.
        topic: Topic of the records.
        expired: Deliveries that are not stored, in the order of their offsets.
        arrived: Time of their arrival, in milliseconds since 1970 UTC.

    Returns:
        Those that have become dead letters.
    """
    firsts: dict[int, Delivery] = {}
    for each in expired:
        firsts.setdefault(each.partition, each)
    refusals = [Refusal(each, EXPIRED, _DETAIL) for each in firsts.values()]
    return [each for each in refusals if await _insert_first(transaction, topic, each, arrived)]


async def _insert_first(transaction: Transaction, topic: str, refusal: Refusal, arrived: int) -> bool:
    values = {**letter_of(topic, refusal, arrived), "value": None, "hour": arrived - arrived % HOUR}
    return bool(await transaction.rows(_INSERT_FIRST, values))
