"""The sink's door: one transaction stores readings, dead letters, offsets and the journal together, or nothing.

Because the offsets move in that transaction, and only from where the batch began, every reading is stored exactly once
however often it is delivered and however the sink ends.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import aiosqlite
import msgspec
from anyio import CancelScope, to_thread
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from icu.messages import Delivery, Observation, Position, Refusal
from icu.store import journal, schema
from icu.store.database import Database, driver_of, sqlite_path
from icu.store.engines.sqlite import files
from icu.store.engines.sqlite.watch import Watch
from icu.store.errors import PositionConflictError, StoreCorruptError, StoreError, StoreUnavailableError
from icu.store.inserting import Insert, OverlapError, insert_all, insert_new
from icu.store.others import Others, positions_of
from icu.store.readings import Row, to_rows

T = TypeVar("T")

MAX_KEPT_BYTES: Final = 65_536
"""A dead letter keeps this much of its value."""

MAX_DETAIL: Final = 500
"""Characters of the explanation, which may quote the sender's text."""

_UPSERT_PATIENT: Final = (
    "INSERT INTO patients (uuid, name, interval) VALUES (?, ?, ?) ON CONFLICT (uuid) DO UPDATE"
    " SET name = coalesce(excluded.name, name), interval = coalesce(excluded.interval, interval)"
)
_INSERT_DEAD_LETTER: Final = (
    "INSERT INTO dead_letters (topic, log, partition, offset, reason, detail, key, value, size, headers, arrived)"
    " SELECT topic, log, partition, ?, ?, ?, ?, ?, ?, ?, ? FROM consumer_offsets WHERE topic = ? AND partition = ?"
    " ON CONFLICT DO NOTHING"
)
_MOVE_OFFSET: Final = "UPDATE consumer_offsets SET next = ?, mark = ? WHERE topic = ? AND partition = ? AND next = ?"
_BEGIN_LOG: Final = (
    "INSERT INTO consumer_offsets (topic, partition, log, next, mark) VALUES (?, ?, 1, ?, ?)"
    " ON CONFLICT (topic, partition) DO UPDATE SET next = excluded.next, mark = excluded.mark, log = log + ?"
)

_INSERT_JOURNAL: Final = (
    "INSERT INTO journal (batch, payload) VALUES (coalesce((SELECT max(batch) FROM journal), ?) + ?, ?)"
)
_CUT_JOURNAL: Final = "DELETE FROM journal WHERE batch <= (SELECT max(batch) FROM journal) - ?"


class Move(Struct, frozen=True, gc=False):
    """One partition's offset, from where the intake begins to where it ends."""

    partition: int
    start: int
    end: Position


class Intake(Struct, frozen=True, gc=False):
    """What one transaction stores. `observations` and `deliveries` run side by side."""

    observations: Sequence[Observation]
    deliveries: Sequence[Delivery]
    refusals: Sequence[Refusal]
    moves: Sequence[Move]


class Outcome(Struct, frozen=True, gc=False):
    """What one transaction did, in records."""

    stored: int
    duplicates: int
    refusals: Sequence[Refusal]
    """Those of the intake, and the conflicts: same patient and time, other values."""


class _Patients(Struct, frozen=True):
    """The patients as the table has them, by uuid as an integer: their keys, and what is known of them."""

    ids: dict[int, int] = {}
    said: dict[int, tuple[str | None, float | None]] = {}
    """Name and interval."""


