"""What the in-memory transport does beyond the contract: its log is bounded. On virtual time."""

import anyio
import pytest

from icu.errors import TransportClosedError
from icu.messages import Record
from icu.transports.memory import MemoryTransport
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Nothing here needs real time."""
    return virtual_time()


def records(count: int) -> list[Record]:
    """Records of one key, whose values tell their places."""
    return [Record(b"bed", str(number).encode()) for number in range(count)]


async def test_a_full_log_makes_publishers_wait() -> None:
    """Nothing is dropped: a publisher goes on when somebody has committed."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=3)
    done = anyio.Event()

    async def publish() -> None:
        await transport.publish(records(5))
        done.set()

    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(publish)
        [batch] = await consumer.fetch(max_records=3, linger=1, patience=5)
        await anyio.wait_all_tasks_blocked()
        assert not done.is_set()
        await consumer.commit({0: batch.position})
        await done.wait()
        [batch] = await consumer.fetch(max_records=3, linger=1, patience=5)
        assert [each.value for each in batch.deliveries] == [b"3", b"4"]


async def test_a_new_assignment_makes_room_too() -> None:
    """What was stored without a commit is dropped once the sink says so, and whoever waits for room goes on."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=3)
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(transport.publish, records(5))
        [batch] = await consumer.fetch(max_records=3, linger=1, patience=5)
        await anyio.wait_all_tasks_blocked()
        assert transport.unstored == 3
        await consumer.assign({0: batch.position})
        [batch] = await consumer.fetch(max_records=3, linger=1, patience=5)
        assert [each.value for each in batch.deliveries] == [b"3", b"4"]
    assert transport.unstored == 2


async def test_who_goes_ahead_can_wait_for_the_rest_to_be_stored() -> None:
    """`settled` returns at once while little waits, and otherwise when enough was committed."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    await transport.publish(records(5))
    await transport.settled(5)
    with anyio.move_on_after(1) as waiting:
        await transport.settled(2)
    assert waiting.cancelled_caught
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(transport.settled, 2)
        [batch] = await consumer.fetch(max_records=3, linger=0, patience=5)
        await consumer.commit({0: batch.position})
    assert transport.unstored == 2


async def test_closing_wakes_who_waits_for_room() -> None:
    """A publisher that waits for a commit learns that none will come."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)

    async def publish() -> None:
        with pytest.raises(TransportClosedError):
            await transport.publish(records(2))

    async with anyio.create_task_group() as group:
        group.start_soon(publish)
        await anyio.wait_all_tasks_blocked()
        await transport.aclose()


async def test_waits_are_exact() -> None:
    """Fetch gives up when patience ends, and a lone record waits for company just as long as it may."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    async with transport.consumer() as consumer:
        await consumer.assign({})
        before = anyio.current_time()
        assert not await consumer.fetch(max_records=10, linger=1, patience=3)
        assert anyio.current_time() - before == pytest.approx(3)
        await transport.publish(records(1))
        before = anyio.current_time()
        assert await consumer.fetch(max_records=10, linger=1, patience=3)
        assert anyio.current_time() - before == pytest.approx(1)
