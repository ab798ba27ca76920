"""The in-memory transport of a topic that nobody needs to read: it keeps the newest records. On virtual time."""

import anyio
import pytest

from icu.messages import Position, Record
from icu.transports.errors import TransportError
from icu.transports.memory import MemoryTransport
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_time()


@pytest.fixture
def transport() -> MemoryTransport:
    """A topic with room for three records."""
    return MemoryTransport(topic="icu.test", partitions=1, capacity=3, waits_for_commits=False)


def records(count: int) -> list[Record]:
    """Make records of one key, with their places as values."""
    return [Record(b"bed", str(number).encode()) for number in range(count)]


async def test_a_publisher_never_waits(transport: MemoryTransport) -> None:
    """Without a reader, publishers go on, the newest records are kept, and none of them counts as lost."""
    with anyio.fail_after(1):
        await transport.publish(records(5))
    assert (transport.unstored, transport.sending_degraded) == (0, None)
    await transport.until_stored(0)
    async with transport.consumer() as consumer:
        assignment = (await consumer.assign({}))[0]
        assert (assignment.position.next, assignment.lost) == (2, 2)
        [batch] = await consumer.fetch(max_records=10, linger=0, max_wait=1)
    assert [each.value for each in batch.deliveries] == [b"2", b"3", b"4"]


async def test_readers_take_nothing_from_each_other(transport: MemoryTransport) -> None:
    """Neither a commit nor the assignment of a stored position drops records that another reader has yet to read."""
    await transport.publish(records(3))
    async with transport.consumer() as first, transport.consumer() as second:
        await first.assign({})
        [batch] = await first.fetch(max_records=3, linger=0, max_wait=1)
        await first.commit({0: batch.position})
        await first.assign({0: batch.position})
        assert (await second.assign({}))[0].lost == 0
        [again] = await second.fetch(max_records=3, linger=0, max_wait=1)
    assert again.deliveries == batch.deliveries


async def test_a_slow_reader_learns_what_it_missed(transport: MemoryTransport) -> None:
    """A reader whose next record was dropped gets an error, and the next assignment counts the lost ones."""
    await transport.publish(records(3))
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=1, linger=0, max_wait=1)
        await transport.publish(records(3))
        with pytest.raises(TransportError, match="has dropped records that this reader has not read"):
            await consumer.fetch(max_records=1, linger=0, max_wait=1)
        assignment = (await consumer.assign({0: batch.position}))[0]
        assert (assignment.position, assignment.lost) == (Position(3, batch.position.mark), 2)
        assert len((await consumer.fetch(max_records=9, linger=0, max_wait=1))[0].deliveries) == 3
