"""Heartbeat of the sink: when it is due, what it says, and the writing while no batch takes it along."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio
from loguru import logger

from icu.alarms.blind import blind_since
from icu.ops.steady import steady
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

# Milliseconds of the smallest step that counts as setting a clock; time synchronisation steers it by less.
_MIN_STEP: Final = 1_000

# Seconds between two attempts to write one alone.
_RETRY: Final = 1.0


class Heart:
    """Heartbeat of one run of the sink.

    Args:
        transport: Asked for its trouble.
        now: Wall clock, seconds since 1970.
        steady: Seconds on a clock that is never set, and goes on while this process is suspended.
    """

    def __init__(self, transport: Transport, now: Callable[[], float], steady: Callable[[], float] = steady) -> None:
        self._transport = transport
        self._now = now
        self._steady = steady
        self._written_at = anyio.current_time()
        # False before the first: the first batch takes one along, so that no reading is stored without a sign of life.
        self._has_written = False
        # The last one that was written, and its steady time; None before the first of any sink.
        self._last: Beat | None = None
        self._last_at = 0.0
        # Records of the topic that are not fetched yet.
        self.lag = 0
        self._away: str | None = "the topic is not read yet"
        # On the wall clock, and on the steady one.
        self._away_since, self._away_at = self._now_ms(), steady()

    def due_with_batch(self) -> Beat | None:
        """Return the heartbeat for a batch's transaction; None if the last one is young."""
        young = self._has_written and anyio.current_time() - self._written_at < WITH_BATCH
        return None if young else self.beat()

    def beat(self) -> Beat:
        """Return a heartbeat of now. Where records can be read, it ends the time in which the ward was blind."""
        transport, at, blind = self._transport, self._now_ms(), self._blind_since()
        if self._away is None:
            return Beat(at, self.lag, degraded=transport.degraded or transport.trouble, blind_since=blind)
        self._follow_clock(at)
        since = self._away_since if blind is None else min(self._away_since, blind)
        return Beat(at, self.lag, transport.trouble or self._away, since, transport.degraded)

    def note_away(self, why: str) -> None:
        """Note that no record can be read."""
        if self._away is None:
            self._away_since = self._now_ms() - round(_NOTICED_AFTER * 1000)
            self._away_at = self._steady() - _NOTICED_AFTER
        self._away = why

    def note_back(self) -> bool:
        """Note that records can be read. Returns True if the ward was blind until now."""
        back, self._away = self._away is not None, None
        return back and self._blind_since() is not None

    def note_before(self, last: Heartbeat | None) -> None:
        """Note the last heartbeat of the sink before, at the start."""
        if last is None:
            return
        away = None if last.away_since is None else milliseconds(last.away_since)
        self._last = Beat(milliseconds(last.at), last.lag, last.away, away)
        self._last_at = self._steady() - max(0, self._now_ms() - self._last.at) / 1000

    def note_written(self, beat: Beat) -> None:
        """Note a heartbeat that was written."""
        self._written_at, self._has_written = anyio.current_time(), True
        self._last, self._last_at = beat, self._steady()

    def _blind_since(self) -> int | None:
        """Time since which monitors call the ward blind, by the last heartbeat; None while they do not."""
        last = self._last
        if last is None:
            return None
        return blind_since(last.at, last.away_since, last.at + round((self._steady() - self._last_at) * 1000))

    def _follow_clock(self, now: int) -> None:
        """Follow a wall clock that was set: by one set back, the broker would be away since a time to come."""
        since = now - round((self._steady() - self._away_at) * 1000)
        # Otherwise it stays as it is: the alarm's identity comes from it.
        if abs(since - self._away_since) > _MIN_STEP:
            self._away_since = since

    def _now_ms(self) -> int:
        return round(self._now() * 1000)

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
            beat = self.beat()
            try:
                await write(beat)
            except StoreError as exc:
                # The sink's own work reports the trouble, and the monitor that there is no heartbeat.
                logger.debug("no heartbeat: {}", exc)
                await anyio.sleep(_RETRY)
            else:
                self.note_written(beat)
