"""A cluster in memory, on asyncio's loop with virtual time."""

from collections.abc import AsyncIterator

import pytest
from loguru import logger

from icu.config.settings import Kafka
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.transport import KafkaTransport
from tests.unit.transports.kafka.cluster import TOPIC, Cluster


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster with a topic of two partitions."""
    cluster = Cluster().install(monkeypatch)
    cluster.topics[TOPIC] = 2
    return cluster


@pytest.fixture
async def transport(cluster: Cluster) -> AsyncIterator[KafkaTransport]:
    """A transport on that topic."""
    brokers = Brokers(Kafka(bootstrap_servers="127.0.0.1:9092"))
    transport = KafkaTransport(brokers, topic=TOPIC, partitions=2)
    yield transport
    await transport.aclose()


@pytest.fixture
def lines() -> list[str]:
    """Log lines of warnings and errors."""
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    return lines
