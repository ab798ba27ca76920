"""Reading of partitions with faults: damaged, withheld, silent or new. On virtual time."""

from collections.abc import AsyncIterator, Sequence

import anyio
import anyio.lowlevel
import pytest
from aiokafka import TopicPartition
from aiokafka import errors as kafka

from icu.messages import Delivery, Position
from icu.transports.base import Batch
from icu.transports.errors import TransportClosedError
from icu.transports.kafka.consumer import KafkaConsumer
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.polling import POLL_INTERVAL
from icu.transports.kafka.progress import OPEN_AFTER, STALLED_AFTER
from icu.transports.kafka.transport import KafkaTransport
from tests.clocks import virtual_asyncio
from tests.unit.transports.kafka.cluster import TOPIC, Cluster, Consumer, until

FIRST, SECOND = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: a minute takes milliseconds."""
    return virtual_asyncio()


@pytest.fixture
async def consumer(transport: KafkaTransport, cluster: Cluster) -> AsyncIterator[KafkaConsumer]:
    """A reader that is not assigned yet."""
    async with transport.consumer() as consumer:
        yield consumer


class Follower:
    """A reader that works as the sink: it fetches, and assigns again after an error."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self.positions: dict[int, Position] = {}
        self.read: dict[int, list[int]] = {0: [], 1: [], 2: []}
        self.errors: list[str] = []

    async def assign(self) -> None:
        """Assign from the position reached."""
        for partition, each in (await self._consumer.assign(self.positions)).items():
            self.positions[partition] = each.position

    async def fetch(self, most: int = 100, max_wait: float = 0.5) -> Sequence[Batch]:
        """Fetch some records, or assign again."""
        try:
            batches = await self._consumer.fetch(max_records=most, linger=0, max_wait=max_wait)
        except KafkaError as exc:
            self.errors.append(str(exc))
            await self.assign()
            return ()
        for batch in batches:
            assert batch.start == self.positions[batch.partition].next
            self.read[batch.partition] += [int(each.value or b"") for each in batch.deliveries]
            self.positions[batch.partition] = batch.position
        return batches


@pytest.fixture
async def follower(consumer: KafkaConsumer) -> Follower:
    """A follower on that reader."""
    return Follower(consumer)


