"""The monitor's door: it reads, and cannot write.

A missing database, or tables of another version, are an answer (503, what to start) and never a crash: the reader looks
again at each use until it has seen the right version.
"""

from collections.abc import AsyncIterator, Hashable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, func, select, text

from icu.errors import PatientNotFoundError
from icu.store import journal, schema
from icu.store.engines.base import Engine
from icu.store.engines.connection import Connection
from icu.store.engines.table import engine_of
from icu.store.errors import SchemaError, StoreUnavailableError
from icu.store.readings import (
    CLOCK_TOLERANCE_MS,
    LAG,
    TIMESTAMP,
    PatientReading,
    Reading,
    from_milliseconds,
    milliseconds,
    to_patient_reading,
    to_reading,
)
from icu.store.tables import COLUMNS, JournalEntry, Patient, PatientMetric

Order: TypeAlias = Literal["asc", "desc"]

# Of the newest reading, the newest that is hardly ahead of the clock and the newest whose own clock was right, the one
# that arrived last: neither a sender whose clock once stood in the future nor one in another time zone hides what a
# patient sends now. The last of them is for when a time comes that was ahead once, and what it left there lies between
# what comes now; among ten, for a sender whose clock is never right must not be read from its beginning.
_LATEST: Final = f"""
SELECT timestamp FROM (
  SELECT * FROM (SELECT timestamp, lag FROM patient_metrics WHERE patient_id = patients.id
                 ORDER BY timestamp DESC LIMIT 1) AS newest
  UNION ALL
  SELECT * FROM (SELECT timestamp, lag FROM patient_metrics WHERE patient_id = patients.id AND timestamp <= :horizon
                 ORDER BY timestamp DESC LIMIT 1) AS newest_so_far
  UNION ALL
  SELECT * FROM (SELECT timestamp, lag FROM
                  (SELECT timestamp, lag FROM patient_metrics
                   WHERE patient_id = patients.id AND timestamp <= :now ORDER BY timestamp DESC LIMIT 10) AS ten
                 WHERE lag >= -{CLOCK_TOLERANCE_MS} ORDER BY timestamp DESC LIMIT 1) AS newest_that_was_right
) AS candidate ORDER BY timestamp + lag DESC, timestamp DESC LIMIT 1
"""  # noqa: S608 - a number of our own
_PATIENTS: Final = (
    f"SELECT patients.uuid, patients.name, {', '.join(f'metric.{name}' for name in COLUMNS)} FROM patients"  # noqa: S608 - names of our own
    f" LEFT JOIN patient_metrics AS metric ON metric.patient_id = patients.id AND metric.timestamp = ({_LATEST})"
)
_ALL_PATIENTS: Final = text(f"{_PATIENTS} ORDER BY patients.id")
_ONE_PATIENT: Final = text(f"{_PATIENTS} WHERE patients.uuid = :uuid")


class PatientState(Struct, frozen=True):
    """A patient, with the latest reading and when it arrived; both None before the first."""

    uuid: UUID
    name: str | None
    latest: Reading | None
    arrived: datetime | None


class Page(Struct, frozen=True):
    """Some readings of one patient; `last` is where the next page goes on, None where there is none."""

    readings: list[Reading]
    last: datetime | None


class Batch(Struct, frozen=True):
    """The readings that one transaction stored."""

    number: int
    readings: list[PatientReading]


class Session(NamedTuple):
    """A connection to read with for a moment, and which database it leads to."""

    engine: Engine
    connection: Connection
    generation: Hashable


