"""The sink between a broker and a SQLite file."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from aiokafka import AIOKafkaProducer
from anyio import to_thread
from prometheus_client import CollectorRegistry

from icu.messages import encode, uuid_of_name
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.transports.base import Transport
from icu.transports.memory import MemoryTransport
from tests.brokers import ApacheKafka, Broker
from tests.hostile import IMPLAUSIBLE, INVALID, MALFORMED, NOTHING_LEFT
from tests.integration.conftest import Connect
from tests.processes import TIMEOUT
from tests.samples import ANNA, BORIS, observation
from tests.stores import rows

KEY = str(ANNA).encode()
HOSTILE: list[tuple[str, bytes | None, bytes | None]] = [
    *((name, KEY, value) for name, value in {**MALFORMED, **INVALID, **NOTHING_LEFT}.items()),
    ("tombstone", KEY, None),
    ("another patient's key", str(BORIS).encode(), encode([observation(1)])[0].value),
    ("half a megabyte", KEY, b'"' + b"x" * 500_000 + b'"'),
]


@asynccontextmanager
async def running(transport: Transport, url: str, registry: CollectorRegistry) -> AsyncIterator[None]:
    """Run a sink, and cancel it at the end."""
    sink = partial(
        consume,
        transport=transport,
        alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
        database_url=url,
        telemetry=Telemetry(registry),
        batching=Batching(linger=0),
    )
    async with anyio.create_task_group() as group:
        await group.start(sink)
        yield
        group.cancel_scope.cancel()


async def taken(registry: CollectorRegistry, count: int) -> None:
    """Wait until the sink has counted this many records."""
    with anyio.fail_after(TIMEOUT):
        while (registry.get_sample_value("icu_sink_batch_records_sum") or 0) < count:
            await anyio.sleep(0.02)


async def send(bootstrap: str, topic: str, records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
    """Write values to the topic as another program."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=20_000_000)
    await producer.start()
    try:
        for key, value in records:
            await producer.send_and_wait(topic, value=value, key=key, headers=[("from", b"elsewhere")])
    finally:
        await producer.stop()


async def test_hostile_messages_between_good_ones(broker: Broker, connect: Connect, url: str) -> None:
    """Every good reading is stored once; every bad message is a dead letter with its reason and bytes."""
    transport = connect(broker.bootstrap)
    await to_thread.run_sync(broker.create_topic, transport.topic, 1)
    good = [(KEY, record.value) for record in encode([observation(5 * n) for n in range(len(HOSTILE))])]
    mixed = [each for pair in zip(good, [(key, value) for _, key, value in HOSTILE], strict=True) for each in pair]
    await send(broker.bootstrap, transport.topic, mixed)
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await taken(registry, len(mixed))
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(len(good),)]
    letters = rows(url, "SELECT offset, key, value, size FROM dead_letters ORDER BY offset")
    assert [offset for offset, *_ in letters] == list(range(1, len(mixed), 2))
    for (name, key, value), (_, kept_key, kept_value, size) in zip(HOSTILE, letters, strict=True):
        assert kept_key == key, name
        assert size == len(value or b""), name
        assert kept_value == (None if value is None else value[:65_536]), name


async def test_impossible_values_of_other_programs(broker: Broker, connect: Connect, url: str) -> None:
    """Only the impossible value is left out: the reading is stored and flagged, the value counted, without a dead
    letter."""
    transport = connect(broker.bootstrap)
    await to_thread.run_sync(broker.create_topic, transport.topic, 1)
    patients = [uuid_of_name(name) for name in IMPLAUSIBLE]
    values = [
        data.replace(str(ANNA).encode(), str(patient).encode())
        for patient, (data, *_) in zip(patients, IMPLAUSIBLE.values(), strict=True)
    ]
    epoch = b'{"patient_uuid": "%s", "timestamp": 1795869100.5461085, "pulse": 70}' % KEY
    await send(broker.bootstrap, transport.topic, [(None, each) for each in [*values, epoch]])
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await taken(registry, len(values) + 1)
    assert rows(url, "SELECT reason, detail FROM dead_letters") == []
    flagged = dict(rows(url, "SELECT uuid, quality FROM patient_metrics JOIN patients ON patients.id = patient_id"))
    for patient, (name, (*_, came)) in zip(patients, IMPLAUSIBLE.items(), strict=True):
        signs = came.keys() - {"interval", "bp_measured_at"}
        assert json.loads(flagged[str(patient)] or "{}") == dict.fromkeys(signs, "implausible"), name
    for field, count in Counter(field for *_, came in IMPLAUSIBLE.values() for field in came).items():
        assert registry.get_sample_value("icu_sink_implausible_total", {"sign": field}) == count, field
    assert rows(url, "SELECT timestamp, pulse FROM patient_metrics ORDER BY timestamp DESC LIMIT 1") == [
        (1_795_869_100_546, 7000)
    ]


async def test_ten_megabytes_are_no_harm(kafka: ApacheKafka, connect: Connect, url: str) -> None:
    """Messages larger than ours, which the topic accepts, do not stop the sink."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(partial(kafka.create_topic, transport.topic, 1, config={"max.message.bytes": "20000000"}))
    [good] = encode([observation()])
    await send(kafka.bootstrap, transport.topic, [(KEY, b'"' + b"x" * 10_000_000 + b'"'), (KEY, good.value)])
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await taken(registry, 2)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]
    assert rows(url, "SELECT reason, size FROM dead_letters") == [("oversize", 10_000_002)]


async def test_a_sink_goes_on_where_the_database_says(broker: Broker, connect: Connect, url: str) -> None:
    """A new sink stores the records that came meanwhile, each once and in order, by the offsets of the database."""
    transport = connect(broker.bootstrap)
    await to_thread.run_sync(broker.create_topic, transport.topic, 1)
    for life in range(3):
        await transport.publish(encode([observation(100 * life + n) for n in range(10)]))
        registry = CollectorRegistry()
        async with running(transport, url, registry):
            await taken(registry, 10)
        assert registry.get_sample_value("icu_sink_duplicates_total") == 0
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(30,)]
    assert rows(url, "SELECT log, next FROM consumer_offsets") == [(1, 30)]


async def test_a_lost_log_is_reported_and_read_from_its_beginning(
    kafka: ApacheKafka, connect: Connect, url: str
) -> None:
    """When the broker comes back empty, the sink reads the new log from its beginning, and keeps the old rows."""
    transport = connect(kafka.bootstrap, topic="icu.lost")
    await transport.publish(encode([observation(n) for n in range(10)]))
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await taken(registry, 10)
        await to_thread.run_sync(kafka.kill)
        kafka.wipe()
        await to_thread.run_sync(kafka.start)
        with anyio.fail_after(TIMEOUT):
            await transport.publish(encode([observation(1_000 + n) for n in range(4)]))
        await taken(registry, 14)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(14,)]
    assert rows(url, "SELECT log, next FROM consumer_offsets") == [(2, 4)]


@pytest.mark.parametrize("key", [None, b"bed 7"])
async def test_records_of_other_programs(broker: Broker, connect: Connect, url: str, key: bytes | None) -> None:
    """A reading without a key, or with one that is no uuid, is stored."""
    transport = connect(broker.bootstrap)
    await to_thread.run_sync(broker.create_topic, transport.topic, 1)
    [record] = encode([observation()])
    await send(broker.bootstrap, transport.topic, [(key, record.value)])
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await taken(registry, 1)
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]
