"""The upkeep's loop: roll up, delete what is old, rest, and look again.

Each step is a transaction of milliseconds, and after each the upkeep rests for longer than it took: SQLite has no queue
for its one writer, and the sink has to get its turn. A stop or a crash between two steps costs nothing.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from loguru import logger

from icu.config.retention import Retention
from icu.ops.retries import Retries
from icu.store.retention.deleting import Deleted
from icu.store.rollups.step import RolledUp
from icu.store.upkeep import Upkeep, only_upkeep, open_upkeep
from icu.upkeep.days import Days
from icu.upkeep.progress import Progress
from icu.upkeep.telemetry import Telemetry

# Seconds between two looks once there is nothing left to do, and between two signs of life.
LOOK_EVERY: Final = 20.0

# Seconds of rest after a step, for each second that it took; and at least and at most.
_REST: Final = 2.0
_LEAST_REST: Final = 0.02
_LONGEST_REST: Final = 1.0

S = TypeVar("S", RolledUp, Deleted)


async def look_after(
    *,
    database_url: str,
    retention: Retention,
    telemetry: Telemetry,
    now: Callable[[], float] = time.time,
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    """Look after a database until cancelled.

    Reports `started` at once: a database that is away, or another upkeep's, is waited for.

    Args:
        database_url: The database.
        retention: How long each kind is kept.
        telemetry: Metrics, and the current trouble for health checks.
        now: Wall clock, seconds since 1970.
        task_status: See above.

    Raises:
        StoreCorruptError: The database is damaged; it is never repaired.
        ConfigurationError: There can be no database.
    """
    task_status.started()
    retries = Retries(
        "looking after the database", on_trouble=lambda trouble: telemetry.set_trouble(trouble, retries.needs_people)
    )
    async with AsyncExitStack() as held:
        await retries.run(partial(_take_over, held, database_url))
        upkeep = await held.enter_async_context(open_upkeep(database_url, retention))
        await _Rounds(upkeep, retries, telemetry, now).run()


async def _take_over(held: AsyncExitStack, database_url: str) -> None:
    await held.enter_async_context(only_upkeep(database_url))


class _Rounds:
    """State and steps of one run of the upkeep."""

    def __init__(self, upkeep: Upkeep, retries: Retries, telemetry: Telemetry, now: Callable[[], float]) -> None:
        self._upkeep = upkeep
        self._retries = retries
        self._telemetry = telemetry
        self._now = now
        self._progress = Progress()
        self._days = Days(upkeep, telemetry)
        # On the event loop's clock.
        self._looked_at = -LOOK_EVERY
        # Number of events that were dropped, and not reported yet.
        self._dropped = 0

    async def run(self) -> None:
        """Do what there is to do, again and again."""
        while True:
            await self._look()
            if await self._step():
                await anyio.sleep(LOOK_EVERY)

    async def _step(self) -> bool:
        """Roll up and delete, a step of each: neither has to wait until years are rolled up. Tell if both are done."""
        rolled = await self._do(self._upkeep.roll_up)
        self._telemetry.count_rolled(rolled)
        self._progress.note_rolled(rolled)
        deleted = await self._do(self._upkeep.delete)
        self._telemetry.count_deleted(deleted)
        self._progress.note_deleted(deleted)
        self._warn_of_events(deleted)
        return rolled.done and deleted.done

    async def _look(self) -> None:
        """Store a sign of life, and look at the days, where it is time."""
        if anyio.current_time() < self._looked_at + LOOK_EVERY:
            return
        await self._retries.run(partial(self._upkeep.note_look, self._now_ms()))
        self._looked_at = anyio.current_time()
        state = await self._retries.run(self._upkeep.state)
        self._telemetry.set_state(state)
        await self._retries.run(partial(self._days.keep, self._now_ms(), state.raw_horizon or 0))

    async def _do(self, step: Callable[[int], Awaitable[S]]) -> S:
        """Do a step, again while the database is away, and rest after it."""
        took = 0.0

        async def timed() -> S:
            nonlocal took
            began = anyio.current_time()
            result = await step(self._now_ms())
            took = anyio.current_time() - began
            return result

        result = await self._retries.run(timed)
        if not result.done:
            await anyio.sleep(min(max(_LEAST_REST, _REST * took), _LONGEST_REST))
        return result

    def _warn_of_events(self, deleted: Deleted) -> None:
        """Warn of events that nobody will get, once for all of them."""
        if deleted.kind == "outbox":
            self._dropped += deleted.rows
        elif self._dropped:
            logger.warning("{} events of alarms were dropped: no broker has taken them for too long", self._dropped)
            self._dropped = 0

    def _now_ms(self) -> int:
        return round(self._now() * 1000)
