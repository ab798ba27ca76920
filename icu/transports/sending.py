"""Store and forward: what the transport has not acknowledged yet, in order, within bounds, and what sends it."""

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

# Records that are kept of each key: an hour at one every 5 seconds.
CAPACITY: Final = 720

# Records that are sent at a time.
AT_ONCE: Final = 1_000

# Seconds in which a sender that was told to stop sends what waits. Less than its grace.
FAREWELL: Final = 2.0


class SendBuffer:
    """Records waiting to be sent, at most `capacity` of each key. It outlives the actor that fills it."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._queues: dict[bytes, deque[Record]] = {}
        self._count = 0
        self._changed = anyio.Event()

    def __len__(self) -> int:
        return self._count

    def is_full(self, key: bytes) -> bool:
        """Whether the next record of this key would push out its oldest."""
        return len(self._queues.get(key, ())) >= self._capacity

    def put(self, records: Iterable[Record]) -> int:
        """Add records; returns how many of the oldest were dropped to make room."""
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
        """The next records to send, in the order of each key. They stay until they are `acknowledged`."""
        return list(islice(chain.from_iterable(self._queues.values()), most))

    def acknowledged(self, records: Iterable[Record]) -> int:
        """Let go of records that were sent; returns how many: those that were dropped meanwhile are gone already."""
        before = self._count
        for record in records:
            queue = self._queues.get(record.key)
            if queue and queue[0] is record:
                queue.popleft()
                self._count -= 1
                if not queue:
                    del self._queues[record.key]
        self._notify()
        return before - self._count

    async def change(self) -> None:
        """Wait until something was added or sent."""
        await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class Delivered(Protocol):
    """Takes note of records that the transport has acknowledged."""

    def __call__(self, records: Sequence[Record], *, refused: Sequence[Record], released: int) -> None:
        """`refused` are those of the records that it takes never; `released`: how many the send buffer let go of."""


@asynccontextmanager
async def forwarding(buffer: SendBuffer, transport: Transport, on_delivered: Delivered) -> AsyncIterator[None]:
    """Send what is put into the send buffer while the block runs, and wait at its end until nothing is left.

    A block that is cancelled gives it a moment, and a warning tells what was not delivered.
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
    """The task that publishes the send buffer, in a scope that a cancellation from outside does not reach."""

    def __init__(self, buffer: SendBuffer, transport: Transport, on_delivered: Delivered) -> None:
        self.scope = CancelScope(shield=True)
        self._buffer = buffer
        self._transport = transport
        self._on_delivered = on_delivered
        self._ended = False

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            with self.scope:
                while True:
                    await self._send()
                    await self._buffer.change()
        finally:
            self._ended = True

    async def idle(self) -> None:
        """Wait until nothing is left to send."""
        while len(self._buffer):
            await self._buffer.change()

    async def finish(self) -> None:
        """Give it a moment to send what waits, and say what it could not."""
        if not self._ended and self._transport.sending_trouble is None:
            with anyio.move_on_after(FAREWELL, shield=True):
                await self.idle()
        if len(self._buffer):
            logger.warning("stopped with {} readings that were not delivered", len(self._buffer))

    async def _send(self) -> None:
        while records := self._buffer.head(AT_ONCE):
            refused = await self._transport.publish(records)
            self._on_delivered(records, refused=refused, released=self._buffer.acknowledged(records))
