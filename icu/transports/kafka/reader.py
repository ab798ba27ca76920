"""The reading of partitions by one client, from one assignment to the next."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import anyio
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from icu.messages import Delivery, Position
from icu.transports.base import Batch
from icu.transports.kafka.commits import Commits
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.faults import Faults
from icu.transports.kafka.foreign import UnreadableError, bounded_fetch, close_consumer
from icu.transports.kafka.groups import Place
from icu.transports.kafka.identity import mark_of
from icu.transports.kafka.polling import EndOffsetPoller, EndOffsets
from icu.transports.kafka.progress import OpenTransactions, Stalls
from icu.transports.kafka.read_times import ReadTimes
from icu.transports.kafka.survey import Survey
from icu.transports.kafka.topics import ANSWER_DEADLINE

# Seconds of a fetch from a single partition, whose records are known to exist.
SINGLE_PARTITION_TIMEOUT: Final = 1.0

# The broker gathers records for a fetch. At 1,000 single messages a second that costs a tenth of a core; a fetch for
# each message would cost 60 % of one.
FETCH_MAX_WAIT_MS: Final = 20
FETCH_MIN_BYTES: Final = 500_000

OPTIONS: Final[Mapping[str, Any]] = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    # Records of open and aborted transactions are not delivered.
    "isolation_level": "read_committed",
    "fetch_max_wait_ms": FETCH_MAX_WAIT_MS,
    "fetch_min_bytes": FETCH_MIN_BYTES,
    # Milliseconds until new partitions of the topic are noticed.
    "metadata_max_age_ms": 10_000,
}

_Found = dict[TopicPartition, "list[ConsumerRecord]"]

_STALLED: Final = UnreadableError(
    "its broker has records there and delivers none", "look at the broker's own log, and at its disk"
)


class Reader:
    """Reads the partitions that answered the survey, from their assigned positions."""

    def __init__(
        self,
        client: AIOKafkaConsumer,
        topic: str,
        surveyed: Survey,
        positions: Mapping[int, int],
        faults: Faults,
        transactions: OpenTransactions,
        commits: Commits,
        place: Place,
    ) -> None:
        """Assign the partitions to a client, and seek their positions.

        Args:
            client: A connected client, which is closed with the reader.
            topic: The name of the topic.
            surveyed: The partitions of the topic.
            positions: The offsets of the next records, by partition.
            faults: The partitions that are set aside. They are paused.
            transactions: Open transactions, which outlive this reader.
            commits: Commits of positions, for lag tools.
            place: Place in the consumer group that they are made from.
        """
        self._client = client
        self._topic = topic
        self._cluster = surveyed.cluster
        self._faults = faults
        self._transactions = transactions
        self._silent = {TopicPartition(topic, each): why for each, why in surveyed.silent.items()}
        # The offset behind the last record that `fetch` returned.
        self._next = {TopicPartition(topic, each): position for each, position in positions.items()}
        # The offset behind the last record that the caller has stored.
        self._stored = dict(self._next)
        self._surveyed = {TopicPartition(topic, each): log.end for each, log in surveyed.logs.items()}
        # The last stable offsets of the last poll.
        self._ends: dict[TopicPartition, int] = {}
        self._partitions = surveyed.partitions
        # True while a fetch is under way, and after it was cancelled.
        self._unfinished = False
        self._stalls = Stalls()
        self._read_times = ReadTimes(positions)
        self._commits = commits
        self._place = place
        self._poller = EndOffsetPoller(client, [*self._next, *self._silent])
        client.assign(list(self._next))
        self._seek()
        client.pause(*(tp for tp in self._next if tp.partition in faults))

    @property
    def trouble(self) -> str | None:
        """The partitions that do not answer, in words; None if all do."""
        return "; ".join(f"partition {tp.partition}: {why}" for tp, why in sorted(self._silent.items())) or None

    @property
    def answered(self) -> bool:
        """True once a broker has answered a fetch. One that is away leaves it without records and without an error."""
        # Answers without records leave nothing else behind.
        return any(self._client.last_poll_timestamp(tp) for tp in self._next)

    @property
    def read_until(self) -> Mapping[int, float]:
        """Times up to which partitions are read, as `Consumer.read_until` has them."""
        return self._read_times.known

    async def fetch(self, max_records: int, linger: float, max_wait: float, now: float) -> list[Batch]:
        """Fetch records as `Consumer.fetch` does. Raises KafkaError if the partitions have to be assigned again."""
        if self._unfinished:
            # The records of a fetch that was cancelled are fetched again.
            self._seek()
            self._unfinished = False
        if (poll := self._poller.poll()) is not None:
            await self._apply(poll)
        self._unfinished = True
        found = await self._retry_set_aside() or await self._read(max_records, linger, max_wait)
        self._unfinished = False
        behind = {tp.partition for tp in self._next if await self._has_more(tp)}
        answers = {tp.partition: self._client.last_poll_timestamp(tp) for tp in self._next}
        self._read_times.note(answers, behind, now)
        return [self._batch(tp, records, more=tp.partition in behind) for tp, records in found.items()]

    async def commit(self, stored: Mapping[int, int]) -> None:
        """Note the stored positions by partition, and commit them for lag tools when it is time."""
        self._stored |= {TopicPartition(self._topic, partition): offset for partition, offset in stored.items()}
        if self._commits.due:
            await self.commit_stored()

    async def commit_stored(self) -> None:
        """Commit the stored positions for lag tools."""
        positions = {tp.partition: await self._stored_position(tp) for tp in self._next}
        await self._commits.commit(positions, self._place)

    async def lag(self) -> int:
        """Number of records that were not fetched yet, by the last known ends, without those of open transactions."""
        behind = [self._end(tp) - await self._position(tp) for tp in self._next]
        return sum(max(0, each) for each in behind)

    async def aclose(self) -> None:
        """Disconnect."""
        await self._poller.aclose()
        await close_consumer(self._client)

    async def _read(self, max_records: int, linger: float, max_wait: float) -> _Found:
        try:
            return await self._gather(max_records, linger, max_wait)
        except UnreadableError:
            return await self._one_by_one(max_records)

    async def _gather(self, max_records: int, linger: float, max_wait: float) -> _Found:
        found = await self._poll(max_records, max_wait)
        deadline = anyio.current_time() + linger
        while found and (wanted := max_records - sum(map(len, found.values()))) > 0:
            left = deadline - anyio.current_time()
            if left <= 0:
                break
            for tp, records in (await self._poll(wanted, left)).items():
                found.setdefault(tp, []).extend(records)
        if sum(map(len, found.values())) >= max_records:
            self._stalls.clear()
        return found

    async def _one_by_one(self, max_records: int) -> _Found:
        # The error of a common fetch does not tell which partition failed, and the records of the others are lost with
        # it: seek back, and fetch from each partition alone.
        self._seek()
        found: _Found = {}
        readable = [tp for tp in self._next if tp.partition not in self._faults]
        for tp in readable:
            if await self._position(tp) < self._end(tp):
                found |= await self._alone(tp, max(1, max_records // len(readable)))
        return found

    async def _retry_set_aside(self) -> _Found:
        """Try partitions again that were set aside. Returns the next record of the first one that can be read."""
        for partition in self._faults.due(anyio.current_time()):
            tp = TopicPartition(self._topic, partition)
            self._client.resume(tp)
            found = await self._alone(tp, 1)
            if tp in self._client.paused():  # it failed again
                continue
            if not found and await self._position(tp) < self._end(tp):
                self._set_aside(tp, _STALLED)
                continue
            self._faults.mended(partition)
            return found
        return {}

    async def _alone(self, tp: TopicPartition, max_records: int) -> _Found:
        """Fetch records of one partition before an unreadable one. If that is the first, set the partition aside."""
        # A fetch that meets an unreadable record loses those before it. So halve the number until it asks for no more
        # than those.
        while True:
            try:
                return await self._poll(max_records, SINGLE_PARTITION_TIMEOUT, tp)
            except UnreadableError as exc:
                self._client.seek(tp, self._next[tp])
                if max_records == 1:
                    self._set_aside(tp, exc)
                    return {}
                max_records //= 2

    async def _poll(self, max_records: int, max_wait: float, *tps: TopicPartition) -> _Found:
        call = self._client.getmany(*tps, timeout_ms=round(max_wait * 1000), max_records=max_records)
        found: _Found = await bounded_fetch(call, seconds=max_wait + ANSWER_DEADLINE)
        return found

    def _set_aside(self, tp: TopicPartition, error: UnreadableError) -> None:
        self._client.pause(tp)
        self._faults.note(tp.partition, self._next[tp], error, now=anyio.current_time())

    async def _apply(self, poll: EndOffsets) -> None:
        """Take in the end offsets of a poll. Raises KafkaError if the partitions have to be assigned again."""
        if not poll.ends:
            raise KafkaError(next(iter(poll.silent.values())))
        if poll.partitions > self._partitions:
            raise KafkaError(f"{self._topic} has more partitions than it had")
        if back := sorted(tp.partition for tp in poll.ends if tp not in self._next):
            raise KafkaError(f"partition {back[0]} of {self._topic} answers again")
        self._silent = dict(poll.silent)
        self._ends |= poll.ends
        for tp, stable in poll.ends.items():
            if tp.partition not in self._faults:
                await self._watch(tp, stable, now=anyio.current_time())
        await self.commit_stored()

    async def _watch(self, tp: TopicPartition, stable: int, *, now: float) -> None:
        self._transactions.note(tp.partition, stable, self._client.highwater(tp) or stable, now=now)
        if self._stalls.note(tp.partition, await self._position(tp), stable, now=now):
            self._set_aside(tp, _STALLED)

    def _batch(self, tp: TopicPartition, records: "Sequence[ConsumerRecord]", *, more: bool) -> Batch:
        start = self._next[tp]
        last = records[-1]
        self._next[tp] = last.offset + 1
        deliveries = [Delivery(each.partition, each.offset, each.key, each.value, each.headers) for each in records]
        return Batch(tp.partition, deliveries, start, Position(last.offset + 1, mark_of(self._cluster, last)), more)

    async def _has_more(self, tp: TopicPartition) -> bool:
        """Tell if readable records were left behind those of the last fetch."""
        # By the end that came with them. The last poll may be newer: then records that have come since the fetch would
        # make a backlog of a live partition.
        end = self._fetched_end(tp)
        return end is not None and await self._position(tp) < end

    def _seek(self) -> None:
        for tp, offset in self._next.items():
            self._client.seek(tp, offset)

    async def _position(self, tp: TopicPartition) -> int:
        """Offset of the client's next fetch: behind the last record, and the transaction markers that follow it."""
        return int(await self._client.position(tp))

    async def _stored_position(self, tp: TopicPartition) -> int:
        """Offset up to which nothing is left to store."""
        # Once all fetched records are stored, the transaction markers behind them are done, too.
        stored = self._stored[tp]
        return stored if self._unfinished or stored != self._next[tp] else await self._position(tp)

    def _end(self, tp: TopicPartition) -> int:
        """The last stable offset, by the last fetch or the last poll. Readable records end there."""
        known = [each for each in (self._fetched_end(tp), self._ends.get(tp)) if each is not None]
        return max(known, default=self._surveyed[tp])

    def _fetched_end(self, tp: TopicPartition) -> int | None:
        """The last stable offset, by the last fetch; None before the first."""
        stable: int | None = self._client.last_stable_offset(tp)
        # A broker that knows no transactions gives -1 or nothing.
        return self._client.highwater(tp) if stable in {None, -1} else stable
