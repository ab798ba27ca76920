"""The sink: fetch, decode, store in one transaction, commit; over and over.

The database is the truth about how far the topic is stored. The commit to the transport comes after it, and only says
what need not be kept: a sink that dies between the two is delivered the same records again, and swallows them.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from loguru import logger
from msgspec import Struct

from icu.messages import Implausible
from icu.ops.retries import retry
from icu.sink.ahead import AheadReport
from icu.sink.intake import Taken, take_in
from icu.sink.telemetry import Telemetry
from icu.store.errors import PositionConflictError, StoreReplacedError
from icu.store.writer import Intake, Outcome, Writer, open_writer
from icu.transports.base import Assignment, Batch, Consumer, Transport
from icu.transports.errors import TransportError

PATIENCE: Final = 1.0
"""Seconds that one fetch waits for the first record."""

FAREWELL: Final = 2.0
"""Seconds in which a sink that was told to stop stores what is left. With a transaction's 5 s this is its grace."""


class Batching(Struct, frozen=True):
    """When a transaction is due, whichever comes first: `max_records`, or `linger` seconds after the first record."""

    max_records: int = 5_000
    linger: float = 0.05


async def consume(
    *,
    transport: Transport,
    database_url: str,
    telemetry: Telemetry,
    batching: Batching,
    now: Callable[[], float] = time.time,
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Store what the topic brings until cancelled.

    Started once the database is ready and held, or is found to be only away: that is waited for, and told, and a
    supervisor must not take it for a start that hangs. Raises StoreInUseError, StoreCorruptError and ConfigurationError
    at once.
    """
    async with AsyncExitStack() as held, transport.consumer() as consumer:

        async def open_database() -> Writer:
            return await held.enter_async_context(open_writer(database_url, topic=transport.topic))

        sink = _Sink(consumer, open_database, held.aclose, telemetry, batching, now, task_status.started)
        try:
            await sink.run()
        except anyio.get_cancelled_exc_class():
            if transport.unstored:
                await sink.finish()
            raise


class _Sink:
    """One run of the sink: what its steps share."""

    def __init__(
        self,
        consumer: Consumer,
        open_database: Callable[[], Awaitable[Writer]],
        close_database: Callable[[], Awaitable[None]],
        telemetry: Telemetry,
        batching: Batching,
        now: Callable[[], float],
        on_started: Callable[[], None],
    ) -> None:
        self._consumer = consumer
        self._open_database = open_database
        self._close_database = close_database
        self._writer: Writer | None = None
        self._on_started: Callable[[], None] | None = on_started
        self._telemetry = telemetry
        self._batching = batching
        self._now = now
        self._ahead = AheadReport()

    async def run(self) -> None:
        """Drain for ever, from the stored offsets on."""
        while True:
            async with self._opening_anew():
                await self.resume()
                try:
                    await self.drain()
                except (PositionConflictError, TransportError) as exc:
                    self._telemetry.waiting_for(str(exc))
                    logger.warning("{}: reading on from the stored offsets", exc)

    @asynccontextmanager
    async def _opening_anew(self) -> AsyncIterator[None]:
        """Close a database whose files were exchanged: what bears its name is opened next, and decides."""
        try:
            yield
        except StoreReplacedError as exc:
            self._telemetry.waiting_for(str(exc))
            self._writer = None
            await self._close_database()

    async def resume(self) -> None:
        """Take up every partition where the database says that it is stored up to."""
        await retry("reading the stored offsets", self._assign, on_trouble=self._waiting_for)

    async def drain(self) -> None:
        """Move records from the transport to the database until cancelled, or until another sink interferes."""
        while True:
            batches = await self._consumer.fetch(
                max_records=self._batching.max_records, linger=self._batching.linger, max_wait=PATIENCE
            )
            if batches:
                await self._take(batches)
            else:
                # What cannot be read stays in the log, and nothing is stored that would say so.
                self._telemetry.behind(await self._consumer.lag())
                await self._look()

    async def finish(self) -> None:
        """Store what is in the log already, for it ends with the process."""
        with anyio.move_on_after(FAREWELL, shield=True) as farewell:
            await self.resume()
            while batches := await self._consumer.fetch(max_records=self._batching.max_records, linger=0, max_wait=0):
                await self._take(batches)
        if farewell.cancelled_caught:
            logger.error("stopped before everything was stored")

    async def _take(self, batches: Sequence[Batch]) -> None:
        taken = take_in(batches)
        # The moment of arrival, not of the attempt that succeeds.
        arrived = self._now()
        outcome = await self._store(taken.intake, arrived)
        await self._consumer.commit({batch.partition: batch.position for batch in batches})
        await self._report(taken, outcome, arrived)

    async def _assign(self) -> None:
        writer = await self._opened()
        self._say_started()
        assignments = await self._consumer.assign(await writer.positions())
        self._tell(assignments)
        await writer.begin(
            {partition: each.position for partition, each in assignments.items()},
            other_logs=frozenset(partition for partition, each in assignments.items() if each.other_log),
        )

    async def _store(self, intake: Intake, arrived: float) -> Outcome:
        write = partial((await self._opened()).write, intake, arrived=round(arrived * 1000))
        return await retry("storing readings", write, on_trouble=self._waiting_for)

    async def _look(self) -> None:
        """Look after the database, which nobody else does while nothing arrives."""
        await retry("looking at the database", (await self._opened()).look, on_trouble=self._waiting_for)

    async def _opened(self) -> Writer:
        if self._writer is None:
            self._writer = await self._open_database()
        return self._writer

    def _waiting_for(self, trouble: str | None) -> None:
        self._telemetry.waiting_for(trouble)
        self._say_started()

    def _say_started(self) -> None:
        if self._on_started is not None:
            self._on_started()
            self._on_started = None

    async def _report(self, taken: Taken, outcome: Outcome, arrived: float) -> None:
        self._telemetry.behind(await self._consumer.lag())
        refused = self._telemetry.stored(taken.intake, outcome, now=self._now())
        self._telemetry.found(taken.implausible)
        self._ahead.tell(self._telemetry.ahead(taken.intake.observations, arrived=arrived))
        _log_values(taken.implausible)
        logger.debug(
            "stored {} readings, {} duplicates, {} refused", outcome.stored, outcome.duplicates, refused.total()
        )
        if refused:
            first = outcome.refusals[0].delivery
            reasons = ", ".join(f"{count} {reason}" for reason, count in refused.items())
            logger.bind(partition=first.partition, offset=first.offset).warning("dead letters: {}", reasons)

    def _tell(self, assignments: Mapping[int, Assignment]) -> None:
        others = [partition for partition, each in assignments.items() if each.other_log]
        if others:
            logger.bind(partitions=others).info(
                "another log than the stored offsets are of: reading it from its beginning"
            )
        for partition, assignment in assignments.items():
            if assignment.lost:
                log = logger.bind(partition=partition, offset=assignment.position.next)
                log.error("up to {} records are neither in this database nor any longer in the log", assignment.lost)


def _log_values(implausible: Sequence[Implausible]) -> None:
    """Tell where each stood, for a reading is stored without it."""
    for each in implausible:
        log = logger.bind(partition=each.delivery.partition, offset=each.delivery.offset)
        log.debug("impossible value: {} {}", each.name, each.value)
