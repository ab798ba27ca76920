"""A sink on an in-memory topic and a real SQLite file, whose time a test lets pass: see tests.clocks.forward_asyncio."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import anyio
from prometheus_client import CollectorRegistry

from icu.messages import Observation, encode
from icu.sink.consumer import Batching, consume
from icu.sink.telemetry import Telemetry
from icu.transports.memory import MemoryTransport
from tests.clocks import pass_time
from tests.samples import ANNA, START, observation
from tests.stores import rows

# Seconds of real time in which the sink has certainly done what a test waits for.
DEADLINE = 20.0


class WatchedWard:
    """Ward with a sink that can be stopped and started again. Seconds count from START."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.transport = MemoryTransport(topic="icu.test", partitions=2)
        self.alarms = MemoryTransport(topic="icu.alarms", waits_for_commits=False)
        self.registry = CollectorRegistry()
        self.telemetry = Telemetry(self.registry)
        # Seconds by which the wall clock was set forward.
        self.set_forward = 0.0
        self._begun = anyio.current_time()
        self._sent = 0

    @property
    def seconds(self) -> float:
        """Seconds since START."""
        return anyio.current_time() - self._begun

    def wall(self) -> float:
        """Seconds since 1970, as the sink's computer shows."""
        return START.timestamp() + self.seconds + self.set_forward

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
                    batching=Batching(max_records=50, linger=0),
                    now=self.wall,
                    task_status=task_status,
                )

            await group.start(run)
            yield
            group.cancel_scope.cancel()

    async def until(self, seconds: float) -> None:
        """Let time pass, a second at a time, as the sink notices it."""
        while self.seconds < seconds:
            pass_time(min(1.0, seconds - self.seconds))
            await anyio.sleep(0)

    async def send(self, seconds: float, *, patient: UUID = ANNA, at: float | None = None, **fields: Any) -> None:
        """Send a reading of a healthy patient, except for these fields, that is measured `at`, and wait until it is stored."""
        await self.until(seconds)
        await self.publish([observation(seconds if at is None else at, patient=patient, **fields)])

    async def publish(self, observations: Sequence[Observation]) -> None:
        """Send readings at once, and wait until the sink has taken them."""
        self._sent += len(observations)
        await self.transport.publish(encode(observations))
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

    def episodes(self, columns: str = "condition, presence, signal") -> list[tuple[Any, ...]]:
        """Return columns of all alarms, the oldest first."""
        return rows(self.url, f"SELECT {columns} FROM alarms ORDER BY onset, condition")  # noqa: S608 - of tests


def milliseconds(seconds: float) -> int:
    """Return a time as the tables have it."""
    return round((START + timedelta(seconds=seconds)).timestamp() * 1000)
