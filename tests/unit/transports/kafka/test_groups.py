"""Requests about a consumer group: one connection for all, and another broker after a refusal. On virtual time."""

from collections.abc import AsyncIterator

import anyio
import pytest
from aiokafka import errors as kafka

from icu.config.settings import Kafka
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError, KafkaRefusedError
from icu.transports.kafka.groups import NOBODY, Group
from tests.clocks import virtual_asyncio
from tests.unit.transports.kafka.cluster import TOPIC, Client, Cluster


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_asyncio()


@pytest.fixture
async def group(cluster: Cluster) -> AsyncIterator[Group]:
    """A group on that cluster."""
    group = Group(Brokers(Kafka(bootstrap_servers="127.0.0.1:9092")), "icu-sink")
    yield group
    await group.aclose()
    assert not cluster.open(Client)


async def test_two_tasks_share_a_connection(cluster: Cluster, group: Group) -> None:
    """Two requests at a time open one connection, and it is closed at the end."""
    async with anyio.create_task_group() as tasks:
        for partition in range(2):
            tasks.start_soon(group.commit, TOPIC, {partition: 1}, NOBODY)
    assert len(cluster.open(Client)) == 1
    assert len(cluster.committed) == 2


async def test_the_first_refusal_counts(cluster: Cluster, group: Group) -> None:
    """A refusal is an error of ours, with its cause, and the broker that looks after the group is asked for anew."""
    cluster.commit_error = kafka.NotCoordinatorForGroupError()
    with pytest.raises(KafkaError, match=r"committing icu-sink: .*NotCoordinatorForGroupError"):
        await group.commit(TOPIC, {0: 1}, NOBODY)
    cluster.commit_error = kafka.GroupAuthorizationFailedError()
    with pytest.raises(KafkaRefusedError) as refused:
        await group.commit(TOPIC, {0: 1}, NOBODY)
    assert isinstance(refused.value.__cause__, kafka.GroupAuthorizationFailedError)
    assert cluster.calls["coordinator_lookup"] == 2


async def test_a_request_that_is_broken_off_leaves_nothing(cluster: Cluster, group: Group) -> None:
    """A commit that hangs is broken off at once, and no task of it goes on."""
    cluster.hanging.add("commit")
    with anyio.move_on_after(1) as deadline:
        await group.commit(TOPIC, {0: 1}, NOBODY)
    assert deadline.cancelled_caught
    await anyio.sleep(0.1)
    assert [each for each in anyio.get_running_tasks() if "send" in repr(each.coro)] == []
