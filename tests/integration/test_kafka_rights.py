"""Rights that an administrator revokes while the program runs, and grants again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest
from anyio import to_thread
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from icu.messages import Record
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import ApacheKafka
from tests.integration.conftest import Connect
from tests.integration.followers import following, foreign, send
from tests.processes import TIMEOUT

EVERYBODY = "User:*"


@contextmanager
def denied(kafka: ApacheKafka, kind: ResourceType, name: str, *operations: AclOperation) -> Iterator[None]:
    """Deny an operation to everybody, until the end."""
    client = AdminClient({"bootstrap.servers": kafka.bootstrap})
    every = (ResourcePatternType.LITERAL, EVERYBODY, "*")
    rules = [AclBinding(kind, name, *every, each, AclPermissionType.DENY) for each in operations]
    # Where there is a rule, what no rule allows is denied too.
    rules.append(AclBinding(kind, name, *every, AclOperation.ALL, AclPermissionType.ALLOW))
    for done in client.create_acls(rules).values():
        done.result(TIMEOUT)
    all_rules = AclBindingFilter(kind, name, *every, AclOperation.ANY, AclPermissionType.ANY)
    while len(client.describe_acls(all_rules).result(TIMEOUT)) < len(rules):
        time.sleep(0.02)
    try:
        yield
    finally:
        for gone in client.delete_acls([all_rules]).values():
            gone.result(TIMEOUT)


async def test_a_reader_that_may_not_read_any_more(kafka: ApacheKafka, connect: Connect) -> None:
    """A reader without its right names it, and goes on once it is granted again."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    async with foreign(kafka) as producer, following(transport) as follower:
        await send(producer, transport.topic, [0])
        assert await follower.read(1) == [0]
        with denied(kafka, ResourceType.TOPIC, transport.topic, AclOperation.READ):
            await send(producer, transport.topic, [1])

            async def named() -> bool:
                return transport.degraded is not None

            await follower.until(named)
            assert "grant this user READ" in str(transport.degraded)
        assert await follower.read(2) == [0, 1]


async def test_lag_tools_are_no_reason_not_to_read(kafka: ApacheKafka, connect: Connect) -> None:
    """Without rights on the consumer group a reader reads everything, and commits nothing."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    with denied(kafka, ResourceType.GROUP, "icu-sink", AclOperation.READ, AclOperation.DESCRIBE):
        async with foreign(kafka) as producer, following(transport) as follower:
            for number in range(20):
                await send(producer, transport.topic, [number])
                assert (await follower.read(number + 1))[-1] == number
                await anyio.sleep(0.1)
            assert transport.trouble is None
            assert transport.degraded is None


async def test_readers_that_share_need_the_group(kafka: ApacheKafka, connect: Connect) -> None:
    """Without rights on its group a reader that shares a topic names the right, and reads once it has it."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    group = f"icu-sink.{transport.topic}"
    async with transport.consumer("ward@host/sink-1") as consumer, anyio.create_task_group() as tasks:
        with denied(kafka, ResourceType.GROUP, group, AclOperation.READ, AclOperation.DESCRIBE):
            tasks.start_soon(consumer.join)
            with anyio.fail_after(TIMEOUT):
                while transport.degraded is None:
                    await anyio.sleep(0.02)
            assert group in str(transport.degraded)
            assert "grant this user READ on the group" in str(transport.degraded)
        with anyio.fail_after(TIMEOUT):
            await consumer.join()
        assert list(await consumer.assign({})) == [0]
        assert (transport.trouble, transport.degraded) == (None, None)


@pytest.mark.parametrize("operation", [AclOperation.WRITE, AclOperation.ALL])
async def test_a_sender_that_may_not_write_any_more(
    kafka: ApacheKafka, connect: Connect, operation: AclOperation
) -> None:
    """A sender without its right reports that, keeps its records, and sends them later; also if it may not see the
    topic."""
    transport = connect(kafka.bootstrap)
    await transport.publish([Record(b"bed", b"0")])
    async with anyio.create_task_group() as group:
        with denied(kafka, ResourceType.TOPIC, transport.topic, operation):
            group.start_soon(transport.publish, [Record(b"bed", b"1")])
            await troubled(transport)
            assert transport.sending_trouble is not None
            assert transport.sending_degraded is not None
    assert transport.sending_degraded is None
    async with following(transport) as follower:
        assert list(dict.fromkeys(await follower.read(2))) == [0, 1]


async def troubled(transport: KafkaTransport) -> None:
    """Wait until there is trouble."""
    with anyio.fail_after(TIMEOUT):
        while transport.trouble is None:
            await anyio.sleep(0.02)


async def test_a_reader_that_may_not_even_see_its_topic_any_more(kafka: ApacheKafka, connect: Connect) -> None:
    """A reader that may not see its topic waits, and goes on later."""
    transport = connect(kafka.bootstrap)
    await transport.publish([Record(b"bed", b"0")])
    async with following(transport) as follower, anyio.create_task_group() as group:
        assert await follower.read(1) == [0]
        with denied(kafka, ResourceType.TOPIC, transport.topic, AclOperation.ALL):
            group.start_soon(follower.read, 2)
            await troubled(transport)
        await transport.publish([Record(b"bed", b"1")])
    assert follower.numbers == [0, 1]
