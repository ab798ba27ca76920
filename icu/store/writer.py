"""Writer for the sink: one transaction stores readings, dead letters, offsets and the journal together, or nothing.

The offsets move in that transaction, and only from the beginning of the batch. So each reading is stored exactly once,
however often it is delivered and however the sink ends.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import anyio
from msgspec import Struct
from sqlalchemy import text

from icu.alarms.events import AlarmEvent
from icu.messages import Delivery, Observation, Position, Refusal
from icu.store import journal
from icu.store.beds import place
from icu.store.dead_letters import insert_dead_letters
from icu.store.engines.base import Engine, OverlapError, Transaction
from icu.store.engines.table import engine_of
from icu.store.errors import PositionConflictError
from icu.store.foreign_writes import ForeignWrites, positions_of
from icu.store.heartbeats import Beat, write_beat
from icu.store.inserting import Insert, insert_all, insert_new
from icu.store.outbox import take_events
from icu.store.readings import ReadingRow, to_rows

T = TypeVar("T")

# A missing name or interval leaves the stored one.
_UPSERT_PATIENT: Final = text(
    "INSERT INTO patients (uuid, name, interval) VALUES (:uuid, :name, :interval) ON CONFLICT (uuid) DO UPDATE SET"
    " name = coalesce(excluded.name, patients.name), interval = coalesce(excluded.interval, patients.interval)"
)
_PATIENTS: Final = text(
    "SELECT uuid, id, name, interval, bed_states.patient_id IS NOT NULL FROM patients"
    " LEFT JOIN bed_states ON bed_states.patient_id = patients.id"
)
# Compare-and-set: it changes no row once another sink has moved the offset.
_MOVE_OFFSET: Final = text(
    "UPDATE consumer_offsets SET next = :next, mark = :mark"
    " WHERE topic = :topic AND partition = :partition AND next = :start"
)
_BEGIN_LOG: Final = text(
    "INSERT INTO consumer_offsets (topic, partition, log, next, mark) VALUES (:topic, :partition, 1, :next, :mark)"
    " ON CONFLICT (topic, partition) DO UPDATE"
    " SET next = excluded.next, mark = excluded.mark, log = consumer_offsets.log + :raised"
)
_RAISE_JOURNAL: Final = text("UPDATE journal_end SET batch = coalesce(batch, :begin) + :count RETURNING batch")
_INSERT_JOURNAL: Final = text("INSERT INTO journal (batch, payload) VALUES (:batch, :payload)")
_CUT_JOURNAL: Final = text("DELETE FROM journal WHERE batch <= :end")


class Move(Struct, frozen=True, gc=False):
    """Move of one partition's offset."""

    partition: int
    # Offset of the first record in the request.
    start: int
    # Position after its last record.
    end: Position


class WriteRequest(Struct, frozen=True, gc=False):
    """Content of one transaction."""

    observations: Sequence[Observation]
    # Source of each observation, in the same order.
    deliveries: Sequence[Delivery]
    refusals: Sequence[Refusal]
    moves: Sequence[Move]


class WriteResult(Struct, frozen=True, gc=False):
    """Result of one transaction."""

    # Number of new readings.
    stored: int
    # Number of readings that were stored before, with the same values.
    duplicates: int
    # Those of the request, and the conflicts: same patient and time, other values.
    refusals: Sequence[Refusal]


class _Details(NamedTuple):
    """State of a patient that later observations may change."""

    name: str | None
    # Seconds between two observations.
    interval: float | None
    # True once the patient was given a bed.
    placed: bool


class _Patients(Struct, frozen=True):
    """Copy of the table of patients, by uuid as an integer."""

    # Keys in the table.
    ids: dict[int, int] = {}
    details: dict[int, _Details] = {}


