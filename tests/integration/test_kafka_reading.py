"""Records of other programs: compressed, in transactions, damaged, and on new partitions."""

from collections.abc import Awaitable, Callable
from functools import partial
from zlib import crc32

import aiokafka.codec
import anyio
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewPartitions
from anyio import to_thread
from loguru import logger

from icu.messages import Position
from icu.transports.kafka import faults, polling, progress, reader
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import ApacheKafka, admin
from tests.integration.conftest import Connect
from tests.integration.followers import following, foreign, send
from tests.processes import TIMEOUT


async def committed(kafka: ApacheKafka, topic: str, partition: int = 0) -> int:
    """Return the committed offset of the sink's group, which lag tools read."""
    offsets = await to_thread.run_sync(
        admin.ask, kafka.bootstrap, lambda client: client.list_consumer_group_offsets("icu-sink")
    )
    return int(offsets[TopicPartition(topic, partition)].offset)


def is_degraded(transport: KafkaTransport) -> Callable[[], Awaitable[bool]]:
    """Check if a partition cannot be read."""

    async def degraded() -> bool:
        return transport.degraded is not None

    return degraded


@pytest.fixture
def lines() -> list[str]:
    """The messages that are logged as warnings or worse."""
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    return lines


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_of_kafka_is_read(kafka: ApacheKafka, connect: Connect, codec: str) -> None:
    """Records with every compression of Kafka are read."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    async with foreign(kafka, compression_type=codec) as producer, following(transport) as follower:
        await send(producer, transport.topic, range(20))
        assert await follower.read(20) == list(range(20))


async def test_what_cannot_be_read_stops_its_own_partition_alone(
    kafka: ApacheKafka, connect: Connect, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    """An unreadable partition is named once, with offset and advice; the others go on, and it is read as soon as
    it can be."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 2)
    async with foreign(kafka) as plain, foreign(kafka, compression_type="zstd") as zstd:
        await send(plain, transport.topic, [0, 1])
        await send(zstd, transport.topic, [2, 3])
        monkeypatch.setattr(aiokafka.codec, "cramjam", None)  # as it is where nobody installed the codecs
        async with following(transport) as follower:
            assert await follower.read(2) == [0, 1]
            for count, number in enumerate(range(10, 40), start=3):
                await send(plain, transport.topic, [number], partition=1)
                assert (await follower.read(count))[-1] == number
                await follower.fetch()
            assert transport.degraded is not None
            assert transport.degraded.startswith(f"partition 0 of {transport.topic} cannot be read at offset 2")
            assert "pip install 'aiokafka[snappy,lz4,zstd]'" in transport.degraded
            assert await follower.has_lag(2)
            assert len(lines) == 1
            monkeypatch.undo()
            assert (await follower.read(34))[-2:] == [2, 3]
            assert transport.degraded is None


async def test_damaged_records_can_be_given_up(kafka: ApacheKafka, connect: Connect, lines: list[str]) -> None:
    """The message about a damaged partition says how to skip the records, and it is read on behind them then."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 2)
    async with foreign(kafka) as producer:
        await send(producer, transport.topic, range(5))
        await send(producer, transport.topic, range(777_770, 777_780))
        await send(producer, transport.topic, range(20, 25), partition=1)
    await to_thread.run_sync(kafka.stop)
    kafka.damage(transport.topic, 0, b"777775")
    await to_thread.run_sync(kafka.start)
    async with following(transport) as follower:
        assert sorted(await follower.read(10)) == [*range(5), *range(20, 25)]
        await follower.until(is_degraded(transport))
        assert transport.degraded is not None
        assert transport.degraded.startswith(f"partition 0 of {transport.topic} cannot be read at offset 5")
        assert "kafka-delete-records" in transport.degraded
        assert await follower.has_lag(10)
        async with foreign(kafka) as producer:
            await send(producer, transport.topic, [30])
        await to_thread.run_sync(kafka.delete_records, transport.topic, 0, 15)
        assert (await follower.read(11))[-1] == 30
        assert transport.degraded is None
        assert (follower.other_logs, follower.lost) == (0, 10)
    assert len(lines) == 1


async def test_records_that_the_broker_does_not_deliver_are_named(
    kafka: ApacheKafka, connect: Connect, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    """Records that the broker withholds, with errors or empty answers, are named, since it reports them as present."""
    monkeypatch.setattr(progress, "STALLED_AFTER", 1.0)
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 2)
    async with foreign(kafka) as producer:
        await send(producer, transport.topic, range(5))
        async with following(transport) as follower:
            with kafka.robbed(transport.topic, 0):
                await follower.until(is_degraded(transport))
                assert transport.degraded is not None
                assert "at offset 0: its broker has records there and delivers none" in transport.degraded
                await send(producer, transport.topic, [20], partition=1)
                assert await follower.read(1) == [20]
                later = anyio.current_time() + 2 * faults.FIRST_PAUSE + reader.SINGLE_PARTITION_TIMEOUT
                while anyio.current_time() < later:  # it is tried again meanwhile
                    await follower.fetch()
                    assert transport.degraded is not None
                assert await follower.has_lag(5)
            assert await follower.read(6) == [20, *range(5)]
            assert transport.degraded is None
    assert len(lines) == 1


async def test_a_partition_that_others_keep_waiting_is_not_stalled(
    kafka: ApacheKafka, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition does not count as stalled while each fetch is filled by others."""
    monkeypatch.setattr(progress, "STALLED_AFTER", 0.1)
    monkeypatch.setattr(polling, "POLL_INTERVAL", 0.05)
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 2)
    async with foreign(kafka) as producer, transport.consumer() as consumer:
        for partition in range(2):
            await send(producer, transport.topic, range(500), partition)
        await consumer.assign({})
        count = 0
        while count < 1_000:
            found = await consumer.fetch(max_records=5, linger=0, max_wait=1)
            count += sum(len(batch.deliveries) for batch in found)
            await anyio.sleep(0.01)
            assert transport.degraded is None


