"""Heartbeat of the sink: when it is due, what it says, and the writing while no batch takes it along."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio
from loguru import logger

from icu.alarms.blind import BLIND_AFTER, blind_since
from icu.store.errors import StoreError
from icu.store.heartbeats import Beat, Heartbeat
from icu.store.readings import milliseconds
from icu.transports.base import Transport

# Seconds since the last heartbeat after which the next batch's transaction takes one along, and after which it is
# written alone: at least one every 2 s. Each is a page of the database's log, 4 KiB: up to 240 MB a day.
WITH_BATCH: Final = 1.5
ALONE: Final = 1.8

# Seconds after which a transport has noticed, at the latest, that no broker answers: icu.transports.kafka.polling.
_NOTICED_AFTER: Final = 4.0

# Seconds between two attempts to write one alone.
_RETRY: Final = 1.0


class Heart:
    """Heartbeat of one run of the sink.

    Args:
        transport: Asked for its trouble.
        now: Wall clock, seconds since 1970.
    """

    def __init__(self, transport: Transport, now: Callable[[], float]) -> None:
        self._transport = transport
        self._now = now
        self._written_at = anyio.current_time()
        # False before the first: the first batch takes one along, so that no reading is stored without a sign of life.
        self._has_written = False
        # Records of the topic that are not fetched yet.
        self.lag = 0
        self._away: str | None = "the topic is not read yet"
        self._away_since = now()

    def due_with_batch(self) -> Beat | None:
        """Return the heartbeat for a batch's transaction; None if the last one is young."""
        young = self._has_written and anyio.current_time() - self._written_at < WITH_BATCH
        return None if young else self.beat()

    def beat(self) -> Beat:
        """Return a heartbeat of now."""
        transport = self._transport
        at = self._now_ms()
        if self._away is None:
            return Beat(at, self.lag, degraded=transport.degraded or transport.trouble)
        return Beat(at, self.lag, transport.trouble or self._away, round(self._away_since * 1000), transport.degraded)

    def note_away(self, why: str) -> None:
        """Note that no record can be read."""
        if self._away is None:
            self._away_since = self._now() - _NOTICED_AFTER
        self._away = why

    def note_unwatched(self, last: Heartbeat | None) -> None:
        """Note the last heartbeat of the sink before, at the start: where it is old, nobody was watched since."""
        if last is None:
            return
        away = None if last.away_since is None else milliseconds(last.away_since)
        since = blind_since(milliseconds(last.at), away, self._now_ms())
        if since is not None:
            self._away_since = min(self._away_since, since / 1000)

    def note_back(self) -> int | None:
        """Note that records can be read. Returns the time since when nobody was watched; None if all were."""
        back, self._away = self._away is not None, None
        since = round(self._away_since * 1000)
        return since if back and self._now_ms() - since >= BLIND_AFTER else None

    def _now_ms(self) -> int:
        return round(self._now() * 1000)

    def note_written(self) -> None:
        """Note that a heartbeat was written."""
        self._written_at = anyio.current_time()
        self._has_written = True

    @asynccontextmanager
    async def beating(self, write: Callable[[Beat], Awaitable[None]]) -> AsyncIterator[None]:
        """Write the heartbeats that no batch takes along, while the block runs.

        Errors of the block are raised as they are, in no group.
        """
        error = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._beat_alone, write)
            try:
                yield
            except Exception as exc:  # noqa: BLE001 - raised again below
                error = exc
            group.cancel_scope.cancel()
        if error is not None:
            raise error

    async def _beat_alone(self, write: Callable[[Beat], Awaitable[None]]) -> None:
        while True:
            last = self._written_at
            await anyio.sleep_until(last + ALONE)
            if self._written_at != last:
                continue
            try:
                await write(self.beat())
            except StoreError as exc:
                # The sink's own work reports the trouble, and the monitor that there is no heartbeat.
                logger.debug("no heartbeat: {}", exc)
                await anyio.sleep(_RETRY)
            else:
                self.note_written()
