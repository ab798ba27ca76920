"""Topics, found, made and described on a cluster with other topics."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
import pytest
from aiokafka import errors as kafka

from icu.config.settings import Kafka
from icu.messages import Position
from icu.transports.base import Assignment
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError, KafkaRefusedError
from icu.transports.kafka.topics import Partition, Topic, create_topic, describe_topic, list_topics
from icu.transports.kafka.transport import KafkaTransport
from tests.clocks import virtual_asyncio
from tests.unit.transports.kafka.cluster import ID, TOPIC, Cluster


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time."""
    return virtual_asyncio()


@pytest.fixture
def brokers(cluster: Cluster) -> Brokers:
    """The brokers of a cluster with other topics beside ours."""
    cluster.topics |= {"another": 5, "__consumer_offsets": 50}
    return Brokers(Kafka(bootstrap_servers="127.0.0.1:9092"))


@pytest.fixture(autouse=True)
async def none_left_open(cluster: Cluster) -> AsyncIterator[None]:
    """Check that every client is closed at the end."""
    yield
    assert not [each for each in cluster.clients if not each.closed]


async def test_topics_are_listed_with_their_partitions(brokers: Brokers) -> None:
    """Topics are listed with their partitions, without Kafka's own."""
    assert await list_topics(brokers) == {TOPIC: 2, "another": 5}


async def test_a_topic_is_described_by_partition(cluster: Cluster, brokers: Brokers) -> None:
    """A topic is described by partition, in order, with the offsets of each."""
    cluster.forget(cluster.fill(7, 1), 3)
    assert await describe_topic(brokers, TOPIC) == [
        Partition(number=0, leader=0, replicas=[0], in_sync=[0], begin=0, end=0),
        Partition(number=1, leader=0, replicas=[0], in_sync=[0], begin=3, end=7),
    ]
    assert await describe_topic(brokers, "missing") == []


async def test_a_topic_is_made_where_it_is_missing(cluster: Cluster, brokers: Brokers) -> None:
    """A missing topic is made with the requested partitions, on as many brokers as there are, three at most."""
    for nodes, copies in [(1, 1), (2, 2), (3, 3), (5, 3)]:
        cluster.topics.pop("icu.new", None)
        cluster.nodes = nodes
        facts = await Topic(brokers, "icu.new", partitions=4).ensure()
        assert (facts.name, facts.cluster, facts.partitions) == ("icu.new", ID, [0, 1, 2, 3])
        assert (cluster.topics["icu.new"], cluster.copies) == (4, copies)


async def test_a_topic_that_is_there_stays_as_it_is(cluster: Cluster, brokers: Brokers) -> None:
    """An existing topic is unchanged, whatever partitions are requested, and without the right to create topics."""
    facts = await Topic(brokers, TOPIC, partitions=6).ensure()
    assert (list(facts.partitions), cluster.topics[TOPIC]) == ([0, 1], 2)
    assert cluster.calls["create_topics"] == 0


async def test_people_make_topics(cluster: Cluster, brokers: Brokers) -> None:
    """The command for topics says if the topic existed, and takes a number of replicas."""
    assert await create_topic(brokers, "icu.new", partitions=3, copies=None)
    assert (cluster.topics["icu.new"], cluster.copies) == (3, 1)
    assert not await create_topic(brokers, "icu.new", partitions=9, copies=None)
    assert cluster.topics["icu.new"] == 3
    assert await create_topic(brokers, "icu.other", partitions=1, copies=2)
    assert cluster.copies == 2


@pytest.mark.parametrize("error", [kafka.TopicAuthorizationFailedError, kafka.PolicyViolationError])
async def test_a_refused_topic_says_whom_to_ask(
    cluster: Cluster, brokers: Brokers, error: type[kafka.BrokerResponseError]
) -> None:
    """A refusal says whom to ask, with the broker's reason."""
    cluster.creation_error = error
    with pytest.raises(
        KafkaRefusedError, match=r"\Acreating the topic icu.new: as it was told .*; ask whoever runs the broker"
    ):
        await Topic(brokers, "icu.new", partitions=1).ensure()


