"""Inputs of NEWS2 as they are stored: the last valid value of each sign, all values of a span, what people entered.

A value counts unless its sign has a flag; a saturation of 0 is an error of the oximeter, and never counts.
"""

from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from sqlalchemy import text

from icu.errors import PatientNotFoundError
from icu.store.current.last_values import counts, newest_first
from icu.store.decisions.entered import entered
from icu.store.engines.base import Connection
from icu.store.engines.columns import read_columns
from icu.store.history.spans import check_kept
from icu.store.reader import Reader
from icu.store.readings import CLOCK_TOLERANCE_MS
from icu.store.rollups.coverage import READINGS
from icu.store.upkeep_state import read_upkeep_state
from icu.vitals.catalogue import Sign
from icu.vitals.news2.inputs import Ages, MaxAges, Row
from icu.vitals.news2.score import SIGNS, Entered

# Readings that one statement reads: more take the loop for too long.
SLICE: Final = 2_000

_ROW_COLUMNS: Final = ("timestamp", *(each.name for each in SIGNS), "bp_measured_at")


def _last(sign: Sign) -> str:
    """Statement for the last valid value of one sign, within its greatest age by both clocks."""
    # The time of arrival tells of values that a sender's clock dated ahead before it was set right: they lie among
    # those of now, and are older.
    return (
        f"SELECT * FROM (SELECT '{sign.name}' AS sign, timestamp, {sign.name} AS value, bp_measured_at"  # noqa: S608 - names of our own
        f" FROM patient_metrics WHERE patient_id = :patient AND timestamp >= :since_{sign.name} AND timestamp <= :at"
        f" AND timestamp + lag >= :since_{sign.name} + :lag AND {counts(sign)}"
        f" ORDER BY {newest_first(sign)} LIMIT 1) AS {sign.name}"
    )


_PATIENT: Final = text("SELECT id, interval FROM patients WHERE uuid = :uuid")
_LAST_VALUES: Final = text(" UNION ALL ".join(map(_last, SIGNS)))
_FIRST: Final = text(
    "SELECT timestamp FROM patient_metrics WHERE patient_id = :patient AND timestamp >= :since AND lag >= :least_lag"
    " ORDER BY timestamp LIMIT 1"
)
_VALUES: Final = ", ".join(f"CASE WHEN {counts(each)} THEN {each.name} END AS {each.name}" for each in SIGNS)
_ROWS: Final = text(
    f"SELECT timestamp, {_VALUES}, bp_measured_at FROM patient_metrics"  # noqa: S608 - names of our own
    " WHERE patient_id = :patient AND timestamp >= :since AND timestamp <= :until AND lag >= :least_lag"
    " ORDER BY timestamp LIMIT :limit"
)
_COUNT: Final = text(
    "SELECT count(*) FROM (SELECT timestamp FROM patient_metrics WHERE patient_id = :patient AND timestamp >= :since"
    " AND timestamp <= :until LIMIT :limit) AS found"
)


class StoredInputs:
    """Inputs of one patient's scores. Made by `find`.

    Each read raises the reader's errors, and StoreMovedError where the database was exchanged since.

    Args:
        reader: The store.
        identity: Database in which the patient was found.
        patient: Key of the patient there.
        ages: Greatest ages of values that count.
        entered: Inputs that people entered, oldest first.
        horizon: Time before which readings are deleted, in milliseconds since 1970.
    """

    def __init__(
        self,
        reader: Reader,
        identity: Hashable,
        patient: int,
        ages: Ages,
        entered: Sequence[Entered],
        horizon: int,
    ) -> None:
        self._reader = reader
        self._identity = identity
        self._patient = patient
        self.ages = ages
        self.entered = entered
        self.horizon = horizon

    @classmethod
    async def find(cls, reader: Reader, uuid: UUID, max_ages: MaxAges) -> "StoredInputs":
        """Find a patient. PatientNotFoundError for an unknown one."""
        identity = await reader.look()
        async with reader.connection(identity) as connection:
            found = await connection.rows(_PATIENT, {"uuid": str(uuid)})
            if not found:
                raise PatientNotFoundError(uuid)
            [(patient, interval)] = found
            found_entries = await entered(connection, uuid)
            horizon = READINGS.horizon(await read_upkeep_state(connection))
        return cls(reader, identity, patient, max_ages.of(interval), found_entries, horizon)

    async def last_values(self, at: int, *, lag: int) -> list[Row]:
        """Read the last valid value of each sign within its greatest age, at most a row for each, oldest first.

        Args:
            at: Time by the sender's clock, in milliseconds since 1970.
            lag: Time of the server at `at`, minus `at`.
        """
        since = {f"since_{sign.name}": at - age for sign, age in zip(SIGNS, self.ages, strict=True)}
        async with self._connection() as connection:
            found = await connection.rows(_LAST_VALUES, {"patient": self._patient, "at": at, "lag": lag, **since})
        rows = [Row(time, pressure_time=measured, **{sign: value}) for sign, time, value, measured in found]
        return sorted(rows, key=lambda each: each.time)

    async def first_time(self, since: int, *, lag: int) -> int | None:
        """Time of the first reading from `since` on, in milliseconds since 1970; None where there is none."""
        values = {"patient": self._patient, "since": since, "least_lag": _least_lag(lag)}
        async with self._connection() as connection:
            found = await connection.rows(_FIRST, values)
        return int(found[0][0]) if found else None

    async def count(self, since: int, until: int, *, most: int) -> int:
        """Count the readings from `since` to `until`, in milliseconds since 1970; at most one more than `most`."""
        values = {"patient": self._patient, "since": since, "until": until, "limit": most + 1}
        async with self._connection() as connection:
            [(found,)] = await connection.rows(_COUNT, values)
        return int(found)

    async def values(self, since: int, until: int, *, lag: int) -> AsyncIterator[list[Row]]:
        """Read the values from `since` to `until`, both included, in pieces, oldest first.

        Args:
            since: Milliseconds since 1970.
            until: Milliseconds since 1970.
            lag: Of the latest reading: where its clock is not ahead, readings with a clock that was do not count.
        """
        values = {"patient": self._patient, "until": until, "least_lag": _least_lag(lag), "limit": SLICE}
        while since <= until:
            async with self._connection() as connection:
                columns = await read_columns(connection, _ROWS, _ROW_COLUMNS, {**values, "since": since})
                await check_kept(connection, READINGS, since)
            times = columns["timestamp"]
            if times:
                yield [Row(*row) for row in zip(*columns.values(), strict=True)]
            since = times[-1] + 1 if len(times) == SLICE else until + 1

    def _connection(self) -> AbstractAsyncContextManager[Connection]:
        # To the same database as before: another one's key would be somebody else's.
        return self._reader.connection(self._identity)


def _least_lag(lag: int) -> int:
    """Least lag of readings whose time is known. One constant for a clock that is right, or always ahead."""
    return min(0, lag) - CLOCK_TOLERANCE_MS
