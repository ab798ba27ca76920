"""The naive sink on Kafka: aiokafka's iterator. Each message is stored and committed, then its offset is, so that none
is lost."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer

from tests.benchmarks.contest import Lap, Stopwatch
from tests.benchmarks.naive_sink import add, new_sessions


async def store(bootstrap: str, topic: str, url: str, patients: Sequence[UUID], count: int) -> Lap:
    """Store this number of messages of the topic in a new file, from these patients."""
    group = {"group_id": f"bench-{uuid4()}", "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with (
        new_sessions(url, patients) as sessions,
        AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, **group) as consumer,
    ):
        records = aiter(consumer)
        await anext(records)  # the watch starts when it is connected
        watch = Stopwatch()
        for _ in range(count):
            await add(sessions, (await anext(records)).value)
            await consumer.commit()
        return watch.lap(count)