async def test_what_may_be_mended_is_no_refusal(cluster: Cluster, brokers: Brokers) -> None:
    """A transient error of a topic is retried."""
    cluster.creation_error = kafka.NotControllerError
    with pytest.raises(KafkaError, match=r"\Acreating the topic icu.new: as it was told \(NotControllerError\)\Z"):
        await Topic(brokers, "icu.new", partitions=1).ensure()


async def test_a_topic_that_was_there_is_waited_for(cluster: Cluster, brokers: Brokers) -> None:
    """A topic that has vanished, or the right to see it, is waited for."""
    topic = Topic(brokers, TOPIC, partitions=2)
    await topic.ensure()
    del cluster.topics[TOPIC]
    cluster.creation_error = kafka.TopicAuthorizationFailedError
    with pytest.raises(KafkaError, match=f"the topic {TOPIC} is gone, or may not be seen any more: creating") as caught:
        await topic.ensure()
    assert caught.value.transient


QUESTIONS: dict[str, Callable[[Brokers], Coroutine[Any, Any, object]]] = {
    "listing topics": list_topics,
    "asking who the cluster is": lambda brokers: create_topic(brokers, "icu.new", partitions=1, copies=None),
    "creating the topic icu.new": lambda brokers: create_topic(brokers, "icu.new", partitions=1, copies=1),
    "describing topics": lambda brokers: describe_topic(brokers, TOPIC),
    "asking for offsets": lambda brokers: describe_topic(brokers, TOPIC),
    "asking whose it is": lambda brokers: Topic(brokers, TOPIC, partitions=1).ensure(),
    "looking for the topic": lambda brokers: Topic(brokers, TOPIC, partitions=1).ensure(),
}


@pytest.mark.parametrize(
    ("call", "question"),
    [
        ("describe_topics", "listing topics"),
        ("describe_cluster", "asking who the cluster is"),
        ("describe_cluster", "asking whose it is"),
        ("create_topics", "creating the topic icu.new"),
        ("describe_topics", "describing topics"),
        ("beginning_offsets", "asking for offsets"),
        ("end_offsets", "asking for offsets"),
        ("describe_topics", "looking for the topic"),
    ],
)
async def test_an_answer_that_never_comes_is_given_up(
    cluster: Cluster, brokers: Brokers, call: str, question: str
) -> None:
    """A missing answer is given up after twelve seconds, and the error names the request."""
    doing = question.replace("whose it is", "who the cluster is")
    cluster.hanging.add(call)
    began = anyio.current_time()
    with pytest.raises(KafkaError, match=rf"\A{doing}: no answer within 12 s\Z"):
        await QUESTIONS[question](brokers)
    assert anyio.current_time() - began == pytest.approx(12, abs=0.1)


async def test_a_record_that_never_comes_back_is_given_up(cluster: Cluster, brokers: Brokers) -> None:
    """A record that cannot be fetched is given up, and the assignment retried with a new client."""
    cluster.fill(5, 0)
    stored = await positions(cluster, brokers, 5)
    cluster.hanging.add("getmany")
    began = anyio.current_time()
    transport = KafkaTransport(brokers, topic=TOPIC, partitions=2)
    async with transport.consumer() as consumer:
        with pytest.raises(KafkaError, match="fetching: no answer within 14 s"):
            await consumer._assign(stored)
    assert anyio.current_time() - began == pytest.approx(14, abs=0.1)


async def assigned(cluster: Cluster, brokers: Brokers, stored: dict[int, Position]) -> dict[int, Assignment]:
    """Return the assignments of a reader with these positions."""
    transport = KafkaTransport(brokers, topic=TOPIC, partitions=2)
    async with transport.consumer() as consumer:
        return dict(await consumer.assign(stored))


async def positions(cluster: Cluster, brokers: Brokers, count: int) -> dict[int, Position]:
    """Make positions behind this number of records of each partition, in logs of this length."""
    transport = KafkaTransport(brokers, topic=TOPIC, partitions=2)
    async with transport.consumer() as consumer:
        found = {number: each.position for number, each in (await consumer.assign({})).items()}
        for batch in await consumer.fetch(max_records=count, linger=0, max_wait=0.1):
            found[batch.partition] = batch.position
        return found


