"""The producer: sends whole batches, acknowledged by all replicas, without duplicates during its life.

No refusal of a broker ends the publisher. A batch that is too large is split; a single record that is too large is
dropped, since it would be refused for ever and block all that follow. Any other refusal (rights, settings, a wrong
clock) concerns everything that is sent, and is waited out: the broker's operator can mend it.
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

# Seconds without an acknowledgement after which a producer is replaced: a wedged one never recovers by itself.
ACKNOWLEDGING_DEADLINE: Final = 10.0

# Bytes of a batch, which is the part of a request for one partition, until a broker refuses it. By default brokers
# accept 1 MB.
BATCH_BYTES: Final = 500_000

# Seconds after which batches that a broker refused may be twice as large again: its limit may have been raised. Seldom,
# for where it has not, a refused batch and a connection are lost each time.
GROW_EVERY: Final = 3_600.0

# Seconds without an acknowledgement after which `trouble` says so.
SLOW_ACKNOWLEDGEMENT: Final = 2.0

_TOO_LARGE: Final = (
    kafka.MessageSizeTooLargeError,  # max.message.bytes of the topic
    kafka.RecordListTooLargeError,  # its segment.bytes
)

# By the number of the partition.
_Answers: TypeAlias = Mapping[int, "asyncio.Future[Any]"]


class _PendingBatch:
    """The records of all callers of `publish` that wait at the same time."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        # Records that are too large; known once the batch is sent.
        self.refused: Sequence[Record] = ()
        self.sent = False


