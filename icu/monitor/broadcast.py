"""One watch of the database for all live streams: each event is encoded once, and slow clients are dropped."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import anyio
import msgspec
from anyio import TASK_STATUS_IGNORED, CancelScope, WouldBlock
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectSendStream
from loguru import logger

from icu.ops.retries import retry
from icu.store.reader import Batch, Follower, Reader

TICK: Final = 0.2
"""Seconds between two looks at the database: gathering what is new costs less than sending each batch by itself."""

PAGE: Final = 200
"""Batches that are read from the journal at a time."""

_encoder: Final = msgspec.json.Encoder()


class Tick:
    """What one look at the database found, with its events encoded once for each patient that somebody asked for.

    `before` is the number of the batch before the first one. `restart` says that batches were missed.
    """

    def __init__(self, batches: Sequence[Batch], before: int, *, restart: bool = False) -> None:
        self.batches = batches
        self.before = before
        self.restart = restart
        self._encoded: dict[UUID | None, bytes] = {}

    def encoded(self, patient: UUID | None) -> bytes:
        """The events for those who follow this patient; None for all patients."""
        if patient not in self._encoded:
            self._encoded[patient] = encode(self.batches, patient)
        return self._encoded[patient]


class Subscription:
    """One client's place in the broadcast. `seen` is the newest batch when it began, 0 before the first of all."""

    def __init__(self, queue: MemoryObjectSendStream[Tick], scope: CancelScope, seen: int) -> None:
        self._queue = queue
        self._scope = scope
        self.seen = seen

    def offer(self, tick: Tick) -> bool:
        """Queue a tick, or drop the client whose queue is full; whether it is still there."""
        try:
            self._queue.send_nowait(tick)
        except WouldBlock:
            logger.warning("a client of the stream is too slow: dropped")
        except anyio.BrokenResourceError:
            """It has gone by itself."""
        else:
            return True
        self._scope.cancel()
        return False

    def end(self) -> None:
        """Let the client have what is queued, and no more."""
        self._queue.close()


class Broadcast:
    """Follows the store's journal, and offers what is new to every subscription."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._subscriptions: set[Subscription] = set()
        self._seen: int | None = None
        self._closed = False

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled. A database that is missing or away is waited for."""
        task_status.started()
        await retry("following the database", self._follow, on_trouble=lambda _: None)

    def subscribe(self, queue: MemoryObjectSendStream[Tick], scope: CancelScope) -> Subscription:
        """Begin to offer ticks to the queue; `scope` is cancelled if the client does not take them."""
        subscription = Subscription(queue, scope, self._seen or 0)
        if self._closed:
            subscription.end()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop offering."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all streams, those that come later too: an open one would keep the server from stopping."""
        self._closed = True
        while self._subscriptions:
            self._subscriptions.pop().end()

    def __len__(self) -> int:
        return len(self._subscriptions)

    async def _follow(self) -> None:
        async with self._reader.follow() as follower:
            version = None
            while True:
                newest = await follower.version()
                if newest != version:
                    version = newest
                    await self._catch_up(follower)
                await anyio.sleep(TICK)

    async def _catch_up(self, follower: Follower) -> None:
        if self._seen is None:
            # Those who came before the first look cannot know what they missed.
            self._seen = await follower.end()
            self._offer(Tick((), self._seen, restart=True))
            return
        if not self._subscriptions:
            end = await follower.end()
            # Who subscribed meanwhile was told of the old place, and is owed everything behind it.
            if not self._subscriptions:
                self._seen = end
                return
        while batches := await self._next(follower, self._seen):
            tick = Tick(batches, self._seen)
            self._seen = batches[-1].number
            self._offer(tick)

    async def _next(self, follower: Follower, seen: int) -> Sequence[Batch]:
        batches = await follower.after(seen, limit=PAGE)
        if batches is None:
            logger.warning("the journal was cut before it was read: all streams begin anew")
            self._seen = await follower.end()
            self._offer(Tick((), self._seen, restart=True))
            return ()
        return batches

    def _offer(self, tick: Tick) -> None:
        for subscription in tuple(self._subscriptions):
            if not subscription.offer(tick):
                self.unsubscribe(subscription)


def encode(batches: Iterable[Batch], patient: UUID | None) -> bytes:
    """One event for each batch that concerns the patient: its number, and the readings as a JSON array."""
    chunks = []
    for batch in batches:
        readings = [each for each in batch.readings if patient in (None, each.patient_uuid)]
        if readings:
            chunks.append(b"id: %d\nevent: readings\ndata: %b\n\n" % (batch.number, _encoder.encode(readings)))
    return b"".join(chunks)
