"""Events of alarms from the outbox of a real SQLite file to a topic in memory: in order, at least once."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.messages import Position, Record, encode
from icu.sink import publishing
from icu.sink.batching import Batching
from icu.sink.beside import beside
from icu.sink.consumer import consume
from icu.sink.publishing import Publisher
from icu.sink.telemetry import Telemetry
from icu.store.errors import PositionConflictError
from icu.store.heartbeats import Beat
from icu.store.writer import Writer
from icu.transports.base import Transport
from icu.transports.errors import TransportError
from icu.transports.memory import MemoryTransport
from tests.outboxes import EPISODE, outbox, published, versions, write_event
from tests.processes import TIMEOUT
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, restored, rows

BEAT = Beat(NOON, 0)


@pytest.fixture
def alarms() -> MemoryTransport:
    """Topic of alarms."""
    return MemoryTransport(topic="icu.alarms", partitions=3, waits_for_commits=False)


@pytest.fixture
def telemetry() -> Telemetry:
    """Metrics on a registry of their own."""
    return Telemetry(CollectorRegistry())


async def settled(publisher: Publisher, writer: Writer, url: str) -> None:
    """Settle whenever it is due, as the sink's loop does, until the outbox is empty."""
    with anyio.fail_after(10):
        while outbox(url):
            if publisher.is_due:
                await publisher.settle(writer, BEAT)
            await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def running(url: str, alarms: Transport, telemetry: Telemetry) -> AsyncIterator[MemoryTransport]:
    """Run a sink on a topic of readings, and cancel it at the end."""
    transport = MemoryTransport(topic="icu.test")
    async with anyio.create_task_group() as group:

        async def sink(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            await consume(
                transport=transport,
                alarms=alarms,
                database_url=url,
                telemetry=telemetry,
                batching=Batching(linger=0),
                now=START.timestamp,
                task_status=task_status,
            )

        await group.start(sink)
        yield transport
        group.cancel_scope.cancel()


class Away(MemoryTransport):
    """A topic whose broker refuses each request until it is mended."""

    def __init__(self, error: TransportError) -> None:
        super().__init__(topic="icu.alarms", partitions=1, waits_for_commits=False)
        self.error: TransportError | None = error

    async def check(self) -> None:
        if self.error is not None:
            raise self.error


class RefusedError(TransportError):
    """A refusal that no retry ends."""

    transient = False


async def test_an_event_has_all_that_consumers_need(
    writer: Writer, url: str, alarms: MemoryTransport, telemetry: Telemetry
) -> None:
    """An event of a patient is keyed by the patient, one of the ward by the alarm. Published ones are deleted."""
    write_event(url, "a", 1, patient=ANNA, event="start")
    write_event(url, "ward", 7)
    publisher = Publisher(alarms, telemetry)
    async with beside(publisher.run), alarms.consumer() as consumer:
        await consumer.assign({})
        await settled(publisher, writer, url)
        found = [
            (each.key, json.loads(each.value or b""))
            for batch in await consumer.fetch(max_records=9, linger=0, max_wait=1)
            for each in batch.deliveries
        ]
    common = {"episode": json.loads(EPISODE)}
    assert sorted(found) == sorted(
        [
            (
                str(ANNA).encode(),
                {"sequence": 1, "alarm": "a", "version": 1, "event": "start", "patient_uuid": str(ANNA), **common},
            ),
            (
                b"ward",
                {"sequence": 2, "alarm": "ward", "version": 7, "event": "update", "patient_uuid": None, **common},
            ),
        ]
    )
    assert outbox(url) == []


async def test_a_sink_publishes_what_it_finds(url: str, alarms: MemoryTransport, telemetry: Telemetry) -> None:
    """Events that a sink has left behind are published by the next one, before any reading comes."""
    async with running(url, alarms, telemetry):
        pass
    write_event(url, "a", 1, patient=ANNA)
    write_event(url, "a", 2, patient=ANNA)
    async with running(url, alarms, telemetry), alarms.consumer() as consumer:
        await consumer.assign({})
        assert versions(await published(consumer, 2)) == [("a", 1), ("a", 2)]
        with anyio.fail_after(10):
            while outbox(url):
                await anyio.sleep(0.01)


async def test_later_events_are_read_after_a_notification(writer: Writer, url: str, alarms: MemoryTransport) -> None:
    """The database is asked once after each notification, and not without one. Published events are counted."""
    registry = CollectorRegistry()
    publisher = Publisher(alarms, Telemetry(registry))
    async with beside(publisher.run), alarms.consumer() as consumer:
        await consumer.assign({})
        for version in (1, 2):
            assert publisher.is_due
            await publisher.settle(writer, BEAT)
            assert not publisher.is_due
            write_event(url, "a", version, patient=ANNA)
            publisher.notify()
            await settled(publisher, writer, url)
            assert not publisher.is_due
            assert versions(await published(consumer, 1)) == [("a", version)]
            publisher.notify()
    assert registry.get_sample_value("icu_sink_alarm_events_published_total") == 2


async def test_many_events_keep_their_order(
    writer: Writer, url: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events than are read together are all published, in the order in which they were written."""
    monkeypatch.setattr(publishing, "MAX_EVENTS", 2)
    alarms = MemoryTransport(topic="icu.alarms", partitions=1, waits_for_commits=False)
    expected = [(f"alarm {number % 2}", number) for number in range(5)]
    for alarm, version in expected:
        write_event(url, alarm, version, patient=BORIS)
    publisher = Publisher(alarms, telemetry)
    async with beside(publisher.run), alarms.consumer() as consumer:
        await consumer.assign({})
        await settled(publisher, writer, url)
        assert versions(await published(consumer, 5)) == expected


async def test_a_topic_that_waits_holds_nothing_up(url: str, telemetry: Telemetry) -> None:
    """While the topic of alarms takes nothing, readings are stored and events stay in the outbox; later they are
    published, each once."""
    alarms = MemoryTransport(topic="icu.alarms", partitions=1, capacity=1)
    async with running(url, alarms, telemetry):
        pass
    for version in range(3):
        write_event(url, "a", version, patient=ANNA)
    async with running(url, alarms, telemetry) as transport, alarms.consumer() as consumer:
        await consumer.assign({})
        await transport.publish(encode([observation(n) for n in range(10)]))
        with anyio.fail_after(10):
            await transport.until_stored(0)
        assert len(outbox(url)) == 3
        found = []
        while len(found) < 3:
            [batch] = await consumer.fetch(max_records=9, linger=0, max_wait=5)
            found += versions([json.loads(each.value or b"") for each in batch.deliveries])
            await consumer.commit({0: batch.position})
        assert found == [("a", 0), ("a", 1), ("a", 2)]
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(10,)]


@pytest.mark.parametrize("error", [RefusedError("no right to write"), TransportError("nobody listens")])
async def test_a_refusal_is_no_end(
    url: str, telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, error: TransportError
) -> None:
    """A broker that refuses the topic of alarms is named, with its reason, and asked again; the sink goes on."""
    monkeypatch.setattr(publishing, "REFUSED_RETRY", 0.01)
    alarms = Away(error)
    async with running(url, alarms, telemetry) as transport:
        await transport.publish(encode([observation(0)]))
        with anyio.fail_after(10):
            await transport.until_stored(0)
            while not (telemetry.publishing_refusal if error.transient is False else telemetry.publishing_trouble):
                await anyio.sleep(0.01)
        assert str(error) in f"{telemetry.publishing_refusal} {telemetry.publishing_trouble}"
        alarms.error = None
        with anyio.fail_after(10):
            while telemetry.publishing_refusal or telemetry.publishing_trouble:
                await anyio.sleep(0.01)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_an_end_before_the_deletion_publishes_again(
    writer: Writer, url: str, alarms: MemoryTransport, telemetry: Telemetry
) -> None:
    """Events whose deletion was missed are published again, with the same alarm and version."""
    write_event(url, "a", 5, patient=ANNA)
    async with alarms.consumer() as consumer:
        await consumer.assign({})
        for _ in range(2):
            publisher = Publisher(alarms, telemetry)
            async with beside(publisher.run):
                await publisher.settle(writer, BEAT)
                assert versions(await published(consumer, 1)) == [("a", 5)]
    assert outbox(url) == [("a", 5)]


async def test_events_of_another_database_are_not_deleted(
    writer: Writer, url: str, alarms: MemoryTransport, telemetry: Telemetry
) -> None:
    """A database that is restored between publication and deletion keeps its own events, which are then published."""
    write_event(url, "a", 1, patient=ANNA)
    publisher = Publisher(alarms, telemetry)
    async with beside(publisher.run), alarms.consumer() as consumer:
        await consumer.assign({})
        await publisher.settle(writer, BEAT)
        await published(consumer, 1)
        restored(url, "PRAGMA user_version = 7; UPDATE outbox SET alarm = 'other'")
        with pytest.raises(PositionConflictError):
            await publisher.settle(writer, BEAT)
        assert outbox(url) == [("other", 1)]
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        publisher.begin_anew()
        await settled(publisher, writer, url)
        assert versions(await published(consumer, 1)) == [("other", 1)]


async def test_a_late_acknowledgement_deletes_nothing_of_another_database(
    writer: Writer, url: str, telemetry: Telemetry
) -> None:
    """Events that are acknowledged after reading began anew stay in the outbox, and are published again."""
    alarms = MemoryTransport(topic="icu.alarms", partitions=1, capacity=1)
    await alarms.publish([Record(b"full", b"{}")])
    write_event(url, "a", 1, patient=ANNA)
    publisher = Publisher(alarms, telemetry)
    async with beside(publisher.run), alarms.consumer() as consumer:
        mark = (await consumer.assign({}))[0].position.mark
        await publisher.settle(writer, BEAT)
        await anyio.wait_all_tasks_blocked()
        publisher.begin_anew()
        assert not publisher.is_due  # while events are being published
        for offset in (1, 2):
            await consumer.fetch(max_records=1, linger=0, max_wait=5)
            await consumer.commit({0: Position(offset, mark)})
            await anyio.wait_all_tasks_blocked()
            assert outbox(url) == [("a", 1)]
            assert publisher.is_due
            if offset == 1:
                await publisher.settle(writer, BEAT)
        await publisher.settle(writer, BEAT)
    assert outbox(url) == []


async def test_a_sink_whose_database_is_restored_meanwhile(url: str, telemetry: Telemetry) -> None:
    """A sink that publishes while another database is restored into its own publishes that one's events too."""
    alarms = MemoryTransport(topic="icu.alarms", partitions=1, capacity=1)
    noticed = anyio.Event()
    async with running(url, alarms, telemetry) as transport:
        await transport.publish(encode([observation(0)]))
        await transport.until_stored(0)
    for version in (1, 2):
        write_event(url, "a", version, patient=ANNA)
    async with running(url, alarms, telemetry), alarms.consumer() as consumer:
        mark = (await consumer.assign({}))[0].position.mark
        found = versions(await published(consumer, 1))
        # The second event waits for room.
        logger.add(lambda _: noticed.set(), filter=lambda record: "reading on" in record["message"])
        restored(url, "PRAGMA user_version = 7; UPDATE outbox SET alarm = 'other'")
        with anyio.fail_after(TIMEOUT):
            await noticed.wait()
        while len(found) < 4:
            await consumer.commit({0: Position(len(found), mark)})
            found += versions(await published(consumer, 1))
    assert found == [("a", 1), ("a", 2), ("other", 1), ("other", 2)]


async def test_sequences_are_not_given_again(
    writer: Writer, url: str, alarms: MemoryTransport, telemetry: Telemetry
) -> None:
    """Sequences rise though published events are deleted."""
    publisher = Publisher(alarms, telemetry)
    async with beside(publisher.run), alarms.consumer() as consumer:
        await consumer.assign({})
        for expected in (1, 2, 3):
            write_event(url, "a", expected, patient=ANNA)
            publisher.notify()
            await settled(publisher, writer, url)
            assert [each["sequence"] for each in await published(consumer, 1)] == [expected]
