"""The Transport on Apache Kafka: one producer a process, a consumer for each reader, and what they wait for."""

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

# Whose trouble it is, beside that of the readers.
_SENDING: Final = "producer"


class KafkaTransport:
    """A topic on a cluster, made if it is missing. Connects when it is first used, and again whenever it has to."""

    durable = True
    unstored = 0

    def __init__(self, brokers: Brokers, *, topic: str, partitions: int) -> None:
        self._brokers = brokers
        self._topic = Topic(brokers, topic, partitions=partitions)
        self._troubles: dict[object, str | None] = {}
        self._readers: set[KafkaConsumer] = set()
        self._producer = Producer(brokers, self._topic, on_trouble=partial(self._note, _SENDING))
        self._closed = False

    @property
    def topic(self) -> str:
        """The topic's name."""
        return self._topic.name

    @property
    def trouble(self) -> str | None:
        """What it waits for; None while it works."""
        troubles = [self.sending_trouble, *self._troubles.values(), *(each.trouble for each in self._readers)]
        return next(filter(None, troubles), None)

    @property
    def sending_trouble(self) -> str | None:
        """Trouble of the producer; None while it works."""
        return self._troubles.get(_SENDING) or self._producer.trouble

    @property
    def degraded(self) -> str | None:
        """What cannot be read until somebody mends something; None where all can."""
        return next(filter(None, (each.degraded for each in self._readers)), None)

    @property
    def sending_degraded(self) -> str | None:
        """Why nothing can be sent until somebody mends something."""
        return self._producer.degraded

    async def check(self) -> None:
        """Connect once; KafkaError where that fails."""
        self._check_open()
        await self._topic.ensure()

    async def until_stored(self, most: int) -> None:
        """Nothing to wait for: the log outlives this process."""

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        """Send in order; returns when all replicas have all records, however long the broker is away."""
        self._check_open()
        return await self._producer.publish(records)

    @asynccontextmanager
    async def consumer(self) -> AsyncIterator[KafkaConsumer]:
        """Open a reader; it connects when it is assigned."""
        self._check_open()
        number = object()
        reader = KafkaConsumer(self._brokers, self._topic, on_trouble=partial(self._note, number))
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            self._troubles.pop(number, None)
            await reader.aclose()

    async def aclose(self) -> None:
        """Leave the brokers for good, waking all who wait."""
        self._closed = True
        for reader in tuple(self._readers):
            await reader.aclose()
        await self._producer.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise TransportClosedError(f"the topic {self._topic.name} was closed")

    def _note(self, who: object, trouble: str | None) -> None:
        self._troubles[who] = trouble
