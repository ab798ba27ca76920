"""The Consumer on Kafka: reads partitions from the stored positions, if these belong to the cluster's logs.

It reads all partitions of the topic, or the share that its membership in a consumer group gives it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer
from anyio import CancelScope, create_task_group

from icu.messages import Position
from icu.ops.retries import Retries
from icu.transports.base import Assignment, Batch
from icu.transports.errors import ReassignedError, TransportClosedError
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.commits import Commits
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.faults import Faults
from icu.transports.kafka.foreign import close_consumer
from icu.transports.kafka.groups import NOBODY, Group
from icu.transports.kafka.identity import decide
from icu.transports.kafka.idle import IdleReader
from icu.transports.kafka.membership import Membership, Share
from icu.transports.kafka.progress import OpenTransactions
from icu.transports.kafka.reader import OPTIONS, Reader
from icu.transports.kafka.survey import Survey, survey
from icu.transports.kafka.topics import Topic

# The consumer group of the commits of one that reads alone. Lag tools look for them there. Those that share a topic are
# members of a group with the topic's name behind a dot.
GROUP: Final = "icu-sink"


class KafkaConsumer:
    """One reader of a topic. It connects in `assign`, and after an error again in the next `assign`."""

    def __init__(
        self, brokers: Brokers, topic: Topic, *, member: str | None, on_trouble: Callable[[str | None], None]
    ) -> None:
        self._brokers = brokers
        self._topic = topic
        self._retries = Retries("reading from Kafka", on_trouble=on_trouble)
        self._group = Group(brokers, GROUP if member is None else f"{GROUP}.{topic.name}")
        self._membership = None if member is None else Membership(brokers, topic, self._group, member)
        # The share that is assigned.
        self._share: Share | None = None
        self._reader: Reader | IdleReader | None = None
        self._closed = False
        self._faults = Faults(topic.name)
        self._transactions = OpenTransactions(topic.name)
        self._commits = Commits(self._group, topic.name)

    @property
    def trouble(self) -> str | None:
        """The reason why partitions wait, in words for people; None if none waits."""
        joining = self._membership and self._membership.trouble
        return joining or (self._reader and self._reader.trouble) or self._transactions.text

    @property
    def degraded(self) -> str | None:
        """The partitions that cannot be read until a person mends them, and the remedy; None if there are none."""
        denied = self._membership and self._membership.needs_people
        return denied or self._retries.needs_people or self._faults.text

    @property
    def answered(self) -> bool:
        return self._reader is not None and self._reader.answered

    async def join(self) -> None:
        self._check_open()
        if self._membership is not None:
            await self._membership.joined()

    async def leave(self) -> None:
        if self._membership is not None:
            await self._discard()
            await self._membership.leave()

    async def assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        return await self._retries.run(partial(self._assign, stored))

    async def fetch(self, *, max_records: int, linger: float, max_wait: float, now: float = 0.0) -> Sequence[Batch]:
        reader = self._connected()
        batches: Sequence[Batch] = ()
        try:
            if self._membership is None:
                batches = await reader.fetch(max_records, linger, max_wait, now)
            else:
                await self._check_share(self._membership)
                with CancelScope() as scope, self._membership.calling(scope.cancel):
                    batches = await reader.fetch(max_records, linger, max_wait, now)
                # Another member may have the partitions by now.
                await self._check_share(self._membership)
            # The fetch of a client that is stopped meanwhile ends with no records, or with an error.
            self._check_open()
        except KafkaError:
            self._check_open()
            await self._discard()
            raise
        return batches

    @property
    def read_until(self) -> Mapping[int, float]:
        return self._connected().read_until

    async def commit(self, positions: Mapping[int, Position]) -> None:
        await self._connected().commit({partition: each.next for partition, each in positions.items()})

    async def lag(self) -> int:
        return await self._connected().lag()

    async def aclose(self) -> None:
        """Disconnect. A waiting `fetch` raises TransportClosedError."""
        self._closed = True
        with CancelScope(shield=True):
            if self._reader is not None:
                await self._reader.commit_stored()
            # Together, since a broker that hangs delays each of them.
            async with create_task_group() as closing:
                closing.start_soon(self._discard)
                if self._membership is not None:
                    closing.start_soon(self._membership.leave)
            await self._group.aclose()

    async def _assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        self._check_open()
        await self._discard()
        if self._membership is not None:
            self._share = self._membership.share
            await self._check_share(self._membership)
        partitions = None if self._share is None else self._share.partitions
        surveyed = await survey(self._brokers, self._topic, stored, share=partitions)
        assignments = {partition: decide(log, stored.get(partition)) for partition, log in surveyed.logs.items()}
        positions = {partition: each.position.next for partition, each in assignments.items()}
        self._faults.keep(positions)
        self._commits.forget()
        self._reader = await self._begin(surveyed, positions)
        return assignments

    async def _begin(self, surveyed: Survey, positions: Mapping[int, int]) -> Reader | IdleReader:
        if not positions:
            return IdleReader()
        client = AIOKafkaConsumer(**{**self._brokers.options(), **OPTIONS})
        try:
            await self._brokers.connect(client.start)
        except BaseException:
            await close_consumer(client)
            raise
        place = NOBODY if self._share is None else self._share.place
        return Reader(
            client, self._topic.name, surveyed, positions, self._faults, self._transactions, self._commits, place
        )

    async def _check_share(self, membership: Membership) -> None:
        """Raise ReassignedError if the share that is assigned is not the present one."""
        share = membership.share
        if share is None or share is not self._share:
            await self._discard()
            raise ReassignedError(f"the partitions of {self._topic.name} are dealt anew")

    def _connected(self) -> Reader | IdleReader:
        self._check_open()
        if self._reader is None:
            raise KafkaError("not connected: assign first")
        return self._reader

    def _check_open(self) -> None:
        if self._closed:
            raise TransportClosedError(f"the topic {self._topic.name} was closed")

    async def _discard(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.aclose()
