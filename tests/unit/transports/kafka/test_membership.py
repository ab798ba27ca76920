"""Membership in a group: shares that come and go, namesakes, and closing. On virtual time.

What a broker deals is tested on a real one.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from uuid import uuid4

import anyio
import pytest
from aiokafka import errors as kafka

from icu.transports.errors import NamesakeError, ReassignedError
from icu.transports.kafka.consumer import KafkaConsumer
from icu.transports.kafka.membership import SESSION
from icu.transports.kafka.transport import KafkaTransport
from tests.clocks import virtual_asyncio
from tests.unit.transports.kafka.cluster import Cluster, Consumer

NAME = "ward@host/sink-1"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_asyncio()


@pytest.fixture
async def consumer(transport: KafkaTransport) -> AsyncIterator[KafkaConsumer]:
    """A reader that shares the topic."""
    async with transport.consumer(NAME) as consumer:
        yield consumer


async def member(cluster: Cluster) -> Consumer:
    """Wait for the client that has subscribed."""
    with anyio.fail_after(60):
        while True:
            for each in cluster.open(Consumer):
                if each.listener is not None:
                    found: Consumer = each
                    return found
            await anyio.sleep(0.1)


async def dealt(cluster: Cluster, consumer: KafkaConsumer, *partitions: int) -> Consumer:
    """Join, and be dealt these partitions."""
    async with anyio.create_task_group() as group:
        group.start_soon(consumer.join)
        client = await member(cluster)
        await client.deal(*partitions)
    return client


async def test_a_share_is_read(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """The reader reads its share alone, commits it as the member, and its member reads nothing."""
    cluster.fill(3, 0)
    cluster.fill(3, 1)
    client = await dealt(cluster, consumer, 1)
    assert set(await consumer.assign({})) == {1}
    [batch] = await consumer.fetch(max_records=10, linger=0, max_wait=1)
    assert (batch.partition, len(batch.deliveries)) == (1, 3)
    await consumer.commit({1: batch.position})
    assert cluster.groups == {"icu-sink.icu.test"}
    assert client.options["group_instance_id"] == NAME
    assert client.positions == {}


async def test_records_of_a_lost_share_are_dropped(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A fetch that is under way when the partitions are dealt anew ends at once, without records."""
    cluster.fill(3, 0)
    client = await dealt(cluster, consumer, 0)
    await consumer.assign({})
    cluster.delay = 5.0
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        with pytest.raises(ReassignedError):
            group.start_soon(client.deal, 1)
            await consumer.fetch(max_records=10, linger=0, max_wait=60)
    assert anyio.current_time() - began < 1
    await consumer.join()
    assert set(await consumer.assign({})) == {1}


async def test_records_that_came_with_a_new_share_are_dropped(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Records that a fetch has brought are dropped, if the partitions were dealt anew by the time that it ends."""
    cluster.fill(3, 0)
    client = await dealt(cluster, consumer, 0)
    await consumer.assign({})
    reader = next(each for each in cluster.open(Consumer) if each.listener is None)
    fetch = reader.getmany

    async def and_lose(*places: object, **options: int) -> object:
        found = await fetch(*places, **options)
        await client.deal(0)
        return found

    reader.getmany = and_lose
    with pytest.raises(ReassignedError):
        await consumer.fetch(max_records=10, linger=0, max_wait=1)


async def test_a_share_that_is_lost_before_it_is_assigned(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """An assignment while the partitions are dealt is refused: the stored positions may be old by then."""
    client = await dealt(cluster, consumer, 0)
    await client.lose()
    with pytest.raises(ReassignedError):
        await consumer.assign({})


async def test_a_namesake_fences_the_one_before(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A member that the broker does not know, and whose name another has, ends: it does not take the name back."""
    client = await dealt(cluster, consumer, 0)
    await consumer.assign({})
    cluster.members = [f"{NAME}-{'x' * 36}"]
    with pytest.raises(asyncio.CancelledError):
        await client.lose(forgotten=True)
    cluster.fetch_error = kafka.KafkaError("the task was cancelled")
    with pytest.raises(NamesakeError, match=f"another sink with the name {NAME} .*icu-sink.icu.test.*--member NAME"):
        await consumer.join()
    with pytest.raises(NamesakeError):
        await consumer.fetch(max_records=1, linger=0, max_wait=1)


async def test_a_member_that_was_forgotten_joins_again(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A member that slept longer than its session is dealt partitions anew; others' names are no namesakes."""
    client = await dealt(cluster, consumer, 0)
    await consumer.assign({})
    cluster.members = [f"{NAME}-2-{'x' * 36}"]
    await client.lose(forgotten=True)
    await client.deal(1, generation=2)
    await consumer.join()
    assert set(await consumer.assign({})) == {1}


async def test_an_id_that_came_in_a_lost_answer(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """An id of its name that nobody keeps alive is no namesake: the broker gave it to this member, who never knew."""
    client = await dealt(cluster, consumer, 0)
    await consumer.assign({})
    cluster.members = [f"{NAME}-{'x' * 36}"]
    async with anyio.create_task_group() as group:
        group.start_soon(partial(client.lose, forgotten=True))
        await anyio.sleep(2 * SESSION)
        cluster.members = []
    await client.deal(1, generation=2)
    await consumer.join()
    assert set(await consumer.assign({})) == {1}


async def test_an_error_before_the_first_share_of_a_new_id(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A member that has joined again, and waits for its partitions, is not taken for its own namesake."""
    client = await dealt(cluster, consumer, 0)
    await client.lose()
    client._coordinator.member_id = f"{NAME}-{uuid4()}"
    cluster.members = [client._coordinator.member_id]

    async def fail(**_: int) -> None:
        raise kafka.UnknownError("of the group")

    client.getmany = fail
    with anyio.fail_after(60):
        while not client.closed:
            await anyio.sleep(0.1)
    await dealt(cluster, consumer, 1)
    assert set(await consumer.assign({})) == {1}


async def test_a_client_that_fails_is_replaced(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """After an error of its client the member joins again with a new one, and the old one is closed."""
    first = await dealt(cluster, consumer, 0)
    await consumer.assign({})

    async def fail(**_: int) -> None:
        raise kafka.UnknownError("of the group")

    first.getmany = fail
    with pytest.raises(ReassignedError), anyio.fail_after(60):
        while True:
            await consumer.fetch(max_records=1, linger=0, max_wait=1)
    second = await dealt(cluster, consumer, 1)
    assert first.closed
    assert second is not first
    assert set(await consumer.assign({})) == {1}


async def test_a_member_that_is_closed_leaves(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A closed reader leaves the group, so that nobody waits for its session to end, and leaves nothing open."""
    client = await dealt(cluster, consumer, 0, 1)
    await consumer.assign({})
    await consumer.aclose()
    assert cluster.members == []
    assert client.closed
    assert cluster.open(object) == []


async def test_leaving_a_broker_that_hangs(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A broker that does not answer delays the closing by a second or two, and nothing stays open."""
    await dealt(cluster, consumer, 0)
    await consumer.assign({})
    cluster.hanging.add("leave")
    began = anyio.current_time()
    await consumer.aclose()
    assert anyio.current_time() - began < 2
    assert cluster.open(object) == []
