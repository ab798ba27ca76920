"""Readings with the last valid values for NEWS2 of all patients, for a monitor that keeps them in memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text

from icu.store.doubts import doubtful
from icu.store.engines.base import Connection
from icu.store.readings import ReadingRow
from icu.store.tables.readings import COLUMNS
from icu.vitals.catalogue import SPO2, SYSTOLIC, TEMPERATURE, Sign
from icu.vitals.news2.inputs import MaxAges
from icu.vitals.news2.score import SIGNS


def counts(sign: Sign) -> str:
    """Condition in SQL for a row whose value of the sign counts."""
    measured = f"{sign.name} > 0" if sign == SPO2 else f"{sign.name} IS NOT NULL"
    return f"{measured} AND (quality IS NULL OR NOT {doubtful(sign)})"


def newest_first(sign: Sign) -> str:
    """Order in SQL of the rows with a value of the sign. A pressure is as old as its measurement."""
    return "coalesce(bp_measured_at, timestamp) DESC, timestamp DESC" if sign == SYSTOLIC else "timestamp DESC"


def _oldest(sign: Sign) -> str:
    """Time in SQL, at or before that from which a value of the sign may count."""
    if sign in (SYSTOLIC, TEMPERATURE):
        return f"patient.newest - :{sign.name}"
    return "patient.newest - :continuous - :intervals * coalesce(patient.interval, 0)"


def _last(sign: Sign) -> str:
    return (
        f"SELECT {', '.join(f'metric.{name}' for name in COLUMNS)} FROM patient JOIN patient_metrics AS metric"  # noqa: S608 - names of our own
        " ON metric.patient_id = patient.id AND metric.timestamp = (SELECT timestamp FROM patient_metrics"
        f" WHERE patient_id = patient.id AND timestamp >= {_oldest(sign)} AND {counts(sign)}"
        f" ORDER BY {newest_first(sign)} LIMIT 1)"
    )


# Patients whose newest reading says all by itself have no row: every value is valid, and no pressure is an older one.
_INCOMPLETE: Final = " OR ".join(
    (
        "quality IS NOT NULL",
        "bp_measured_at IS NOT NULL",
        f"{SPO2.name} = 0",
        *(f"{each.name} IS NULL" for each in SIGNS),
    )
)
_LAST_VALUES: Final = text(
    "WITH newest AS (SELECT id, interval, (SELECT max(timestamp) FROM patient_metrics WHERE patient_id = patients.id)"  # noqa: S608 - names of our own
    " AS newest FROM patients), patient AS (SELECT newest.* FROM newest JOIN patient_metrics"
    f" ON patient_id = id AND timestamp = newest WHERE {_INCOMPLETE}) {' UNION '.join(map(_last, SIGNS))}"
)


async def read_last_values(connection: Connection, max_ages: MaxAges) -> Mapping[int, Sequence[ReadingRow]]:
    """Read the readings that have the last valid value of some sign, where the newest reading has not all of them.

    Args:
        connection: Connection for reading.
        max_ages: Values that are older than this, beside the newest reading, are not read.

    Returns:
        By the patient's key, in any order.
    """
    ages = max_ages.of(None)
    values = {
        "continuous": ages.pulse,
        "intervals": 1_000 * max_ages.intervals,
        SYSTOLIC.name: ages.systolic,
        TEMPERATURE.name: ages.temperature,
    }
    found = defaultdict[int, list[ReadingRow]](list)
    for row in await connection.rows(_LAST_VALUES, values):
        found[row[0]].append(tuple(row))
    return found
