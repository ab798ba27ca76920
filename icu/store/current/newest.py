"""The newest reading of each patient, for a monitor that keeps the latest ones in memory.

The latest reading is not always the newest (see icu.store.current.latest), and may change as time goes on. But it is
chosen by its arrival among candidates of which the newest is one. So the newest is the latest where nothing arrived
after it, and also where its time has come and its clock was right: then all candidates are this one reading.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from icu.store.current.last_values import read_last_values
from icu.store.engines.base import Connection
from icu.store.readings import ReadingRow, milliseconds
from icu.store.tables.readings import COLUMNS
from icu.vitals.news2.inputs import MaxAges
from icu.vitals.staleness import GAPS

# Candidates are the ten newest up to `now`, and what lies ahead of it; clocks go on, so older ones are none any more.
_LAST_ARRIVAL: Final = """
SELECT max(timestamp + lag) FROM patient_metrics WHERE patient_id = patients.id AND timestamp >= coalesce(
  (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id AND timestamp <= :now
   ORDER BY timestamp DESC LIMIT 1 OFFSET 9),
  (SELECT min(timestamp) FROM patient_metrics WHERE patient_id = patients.id))
"""
_NEWEST: Final = text(
    "SELECT patients.id, patients.uuid, patients.name, patients.interval,"  # noqa: S608 - names of our own
    f" ({_LAST_ARRIVAL}) AS last_arrival, {', '.join(f'metric.{name}' for name in COLUMNS)} FROM patients"
    " LEFT JOIN patient_metrics AS metric ON metric.patient_id = patients.id AND metric.timestamp ="
    " (SELECT max(timestamp) FROM patient_metrics WHERE patient_id = patients.id) ORDER BY patients.id"
)
# The last times of patients whose senders state no interval, which these tell.
_LAST_TIMES: Final = text(
    "SELECT patients.id, metric.timestamp FROM patients JOIN patient_metrics AS metric"  # noqa: S608 - a number of our own
    " ON metric.patient_id = patients.id AND metric.timestamp >= coalesce((SELECT timestamp FROM patient_metrics"
    f" WHERE patient_id = patients.id ORDER BY timestamp DESC LIMIT 1 OFFSET {GAPS}),"
    " (SELECT min(timestamp) FROM patient_metrics WHERE patient_id = patients.id))"
    " WHERE patients.interval IS NULL ORDER BY patients.id, metric.timestamp"
)


class Newest(Struct, frozen=True):
    """A patient with the newest reading by its timestamp."""

    # In the store.
    key: int
    uuid: UUID
    name: str | None
    # Seconds between two readings, as the sender states it; None if it states none.
    interval: float | None
    # None before the first.
    row: ReadingRow | None
    # Milliseconds since 1970: when the last of the readings arrived that can be the latest, now or later.
    last_arrival: int
    # Of the last readings, in milliseconds since 1970, ascending; only where the sender states no interval.
    times: Sequence[int] = ()
    # Readings with last valid values for NEWS2, in any order, where the newest has not all of them.
    values: Sequence[ReadingRow] = ()


async def read_newest(connection: Connection, now: datetime, max_ages: MaxAges) -> list[Newest]:
    """Read all patients, in the order in which they were first seen."""
    times = defaultdict[int, list[int]](list)
    for key, timestamp in await connection.rows(_LAST_TIMES):
        times[key].append(timestamp)
    values = await read_last_values(connection, max_ages)
    return [
        Newest(
            key,
            UUID(uuid),
            name,
            interval,
            None if row[0] is None else tuple(row),
            last_arrival or 0,
            times.get(key, ()),
            values.get(key, ()),
        )
        for key, uuid, name, interval, last_arrival, *row in await connection.rows(_NEWEST, {"now": milliseconds(now)})
    ]
