"""Sending: whole batches, acknowledged by all replicas, each record once as long as the producer lives.

Nothing that a broker answers ends whoever publishes. A batch that is too large is split, and a record that is too large
alone is dropped: it would be refused for ever, and stand before all that follow. Every other refusal is of everything
that is sent (rights, settings, a clock that is wrong) and is waited out: whoever runs the broker can mend it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

import anyio
from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka
from loguru import logger

from icu.messages import Record
from icu.ops.retries import LOG_EVERY, Retries
from icu.transports.kafka.batches import PartitionBatches, of_partitions, pack
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaDeniedError, KafkaError
from icu.transports.kafka.foreign import bounded, close_in_turn, ignore_outcome, outcome
from icu.transports.kafka.topics import Topic

# Seconds after which a producer that got no acknowledgement is thrown away: a wedged one never ends by itself.
ACKNOWLEDGING_DEADLINE: Final = 10.0

# A batch as one request carries it for one partition, at first; brokers accept 1 MB unless told otherwise.
BATCH_BYTES: Final = 500_000

# Seconds without an acknowledgement after which that is worth telling.
SLOW_ACKNOWLEDGEMENT: Final = 2.0

_TOO_LARGE: Final = (
    kafka.MessageSizeTooLargeError,  # max.message.bytes of the topic
    kafka.RecordListTooLargeError,  # its segment.bytes
)

# By the partition's number.
_Answers: TypeAlias = Mapping[int, "asyncio.Future[Any]"]


class _PendingBatch:
    """Records of several who publish at the same time."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.refused: Sequence[Record] = ()
        self.sent = False