class Reader:
    """Reads what the sink has stored."""

    def __init__(self, url: str) -> None:
        self._engine = engine_of(url, read_only=True)
        self._generation: Hashable | None = None
        self._schema_seen = False
        self._uuids: dict[int, UUID] = {}

    def check_place(self) -> None:
        """Raise ConfigurationError where there can never be a database. Blocks: it may look at the disk."""
        self._engine.check_place()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._engine.aclose()

    async def check(self) -> None:
        """SchemaError or StoreUnavailableError unless the database can be read."""
        async with self._connection() as connection:
            await schema.check(connection, self._engine.place)

    async def patients(self, *, now: datetime) -> list[PatientState]:
        """All patients, in the order in which they were first seen."""
        async with self._connection() as connection:
            rows = await connection.rows(_ALL_PATIENTS, _moments(now))
        return [_state(row) for row in rows]

    async def patient(self, uuid: UUID, *, now: datetime) -> PatientState:
        """One patient. PatientNotFoundError for an unknown one."""
        async with self._connection() as connection:
            rows = await connection.rows(_ONE_PATIENT, {**_moments(now), "uuid": str(uuid)})
        if not rows:
            raise PatientNotFoundError(uuid)
        return _state(rows[0])

    async def known(self, uuid: UUID) -> int:
        """The patient's key in the store. PatientNotFoundError for an unknown one."""
        async with self._connection() as connection:
            return await _key(connection, uuid)

    async def page(
        self,
        uuid: UUID,
        *,
        limit: int,
        order: Order,
        since: datetime | None = None,
        until: datetime | None = None,
        after: datetime | None = None,
    ) -> Page:
        """Up to `limit` readings of the patient with `since` <= timestamp < `until`, beyond `after` in the order.

        One range read of the clustered table, wherever the page lies. PatientNotFoundError for an unknown patient.
        """
        async with self._connection() as connection:
            query = _page_query(await _key(connection, uuid), order, since, until, after).limit(limit + 1)
            rows = await connection.rows(query)
        readings = [to_reading(tuple(row)) for row in rows[:limit]]
        return Page(readings, readings[-1].timestamp if len(rows) > limit else None)

    @asynccontextmanager
    async def follow(self) -> AsyncIterator["Follower"]:
        """Follow the journal, on a connection of its own."""
        generation, uuids = await self._current()
        async with self._connection() as connection:
            follower = Follower(self._engine, generation, connection, uuids)
            # Where the database was replaced since, this raises: the patients of one are not those of the other.
            await follower.version()
            yield follower

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Open a connection for statements of others. SchemaError or StoreUnavailableError where that cannot be."""
        async with self._connection() as connection:
            yield Session(self._engine, connection, self._generation)

    async def _current(self) -> tuple[Hashable | None, dict[int, UUID]]:
        """The database that there is now, and its patients as far as they are known; of another one nothing is kept."""
        generation = await self._engine.generation()
        if generation != self._generation:
            self._generation, self._schema_seen, self._uuids = generation, False, {}
        return self._generation, self._uuids

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        generation, _ = await self._current()
        if generation is None:
            raise SchemaError(
                f"there is no database {self._engine.place} yet: start the sink (python -m icu supervise)"
            )
        async with self._engine.connection() as connection:
            if not self._schema_seen:
                await schema.check(connection, self._engine.place)
                self._schema_seen = True
            yield connection


class Follower:
    """Tells cheaply whether anything was stored, and what."""

    def __init__(
        self, engine: Engine, generation: Hashable | None, connection: Connection, uuids: dict[int, UUID]
    ) -> None:
        self._engine = engine
        self._generation = generation
        self._connection = connection
        self._uuids = uuids

    async def version(self) -> int:
        """A number that changes whenever another connection, of any process, commits.

        StoreUnavailableError when the database was removed or replaced: follow anew then.
        """
        if await self._engine.generation() != self._generation:
            raise StoreUnavailableError(f"{self._engine.place} was removed or replaced")
        return await self._engine.changed(self._connection)

    async def end(self) -> int:
        """The newest batch's number; 0 before the first."""
        newest: int | None = await self._connection.value(select(func.max(JournalEntry.batch)))
        return newest or 0

    async def after(self, batch: int, *, limit: int) -> Sequence[Batch] | None:
        """The next batches behind `batch`, at most `limit`; 0 is before the first.

        None where the journal does not hold `batch`: then some that followed it may be gone too.
        """
        query = (
            select(JournalEntry.batch, JournalEntry.payload)
            .where(JournalEntry.batch >= batch)
            .order_by(JournalEntry.batch)
            .limit(limit + 1)
        )
        rows = await self._connection.rows(query)
        if batch:
            if not rows or rows[0][0] != batch:
                return None
            rows = rows[1:]
        return [Batch(number, await self._readings(payload)) for number, payload in rows[:limit]]

    async def _readings(self, payload: bytes) -> list[PatientReading]:
        rows = journal.decode(payload)
        if any(row[0] not in self._uuids for row in rows):
            patients = await self._connection.rows(select(Patient.id, Patient.uuid))
            self._uuids.update((number, UUID(uuid)) for number, uuid in patients)
        return [to_patient_reading(row, self._uuids[row[0]]) for row in rows]


async def _key(connection: Connection, uuid: UUID) -> int:
    key: int | None = await connection.value(select(Patient.id).where(Patient.uuid == str(uuid)))
    if key is None:
        raise PatientNotFoundError(uuid)
    return key


def _moments(now: datetime) -> dict[str, int]:
    return {"now": milliseconds(now), "horizon": milliseconds(now) + CLOCK_TOLERANCE_MS}


def _state(row: Sequence[Any]) -> PatientState:
    uuid, name, *metric = row
    if metric[0] is None:
        return PatientState(UUID(uuid), name, None, None)
    timestamp, lag = metric[TIMESTAMP], metric[LAG]
    return PatientState(UUID(uuid), name, to_reading(tuple(metric)), from_milliseconds(timestamp + lag))


def _page_query(
    patient_id: int, order: Order, since: datetime | None, until: datetime | None, after: datetime | None
) -> Select[Any]:
    timestamp = PatientMetric.timestamp
    conditions: list[ColumnElement[bool]] = [PatientMetric.patient_id == patient_id]
    if since is not None:
        conditions.append(timestamp >= milliseconds(since))
    if until is not None:
        conditions.append(timestamp < milliseconds(until))
    if after is not None:
        seen = milliseconds(after)
        conditions.append(timestamp < seen if order == "desc" else timestamp > seen)
    direction = timestamp.desc() if order == "desc" else timestamp.asc()
    return select(*(PatientMetric.__table__.c[each] for each in COLUMNS)).where(*conditions).order_by(direction)
