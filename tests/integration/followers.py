"""Readers of a topic that work as the sink does, and writers as in other programs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from aiokafka import AIOKafkaProducer

from icu.messages import Position
from icu.transports.base import Consumer
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.transport import KafkaTransport
from tests.brokers import Broker
from tests.processes import TIMEOUT


class Follower:
    """A reader of numbers that works as the sink: from its own positions, and again after an error."""

    def __init__(self, topic: str, consumer: Consumer, positions: dict[int, Position] | None = None) -> None:
        self.topic = topic
        self.consumer = consumer
        self.positions = positions or {}
        self.numbers: list[int] = []
        self.other_logs = 0
        self.lost = 0

    async def begin(self) -> None:
        """Assign all partitions."""
        for partition, each in (await self.consumer.assign(self.positions)).items():
            self.positions[partition] = each.position
            self.other_logs += each.other_log
            self.lost += each.lost

    async def fetch(self) -> None:
        """Fetch once, and commit."""
        try:
            batches = await self.consumer.fetch(max_records=1_000, linger=0, max_wait=0.2)
        except KafkaError:
            await self.begin()
            return
        for batch in batches:
            self.numbers += [int(each.value or b"") for each in batch.deliveries]
            self.positions[batch.partition] = batch.position
        await self.consumer.commit({batch.partition: batch.position for batch in batches})

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Fetch until a condition holds."""
        with anyio.fail_after(TIMEOUT):
            while not await condition():
                await self.fetch()

    async def read(self, count: int) -> list[int]:
        """Return all numbers so far, once there are this many."""

        async def enough() -> bool:
            return len(self.numbers) >= count

        await self.until(enough)
        return self.numbers

    async def has_lag(self, lag: int) -> bool:
        """Check if this many records remain to be read."""
        return await self.consumer.lag() == lag


@asynccontextmanager
async def following(transport: KafkaTransport, positions: dict[int, Position] | None = None) -> AsyncIterator[Follower]:
    """Begin a follower."""
    async with transport.consumer() as consumer:
        follower = Follower(transport.topic, consumer, positions)
        await follower.begin()
        yield follower


@asynccontextmanager
async def foreign(kafka: Broker, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """Open another program's producer."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, topic: str, values: Sequence[int], partition: int = 0) -> None:
    """Send numbers as one batch, and wait for the acknowledgement."""
    batch = producer.create_batch()
    for value in values:
        batch.append(key=None, value=b"%d" % value, timestamp=None)
    await (await producer.send_batch(batch, topic, partition=partition))
