"""Writer for the sink: one transaction stores readings, dead letters, offsets and the journal together, or nothing.

The offsets move in that transaction, and only from the beginning of the batch. So each reading is stored exactly once,
however often it is delivered and however the sink ends.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import anyio

from icu.alarms.effects import Effects
from icu.alarms.events import AlarmEvent
from icu.config.retention import JOURNAL
from icu.messages import Position
from icu.store import schema
from icu.store.alarms.evaluating import Evaluator, end_blind, evaluate, save_effects
from icu.store.alarms.outbox import take_events
from icu.store.alarms.watched import LastReading, Mark, Watched, read_commanded, read_last, read_watched
from icu.store.engines.base import Engine, OverlapError, Transaction
from icu.store.engines.table import engine_of
from icu.store.errors import OwnersChangedError
from icu.store.heartbeats import Beat, Heartbeat, read_heartbeat, write_beat
from icu.store.journal.appending import append_to_journal
from icu.store.journal.entries import AlarmNews
from icu.store.readings import PATIENT
from icu.store.writing.foreign_writes import ForeignWrites
from icu.store.writing.guarding import Guard
from icu.store.writing.inserting import Insert, insert_all, insert_new
from icu.store.writing.introducing import KnownPatients
from icu.store.writing.offsets import begin_logs, positions_of
from icu.store.writing.replaying import Decode, Replayed, any_to_replay, replay_letters
from icu.store.writing.requests import WriteRequest, WriteResult, to_evaluate
from icu.store.writing.sharing import Sharing
from icu.store.writing.storing import store_batch
from icu.store.writing.trying import try_to_write

T = TypeVar("T")


class Writer:
    """Writer of one topic's readings. Made by `open_writer`."""

    def __init__(self, engine: Engine, topic: str, *, member: str | None = None, journal: int = JOURNAL) -> None:
        self._engine = engine
        self._topic = topic
        # Tells what other programs have done, and which patients are this sink's.
        self.guard: Guard = ForeignWrites(topic) if member is None else Sharing(topic, member)
        self._append = partial(append_to_journal, keep=journal)
        # Stored position of each partition, as this sink has read or moved it; None before.
        self._positions: dict[int, Position] | None = None
        # A heartbeat at the same time would take a second connection, on which SQLite counts the first one's commits as
        # another program's.
        self._turn = anyio.Lock()
        # Arrival of the last records whose offsets were moved, and of the last stored readings; None before the first.
        self._committed: int | None = None
        self._stored: int | None = None

    async def positions(self) -> dict[int, Position]:
        """Read the stored position of each partition of the topic."""
        self._positions = await self._transact(partial(positions_of, topic=self._topic))
        return self._positions

    async def try_to_write(self) -> None:
        """Check that the database takes readings from this program: see icu.store.writing.trying."""
        await self._transact(partial(try_to_write, location=self._engine.location))

    async def begin(self, positions: Mapping[int, Position], *, other_logs: frozenset[int]) -> None:
        """Store the positions from which the sink reads on, and take over the patients of their partitions.

        Args:
            positions: Next record of each partition.
            other_logs: Partitions whose log is another than the stored one. They get the next log number.

        Raises:
            SchemaError: The database is an unfinished copy.
            PositionConflictError: Another sink has moved them since they were read.
        """

        async def work(transaction: Transaction) -> None:
            schema.check_whole(self._engine.location, await transaction.rows(schema.UNFINISHED))
            known = await positions_of(transaction, self._topic) if self._positions is None else self._positions
            await begin_logs(transaction, self._topic, positions, known=known, other_logs=other_logs)
            await self.guard.begin(transaction, positions)
            self._engine.set_baseline(await transaction.generation())

        await self._transact(work)
        self._positions = {**(self._positions or {}), **positions}

    async def heartbeat(self) -> Heartbeat | None:
        """Read the last sign of life of any sink; None before the first."""
        return await self._read(read_heartbeat)

    async def watched(self) -> Watched:
        """Read what is decided and open: see icu.store.alarms.watched."""
        return await self._read(read_watched)

    async def last_readings(self, after: int, last: int, now: int) -> Mapping[int, Sequence[LastReading]]:
        """Read the last readings of some patients: see icu.store.alarms.watched."""
        return await self._read(partial(read_last, after=after, last=last, now=now))

    async def commanded(self, known: Mark) -> Watched | None:
        """Read what commands of people have touched since a mark: see icu.store.alarms.watched."""
        return await self._read(partial(read_commanded, known=known))

    async def write(
        self, request: WriteRequest, *, arrived: int, beat: Beat | None = None, evaluator: Evaluator | None = None
    ) -> WriteResult:
        """Store the whole request, or raise and store nothing.

        Args:
            request: Readings, refusals and moves of the offsets.
            arrived: Time of arrival of the records, in milliseconds since 1970 UTC.
            beat: Sign of life to store in the same transaction.
            evaluator: Engine of alarms, if there is one. Its evaluation is to be taken over if this returns.

        Raises:
            PositionConflictError: Another program moved the offsets. Read the positions again.
            VersionConflictError: A command has changed an alarm or a bed that the engine does not know yet.
            StoreReplacedError: The database was removed, replaced or overwritten. Open it again.
        """
        result, patients = await self._transact_batch(partial(self._write, request, arrived, beat, evaluator))
        # After the commit: a transaction that failed has introduced nobody.
        self.guard.patients = patients
        ends = {move.partition: move.end for move in request.moves}
        self._positions = {**(self._positions or {}), **ends}
        self.guard.advance(ends)
        self._committed = arrived
        if result.stored:
            self._stored = arrived
        return result

    @property
    def commands(self) -> int:
        """Number of commands of people, as of the last transaction or check."""
        return self.guard.commands

    async def has_replays(self) -> bool:
        """Tell if there are dead letters to replay, without a transaction that others have to wait for."""
        return await self._read(any_to_replay)

    async def replay(self, decode: Decode, *, most: int, now: int) -> Replayed:
        """Replay dead letters for which people have asked, in a transaction of their own.

        See icu.store.writing.replaying.

        Args:
            decode: As for a delivery.
            most: The most letters to replay. There may be more.
            now: Milliseconds since 1970 UTC.

        Raises:
            PositionConflictError: Another database was restored into this one. Read the positions again.
            StoreReplacedError: The database was removed, replaced or overwritten. Open it again.
        """

        async def work(transaction: Transaction) -> Replayed:
            patients = await self.guard.open_replay(transaction)
            done = await replay_letters(transaction, decode, patients, self.guard.upkeep, most=most, now=now)
            anew = self.guard.patients is None and bool(done.outcomes)
            await self._append(transaction, now, rows=done.rows, news=done.news, anew=anew)
            return done

        done = await self._transact(work)
        # Where they were read here, the next batch reads them again: its alarms have to learn of all of them.
        if self.guard.patients is not None:
            self.guard.patients = done.patients
        return done

    async def write_effects(self, effects: Effects, beat: Beat) -> None:
        """Store what came of an evaluation without readings, and a sign of life.

        Raises:
            VersionConflictError: A command has changed an alarm or a bed that the engine does not know yet.
            OwnersChangedError: Another sink evaluates some of the patients now: see `take_lost`.
            PositionConflictError: Another database was restored into this one. Read the positions again.
            StoreReplacedError: The database was removed, replaced or overwritten. Open it again.
        """

        async def work(transaction: Transaction) -> None:
            await self.guard.check(transaction, patients=True)
            alarms = await save_effects(transaction, effects, at=beat.at)
            alarms += await self._write_beat(beat, self._committed, self._stored, transaction)
            await self._append(transaction, beat.at, alarms=alarms)

        try:
            await self._transact(work)
        except OwnersChangedError:
            await self._transact(self.guard.refresh)
            raise

    async def beat(self, beat: Beat) -> None:
        """Store a sign of life alone.

        Raises:
            PositionConflictError: Another sink has this one's name. Read the positions again.
        """

        async def work(transaction: Transaction) -> None:
            alarms = await self._write_beat(beat, self._committed, self._stored, transaction)
            await self._append(transaction, beat.at, alarms=alarms)

        await self._transact(work)

    async def take_events(self, *, published: Sequence[int], most: int, beat: Beat) -> Sequence[AlarmEvent]:
        """Delete published events of alarms from the outbox, and read the next ones.

        Args:
            published: Sequences of the published events, to be deleted.
            most: The most events to read.
            beat: Sign of life, stored where events are deleted.

        Raises:
            PositionConflictError: Another database was restored into this one. Read the positions again.
            StoreReplacedError: The database was removed, replaced or overwritten. Open it again.
        """

        async def work(transaction: Transaction) -> Sequence[AlarmEvent]:
            # The sequences of another database say nothing about this one's events.
            await self.guard.check(transaction, lock=bool(published))
            alarms = await self._write_beat(beat, self._committed, self._stored, transaction) if published else []
            events = await take_events(transaction, published=published, most=most)
            await self._append(transaction, beat.at, alarms=alarms)
            return events

        # Where nothing is deleted, no other writer has to wait.
        return await (self._transact(work) if published else self._read(work))

    async def check(self) -> None:
        """Check that the database is still the one that was opened, while there is nothing to write.

        Raises:
            PositionConflictError: Another database was restored into this one. Read the positions again.
            StoreReplacedError: The database was removed, replaced or overwritten. Open it again.
        """
        await self._read(partial(self.guard.check, lock=False))

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._own_turn():
            result = await self._engine.transact(work)
            self.guard.accept()
            return result

    async def _read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._own_turn():
            return await self._engine.read(work)

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

    async def _transact_batch(self, work: Callable[[Insert, Transaction], Awaitable[T]]) -> T:
        """Run the transaction of a batch: again with a comparison, and again where others have taken patients."""
        insert: Insert = insert_all
        while True:
            try:
                return await self._transact(partial(work, insert))
            except OverlapError:
                insert = insert_new
            except OwnersChangedError:
                await self._transact(self.guard.refresh)

    async def _write(
        self,
        request: WriteRequest,
        arrived: int,
        beat: Beat | None,
        evaluator: Evaluator | None,
        insert: Insert,
        transaction: Transaction,
    ) -> tuple[WriteResult, KnownPatients]:
        guard = self.guard
        batch = await store_batch(transaction, guard, self._topic, request, arrived, evaluator, insert)
        fresh, anew = batch.inserted.rows, guard.patients is None
        alarms: list[AlarmNews] = []
        if beat is not None:
            alarms += await self._write_beat(beat, arrived, arrived if fresh else self._stored, transaction)
        if evaluator is not None and (fresh or batch.taken):
            readings = to_evaluate(batch.request, batch.inserted, arrived)
            new = [row[PATIENT] for row in fresh] if anew else [each.key for each in batch.news]
            alarms += await evaluate(transaction, evaluator, readings, new=new)
        await self._append(transaction, arrived, rows=fresh, news=batch.news, alarms=alarms, anew=anew)
        patients = len(batch.news) + batch.taken
        result = WriteResult(len(fresh), batch.duplicates, batch.refusals, len(alarms), batch.expired, patients)
        return result, batch.patients

    async def _write_beat(
        self, beat: Beat, committed: int | None, stored: int | None, transaction: Transaction
    ) -> list[AlarmNews]:
        blind = await self.guard.open_beat(transaction, beat)
        await write_beat(transaction, self.guard.sender, beat, committed=committed, stored=stored)
        return [] if blind is None else await end_blind(transaction, blind, beat.at)


@asynccontextmanager
async def open_writer(
    url: str, *, topic: str, member: str | None = None, journal: int = JOURNAL
) -> AsyncIterator[Writer]:
    """Open the database for a sink, with tables of this program's version.

    Args:
        url: URL of the database.
        topic: Topic whose positions the writer stores.
        member: Name of the sink among those that share topic and database; None where it has both for itself.
        journal: Least number of readings in a full journal.

    Raises:
        StoreInUseError: Another sink has the database.
        ConfigurationError: There can be no database.
    """
    engine = engine_of(url)
    async with engine.open_for_sink(shares=member is not None):
        yield Writer(engine, topic, member=member, journal=journal)
