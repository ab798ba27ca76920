"""The latest reading of each patient."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from icu.store.engines.base import Connection
from icu.store.readings import CLOCK_TOLERANCE_MS, milliseconds
from icu.store.rollups.coverage import BEFORE_ALL, BEHIND_ALL
from icu.store.tables.readings import COLUMNS

# Condition in SQL for a reading that is looked at, and not about to be deleted.
_KEPT: Final = f"timestamp >= :since AND timestamp >= (SELECT coalesce(raw_horizon, {BEFORE_ALL}) FROM upkeep_state)"  # noqa: S608 - a number of our own

# Of the newest reading, the newest that is hardly ahead of the clock and the newest whose own clock was right, the one
# that arrived last: neither a sender whose clock once stood in the future nor one in another time zone hides what a
# patient sends now. The last of them is for when a time comes that was ahead once, and what it left there lies between
# what comes now; among ten, for a sender whose clock is never right must not be read from its beginning.
# Timestamp of that reading; `patients` is the query around it.
_LATEST: Final = f"""
SELECT timestamp FROM (
  SELECT * FROM (SELECT timestamp, lag FROM patient_metrics WHERE patient_id = patients.id AND {_KEPT}
                 ORDER BY timestamp DESC LIMIT 1) AS newest
  UNION ALL
  SELECT * FROM (SELECT timestamp, lag FROM patient_metrics WHERE patient_id = patients.id AND timestamp <= :horizon
                 AND {_KEPT} ORDER BY timestamp DESC LIMIT 1) AS newest_so_far
  UNION ALL
  SELECT * FROM (SELECT timestamp, lag FROM
                  (SELECT timestamp, lag FROM patient_metrics
                   WHERE patient_id = patients.id AND timestamp <= :now AND {_KEPT}
                   ORDER BY timestamp DESC LIMIT 10) AS ten
                 WHERE lag >= -{CLOCK_TOLERANCE_MS} ORDER BY timestamp DESC LIMIT 1) AS newest_that_was_right
) AS candidate ORDER BY timestamp + lag DESC, timestamp DESC LIMIT 1
"""  # noqa: S608 - a number of our own

# True where the readings since a time hold all of these candidates.
_ENOUGH: Final = (
    "(SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id AND timestamp >= :enough"
    " AND timestamp <= :now ORDER BY timestamp DESC LIMIT 1 OFFSET 9) IS NOT NULL"
)
_STATES: Final = (
    f"SELECT patients.uuid, patients.name, {', '.join(f'metric.{name}' for name in COLUMNS)}, {_ENOUGH} FROM patients"  # noqa: S608 - names of our own
    f" LEFT JOIN patient_metrics AS metric ON metric.patient_id = patients.id AND metric.timestamp >= :since"
    f" AND metric.timestamp = ({_LATEST})"
)
_ALL: Final = text(f"{_STATES} ORDER BY patients.id")
_OTHERS: Final = text(f"{_STATES} WHERE NOT {_ENOUGH} ORDER BY patients.id")
_ONE: Final = text(f"{_STATES} WHERE patients.uuid = :uuid")


async def read_latest(connection: Connection, now: datetime) -> Sequence[Sequence[Any]]:
    """Read all patients, in the order in which they were first seen: uuid, name, and COLUMNS of the latest reading.

    Without a reading these are NULL.
    """
    [(since, _), *earlier] = connection.spans(BEFORE_ALL, BEHIND_ALL, newest_first=True)
    values = _moments(now) | {"enough": since}
    rows = await connection.rows(_ALL, values | {"since": since})
    if earlier and not all(row[-1] for row in rows):
        others = await connection.rows(_OTHERS, values | {"since": BEFORE_ALL})
        found = {row[0]: row for row in others}
        rows = [found.get(row[0], row) for row in rows]
    return [row[:-1] for row in rows]


async def read_latest_of(connection: Connection, uuid: UUID, now: datetime) -> Sequence[Any] | None:
    """Read what `read_latest` does of one patient; None for an unknown one."""
    values = _moments(now) | {"uuid": str(uuid)}
    for since, _ in connection.spans(BEFORE_ALL, BEHIND_ALL, newest_first=True):
        rows = await connection.rows(_ONE, values | {"since": since, "enough": since})
        if not rows:
            return None
        if rows[0][-1]:
            break
    return rows[0][:-1]


def _moments(now: datetime) -> dict[str, object]:
    return {"now": milliseconds(now), "horizon": milliseconds(now) + CLOCK_TOLERANCE_MS}
