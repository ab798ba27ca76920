"""Rights of each role on the broker, as docs/kafka.md lists them: they suffice, and none can be left out."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

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

from icu.config.settings import Kafka
from icu.messages import Record
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.topics import create_topic, describe_topic
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import ApacheKafka
from tests.integration.conftest import NUMBERS, Connect
from tests.integration.followers import following, foreign, send
from tests.processes import TIMEOUT

PAGE: Final = (Path(__file__).parents[2] / "docs" / "kafka.md").read_text("utf-8")
GROUP: Final = "icu-sink"
EVERYBODY: Final = (ResourcePatternType.LITERAL, "User:*", "*")

# Rights on the cluster without that to create topics. This test and the broker itself need them.
BUT_CREATE: Final = (
    AclOperation.ALTER,
    AclOperation.ALTER_CONFIGS,
    AclOperation.CLUSTER_ACTION,
    AclOperation.DESCRIBE,
    AclOperation.DESCRIBE_CONFIGS,
    AclOperation.IDEMPOTENT_WRITE,
)

Rights = Mapping[tuple[ResourceType, str], tuple[AclOperation, ...]]


def listed(role: str) -> list[tuple[AclOperation, ...]]:
    """Return the rights of a row of the page: on the topic of readings, on that of alarms, and on the group."""
    [row] = re.findall(rf"^\| {re.escape(role)} \|(.*)\|$", PAGE, re.MULTILINE)
    cells = [re.findall(r"\b[A-Z]{4,}\b", cell) for cell in row.split("|")]
    return [tuple(AclOperation[word] for word in words) for words in cells]


@contextmanager
def granted(kafka: ApacheKafka, rights: Rights) -> Iterator[None]:
    """Grant these rights alone, until the end. Where a resource has none, a rule for somebody else shuts it."""
    client = AdminClient({"bootstrap.servers": kafka.bootstrap})
    rules = []
    for (kind, name), operations in rights.items():
        place = (kind, name, ResourcePatternType.LITERAL)
        rules += [AclBinding(*place, "User:*", "*", each, AclPermissionType.ALLOW) for each in operations]
        rules.append(AclBinding(*place, "User:nobody", "*", AclOperation.ALL, AclPermissionType.ALLOW))
    for done in client.create_acls(rules).values():
        done.result(TIMEOUT)
    try:
        yield
    finally:
        filters = [
            AclBindingFilter(
                kind, name, ResourcePatternType.LITERAL, None, None, AclOperation.ANY, AclPermissionType.ANY
            )
            for kind, name in rights
        ]
        for gone in client.delete_acls(filters).values():
            gone.result(TIMEOUT)


async def troubled(transport: KafkaTransport) -> str:
    """Wait until the transport says what it lacks."""
    with anyio.fail_after(TIMEOUT):
        while transport.trouble is None and transport.degraded is None:
            await anyio.sleep(0.02)
    return str(transport.trouble or transport.degraded)


async def test_a_patient(kafka: ApacheKafka, connect: Connect) -> None:
    """Its rights let it send; without them it keeps its readings, and says which it lacks."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    topic = (ResourceType.TOPIC, transport.topic)
    readings, *others = listed("patient")
    assert others == [(), ()]
    with granted(kafka, {topic: readings}), anyio.fail_after(TIMEOUT):
        await transport.publish([Record(b"bed", b"0")])
    with granted(kafka, {topic: ()}):
        async with anyio.create_task_group() as group:
            group.start_soon(transport.publish, [Record(b"bed", b"1")])
            assert "Authorization" in await troubled(transport)
            group.cancel_scope.cancel()


async def test_a_sink(kafka: ApacheKafka, connect: Connect) -> None:
    """Its rights let it read, commit and publish alarms; without those on the readings it says so."""
    transport = connect(kafka.bootstrap)
    alarms = connect(kafka.bootstrap, topic=f"icu.acls.alarms.{next(NUMBERS)}")
    for each in (transport, alarms):
        await to_thread.run_sync(kafka.create_topic, each.topic, 1)
    places = (ResourceType.TOPIC, transport.topic), (ResourceType.TOPIC, alarms.topic), (ResourceType.GROUP, GROUP)
    async with foreign(kafka) as producer:
        await send(producer, transport.topic, [0])
    with granted(kafka, dict(zip(places, listed("sink"), strict=True))), anyio.fail_after(TIMEOUT):
        async with following(transport) as follower:
            assert await follower.read(1) == [0]
            assert (transport.trouble, transport.degraded) == (None, None)
        await alarms.publish([Record(b"bed", b"{}")])
    with granted(kafka, {places[0]: ()}):
        other = connect(kafka.bootstrap, topic=transport.topic)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reading, other)
            assert await troubled(other)
            tasks.cancel_scope.cancel()


async def reading(transport: KafkaTransport) -> None:
    """Read as the sink does, until cancelled."""
    with suppress(KafkaError):
        async with following(transport) as follower:
            await follower.read(1)


async def test_who_makes_topics(kafka: ApacheKafka) -> None:
    """Its rights let it make a topic, and describe it."""
    readings, alarms, group = listed("`topics create`")
    assert (readings, group) == (alarms, ())
    brokers = Brokers(Kafka(bootstrap_servers=kafka.bootstrap))
    name = f"icu.acls.made.{next(NUMBERS)}"
    cluster = {(ResourceType.BROKER, "kafka-cluster"): BUT_CREATE}
    with granted(kafka, {**cluster, (ResourceType.TOPIC, name): ()}), pytest.raises(KafkaError):
        await create_topic(brokers, name, partitions=2, copies=None)
    with granted(kafka, {**cluster, (ResourceType.TOPIC, name): readings}):
        assert await create_topic(brokers, name, partitions=2, copies=None)
        assert len(await describe_topic(brokers, name)) == 2


def test_a_monitor_asks_no_broker() -> None:
    """It has no row of rights but an empty one."""
    assert listed("monitor") == [(), (), ()]