class Writer:
    """Stores what the sink takes in. Opened by `open_writer`."""

    def __init__(self, database: Database, watch: Watch, topic: str) -> None:
        self._database = database
        self._watch = watch
        self._topic = topic
        self._others = Others(topic)
        self._patients = _Patients()

    async def positions(self) -> dict[int, Position]:
        """How far each partition of the topic is stored."""

        async def work(connection: AsyncConnection) -> dict[int, Position]:
            driver = await driver_of(connection)
            found = await positions_of(driver, self._topic)
            # SQLite has made its log by now, though nothing may be written for long: the broker is away.
            await self._watch.look(driver)
            return found

        return await self._transact(work)

    async def begin(self, positions: Mapping[int, Position], *, other_logs: frozenset[int]) -> None:
        """Note where each partition is read from; those of another log get the next log number."""
        rows = [
            (self._topic, partition, each.next, each.mark, int(partition in other_logs))
            for partition, each in positions.items()
        ]

        async def work(connection: AsyncConnection) -> None:
            driver = await driver_of(connection)
            await driver.executemany(_BEGIN_LOG, rows)
            self._watch.begin(await self._others.begin(driver))
            await self._watch.look(driver)

        self._patients = _Patients()  # whoever moved the offsets may have changed them, too
        await self._transact(work)

    async def write(self, intake: Intake, *, arrived: int) -> Outcome:
        """Store everything, or raise and store nothing.

        `arrived` is when the records came, in milliseconds since 1970. PositionConflictError: read the positions again.
        StoreReplacedError: open the database again.
        """
        try:
            outcome, patients = await self._transact(partial(self._write, intake, arrived, insert_all))
        except OverlapError:
            work = partial(self._write, intake, arrived, insert_new)
            outcome, patients = await self._transact(work)
        self._patients = patients
        self._others.moved({move.partition: move.end for move in intake.moves})
        return outcome

    async def look(self) -> None:
        """PositionConflictError where another database was restored into this one: read the positions again.

        StoreReplacedError where its files were removed, replaced or overwritten: open it again.
        """
        await self._watch.look()
        await self._database.without_transaction(self._notice_others)

    async def _transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        try:
            return await self._database.transact(work)
        except (StoreCorruptError, StoreUnavailableError):
            await self._watch.look()  # a file that was cut off looks damaged, one whose log was like a failing disk
            raise

    async def _write(
        self, intake: Intake, arrived: int, insert: Insert, connection: AsyncConnection
    ) -> tuple[Outcome, _Patients]:
        driver = await driver_of(connection)
        await self._notice_others(driver)
        await self._move(driver, intake.moves)
        patients = await self._introduce(driver, intake.observations)
        rows = to_rows(intake.observations, patients.ids, arrived)
        fresh, conflicts = await insert(driver, rows, intake.deliveries)
        refusals = [*intake.refusals, *conflicts]
        if refusals:
            await driver.executemany(_INSERT_DEAD_LETTER, [self._dead_letter(each, arrived) for each in refusals])
        if fresh:
            await _journalise(driver, fresh, arrived)
        await self._watch.look(driver)
        return Outcome(len(fresh), len(rows) - len(fresh) - len(conflicts), refusals), patients

    async def _notice_others(self, driver: aiosqlite.Connection) -> None:
        if await self._others.have_written(driver):
            self._patients = _Patients()

    async def _move(self, driver: aiosqlite.Connection, moves: Sequence[Move]) -> None:
        values = [(move.end.next, move.end.mark, self._topic, move.partition, move.start) for move in moves]
        if (await driver.executemany(_MOVE_OFFSET, values)).rowcount != len(moves):
            raise PositionConflictError(
                f"the stored offsets of {self._topic} were moved meanwhile: another sink writes to this database"
            )

    async def _introduce(self, driver: aiosqlite.Connection, observations: Sequence[Observation]) -> _Patients:
        """Insert patients not seen before and change names and intervals; returns all patients by uuid."""
        last = {each.patient_uuid.int: each for each in observations}
        if any(each.patient_name is None for each in last.values()):
            # The last that says who the patient is stands before one that does not.
            last |= {each.patient_uuid.int: each for each in observations if each.patient_name is not None}
        news = [each for number, each in last.items() if _is_news(each, self._patients.said.get(number))]
        if not news:
            return self._patients
        values = [(str(each.patient_uuid), each.patient_name, each.interval) for each in news]
        await driver.executemany(_UPSERT_PATIENT, values)
        rows = await driver.execute_fetchall("SELECT uuid, id, name, interval FROM patients")
        known = [(UUID(uuid).int, key, (name, interval)) for uuid, key, name, interval in rows]
        return _Patients({uuid: key for uuid, key, _ in known}, {uuid: said for uuid, _, said in known})

    def _dead_letter(self, refusal: Refusal, arrived: int) -> tuple[object, ...]:
        delivery = refusal.delivery
        value = delivery.value
        return (
            delivery.offset,
            refusal.reason,
            refusal.detail[:MAX_DETAIL],
            delivery.key,
            None if value is None else value[:MAX_KEPT_BYTES],
            0 if value is None else len(value),
            msgspec.msgpack.encode(delivery.headers) if delivery.headers else None,
            arrived,
            self._topic,
            delivery.partition,
        )


@asynccontextmanager
async def open_writer(url: str, *, topic: str) -> AsyncIterator[Writer]:
    """Bring the tables up to date and hold the file as its one writer.

    StoreInUseError where another sink has it, ConfigurationError for a place where there can be no database.
    """
    path = sqlite_path(url)
    lock = await to_thread.run_sync(files.lock, path)
    try:
        await schema.upgrade(path)
        await to_thread.run_sync(files.warn_of_readers, path)
        watch = await to_thread.run_sync(Watch, path)
        database = Database(url)
        try:
            yield Writer(database, watch, topic)
        finally:
            await _close(database, watch)
    finally:
        lock.close()


async def _close(database: Database, watch: Watch) -> None:
    await watch.look_last()
    if watch.found is not None:
        if not watch.overwritten:
            with suppress(StoreError):  # then the log is put aside, which is told
                await database.checkpoint()
        with CancelScope(shield=True):
            await to_thread.run_sync(watch.renew)
    await database.aclose()


def _is_news(observation: Observation, said: tuple[str | None, float | None] | None) -> bool:
    return (
        said is None or observation.patient_name not in (None, said[0]) or observation.interval not in (None, said[1])
    )


async def _journalise(driver: aiosqlite.Connection, rows: Sequence[Row], arrived: int) -> None:
    await driver.execute(_INSERT_JOURNAL, (arrived, len(rows), journal.encode(rows)))
    await driver.execute(_CUT_JOURNAL, (journal.KEEP,))
