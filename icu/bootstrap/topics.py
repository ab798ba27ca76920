"""Kafka topics, for the command line. KafkaError is raised at once where no broker answers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import anyio

from icu.config.settings import Settings
from icu.errors import UsageError
from icu.transports.kafka import topics
from icu.transports.kafka.brokers import Brokers


def list_topics(settings: Settings) -> Mapping[str, int]:
    """Return the number of partitions of each topic."""
    return anyio.run(topics.list_topics, Brokers(settings.kafka))


def create_topics(settings: Settings, name: str | None, *, partitions: int | None, copies: int | None) -> Iterator[str]:
    """Create topics, and yield each result as a sentence.

    Args:
        settings: Settings with the brokers, and the topics for all that is not given.
        name: Name of one topic; None for those of readings and of alarms.
        partitions: Number of partitions.
        copies: Replication factor; None for the broker's default.
    """
    configured = settings.transport
    partitions = partitions or configured.partitions
    create = partial(topics.create_topic, Brokers(settings.kafka), partitions=partitions, copies=copies)
    for each in [name] if name else [configured.topic, configured.alarms]:
        created = anyio.run(create, each)
        yield f"{each} was created with {partitions} partitions" if created else f"{each} is there already"


def describe_topic(settings: Settings, name: str | None) -> Sequence[topics.Partition]:
    """Return the partitions of a topic; None means that of the readings.

    Raises:
        UsageError: There is no such topic.
    """
    name = name or settings.transport.topic
    found = anyio.run(topics.describe_topic, Brokers(settings.kafka), name)
    if not found:
        raise UsageError(f"there is no topic {name}: python -m icu topics create {name}")
    return found
