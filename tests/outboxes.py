"""Events of alarms in the outbox of a database, as the sink's transaction writes them, and on their topic."""

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import anyio

from icu.messages import Delivery
from icu.transports.base import Consumer
from tests.processes import TIMEOUT
from tests.stores import connected, rows

EPISODE = '{"condition":"spo2.low","priority":"high"}'

# Not of interest to the outbox: it has ended, and the engine leaves it alone.
_ALARM = (
    "INSERT INTO alarms (id, patient_id, condition, kind, priority, version, presence, signal, inhibition, tier,"
    " onsets, dues, blind_total, onset, ended, ward_limits, patient_limits, late, repeats, seen, unanswered)"
    " VALUES (?, (SELECT id FROM patients WHERE uuid = ?), ?, 'physiological', 'high', 1, 'absent', 'off', 'none', 0,"
    " '[]', '[]', 0, 0, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING"
)


def write_event(url: str, alarm: str, version: int, *, patient: UUID | None = None, event: str = "update") -> None:
    """Write an event of an alarm, of a patient or of the ward, in one transaction of another program."""
    with closing(connected(url)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if patient is not None:
            connection.execute("INSERT INTO patients (uuid) VALUES (?) ON CONFLICT DO NOTHING", (str(patient),))
        connection.execute(_ALARM, (alarm, patient and str(patient), f"condition of {alarm}"))
        connection.execute(
            "INSERT INTO outbox (alarm, version, event, payload) VALUES (?, ?, ?, ?)", (alarm, version, event, EPISODE)
        )
        connection.execute("COMMIT")


def outbox(url: str) -> list[tuple[str, int]]:
    """Read alarm and version of each event in the outbox."""
    return rows(url, "SELECT alarm, version FROM outbox ORDER BY sequence")


async def published(consumer: Consumer, count: int) -> list[dict[str, Any]]:
    """Fetch the next events of a topic of alarms, `count` at least."""
    found: list[Delivery] = []
    with anyio.fail_after(TIMEOUT):
        while len(found) < count:
            for batch in await consumer.fetch(max_records=1_000, linger=0, max_wait=5):
                found.extend(batch.deliveries)
    return [json.loads(each.value or b"") for each in found]


def versions(events: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
    """Return alarm and version of each event."""
    return [(each["alarm"], each["version"]) for each in events]
