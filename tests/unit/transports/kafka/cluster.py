"""A cluster in memory, behind the classes of aiokafka that our code calls: on virtual time, with faults on request.

What real brokers do is tested on real ones. Here stands what they do hardly ever, or only after minutes.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka import errors as kafka
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetCommitRequest_v2
from aiokafka.protocol.group import LeaveGroupRequest, LeaveGroupRequest_v1
from aiokafka.record import MemoryRecords

from icu.transports.kafka import brokers, consumer, groups, membership, producer, survey, topics

TOPIC = "icu.test"
ID = "cluster-id"


class Cluster:
    """Logs by partition, and their faults."""

    def __init__(self) -> None:
        self.topics: dict[str, int] = {}
        self.nodes = 1
        self.advertised = "127.0.0.1:9092"
        self.copies = 0
        self.logs: defaultdict[TopicPartition, list[ConsumerRecord]] = defaultdict(list)
        self.begins: defaultdict[TopicPartition, int] = defaultdict(int)
        # Last stable offsets that are not the log's end.
        self.stable: dict[TopicPartition, int | None] = {}
        self.damaged: set[tuple[TopicPartition, int]] = set()
        # Records that fetches pass over, as those of aborted transactions.
        self.aborted: set[tuple[TopicPartition, int]] = set()
        # Partitions whose broker says that it has records, and delivers none.
        self.withheld: set[TopicPartition] = set()
        # Partitions whose broker does not answer.
        self.silent: set[TopicPartition] = set()
        # What everybody who connects is told.
        self.down: Exception | None = None
        # Bytes of a batch.
        self.largest = 10**9
        # To the next batches; None: no answer at all.
        self.answers: list[Exception | None] = []
        self.calls: Counter[str] = Counter()
        # Calls that are never answered.
        self.hanging: set[str] = set()
        # Seconds until a fetch brings what is there.
        self.delay = 0.0
        self.fetch_error: Exception | None = None
        self.creation_error = kafka.NoError
        self.commit_error: kafka.BrokerResponseError | None = None
        # Ids of the members of the group.
        self.members: list[str] = []
        # Names of the groups of these commits.
        self.groups: set[str] = set()
        self.committed: list[Mapping[TopicPartition, int]] = []
        self.clients: list[Any] = []
        # How many records each that was handed over holds.
        self.batches: list[int] = []

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "Cluster":
        """Replace aiokafka's classes."""
        for module, name, kind in (
            (topics, "AIOKafkaAdminClient", Admin),
            (topics, "AIOKafkaConsumer", Consumer),
            (survey, "AIOKafkaConsumer", Consumer),
            (consumer, "AIOKafkaConsumer", Consumer),
            (membership, "AIOKafkaConsumer", Consumer),
            (producer, "AIOKafkaProducer", Producer),
            (brokers, "AIOKafkaClient", Client),
            (groups, "AIOKafkaClient", Client),
        ):
            monkeypatch.setattr(module, name, self._maker(kind))
        return self

    def write(
        self, place: TopicPartition, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Append a record; its timestamp is its offset."""
        log = self.logs[place]
        offset = self.end(place)
        log.append(ConsumerRecord(*place, offset, 1_000 + offset, 0, key, value, None, 0, 0, headers))

    def fill(self, count: int, partition: int = 0) -> TopicPartition:
        """Append records whose values are their offsets."""
        place = TopicPartition(TOPIC, partition)
        for _ in range(count):
            self.write(place, b"bed", str(self.end(place)).encode())
        return place

    def end(self, place: TopicPartition) -> int:
        """Return the next record's offset."""
        return self.begins[place] + len(self.logs[place])

    def forget(self, place: TopicPartition, before: int) -> None:
        """Drop the oldest records."""
        del self.logs[place][: before - self.begins[place]]
        self.begins[place] = before

    def readable(self, place: TopicPartition) -> int:
        """Return the offset at which readable records end."""
        stable = self.stable.get(place)
        return self.end(place) if stable in (None, -1) else stable

    def brokers(self) -> list[Any]:
        """Return the advertised addresses of the brokers."""
        host, port = self.advertised.split(":")
        return [SimpleNamespace(nodeId=each, host=host, port=int(port)) for each in range(self.nodes)]

    def open(self, kind: type) -> list[Any]:
        """Return the clients of a kind that were started and not closed."""
        return [each for each in self.clients if isinstance(each, kind) and each.started and not each.closed]

    def _maker(self, kind: type) -> Callable[..., Any]:
        def make(**options: Any) -> Any:
            self.clients.append(kind(self, options))
            return self.clients[-1]

        return make


class _Connection:
    """Common part of all clients."""

    def __init__(self, cluster: Cluster, options: Mapping[str, Any]) -> None:
        self.cluster = cluster
        self.options = options
        self.started = False
        self.closed = False

    async def start(self) -> None:
        await self.called("start")
        if self.cluster.down is not None:
            raise self.cluster.down
        self.started = True

    async def stop(self) -> None:
        await asyncio.sleep(0)
        self.closed = True

    close = stop

    async def called(self, name: str) -> None:
        """Yield to the loop once, or hang if this call shall."""
        self.cluster.calls[name] += 1
        await asyncio.sleep(0)
        if name in self.cluster.hanging:
            await asyncio.Event().wait()


class Client(_Connection):
    """A client that finds the brokers, and asks one of them about a consumer group."""

    async def bootstrap(self) -> None:
        await self.called("bootstrap")
        await self.start()

    async def coordinator_lookup(self, kind: int, group: str) -> int:
        await self.called("coordinator_lookup")
        return 0

    async def send(self, node: int, request: Any, *, group: int) -> Any:
        """Commit positions, tell the members of a group, or let one leave."""
        if isinstance(request, DescribeGroupsRequest):
            await self.called("members")
            return SimpleNamespace(groups=[(0, "", "", "", "", [(each, "", "") for each in self.cluster.members])])
        if isinstance(request, LeaveGroupRequest):
            await self.called("leave")
            self.cluster.members.remove(request.build(LeaveGroupRequest_v1).member_id)
            return SimpleNamespace(error_code=0)
        return await self._commit(request)

    async def _commit(self, request: OffsetCommitRequest) -> Any:
        await self.called("commit")
        error = self.cluster.commit_error
        answer = request.build(OffsetCommitRequest_v2)
        [(topic, offsets)] = answer.topics
        if error is None:
            self.cluster.groups.add(answer.consumer_group)
            self.cluster.committed.append({TopicPartition(topic, each): offset for each, offset, _ in offsets})
        return SimpleNamespace(topics=[(topic, [(each, error.errno if error else 0) for each, *_ in offsets])])


class Admin(_Connection):
    """A client that finds topics and makes them."""

    async def describe_cluster(self) -> Any:
        await self.called("describe_cluster")
        return {"cluster_id": ID, "brokers": [{"node_id": each} for each in range(self.cluster.nodes)]}

    async def describe_topics(self) -> Any:
        await self.called("describe_topics")
        return [
            {
                "topic": name,
                "is_internal": name.startswith("__"),
                # In no order, as brokers tell them.
                "partitions": [
                    {"partition": each, "leader": 0, "replicas": [0], "isr": [0]} for each in reversed(range(count))
                ],
            }
            for name, count in self.cluster.topics.items()
        ]

    async def create_topics(self, wanted: Sequence[Any]) -> Any:
        await self.called("create_topics")
        [topic] = wanted
        error = kafka.TopicAlreadyExistsError if topic.name in self.cluster.topics else self.cluster.creation_error
        if error is kafka.NoError:
            self.cluster.topics[topic.name] = topic.num_partitions
            self.cluster.copies = topic.replication_factor
        return SimpleNamespace(topic_errors=[(topic.name, error.errno, "as it was told")])


class Producer(_Connection):
    """A producer that appends batches. Like an idempotent one, it is useless for a partition that refused one."""

    def __init__(self, cluster: Cluster, options: Mapping[str, Any]) -> None:
        super().__init__(cluster, options)
        self.client, self._sender = SimpleNamespace(close=self._close_part), SimpleNamespace(close=self._close_part)
        self._closed = False
        self._parts = 2
        self._broken: set[int] = set()

    async def stop(self) -> None:
        if self.started and not self._closed:
            await asyncio.Event().wait()  # aiokafka's own waits for answers that never come
        await super().stop()

    async def _close_part(self) -> None:
        self._parts -= 1
        self.closed = not self._parts

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self.options["max_batch_size"], 0)

    async def partitions_for(self, topic: str) -> set[int]:
        await self.called("partitions_for")
        return set(range(self.cluster.topics[topic]))

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        await self.called("send_batch")
        answer = asyncio.get_running_loop().create_future()
        self.cluster.batches.append(batch.record_count())
        said = self.cluster.answers.pop(0) if self.cluster.answers else self._verdict(batch, partition)
        if isinstance(said, Exception):
            self._broken.add(partition)
            asyncio.get_running_loop().call_soon(_fail, answer, said)
        elif said is not None:
            place = TopicPartition(topic, partition)
            for key, value in said:
                self.cluster.write(place, key, value)
            asyncio.get_running_loop().call_soon(answer.set_result, len(said))
        return answer

    def _verdict(self, batch: BatchBuilder, partition: int) -> Exception | list[tuple[bytes, bytes]]:
        if partition in self._broken:
            return kafka.OutOfOrderSequenceNumber()
        if batch.size() > self.cluster.largest:
            return kafka.MessageSizeTooLargeError()
        records = MemoryRecords(bytes(batch._build())).next_batch()
        return [(each.key, each.value) for each in records]


