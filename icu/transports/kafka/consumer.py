"""Reading: all partitions, from where the caller's database says, in the log that it belongs to."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import anyio
import anyio.lowlevel
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from anyio import CancelScope
from loguru import logger

from icu.errors import KafkaError, TransportClosedError
from icu.messages import Delivery, Position
from icu.ops.retries import Waiting
from icu.transports.base import Assignment, Batch
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.foreign import bounded, closed, outcome
from icu.transports.kafka.identity import Log, decide, mark_of
from icu.transports.kafka.topics import ANSWER_DEADLINE, ensure_topic

GROUP: Final = "icu-sink"
"""The consumer group that positions are committed to, where lag tools look for them."""

COMMIT_EVERY: Final = 1.0
"""Seconds between two commits: they are for lag tools alone."""

SILENCE: Final = 1.0
"""Seconds without a record after which the broker is asked whether it is there: a fetch does not tell."""

PROBE_DEADLINE: Final = 2.0
"""Seconds that it may take to answer."""

READING_BACK: Final = 2.0
"""Seconds that a record may take that is read again, to see whether it is still the same one."""

# The broker waits for company in the reader's place: at 1,000 lone messages a second that costs a tenth of a core,
# polling each as it comes 60 % of one.
GATHERING_MS: Final = 20
GATHERED_BYTES: Final = 500_000

_OPTIONS: Final[Mapping[str, Any]] = {
    "group_id": GROUP,
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "fetch_max_wait_ms": GATHERING_MS,
    "fetch_min_bytes": GATHERED_BYTES,
}


class KafkaConsumer:
    """One reader of a topic. Connects in `assign`, and anew in the next one after trouble."""

    def __init__(
        self, brokers: Brokers, topic: str, partitions: int, *, on_trouble: Callable[[str | None], None]
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._partitions = partitions
        self._waiting = Waiting("reading from Kafka", on_trouble=on_trouble)
        self._client: AIOKafkaConsumer | None = None
        self._closed = False
        self._left: list[asyncio.Future[None]] = []
        """Commits that are under way, or were given up."""
        self._cluster = ""
        self._next: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._heard_at = 0.0
        self._unfinished = False
        self._uncommitted: dict[TopicPartition, int] = {}
        self._committed_at = 0.0

    async def assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        """Take every partition from the stored positions, as far as they are of these logs. Waits for a broker."""
        return await self._waiting.until_it_works(partial(self._assign, stored))

    async def fetch(self, *, max_records: int, linger: float, patience: float) -> Sequence[Batch]:
        """See the protocol. KafkaError where the broker is away or the log was cut: assign again then."""
        client = self._connected()
        if self._unfinished:
            # What a fetch that was cancelled had taken is taken again.
            self._seek(client)
        self._unfinished = True
        try:
            found = await self._gather(client, max_records, linger, patience)
            # A client that is stopped ends its fetch with nothing, or with an error.
            self._check_open()
            if not found:
                await self._look_around(client)
        except KafkaError:
            self._check_open()
            await self._discard()
            raise
        self._unfinished = False
        return [self._batch(place, records) for place, records in found.items()]

    async def commit(self, positions: Mapping[int, Position]) -> None:
        """Tell the group's coordinator, now and then and as well as it goes: the caller's database is the truth."""
        client = self._connected()
        self._uncommitted |= {self._place(partition): each.next for partition, each in positions.items()}
        if anyio.current_time() - self._committed_at >= COMMIT_EVERY:
            await self._commit(client)

    async def lag(self) -> int:
        """Records in the log that were not fetched yet, as far as the broker has said."""
        client = self._connected()
        ends = {place: client.highwater(place) or self._ends[place] for place in self._next}
        return sum(max(0, ends[place] - offset) for place, offset in self._next.items())

    async def aclose(self) -> None:
        """Leave the broker, and wake who waits in `fetch`."""
        self._closed = True
        with CancelScope(shield=True):
            if self._client is not None:
                await self._commit(self._client)
            await self._discard()

    async def _assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        self._check_open()
        await self._discard()
        topic = await ensure_topic(self._brokers, self._topic, partitions=self._partitions)
        self._cluster = topic.cluster
        self._client = client = AIOKafkaConsumer(**self._brokers.options(), **_OPTIONS)
        await self._brokers.connect(client.start)
        places = [self._place(partition) for partition in topic.partitions]
        logs = await self._logs(client, places, stored)
        assignments = {place.partition: decide(logs[place], stored.get(place.partition)) for place in places}
        self._next = {place: assignments[place.partition].position.next for place in places}
        self._ends = {place: log.end for place, log in logs.items()}
        self._seek(client)
        self._heard_at = anyio.current_time()
        return assignments

    async def _logs(
        self, client: AIOKafkaConsumer, places: Sequence[TopicPartition], stored: Mapping[int, Position]
    ) -> dict[TopicPartition, Log]:
        """What the partitions hold, and the record before each stored position, where there is one."""
        begins = await bounded("asking for offsets", client.beginning_offsets(places), seconds=ANSWER_DEADLINE)
        ends = await bounded("asking for offsets", client.end_offsets(places), seconds=ANSWER_DEADLINE)
        before = {place: stored[place.partition].next - 1 for place in places if place.partition in stored}
        kept = {place: offset for place, offset in before.items() if begins[place] <= offset < ends[place]}
        # Once, for aiokafka's group coordinator does not always survive a second assignment.
        client.assign(places)
        for place in places:
            client.seek(place, kept.get(place, begins[place]))
        logs = {}
        for place in places:
            record = await self._record_at(client, place, kept[place]) if place in kept else None
            logs[place] = Log(self._cluster, begins[place], ends[place], record)
        return logs

    async def _record_at(self, client: AIOKafkaConsumer, place: TopicPartition, offset: int) -> "ConsumerRecord | None":
        """The record at the offset; None where compaction took it."""
        found = await self._poll(client, 1, READING_BACK, place)
        record = found[place][0] if found else None
        return record if record and record.offset == offset else None

    async def _gather(
        self, client: AIOKafkaConsumer, most: int, linger: float, patience: float
    ) -> "dict[TopicPartition, list[ConsumerRecord]]":
        found = await self._poll(client, most, patience)
        deadline = anyio.current_time() + linger
        while found and (wanted := most - sum(map(len, found.values()))) > 0:
            left = deadline - anyio.current_time()
            if left <= 0:
                break
            for place, records in (await self._poll(client, wanted, left)).items():
                found.setdefault(place, []).extend(records)
        return found

    async def _poll(
        self, client: AIOKafkaConsumer, most: int, patience: float, *places: TopicPartition
    ) -> "dict[TopicPartition, list[ConsumerRecord]]":
        call = client.getmany(*places, timeout_ms=round(patience * 1000), max_records=most)
        found: dict[TopicPartition, list[ConsumerRecord]] = await bounded(
            "fetching", call, seconds=patience + ANSWER_DEADLINE
        )
        if found:
            self._heard_at = anyio.current_time()
        return found

    async def _look_around(self, client: AIOKafkaConsumer) -> None:
        """See, after a silence, whether the broker is there and its logs are still those that were assigned."""
        if anyio.current_time() - self._heard_at < SILENCE:
            return
        places = list(self._next)
        ends = await bounded("listening for the broker", client.end_offsets(places), seconds=PROBE_DEADLINE)
        if any(ends[place] < offset for place, offset in self._next.items()):
            raise KafkaError(f"the log of {self._topic} became shorter than it was")
        if len(client.partitions_for_topic(self._topic) or places) > len(places):
            raise KafkaError(f"{self._topic} has more partitions than it had")
        self._ends = dict(ends)
        self._heard_at = anyio.current_time()
        await self._commit(client)

    def _batch(self, place: TopicPartition, records: "Sequence[ConsumerRecord]") -> Batch:
        start = self._next[place]
        last = records[-1]
        self._next[place] = last.offset + 1
        deliveries = [Delivery(each.partition, each.offset, each.key, each.value, each.headers) for each in records]
        return Batch(place.partition, deliveries, start, Position(last.offset + 1, mark_of(self._cluster, last)))

    async def _commit(self, client: AIOKafkaConsumer) -> None:
        if not self._uncommitted:
            return
        self._committed_at = anyio.current_time()
        try:
            await self._told(client)
        except KafkaError as exc:
            logger.debug("the lag that tools show is not up to date: {}", exc)
        else:
            self._uncommitted.clear()

    async def _told(self, client: AIOKafkaConsumer) -> None:
        """Commit, for a bounded time. What takes longer goes on until the client is closed.

        Cancelled, aiokafka would do so all the same, inside a shield, and nobody would look at how that ends.
        """
        task = asyncio.ensure_future(client.commit(dict(self._uncommitted)))
        self._left.append(task)
        await asyncio.wait({task}, timeout=PROBE_DEADLINE)
        if not task.done():
            raise KafkaError(f"committing: no answer within {PROBE_DEADLINE:g} s")
        self._left.remove(task)
        outcome("committing", task)

    def _seek(self, client: AIOKafkaConsumer) -> None:
        for place, offset in self._next.items():
            client.seek(place, offset)

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)

    def _connected(self) -> AIOKafkaConsumer:
        self._check_open()
        if self._client is None:
            raise KafkaError("not connected: assign first")
        return self._client

    def _check_open(self) -> None:
        if self._closed:
            raise TransportClosedError(f"the topic {self._topic} was closed")

    async def _discard(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await closed(client.stop)
        # Closed, the client has ended what they waited for; a turn of the loop lets them see it.
        with CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
        for task in self._left:
            task.cancel()
        self._left.clear()
