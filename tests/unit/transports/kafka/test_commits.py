"""Commits for lag tools: now and then, only of stored records, and without delays. On virtual time."""

from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka

from icu.messages import Position
from icu.transports.kafka.commits import COMMIT_INTERVAL, COMMIT_TIMEOUT
from icu.transports.kafka.consumer import KafkaConsumer
from icu.transports.kafka.polling import POLL_INTERVAL
from icu.transports.kafka.transport import KafkaTransport
from tests.clocks import virtual_asyncio
from tests.unit.transports.kafka.cluster import TOPIC, Cluster, Consumer

FIRST, SECOND = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_asyncio()


@pytest.fixture
async def consumer(transport: KafkaTransport, cluster: Cluster) -> AsyncIterator[KafkaConsumer]:
    """A reader of a hundred records, long after the loop's clock began."""
    await anyio.sleep(100)
    cluster.fill(100, 0)
    async with transport.consumer() as consumer:
        await consumer.assign({})
        yield consumer


async def take(consumer: KafkaConsumer, count: int, *, store: bool = True) -> Position:
    """Read some records of the first partition, and store them."""
    [batch] = await consumer.fetch(max_records=count, linger=0, max_wait=1)
    if store:
        await consumer.commit({0: batch.position})
    return batch.position


async def test_stored_offsets_are_committed_once_a_second(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Stored offsets are committed at once and then every second, without unchanged partitions."""
    for _ in range(5):
        await take(consumer, 1)
        await anyio.sleep(COMMIT_INTERVAL / 2)
    assert cluster.committed == [{FIRST: 1, SECOND: 0}, {FIRST: 3}, {FIRST: 5}]


async def test_fetched_records_that_are_not_stored_are_not_committed(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Fetched records that are not stored are not committed: lag tools show what would be lost."""
    await take(consumer, 3)
    await take(consumer, 4, store=False)
    await consumer.aclose()
    assert cluster.committed == [{FIRST: 3, SECOND: 0}]


async def test_markers_behind_the_last_record_are_committed(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Once all records are stored, the transaction markers behind them are committed too."""
    await take(consumer, 3)
    cluster.open(Consumer)[0].seek(FIRST, 5)
    await anyio.sleep(COMMIT_INTERVAL)
    await consumer.commit({})
    assert cluster.committed == [{FIRST: 3, SECOND: 0}, {FIRST: 5}]


async def test_records_of_a_cancelled_fetch_are_not_committed(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Records of a cancelled fetch are not committed, and are fetched again."""
    await take(consumer, 3)
    with anyio.move_on_after(COMMIT_INTERVAL):
        await consumer.fetch(max_records=200, linger=60, max_wait=1)
    await consumer.commit({})
    assert cluster.committed == [{FIRST: 3, SECOND: 0}]


async def test_a_reader_commits_before_it_closes(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A reader commits before it closes, even shortly after the last commit."""
    await take(consumer, 1)
    await take(consumer, 1)
    await consumer.aclose()
    assert cluster.committed == [{FIRST: 1, SECOND: 0}, {FIRST: 2}]


async def test_a_poll_commits_too(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Each poll of the partitions commits, since no further record may come."""
    await take(consumer, 99)
    await take(consumer, 1)
    for _ in range(3):
        await consumer.fetch(max_records=1, linger=0, max_wait=POLL_INTERVAL)
    assert cluster.committed == [{FIRST: 99, SECOND: 0}, {FIRST: 100}]


async def test_a_failed_commit_is_repeated(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A failed commit is repeated, and records are stored all the same."""
    cluster.commit_error = kafka.CoordinatorNotAvailableError()
    await take(consumer, 1)
    cluster.commit_error = None
    await consumer.commit({})
    assert cluster.committed == []
    await anyio.sleep(COMMIT_INTERVAL)
    await consumer.commit({})
    assert cluster.committed == [{FIRST: 1, SECOND: 0}]


async def test_a_coordinator_that_does_not_answer_holds_up_for_a_moment(
    cluster: Cluster, consumer: KafkaConsumer
) -> None:
    """A coordinator that does not answer delays the close for a moment, and nothing stays open."""
    cluster.hanging.add("commit")
    began = anyio.current_time()
    await take(consumer, 1)
    assert anyio.current_time() - began == pytest.approx(COMMIT_TIMEOUT)
    await consumer.aclose()
    await anyio.lowlevel.checkpoint()
    assert not [each for each in anyio.get_running_tasks() if "commit" in repr(each.coro)]


async def test_what_hangs_ends_with_a_reader_that_is_cancelled(cluster: Cluster, transport: KafkaTransport) -> None:
    """A hanging commit ends with a cancelled reader."""
    cluster.fill(1, 0)
    cluster.hanging.add("commit")

    async def run() -> None:
        async with transport.consumer() as consumer:
            await consumer.assign({})
            await take(consumer, 1)
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await anyio.sleep(60)
        group.cancel_scope.cancel()
    await anyio.lowlevel.checkpoint()
    assert not [each for each in anyio.get_running_tasks() if "commit" in repr(each.coro)]
