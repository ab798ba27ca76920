"""Readers that share a topic by the consumer group of a real broker: who has which partitions, and what is lost."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio import to_thread

from icu.messages import Position, Record
from icu.transports.base import Assignment, Batch
from icu.transports.errors import NamesakeError, ReassignedError, TransportClosedError
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import Broker
from tests.integration.conftest import Connect
from tests.processes import TIMEOUT

PARTITIONS = 6


class MovedError(Exception):
    """Another reader has moved a stored position."""


class Stored:
    """Records and positions that readers in several threads share, as sinks share a database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._positions: dict[int, Position] = {}
        self.values: list[bytes] = []
        # How often a reader was kept from storing what another has stored.
        self.refused = 0

    def positions(self) -> dict[int, Position]:
        """Return the stored positions."""
        with self._lock:
            return dict(self._positions)

    def begin(self, before: Mapping[int, Position], assignments: Mapping[int, Assignment]) -> None:
        """Store the positions from which a reader reads on, unless they were moved."""
        with self._lock:
            if any(self._positions.get(each) != before.get(each) for each in assignments):
                raise MovedError
            self._positions |= {partition: each.position for partition, each in assignments.items()}

    def store(self, batches: Sequence[Batch]) -> None:
        """Store batches that continue what is stored, or nothing."""
        with self._lock:
            if any(self._positions[each.partition].next != each.start for each in batches):
                self.refused += 1
                raise MovedError
            for batch in batches:
                self._positions[batch.partition] = batch.position
                self.values += [each.value or b"" for each in batch.deliveries]


class Reader:
    """A reader that works as the sink does."""

    def __init__(self, transport: KafkaTransport, member: str, stored: Stored) -> None:
        self._transport = transport
        self._member = member
        self._stored = stored
        # The partitions that it reads; None while it waits for them.
        self.partitions: frozenset[int] | None = None
        self.error: Exception | None = None

    async def run(self) -> None:
        """Read until cancelled, or until another one has the name."""
        try:
            async with self._transport.consumer(self._member) as consumer:
                while True:
                    try:
                        await consumer.join()
                        before = self._stored.positions()
                        assignments = await consumer.assign(before)
                        self._stored.begin(before, assignments)
                        self.partitions = frozenset(assignments)
                        while True:
                            batches = await consumer.fetch(max_records=10, linger=0, max_wait=1)
                            self._stored.store(batches)
                            await consumer.commit({each.partition: each.position for each in batches})
                    except (ReassignedError, MovedError):
                        self.partitions = None
        except (NamesakeError, TransportClosedError) as exc:
            self.error = exc
        finally:
            self.partitions = None


@asynccontextmanager
async def reading(reader: Reader) -> AsyncIterator[None]:
    """Run a reader, and end it in order."""
    async with anyio.create_task_group() as group:
        group.start_soon(reader.run)
        yield
        group.cancel_scope.cancel()


@asynccontextmanager
async def freezable(reader: Reader) -> AsyncIterator[Callable[..., None]]:
    """Run a reader in a thread, on a loop of its own that can be stopped from turning, and set going again."""
    thawed, begun = threading.Event(), threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def run() -> None:
        running.append((asyncio.get_running_loop(), asyncio.ensure_future(reader.run())))
        begun.set()
        await asyncio.wait({running[0][1]})

    def freeze(*, frozen: bool) -> None:
        if frozen:
            thawed.clear()
            running[0][0].call_soon_threadsafe(thawed.wait)
        else:
            thawed.set()

    async with anyio.create_task_group() as group:
        group.start_soon(to_thread.run_sync, lambda: asyncio.run(run()))
        await to_thread.run_sync(begun.wait)
        try:
            yield freeze
        finally:
            thawed.set()
            [(loop, task)] = running
            loop.call_soon_threadsafe(task.cancel)


async def dealt(*readers: Reader, partitions: int = PARTITIONS) -> None:
    """Wait until these readers have all partitions, each as many as the others, or one more."""
    with anyio.fail_after(TIMEOUT):
        while True:
            shares = [each.partitions for each in readers]
            held = [each for share in shares if share is not None for each in share]
            counts = [len(share) for share in shares if share is not None]
            if sorted(held) == list(range(partitions)) and None not in shares and max(counts) - min(counts) <= 1:
                return
            await anyio.sleep(0.02)


async def stored_all(stored: Stored, count: int) -> None:
    """Wait until so many records are stored: each once."""
    with anyio.fail_after(TIMEOUT):
        while len(stored.values) < count:
            await anyio.sleep(0.02)
    assert Counter(stored.values) == Counter(str(number).encode() for number in range(count))


