"""The delivery contract of icu.transports.base, on every implementation."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import anyio
import pytest
from anyio.lowlevel import checkpoint

from icu.errors import TransportClosedError
from icu.messages import Delivery, Position, Record
from icu.transports.base import Consumer, Transport
from icu.transports.memory import MemoryTransport
from tests.clocks import virtual_time

Opener: TypeAlias = Callable[..., Awaitable[Transport]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """The in-memory transport needs no real time."""
    return virtual_time()


@pytest.fixture(params=["memory"])
async def open_transport(request: pytest.FixtureRequest) -> AsyncIterator[Opener]:
    """Opens a transport on a new log; all are closed at the end."""
    opened: list[Transport] = []

    async def opener(**bounds: Any) -> Transport:
        opened.append(MemoryTransport(topic="icu.test", **bounds))
        return opened[-1]

    yield opener
    for transport in opened:
        await transport.aclose()


def record(key: str, number: int) -> Record:
    """A record whose value tells its place."""
    return Record(key.encode(), str(number).encode())


async def drain(consumer: Consumer, count: int) -> list[Delivery]:
    """The next `count` deliveries."""
    found: list[Delivery] = []
    while len(found) < count:
        for batch in await consumer.fetch(max_records=count - len(found), linger=0.1, patience=5):
            found.extend(batch.deliveries)
    return found


def numbers(deliveries: Sequence[Delivery], key: str) -> list[int]:
    """The places of one key's records, in the order in which they came."""
    return [int(each.value or b"") for each in deliveries if each.key == key.encode()]


async def test_order_is_kept_for_each_key(open_transport: Opener) -> None:
    """Records with the same key come in the order in which they were published, from one partition."""
    transport = await open_transport()
    keys = [f"bed-{n}" for n in range(10)]
    for number in range(20):
        await transport.publish([record(key, number) for key in keys])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        found = await drain(consumer, 200)
    for key in keys:
        assert numbers(found, key) == list(range(20))
        assert len({each.partition for each in found if each.key == key.encode()}) == 1


