"""A cluster with one broker away, whose partitions have no other leader: the others are read."""

from collections.abc import Iterator

import pytest

from icu.transports.kafka import survey
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import MockKafka
from tests.integration.conftest import Connect
from tests.integration.followers import Follower, following, foreign, send

AWAY = 2


@pytest.fixture
def cluster() -> Iterator[MockKafka]:
    """Two brokers; clients know only the first."""
    mock = MockKafka(brokers=2)
    mock.start()
    yield mock
    mock.stop()


@pytest.fixture
def transport(cluster: MockKafka, connect: Connect) -> KafkaTransport:
    """A topic with two partitions, each led by another broker."""
    transport = connect(cluster.bootstrap.split(",")[0], partitions=2)
    cluster.create_topic(transport.topic, 2)
    for partition in range(2):
        cluster.lead(transport.topic, partition, partition + 1)
    return transport


async def goes_on(cluster: MockKafka, follower: Follower, numbers: range) -> None:
    """Check that records sent to the running broker are read."""
    async with foreign(cluster) as producer:
        for number in numbers:
            await send(producer, follower.topic, [number])
            assert (await follower.read(number + 1))[-1] == number


async def test_a_broker_that_goes_away_keeps_the_others_from_nothing(
    cluster: MockKafka, transport: KafkaTransport
) -> None:
    """The partition of a stopped broker is named until it answers, and is read then; the others are read meanwhile."""
    async with following(transport) as follower:
        await goes_on(cluster, follower, range(3))
        cluster.down(AWAY)

        async def named() -> bool:
            return transport.trouble is not None

        await follower.until(named)
        assert str(transport.trouble).startswith("partition 1: ")
        await goes_on(cluster, follower, range(3, 6))
        cluster.up(AWAY)

        async def well() -> bool:
            return transport.trouble is None

        await follower.until(well)
        async with foreign(cluster) as producer:
            await send(producer, transport.topic, [100], partition=1)
        assert (await follower.read(7))[-1] == 100


async def test_a_broker_that_is_away_at_the_start_is_awaited_beside_the_others(
    cluster: MockKafka, transport: KafkaTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partitions that answer are assigned at once, the others when they answer."""
    monkeypatch.setattr(survey, "ANSWER_DEADLINE", 1.0)
    cluster.down(AWAY)
    async with following(transport) as follower:
        assert set(follower.positions) == {0}
        assert str(transport.trouble).startswith("partition 1: ")
        await goes_on(cluster, follower, range(3))
        cluster.up(AWAY)
        async with foreign(cluster) as producer:
            await send(producer, transport.topic, [100], partition=1)
        assert (await follower.read(4))[-1] == 100
        assert transport.trouble is None
        assert set(follower.positions) == {0, 1}
