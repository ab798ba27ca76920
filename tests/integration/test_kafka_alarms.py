"""Events of alarms from the outbox to a topic of a real broker: whatever dies, each is published."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from confluent_kafka.admin import AclOperation, ResourceType
from prometheus_client import CollectorRegistry

from icu.messages import encode
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.store.engines.table import engine_of
from icu.transports.base import Transport
from tests.brokers import ApacheKafka, Broker
from tests.conftest import Spawn
from tests.integration.conftest import Connect
from tests.integration.test_kafka_rights import denied
from tests.outboxes import EPISODE, outbox, published, versions, write_event
from tests.processes import TIMEOUT
from tests.samples import ANNA, observation
from tests.stores import execute, rows

SCRIPT = Path(__file__).with_name("dying_sink.py")

# An event with each reading, in the transaction that stores it.
TRIGGER = f"""
CREATE TRIGGER alarm AFTER INSERT ON patient_metrics BEGIN
INSERT INTO outbox (alarm, version, event, payload) VALUES ('a', NEW.pulse, 'start', '{EPISODE}'); END
"""


@asynccontextmanager
async def running(transport: Transport, alarms: Transport, url: str) -> AsyncIterator[None]:
    """Run a sink, and cancel it at the end."""
    sink = partial(consume, transport=transport, alarms=alarms, database_url=url, batching=Batching(linger=0))
    async with anyio.create_task_group() as group:
        await group.start(partial(sink, telemetry=Telemetry(CollectorRegistry())))
        yield
        group.cancel_scope.cancel()


async def emptied(url: str) -> None:
    """Wait until every event of the outbox was published."""
    with anyio.fail_after(TIMEOUT):
        while outbox(url):
            await anyio.sleep(0.02)


@pytest.mark.parametrize(("step", "times"), [("before", 1), ("after", 2)])
async def test_a_sink_that_is_killed_beside_a_publication(
    broker: Broker, connect: Connect, url: str, spawn: Spawn, step: str, times: int
) -> None:
    """After kill -9 between storing and publishing, the next sink publishes; after kill -9 between publishing and
    deleting, it publishes again, with the same alarm and version."""
    await engine_of(url).upgrade()
    transport = connect(broker.bootstrap)
    alarms = connect(broker.bootstrap, topic=f"{transport.topic}.alarms")
    for each in (transport, alarms):
        await to_thread.run_sync(broker.create_topic, each.topic, 1)
    execute(url, TRIGGER)
    await transport.publish(encode([observation(0, pulse=41)]))
    words = [sys.executable, str(SCRIPT), broker.bootstrap, transport.topic, alarms.topic, url, step]
    assert await to_thread.run_sync(spawn(words).wait, TIMEOUT) == -signal.SIGKILL
    assert rows(url, "SELECT pulse FROM patient_metrics") == [(4_100,)]
    assert outbox(url) == [("a", 4_100)]
    async with running(transport, alarms, url), alarms.consumer() as consumer:
        await emptied(url)
        await consumer.assign({})
        assert await consumer.lag() == times
        assert versions(await published(consumer, times)) == [("a", 4_100)] * times


async def test_a_broker_that_comes_late(kafka: ApacheKafka, connect: Connect, url: str) -> None:
    """Events wait for the broker, the topic is made as that of the readings, and the key is the patient's uuid."""
    await engine_of(url).upgrade()
    transport, alarms = (connect(kafka.bootstrap, topic=f"icu.late{end}", partitions=3) for end in ("", ".alarms"))
    for version in range(3):
        write_event(url, "a", version, patient=ANNA)
    await to_thread.run_sync(kafka.kill)
    async with running(transport, alarms, url):
        with anyio.fail_after(TIMEOUT):
            while transport.trouble is None:
                await anyio.sleep(0.02)
        assert len(outbox(url)) == 3
        await to_thread.run_sync(kafka.start)
        await emptied(url)
    async with alarms.consumer() as consumer:
        assert len(await consumer.assign({})) == 3
        of_anna: list[int] = []
        with anyio.fail_after(TIMEOUT):
            # A broker that starts slowly leaves the ward blind: its alarm is published, too.
            while len(of_anna) < 3:
                batches = await consumer.fetch(max_records=9, linger=0, max_wait=TIMEOUT)
                found = [each for batch in batches for each in batch.deliveries if each.key == str(ANNA).encode()]
                of_anna += [each.partition for each in found]
    assert (len(of_anna), len(set(of_anna))) == (3, 1)


async def test_a_topic_of_alarms_that_may_not_be_written(kafka: ApacheKafka, connect: Connect, url: str) -> None:
    """Without the right to write the topic of alarms, readings are stored, the reason is named, and the events are
    published once it is granted."""
    await engine_of(url).upgrade()
    transport, alarms = (connect(kafka.bootstrap, topic=f"icu.rights{end}") for end in ("", ".alarms"))
    await alarms.check()
    write_event(url, "a", 1, patient=ANNA)
    with denied(kafka, ResourceType.TOPIC, alarms.topic, AclOperation.WRITE):
        async with running(transport, alarms, url):
            await transport.publish(encode([observation(0)]))
            with anyio.fail_after(TIMEOUT):
                while alarms.sending_degraded is None or not rows(url, "SELECT pulse FROM patient_metrics"):
                    await anyio.sleep(0.02)
            assert transport.degraded is None
            assert outbox(url) == [("a", 1)]
    async with running(transport, alarms, url):
        await emptied(url)
