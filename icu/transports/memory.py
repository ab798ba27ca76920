"""The in-memory transport of one process: a real log with partitions, positions and back-pressure, without a broker.

Each object is a new, empty log with an identity of its own. Records that are not stored when the process is killed are
lost.
"""

from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from uuid import uuid4
from zlib import crc32

import anyio
from anyio.lowlevel import checkpoint

from icu.messages import Delivery, Position, Record
from icu.transports.base import Assignment, Batch
from icu.transports.errors import TransportClosedError, TransportError


class _Signal:
    """An event for any number of times: `notify` wakes the tasks that wait at that moment."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def notify(self) -> None:
        self._event.set()
        self._event = anyio.Event()

    async def wait(self) -> None:
        await self._event.wait()


class _PartitionLog:
    """The log of one partition, which keeps records until they are committed."""

    def __init__(self, partition: int, capacity: int) -> None:
        self.partition = partition
        self._capacity = capacity
        # The offset of the first kept record.
        self.begin = 0
        self._kept: deque[Delivery] = deque()

    @property
    def unstored(self) -> int:
        """Number of records that are not committed."""
        return len(self._kept)

    @property
    def full(self) -> bool:
        """True if the next record has to wait for a commit."""
        return len(self._kept) >= self._capacity

    @property
    def end(self) -> int:
        return self.begin + len(self._kept)

    def append(self, record: Record) -> None:
        self._kept.append(Delivery(self.partition, self.end, record.key, record.value))

    def read(self, offset: int, most: int) -> list[Delivery]:
        first = offset - self.begin
        return list(islice(self._kept, first, first + most))

    def commit(self, offset: int) -> None:
        """Drop the records before the offset."""
        while self.begin < offset and self._kept:
            self._drop_first()

    def _drop_first(self) -> None:
        self._kept.popleft()
        self.begin += 1


class _NewestLog(_PartitionLog):
    """A log that keeps its newest records, committed or not, as a broker does for a time."""

    unstored = 0
    full = False

    def append(self, record: Record) -> None:
        super().append(record)
        if len(self._kept) > self._capacity:
            self._drop_first()

    def commit(self, offset: int) -> None:
        """Keep all records: there may be other readers."""


class _Topic:
    """The state that the transport and its consumers share."""

    def __init__(self, name: str, logs: Sequence[_PartitionLog]) -> None:
        self.name = name
        self.mark = uuid4().hex
        self.logs = logs
        self.appended = _Signal()
        self.trimmed = _Signal()
        self.closed = False

    def log_of(self, key: bytes) -> _PartitionLog:
        return self.logs[crc32(key) % len(self.logs)]

    def check_open(self) -> None:
        if self.closed:
            raise TransportClosedError(f"the in-memory topic {self.name} is closed")


class MemoryTransport:
    """The in-memory Transport."""

    durable = False
    trouble = None
    sending_trouble = None
    degraded = None

    def __init__(
        self, *, topic: str, partitions: int = 6, capacity: int = 100_000, waits_for_commits: bool = True
    ) -> None:
        """Make an empty log.

        Args:
            topic: Name of the topic.
            partitions: Number of partitions.
            capacity: Records for which each partition has room.
            waits_for_commits: True if a publisher waits for a commit where there is no room. False for a topic that
                nobody needs to read: then a partition drops its oldest record.
        """
        log = _PartitionLog if waits_for_commits else _NewestLog
        self._topic = _Topic(topic, [log(number, capacity) for number in range(partitions)])
        self._readers = 0

    @property
    def topic(self) -> str:
        return self._topic.name

    @property
    def unstored(self) -> int:
        return sum(log.unstored for log in self._topic.logs)

    @property
    def sending_degraded(self) -> str | None:
        # A full topic that nobody reads stays full.
        if self._readers or not any(log.full for log in self._topic.logs):
            return None
        return f"{self.topic} is full, and no sink reads it: start the sink (python -m icu status shows it)"

    async def until_stored(self, most: int) -> None:
        while self.unstored > most:
            await self._topic.trimmed.wait()
            self._topic.check_open()

    async def check(self) -> None:
        await checkpoint()
        self._topic.check_open()

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        topic = self._topic
        await checkpoint()
        for record in records:
            topic.check_open()
            log = topic.log_of(record.key)
            while log.full:
                # The records so far have to reach the readers, whose commits make room.
                topic.appended.notify()
                await topic.trimmed.wait()
                topic.check_open()
            log.append(record)
        topic.appended.notify()
        return ()

    @asynccontextmanager
    async def consumer(self, member: str | None = None) -> AsyncIterator["MemoryConsumer"]:  # noqa: ARG002 - see the Protocol
        self._topic.check_open()
        self._readers += 1
        try:
            yield MemoryConsumer(self._topic)
        finally:
            self._readers -= 1

    async def aclose(self) -> None:
        self._topic.closed = True
        self._topic.appended.notify()
        self._topic.trimmed.notify()


class MemoryConsumer:
    """The Consumer of the in-memory topic."""

    def __init__(self, topic: _Topic) -> None:
        self._topic = topic
        # By partition, the offset of the next record to fetch.
        self._offsets: dict[int, int] = {}
        self._turn = 0
        self.read_until: dict[int, float] = {}
        self.answered = False

    async def join(self) -> None:
        await checkpoint()
        self._topic.check_open()

    async def leave(self) -> None:
        await checkpoint()

    async def assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        await checkpoint()
        self._topic.check_open()
        self.answered = False
        assignments = {log.partition: self._assignment(log, stored.get(log.partition)) for log in self._topic.logs}
        self._offsets = {partition: each.position.next for partition, each in assignments.items()}
        self._trim(self._offsets)
        self.read_until = {}
        return assignments

    async def fetch(self, *, max_records: int, linger: float, max_wait: float, now: float = 0.0) -> Sequence[Batch]:
        await checkpoint()
        with anyio.move_on_after(max_wait):
            await self._wait_for(1)
        if self._unfetched():
            with anyio.move_on_after(linger):
                await self._wait_for(max_records)
        self._check_kept()
        self.answered = True
        batches = list(self._take(max_records))
        read = (log.partition for log in self._topic.logs if self._offsets[log.partition] == log.end)
        self.read_until |= dict.fromkeys(read, now)
        return batches

    async def commit(self, positions: Mapping[int, Position]) -> None:
        await checkpoint()
        self._topic.check_open()
        self._trim({partition: position.next for partition, position in positions.items()})

    async def lag(self) -> int:
        return self._unfetched()

    def _assignment(self, log: _PartitionLog, stored: Position | None) -> Assignment:
        mark = self._topic.mark
        if stored is None or stored.mark != mark or stored.next > log.end:
            # The records before `begin` were stored in another database than the one that these positions are of.
            return Assignment(Position(log.begin, mark), other_log=stored is not None, lost=log.begin)
        return Assignment(Position(max(stored.next, log.begin), mark), lost=max(0, log.begin - stored.next))

    def _check_kept(self) -> None:
        if any(self._offsets[log.partition] < log.begin for log in self._topic.logs):
            raise TransportError(f"{self._topic.name} has dropped records that this reader has not read: assign again")

    def _trim(self, stored: Mapping[int, int]) -> None:
        for partition, offset in stored.items():
            self._topic.logs[partition].commit(offset)
        self._topic.trimmed.notify()

    def _unfetched(self) -> int:
        return sum(log.end - self._offsets[log.partition] for log in self._topic.logs)

    async def _wait_for(self, records: int) -> None:
        self._topic.check_open()
        while self._unfetched() < records:
            await self._topic.appended.wait()
            self._topic.check_open()

    def _take(self, most: int) -> Iterable[Batch]:
        # Each fetch begins at another partition, so that a busy partition cannot starve the others.
        self._turn += 1
        logs = self._topic.logs
        for log in (logs[(self._turn + step) % len(logs)] for step in range(len(logs))):
            start = self._offsets[log.partition]
            deliveries = log.read(start, most)
            if deliveries:
                most -= len(deliveries)
                end = self._offsets[log.partition] = start + len(deliveries)
                yield Batch(log.partition, deliveries, start, Position(end, self._topic.mark), more=end < log.end)
