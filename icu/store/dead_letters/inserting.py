"""Dead letters: records that could not be stored, kept with their bytes and the reason."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import text

from icu.messages import Refusal
from icu.store.engines.base import Transaction, Values

# Bytes of its value that a dead letter keeps.
MAX_KEPT_BYTES: Final = 65_536

# Characters of a dead letter's explanation, which may quote the sender's text.
MAX_DETAIL: Final = 500

# A record that is delivered again keeps its first dead letter.
_INSERT_DEAD_LETTER: Final = text(
    'INSERT INTO dead_letters (topic, log, partition, "offset", reason, detail, key, value, size, headers, arrived)'
    " VALUES (:topic, (SELECT log FROM consumer_offsets WHERE topic = :topic AND partition = :partition), :partition,"
    " :offset, :reason, :detail, :key, :value, :size, :headers, :arrived) ON CONFLICT DO NOTHING"
)


async def insert_dead_letters(transaction: Transaction, topic: str, refusals: Sequence[Refusal], arrived: int) -> None:
    """Insert the records of refusals.

    Args:
        transaction: Open transaction.
        topic: Topic of the records.
        refusals: Records with the reason of each.
        arrived: Time of arrival of the records, in milliseconds since 1970 UTC.
    """
    await transaction.execute(_INSERT_DEAD_LETTER, [letter_of(topic, each, arrived) for each in refusals])


def letter_of(topic: str, refusal: Refusal, arrived: int) -> Values:
    """Return the columns of a refusal's dead letter, but for the number of its log."""
    delivery = refusal.delivery
    value = delivery.value
    return {
        "topic": topic,
        "partition": delivery.partition,
        "offset": delivery.offset,
        "reason": refusal.reason,
        "detail": refusal.detail[:MAX_DETAIL],
        "key": delivery.key,
        "value": None if value is None else value[:MAX_KEPT_BYTES],
        "size": 0 if value is None else len(value),
        "headers": msgspec.msgpack.encode(delivery.headers) if delivery.headers else None,
        "arrived": arrived,
    }
