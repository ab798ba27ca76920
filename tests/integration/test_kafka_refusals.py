"""Records that a broker refuses: publishers go on, and the other records arrive, in order."""

import gc
import re
from collections.abc import AsyncIterator, Iterator, Sequence

import anyio
import pytest
from aiokafka import errors as kafka_errors
from anyio import to_thread
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.messages import Delivery, Record, encode
from icu.patient.emulator import emulate
from icu.patient.telemetry import Telemetry
from icu.transports.base import Transport
from icu.transports.kafka.batches import partition_of
from icu.transports.kafka.transport import KafkaTransport
from icu.transports.sending import CAPACITY, SendBuffer
from tests.brokers import ApacheKafka, MockKafka
from tests.integration.conftest import NUMBERS, Connect
from tests.processes import TIMEOUT
from tests.samples import observation

# The bytes of a batch that the topics of these tests take.
LIMIT = 3_000

TOO_LARGE = {kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError}


@pytest.fixture(autouse=True)
async def nothing_unread(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Fail if an error was never retrieved when its future was collected; AnyIO's runner raises it, asyncio logs it."""
    yield
    gc.collect()
    assert not [each.getMessage() for each in caplog.records if each.name == "asyncio"]


@pytest.fixture
def log_lines() -> list[str]:
    """The log from here on."""
    lines: list[str] = []
    logger.add(lambda line: lines.append(line.record["message"]), level="INFO")
    return lines


@pytest.fixture
def small(kafka: ApacheKafka, connect: Connect) -> KafkaTransport:
    """A transport to a topic of three partitions that takes only small batches."""
    topic = f"icu.small.{next(NUMBERS)}"
    kafka.create_topic(topic, 3, {"max.message.bytes": str(LIMIT)})
    return connect(kafka.bootstrap, partitions=3, topic=topic)


@pytest.fixture(scope="module")
def mock() -> Iterator[MockKafka]:
    """A broker with chosen answers."""
    broker = MockKafka()
    broker.start()
    yield broker
    broker.stop()


def keys() -> list[bytes]:
    """A key for each of three partitions."""
    candidates = [b"bed-%d" % number for number in range(100)]
    return [next(key for key in candidates if partition_of(key, 3) == partition) for partition in range(3)]


def records(key: bytes, numbers: range) -> list[Record]:
    """Records of about 230 bytes whose value begins with a number."""
    return [Record(key, b"%d %0200d" % (number, 0)) for number in numbers]


async def on_topic(transport: Transport) -> dict[bytes | None, list[int]]:
    """Return the numbers of each key on the topic, in order."""
    found: list[Delivery] = []
    async with transport.consumer() as consumer:
        await consumer.assign({})
        while await consumer.lag():
            for batch in await consumer.fetch(max_records=100_000, linger=0, max_wait=5):
                found += batch.deliveries
    return {
        key: [int((each.value or b"").split()[0]) for each in found if each.key == key]
        for key in {each.key for each in found}
    }


def splits(log_lines: Sequence[str]) -> int:
    """Count how often a batch was too large."""
    return sum("takes no batch of" in line for line in log_lines)


async def test_a_batch_that_is_too_large_is_split(small: KafkaTransport, log_lines: list[str]) -> None:
    """Each record arrives once and in order, and the next batches are no larger than what passed."""
    key = keys()[0]
    with anyio.fail_after(TIMEOUT):
        assert not await small.publish(records(key, range(CAPACITY)))
        needed = splits(log_lines)
        assert not await small.publish(records(key, range(CAPACITY, 2 * CAPACITY)))
    assert needed > 0
    assert splits(log_lines) == needed
    assert small.trouble is None
    assert await on_topic(small) == {key: list(range(2 * CAPACITY))}


@pytest.mark.parametrize("count", [15, 50, CAPACITY])
async def test_batches_are_split_no_further_than_they_must(
    count: int, small: KafkaTransport, log_lines: list[str]
) -> None:
    """The final batch size is more than half of the topic's limit."""
    await small.publish(records(keys()[0], range(count)))
    [*_, last] = [line for line in log_lines if "takes no batch of" in line]
    most = re.search(r"they have (\d+) at most", last)
    assert most
    assert LIMIT / 2 < int(most[1]) <= LIMIT


async def test_only_what_was_refused_is_sent_again(small: KafkaTransport) -> None:
    """Partitions that accepted their batch do not get it a second time."""
    first, second, third = keys()
    sent = [
        *records(first, range(2)),
        *records(second, range(200)),
        *records(third, range(100)),
        *records(first, range(2, 4)),
    ]
    with anyio.fail_after(TIMEOUT):
        assert not await small.publish(sent)
    assert await on_topic(small) == {first: [0, 1, 2, 3], second: list(range(200)), third: list(range(100))}


async def test_a_record_that_is_too_large_alone_is_dropped(small: KafkaTransport, log_lines: list[str]) -> None:
    """Publish returns the record, the log has its size, and the records around it arrive once and in order."""
    key = keys()[1]
    good, large = records(key, range(60)), [Record(key, b"%d " % n + bytes(LIMIT)) for n in range(100, 103)]
    with anyio.fail_after(TIMEOUT):
        refused = await small.publish([large[0], *good[:30], large[1], *good[30:], large[2]])
    assert refused == large
    assert await on_topic(small) == {key: list(range(60))}
    [complaint] = [line for line in log_lines if "dropped" in line]
    assert small.topic in complaint
    assert f"{LIMIT + 79} bytes, raise its max.message.bytes" in complaint


async def test_each_publisher_gets_the_result_of_its_own_records(small: KafkaTransport) -> None:
    """Records published at the same time are sent together, and each publisher gets the result of its own."""
    key = keys()[0]
    large = {n: Record(key, b"%d " % n + bytes(LIMIT)) for n in range(3)}
    refused: dict[int, Sequence[Record]] = {}

    async def publish(number: int) -> None:
        refused[number] = await small.publish([large[number], *records(key, range(10 * number, 10 * number + 5))])

    with anyio.fail_after(TIMEOUT):
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(publish, number)
    assert refused == {number: [record] for number, record in large.items()}
    assert sorted((await on_topic(small))[key]) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24]


