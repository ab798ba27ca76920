"""Reading: all partitions, from where the caller's database says, in the log that it belongs to."""

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

# The consumer group that positions are committed to, where lag tools look for them.
GROUP: Final = "icu-sink"


class KafkaConsumer:
    """One reader of a topic. Connects in `assign`, and anew in the next one after trouble."""

    def __init__(self, brokers: Brokers, topic: Topic, *, on_trouble: Callable[[str | None], None]) -> None:
        self._brokers = brokers
        self._topic = topic
        self._retries = Retries("reading from Kafka", on_trouble=on_trouble)
        self._reader: Reader | None = None
        self._closed = False
        self._faults = Faults(topic.name)
        self._transactions = OpenTransactions(topic.name)
        self._grouped = True

    @property
    def trouble(self) -> str | None:
        """The partitions that wait, and for what, in words; None where there is none."""
        return (self._reader and self._reader.trouble) or self._transactions.text

    @property
    def degraded(self) -> str | None:
        """What cannot be read until somebody mends it, and how: all of it, or some partitions; None for nothing."""
        return self._retries.needs_people or self._faults.text

    async def assign(self, stored: Mapping[int, Position]) -> Mapping[int, Assignment]:
        """Take every partition that answers, from the stored positions, as far as they are of these logs.

        Waits for a broker. KafkaError is raised by `fetch` once another partition answers: assign again then.
        """
        return await self._retries.run(partial(self._assign, stored))

    async def fetch(self, *, max_records: int, linger: float, max_wait: float) -> Sequence[Batch]:
        """See the protocol. KafkaError where the broker is away or the log was cut: assign again then."""
        reader = self._connected()
        try:
            batches = await reader.fetch(max_records, linger, max_wait)
            # A client that is stopped ends its fetch with nothing, or with an error.
            self._check_open()
        except KafkaError as exc:
            self._check_open()
            await self._discard()
            if isinstance(exc.__cause__, kafka.GroupAuthorizationFailedError):
                self._leave_group()
            raise
        return batches

    async def commit(self, positions: Mapping[int, Position]) -> None:
        """Tell the group's coordinator, now and then and as well as it goes: the caller's database is the truth."""
        await self._connected().commit({partition: each.next for partition, each in positions.items()})

    async def lag(self) -> int:
        """Records in the log that were not fetched yet, as far as the broker has said."""
        return await self._connected().lag()

    async def aclose(self) -> None:
        """Leave the broker, and wake who waits in `fetch`."""
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
        """Read without a group from now on: what is only for lag tools keeps nothing from being stored."""
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
