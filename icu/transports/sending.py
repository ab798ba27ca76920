"""Store and forward: what the beds observed and the transport has not acknowledged yet, in order, within bounds."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Final

import anyio

from icu.messages import Record

CAPACITY: Final = 720
"""Records that are kept of each patient: an hour at one every 5 seconds."""


class Outbox:
    """Records waiting to be sent, at most `capacity` of each key. It outlives the emulator that fills it."""

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
