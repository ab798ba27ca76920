"""The sink's loop: fetch, decode, store in one transaction, commit.

The database is the truth about how far the topic is stored. The commit to the transport comes after it, and only says
which records the transport need not keep: after a crash between the two, the same records are delivered again, and the
store ignores the duplicates.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from loguru import logger

from icu.config.retention import JOURNAL
from icu.errors import IcuError
from icu.ops.steady import steady
from icu.sink.alarming import Alarms
from icu.sink.batching import Batching
from icu.sink.beside import beside
from icu.sink.clock import Clock
from icu.sink.errors import GivenUpError
from icu.sink.heartbeat import Heart
from icu.sink.intake import decode_batches
from icu.sink.patience import Patience
from icu.sink.publishing import Publisher
from icu.sink.replaying import Replays
from icu.sink.reporting import Reports
from icu.sink.telemetry import Telemetry
from icu.store.errors import PositionConflictError, StoreReplacedError, StoreUnavailableError
from icu.store.heartbeats import Beat
from icu.store.writer import Writer, open_writer
from icu.store.writing.requests import WriteRequest, WriteResult
from icu.transports.base import Batch, Consumer, Transport
from icu.transports.errors import ReassignedError, TransportError

# Seconds that one fetch waits for the first record. An idle sink checks lag and database this often.
FETCH_TIMEOUT: Final = 1.0

# Seconds for storing the remaining records after a stop request. With the transaction's 5 s this is the sink's grace.
DRAIN_TIMEOUT: Final = 2.0


async def consume(
    *,
    transport: Transport,
    alarms: Transport,
    database_url: str,
    telemetry: Telemetry,
    batching: Batching,
    member: str | None = None,
    journal: int = JOURNAL,
    now: Callable[[], float] = time.time,
    steady: Callable[[], float] = steady,
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Store the topic's records until cancelled.

    Reports `started` once the database is open. It does so too when the database is only away: the sink then retries
    for ever, and a supervisor must not mistake that for a hanging start.

    Args:
        transport: Open; its owner closes it.
        alarms: The topic of alarms, likewise.
        database_url: The database to write.
        telemetry: Metrics, and the current trouble for health checks.
        batching: When a transaction is due.
        member: Name of this sink among those that share the topic and the database; None for a single one.
        journal: Least number of readings in a full journal.
        now: Wall clock, seconds since 1970.
        steady: Seconds on a clock that is never set, and goes on while this process is suspended.
        task_status: See above.

    Raises:
        StoreInUseError: Another sink holds the database.
        StoreCorruptError: The database is damaged; it is never repaired.
        NamesakeError: Another sink has the same name.
        ConfigurationError: The URL cannot be used.
    """
    async with AsyncExitStack() as held, transport.consumer(member) as consumer:

        async def open_database() -> Writer:
            writer = open_writer(database_url, topic=transport.topic, member=member, journal=journal)
            return await held.enter_async_context(writer)

        heart = Heart(transport, now, steady)
        publisher = Publisher(alarms, telemetry)
        watch = Alarms(Clock(now), heart, telemetry.alarms, publisher.notify)
        sink = _Sink(
            consumer, open_database, held.aclose, telemetry, heart, watch, publisher, batching, now, task_status.started
        )
        try:
            async with heart.beating(sink.beat), beside(publisher.run):
                await sink.run()
        except anyio.get_cancelled_exc_class():
            # Records of an in-memory transport end with this process; a durable log is read on at the next start.
            if transport.unstored:
                await sink.finish()
            raise


