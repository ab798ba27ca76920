"""The sink between an in-memory transport and a real SQLite file: each reading is stored once."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.messages import Record, encode
from icu.sink.batching import FEW, Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.transports.memory import MemoryTransport
from tests.hostile import ALONE, value
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, connected, rows

if TYPE_CHECKING:
    from loguru import Message

BATCHING = Batching(max_records=50, linger=0.01)


@pytest.fixture
async def transport() -> AsyncIterator[MemoryTransport]:
    """A topic of two partitions."""
    transport = MemoryTransport(topic="icu.test", partitions=2)
    yield transport
    await transport.aclose()


@asynccontextmanager
async def running(
    transport: MemoryTransport,
    url: str,
    registry: CollectorRegistry,
    *,
    now: Callable[[], float] = START.timestamp,
    batching: Batching = BATCHING,
) -> AsyncIterator[Telemetry]:
    """Run a sink, and cancel it at the end."""
    telemetry = Telemetry(registry)
    async with anyio.create_task_group() as group:

        async def sink(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            await consume(
                transport=transport,
                alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
                database_url=url,
                telemetry=telemetry,
                batching=batching,
                now=now,
                task_status=task_status,
            )

        await group.start(sink)
        yield telemetry
        group.cancel_scope.cancel()


async def all_taken(registry: CollectorRegistry, records: int) -> None:
    """Wait until the sink has counted so many records."""
    with anyio.fail_after(10):
        while (registry.get_sample_value("icu_sink_batch_records_sum") or 0) < records:
            await anyio.sleep(0.01)


async def test_what_is_published_is_stored(transport: MemoryTransport, url: str) -> None:
    """Readings of several batches and partitions are stored and counted, and no longer kept in the topic."""
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await transport.publish(encode([observation(n, patient=who) for n in range(60) for who in (ANNA, BORIS)]))
        await all_taken(registry, 120)
        assert transport.unstored == 0
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(120,)]
    assert rows(url, "SELECT next FROM consumer_offsets") == [(60,), (60,)]
    assert registry.get_sample_value("icu_sink_stored_total") == 120
    assert registry.get_sample_value("icu_sink_lag_records") == 0


async def test_hostile_records_become_dead_letters_between_good_ones(transport: MemoryTransport, url: str) -> None:
    """A bad record costs the sink one row in dead_letters; the next good one is stored."""
    registry = CollectorRegistry()
    good = encode([observation(n) for n in range(20)])
    bad = [Record(good[0].key, value) for value in (b"", b"null", b"\xff", b"[" * 100_000, b'{"pulse": NaN}')]
    async with running(transport, url, registry):
        for place in range(20):
            await transport.publish([bad[place % len(bad)], good[place]])
        await all_taken(registry, 40)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(20,)]
    assert rows(url, "SELECT reason, count(*) FROM dead_letters GROUP BY reason ORDER BY reason") == [
        ("invalid", 8),
        ("malformed", 12),
    ]


async def test_a_dead_letter_holds_the_record_that_it_is_of(transport: MemoryTransport, url: str) -> None:
    """Each dead letter of a batch holds its own record, and the log has their reasons."""
    registry = CollectorRegistry()
    lines: list[str] = []
    logger.add(lambda line: lines.append(str(line)), level="WARNING", format="{message}")
    first, other, *more = encode([observation(0), observation(0, pulse=99), observation(1), observation(2)])
    unreadable = Record(first.key, b"no observation")
    async with running(transport, url, registry):
        await transport.publish([first, unreadable, other, *more])
        await all_taken(registry, 5)
    assert rows(url, "SELECT offset, reason, key, value FROM dead_letters ORDER BY offset") == [
        (1, "malformed", unreadable.key, unreadable.value),
        (2, "conflict", other.key, other.value),
    ]
    assert lines == ["dead letters: 1 malformed, 1 conflict\n"]


async def test_impossible_values_cost_themselves_alone(transport: MemoryTransport, url: str) -> None:
    """Readings are stored without their impossible values, which are counted by sign and logged with their place."""
    lines: list[tuple[str, str, int, int]] = []

    def keep(message: "Message") -> None:
        record = message.record
        if "partition" in record["extra"]:
            place = record["extra"]["partition"], record["extra"]["offset"]
            lines.append((record["level"].name, record["message"], *place))

    logger.add(keep, level="DEBUG")
    registry = CollectorRegistry()
    key = encode([observation()])[0].key
    records = [Record(key, value(pulse=70 + n, **said)) for n, said in enumerate(({"spo2": 101}, {"bp": "80/120"}))]
    times = [each.value.replace(b"12:00:00Z", b"12:00:0%dZ" % n) for n, each in enumerate(records)]
    nothing = value(**{**ALONE, "spo2": 0.97})
    async with running(transport, url, registry):
        await transport.publish([Record(key, each) for each in (*times, nothing)])
        await all_taken(registry, 3)
    assert rows(url, "SELECT pulse, systolic, diastolic, spo2, quality FROM patient_metrics ORDER BY timestamp") == [
        (7000, 12000, 8000, None, '{"spo2":"implausible"}'),
        (7100, None, None, 9800, '{"bp":"implausible"}'),
    ]
    assert rows(url, "SELECT reason, detail FROM dead_letters") == [
        ("implausible", "no value of it is possible: spo2 0.97"),
    ]
    counted = {name: registry.get_sample_value("icu_sink_implausible_total", {"sign": name}) for name in ("spo2", "bp")}
    assert counted == {"spo2": 2, "bp": 1}
    [partition] = {each[2] for each in lines}
    assert [each for each in lines if each[0] == "DEBUG"] == [
        ("DEBUG", "impossible value: spo2 101", partition, 0),
        ("DEBUG", "impossible value: bp 80/120", partition, 1),
        ("DEBUG", "impossible value: spo2 0.97", partition, 2),
    ]
    assert not any("impossible" in message for level, message, *_ in lines if level != "DEBUG")


async def test_a_reading_without_its_impossible_values_is_a_duplicate_of_itself(
    transport: MemoryTransport, url: str
) -> None:
    """A repeated reading with other impossible values is a duplicate; with another possible value it is a conflict."""
    registry = CollectorRegistry()
    key = encode([observation()])[0].key
    values = [value(spo2=101), value(spo2=101), value(spo2=0.98), value(spo2=101, interval=0), value(spo2=98)]
    async with running(transport, url, registry):
        for each in values:
            await transport.publish([Record(key, each)])
        await all_taken(registry, len(values))
    assert registry.get_sample_value("icu_sink_stored_total") == 1
    assert registry.get_sample_value("icu_sink_duplicates_total") == 3
    assert registry.get_sample_value("icu_sink_dead_letters_total", {"reason": "conflict"}) == 1
    assert rows(url, "SELECT reason FROM dead_letters") == [("conflict",)]


async def test_a_new_sink_goes_on_where_the_last_one_stored(transport: MemoryTransport, url: str) -> None:
    """Over many sinks, each cancelled at any place, every reading is stored once, in the order of each patient."""
    total = 600
    async with anyio.create_task_group() as group:
        group.start_soon(transport.publish, encode([observation(n) for n in range(total)]))
        for round_ in range(12):
            async with running(transport, url, CollectorRegistry()):
                await anyio.sleep(0.003 * round_)
    registry = CollectorRegistry()
    stored = rows(url, "SELECT count(*) FROM patient_metrics")[0][0]
    async with running(transport, url, registry):
        await all_taken(registry, total - stored)
    assert rows(url, "SELECT count(*), count(DISTINCT timestamp) FROM patient_metrics") == [(total, total)]
    assert rows(url, "SELECT sum(next) FROM consumer_offsets") == [(total,)]


async def test_another_run_of_the_transport_is_read_from_its_beginning(url: str) -> None:
    """A new in-memory log is read from its beginning in spite of the stored offset, and that is logged."""
    read_anew: list[list[int]] = []
    logger.add(
        lambda line: read_anew.append(line.record["extra"]["partitions"]),
        filter=lambda it: "another log" in it["message"],
    )
    for run in range(2):
        registry = CollectorRegistry()
        transport = MemoryTransport(topic="icu.test", partitions=1)
        async with running(transport, url, registry):
            await transport.publish(encode([observation(run * 100 + n) for n in range(10)]))
            await all_taken(registry, 10)
        await transport.aclose()
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(20,)]
    assert rows(url, "SELECT log, next FROM consumer_offsets") == [(2, 10)]
    assert read_anew == [[0]]


@pytest.mark.usefixtures("impatient")
async def test_a_locked_database_is_waited_for(transport: MemoryTransport, url: str) -> None:
    """While another program locks the file the sink reports the lock, and loses nothing."""
    registry = CollectorRegistry()
    async with running(transport, url, registry) as telemetry:
        await transport.publish(encode([observation(0)]))
        await all_taken(registry, 1)
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await transport.publish(encode([observation(1)]))
        with anyio.fail_after(20):
            while telemetry.trouble is None:
                await anyio.sleep(0.05)
        assert "locked" in telemetry.trouble
        other.execute("ROLLBACK")
        other.close()
        await all_taken(registry, 2)
        assert telemetry.trouble is None
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(2,)]


@pytest.mark.usefixtures("impatient")
async def test_readings_arrive_when_they_come_though_they_are_stored_later(
    transport: MemoryTransport, url: str
) -> None:
    """The arrival of a reading is the time of its fetch, also when the database was locked then."""
    registry = CollectorRegistry()
    clock = [START.timestamp()]
    async with running(transport, url, registry, now=lambda: clock[0]) as telemetry:
        await transport.publish(encode([observation(0)]))
        await all_taken(registry, 1)
        with closing(connected(url)) as other:
            other.execute("BEGIN IMMEDIATE")
            await transport.publish(encode([observation(1)]))
            with anyio.fail_after(20):
                while "storing readings" not in str(telemetry.trouble):
                    await anyio.sleep(0.01)
            assert transport.unstored == 1
            clock[0] += 60
        await all_taken(registry, 2)
    assert rows(url, "SELECT timestamp + lag FROM patient_metrics") == [(NOON,), (NOON,)]


async def test_each_record_that_the_log_no_longer_holds_is_reported_as_lost(
    transport: MemoryTransport, url: str
) -> None:
    """Records that only another database has, and that are no longer in the log, are counted as lost."""
    lines: list[tuple[str, str, int, int]] = []

    def keep(message: "Message") -> None:
        record = message.record
        place = record["extra"].get("partition"), record["extra"].get("offset")
        lines.append((record["level"].name, record["message"], *place))

    async with running(transport, url, (registry := CollectorRegistry())):
        await transport.publish(encode([observation(0)]))
        await all_taken(registry, 1)
    logger.add(keep, level="ERROR")
    async with running(transport, f"{url}.new", (registry := CollectorRegistry())):
        await transport.publish(encode([observation(1)]))
        await all_taken(registry, 1)
    [(_, partition)] = rows(url, "SELECT max(next), partition FROM consumer_offsets")
    lost = "up to 1 records are neither in this database nor any longer in the log"
    assert lines == [("ERROR", lost, partition, 1)]


@pytest.mark.usefixtures("impatient")
async def test_a_database_that_is_away_at_the_start_is_waited_for(transport: MemoryTransport, url: str) -> None:
    """A sink without its database counts as started, reports what it waits for, and stores later."""
    registry = CollectorRegistry()
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with anyio.fail_after(20):
        async with running(transport, url, registry) as telemetry:
            assert telemetry.trouble is not None
            assert "locked" in telemetry.trouble
            await transport.publish(encode([observation(0)]))
            other.execute("ROLLBACK")
            other.close()
            await all_taken(registry, 1)
            assert telemetry.trouble is None
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


@pytest.mark.usefixtures("impatient")
async def test_a_sink_that_is_stopped_while_it_waits_for_its_database_stores_what_it_can(
    transport: MemoryTransport, url: str
) -> None:
    """A stopping sink stores the records in memory if the database comes back in time."""
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    async with running(transport, url, CollectorRegistry()):
        await transport.publish(encode([observation(0)]))
        other.execute("ROLLBACK")
        other.close()
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


@pytest.mark.usefixtures("impatient")
async def test_what_a_stopped_sink_could_not_store_is_counted(transport: MemoryTransport, url: str) -> None:
    """Records that a stopped sink could not store stay in the transport, and can be counted as lost."""
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await transport.publish(encode([observation(0)]))
        await all_taken(registry, 1)
        assert transport.unstored == 0
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await transport.publish(encode([observation(n) for n in range(1, 4)]))
    other.close()
    assert transport.unstored == 3


async def test_an_overtaken_sink_reads_on_from_the_database(transport: MemoryTransport, url: str) -> None:
    """A sink whose stored offset another program moved goes on from there, and stores nothing twice."""
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await transport.publish(encode([observation(0)]))
        await all_taken(registry, 1)
        with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
            other.execute("UPDATE consumer_offsets SET next = 0")
        other.close()
        await transport.publish(encode([observation(1)]))
        await all_taken(registry, 2)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(2,)]


async def test_a_stopping_sink_stores_what_is_left(transport: MemoryTransport, url: str) -> None:
    """A stopping sink stores every acknowledged record, since the log in memory ends with the process."""
    errors: list[str] = []
    logger.add(lambda line: errors.append(str(line)), level="ERROR", format="{message}")
    async with running(transport, url, CollectorRegistry()):
        await transport.publish(encode([observation(n) for n in range(500)]))
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(500,)]
    assert await lag(transport) == 0
    assert errors == []


async def lag(transport: MemoryTransport) -> int:
    """Count the records that the transport still keeps."""
    async with transport.consumer() as consumer:
        await consumer.assign({})
        return await consumer.lag()


async def test_few_records_are_taken_while_patients_are_new(url: str) -> None:
    """Introducing thousands takes too long for one transaction: the batches are small until all are known."""
    transport, registry = MemoryTransport(topic="icu.test", partitions=1), CollectorRegistry()
    patients = [uuid4() for _ in range(FEW + 1)]
    await transport.publish(encode([observation(n, patient=who) for n in range(5) for who in patients]))
    async with running(transport, url, registry, batching=Batching(linger=0)):
        await all_taken(registry, 5 * len(patients))
    # The last patient is in the second of them, and the fourth takes all the rest.
    assert registry.get_sample_value("icu_sink_batch_records_count") == 4