class _DroppedRecords:
    """Records that were too large, told at once and then now and then."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._count = 0
        self._logged_at: float | None = None

    def report(self, sizes: Sequence[int]) -> None:
        self._count += len(sizes)
        if sizes and (self._logged_at is None or anyio.current_time() - self._logged_at >= LOG_EVERY):
            self._logged_at = anyio.current_time()
            logger.warning(
                "a record was dropped: the topic {} takes none of {} bytes, raise its max.message.bytes ({} so far)",
                self._topic,
                max(sizes),
                self._count,
            )


class Producer:
    """The one producer of a process. Connects when it is first needed, and anew after trouble."""

    def __init__(self, brokers: Brokers, topic: Topic, *, on_trouble: Callable[[str | None], None]) -> None:
        self._brokers = brokers
        self._topic = topic
        self._retries = Retries("sending to Kafka", on_trouble=on_trouble)
        self._dropped = _DroppedRecords(topic.name)
        self._batch_bytes = BATCH_BYTES
        self._lock = anyio.Lock()
        self._pending = _PendingBatch()
        self._client: AIOKafkaProducer | None = None
        self._awaiting_since: float | None = None

    @property
    def trouble(self) -> str | None:
        """What a batch has been waiting for."""
        waited = 0.0 if self._awaiting_since is None else anyio.current_time() - self._awaiting_since
        return f"Kafka has not acknowledged readings for {waited:.0f} s" if waited > SLOW_ACKNOWLEDGEMENT else None

    @property
    def degraded(self) -> str | None:
        """Why nothing is sent until somebody mends something."""
        return self._retries.needs_people

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        """Send the records in order, again and again until all are acknowledged; returns those that are too large.

        Whoever comes while others are being sent waits, and then all who wait are sent together.
        """
        pending = self._pending
        pending.records.extend(records)
        async with self._lock:
            if not pending.sent:
                self._pending = _PendingBatch()
                pending.refused = await self._send_all(pending.records)
                pending.sent = True
        refused = set(map(id, pending.refused))
        return [each for each in records if id(each) in refused] if refused else ()

    async def _send_all(self, records: Sequence[Record]) -> Sequence[Record]:
        rest = records
        refused: list[Record] = []
        while rest:
            # One batch a partition at a time: were there two, a failure of the first would let the second overtake it.
            rest, too_large = await self._retries.run(partial(self._attempt, rest))
            refused += too_large
        return refused

    async def aclose(self) -> None:
        """Leave the broker."""
        if self._client is not None:
            await self._discard(self._client)

    async def _attempt(self, records: Sequence[Record]) -> tuple[Sequence[Record], Sequence[Record]]:
        """Send as many of the records as fit; returns those that are left, and those that are too large."""
        client = await self._connected()
        try:
            known = await bounded("asking for partitions", client.partitions_for(self._topic.name), seconds=5)
            batches, sent = pack(client, records, len(known))
            refused = await self._send(client, batches)
        except KafkaError as exc:
            await self._discard(client)
            # Transient, whatever it was: see above.
            raise (KafkaError if exc.transient else KafkaDeniedError)(str(exc)) from exc
        if not refused:
            return records[sent:], ()
        # Its sequence numbers are past what was refused: those partitions would take nothing more from it.
        await self._discard(client)
        alone = {each for each in refused if batches[each].record_count() == 1}
        self._split([batches[each].size() for each in refused - alone])
        self._dropped.report([batches[each].size() for each in alone])
        again = of_partitions(refused - alone, records[:sent], len(known))
        return [*again, *records[sent:]], of_partitions(alone, records[:sent], len(known))

    def _split(self, sizes: Sequence[int]) -> None:
        """From now on make batches half as large as the smallest of those that were too large."""
        if sizes:
            self._batch_bytes = min(sizes) // 2
            logger.info(
                "the topic {} takes no batch of {} bytes: from now on they have {} at most",
                self._topic.name,
                min(sizes),
                self._batch_bytes,
            )

    async def _send(self, client: AIOKafkaProducer, batches: PartitionBatches) -> set[int]:
        """The partitions whose batch is too large; all others have acknowledged theirs."""
        handing_over = _handed_over(client, self._topic.name, batches)
        answers = await bounded("sending", handing_over, seconds=ACKNOWLEDGING_DEADLINE)
        self._awaiting_since = anyio.current_time()
        try:
            await asyncio.wait(answers.values(), timeout=ACKNOWLEDGING_DEADLINE)
        finally:
            self._awaiting_since = None
            # The client's own end would wait for those that nobody waits for any more.
            late = [each.cancel() for each in answers.values() if not each.done()]
        if late:
            raise KafkaError(f"the broker did not acknowledge within {ACKNOWLEDGING_DEADLINE:g} s")
        return _too_large(answers)

    async def _connected(self) -> AIOKafkaProducer:
        if self._client is None:
            self._client = await self._connect()
        client: AIOKafkaProducer = self._client
        return client

    async def _connect(self) -> AIOKafkaProducer:
        await self._topic.ensure()
        client = AIOKafkaProducer(
            **self._brokers.options(), acks="all", enable_idempotence=True, max_batch_size=self._batch_bytes
        )
        try:
            await self._brokers.connect(client.start)
        except BaseException:
            await close_in_turn(client.stop)
            raise
        return client

    async def _discard(self, client: AIOKafkaProducer) -> None:
        """Close a client for good; the next attempt makes another one."""
        if self._client == client:
            self._client = None
            # Not its stop: that waits for an answer to what was given up, in a task that would never end.
            client._closed = True  # noqa: SLF001 - no public way leaves the client without that wait
            await close_in_turn(client._sender.close, client.client.close)  # noqa: SLF001 - no public way closes its sender alone


async def _handed_over(client: AIOKafkaProducer, topic: str, batches: PartitionBatches) -> _Answers:
    """Give the client all batches in one step: a request takes those that are there, the others wait for its answer."""
    answers: dict[int, asyncio.Future[Any]] = {}
    for partition, batch in batches.items():
        answers[partition] = await client.send_batch(batch, topic, partition=partition)
        # The next one may fail, and then nobody looks at this one.
        answers[partition].add_done_callback(ignore_outcome)
    return answers


def _too_large(answers: _Answers) -> set[int]:
    """The partitions that refused their batch for its size. KafkaError where one refused it for another reason."""
    found = {
        partition
        for partition, each in answers.items()
        if not each.cancelled() and isinstance(each.exception(), _TOO_LARGE)
    }
    for partition, each in answers.items():
        if partition not in found:
            outcome("sending", each)
    return found
