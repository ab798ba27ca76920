"""Store and forward: a bounded buffer of records to send, in order, and the task that publishes them."""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import chain, islice
from typing import Final, Protocol

import anyio
from anyio import CancelScope, create_task_group
from loguru import logger

from icu.messages import Record
from icu.transports.base import Transport

# Records kept of each key: an hour of one record every 5 seconds.
CAPACITY: Final = 720

# Records of one call of `publish`.
MAX_PUBLISHED: Final = 1_000

# Seconds in which a cancelled sender still sends its pending records. Less than the grace of its child.
FLUSH_TIMEOUT: Final = 2.0


class SendBuffer:
    """Pending records, at most `capacity` of each key. It outlives the actor that fills it."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._queues: dict[bytes, deque[Record]] = {}
        self._count = 0
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return self._count

    def room(self, key: bytes) -> int:
        """Number of records of this key that can be added before they push out its oldest."""
        return self._capacity - len(self._queues.get(key, ()))

    def put(self, records: Iterable[Record]) -> int:
        """Add records. Returns the number of old ones that were dropped to make room."""
        dropped = 0
        for record in records:
            queue = self._queues.setdefault(record.key, deque())
            if len(queue) >= self._capacity:
                queue.popleft()
                dropped += 1
            else:
                self._count += 1
            queue.append(record)
        self._notify()
        return dropped

    def head(self, most: int) -> Sequence[Record]:
        """The next records to send, in the order of each key. They stay until they are acknowledged."""
        return list(islice(chain.from_iterable(self._queues.values()), most))

    def acknowledge(self, records: Iterable[Record]) -> int:
        """Remove sent records. Returns their number, without those that were dropped meanwhile."""
        before = self._count
        for record in records:
            queue = self._queues.get(record.key)
            # Compared by identity: an equal record may stand behind a dropped one.
            if queue and queue[0] is record:
                queue.popleft()
                self._count -= 1
                if not queue:
                    del self._queues[record.key]
        self._notify()
        return before - self._count

    async def change(self) -> None:
        """Wait until records are added or removed."""
        await self._changed.wait()

    def _notify(self) -> None:
        # An event can be set once only: the next waiters get a new one.
        self._changed.set()
        self._changed = anyio.Event()


class OnDelivered(Protocol):
    """Callback for acknowledged records."""

    def __call__(self, records: Sequence[Record], *, refused: Sequence[Record], released: int) -> None:
        """Take note of published records.

        Args:
            records: All records of the call of `publish`.
            refused: Those that the transport refused for ever.
            released: The number of records that this removed from the buffer.
        """


@asynccontextmanager
async def forwarding(buffer: SendBuffer, transport: Transport, on_delivered: OnDelivered) -> AsyncIterator[None]:
    """Publish the buffer while the block runs, and wait at its end until the buffer is empty.

    A cancelled block waits for FLUSH_TIMEOUT only, and logs how many records remain.
    """
    sender = _Sender(buffer, transport, on_delivered)
    async with create_task_group() as group:
        group.start_soon(sender.run)
        try:
            yield
            await sender.idle()
        except anyio.get_cancelled_exc_class():
            await sender.finish()
            raise
        finally:
            sender.scope.cancel()


class _Sender:
    """The task that publishes the buffer."""

    def __init__(self, buffer: SendBuffer, transport: Transport, on_delivered: OnDelivered) -> None:
        # Shielded: a cancellation from outside must not reach it before `finish` has had its time.
        self.scope = CancelScope(shield=True)
        self._buffer = buffer
        self._transport = transport
        self._on_delivered = on_delivered
        self._ended = False

    async def run(self) -> None:
        """Publish until `scope` is cancelled."""
        try:
            with self.scope:
                while True:
                    await self._send()
                    await self._buffer.change()
        finally:
            self._ended = True

    async def idle(self) -> None:
        """Wait until the buffer is empty."""
        while len(self._buffer):
            await self._buffer.change()

    async def finish(self) -> None:
        """Wait for FLUSH_TIMEOUT until the buffer is empty, unless nothing can be sent, and log what remains."""
        if not self._ended and self._transport.sending_trouble is None:
            with anyio.move_on_after(FLUSH_TIMEOUT, shield=True):
                await self.idle()
        if len(self._buffer):
            logger.warning("stopped with {} readings that were not delivered", len(self._buffer))

    async def _send(self) -> None:
        while records := self._buffer.head(MAX_PUBLISHED):
            refused = await self._transport.publish(records)
            self._on_delivered(records, refused=refused, released=self._buffer.acknowledge(records))
