"""The Transport on Apache Kafka: one producer for each process, and a consumer for each reader."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from icu.messages import Record
from icu.transports.errors import TransportClosedError
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.consumer import KafkaConsumer
from icu.transports.kafka.producer import Producer
from icu.transports.kafka.topics import Topic

# The key of the producer's trouble, beside those of the readers.
_SENDING: Final = "producer"


class KafkaTransport:
    """A topic on a cluster, created if it is missing. It connects when it is first used, and after each error."""

    durable = True
    unstored = 0  # the log outlives this process

    def __init__(self, brokers: Brokers, *, topic: str, partitions: int) -> None:
        self._brokers = brokers
        self._topic = Topic(brokers, topic, partitions=partitions)
        self._troubles: dict[object, str | None] = {}
        self._readers: set[KafkaConsumer] = set()
        self._producer = Producer(brokers, self._topic, on_trouble=partial(self._note, _SENDING))
        self._closed = False

    @property
    def topic(self) -> str:
        return self._topic.name

    @property
    def trouble(self) -> str | None:
        troubles = [self.sending_trouble, *self._troubles.values(), *(each.trouble for each in self._readers)]
        return next(filter(None, troubles), None)

    @property
    def sending_trouble(self) -> str | None:
        return self._troubles.get(_SENDING) or self._producer.trouble

    @property
    def degraded(self) -> str | None:
        return next(filter(None, (each.degraded for each in self._readers)), None)

    @property
    def sending_degraded(self) -> str | None:
        return self._producer.degraded

    async def check(self) -> None:
        self._check_open()
        await self._topic.ensure()

    async def until_stored(self, most: int) -> None:
        """Return at once: the log outlives this process."""

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        self._check_open()
        return await self._producer.publish(records)

    @asynccontextmanager
    async def consumer(self, member: str | None = None) -> AsyncIterator[KafkaConsumer]:
        self._check_open()
        key = object()  # each reader's trouble has a key of its own
        reader = KafkaConsumer(self._brokers, self._topic, member=member, on_trouble=partial(self._note, key))
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            self._troubles.pop(key, None)
            await reader.aclose()

    async def aclose(self) -> None:
        self._closed = True
        for reader in tuple(self._readers):
            await reader.aclose()
        await self._producer.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise TransportClosedError(f"the topic {self._topic.name} was closed")

    def _note(self, key: object, trouble: str | None) -> None:
        self._troubles[key] = trouble
