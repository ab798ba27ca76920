"""Sinks that share one database, driven by hand: readings, looks at their alarms, partitions, and ends."""

from collections.abc import Collection, Sequence
from typing import Final

import anyio
from prometheus_client import CollectorRegistry

from icu.messages import Observation, Position
from icu.sink.alarming import Alarms
from icu.sink.clock import Clock
from icu.sink.heartbeat import Heart
from icu.sink.telemetry import Telemetry
from icu.store.engines.table import engine_of
from icu.store.writer import Writer
from icu.store.writing.offsets import Move
from icu.store.writing.requests import WriteRequest, WriteResult
from icu.transports.memory import MemoryTransport
from tests.samples import START, delivery
from tests.stores import observed

TOPIC: Final = "icu.test"


def wall() -> float:
    """Seconds since 1970: those of START, and the loop's."""
    return START.timestamp() + anyio.current_time()


def milliseconds() -> int:
    """Milliseconds since 1970."""
    return round(wall() * 1000)


class SharingSink:
    """One of the sinks. It stores what it is given, as the loop does. To be used in the time of `still_asyncio`.

    Args:
        url: URL of the database, which has tables.
        member: Name of the sink; None for one that shares with nobody.
    """

    def __init__(self, url: str, member: str | None) -> None:
        self.engine = engine_of(url)
        self.writer = Writer(self.engine, TOPIC, member=member)
        self.heart = Heart(MemoryTransport(topic=TOPIC), wall, anyio.current_time)
        self.alarms = Alarms(Clock(wall), self.heart, Telemetry(CollectorRegistry()).alarms, lambda: None)
        self._partitions: Collection[int] = ()

    async def begin(self, partitions: Collection[int]) -> None:
        """Read these partitions from now on."""
        stored = await self.writer.positions()
        positions = {each: stored.get(each, Position(0, "m")) for each in partitions}
        self.heart.note_back()
        await self.writer.begin(positions, other_logs=frozenset())
        await self.alarms.resume(self.writer, partitions)
        self._partitions = partitions
        self._note_read(partitions)

    async def send(self, observations: Sequence[Observation], *, partition: int = 0) -> WriteResult:
        """Store readings as the next records of a partition."""
        start = (await self.writer.positions())[partition].next
        deliveries = [
            delivery(each, offset=start + number, partition=partition) for number, each in enumerate(observations)
        ]
        move = Move(partition, start, Position(start + len(observations), "m"))
        request = WriteRequest(observed(*observations), deliveries, [], [move])
        result = await self.alarms.write(self.writer, request, milliseconds())
        self._note_read([partition])
        return result

    async def look(self) -> None:
        """Look at commands and deadlines."""
        self._note_read([])
        await self.alarms.look(self.writer)

    async def beat(self) -> None:
        """Store a sign of life."""
        beat = self.heart.beat()
        await self.writer.beat(beat)
        self.heart.note_written(beat)

    async def aclose(self) -> None:
        """Leave the database, as a sink that is killed does."""
        await self.engine.aclose()

    def _note_read(self, fetched: Collection[int]) -> None:
        self.alarms.note_read({each: float(milliseconds()) for each in self._partitions}, fetched)
