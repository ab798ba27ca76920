"""Rows a second from Kafka into SQLite: the sink draining a topic to its end, beside the naive service.

Both write files in WAL, and both know the patients: the sink after its first transaction, which starts the watch.
"""

import tempfile
from collections import Counter as Tally
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import anyio
from prometheus_client import CollectorRegistry

from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.store.writing.requests import WriteRequest, WriteResult
from icu.transports.memory import MemoryTransport
from tests.benchmarks.contest import Lap, Stopwatch, compare
from tests.benchmarks.kafka_topics import encoded_readings, fill, new_topic, open_transport, patients_of
from tests.brokers import Broker

PATIENTS = 1_000
EACH = 200
ROUNDS = 5
# Messages that the naive service stores in a round: it would take a quarter of an hour for all.
NAIVE = 2_000


def main(broker: Broker) -> None:
    """Print rows a second and their ratio (goal: 450 x the first in CPU time)."""
    if find_spec("pydantic") is None:
        print("left out, for want of pydantic, which the naive service needs: pip install -e '.[bench]'")
        return
    with new_topic(broker) as topic:
        anyio.run(fill, broker, topic, encoded_readings(PATIENTS, EACH))
        contestants = {
            "naive: ORM, commit a message, in WAL": partial(anyio.run, naive, broker, topic),
            "sink: consume": partial(anyio.run, ours, broker, topic),
        }
        compare(ROUNDS, contestants)


class Finish:
    """Wait for a number of stored rows. The first ones start the watch, so that connecting is not measured."""

    def __init__(self, total: int) -> None:
        self.lap = Lap(0, 0)
        self.reached = anyio.Event()
        self._left = total
        self._counted = 0
        self._watch: Stopwatch | None = None

    def stored(self, count: int) -> None:
        """Count stored rows."""
        self._left -= count
        if self._watch is None:
            self._watch = Stopwatch()
        else:
            self._counted += count
            self.lap = self._watch.lap(self._counted)
        if self._left <= 0:
            self.reached.set()


class Watched(Telemetry):
    """Metrics of the sink, reported after each transaction."""

    def __init__(self, finish: Finish) -> None:
        super().__init__(CollectorRegistry())
        self._finish = finish

    def count_stored(self, request: WriteRequest, result: WriteResult, *, now: float) -> Tally[str]:
        refused = super().count_stored(request, result, now=now)
        self._finish.stored(result.stored)
        return refused


async def ours(broker: Broker, topic: str) -> Lap:
    """Run the sink as `run sink` does."""
    finish = Finish(PATIENTS * EACH)
    telemetry, batching = Watched(finish), Batching(linger=0)
    with tempfile.TemporaryDirectory() as folder:
        async with open_transport(broker.bootstrap, topic) as transport, anyio.create_task_group() as group:
            alarms = MemoryTransport(topic="icu.alarms", waits_for_commits=False)
            sink = partial(consume, transport=transport, alarms=alarms, telemetry=telemetry, batching=batching)
            group.start_soon(partial(sink, database_url=url(folder)))
            await finish.reached.wait()
            group.cancel_scope.cancel()
    return finish.lap


async def naive(broker: Broker, topic: str) -> Lap:
    """Run the naive service for a few messages."""
    from tests.benchmarks import kafka_naive  # noqa: PLC0415 - imports pydantic

    with tempfile.TemporaryDirectory() as folder:
        return await kafka_naive.store(broker.bootstrap, topic, url(folder), patients_of(PATIENTS), NAIVE)


def url(folder: str) -> str:
    """Make the URL of a database in this folder."""
    return f"sqlite:///{Path(folder) / 'icu.db'}"