async def test_what_stands_before_a_damaged_record_is_read(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """All records before a damaged one, and the other partitions, are read once; then its offset is logged."""
    cluster.fill(50, 0)
    cluster.fill(50, 1)
    cluster.damaged.add((FIRST, 37))
    await follower.assign()
    assert {batch.partition for batch in await follower.fetch()} == {0, 1}
    await until(lambda: transport.degraded is not None and len(follower.read[1]) == 50, follower.fetch)
    assert follower.read == {0: list(range(37)), 1: list(range(50)), 2: []}
    assert str(transport.degraded).startswith(f"partition 0 of {TOPIC} cannot be read at offset 37: Invalid CRC")
    cluster.fill(3, 1)
    await until(lambda: len(follower.read[1]) == 53, follower.fetch)
    assert follower.errors == []


async def test_a_partition_that_was_mended_is_read_on(
    cluster: Cluster, transport: KafkaTransport, follower: Follower, lines: list[str]
) -> None:
    """A mended partition goes on at its offset by itself; until then it is retried now and then and logged once."""
    cluster.fill(10, 0)
    cluster.damaged.add((FIRST, 4))
    await follower.assign()
    began = anyio.current_time()
    await until(lambda: anyio.current_time() - began > 20, follower.fetch)
    assert follower.read[0] == list(range(4))
    assert len(lines) == 1
    cluster.damaged.clear()
    await until(lambda: len(follower.read[0]) == 10, follower.fetch)
    assert follower.read[0] == list(range(10))
    assert transport.degraded is None


async def test_a_new_assignment_does_not_stumble_again(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """Faulty partitions stay set aside after a new assignment: the others are read from the first fetch on."""
    cluster.fill(4, 0)
    cluster.damaged.add((FIRST, 0))
    await follower.assign()
    await until(lambda: transport.degraded is not None, follower.fetch)
    await follower.assign()
    assert cluster.open(Consumer)[0].paused() == {FIRST}
    cluster.fill(4, 1)
    await until(lambda: len(follower.read[1]) == 4, follower.fetch)
    assert transport.degraded is not None


async def test_damage_in_many_partitions_shares_a_fetch(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """A fetch of each partition alone returns no more records than were asked for."""
    cluster.fill(100, 0)
    cluster.fill(100, 1)
    cluster.damaged |= {(FIRST, 60), (SECOND, 70)}
    await follower.assign()
    while transport.degraded is None or "partition 1" not in transport.degraded:
        assert sum(len(batch.deliveries) for batch in await follower.fetch(most=20)) <= 20
    await until(lambda: len(follower.read[0]) == 60, follower.fetch)
    assert (follower.read[0], follower.read[1]) == (list(range(60)), list(range(70)))


async def test_a_partition_without_records_is_not_fetched_alone(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """Partitions without further records are not fetched alone, which would only wait."""
    cluster.fill(1, 0)
    cluster.damaged.add((FIRST, 0))
    await follower.assign()
    began = anyio.current_time()
    await follower.fetch(max_wait=0)
    assert transport.degraded is not None
    assert anyio.current_time() == began


async def test_a_fetch_that_hangs_is_given_up(cluster: Cluster, follower: Follower) -> None:
    """A hanging fetch is given up twelve seconds after its maximum wait, with its client."""
    await follower.assign()
    [client] = cluster.open(Consumer)
    cluster.hanging.add("getmany")
    began = anyio.current_time()
    await follower.fetch(max_wait=3)
    assert follower.errors == ["fetching: no answer within 15 s"]
    assert anyio.current_time() - began == pytest.approx(15, abs=0.1)
    assert client.closed


async def test_one_record_at_a_time_is_read_up_to_the_damage(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """Fetches of one record each reach the damaged record."""
    cluster.fill(3, 0)
    cluster.fill(9, 1)
    cluster.damaged.add((FIRST, 2))
    await follower.assign()
    while transport.degraded is None:
        assert all(len(batch.deliveries) == 1 for batch in await follower.fetch(most=1))
    assert follower.read[0] == [0, 1]


async def test_records_that_are_withheld_are_named(
    cluster: Cluster, transport: KafkaTransport, follower: Follower, lines: list[str]
) -> None:
    """Withheld records are named after some seconds at one offset until they come."""
    cluster.fill(3, 0)
    cluster.withheld.add(FIRST)
    await follower.assign()
    began = anyio.current_time()
    await until(lambda: transport.degraded is not None, follower.fetch)
    assert STALLED_AFTER <= anyio.current_time() - began <= STALLED_AFTER + 3 * POLL_INTERVAL
    assert "at offset 0: its broker has records there and delivers none" in str(transport.degraded)
    tried = anyio.current_time()
    while anyio.current_time() - tried < 30:
        cluster.fill(1, 1)
        await follower.fetch()
        assert transport.degraded is not None
        await anyio.sleep(0.5)
    assert len(lines) == 1
    cluster.withheld.clear()
    await until(lambda: len(follower.read[0]) == 3, follower.fetch)
    assert transport.degraded is None


async def test_a_partition_that_others_keep_waiting_is_not_withheld(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """Records are not called withheld while other partitions fill each fetch."""
    cluster.fill(400, 1)
    await follower.assign()
    cluster.fill(1, 0)
    cluster.withheld.add(FIRST)
    while len(follower.read[1]) < 400:
        await follower.fetch(most=5)
        await anyio.sleep(0.5)
        assert transport.degraded is None


async def test_a_fetch_that_was_cancelled_loses_nothing(cluster: Cluster, follower: Follower) -> None:
    """Records of a cancelled fetch are fetched again."""
    cluster.fill(3, 0)
    await follower.assign()
    with anyio.move_on_after(1) as cut:
        await follower._consumer.fetch(max_records=10, linger=60, max_wait=5)
    assert cut.cancelled_caught
    await follower.fetch()
    assert follower.read[0] == [0, 1, 2]


async def test_a_fetch_that_lingers_takes_no_more_than_is_wanted(cluster: Cluster, follower: Follower) -> None:
    """A lingering fetch returns no more than was asked for, one batch for each partition."""
    cluster.fill(3, 0)
    await follower.assign()
    async with anyio.create_task_group() as group:

        async def write() -> None:
            await anyio.sleep(0.5)
            cluster.fill(10, 0)

        group.start_soon(write)
        began = anyio.current_time()
        [batch] = await follower._consumer.fetch(max_records=5, linger=60, max_wait=5)
    assert anyio.current_time() - began == pytest.approx(0.5, abs=0.05)
    assert ([each.offset for each in batch.deliveries], batch.position.next) == ([0, 1, 2, 3, 4], 5)


@pytest.mark.parametrize(("there", "comes", "linger"), [(3, 1, 60), (3, 1, 0.5)])
async def test_a_lone_record_may_complete_a_batch(
    cluster: Cluster, follower: Follower, there: int, comes: int, linger: float
) -> None:
    """A fetch waits for one missing record, however short the time is."""
    cluster.fill(there, 0)
    await follower.assign()
    async with anyio.create_task_group() as group:

        async def write() -> None:
            await anyio.sleep(0.3)
            cluster.fill(comes, 1)

        group.start_soon(write)
        batches = await follower._consumer.fetch(max_records=4, linger=linger, max_wait=5)
    assert {batch.partition: len(batch.deliveries) for batch in batches} == {0: there, 1: comes}


async def test_a_delivery_is_whole(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A delivery has all fields that other programs may have written."""
    cluster.write(SECOND, b"key", b"value", headers=(("trace", b"1"),))
    cluster.write(SECOND, None, b"")
    await consumer.assign({})
    [batch] = await consumer.fetch(max_records=5, linger=0, max_wait=1)
    assert (batch.partition, batch.start) == (1, 0)
    assert batch.deliveries == [
        Delivery(1, 0, b"key", b"value", (("trace", b"1"),)),
        Delivery(1, 1, None, b"", ()),
    ]


async def test_a_transaction_that_stays_open_is_named(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """A transaction that stays open is named with partition and offset until it ends."""
    cluster.fill(5, 1)
    cluster.stable[SECOND] = 2
    await follower.assign()
    began = anyio.current_time()
    await until(lambda: transport.trouble is not None, follower.fetch)
    assert OPEN_AFTER <= anyio.current_time() - began <= OPEN_AFTER + 3 * POLL_INTERVAL
    assert f"a transaction is open at offset 2 of partition 1 of {TOPIC}" in str(transport.trouble)
    assert follower.read[1] == [0, 1]
    cluster.stable.clear()
    await until(lambda: transport.trouble is None, follower.fetch)
    assert follower.read[1] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("stable", "aborted"), [(4, {3}), (None, {3, 4, 5}), (-1, {3, 4, 5})])
async def test_records_that_cannot_be_read_are_no_backlog(
    cluster: Cluster, follower: Follower, stable: int | None, aborted: set[int]
) -> None:
    """Neither aborted records behind a batch nor an open transaction are more to read, but a readable record is, on
    brokers without transactions too."""
    cluster.fill(6, 0)
    cluster.stable[FIRST] = stable
    cluster.aborted |= {(FIRST, each) for each in aborted}
    await follower.assign()
    [first] = await follower.fetch(most=2)
    [rest] = await follower.fetch()
    assert (first.more, rest.more) == (True, False)
    assert follower.read[0] == [0, 1, 2]


async def test_records_that_came_after_a_fetch_are_no_backlog(cluster: Cluster, follower: Follower) -> None:
    """Where a poll has seen a later end than the fetch, the end of the fetch counts."""
    cluster.fill(5, 0)
    cluster.withheld.add(FIRST)
    await follower.assign()
    polls = cluster.calls["end_offsets"]
    await until(lambda: cluster.calls["end_offsets"] > polls + 2, follower.fetch)
    cluster.stable[FIRST] = 3
    cluster.withheld.clear()
    [batch] = await follower.fetch()
    assert (batch.position.next, batch.more) == (3, False)


async def test_what_was_damaged_may_turn_out_to_be_nothing(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """A partition is well again when a fetch passes the damage, even without a record."""
    cluster.fill(5, 0)
    cluster.damaged.add((FIRST, 4))
    await follower.assign()
    await until(lambda: transport.degraded is not None, follower.fetch)
    cluster.aborted |= cluster.damaged
    cluster.damaged.clear()
    await until(lambda: transport.degraded is None, follower.fetch)
    assert follower.read[0] == [0, 1, 2, 3]


async def test_looks_keep_their_pace(cluster: Cluster, follower: Follower) -> None:
    """Polls of the partitions keep their pace, one at a time, however often fetch is called."""
    await follower.assign()
    before, began = cluster.calls["end_offsets"], anyio.current_time()
    while anyio.current_time() - began < 10 * POLL_INTERVAL:
        await follower.fetch(max_wait=0.1)
    assert 8 <= (cluster.calls["end_offsets"] - before) / 2 <= 10


async def test_a_look_ends_with_its_reader(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A poll without an answer ends with its reader."""
    await consumer.assign({})
    cluster.hanging.add("end_offsets")
    for _ in range(2):
        await consumer.fetch(max_records=1, linger=0, max_wait=POLL_INTERVAL - 0.5)
    await consumer.fetch(max_records=1, linger=0, max_wait=0)
    await consumer.aclose()
    await anyio.lowlevel.checkpoint()
    assert not [each for each in anyio.get_running_tasks() if "end" in repr(each.coro)]


async def test_a_reader_that_is_cancelled_leaves_in_good_order(cluster: Cluster, transport: KafkaTransport) -> None:
    """A cancelled reader commits the stored offsets, and closes its client."""
    cluster.fill(2, 0)
    read: list[Batch] = []

    async def run() -> None:
        async with transport.consumer() as consumer:
            await consumer.assign({})
            read.extend(await consumer.fetch(max_records=1, linger=0, max_wait=1))
            read.extend(await consumer.fetch(max_records=1, linger=0, max_wait=1))
            await consumer.commit({0: read[0].position})
            await consumer.commit({0: read[1].position})
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await anyio.sleep(5)
        group.cancel_scope.cancel()
    assert cluster.open(Consumer) == []
    assert cluster.committed[-1][FIRST] == 2


async def test_lag_is_what_can_be_read(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Lag ends at the last stable offset, or at the end where the broker knows none."""
    cluster.fill(10, 0)
    cluster.fill(5, 1)
    await consumer.assign({})
    for stable, lag in [(6, 11), (10, 15), (-1, 15), (None, 15)]:
        cluster.stable[FIRST] = stable
        assert await consumer.lag() == lag
    await consumer.fetch(max_records=12, linger=0, max_wait=1)
    assert await consumer.lag() == 3


async def test_lag_before_the_first_fetch(
    cluster: Cluster, consumer: KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a fetch, lag is computed from the survey and the polls, by the furthest offset."""
    cluster.fill(10, 0)
    monkeypatch.setattr(Consumer, "highwater", lambda *_: None)
    monkeypatch.setattr(Consumer, "last_stable_offset", lambda *_: None)
    cluster.withheld |= {FIRST, SECOND}
    await consumer.assign({})
    assert await consumer.lag() == 10
    cluster.fill(5, 0)
    for _ in range(3):
        await consumer.fetch(max_records=1, linger=0, max_wait=POLL_INTERVAL)
    assert await consumer.lag() == 15
    cluster.silent.add(FIRST)
    for _ in range(4):
        await consumer.fetch(max_records=1, linger=0, max_wait=POLL_INTERVAL)
    assert await consumer.lag() == 15


async def test_lag_is_never_below_nothing(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """Lag is never negative, although a stable offset may lie before records that an older version has stored."""
    cluster.fill(10, 0)
    cluster.fill(3, 1)
    mark = (await consumer.assign({}))[0].position.mark
    cluster.stable[FIRST] = 4
    await consumer.assign({0: Position(8, mark)})
    assert await consumer.lag() == 3


async def test_new_partitions_are_read(cluster: Cluster, follower: Follower) -> None:
    """New partitions are read after the next poll, from their beginning."""
    cluster.fill(2, 0)
    await follower.assign()
    await follower.fetch()
    cluster.topics[TOPIC] = 3
    cluster.fill(2, 2)
    await until(lambda: len(follower.read[2]) == 2, follower.fetch)
    assert follower.errors == [f"{TOPIC} has more partitions than it had"]
    assert follower.read == {0: [0, 1], 1: [], 2: [0, 1]}


async def test_a_partition_that_does_not_answer_is_read_once_it_does(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """A partition without an answer is named, and read later; the others are read meanwhile."""
    cluster.fill(2, 0)
    cluster.fill(2, 1)
    cluster.silent.add(SECOND)
    await follower.assign()
    assert set(follower.positions) == {0}
    assert str(transport.trouble).startswith("partition 1: asking for the offsets of partition 1: no answer within")
    await until(lambda: len(follower.read[0]) == 2, follower.fetch)
    for _ in range(5):
        await follower.fetch(max_wait=POLL_INTERVAL)
    assert follower.errors == []
    cluster.silent.clear()
    await until(lambda: len(follower.read[1]) == 2, follower.fetch)
    assert follower.errors == [f"partition 1 of {TOPIC} answers again"]
    assert transport.trouble is None


async def test_a_partition_that_falls_silent_is_named(
    cluster: Cluster, transport: KafkaTransport, follower: Follower
) -> None:
    """A partition that stops answering is named until it answers, without a new assignment."""
    await follower.assign()
    assert transport.trouble is None
    cluster.silent.add(SECOND)
    await until(lambda: transport.trouble is not None, follower.fetch)
    assert str(transport.trouble).startswith("partition 1: asking for the end of partition 1: no answer within 2 s")
    cluster.silent.clear()
    await until(lambda: transport.trouble is None, follower.fetch)
    assert follower.errors == []


async def test_a_cluster_that_falls_silent_is_connected_to_anew(cluster: Cluster, follower: Follower) -> None:
    """If no partition answers, the reader connects anew, instead of returning empty fetches for ever."""
    cluster.fill(1, 0)
    await follower.assign()
    await follower.fetch()
    cluster.silent |= {FIRST, SECOND}

    async def fetch() -> None:
        try:
            await follower._consumer.fetch(max_records=10, linger=0, max_wait=0.5)
        except KafkaError as exc:
            follower.errors.append(str(exc))

    await until(lambda: bool(follower.errors), fetch)
    assert follower.errors[0].startswith("asking for the end of partition 0: no answer within 2 s")
    assert not cluster.open(Consumer)
    cluster.silent.clear()
    await follower.assign()
    cluster.fill(1, 0)
    await until(lambda: len(follower.read[0]) == 2, follower.fetch)


async def test_a_fetch_needs_an_assignment(cluster: Cluster, consumer: KafkaConsumer) -> None:
    """A fetch needs an assignment, after trouble too."""
    with pytest.raises(KafkaError, match="not connected: assign first"):
        await consumer.fetch(max_records=1, linger=0, max_wait=1)
    await consumer.assign({})
    cluster.fetch_error = kafka.OffsetOutOfRangeError()
    with pytest.raises(KafkaError, match="fetching"):
        await consumer.fetch(max_records=1, linger=0, max_wait=1)
    with pytest.raises(KafkaError, match="not connected: assign first"):
        await consumer.lag()


async def test_a_reader_without_rights_on_the_group_reads_without_it(
    cluster: Cluster, consumer: KafkaConsumer, follower: Follower, lines: list[str]
) -> None:
    """A reader without rights on the group reads without it, asks no more, and that is logged once."""
    cluster.fill(3, 0)
    await follower.assign()
    cluster.commit_error = kafka.GroupAuthorizationFailedError("icu-sink")
    await until(lambda: len(follower.read[0]) == 3, follower.fetch)
    await consumer.commit(follower.positions)
    cluster.commit_error = None
    await anyio.sleep(60)
    await follower.assign()
    await consumer.commit(follower.positions)
    assert cluster.calls["commit"] == 1
    assert len(lines) == 1
    assert "consumer group icu-sink" in lines[0]


async def test_a_reader_that_does_not_connect_is_closed(
    cluster: Cluster, transport: KafkaTransport, consumer: KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that does not connect is closed, although the survey connected."""
    start = Consumer.start

    async def fail(client: Consumer) -> None:
        if "isolation_level" in client.options:
            raise kafka.KafkaConnectionError
        await start(client)

    monkeypatch.setattr(Consumer, "start", fail)
    with anyio.move_on_after(1):
        await consumer.assign({})
    assert str(transport.trouble).startswith("reading from Kafka: no connection")
    assert all(each.closed for each in cluster.clients)


async def test_other_refusals_are_of_no_group(cluster: Cluster, consumer: KafkaConsumer, follower: Follower) -> None:
    """Refusals of other things do not stop commits to the group."""
    await follower.assign()
    cluster.commit_error = kafka.NotCoordinatorForGroupError()
    await consumer.commit(follower.positions)
    cluster.commit_error = None
    await anyio.sleep(60)
    await consumer.commit(follower.positions)
    assert cluster.groups == {"icu-sink"}
    assert cluster.calls["coordinator_lookup"] == 2


async def test_a_reader_leaves_no_client_open(
    cluster: Cluster, transport: KafkaTransport, consumer: KafkaConsumer
) -> None:
    """A reader leaves no client open, neither of surveys nor of earlier assignments."""
    for _ in range(3):
        await consumer.assign({})
        assert len(cluster.open(Consumer)) == 1
    await consumer.aclose()
    assert cluster.open(object) == []
    with pytest.raises(TransportClosedError, match=f"the topic {TOPIC} was closed"):
        await consumer.assign({})


async def test_a_broker_that_is_away_is_waited_for(
    cluster: Cluster, transport: KafkaTransport, consumer: KafkaConsumer
) -> None:
    """A broker that is away is reported and retried, and failed clients are closed."""
    cluster.down = kafka.KafkaConnectionError("nobody there")
    async with anyio.create_task_group() as group:
        group.start_soon(consumer.assign, {})
        await anyio.sleep(20)
        assert str(transport.trouble).startswith("reading from Kafka: no connection to Kafka at 127.0.0.1:9092")
        assert transport.sending_trouble is None
        cluster.down = None
    assert transport.trouble is None
    assert all(each.closed for each in cluster.clients if not each.started)
