"""Delivery contract of icu.transports.base, on every implementation."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol
from uuid import uuid4

import anyio
import pytest
from aiokafka import TopicPartition
from anyio import to_thread
from anyio.lowlevel import checkpoint
from confluent_kafka import Producer

from icu.config.settings import Kafka
from icu.messages import Delivery, Position, Record
from icu.transports.base import Assignment, Batch, Consumer, Transport
from icu.transports.errors import TransportClosedError
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.transport import KafkaTransport
from icu.transports.memory import MemoryTransport
from tests.brokers import Broker
from tests.clocks import virtual_asyncio, virtual_time
from tests.unit.transports.kafka.cluster import TOPIC, Cluster


class World(Protocol):
    """Implementation of the transport, and the effects of its surroundings on a log."""

    opened: list[Transport]

    async def open(self, *, partitions: int = 6) -> Transport:
        """Open a transport on a new log."""
        ...

    async def forget(self, transport: Transport, *, before: int) -> None:
        """Make the log of partition 0 drop its oldest records."""
        ...

    async def hold_up(self, transport: Transport, records: Sequence[Record]) -> None:
        """Publish records while this process does nothing else, if the log is another program's."""
        ...


class Memory:
    """In-memory transport: a log drops committed records."""

    def __init__(self) -> None:
        self.opened: list[Transport] = []

    async def open(self, *, partitions: int = 6) -> Transport:
        # A new object is a new log.
        self.opened.append(MemoryTransport(topic="icu.test", partitions=partitions))
        return self.opened[-1]

    async def forget(self, transport: Transport, *, before: int) -> None:
        # A committed record is dropped.
        async with transport.consumer() as consumer:
            mark = (await consumer.assign({}))[0].position.mark
            await consumer.commit({0: Position(before, mark)})

    async def hold_up(self, transport: Transport, records: Sequence[Record]) -> None:
        await transport.publish(records)


class Newest:
    """In-memory transport that keeps its newest records, whether they are committed or not."""

    def __init__(self) -> None:
        self.opened: list[Transport] = []

    async def open(self, *, partitions: int = 6) -> Transport:
        self.opened.append(MemoryTransport(topic="icu.test", partitions=partitions, waits_for_commits=False))
        return self.opened[-1]

    async def forget(self, transport: Transport, *, before: int) -> None:
        pytest.skip(
            "newer records alone make this log drop older ones: see tests/unit/transports/test_memory_newest.py"
        )

    async def hold_up(self, transport: Transport, records: Sequence[Record]) -> None:
        await transport.publish(records)


class OnKafka:
    """Kafka: a log drops records that are older than its retention."""

    def __init__(self, broker: Broker) -> None:
        self.opened: list[Transport] = []
        self._broker = broker

    async def open(self, *, partitions: int = 6) -> Transport:
        # A topic of its own for each test: the broker is shared.
        topic = f"icu.contract-{uuid4().hex[:12]}"
        await to_thread.run_sync(self._broker.create_topic, topic, partitions)
        brokers = Brokers(Kafka(bootstrap_servers=self._broker.bootstrap))
        self.opened.append(KafkaTransport(brokers, topic=topic, partitions=partitions))
        return self.opened[-1]

    async def forget(self, transport: Transport, *, before: int) -> None:
        if not hasattr(self._broker, "delete_records"):
            pytest.skip("this broker deletes no records on request")
        await to_thread.run_sync(self._broker.delete_records, transport.topic, 0, before)

    async def hold_up(self, transport: Transport, records: Sequence[Record]) -> None:
        time.sleep(0.1)  # noqa: ASYNC251 - an answer of before waits in the socket
        producer = Producer({"bootstrap.servers": self._broker.bootstrap})
        for each in records:
            producer.produce(transport.topic, key=each.key, value=each.value)
        producer.flush(10)


