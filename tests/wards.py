"""A sink on an in-memory topic and a real SQLite file, whose time a test lets pass."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import anyio
import anyio.lowlevel
from prometheus_client import CollectorRegistry

from icu.messages import Observation, Record, encode
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.store.commands.door import Door
from icu.transports.memory import MemoryTransport
from tests.clocks import pass_time
from tests.samples import ANNA, START, observation
from tests.stores import rows

# Seconds of real time in which the sink has certainly done what a test waits for.
DEADLINE = 20.0

# Seconds within which the sink looks at its alarms again.
LOOK = 0.5


class WatchedWard:
    """Ward with a sink that can be stopped and started again. Seconds count from START."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.transport = MemoryTransport(topic="icu.test")
        # Records in a batch of the sink.
        self.max_records = 50
        self.alarms = MemoryTransport(topic="icu.alarms", waits_for_commits=False)
        self.registry = CollectorRegistry()
        self.telemetry = Telemetry(self.registry)
        # Seconds by which the wall clock was set forward.
        self.set_forward = 0.0
        # Seconds for which the computer was asleep.
        self.slept = 0.0
        self.door = Door(url, wall=self.wall)
        self._begun = anyio.current_time()
        self._sent = 0
        self._runs = False

    @property
    def seconds(self) -> float:
        """Seconds since START."""
        return anyio.current_time() - self._begun

    def wall(self) -> float:
        """Seconds since 1970, as the sink's computer shows."""
        return START.timestamp() + self.seconds + self.slept + self.set_forward

    def steady(self) -> float:
        """Seconds on the computer's clock that is never set, and counts while it sleeps."""
        return anyio.current_time() + self.slept

    @asynccontextmanager
    async def sink(self) -> AsyncIterator[None]:
        """Run a sink; cancelled at the end."""
        async with anyio.create_task_group() as group:

            async def run(*, task_status: anyio.abc.TaskStatus[None]) -> None:
                await consume(
                    transport=self.transport,
                    alarms=self.alarms,
                    database_url=self.url,
                    telemetry=self.telemetry,
                    batching=Batching(max_records=self.max_records, linger=0),
                    now=self.wall,
                    steady=self.steady,
                    task_status=task_status,
                )

            await group.start(run)
            self._runs = True
            yield
            self._runs = False
            group.cancel_scope.cancel()

    async def until(self, seconds: float) -> None:
        """Pass time, a second at a time: a sink that runs has calls that would time out."""
        while (left := seconds - self.seconds) > 0:
            if self._runs and left >= LOOK:
                await self._look(min(1.0, left))
            else:
                pass_time(left)

    async def send(self, seconds: float, *, patient: UUID = ANNA, at: float | None = None, **fields: Any) -> None:
        """Send a healthy reading, except for these fields, that is measured `at`, and wait until it is stored."""
        await self.until(seconds)
        await self.publish([observation(seconds if at is None else at, patient=patient, **fields)])

    async def publish(self, observations: Sequence[Observation]) -> None:
        """Send readings at once, and wait until the sink has taken them."""
        await self._publish(encode(observations))

    async def publish_as_is(self, value: bytes) -> None:
        """Send these bytes, and wait until the sink has taken them."""
        await self._publish([Record(b"", value)])

    async def _publish(self, records: Sequence[Record]) -> None:
        self._sent += len(records)
        await self.transport.publish(records)
        await self.settled(lambda: (self.registry.get_sample_value("icu_sink_batch_records_sum") or 0) >= self._sent)

    async def settled(self, condition: Callable[[], bool]) -> None:
        """Wait until the sink has made something true."""
        with anyio.fail_after(DEADLINE):
            while not condition():
                await anyio.sleep(0.01)

    async def shows(self, sql: str, expected: list[tuple[Any, ...]]) -> None:
        """Wait until the database gives these rows."""
        found = None
        with anyio.move_on_after(DEADLINE):
            while (found := rows(self.url, sql)) != expected:
                await anyio.sleep(0.02)
        assert found == expected

    async def look_again(self, seconds: float = LOOK) -> None:
        """Wait until the sink has taken all commands, and passed all deadlines, of so many seconds from now."""
        await self._look(seconds)
        # The fetch of that look may have begun before: then it passed the deadlines up to there alone.
        await self._look(0)

    async def _look(self, seconds: float) -> None:
        """Pass time, and wait until the sink has looked at its alarms."""
        looks = self._looks
        pass_time(seconds)
        await self.settled(lambda: self._looks > looks)

    @property
    def _looks(self) -> float:
        return self.registry.get_sample_value("icu_sink_alarm_looks_total") or 0.0

    async def aclose(self) -> None:
        """Close both topics."""
        await self.transport.aclose()
        await self.alarms.aclose()

    def episodes(self, columns: str = "condition, presence, signal") -> list[tuple[Any, ...]]:
        """Return columns of all alarms, the oldest first."""
        return rows(self.url, f"SELECT {columns} FROM alarms ORDER BY onset, condition")


def milliseconds(seconds: float) -> int:
    """Return a time as the tables have it."""
    return round((START + timedelta(seconds=seconds)).timestamp() * 1000)