class _DroppedRecords:
    """Log lines about records that are too large: the first at once, then one every LOG_EVERY seconds."""

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
    """The one producer of a process. It connects when it is first needed, and again after an error."""

    def __init__(self, brokers: Brokers, topic: Topic, *, on_trouble: Callable[[str | None], None]) -> None:
        self._brokers = brokers
        self._topic = topic
        self._retries = Retries("sending to Kafka", on_trouble=on_trouble)
        self._dropped = _DroppedRecords(topic.name)
        self._batch_bytes = BATCH_BYTES
        # The time of the last change of that; undefined while it is the largest.
        self._resized_at = 0.0
        # Held while a pending batch is sent.
        self._lock = anyio.Lock()
        self._pending = _PendingBatch()
        self._client: AIOKafkaProducer | None = None
        # The time since which acknowledgements are awaited; None while there is nothing to wait for.
        self._awaiting_since: float | None = None

    @property
    def trouble(self) -> str | None:
        """The time that a batch has waited for its acknowledgement, in words; None up to SLOW_ACKNOWLEDGEMENT."""
        waited = 0.0 if self._awaiting_since is None else anyio.current_time() - self._awaiting_since
        return f"Kafka has not acknowledged readings for {waited:.0f} s" if waited > SLOW_ACKNOWLEDGEMENT else None

    @property
    def degraded(self) -> str | None:
        """The reason why nothing is sent until a person mends something, in words; None if there is none."""
        return self._retries.needs_people

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        """Send records in order, and retry until all are acknowledged. Returns those that are too large."""
        # Callers that come while a batch is sent join the pending batch, which the first of them sends for all.
        pending = self._pending
        pending.records.extend(records)
        async with self._lock:
            if not pending.sent:
                self._pending = _PendingBatch()
                pending.refused = await self._send_all(pending.records)
                pending.sent = True
        # By identity: equal records of other callers may be in the same batch.
        refused = set(map(id, pending.refused))
        return [each for each in records if id(each) in refused] if refused else ()

    async def _send_all(self, records: Sequence[Record]) -> Sequence[Record]:
        rest = records
        refused: list[Record] = []
        while rest:
            # One batch at a time for each partition: of two, the second could overtake the first when that fails.
            rest, too_large = await self._retries.run(partial(self._attempt, rest))
            refused += too_large
        return refused

    async def aclose(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._discard(self._client)

    async def _attempt(self, records: Sequence[Record]) -> tuple[Sequence[Record], Sequence[Record]]:
        """Send as many of the records as fit. Returns the remaining records, and those that are too large."""
        await self._grow()
        client = await self._connected()
        try:
            known = await bounded("asking for partitions", client.partitions_for(self._topic.name), seconds=5)
            batches, sent = pack(client, records, len(known))
            refused = await self._send(client, batches)
        except KafkaError as exc:
            await self._discard(client)
            # Transient, whatever the error: see the top of the file.
            raise (KafkaError if exc.transient else KafkaDeniedError)(str(exc)) from exc
        if not refused:
            return records[sent:], ()
        # The client's sequence numbers are past the refused batch: those partitions would accept nothing more from it.
        await self._discard(client)
        alone = {each for each in refused if batches[each].record_count() == 1}
        self._split([batches[each].size() for each in refused - alone])
        self._dropped.report([batches[each].size() for each in alone])
        again = of_partitions(refused - alone, records[:sent], len(known))
        return [*again, *records[sent:]], of_partitions(alone, records[:sent], len(known))

    async def _grow(self) -> None:
        """Double the size of batches that were too large for a broker, once it has lasted for GROW_EVERY."""
        if self._batch_bytes == BATCH_BYTES or anyio.current_time() - self._resized_at < GROW_EVERY:
            return
        self._batch_bytes = min(2 * self._batch_bytes, BATCH_BYTES)
        self._resized_at = anyio.current_time()
        # A client packs batches of the size that it was made with.
        if self._client is not None:
            await self._discard(self._client)

    def _split(self, sizes: Sequence[int]) -> None:
        # From now on, batches are half as large as the smallest of those that were too large.
        if sizes:
            self._batch_bytes = min(sizes) // 2
            self._resized_at = anyio.current_time()
            logger.info(
                "the topic {} takes no batch of {} bytes: from now on they have {} at most",
                self._topic.name,
                min(sizes),
                self._batch_bytes,
            )

    async def _send(self, client: AIOKafkaProducer, batches: PartitionBatches) -> set[int]:
        """Send a batch to each partition. Returns the partitions that found it too large; the others have it."""
        handing_over = _handed_over(client, self._topic.name, batches)
        answers = await bounded("sending", handing_over, seconds=ACKNOWLEDGING_DEADLINE)
        self._awaiting_since = anyio.current_time()
        try:
            await asyncio.wait(answers.values(), timeout=ACKNOWLEDGING_DEADLINE)
        finally:
            self._awaiting_since = None
            # When it is closed, the client would wait for unfinished requests, whose results nobody needs any more.
            late = [each for each in answers.values() if not each.done()]
            for each in late:
                each.cancel()
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
        """Close a client for good. The next attempt makes another one."""
        if self._client == client:
            self._client = None
            # Not by its stop(), which waits for answers to abandoned requests, in a task that would never end.
            client._closed = True  # noqa: SLF001 - no public way closes the client without that wait
            await close_in_turn(client._sender.close, client.client.close)  # noqa: SLF001 - no public way closes its sender alone


async def _handed_over(client: AIOKafkaProducer, topic: str, batches: PartitionBatches) -> _Answers:
    # All batches in one step: a request carries those that are there, and later ones wait for its answer.
    answers: dict[int, asyncio.Future[Any]] = {}
    for partition, batch in batches.items():
        answers[partition] = await client.send_batch(batch, topic, partition=partition)
        # If the next call fails, nobody awaits this future.
        answers[partition].add_done_callback(ignore_outcome)
    return answers


def _too_large(answers: _Answers) -> set[int]:
    """Select the partitions that refused their batch for its size. Raises KafkaError for another refusal."""
    found = {
        partition
        for partition, each in answers.items()
        if not each.cancelled() and isinstance(each.exception(), _TOO_LARGE)
    }
    for partition, each in answers.items():
        if partition not in found:
            outcome("sending", each)
    return found
