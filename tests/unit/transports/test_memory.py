"""The in-memory transport beyond the contract: its log is bounded. On virtual time."""

import anyio
import pytest

from icu.messages import Position, Record
from icu.transports.base import Assignment
from icu.transports.errors import TransportClosedError
from icu.transports.memory import MemoryTransport
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_time()


def records(count: int) -> list[Record]:
    """Make records of one key, with their places as values."""
    return [Record(b"bed", str(number).encode()) for number in range(count)]


async def test_a_full_log_makes_publishers_wait() -> None:
    """A full log drops nothing: a publisher goes on after a commit."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=3)
    done = anyio.Event()

    async def publish() -> None:
        await transport.publish(records(5))
        done.set()

    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(publish)
        [batch] = await consumer.fetch(max_records=3, linger=1, max_wait=5)
        await anyio.wait_all_tasks_blocked()
        assert not done.is_set()
        await consumer.commit({0: batch.position})
        await done.wait()
        [batch] = await consumer.fetch(max_records=3, linger=1, max_wait=5)
        assert [each.value for each in batch.deliveries] == [b"3", b"4"]


async def test_a_new_assignment_makes_room_too() -> None:
    """An assignment drops stored records without a commit, and a waiting publisher goes on."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=3)
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(transport.publish, records(5))
        [batch] = await consumer.fetch(max_records=3, linger=1, max_wait=5)
        await anyio.wait_all_tasks_blocked()
        assert transport.unstored == 3
        await consumer.assign({0: batch.position})
        [batch] = await consumer.fetch(max_records=3, linger=1, max_wait=5)
        assert [each.value for each in batch.deliveries] == [b"3", b"4"]
    assert transport.unstored == 2


async def test_a_publisher_can_wait_until_records_are_stored() -> None:
    """`until_stored` returns at once while few records are pending, and otherwise after enough commits."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    await transport.publish(records(5))
    await transport.until_stored(5)
    with anyio.move_on_after(1) as waiting:
        await transport.until_stored(2)
    assert waiting.cancelled_caught
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(transport.until_stored, 2)
        [batch] = await consumer.fetch(max_records=3, linger=0, max_wait=5)
        await consumer.commit({0: batch.position})
    assert transport.unstored == 2


async def test_closing_wakes_a_wait_for_room() -> None:
    """A close ends the wait of a publisher for room."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)

    async def publish() -> None:
        with pytest.raises(TransportClosedError):
            await transport.publish(records(2))

    async with anyio.create_task_group() as group:
        group.start_soon(publish)
        await anyio.wait_all_tasks_blocked()
        await transport.aclose()


async def test_waits_are_exact() -> None:
    """A fetch ends at its maximum wait, and a lone record lingers exactly as long as it may."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    async with transport.consumer() as consumer:
        await consumer.assign({})
        before = anyio.current_time()
        assert not await consumer.fetch(max_records=10, linger=1, max_wait=3)
        assert anyio.current_time() - before == pytest.approx(3)
        await transport.publish(records(1))
        before = anyio.current_time()
        assert await consumer.fetch(max_records=10, linger=1, max_wait=3)
        assert anyio.current_time() - before == pytest.approx(1)


async def test_a_full_log_wakes_its_reader() -> None:
    """A publisher of more records than fit, and a reader that waits for the whole publication, do not wait for
    each other."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=3)
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        before = anyio.current_time()

        async def publish() -> None:
            await anyio.sleep(1)
            await transport.publish(records(5))

        group.start_soon(publish)
        assert await consumer.fetch(max_records=1, linger=0, max_wait=60)
        assert anyio.current_time() - before == pytest.approx(1)
        group.cancel_scope.cancel()


async def test_a_reader_of_another_database_learns_what_is_gone() -> None:
    """A reader without a position, or with another log's, learns that committed records are gone."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    await transport.publish(records(5))
    async with transport.consumer() as consumer:
        mark = (await consumer.assign({}))[0].position.mark
        await consumer.commit({0: Position(3, mark)})
        for stored in (None, Position(2, "another log")):
            assignment = (await consumer.assign({} if stored is None else {0: stored}))[0]
            assert assignment == Assignment(Position(3, mark), other_log=stored is not None, lost=3)


async def test_each_run_is_a_log_of_its_own() -> None:
    """A position of an earlier run belongs to another log, though of the same topic."""
    marks = set()
    for _ in range(2):
        async with MemoryTransport(topic="icu.test", partitions=1).consumer() as consumer:
            marks.add((await consumer.assign({}))[0].position.mark)
    assert len(marks) == 2


async def test_a_closed_topic_is_named() -> None:
    """The error of a later call names the topic."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    assert transport.topic == "icu.test"
    await transport.aclose()
    with pytest.raises(TransportClosedError, match=r"icu\.test"):
        await transport.publish(records(1))


async def test_closing_wakes_a_wait_for_storage() -> None:
    """A close ends the wait for stored records."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    await transport.publish(records(1))

    async def settle() -> None:
        with pytest.raises(TransportClosedError):
            await transport.until_stored(0)

    async with anyio.create_task_group() as group:
        group.start_soon(settle)
        await anyio.wait_all_tasks_blocked()
        await transport.aclose()
