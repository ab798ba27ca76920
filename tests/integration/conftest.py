"""Fixtures of rooms that need a real broker."""

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from icu.config.settings import Kafka
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import ApacheKafka, own_kafka

# Several workers of pytest share a broker: the topics of each have numbers of its own.
NUMBERS = map("{}.{}".format, itertools.repeat(os.environ.get("PYTEST_XDIST_WORKER", "alone")), itertools.count())

Connect: TypeAlias = Callable[..., KafkaTransport]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The database's URL."""
    return f"sqlite:///{tmp_path / 'icu.db'}"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """A running broker that these tests may kill; each test leaves it running."""
    with own_kafka(tmp_path_factory.mktemp("kafka"), secure=True) as broker:
        broker.start()
        yield broker


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """A function that opens transports to a topic of the test's own; all are closed at the end."""
    topic = f"icu.integration.{next(NUMBERS)}"
    async with AsyncExitStack() as stack:

        def connect(bootstrap: str, *, partitions: int = 1, topic: str = topic) -> KafkaTransport:
            brokers = Brokers(Kafka(bootstrap_servers=bootstrap))
            transport = KafkaTransport(brokers, topic=topic, partitions=partitions)
            stack.push_async_callback(transport.aclose)
            return transport

        yield connect