async def test_batches_are_consecutive_and_say_where_they_end(open_transport: Opener) -> None:
    """A batch's start, deliveries and position fit together, and the next batch continues it."""
    transport = await open_transport(partitions=1)
    await transport.publish([record("bed", n) for n in range(10)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [first] = await consumer.fetch(max_records=4, linger=0, patience=5)
        [second] = await consumer.fetch(max_records=100, linger=0, patience=5)
    assert [each.offset for each in first.deliveries] == [0, 1, 2, 3]
    assert (first.start, first.position.next, second.start) == (0, 4, 4)
    assert second.position.next == 10
    assert second.position.mark == first.position.mark


async def test_what_is_not_stored_is_delivered_again(open_transport: Opener) -> None:
    """A consumer that begins anew at the stored position gets all that came after it."""
    transport = await open_transport(partitions=1)
    await transport.publish([record("bed", n) for n in range(6)])
    async with transport.consumer() as consumer:
        assignments = await consumer.assign({})
        await drain(consumer, 6)
    stored = {0: Position(2, assignments[0].position.mark)}
    async with transport.consumer() as consumer:
        resumed = await consumer.assign(stored)
        found = await drain(consumer, 4)
    assert resumed[0].position == stored[0]
    assert not resumed[0].other_log
    assert numbers(found, "bed") == [2, 3, 4, 5]


async def test_assign_goes_back_on_the_same_consumer(open_transport: Opener) -> None:
    """Assigning again gives up what was fetched in between."""
    transport = await open_transport(partitions=1)
    await transport.publish([record("bed", n) for n in range(3)])
    async with transport.consumer() as consumer:
        mark = (await consumer.assign({}))[0].position.mark
        await drain(consumer, 3)
        await consumer.assign({0: Position(1, mark)})
        assert numbers(await drain(consumer, 2), "bed") == [1, 2]


async def test_another_log_is_read_from_its_beginning(open_transport: Opener) -> None:
    """A stored position of another log is not used, and the consumer is told so."""
    transport = await open_transport(partitions=1)
    await transport.publish([record("bed", 0)])
    async with transport.consumer() as consumer:
        assignment = (await consumer.assign({0: Position(500, "mark of another log")}))[0]
        assert assignment.other_log
        assert assignment.position.next == 0
        assert numbers(await drain(consumer, 1), "bed") == [0]


async def test_committed_records_need_not_be_kept_and_the_loss_is_counted(open_transport: Opener) -> None:
    """Who comes back behind what the log still holds is told how many records are gone."""
    transport = await open_transport(partitions=1)
    await transport.publish([record("bed", n) for n in range(5)])
    async with transport.consumer() as consumer:
        mark = (await consumer.assign({}))[0].position.mark
        await drain(consumer, 5)
        await consumer.commit({0: Position(3, mark)})
        assignment = (await consumer.assign({0: Position(1, mark)}))[0]
    assert (assignment.position.next, assignment.lost) == (3, 2)


async def test_a_full_log_makes_publishers_wait(open_transport: Opener) -> None:
    """Nothing is dropped: a publisher goes on when somebody has committed."""
    transport = await open_transport(partitions=1, capacity=3)
    done = anyio.Event()

    async def publish() -> None:
        await transport.publish([record("bed", n) for n in range(5)])
        done.set()

    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(publish)
        [batch] = await consumer.fetch(max_records=3, linger=1, patience=5)
        await anyio.wait_all_tasks_blocked()
        assert not done.is_set()
        await consumer.commit({0: batch.position})
        await done.wait()
        assert numbers(await drain(consumer, 2), "bed") == [3, 4]


async def test_fetch_gives_up_when_patience_ends(open_transport: Opener) -> None:
    """Without records, fetch answers nothing after `patience` seconds."""
    transport = await open_transport()
    async with transport.consumer() as consumer:
        await consumer.assign({})
        before = anyio.current_time()
        assert not await consumer.fetch(max_records=10, linger=1, patience=3)
        assert anyio.current_time() - before == pytest.approx(3)


async def test_fetch_lingers_for_company(open_transport: Opener) -> None:
    """A lone record waits `linger` seconds for others; a full batch does not wait."""
    transport = await open_transport(partitions=1)
    async with transport.consumer() as consumer, anyio.create_task_group() as group:
        await consumer.assign({})

        async def publish_later() -> None:
            await transport.publish([record("bed", 0)])
            await anyio.sleep(0.5)
            await transport.publish([record("bed", 1)])

        group.start_soon(publish_later)
        [batch] = await consumer.fetch(max_records=10, linger=1, patience=5)
        assert len(batch.deliveries) == 2
        await transport.publish([record("bed", n) for n in range(10)])
        before = anyio.current_time()
        await consumer.fetch(max_records=10, linger=1, patience=5)
        assert anyio.current_time() == before


async def test_a_busy_partition_does_not_starve_the_others(open_transport: Opener) -> None:
    """Every partition is read in turn, though one has more than a fetch takes."""
    transport = await open_transport(partitions=4)
    await transport.publish([record(f"quiet-{n}", n) for n in range(50)])
    await transport.publish([record("busy", n) for n in range(1_000)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        found: list[Delivery] = []
        for _ in range(8):
            for batch in await consumer.fetch(max_records=50, linger=0, patience=1):
                found.extend(batch.deliveries)
    assert {each.partition for each in found} == {0, 1, 2, 3}


async def test_lag_counts_what_was_not_fetched(open_transport: Opener) -> None:
    """Lag is what is in the log behind the consumer's position."""
    transport = await open_transport(partitions=2)
    await transport.publish([record(f"bed-{n}", n) for n in range(7)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        assert await consumer.lag() == 7
        await drain(consumer, 7)
        assert await consumer.lag() == 0


async def test_closing_wakes_and_refuses(open_transport: Opener) -> None:
    """Who waits in fetch or publish when the transport closes gets TransportClosedError, as does who comes later."""
    transport = await open_transport(partitions=1, capacity=1)
    refused: list[str] = []

    async def publish() -> None:
        with pytest.raises(TransportClosedError):
            await transport.publish([record("bed", n) for n in range(2)])
        refused.append("publish")

    async def fetch() -> None:
        async with transport.consumer() as consumer:
            await consumer.assign({})
            await drain(consumer, 1)
            with pytest.raises(TransportClosedError):
                await drain(consumer, 1)
        refused.append("fetch")

    async with anyio.create_task_group() as group:
        group.start_soon(publish)
        group.start_soon(fetch)
        await anyio.wait_all_tasks_blocked()
        await transport.aclose()
    assert sorted(refused) == ["fetch", "publish"]
    with pytest.raises(TransportClosedError):
        await transport.publish([record("bed", 9)])


async def test_cancelling_a_fetch_loses_nothing(open_transport: Opener) -> None:
    """A fetch that is cancelled while it lingers leaves its records for the next one."""
    transport = await open_transport(partitions=1)
    await transport.publish([record("bed", 0)])
    async with transport.consumer() as consumer:
        await consumer.assign({})
        with anyio.move_on_after(0.5):
            await consumer.fetch(max_records=10, linger=60, patience=5)
        await checkpoint()
        assert numbers(await drain(consumer, 1), "bed") == [0]