async def test_aborted_records_are_not_read(kafka: ApacheKafka, connect: Connect) -> None:
    """The lag reaches 0 behind the markers of transactions too, for us and for lag tools."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    async with foreign(kafka, transactional_id=transport.topic) as producer, following(transport) as follower:
        async with producer.transaction():
            await producer.send(transport.topic, b"1")
        await producer.begin_transaction()
        await producer.send(transport.topic, b"666")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(transport.topic, b"2")
        assert await follower.read(2) == [1, 2]
        await follower.until(partial(follower.has_lag, 0))

        async def committed_to_the_end() -> bool:
            return await committed(kafka, transport.topic) == 6

        await follower.until(committed_to_the_end)
        assert follower.positions[0].next == 5
    assert follower.numbers == [1, 2]
    async with following(transport, follower.positions) as again:
        await again.until(partial(again.has_lag, 0))
    assert (again.numbers, again.other_logs, again.lost) == ([], 0, 0)


async def test_markers_and_open_transactions_are_no_backlog(kafka: ApacheKafka, connect: Connect) -> None:
    """A batch whose partition holds but markers and an open transaction behind it says that there is no more."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    async with foreign(kafka, transactional_id=transport.topic) as producer, transport.consumer() as consumer:
        async with producer.transaction():
            await producer.send(transport.topic, b"0")
            await producer.send(transport.topic, b"1")
        await producer.begin_transaction()
        await producer.send_and_wait(transport.topic, b"2")
        await consumer.assign({})
        fetched = [
            *await consumer.fetch(max_records=1, linger=0, max_wait=TIMEOUT),
            *await consumer.fetch(max_records=1_000, linger=0, max_wait=TIMEOUT),
        ]
        await producer.commit_transaction()
        fetched += await consumer.fetch(max_records=1_000, linger=0, max_wait=TIMEOUT)
    assert [(len(each.deliveries), each.more) for each in fetched] == [(1, True), (1, False), (1, False)]


async def test_an_open_transaction_is_waited_for_and_named(
    kafka: ApacheKafka, connect: Connect, monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    """Records behind an open transaction are neither read nor counted as lag; one that stays open is named with
    its offset."""
    monkeypatch.setattr(progress, "OPEN_AFTER", 1.0)
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    async with (
        foreign(kafka) as plain,
        foreign(kafka, transactional_id=transport.topic) as producer,
        following(transport) as follower,
    ):
        await send(plain, transport.topic, [0])
        await producer.begin_transaction()
        await producer.send_and_wait(transport.topic, b"1")
        await send(plain, transport.topic, [2])

        async def named() -> bool:
            return transport.trouble is not None

        await follower.until(named)
        assert f"open at offset 1 of partition 0 of {transport.topic}" in str(transport.trouble)
        assert transport.sending_trouble is None
        assert len(lines) == 1
        assert follower.numbers == [0]
        assert await follower.has_lag(0)
        await producer.commit_transaction()
        assert await follower.read(3) == [0, 1, 2]

        async def well() -> bool:
            return transport.trouble is None

        await follower.until(well)


async def test_a_position_behind_the_stable_offset_is_of_the_same_log(kafka: ApacheKafka, connect: Connect) -> None:
    """A database with records of open transactions, from an older version, does not cause the topic to be read
    again."""
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    async with foreign(kafka) as plain, foreign(kafka, transactional_id=transport.topic) as producer:
        await send(plain, transport.topic, [0])
        await producer.begin_transaction()
        written = await producer.send_and_wait(transport.topic, b"1", key=b"bed")
        async with transport.consumer() as consumer:
            cluster = (await consumer.assign({}))[0].position.mark
        stored = Position(2, f"{cluster}{written.timestamp}-{crc32(b'bed'):08x}")
        async with following(transport, {0: stored}) as follower:
            assert follower.other_logs == 0
            assert follower.positions == {0: stored}
            await producer.commit_transaction()
            await send(plain, transport.topic, [2])
            assert await follower.read(1) == [2]
            await follower.until(partial(follower.has_lag, 0))


async def test_new_partitions_are_found_though_the_topic_is_never_silent(
    kafka: ApacheKafka, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records on a new partition are read soon, also while the other partitions are busy."""
    monkeypatch.setitem(reader.OPTIONS, "metadata_max_age_ms", 500)
    transport = connect(kafka.bootstrap)
    await to_thread.run_sync(kafka.create_topic, transport.topic, 1)
    async with foreign(kafka, metadata_max_age_ms=500) as producer, following(transport) as follower:
        await to_thread.run_sync(
            admin.ask,
            kafka.bootstrap,
            lambda client: client.create_partitions({transport.topic: NewPartitions(total_count=2)}),
        )
        with anyio.fail_after(TIMEOUT):
            while len(await producer.partitions_for(transport.topic)) < 2:
                await anyio.sleep(0.05)
        await send(producer, transport.topic, [1_000], partition=1)
        with anyio.fail_after(TIMEOUT):
            number = 0
            while 1_000 not in follower.numbers:
                await send(producer, transport.topic, [number])
                number += 1
                await follower.fetch()
        assert [each for each in await follower.read(number + 1) if each != 1_000] == list(range(number))