async def test_positions_are_taken_up(cluster: Cluster, brokers: Brokers) -> None:
    """Positions at the end, within and at the beginning of a log are resumed."""
    cluster.fill(5, 0)
    stored = await positions(cluster, brokers, 5)
    assert [stored[each].next for each in (0, 1)] == [5, 0]
    cluster.fill(5, 1)
    assert await assigned(cluster, brokers, stored) == {number: Assignment(each) for number, each in stored.items()}
    cluster.fill(3, 0)
    assert (await assigned(cluster, brokers, stored))[0] == Assignment(stored[0])


@pytest.mark.parametrize(("begin", "expected"), [(4, (5, 0)), (5, (5, 0)), (6, (6, 1))])
async def test_positions_at_the_edge_of_what_is_kept(
    cluster: Cluster, brokers: Brokers, begin: int, expected: tuple[int, int]
) -> None:
    """Positions are resumed whether the record before them is the oldest or gone, and the records after it too."""
    place = cluster.fill(8, 0)
    stored = await positions(cluster, brokers, 5)
    cluster.forget(place, begin)
    found = (await assigned(cluster, brokers, stored))[0]
    assert ((found.position.next, found.lost), found.other_log) == (expected, False)


async def test_each_partition_is_judged_by_its_own_record(cluster: Cluster, brokers: Brokers) -> None:
    """Each partition is judged by its own record: a lost log, an unreadable record, or brokers that take a moment."""
    places = [cluster.fill(5, each) for each in (0, 1)]
    stored = await positions(cluster, brokers, 10)
    cluster.delay = 0.5
    cluster.damaged.add((places[0], 4))
    cluster.fill(1, 0)
    cluster.logs[places[1]].clear()
    for _ in range(9):
        cluster.write(places[1], b"another bed", b"0")
    assert [each.other_log for each in (await assigned(cluster, brokers, stored)).values()] == [False, True]


@pytest.mark.parametrize("begin", [0, 4])
async def test_another_record_before_the_position_is_another_log(
    cluster: Cluster, brokers: Brokers, begin: int
) -> None:
    """Another record before the position means another log, at any place, the oldest included."""
    place = cluster.fill(5, 0)
    stored = await positions(cluster, brokers, 5)
    cluster.logs[place].clear()
    for _ in range(9):
        cluster.write(place, b"another bed", b"0")
    cluster.forget(place, begin)
    found = (await assigned(cluster, brokers, stored))[0]
    assert (found.other_log, found.position.next) == (True, begin)


async def test_a_record_that_nobody_can_read_back_decides_nothing(cluster: Cluster, brokers: Brokers) -> None:
    """With an unreadable record the cluster's id decides, so that damage does not cause the whole log to be read
    again."""
    place = cluster.fill(5, 0)
    stored = await positions(cluster, brokers, 5)
    cluster.damaged.add((place, 4))
    assert (await assigned(cluster, brokers, stored))[0] == Assignment(stored[0])


async def test_a_record_that_compaction_took_decides_nothing(cluster: Cluster, brokers: Brokers) -> None:
    """With a compacted record, where a fetch returns the next one, the cluster's id decides."""
    place = cluster.fill(5, 0)
    stored = await positions(cluster, brokers, 5)
    cluster.fill(1, 0)
    cluster.logs[place][4] = cluster.logs[place][5]
    assert (await assigned(cluster, brokers, stored))[0] == Assignment(stored[0])


@pytest.mark.parametrize("call", ["beginning_offsets", "end_offsets"])
async def test_a_cluster_where_no_partition_answers(cluster: Cluster, brokers: Brokers, call: str) -> None:
    """A cluster where no partition answers is waited for, and the trouble names the request."""
    cluster.hanging.add(call)
    transport = KafkaTransport(brokers, topic=TOPIC, partitions=2)
    async with transport.consumer() as consumer:
        with pytest.raises(KafkaError, match="asking for the offsets of partition 0: no answer within 12 s"):
            await consumer._assign({})
