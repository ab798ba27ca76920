"""Outbox: events of alarms that are to be published. Each is written in the transaction that changes the alarm."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw
from sqlalchemy import text

from icu.alarms.events import AlarmEvent
from icu.store.engines.base import Transaction

# One by one: a transaction that is committed late has an earlier sequence than others that are published already.
_DELETE: Final = text("DELETE FROM outbox WHERE sequence = :sequence")
# In their order, so that the events of an alarm are published in theirs.
_READ: Final = text(
    "SELECT outbox.sequence, outbox.alarm, outbox.version, outbox.event, patients.uuid, outbox.payload FROM outbox"
    " LEFT JOIN alarms ON alarms.id = outbox.alarm LEFT JOIN patients ON patients.id = alarms.patient_id"
    " ORDER BY outbox.sequence LIMIT :most"
)


async def take_events(transaction: Transaction, *, published: Sequence[int], most: int) -> Sequence[AlarmEvent]:
    """Delete published events, and read the next ones.

    Args:
        transaction: Open transaction; one to read with is enough if `published` is empty.
        published: Sequences of the published events, which are deleted.
        most: The most events to read.
    """
    if published:
        await transaction.execute(_DELETE, [{"sequence": each} for each in published])
    return [
        AlarmEvent(
            sequence=sequence, alarm=alarm, version=version, event=event, patient_uuid=patient, episode=Raw(payload)
        )
        for sequence, alarm, version, event, patient, payload in await transaction.rows(_READ, {"most": most})
    ]