class OnCluster:
    """Kafka client on a cluster in memory: fast, and on virtual time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[Transport] = []
        self._cluster = Cluster().install(monkeypatch)

    async def open(self, *, partitions: int = 6) -> Transport:
        # The cluster makes the topic when it is first used.
        brokers = Brokers(Kafka(bootstrap_servers="127.0.0.1:9092"))
        self.opened.append(KafkaTransport(brokers, topic=TOPIC, partitions=partitions))
        return self.opened[-1]

    async def forget(self, transport: Transport, *, before: int) -> None:
        self._cluster.forget(TopicPartition(transport.topic, 0), before)

    async def hold_up(self, transport: Transport, records: Sequence[Record]) -> None:
        await transport.publish(records)


@pytest.fixture(params=["memory", "newest", "cluster", "kafka"])
def kind(request: pytest.FixtureRequest) -> str:
    """Name of an implementation."""
    return str(request.param)


@pytest.fixture
def anyio_backend(kind: str) -> str | tuple[str, dict[str, object]]:
    """Event loop: real time for a broker, virtual time for the in-memory transport."""
    clocks: dict[str, str | tuple[str, dict[str, object]]] = {
        "memory": virtual_time(),
        "newest": virtual_time(),
        "cluster": virtual_asyncio(),
    }
    return clocks.get(kind, "asyncio")


@pytest.fixture
async def world(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Surroundings of the implementation. Everything opened in them is closed at the end."""
    worlds: dict[str, Callable[[], World]] = {
        "memory": Memory,
        "newest": Newest,
        "cluster": lambda: OnCluster(request.getfixturevalue("monkeypatch")),
        "kafka": lambda: OnKafka(request.getfixturevalue("broker")),
    }
    world = worlds[kind]()
    yield world
    for transport in world.opened:
        await transport.aclose()


@pytest.fixture
async def transport(world: World) -> Transport:
    """Transport on a new log of one partition."""
    return await world.open(partitions=1)


def record(key: str, number: int) -> Record:
    """Record whose value is its number."""
    return Record(key.encode(), str(number).encode())


async def drain(consumer: Consumer, count: int) -> list[Delivery]:
    """Fetch the next `count` deliveries."""
    found: list[Delivery] = []
    while len(found) < count:
        for batch in await consumer.fetch(max_records=count - len(found), linger=0.1, max_wait=5):
            found.extend(batch.deliveries)
    return found


def numbers(deliveries: Sequence[Delivery], key: str) -> list[int]:
    """Return the numbers of one key's records, in the order of delivery."""
    return [int(each.value or b"") for each in deliveries if each.key == key.encode()]


async def test_order_is_kept_for_each_key(world: World) -> None:
    """Records with the same key arrive in the order of publication, from one partition."""
    transport = await world.open()
    keys = [f"bed-{n}" for n in range(10)]
    for number in range(20):
        await transport.publish([record(key, number) for key in keys])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        found = await drain(consumer, 200)
    for key in keys:
        assert numbers(found, key) == list(range(20))
        assert len({each.partition for each in found if each.key == key.encode()}) == 1


async def test_a_record_is_in_the_log_or_returned(transport: Transport) -> None:
    """Records that the log would never accept are returned; the others are in the log, in order."""
    sent = [record("bed", 0), Record(b"bed", bytes(3_000_000)), record("bed", 1)]
    refused = await transport.publish(sent)
    async with transport.consumer() as consumer:
        await consumer.assign({})
        found = await drain(consumer, len(sent) - len(refused))
        assert await consumer.lag() == 0
    assert [each.value for each in found] == [each.value for each in sent if each not in refused]
    assert set(refused) <= {sent[1]}


async def test_an_empty_fetch_is_an_answer(transport: Transport) -> None:
    """A reader has an answer once the log has answered a fetch since the assignment, with records or without."""
    async with transport.consumer() as consumer:
        for _ in range(2):
            await consumer.assign({})
            assert not consumer.answered
            with anyio.fail_after(30):
                while not consumer.answered:
                    assert await consumer.fetch(max_records=1, linger=0, max_wait=0.1) == []


