"""Finding, creating and describing topics."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec import Struct

from icu.transports.kafka.brokers import CONNECTING_DEADLINE, Brokers
from icu.transports.kafka.errors import KafkaDeniedError, KafkaRefusedError
from icu.transports.kafka.foreign import bounded, close_consumer, close_in_turn, translated

# Seconds for an answer, with the time to connect to the broker first.
ANSWER_DEADLINE: Final = CONNECTING_DEADLINE + 2.0

# Replicas of a new topic, if there are so many brokers.
COPIES: Final = 3


class Partition(Struct, frozen=True):
    """One partition of a topic. Brokers are given by id."""

    number: int
    leader: int
    replicas: Sequence[int]
    in_sync: Sequence[int]
    # The offset of the first record.
    begin: int
    # The offset of the next record to come.
    end: int


class TopicLayout(Struct, frozen=True):
    """The partitions of a topic, and the id of its cluster."""

    name: str
    cluster: str
    partitions: Sequence[int]


async def list_topics(brokers: Brokers) -> dict[str, int]:
    """Number of partitions by topic, without Kafka's internal topics."""
    async with _administering(brokers) as admin:
        found = await bounded("listing topics", admin.describe_topics(), seconds=ANSWER_DEADLINE)
    return {each["topic"]: len(each["partitions"]) for each in found if not each["is_internal"]}


class Topic:
    """A topic that is created if it is missing."""

    def __init__(self, brokers: Brokers, name: str, *, partitions: int) -> None:
        """Name a topic, and the number of `partitions` for its creation."""
        self.name = name
        self._brokers = brokers
        self._partitions = partitions
        self._was_found = False

    async def ensure(self) -> TopicLayout:
        """Find the topic, or create it.

        Raises:
            KafkaRefusedError: It is missing or hidden, was never found before, and cannot be created.
            KafkaDeniedError: It was found before, and is gone or hidden now. Retried, since rights that were taken away
                may be given back.
        """
        try:
            layout = await self._ensure()
        except KafkaRefusedError as exc:
            if self._was_found:
                raise KafkaDeniedError(f"the topic {self.name} is gone, or may not be seen any more: {exc}") from exc
            raise
        self._was_found = True
        return layout

    async def _ensure(self) -> TopicLayout:
        async with _administering(self._brokers) as admin:
            cluster = await bounded("asking who the cluster is", admin.describe_cluster(), seconds=ANSWER_DEADLINE)
            found = await _found(admin, self.name)
            if not found:
                await _create(admin, self.name, self._partitions, copies=min(COPIES, len(cluster["brokers"])))
                found = await _found(admin, self.name) or list(range(self._partitions))
        return TopicLayout(self.name, cluster["cluster_id"] or "", sorted(found))


async def create_topic(brokers: Brokers, name: str, *, partitions: int, copies: int | None) -> bool:
    """Create a topic. Returns False if it exists.

    Args:
        brokers: The brokers of the cluster.
        name: The name of the topic.
        partitions: The number of its partitions.
        copies: The number of replicas; None for as many as there are brokers, up to COPIES.
    """
    async with _administering(brokers) as admin:
        cluster = await bounded("asking who the cluster is", admin.describe_cluster(), seconds=ANSWER_DEADLINE)
        return await _create(admin, name, partitions, copies=copies or min(COPIES, len(cluster["brokers"])))


async def describe_topic(brokers: Brokers, name: str) -> list[Partition]:
    """Describe the partitions of a topic; none if there is no such topic."""
    async with _administering(brokers) as admin:
        # All topics, since a request for a missing one creates it, on a broker that creates topics automatically.
        found = await bounded("describing topics", admin.describe_topics(), seconds=ANSWER_DEADLINE)
    described = [each for topic in found if topic["topic"] == name for each in topic["partitions"]]
    begins, ends = await _offsets(brokers, [TopicPartition(name, each["partition"]) for each in described])
    return [
        Partition(
            number=each["partition"],
            leader=each["leader"],
            replicas=each["replicas"],
            in_sync=each["isr"],
            begin=begins[TopicPartition(name, each["partition"])],
            end=ends[TopicPartition(name, each["partition"])],
        )
        for each in sorted(described, key=lambda each: each["partition"])
    ]


async def _offsets(
    brokers: Brokers, partitions: Sequence[TopicPartition]
) -> tuple[Mapping[TopicPartition, int], Mapping[TopicPartition, int]]:
    if not partitions:
        return {}, {}
    doing = "asking for offsets"
    consumer = AIOKafkaConsumer(**brokers.options())
    try:
        await brokers.connect(consumer.start)
        async with brokers.explaining_errors():
            begins = await bounded(doing, consumer.beginning_offsets(partitions), seconds=ANSWER_DEADLINE)
            ends = await bounded(doing, consumer.end_offsets(partitions), seconds=ANSWER_DEADLINE)
    finally:
        await close_consumer(consumer)
    return begins, ends


async def _found(admin: AIOKafkaAdminClient, name: str) -> list[int]:
    found = await bounded("looking for the topic", admin.describe_topics(), seconds=ANSWER_DEADLINE)
    return [each["partition"] for topic in found if topic["topic"] == name for each in topic["partitions"]]


async def _create(admin: AIOKafkaAdminClient, name: str, partitions: int, *, copies: int) -> bool:
    wanted = NewTopic(name, partitions, copies)
    answer = await bounded(f"creating the topic {name}", admin.create_topics([wanted]), seconds=ANSWER_DEADLINE)
    [(_, code, *why)] = answer.topic_errors
    error = kafka.for_code(code)
    if error is kafka.TopicAlreadyExistsError:
        return False
    if error is not kafka.NoError:
        reason = translated(f"creating the topic {name}", error(*[each for each in why if each]))
        if isinstance(reason, KafkaRefusedError):
            raise KafkaRefusedError(f"{reason}; ask whoever runs the broker to create it") from reason
        raise reason
    return True


@asynccontextmanager
async def _administering(brokers: Brokers) -> AsyncIterator[AIOKafkaAdminClient]:
    admin: Any = AIOKafkaAdminClient(**brokers.options())
    try:
        await brokers.connect(admin.start)
        async with brokers.explaining_errors():
            yield admin
    finally:
        await close_in_turn(admin.close)
