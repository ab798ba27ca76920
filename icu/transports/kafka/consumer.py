"""The Consumer on Kafka: reads all partitions from the stored positions, if these belong to the cluster's logs."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka
from anyio import CancelScope
from loguru import logger

from icu.messages import Position
from icu.ops.retries import Retries
from icu.transports.base import Assignment, Batch
from icu.transports.errors import TransportClosedError
from icu.transports.kafka.brokers import Brokers
from icu.transports.kafka.errors import KafkaError
from icu.transports.kafka.faults import Faults
from icu.transports.kafka.foreign import close_in_turn
from icu.transports.kafka.identity import decide
from icu.transports.kafka.progress import OpenTransactions
from icu.transports.kafka.reader import OPTIONS, Reader
from icu.transports.kafka.survey import Survey, survey
from icu.transports.kafka.topics import Topic

# The consumer group of the commits. Lag tools look for them there.
GROUP: Final = "icu-sink"


class KafkaConsumer:
    """One reader of a topic. It connects in `assign`, and after an error again in the next `assign`."""

    def __init__(self, brokers: Brokers, topic: Topic, *, on_trouble: Callable[[str | None], None]) -> None:
        self._brokers = brokers
        self._topic = topic
        self._retries = Retries("reading from Kafka", on_trouble=on_trouble)
        self._reader: Reader | None = None
        self._closed = False
        self._faults = Faults(topic.name)
        self._transactions = OpenTransactions(topic.name)
        # False once the broker has denied access to the group.
        self._grouped = True

    @property
    def trouble(self) -> str | None:
        """The reason why partitions wait, in words for people; None if none waits."""
        return (self._reader and self._reader.trouble) or self._transactions.text

    @property
    def degraded(self) -> str | None:
        """The partitions that cannot be read until a person mends them, and the remedy; None if there are none."""
        return self._retries.needs_people or self._faults.text

    @property
    def answered(self) -> bool:
        return self._reader is not None and self._reader.answered

    async def assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        return await self._retries.run(partial(self._assign, stored))

    async def fetch(self, *, max_records: int, linger: float, max_wait: float, now: float = 0.0) -> Sequence[Batch]:
        reader = self._connected()
        try:
            batches = await reader.fetch(max_records, linger, max_wait, now)
            # The fetch of a client that is stopped meanwhile ends with no records, or with an error.
            self._check_open()
        except KafkaError as exc:
            self._check_open()
            await self._discard()
            if isinstance(exc.__cause__, kafka.GroupAuthorizationFailedError):
                self._leave_group()
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
            await self._discard()

    async def _assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        self._check_open()
        await self._discard()
        surveyed = await survey(self._brokers, self._topic, stored)
        assignments = {partition: decide(log, stored.get(partition)) for partition, log in surveyed.logs.items()}
        positions = {partition: each.position.next for partition, each in assignments.items()}
        self._faults.keep(positions)
        self._reader = await self._begin(surveyed, positions)
        return assignments

    async def _begin(self, surveyed: Survey, positions: Mapping[int, int]) -> Reader:
        group = GROUP if self._grouped else None
        client = AIOKafkaConsumer(**{**self._brokers.options(), **OPTIONS, "group_id": group})
        try:
            await self._brokers.connect(client.start)
        except BaseException:
            await close_in_turn(client.stop)
            raise
        return Reader(
            client, self._topic.name, surveyed, positions, self._faults, self._transactions, grouped=self._grouped
        )

    def _leave_group(self) -> None:
        # Readings are stored without a group too, which is for lag tools only.
        self._grouped = False
        logger.warning(
            "the broker does not let this user into the consumer group {}: lag tools will not see how far {} is stored "
            "until that is granted (READ) and this program is started anew",
            GROUP,
            self._topic.name,
        )

    def _connected(self) -> Reader:
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
