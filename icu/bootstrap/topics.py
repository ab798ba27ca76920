"""Kafka topics, for the command line. KafkaError is raised at once where no broker answers."""

from collections.abc import Mapping, Sequence

import anyio

from icu.config.settings import Settings
from icu.errors import UsageError
from icu.transports.kafka import topics
from icu.transports.kafka.brokers import Brokers


def list_topics(settings: Settings) -> Mapping[str, int]:
    """Return the number of partitions of each topic."""
    return anyio.run(topics.list_topics, Brokers(settings.kafka))


def create_topic(settings: Settings, name: str | None, *, partitions: int | None, copies: int | None) -> str:
    """Create a topic, and return the result as a sentence.

    Args:
        settings: Settings with the brokers, and the topic for all that is not given.
        name: Name of the topic.
        partitions: Number of partitions.
        copies: Replication factor; None for the broker's default.
    """
    name = name or settings.transport.topic
    partitions = partitions or settings.transport.partitions

    async def create() -> bool:
        return await topics.create_topic(Brokers(settings.kafka), name, partitions=partitions, copies=copies)

    return f"{name} was created with {partitions} partitions" if anyio.run(create) else f"{name} is there already"


def describe_topic(settings: Settings, name: str | None) -> Sequence[topics.Partition]:
    """Return the partitions of a topic; None means the configured one.

    Raises:
        UsageError: There is no such topic.
    """
    name = name or settings.transport.topic
    found = anyio.run(topics.describe_topic, Brokers(settings.kafka), name)
    if not found:
        raise UsageError(f"there is no topic {name}: python -m icu topics create {name}")
    return found