async def test_a_record_larger_than_a_batch_is_sent_alone(kafka: ApacheKafka, connect: Connect) -> None:
    """A record larger than a batch, which the topic accepts, arrives between its neighbours."""
    transport = connect(kafka.bootstrap)
    around = records(b"bed", range(3))
    with anyio.fail_after(TIMEOUT):
        assert not await transport.publish([around[0], Record(b"bed", b"1 " + bytes(800_000)), around[2]])
    assert await on_topic(transport) == {b"bed": [0, 1, 2]}


async def test_a_patient_with_an_hour_behind_it_goes_on(small: KafkaTransport) -> None:
    """Pending records of an outage are delivered in several batches, except for any that the topic refuses."""
    readings = encode([observation(number) for number in range(CAPACITY - 1)])
    buffer, telemetry = SendBuffer(), Telemetry(CollectorRegistry())
    buffer.put([*readings, Record(readings[0].key, bytes(LIMIT))])
    telemetry.count_produced(CAPACITY, dropped=0)
    with anyio.fail_after(TIMEOUT):
        await emulate(bays=[], buffer=buffer, transport=small, telemetry=telemetry)
    figures = {
        name: getattr(telemetry, name)._value.get() for name in ("_produced", "_delivered", "_dropped", "_buffered")
    }
    assert figures == {"_produced": CAPACITY, "_delivered": CAPACITY - 1, "_dropped": 1, "_buffered": 0}
    async with small.consumer() as consumer:
        await consumer.assign({})
        assert await consumer.lag() == CAPACITY - 1


async def test_a_topic_that_takes_nothing_is_waited_for(kafka: ApacheKafka, connect: Connect) -> None:
    """A refusal for another reason than size drops no record: it is reported, and the records are sent when it ends."""
    topic = f"icu.refusing.{next(NUMBERS)}"
    # As for a clock that is wrong: records are older than they may be, all but those of this millisecond.
    many = records(b"bed", range(2_000))
    kafka.create_topic(topic, 1, {"message.timestamp.before.max.ms": "0"})
    transport = connect(kafka.bootstrap, topic=topic)
    with anyio.fail_after(TIMEOUT):
        async with anyio.create_task_group() as group:
            group.start_soon(transport.publish, many)
            while transport.trouble is None:
                await anyio.sleep(0.05)
            assert "InvalidTimestampError" in transport.trouble
            await to_thread.run_sync(kafka.configure_topic, topic, {"message.timestamp.before.max.ms": "86400000"})
    assert transport.trouble is None
    assert await on_topic(transport) == {b"bed": list(range(len(many)))}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, id=kind.__name__)
        for kind in kafka_errors.kafka_errors.values()
        if kind not in {kafka_errors.NoError, kafka_errors.DuplicateSequenceNumber}
    ],
)
async def test_no_answer_of_a_broker_ends_a_publisher(
    kind: type[kafka_errors.BrokerResponseError], mock: MockKafka, connect: Connect
) -> None:
    """No error of a broker ends a publisher: records that are too large are dropped, all others arrive.

    A duplicate is no refusal, for it says that the batch is in the log already.
    """
    topic = f"icu.mock.{next(NUMBERS)}"
    mock.create_topic(topic, 1)
    transport = connect(mock.bootstrap, topic=topic)
    await transport.publish(records(b"bed", range(1)))
    mock.refuse_next_produce(kind.errno)
    sent = records(b"bed", range(1, 2))
    with anyio.fail_after(TIMEOUT):
        refused = await transport.publish(sent)
        await transport.publish(records(b"bed", range(2, 3)))
    assert list(refused) == (sent if kind in TOO_LARGE else [])
    assert await on_topic(transport) == {b"bed": [0, 2] if kind in TOO_LARGE else [0, 1, 2]}
