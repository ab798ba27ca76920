"""Store and forward: order, bounds, and both ends at once."""

from collections.abc import Sequence

import anyio
import pytest

from icu.messages import Record
from icu.transports.memory import MemoryTransport
from icu.transports.sending import FLUSH_TIMEOUT, SendBuffer, forwarding
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_time()


def record(key: str, number: int) -> Record:
    """Make a record with its place as value."""
    return Record(key.encode(), str(number).encode())


def numbers(buffer: SendBuffer, most: int = 100) -> list[int]:
    """Return the numbers of the next records to send."""
    return [int(each.value) for each in buffer.head(most)]


async def test_records_stay_until_they_are_acknowledged() -> None:
    """Records stay at the head of the buffer until they are acknowledged."""
    buffer = SendBuffer()
    buffer.put([record("a", n) for n in range(3)])
    assert numbers(buffer, 2) == numbers(buffer, 2) == [0, 1]
    assert buffer.acknowledge(buffer.head(2)) == 2
    assert numbers(buffer) == [2]
    assert len(buffer) == 1


async def test_each_key_has_its_own_bound_and_order() -> None:
    """A patient with many records pushes out its own oldest ones only."""
    buffer = SendBuffer(capacity=3)
    assert buffer.put([record("a", 1)]) == 0
    assert buffer.room(b"b") == 3
    assert buffer.put([record("b", n) for n in range(10, 15)]) == 2
    assert buffer.room(b"b") == 0
    assert buffer.room(b"a") == 2
    assert numbers(buffer) == [1, 12, 13, 14]
    assert len(buffer) == 4


async def test_what_is_dropped_while_it_is_sent_releases_nothing_twice() -> None:
    """The acknowledgement of a record that was pushed out meanwhile does not release its successor."""
    buffer = SendBuffer(capacity=2)
    buffer.put([record("a", 0), record("a", 1)])
    sending = buffer.head(2)
    assert buffer.put([record("a", 2)]) == 1
    assert buffer.acknowledge(sending) == 1
    assert numbers(buffer) == [2]


async def test_change_wakes_at_a_put_and_at_an_acknowledgement() -> None:
    """A put and an acknowledgement wake the waiting ends, without polling."""
    buffer = SendBuffer()
    woken: list[str] = []

    async def wait(name: str) -> None:
        await buffer.change()
        woken.append(name)

    for happen in (lambda: buffer.put([record("a", 0)]), lambda: buffer.acknowledge(buffer.head(1))):
        async with anyio.create_task_group() as group:
            group.start_soon(wait, "one")
            group.start_soon(wait, "two")
            await anyio.wait_all_tasks_blocked()
            happen()
    assert sorted(woken) == ["one", "one", "two", "two"]


class Tally:
    """A count of deliveries, as the sender's metrics."""

    def __init__(self) -> None:
        self.delivered = 0
        self.refused = 0
        self.released = 0

    def __call__(self, records: Sequence[Record], *, refused: Sequence[Record], released: int) -> None:
        self.delivered += len(records)
        self.refused += len(refused)
        self.released += released


async def test_a_block_ends_when_all_is_delivered() -> None:
    """After the block all records of the send buffer are delivered, in order."""
    buffer, transport, tally = SendBuffer(3_000), MemoryTransport(topic="icu.test", partitions=1), Tally()
    buffer.put([record("a", 0)])
    async with forwarding(buffer, transport, tally):
        buffer.put([record("a", n) for n in range(1, 2_500)])
    assert (tally.delivered, tally.refused, tally.released, len(buffer)) == (2_500, 0, 2_500, 0)
    async with transport.consumer() as consumer:
        await consumer.assign({})
        batches = await consumer.fetch(max_records=10_000, linger=0, max_wait=0)
    assert [int(each.value) for batch in batches for each in batch.deliveries] == list(range(2_500))


async def test_a_block_that_is_cancelled_gives_what_waits_a_moment() -> None:
    """A cancelled block waits for the transport only for a moment, and undelivered records stay in the send buffer."""
    buffer, transport = SendBuffer(), MemoryTransport(topic="icu.test", partitions=1, capacity=0)
    buffer.put([record("a", 0)])
    began = anyio.current_time()
    with anyio.move_on_after(10):
        async with forwarding(buffer, transport, Tally()):
            await anyio.sleep_forever()
    assert (anyio.current_time() - began, len(buffer)) == (pytest.approx(10 + FLUSH_TIMEOUT), 1)