class _Sink:
    """State and steps of one run of the sink."""

    def __init__(
        self,
        consumer: Consumer,
        open_database: Callable[[], Awaitable[Writer]],
        close_database: Callable[[], Awaitable[None]],
        telemetry: Telemetry,
        heart: Heart,
        alarms: Alarms,
        publisher: Publisher,
        batching: Batching,
        now: Callable[[], float],
        on_started: Callable[[], None],
    ) -> None:
        self._consumer = consumer
        self._open_database = open_database
        self._close_database = close_database
        self._writer: Writer | None = None
        # Held while a heartbeat is written alone: one on a database that is being closed would open it again.
        self._beating = anyio.Lock()
        self._on_started = cache(on_started)  # once
        self._telemetry = telemetry
        self._heart = heart
        self._alarms = alarms
        self._publisher = publisher
        self._batching = batching
        self._now = now
        self._patience = Patience(self._set_trouble)
        self._reports = Reports(telemetry)
        self._replays = Replays(telemetry)
        self._partitions: Sequence[int] = ()
        # Records of the next fetch at most.
        self._most = batching.most(new=True)
        # True once heartbeats may be written.
        self._beats = False

    async def run(self) -> None:
        """Store records for ever, starting at the stored offsets."""
        while True:
            async with self._reopening_replaced_database():
                try:
                    await self.resume()
                    await self._until_away()
                except PositionConflictError as exc:
                    self._alarms.forget()
                    self._note_away(exc, "WARNING")
                except ReassignedError as exc:
                    self._note_away(exc, "INFO")
                except GivenUpError as exc:
                    self._note_away(exc, "WARNING")
                    # Until the database takes readings from here again.
                    self._patience.ends = False
                    self._alarms.forget()
                    await self._consumer.leave()

    async def _until_away(self) -> None:
        try:
            await self.drain()
        except ReassignedError:
            raise
        except TransportError as exc:
            self._note_away(exc, "WARNING")

    def _note_away(self, error: IcuError, level: str) -> None:
        self._telemetry.set_trouble(str(error))
        self._heart.note_away(str(error))
        logger.log(level, "{}: reading on from the stored offsets", error)

    @asynccontextmanager
    async def _reopening_replaced_database(self) -> AsyncIterator[None]:
        """Close a database whose files were exchanged, so that the next step opens the files that are there now."""
        try:
            yield
        except StoreReplacedError as exc:
            self._telemetry.set_trouble(str(exc))
            self._writer = None
            self._alarms.forget()
            async with self._beating:
                await self._close_database()

    async def resume(self) -> None:
        """Assign every partition of this sink at its stored offset, and go on watching. Raises as `drain` does."""
        await self._patience.retry("reading the stored offsets", self._assign)
        # After the writer has accepted the database: it notices what other programs change from then on.
        watch = partial(self._alarms.resume, await self._opened(), self._partitions)
        await self._patience.retry("reading the alarms", watch)
        self._replays.forget()

    async def drain(self) -> None:
        """Move records from the transport to the database until cancelled.

        Raises:
            PositionConflictError: Another sink moved the stored offsets.
            ReassignedError: The partitions are dealt anew.
            TransportError: The broker is away, or the log is not the assigned one.
        """
        while True:
            batches = await self._consumer.fetch(
                max_records=self._most,
                linger=self._batching.linger,
                max_wait=0 if self._replays.has_more else self._alarms.max_wait(FETCH_TIMEOUT),
                now=self._now() * 1000,
            )
            # A broker that takes connections may answer no fetch.
            was_blind = self._consumer.answered and self._heart.note_back()
            if batches:
                await self._take(batches)
            else:
                # Records that cannot be read stay in the log: without a stored batch only the lag shows them.
                await self._report_lag()
                await self._check_database()
            if was_blind:
                await self._patience.retry("writing the heartbeat", self._beat_now)
            self._alarms.note_read(self._consumer.read_until, {each.partition for each in batches})
            await self._look_at_alarms()
            await self._settle_outbox()
            await self._replay()

    async def finish(self) -> None:
        """Store the records that would end with this process, within `DRAIN_TIMEOUT`."""
        with anyio.move_on_after(DRAIN_TIMEOUT, shield=True) as deadline:
            self._alarms.forget()  # the transaction that was cancelled may have been committed
            await self.resume()
            while batches := await self._consumer.fetch(max_records=self._batching.max_records, linger=0, max_wait=0):
                await self._take(batches)
        if deadline.cancelled_caught:
            logger.error("stopped before everything was stored")

    async def beat(self, beat: Beat) -> None:
        """Write a heartbeat alone.

        Raises:
            StoreError: It cannot be written now.
        """
        async with self._beating:
            if self._writer is None or not self._beats:
                raise StoreUnavailableError("the database is not open yet")
            await self._writer.beat(beat)
        if beat.blind_since is not None:
            self._publisher.notify()

    async def _beat_now(self) -> None:
        beat = self._heart.beat()
        await self.beat(beat)
        self._heart.note_written(beat)

    async def _take(self, batches: Sequence[Batch]) -> None:
        decoded = decode_batches(batches)
        # Taken before the retries: a locked database must not make readings look fresher than they are.
        arrived = self._now()
        result = await self._store(decoded.request, arrived)
        await self._consumer.commit({batch.partition: batch.position for batch in batches})
        self._most = self._batching.most(new=result.patients > 0)
        if result.events:
            self._publisher.notify()
        await self._report_lag()
        self._reports.stored(decoded, result, arrived=arrived, now=self._now())

    async def _assign(self) -> None:
        writer = await self._opened()
        self._on_started()  # before the broker is asked, which may be away for long
        if not self._beats:
            # Before the first one of this sink takes the place of the last one.
            self._heart.note_before(await writer.heartbeat())
            self._beats = True
        await writer.try_to_write()  # others must not leave partitions to a sink that cannot store
        # Before the offsets are read, which others move until the partitions are this sink's.
        await self._consumer.join()
        self._patience.ends = writer.guard.is_shared
        assignments = await self._consumer.assign(await writer.positions())
        self._reports.assigned(assignments)
        await writer.begin(
            {partition: each.position for partition, each in assignments.items()},
            other_logs=frozenset(partition for partition, each in assignments.items() if each.other_log),
        )
        self._partitions = tuple(assignments)
        self._most = self._batching.most(new=True)  # a backlog of others' patients may follow
        self._publisher.begin_anew(publishes=writer.guard.is_first)

    async def _store(self, request: WriteRequest, arrived: float) -> WriteResult:
        write = partial(self._alarms.write, await self._opened(), request, round(arrived * 1000))
        return await self._patience.retry("storing readings", write)

    async def _look_at_alarms(self) -> None:
        look = partial(self._alarms.look, await self._opened())
        await self._patience.retry("evaluating alarms", look)

    async def _settle_outbox(self) -> None:
        if self._publisher.is_due:
            await self._patience.retry("reading the outbox", self._settle)

    async def _settle(self) -> None:
        beat = self._heart.beat()
        if await self._publisher.settle(await self._opened(), beat):
            self._heart.note_written(beat)

    async def _replay(self) -> None:
        writer = await self._opened()
        if self._replays.is_due(writer):
            replay = partial(self._replays.run, writer, round(self._now() * 1000))
            await self._patience.retry("replaying dead letters", replay)

    async def _check_database(self) -> None:
        """Detect an exchanged or failing database while no record arrives: only writes would notice it otherwise."""
        await self._patience.retry("looking at the database", (await self._opened()).check)

    async def _opened(self) -> Writer:
        if self._writer is None:
            self._writer = await self._open_database()
        return self._writer

    def _set_trouble(self, trouble: str | None, refusal: str | None) -> None:
        self._telemetry.set_trouble(trouble, refusal)
        self._on_started()

    async def _report_lag(self) -> None:
        self._heart.lag = await self._consumer.lag()
        self._telemetry.set_lag(self._heart.lag)
