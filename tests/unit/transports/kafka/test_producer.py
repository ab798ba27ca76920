"""Records are sent in order and once, with any answer of the broker. On virtual time."""

import asyncio
import gc
from collections.abc import Sequence
from typing import Any

import anyio
import pytest
from aiokafka import errors as kafka
from aiokafka.producer.message_accumulator import BatchBuilder

from icu.messages import Record
from icu.transports.errors import TransportClosedError
from icu.transports.kafka.batches import partition_of
from icu.transports.kafka.producer import (
    ACKNOWLEDGING_DEADLINE,
    BATCH_BYTES,
    GROW_EVERY,
    SLOW_ACKNOWLEDGEMENT,
    _handed_over,
)
from icu.transports.kafka.transport import KafkaTransport
from tests.clocks import virtual_asyncio
from tests.unit.transports.kafka.cluster import TOPIC, Cluster, Producer

KEYS = [b"anna", b"boris", b"chiara", b"dmitri"]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_asyncio()


def records(numbers: range, *, size: int = 20) -> list[Record]:
    """Make a record of each key for each number, with the number as its value."""
    return [Record(key, str(number).zfill(size).encode()) for number in numbers for key in KEYS]


def in_log(cluster: Cluster) -> dict[bytes, list[int]]:
    """Return the numbers of each key, in the order of its log."""
    found: dict[bytes, list[int]] = {key: [] for key in KEYS}
    for log in cluster.logs.values():
        for each in log:
            found[each.key or b""].append(int((each.value or b"")[-20:]))
    return found


def clients(cluster: Cluster) -> list[Producer]:
    """Return all producers that were made."""
    return [each for each in cluster.clients if isinstance(each, Producer)]


async def test_each_record_once_and_in_order(cluster: Cluster, transport: KafkaTransport) -> None:
    """One idempotent client with acks=all sends a batch for each partition."""
    assert await transport.publish(records(range(10))) == ()
    assert await transport.publish(records(range(10, 20))) == ()
    assert in_log(cluster) == {key: list(range(20)) for key in KEYS}
    [client] = clients(cluster)
    assert client.options["bootstrap_servers"] == ["127.0.0.1:9092"]
    assert (client.options["acks"], client.options["enable_idempotence"]) == ("all", True)
    assert len(cluster.batches) == 2 * len({partition_of(key, 2) for key in KEYS})