async def test_batches_are_consecutive_and_say_where_they_end(transport: Transport) -> None:
    """Start, deliveries and position of a batch fit together, and the next batch continues it."""
    await transport.publish([record("bed", n) for n in range(10)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [first] = await consumer.fetch(max_records=4, linger=0, max_wait=5)
        [second] = await consumer.fetch(max_records=100, linger=0, max_wait=5)
    assert [each.offset for each in first.deliveries] == [0, 1, 2, 3]
    assert (first.start, first.position.next, second.start) == (0, 4, 4)
    assert second.position.next == 10


async def test_partitions_are_read_up_to_a_time(world: World) -> None:
    """All that the log held then was fetched, also if it came while the reader was held up; empty partitions count."""
    transport = await world.open(partitions=3)
    found = 0
    async with transport.consumer() as consumer:
        await consumer.assign({})
        for number in range(10):
            await world.hold_up(transport, [record("bed", 2 * number), record("bed", 2 * number + 1)])
            await anyio.sleep(0.001)  # virtual time stands still otherwise
            published = anyio.current_time()
            while len(consumer.read_until) < 3 or min(consumer.read_until.values()) < published:
                batches = await consumer.fetch(max_records=1, linger=0, max_wait=0, now=anyio.current_time())
                found += sum(len(each.deliveries) for each in batches)
            assert found == 2 * number + 2
        await consumer.assign({})
        assert consumer.read_until == {}


async def test_batches_say_if_their_partition_holds_more(world: World) -> None:
    """Each batch but the last of its partition says that there is more, however many records the others hold."""
    transport = await world.open(partitions=3)
    await transport.publish([record(f"bed-{n % 4}", n) for n in range(40)])
    fetched: list[Batch] = []
    async with transport.consumer() as consumer:
        await consumer.assign({})
        while sum(len(each.deliveries) for each in fetched) < 40:
            fetched += await consumer.fetch(max_records=7, linger=0, max_wait=5)
        await transport.publish([record("bed-0", 40)])
        fetched += await consumer.fetch(max_records=7, linger=0, max_wait=5)
    ends = {each.partition: each.position.next for each in fetched[:-1]}
    assert [each.more for each in fetched] == [
        *(each.position.next < ends[each.partition] for each in fetched[:-1]),
        False,
    ]
    assert any(each.more for each in fetched)


async def test_what_is_not_stored_is_delivered_again(transport: Transport) -> None:
    """A consumer that begins anew at the stored position gets all later records."""
    await transport.publish([record("bed", n) for n in range(6)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=2, linger=0, max_wait=5)
        await drain(consumer, 4)
    stored = {0: batch.position}
    async with transport.consumer() as consumer:
        resumed = await consumer.assign(stored)
        found = await drain(consumer, 4)
    assert resumed[0] == Assignment(stored[0])
    assert numbers(found, "bed") == [2, 3, 4, 5]


async def test_assign_goes_back_on_the_same_consumer(transport: Transport) -> None:
    """Another `assign` gives up the records fetched in between."""
    await transport.publish([record("bed", n) for n in range(3)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=1, linger=0, max_wait=5)
        await drain(consumer, 2)
        await consumer.assign({0: batch.position})
        assert numbers(await drain(consumer, 2), "bed") == [1, 2]


async def test_what_is_stored_needs_no_commit(transport: Transport) -> None:
    """After an end between transaction and commit, the positions of the next `assign` release the records."""
    await transport.publish([record("bed", n) for n in range(6)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=4, linger=0, max_wait=5)
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        with anyio.fail_after(10):
            group.start_soon(transport.until_stored, 2)
            await anyio.wait_all_tasks_blocked()
            await consumer.assign({0: batch.position})
            await transport.until_stored(2)
            assert numbers(await drain(consumer, 2), "bed") == [4, 5]


async def test_a_position_of_another_log_says_nothing_of_this_one(transport: Transport) -> None:
    """A position of another log drops no record of this one."""
    await transport.publish([record("bed", n) for n in range(3)])
    before = transport.unstored
    async with transport.consumer() as consumer:
        await consumer.assign({0: Position(2, "mark of another log")})
        assert transport.unstored == before
        assert numbers(await drain(consumer, 3), "bed") == [0, 1, 2]


async def test_another_log_is_read_from_its_beginning(transport: Transport) -> None:
    """A stored position of another log is not used, and the assignment says so."""
    await transport.publish([record("bed", 0)])
    async with transport.consumer() as consumer:
        assignment = (await consumer.assign({0: Position(500, "mark of another log")}))[0]
        assert assignment.other_log
        assert assignment.position.next == 0
        assert numbers(await drain(consumer, 1), "bed") == [0]


async def test_a_position_past_the_end_is_of_another_log(transport: Transport) -> None:
    """A log that ends before the stored position is another one, begun anew."""
    await transport.publish([record("bed", n) for n in range(3)])
    async with transport.consumer() as consumer:
        mark = (await consumer.assign({}))[0].position.mark
        assignment = (await consumer.assign({0: Position(4, mark)}))[0]
        assert assignment.other_log
        assert numbers(await drain(consumer, 3), "bed") == [0, 1, 2]


async def test_what_the_log_no_longer_holds_is_counted(transport: Transport, world: World) -> None:
    """A position before the log's beginning is read on from there, with the number of lost records."""
    await transport.publish([record("bed", n) for n in range(5)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=1, linger=0, max_wait=5)
    await world.forget(transport, before=3)
    async with transport.consumer() as consumer:
        assignment = (await consumer.assign({0: batch.position}))[0]
        assert not assignment.other_log
        assert (assignment.position.next, assignment.lost) == (3, 2)
        assert numbers(await drain(consumer, 2), "bed") == [3, 4]


async def test_a_commit_changes_nothing_for_the_reader(transport: Transport) -> None:
    """Fetched records may be committed at any time, and the next fetch continues after them."""
    await transport.publish([record("bed", n) for n in range(4)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        for expected in range(4):
            [batch] = await consumer.fetch(max_records=1, linger=0, max_wait=5)
            await consumer.commit({0: batch.position})
            assert numbers(batch.deliveries, "bed") == [expected]


async def test_fetch_returns_nothing_after_max_wait(transport: Transport) -> None:
    """Without records, fetch returns nothing after `max_wait` seconds."""
    async with transport.consumer() as consumer:
        await consumer.assign({})
        before = anyio.current_time()
        assert not await consumer.fetch(max_records=10, linger=1, max_wait=1.5)
        assert anyio.current_time() - before > 1.49


async def test_fetch_lingers_for_more_records(transport: Transport) -> None:
    """A lone record waits `linger` seconds for more."""
    async with transport.consumer() as consumer, anyio.create_task_group() as group:
        await consumer.assign({})

        async def publish_later() -> None:
            await transport.publish([record("bed", 0)])
            await anyio.sleep(0.5)
            await transport.publish([record("bed", 1)])

        group.start_soon(publish_later)
        [batch] = await consumer.fetch(max_records=10, linger=2, max_wait=5)
        assert numbers(batch.deliveries, "bed") == [0, 1]


async def test_a_full_batch_does_not_linger(transport: Transport) -> None:
    """A fetch returns at once when it has `max_records` records."""
    await transport.publish([record("bed", n) for n in range(10)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        with anyio.fail_after(30):
            [batch] = await consumer.fetch(max_records=10, linger=3_600, max_wait=5)
    assert len(batch.deliveries) == 10


async def test_a_busy_partition_does_not_starve_the_others(world: World) -> None:
    """Every partition has its turn, long before the end of the fullest one."""
    transport = await world.open(partitions=4)
    await transport.publish([Record(b"busy", b"%0200d" % n) for n in range(20_000)])
    await transport.publish([record(f"quiet-{n}", n) for n in range(50)])
    seen: set[int] = set()
    count = 0
    async with transport.consumer() as consumer:
        await consumer.assign({})
        while len(seen) < 4:
            for batch in await consumer.fetch(max_records=500, linger=0, max_wait=1):
                seen.add(batch.partition)
                count += len(batch.deliveries)
    assert count < 15_000


async def test_no_more_than_was_asked_for(world: World) -> None:
    """`max_records` bounds a fetch over all partitions together, and each batch is of one."""
    transport = await world.open(partitions=4)
    await transport.publish([record(f"bed-{n}", n) for n in range(40)])
    count = 0
    async with transport.consumer() as consumer:
        await consumer.assign({})
        while count < 40:
            batches = await consumer.fetch(max_records=15, linger=0.1, max_wait=5)
            assert sum(len(batch.deliveries) for batch in batches) <= 15
            assert all(each.partition == batch.partition for batch in batches for each in batch.deliveries)
            count += sum(len(batch.deliveries) for batch in batches)


async def test_lag_counts_what_was_not_fetched(world: World) -> None:
    """Lag is the number of records after the consumer's position."""
    transport = await world.open(partitions=2)
    await transport.publish([record(f"bed-{n}", n) for n in range(7)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        assert await consumer.lag() == 7
        await drain(consumer, 7)
        assert await consumer.lag() == 0


async def test_closing_wakes_and_refuses(transport: Transport) -> None:
    """A fetch that waits while the transport closes raises TransportClosedError, and so does a later one."""
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        waiting = anyio.Event()

        async def fetch() -> None:
            waiting.set()
            with pytest.raises(TransportClosedError):
                await consumer.fetch(max_records=1, linger=0, max_wait=3_600)

        group.start_soon(fetch)
        await waiting.wait()
        await transport.aclose()
    for refused in (transport.publish([record("bed", 9)]), transport.check()):
        with pytest.raises(TransportClosedError):
            await refused


async def test_it_says_that_all_is_well(transport: Transport) -> None:
    """A reachable log is no trouble."""
    await transport.check()
    await transport.publish([record("bed", 0)])
    assert transport.trouble is None


async def test_cancelling_a_fetch_loses_nothing(transport: Transport) -> None:
    """A fetch that is cancelled while it lingers leaves its records to the next one."""
    await transport.publish([record("bed", 0)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        with anyio.move_on_after(0.5):
            await consumer.fetch(max_records=10, linger=60, max_wait=5)
        await checkpoint()
        assert numbers(await drain(consumer, 1), "bed") == [0]