def _fail(answer: "asyncio.Future[Any]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)


class Consumer(_Connection):
    """A consumer of the logs."""

    def __init__(self, cluster: Cluster, options: Mapping[str, Any]) -> None:
        super().__init__(cluster, options)
        self.positions: dict[TopicPartition, int] = {}
        self.waiting: set[TopicPartition] = set()
        # Answers of the brokers.
        self.polls = 0
        # What the broker has given a member.
        self._coordinator = SimpleNamespace(member_id="", generation=-1)
        self.listener: Any = None
        # Parts that are closed alone where the consumer's own closing is broken off.
        self._fetcher = None
        self._client = SimpleNamespace(close=super().stop)

    def subscribe(self, topics: Sequence[str], *, listener: Any) -> None:
        self.listener = listener

    async def deal(self, *partitions: int, generation: int = 1) -> None:
        """Deal these partitions to this member, as a broker does that knows it, or gives it a new id."""
        if self._coordinator.generation > 0:
            await self.lose()
        if not self._coordinator.member_id:
            self._coordinator.member_id = f"{self.options['group_instance_id']}-{uuid4()}"
            self.cluster.members.append(self._coordinator.member_id)
        self._coordinator.generation = generation
        await self.listener.on_partitions_assigned({TopicPartition(TOPIC, each) for each in partitions})

    async def lose(self, *, forgotten: bool = False) -> None:
        """Tell this member that the partitions are dealt anew, or that the broker does not know it any more."""
        if forgotten:
            self._coordinator.member_id = ""
        await self.listener.on_partitions_revoked(set())

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self.positions = dict.fromkeys(places, -1)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.positions[place] = offset

    def pause(self, *places: TopicPartition) -> None:
        self.waiting |= set(places)

    def resume(self, *places: TopicPartition) -> None:
        self.waiting -= set(places)

    def paused(self) -> set[TopicPartition]:
        return set(self.waiting)

    async def position(self, place: TopicPartition) -> int:
        return self.positions[place]

    def highwater(self, place: TopicPartition) -> int:
        return self.cluster.end(place)

    def last_stable_offset(self, place: TopicPartition) -> int | None:
        return self.cluster.stable.get(place, self.cluster.end(place))

    def last_poll_timestamp(self, place: TopicPartition) -> int | None:
        return self.polls or None

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self.cluster.topics.get(topic, 0)))

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self.called("beginning_offsets")
        return await self._answered({place: self.cluster.begins[place] for place in places})

    async def end_offsets(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self.called("end_offsets")
        committed = self.options.get("isolation_level") == "read_committed"
        end = self.cluster.readable if committed else self.cluster.end
        return await self._answered({place: end(place) for place in places})

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int, max_records: int = 500
    ) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        await self.called("getmany")
        deadline = asyncio.get_running_loop().time() + timeout_ms / 1000
        await asyncio.sleep(min(self.cluster.delay, timeout_ms / 1000))
        if timeout_ms / 1000 < self.cluster.delay:
            return {}
        self.polls += 1
        while not (found := self._fetch(places or tuple(self.positions), max_records)):
            if asyncio.get_running_loop().time() >= deadline or self.closed:
                return {}
            await asyncio.sleep(0.01)
        return found

    def _fetch(self, places: Iterable[TopicPartition], most: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        if self.cluster.fetch_error is not None:
            raise self.cluster.fetch_error
        found: dict[TopicPartition, list[ConsumerRecord]] = {}
        for place in places:
            if (
                place not in self.waiting
                and place not in self.cluster.withheld
                and (records := self._next(place, most))
            ):
                found[place] = records
                most -= len(records)
                # The others first, next time.
                self.positions[place] = self.positions.pop(place)
        return found

    def _next(self, place: TopicPartition, most: int) -> list[ConsumerRecord]:
        first = self.positions[place] - self.cluster.begins[place]
        records = self.cluster.logs[place][first : first + most]
        records = [each for each in records if each.offset < self.cluster.readable(place)]
        for each in records:
            self.positions[place] = each.offset + 1
            if (place, each.offset) in self.cluster.damaged:
                raise kafka.CorruptRecordException("Invalid CRC")
        return [each for each in records if (place, each.offset) not in self.cluster.aborted]

    async def _answered(self, answer: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        if self.cluster.silent & set(answer):
            await asyncio.Event().wait()
        return answer


async def until(condition: Callable[[], bool], work: Callable[[], Awaitable[Any]]) -> None:
    """Repeat the work until the condition holds, a hundred times at most."""
    for _ in range(100):
        if condition():
            return
        await work()
    raise AssertionError("it did not come to that")
