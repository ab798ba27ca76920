"""One watch of the database for all live streams: each event is encoded once, and slow clients are dropped."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import anyio
from anyio import TASK_STATUS_IGNORED, CancelScope, WouldBlock
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectSendStream
from loguru import logger

from icu.monitor.sse import Filter, encode
from icu.ops.retries import retry
from icu.store.journal.following import Batch, Follower, Signs
from icu.store.reader import Reader

# Seconds between two looks at the database: gathering new batches costs less than sending each by itself.
POLL_EVERY: Final = 0.2

# Batches read from the journal at a time.
PAGE: Final = 200

# Places in the journal whose next batches are kept for clients that come back, until the next look at the database.
MAX_KEPT: Final = 16


class Update:
    """New batches from one look at the database, encoded once for each patient filter in use.

    Args:
        batches: In the order of their numbers.
        before: Number of the batch before the first one.
        restart: True where batches were missed: clients read the patients anew.
    """

    def __init__(self, batches: Sequence[Batch], before: int, *, restart: bool = False) -> None:
        self.batches = batches
        self.before = before
        self.restart = restart
        self._encoded: dict[Filter, bytes] = {}

    def encoded(self, patients: Filter) -> bytes:
        """Return the events for clients that follow these patients."""
        if patients not in self._encoded:
            self._encoded[patients] = encode(self.batches, patients)
        return self._encoded[patients]


class Subscription:
    """One client's subscription to the broadcast.

    Args:
        queue: Updates that the client has not taken yet, and beats.
        scope: Cancelled when the client is too slow.
        seen: Number of the newest batch when it began; 0 before the first batch.
    """

    def __init__(self, queue: MemoryObjectSendStream[Update | bytes], scope: CancelScope, seen: int) -> None:
        self._queue = queue
        self._scope = scope
        self.seen = seen

    def offer(self, update: Update) -> bool:
        """Queue an update, or drop the client when its queue is full.

        Returns:
            False once the client is gone.
        """
        try:
            self._queue.send_nowait(update)
        except WouldBlock:
            logger.warning("a client of the stream is too slow: dropped")
        except anyio.BrokenResourceError:
            pass  # the client has disconnected
        else:
            return True
        self._scope.cancel()
        return False

    def beat(self, event: bytes) -> None:
        """Queue a beat, unless something waits there: that will do as a sign of life, and beats fill no queue."""
        with suppress(WouldBlock, anyio.BrokenResourceError):
            if not self._queue.statistics().current_buffer_used:
                self._queue.send_nowait(event)

    def end(self) -> None:
        """End the stream after the queued updates."""
        self._queue.close()


class Observer(Protocol):
    """A neighbour in the same process that takes all batches."""

    @property
    def active(self) -> bool:
        """True while it takes batches."""
        ...

    def take(self, batches: Sequence[Batch]) -> None:
        """Take the batches that follow the last ones."""
        ...

    def forget(self) -> None:
        """Begin anew: the database may have changed in ways of which the journal does not tell."""
        ...


class Broadcast:
    """Watch of the store's journal, which offers new batches to every subscription."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._subscriptions: set[Subscription] = set()
        self._observers: list[Observer] = []
        self._last_batch: int | None = None  # None before the first look
        self._closed = False
        # Marks of the last commit that was seen; None before the first look at this database.
        self._signs: Signs | None = None
        # True while the database can be read.
        self.is_following = False
        # For clients that come back, the batches behind each place; None where the journal does not reach back so far.
        # Each counts for the newest batch of its time alone: what was the end of the journal may have gone on since.
        self._missed: dict[tuple[int, int | None], Update | None] = {}
        self._reading = anyio.Lock()

    async def run(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Watch until cancelled. Retries while the database is missing or away."""
        task_status.started()
        await retry("following the database", self._poll, on_trouble=lambda _: None)

    @property
    def commands(self) -> int | None:
        """Number of commands when the database was last seen to change; None before."""
        return None if self._signs is None else self._signs.commands

    def observe(self, observer: Observer) -> None:
        """Begin to offer batches to a neighbour, before they are offered to clients and whenever it is active."""
        self._observers.append(observer)

    def beat(self, event: bytes) -> None:
        """Offer an event without a number to all clients, whatever they follow."""
        for subscription in tuple(self._subscriptions):
            subscription.beat(event)

    def subscribe(self, queue: MemoryObjectSendStream[Update | bytes], scope: CancelScope) -> Subscription:
        """Begin to offer updates.

        Args:
            queue: Receives them, without waiting.
            scope: Cancelled if the queue is full.
        """
        subscription = Subscription(queue, scope, self._last_batch or 0)
        if self._closed:
            subscription.end()
        else:
            self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop offering updates."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End all streams, and those that begin later: an open one would keep the server from stopping."""
        self._closed = True
        while self._subscriptions:
            self._subscriptions.pop().end()

    async def missed(self, seen: int) -> Update | None:
        """Return the next batches behind a place in the journal, up to those that are offered; none at its end.

        After a restart all clients come back at once, most of them to the same place: it is read and encoded once.

        Returns:
            None where the journal does not hold the place.
        """
        if seen == self._last_batch:
            return Update((), seen)
        async with self._reading:
            place = seen, self._last_batch
            if place not in self._missed:
                batches = await self._reader.after(seen, limit=PAGE)
                if len(self._missed) >= MAX_KEPT:
                    self._missed.clear()
                self._missed[place] = None if batches is None else Update(batches, seen)
            return self._missed[place]

    def __len__(self) -> int:
        return len(self._subscriptions)

    async def _poll(self) -> None:
        async with self._reader.follow() as follower:
            # It may be of another database than before, whose numbers may be the same.
            self._forget()
            version = None
            self._signs = None
            try:
                while True:
                    version = await self._look(follower, version)
                    await anyio.sleep(POLL_EVERY)
            finally:
                self.is_following = False
                self._missed.clear()

    async def _look(self, follower: Follower, version: int | None) -> int:
        """Offer what was stored since the database had this version. Returns the present one."""
        # The version changes with each write: reading it costs less than a query of the journal.
        newest = await follower.version()
        self._missed.clear()
        if newest != version:
            before, self._signs = self._signs, await follower.signs()
            await self._catch_up(follower, explained=self._signs.explain(before))
        self.is_following = True
        return newest

    async def _catch_up(self, follower: Follower, *, explained: bool) -> None:
        if self._last_batch is None:
            # Clients that subscribed before the first look cannot know what they missed.
            self._begin_anew(await follower.end())
            return
        if not self._is_followed():
            end = await follower.end()
            # A client that subscribed during the query expects every batch after the old place.
            if not self._is_followed():
                self._last_batch = end
                return
        before = self._last_batch
        while batches := await self._read_after(follower, self._last_batch):
            update = Update(batches, self._last_batch)
            self._last_batch = batches[-1].number
            self._offer(update)
        if self._last_batch == before and not explained:
            # A commit of which nothing tells: dead letters alone, or another program's changes.
            self._forget()

    async def _read_after(self, follower: Follower, seen: int) -> Sequence[Batch]:
        batches = await follower.after(seen, limit=PAGE)
        if batches is None:
            logger.warning("the journal was cut before it was read: all streams begin anew")
            self._begin_anew(await follower.end())
            return ()
        return batches

    def _is_followed(self) -> bool:
        return bool(self._subscriptions) or any(each.active for each in self._observers)

    def _begin_anew(self, end: int) -> None:
        self._last_batch = end
        self._forget()
        self._offer(Update((), end, restart=True))

    def _forget(self) -> None:
        for each in self._observers:
            each.forget()

    def _offer(self, update: Update) -> None:
        # Before the clients: one that is told of a batch, and asks for the patients, finds it in the list.
        for observer in self._observers:
            if observer.active:
                observer.take(update.batches)
        for subscription in tuple(self._subscriptions):
            if not subscription.offer(update):
                self.unsubscribe(subscription)