class Writer:
    """Writer of one topic's readings. Made by `open_writer`."""

    def __init__(self, engine: Engine, topic: str) -> None:
        self._engine = engine
        self._topic = topic
        self._foreign_writes = ForeignWrites(topic)
        self._patients = _Patients()
        # A heartbeat at the same time would take a second connection, on which SQLite counts the first one's commits as
        # another program's.
        self._turn = anyio.Lock()
        # Arrival of the last records whose offsets were moved, and of the last stored readings; None before the first.
        self._committed: int | None = None
        self._stored: int | None = None

    async def positions(self) -> dict[int, Position]:
        """Read the stored position of each partition of the topic."""
        return await self._transact(partial(positions_of, topic=self._topic))

    async def begin(self, positions: Mapping[int, Position], *, other_logs: frozenset[int]) -> None:
        """Store the positions from which the sink reads on.

        Args:
            positions: Next record of each partition.
            other_logs: Partitions whose log is another than the stored one. They get the next log number.
        """
        values = [
            {
                "topic": self._topic,
                "partition": partition,
                "next": each.next,
                "mark": each.mark,
                "raised": int(partition in other_logs),
            }
            for partition, each in positions.items()
        ]

        async def work(transaction: Transaction) -> None:
            await transaction.execute(_BEGIN_LOG, values)
            self._engine.set_baseline(await self._foreign_writes.begin(transaction))

        self._patients = _Patients()  # a program that moved the offsets may have changed the patients too
        await self._transact(work)

    async def write(self, request: WriteRequest, *, arrived: int, beat: Beat | None = None) -> WriteResult:
        """Store the whole request, or raise and store nothing.

        Args:
            request: Readings, refusals and moves of the offsets.
            arrived: Time of arrival of the records, in milliseconds since 1970 UTC.
            beat: Sign of life to store in the same transaction.

        Raises:
            PositionConflictError: Another program moved the offsets. Read the positions again.
            StoreReplacedError: The database was removed, replaced or overwritten. Open it again.
        """
        try:
            result, patients = await self._transact(partial(self._write, request, arrived, beat, insert_all))
        except OverlapError:
            result, patients = await self._transact(partial(self._write, request, arrived, beat, insert_new))
        # After the commit: a transaction that failed has introduced nobody.
        self._patients = patients
        self._foreign_writes.advance({move.partition: move.end for move in request.moves})
        self._committed = arrived
        if result.stored:
            self._stored = arrived
        return result

    async def beat(self, beat: Beat) -> None:
        """Store a sign of life alone."""
        await self._transact(partial(self._write_beat, beat, self._committed, self._stored))

    async def take_events(self, *, published: int, most: int) -> Sequence[AlarmEvent]:
        """Delete published events and read the next ones, as `icu.store.outbox.take_events`. Raises as `check`."""

        async def work(transaction: Transaction) -> Sequence[AlarmEvent]:
            # The sequences of another database say nothing about this one's events.
            await self._check_foreign_writes(transaction)
            return await take_events(transaction, published=published, most=most)

        # Where nothing is deleted, no other writer has to wait.
        if published:
            return await self._transact(work)
        async with self._turn:
            return await self._engine.read(work)

    async def check(self) -> None:
        """Check that the database is still the one that was opened, while there is nothing to write.

        Raises:
            PositionConflictError: Another database was restored into this one. Read the positions again.
            StoreReplacedError: The database was removed, replaced or overwritten. Open it again.
        """
        async with self._own_turn():
            await self._engine.read(self._check_foreign_writes)

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._own_turn():
            return await self._engine.transact(work)

    @asynccontextmanager
    async def _own_turn(self) -> AsyncIterator[None]:
        try:
            # Not to be cancelled where nobody else has it: a transaction that was begun is finished.
            self._turn.acquire_nowait()
        except anyio.WouldBlock:
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def _write(
        self, request: WriteRequest, arrived: int, beat: Beat | None, insert: Insert, transaction: Transaction
    ) -> tuple[WriteResult, _Patients]:
        await self._check_foreign_writes(transaction)
        await self._move(transaction, request.moves)
        patients = await self._upsert_patients(transaction, request.observations, arrived)
        rows = to_rows(request.observations, patients.ids, arrived)
        fresh, conflicts = await insert(transaction, rows, request.deliveries)
        refusals = [*request.refusals, *conflicts]
        if refusals:
            await insert_dead_letters(transaction, self._topic, refusals, arrived)
        if beat is not None:
            await self._write_beat(beat, arrived, arrived if fresh else self._stored, transaction)
        if fresh:
            await _append_to_journal(transaction, fresh, arrived)
        return WriteResult(len(fresh), len(rows) - len(fresh) - len(conflicts), refusals), patients

    async def _write_beat(
        self, beat: Beat, committed: int | None, stored: int | None, transaction: Transaction
    ) -> None:
        await write_beat(transaction, self._topic, beat, committed=committed, stored=stored)

    async def _check_foreign_writes(self, transaction: Transaction) -> None:
        if await self._foreign_writes.check(transaction):
            self._patients = _Patients()

    async def _move(self, transaction: Transaction, moves: Sequence[Move]) -> None:
        values = [
            {
                "topic": self._topic,
                "partition": each.partition,
                "start": each.start,
                "next": each.end.next,
                "mark": each.end.mark,
            }
            for each in moves
        ]
        if await transaction.execute(_MOVE_OFFSET, values) != len(moves):
            raise PositionConflictError(
                f"the stored offsets of {self._topic} were moved meanwhile: another sink writes to this database"
            )

    async def _upsert_patients(
        self, transaction: Transaction, observations: Sequence[Observation], arrived: int
    ) -> _Patients:
        """Insert new patients, give them beds, and update names and intervals. Returns all patients."""
        last = {each.patient_uuid.int: each for each in observations}
        if any(each.patient_name is None for each in last.values()):
            # The last observation with a name counts, before a later one without.
            last |= {each.patient_uuid.int: each for each in observations if each.patient_name is not None}
        changed = [each for number, each in last.items() if _changes(each, self._patients.details.get(number))]
        if not changed:
            return self._patients
        values = [
            {"uuid": str(each.patient_uuid), "name": each.patient_name, "interval": each.interval} for each in changed
        ]
        await transaction.execute(_UPSERT_PATIENT, values)
        await self._place(transaction, [each.patient_uuid for each in changed], arrived)
        rows = await transaction.rows(_PATIENTS)
        stored = [(UUID(uuid).int, key, _Details(*details)) for uuid, key, *details in rows]
        return _Patients({uuid: key for uuid, key, _ in stored}, {uuid: details for uuid, _, details in stored})

    async def _place(self, transaction: Transaction, changed: Sequence[UUID], arrived: int) -> None:
        """Give beds to those of the changed patients who have none."""
        known = self._patients.details
        homeless = [each for each in changed if each.int not in known or not known[each.int].placed]
        if homeless:
            await place(transaction, homeless, at=arrived)


@asynccontextmanager
async def open_writer(url: str, *, topic: str) -> AsyncIterator[Writer]:
    """Open the database for a sink, with tables of this program's version.

    Args:
        url: URL of the database.
        topic: Topic whose positions the writer stores.

    Raises:
        StoreInUseError: Another sink has the database.
        ConfigurationError: There can be no database.
    """
    engine = engine_of(url)
    async with engine.open_for_sink():
        yield Writer(engine, topic)


def _changes(observation: Observation, details: _Details | None) -> bool:
    """Tell if the observation brings a new patient, or another name or interval."""
    return (
        details is None
        or not details.placed
        or observation.patient_name not in (None, details.name)
        or observation.interval not in (None, details.interval)
    )


async def _append_to_journal(transaction: Transaction, rows: Sequence[ReadingRow], arrived: int) -> None:
    payload = journal.encode(rows)
    # Last in the transaction: other writers wait from here to the commit.
    [(batch,)] = await transaction.rows(_RAISE_JOURNAL, {"begin": arrived, "count": len(rows)})
    await transaction.execute(_INSERT_JOURNAL, [{"batch": batch, "payload": payload}])
    await transaction.execute(_CUT_JOURNAL, [{"end": batch - journal.KEEP}])