async def test_more_than_a_batch_holds(cluster: Cluster, transport: KafkaTransport) -> None:
    """More records than a batch holds are sent in several, one after the other."""
    await transport.publish(records(range(10), size=BATCH_BYTES // 5))
    assert in_log(cluster) == {key: list(range(10)) for key in KEYS}


async def test_batches_that_are_too_large_are_split(
    cluster: Cluster, transport: KafkaTransport, lines: list[str]
) -> None:
    """A batch that is too large is split until it fits, without trouble, repetition or change of order."""
    cluster.largest = 900
    assert await transport.publish(records(range(100))) == ()
    assert in_log(cluster) == {key: list(range(100)) for key in KEYS}
    before = len(clients(cluster))
    await transport.publish(records(range(100, 200)))
    assert len(clients(cluster)) == before
    assert lines == []


async def test_they_are_split_by_the_smallest(cluster: Cluster, transport: KafkaTransport) -> None:
    """The new size is half of the smallest refused batch, since larger ones were refused too."""
    few, many = (next(key for key in KEYS if partition_of(key, 2) == each) for each in (0, 1))
    sent = [Record(key, b"%020d" % n) for key, count in ((few, 10), (many, 100)) for n in range(count)]
    smallest = BatchBuilder(BATCH_BYTES, 0)
    for each in sent[:10]:
        smallest.append(timestamp=None, key=each.key, value=each.value)
    cluster.largest = smallest.size() - 1
    await transport.publish(sent)
    assert [client.options["max_batch_size"] for client in clients(cluster)] == [BATCH_BYTES, smallest.size() // 2]


async def test_they_grow_again(cluster: Cluster, transport: KafkaTransport) -> None:
    """Each hour batches may be twice as large again, up to the usual size, once the broker takes them."""
    cluster.largest = BATCH_BYTES // 3
    sent = records(range(10), size=BATCH_BYTES // 10)
    await transport.publish(sent)
    small = clients(cluster)[-1].options["max_batch_size"]
    assert BATCH_BYTES / 8 < small < BATCH_BYTES / 2
    cluster.largest = BATCH_BYTES
    await anyio.sleep(GROW_EVERY - 1)
    await transport.publish(sent)
    assert clients(cluster)[-1].options["max_batch_size"] == small
    for _ in range(5):
        await anyio.sleep(GROW_EVERY)
        await transport.publish(sent)
    sizes = [client.options["max_batch_size"] for client in clients(cluster)]
    assert sizes[sizes.index(small) :] == sorted({min(BATCH_BYTES, small * 2**n) for n in range(5)})
    assert in_log(cluster) == {key: 7 * list(range(10)) for key in KEYS}


async def test_they_shrink_again_where_the_broker_stays_the_same(cluster: Cluster, transport: KafkaTransport) -> None:
    """Batches that grew too large are split again: nothing is lost, repeated or out of order."""
    cluster.largest = 900
    for each in range(3):
        assert await transport.publish(records(range(100 * each, 100 * each + 100))) == ()
        await anyio.sleep(GROW_EVERY)
    assert in_log(cluster) == {key: list(range(300)) for key in KEYS}
    assert clients(cluster)[-1].options["max_batch_size"] <= 900


@pytest.mark.parametrize(
    ("call", "doing", "seconds"), [("partitions_for", "asking for partitions", 5), ("send_batch", "sending", 10)]
)
async def test_a_call_that_hangs_is_given_up(
    cluster: Cluster, transport: KafkaTransport, call: str, doing: str, seconds: int
) -> None:
    """A hanging call is given up, and the next attempt uses a new client."""
    cluster.hanging.add(call)
    async with anyio.create_task_group() as group:
        group.start_soon(transport.publish, [Record(KEYS[0], b"0")])
        await anyio.sleep(seconds + 0.001)
        assert transport.sending_trouble == f"sending to Kafka: {doing}: no answer within {seconds} s"
        cluster.hanging.clear()
    assert in_log(cluster)[KEYS[0]] == [0]
    assert len(clients(cluster)) == 2


async def test_a_record_that_is_too_large_is_given_back(
    cluster: Cluster, transport: KafkaTransport, lines: list[str]
) -> None:
    """Only the record that is too large is returned: those before and behind it are in the log."""
    cluster.largest = 500
    sent = records(range(30))
    huge = Record(KEYS[0], bytes(1_000))
    sent.insert(50, huge)
    assert await transport.publish(sent) == [huge]
    assert in_log(cluster) == {key: list(range(30)) for key in KEYS}
    assert len(lines) == 1
    assert f"the topic {TOPIC} takes none of 1" in lines[0]
    assert lines[0].endswith("(1 so far)")


async def test_dropped_records_are_logged_now_and_then(
    cluster: Cluster, transport: KafkaTransport, lines: list[str]
) -> None:
    """Dropped records are logged at once, then every half minute with their number."""
    cluster.largest = 500
    for _ in range(7):
        assert await transport.publish([Record(KEYS[0], bytes(1_000))])
        await anyio.sleep(10)
    assert [line.rpartition("(")[2] for line in lines] == ["1 so far)", "4 so far)", "7 so far)"]


async def test_records_of_several_publishers_are_sent_together(cluster: Cluster, transport: KafkaTransport) -> None:
    """Records published at the same time are sent once, together; each publisher gets its own refused ones."""
    cluster.largest = 500
    huge = [Record(key, bytes(1_000)) for key in KEYS]
    given_back: dict[int, Sequence[Record]] = {}

    async def publish(number: int) -> None:
        mine = records(range(number, number + 1))
        given_back[number] = list(await transport.publish([*mine, huge[number]] if number < 4 else mine))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(publish, number)
    assert {key: sorted(found) for key, found in in_log(cluster).items()} == {key: list(range(20)) for key in KEYS}
    assert given_back == {number: [huge[number]] if number < 4 else [] for number in range(20)}


async def test_waiting_publishers_share_a_request(cluster: Cluster, transport: KafkaTransport) -> None:
    """Twenty publishers at a time take two rounds at most: the first, and all others."""
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(transport.publish, records(range(number, number + 1)))
    assert sum(cluster.batches) == 80
    assert len(cluster.batches) <= 2 * len({partition_of(key, 2) for key in KEYS})


@pytest.mark.parametrize(
    "answer", [kafka.NotEnoughReplicasError(), kafka.TopicAuthorizationFailedError(), kafka.InvalidTimestampError()]
)
async def test_other_answers_are_waited_out(
    cluster: Cluster, transport: KafkaTransport, lines: list[str], answer: Exception
) -> None:
    """After any other error a new client retries, since the old one's request may still arrive."""
    cluster.answers = [answer]
    await transport.publish([Record(KEYS[0], b"0")])
    assert in_log(cluster)[KEYS[0]] == [0]
    old, new = clients(cluster)
    assert (old.closed, new.closed, transport.trouble) == (True, False, None)
    [line] = lines
    assert line.startswith("sending to Kafka, waiting: sending: ")
    assert type(answer).__name__ in line


async def test_an_answer_that_never_comes_is_given_up(cluster: Cluster, transport: KafkaTransport) -> None:
    """A missing answer is reported after two seconds, given up after ten, and the batch is sent again."""
    cluster.answers = [None]
    async with anyio.create_task_group() as group:
        began = anyio.current_time()
        group.start_soon(transport.publish, [Record(KEYS[0], b"0")])
        await anyio.sleep(SLOW_ACKNOWLEDGEMENT - 0.1)
        assert transport.trouble is None
        await anyio.sleep(1)
        assert transport.trouble == transport.sending_trouble == "Kafka has not acknowledged readings for 3 s"
    assert in_log(cluster)[KEYS[0]] == [0]
    assert ACKNOWLEDGING_DEADLINE <= anyio.current_time() - began < ACKNOWLEDGING_DEADLINE + 1
    assert transport.trouble is None


async def test_a_broker_that_is_away_is_waited_for(cluster: Cluster, transport: KafkaTransport) -> None:
    """A broker that is away is reported and retried, and failed clients are closed."""
    cluster.down = kafka.KafkaConnectionError("nobody there")
    async with anyio.create_task_group() as group:
        group.start_soon(transport.publish, [Record(KEYS[0], b"0")])
        await anyio.sleep(20)
        assert str(transport.sending_trouble).startswith("sending to Kafka: no connection to Kafka at 127.0.0.1:9092")
        assert transport.trouble == transport.sending_trouble
        cluster.down = None
    assert in_log(cluster)[KEYS[0]] == [0]
    assert transport.sending_trouble is None
    assert all(each.closed for each in cluster.clients if not each.started)


async def test_a_client_that_does_not_start_is_closed(
    cluster: Cluster, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that found the topic but not its leader is closed."""

    async def fail(_producer: Producer) -> None:
        raise kafka.KafkaConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(Producer, "start", fail)
        with anyio.move_on_after(1):
            await transport.publish([Record(KEYS[0], b"0")])
    assert len(clients(cluster)) > 1
    assert all(each.closed for each in clients(cluster))


async def test_a_closed_transport_takes_nothing(cluster: Cluster, transport: KafkaTransport) -> None:
    """A closed transport refuses records, and has nothing open."""
    await transport.publish([Record(KEYS[0], b"0")])
    assert len(cluster.open(Producer)) == 1
    await transport.aclose()
    assert cluster.open(object) == []
    for call in (transport.publish([]), transport.check(), transport.consumer().__aenter__()):
        with pytest.raises(TransportClosedError, match=f"the topic {TOPIC} was closed"):
            await call


class Client:
    """A client that refuses the first batch in its answer, and fails at the second one."""

    async def send_batch(self, batch: object, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        """Send a batch with aiokafka's signature."""
        if partition:
            raise kafka.ProducerClosed
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        answer.set_exception(kafka.MessageSizeTooLargeError())
        return answer


async def test_no_answer_is_left_unread() -> None:
    """If sending breaks off, no earlier answer is left unread, which AnyIO's runner would raise."""
    with pytest.raises(kafka.ProducerClosed):
        await _handed_over(Client(), "icu.test", {0: None, 1: None})
    # Callbacks of a future that is done run in the loop's next step.
    await asyncio.sleep(0)
    gc.collect()
