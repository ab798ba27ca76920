"""Statements that roll readings up: statistics of minutes to read, roll-ups to write, hours from their minutes."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import TextClause, text

from icu.store.doubts import doubtful
from icu.store.engines.base import Values
from icu.store.rollups.spans import HOUR, MINUTE
from icu.store.tables.upkeep import ROLLUP_COLUMNS
from icu.vitals.catalogue import SIGNS

# As icu.store.history.buckets has them, so that both count the same values.
_MARKED: Final = ", ".join(
    f"{each.name} AS any_{each.name},"
    f" CASE WHEN quality IS NULL OR NOT {doubtful(each)} THEN {each.name} END AS sure_{each.name}"
    for each in SIGNS
)
_OF_READINGS: Final = ", ".join(
    f"count(sure_{name}) AS {name}_count, sum(sure_{name}) AS {name}_sum, min(sure_{name}) AS {name}_min,"
    f" max(sure_{name}) AS {name}_max, count(any_{name}) - count(sure_{name}) AS {name}_flagged"
    for name in (each.name for each in SIGNS)
)
_OF_MINUTES: Final = ", ".join(
    f"sum({name}_count), sum({name}_sum), min({name}_min), max({name}_max), sum({name}_flagged)"
    for name in (each.name for each in SIGNS)
)
_KEY: Final = ("patient_id", "bucket")
_UPDATE: Final = ", ".join(f"{each} = excluded.{each}" for each in ROLLUP_COLUMNS if each not in _KEY)
_UPSERT: Final = f"ON CONFLICT (patient_id, bucket) DO UPDATE SET {_UPDATE}"
_LATE: Final = "SELECT patient_id, hour FROM late_hours WHERE hour < :until ORDER BY patient_id, hour LIMIT :count"


def _minutes_of(patients: str, since: str, until: str) -> TextClause:
    # Joined in this order: each patient is a range of the table. Any other reads the whole history.
    return text(
        f"SELECT patient_id, bucket, {_OF_READINGS}, count(*) FROM"  # noqa: S608 - names of our own
        f" (SELECT readings.patient_id, timestamp - timestamp % {MINUTE} AS bucket, {_MARKED}"
        f" FROM ({patients}) AS those CROSS JOIN patient_metrics AS readings"
        f" WHERE readings.patient_id = those.patient_id AND timestamp >= {since} AND timestamp < {until}) AS marked"
        " GROUP BY patient_id, bucket"
    )


# Patients who have readings in a span, in the order of their keys.
PATIENTS: Final = text(
    "SELECT id FROM patients WHERE id > :after AND EXISTS (SELECT 1 FROM patient_metrics"
    " WHERE patient_id = patients.id AND timestamp >= :since AND timestamp < :until) ORDER BY id LIMIT :count"
)
# First reading of all from a time on; NULL if there is none.
NEXT: Final = text(
    "SELECT min(first) FROM (SELECT (SELECT timestamp FROM patient_metrics WHERE patient_id = patients.id"
    " AND timestamp >= :since ORDER BY timestamp LIMIT 1) AS first FROM patients) AS firsts"
)
# Minutes of a span, of the patients behind one up to another: a roll-up, and the number of its readings.
MINUTES: Final = _minutes_of(
    "SELECT id AS patient_id FROM patients WHERE id > :after AND id <= :last", ":since", ":until"
)
# The first late hours that begin before a time.
LATE_HOURS: Final = text(_LATE)
# Their minutes, like MINUTES.
LATE_MINUTES: Final = _minutes_of(_LATE, "those.hour", f"those.hour + {HOUR}")
# And the number of readings of each.
LATE_COUNTS: Final = text(
    "SELECT patient_id, hour, (SELECT count(*) FROM patient_metrics WHERE patient_id = those.patient_id"  # noqa: S608 - our own
    f" AND timestamp >= those.hour AND timestamp < those.hour + {HOUR}) FROM ({_LATE}) AS those"
)
UNMARK: Final = text("DELETE FROM late_hours WHERE patient_id = :patient AND hour = :hour")
WRITE_MINUTES: Final = text(
    f"INSERT INTO minute_rollups ({', '.join(ROLLUP_COLUMNS)})"  # noqa: S608 - names of our own
    f" VALUES ({', '.join(f':{each}' for each in ROLLUP_COLUMNS)}) {_UPSERT}"
)
# Hour of the patients behind one up to another, from its minutes.
WRITE_HOUR: Final = text(
    f"INSERT INTO hour_rollups ({', '.join(ROLLUP_COLUMNS)})"  # noqa: S608 - names of our own
    f" SELECT patients.id, :hour, {_OF_MINUTES} FROM patients CROSS JOIN minute_rollups AS minutes"
    " WHERE patients.id > :after AND patients.id <= :last AND minutes.patient_id = patients.id"
    f" AND minutes.bucket >= :hour AND minutes.bucket < :hour + {HOUR} GROUP BY patients.id {_UPSERT}"
)
MARK_UNTIL: Final = text("UPDATE upkeep_state SET marked_until = :until")
ROLL_UNTIL: Final = text("UPDATE upkeep_state SET rolled_until = :until")


def values_of(row: Sequence[Any]) -> Values:
    """Return the values of WRITE_MINUTES for a row of MINUTES."""
    # Without the number of readings, which is the last.
    return dict(zip(ROLLUP_COLUMNS, row, strict=False))
