"""The Kafka transport while its broker dies, freezes, and comes back with or without its disk."""

from collections.abc import Sequence

import anyio
import pytest
from anyio import to_thread

from icu.messages import Position, Record
from icu.transports.base import Consumer, Transport
from icu.transports.kafka import producer
from icu.transports.kafka.errors import KafkaError, KafkaRefusedError
from tests.brokers import ApacheKafka
from tests.integration.conftest import Connect
from tests.processes import TIMEOUT


def records(first: int, last: int) -> list[Record]:
    """Make numbered records of one key."""
    return [Record(b"bed", str(number).encode()) for number in range(first, last)]


async def on_topic(transport: Transport, count: int) -> list[int]:
    """Return the numbers on the topic, in order, once there are `count` different ones."""
    found: list[int] = []
    async with transport.consumer() as consumer:
        await consumer.assign({})
        with anyio.fail_after(TIMEOUT):
            while len(set(found)) < count:
                found += await fetched(consumer)
    return found


async def fetched(consumer: Consumer) -> list[int]:
    """Return the numbers of the next fetch."""
    batches = await consumer.fetch(max_records=100_000, linger=0, max_wait=1)
    return [int(each.value or b"") for batch in batches for each in batch.deliveries]


def first_occurrences(numbers: Sequence[int]) -> list[int]:
    """Return each number once, in the order of its first place: the rows of a sink that ignores repetitions."""
    return list(dict.fromkeys(numbers))


async def restart(kafka: ApacheKafka) -> None:
    """Kill the broker and start it again on its disk."""
    await to_thread.run_sync(kafka.kill)
    await to_thread.run_sync(kafka.start)


async def test_nothing_is_lost_while_the_broker_is_killed_and_started_again(
    kafka: ApacheKafka, connect: Connect
) -> None:
    """A publisher waits and goes on by itself: every record is in the log, in order."""
    transport = connect(kafka.bootstrap)
    async with anyio.create_task_group() as group:
        await transport.publish(records(0, 10))
        group.start_soon(restart, kafka)
        with anyio.fail_after(TIMEOUT):
            for number in range(10, 40):
                await transport.publish(records(number, number + 1))
                await anyio.sleep(0.1)
    assert transport.trouble is None
    assert first_occurrences(await on_topic(transport, 40)) == list(range(40))


async def test_a_producer_that_gets_no_answer_is_thrown_away(
    kafka: ApacheKafka, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a frozen broker does not answer, trouble is reported, and a new producer delivers."""
    monkeypatch.setattr(producer, "ACKNOWLEDGING_DEADLINE", 1.0)
    transport = connect(kafka.bootstrap)
    await transport.publish(records(0, 5))
    kafka.suspend()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(transport.publish, records(5, 10))
            with anyio.fail_after(TIMEOUT):
                while transport.trouble is None:
                    await anyio.sleep(0.05)
            assert "Kafka" in transport.trouble
            kafka.resume()
            with anyio.fail_after(TIMEOUT):
                await transport.publish(records(10, 15))
    finally:
        kafka.resume()
    assert transport.trouble is None
    assert set(await on_topic(transport, 15)) == set(range(15))


async def test_a_reader_notices_that_the_broker_is_away_and_goes_on(kafka: ApacheKafka, connect: Connect) -> None:
    """fetch raises KafkaError, which aiokafka never does; assign waits for the broker, reports trouble, and resumes."""
    transport = connect(kafka.bootstrap)
    await transport.publish(records(0, 5))
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=5, linger=0, max_wait=5)
        await to_thread.run_sync(kafka.kill)
        with anyio.fail_after(TIMEOUT), pytest.raises(KafkaError):
            while True:
                await consumer.fetch(max_records=5, linger=0, max_wait=0.5)
        async with anyio.create_task_group() as group:

            async def back_again() -> None:
                while transport.trouble is None:
                    await anyio.sleep(0.05)
                assert "start a broker" in transport.trouble
                assert transport.degraded is None  # it goes on by itself
                await to_thread.run_sync(kafka.start)

            group.start_soon(back_again)
            with anyio.fail_after(TIMEOUT):
                assignment = (await consumer.assign({0: batch.position}))[0]
        assert not assignment.other_log
        await transport.publish(records(5, 8))
        assert await fetched(consumer) == [5, 6, 7]


@pytest.mark.parametrize("new_cluster", [False, True])
async def test_a_broker_that_lost_its_disk_has_another_log(
    kafka: ApacheKafka, connect: Connect, *, new_cluster: bool
) -> None:
    """A lost log is recognised by cluster id or by the record before the stored position, and read from its
    beginning."""
    transport = connect(kafka.bootstrap, topic=f"icu.lost.{new_cluster}")
    await transport.publish(records(0, 5))
    async with transport.consumer() as consumer:
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=5, linger=0, max_wait=5)
    await transport.aclose()
    await to_thread.run_sync(kafka.kill)
    kafka.wipe(new_cluster=new_cluster)
    await to_thread.run_sync(kafka.start)
    transport = connect(kafka.bootstrap, topic=f"icu.lost.{new_cluster}")
    await transport.publish(records(100, 120))
    async with transport.consumer() as consumer:
        assignment = (await consumer.assign({0: batch.position}))[0]
        assert assignment.other_log
        assert assignment.position.next == 0
        assert await fetched(consumer) == list(range(100, 120))


async def test_a_topic_is_made_where_it_is_missing(kafka: ApacheKafka, connect: Connect) -> None:
    """A missing topic is made with the configured partitions; an existing one keeps its number."""
    async with connect(kafka.bootstrap, partitions=3).consumer() as consumer:
        assert set(await consumer.assign({})) == {0, 1, 2}
    async with connect(kafka.bootstrap, partitions=9).consumer() as consumer:
        assert set(await consumer.assign({})) == {0, 1, 2}


async def test_a_topic_that_may_not_be_made_is_refused(kafka: ApacheKafka, connect: Connect) -> None:
    """A permanent refusal ends the wait, and the error says whom to ask."""
    transport = connect(kafka.bootstrap, topic="..")
    with anyio.fail_after(TIMEOUT), pytest.raises(KafkaRefusedError, match="ask whoever runs the broker"):
        await transport.publish(records(0, 1))


async def test_a_position_of_the_memory_transport_is_begun_anew(kafka: ApacheKafka, connect: Connect) -> None:
    """A database from the memory transport is kept, and the topic is read from its beginning."""
    transport = connect(kafka.bootstrap)
    await transport.publish(records(0, 3))
    async with transport.consumer() as consumer:
        assert (await consumer.assign({0: Position(2, "0123456789abcdef")}))[0].other_log
        assert await fetched(consumer) == [0, 1, 2]


async def test_a_broker_that_freezes_after_the_assignment_has_answered_no_fetch(
    kafka: ApacheKafka, connect: Connect
) -> None:
    """Fetches that a frozen broker leaves empty are no answers; the first one that it answers is, though empty."""
    transport = connect(kafka.bootstrap)
    async with transport.consumer() as consumer:
        await consumer.assign({})
        kafka.suspend()
        try:
            for _ in range(5):
                assert await consumer.fetch(max_records=1, linger=0, max_wait=0.2) == []
                assert not consumer.answered
        finally:
            kafka.resume()
        with anyio.fail_after(TIMEOUT):
            while not consumer.answered:
                assert await consumer.fetch(max_records=1, linger=0, max_wait=0.2) == []