@pytest.fixture
async def topic(broker: Broker, connect: Connect) -> KafkaTransport:
    """A topic of six partitions on a real broker."""
    if not broker.real:
        pytest.skip("the mock has no static members")
    transport = connect(broker.bootstrap, partitions=PARTITIONS)
    await to_thread.run_sync(broker.create_topic, transport.topic, PARTITIONS)
    return transport


async def send(transport: KafkaTransport, first: int, last: int) -> None:
    """Publish records whose values are their numbers."""
    await transport.publish([Record(f"bed-{n % 50}".encode(), str(n).encode()) for n in range(first, last)])


async def test_readers_join_and_end(broker: Broker, connect: Connect, topic: KafkaTransport) -> None:
    """Partitions are dealt evenly when a reader joins or ends, at once, and each record is stored once."""
    stored = Stored()
    one, two, three = (Reader(connect(broker.bootstrap), f"ward@host/{name}", stored) for name in "abc")
    async with reading(one):
        await dealt(one)
        await send(topic, 0, 500)
        async with reading(two):
            await dealt(one, two)
            await send(topic, 500, 1_000)
            async with reading(three):
                await dealt(one, two, three)
                await send(topic, 1_000, 1_500)
            await dealt(one, two)
            await send(topic, 1_500, 2_000)
            await stored_all(stored, 2_000)


async def test_more_readers_than_partitions(broker: Broker, connect: Connect) -> None:
    """A reader without partitions waits for one, and has answers all the same; it gets one when another ends."""
    stored, transport = Stored(), connect(broker.bootstrap)
    await to_thread.run_sync(broker.create_topic, transport.topic, 1)
    first, second = (Reader(connect(broker.bootstrap), name, stored) for name in ("a", "b"))
    async with reading(second):
        async with reading(first):
            with anyio.fail_after(TIMEOUT):
                while {first.partitions, second.partitions} != {frozenset({0}), frozenset()}:
                    await anyio.sleep(0.02)
        await dealt(second, partitions=1)
        await transport.publish([Record(b"bed", b"0")])
        await stored_all(stored, 1)


async def test_an_empty_share_is_an_answer(broker: Broker, connect: Connect) -> None:
    """A reader without partitions says that it has an answer, lags behind nothing, and commits nothing."""
    transport = connect(broker.bootstrap)
    await to_thread.run_sync(broker.create_topic, transport.topic, 1)
    async with connect(broker.bootstrap).consumer("a") as first, transport.consumer("b") as second:
        await first.join()
        # It has a share once both have joined: the first has lost its own by then.
        await second.join()
        await first.join()
        found = [await each.assign({}) for each in (first, second)]
        idle = (first, second)[found.index({})]
        assert await idle.fetch(max_records=1, linger=0, max_wait=0) == ()
        assert (idle.answered, await idle.lag(), idle.read_until) == (True, 0, {})
        await idle.commit({})


async def test_the_older_of_two_namesakes_is_fenced(broker: Broker, connect: Connect, topic: KafkaTransport) -> None:
    """A second reader of the same name takes the place of the first, which ends and says what to change."""
    stored = Stored()
    older, newer = (Reader(connect(broker.bootstrap), "ward@host/sink-1", stored) for _ in range(2))
    async with reading(older):
        await dealt(older)
        async with reading(newer):
            await dealt(newer)
            with anyio.fail_after(TIMEOUT):
                while older.error is None:
                    await anyio.sleep(0.02)
            assert "another sink with the name ward@host/sink-1" in str(older.error)
            assert "run sink --member NAME" in str(older.error)
            await send(topic, 0, 100)
            await stored_all(stored, 100)
            assert newer.error is None


async def test_a_frozen_reader_stores_nothing_twice(broker: Broker, connect: Connect, topic: KafkaTransport) -> None:
    """A reader that sleeps longer than its session loses its partitions, joins again, and stores nothing twice."""
    stored = Stored()
    sleeper, other = (Reader(connect(broker.bootstrap), f"ward@host/{name}", stored) for name in "ab")
    async with reading(other), freezable(sleeper) as freeze:
        await dealt(other, sleeper)
        await send(topic, 0, 500)
        freeze(frozen=True)
        await send(topic, 500, 1_000)
        with anyio.fail_after(TIMEOUT):
            while other.partitions != frozenset(range(PARTITIONS)):
                await anyio.sleep(0.02)
        await send(topic, 1_000, 1_500)
        freeze(frozen=False)
        await dealt(other, sleeper)
        await send(topic, 1_500, 2_000)
        await stored_all(stored, 2_000)
