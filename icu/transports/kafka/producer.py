"""Sending: whole batches, acknowledged by all replicas, each record once as long as the producer lives."""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

import anyio
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from icu.errors import KafkaError
from icu.messages import Record
from icu.ops.retries import Waiting
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.foreign import bounded, closed, first_error
from icu.transports.kafka.topics import ensure_topic

ACKNOWLEDGING_DEADLINE: Final = 10.0
"""Seconds after which a producer that got no acknowledgement is thrown away: a wedged one never ends by itself."""

BATCH_BYTES: Final = 500_000
"""A batch as one request carries it for one partition; brokers accept 1 MB unless told otherwise."""

SLOW: Final = 2.0
"""Seconds without an acknowledgement after which that is worth telling."""

_Batches: TypeAlias = dict[int, BatchBuilder]


class _Company:
    """Records of several who publish at the same time."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.sent = False


class Producer:
    """The one producer of a process. Connects when it is first needed, and anew after trouble."""

    def __init__(
        self, brokers: Brokers, topic: str, partitions: int, *, on_trouble: Callable[[str | None], None]
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._partitions = partitions
        self._waiting = Waiting("sending to Kafka", on_trouble=on_trouble)
        self._turn = anyio.Lock()
        self._waiting_together = _Company()
        self._client: AIOKafkaProducer | None = None
        self._sent_at: float | None = None

    @property
    def trouble(self) -> str | None:
        """What a batch has been waiting for."""
        waited = 0.0 if self._sent_at is None else anyio.current_time() - self._sent_at
        return f"Kafka has not acknowledged readings for {waited:.0f} s" if waited > SLOW else None

    async def publish(self, records: Sequence[Record]) -> None:
        """Send the records in order, again and again until all are acknowledged.

        Whoever comes while others are being sent waits, and then all who wait are sent together.
        """
        company = self._waiting_together
        company.records.extend(records)
        async with self._turn:
            if not company.sent:
                self._waiting_together = _Company()
                await self._send_all(company.records)
                company.sent = True

    async def _send_all(self, records: Sequence[Record]) -> None:
        rest = records
        while rest:
            # One batch a partition at a time: were there two, a failure of the first would let the second overtake it.
            rest = await self._waiting.until_it_works(partial(self._attempt, rest))

    async def aclose(self) -> None:
        """Leave the broker."""
        if self._client is not None:
            await self._discard(self._client)

    async def _attempt(self, records: Sequence[Record]) -> Sequence[Record]:
        """Send as many of the records as fit; returns those that are left."""
        client = await self._connected()
        try:
            known = await bounded("asking for partitions", client.partitions_for(self._topic), seconds=5)
            batches, sent = _packed(client, records, len(known))
            await self._send(client, batches)
        except KafkaError:
            await self._discard(client)
            raise
        return records[sent:]

    async def _send(self, client: AIOKafkaProducer, batches: _Batches) -> None:
        handing_over = _handed_over(client, self._topic, batches)
        futures = await bounded("sending", handing_over, seconds=ACKNOWLEDGING_DEADLINE)
        self._sent_at = anyio.current_time()
        try:
            await asyncio.wait(futures, timeout=ACKNOWLEDGING_DEADLINE)
        finally:
            self._sent_at = None
            # The client's own end would wait for those that nobody waits for any more.
            late = [each.cancel() for each in futures if not each.done()]
        if late:
            raise KafkaError(f"the broker did not acknowledge within {ACKNOWLEDGING_DEADLINE:g} s")
        first_error("sending", futures)

    async def _connected(self) -> AIOKafkaProducer:
        if self._client is None:
            self._client = await self._connect()
        client: AIOKafkaProducer = self._client
        return client

    async def _connect(self) -> AIOKafkaProducer:
        await ensure_topic(self._brokers, self._topic, partitions=self._partitions)
        client = AIOKafkaProducer(
            **self._brokers.options(), acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES
        )
        try:
            await self._brokers.connect(client.start)
        except BaseException:
            await closed(client.stop)
            raise
        return client

    async def _discard(self, client: AIOKafkaProducer) -> None:
        """Close a client for good; the next attempt makes another one."""
        if self._client == client:
            self._client = None
            # Not its stop: that waits for an answer to what was given up, in a task that would never end.
            client._closed = True  # noqa: SLF001 - no public way leaves the client without that wait
            await closed(client._sender.close, client.client.close)  # noqa: SLF001 - no public way closes its sender alone


async def _handed_over(client: AIOKafkaProducer, topic: str, batches: _Batches) -> list["asyncio.Future[Any]"]:
    """Give the client all batches in one step: a request takes those that are there, the others wait for its answer."""
    return [await client.send_batch(batch, topic, partition=partition) for partition, batch in batches.items()]


def _packed(client: AIOKafkaProducer, records: Sequence[Record], partitions: int) -> tuple[_Batches, int]:
    """The first records as one batch for each partition, and how many they are: all, unless a batch is full."""
    batches: _Batches = {}
    for count, record in enumerate(records):
        partition = partition_of(record.key, partitions)
        batch = batches.get(partition)
        if batch is None:
            batch = batches[partition] = client.create_batch()
        if batch.append(timestamp=None, key=record.key, value=record.value) is None:
            return batches, count
    for batch in batches.values():
        batch.close()
    return batches, len(records)


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own clients put this key. Cached: the hash is pure Python, and a ward repeats its keys."""
    positive: Any = murmur2(key) & 0x7FFFFFFF
    return int(positive % partitions)
