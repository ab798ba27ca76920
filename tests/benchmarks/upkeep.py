"""The upkeep: what rolling a day up costs, and what it costs the sink beside it.

A thousand patients, each every 5 s. The limit is one statement of SQLite for each hour, which holds the write lock
until it is done. The sink stores as a ward of 10,000 sends: 100 readings in a transaction, 20 transactions a second;
beside it, or not, a process of its own rolls up what was there before, as fast as it can.
"""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

import anyio

from icu.messages import Delivery, Position, encode
from icu.sink.intake import decode_batches
from icu.store.readings import TIMESTAMP
from icu.store.rollups import statements
from icu.store.rollups.spans import HOUR
from icu.store.upkeep import open_upkeep
from icu.store.writer import open_writer
from icu.transports.base import Batch
from tests.benchmarks.contest import Lap, Stopwatch, compare, ratio
from tests.benchmarks.dataset import EVERY, DataSet, Values, data_set, simulated
from tests.benchmarks.sink import made, steady
from tests.processes import running

# Hours that are rolled up in a round.
HOURS: Final = 3
AT_ONCE: Final = 100
# Seconds between two transactions of the sink, and readings of each patient in a round.
PERIOD: Final = 0.05
TICKS: Final = 41

ALONE: Final = "alone"

# A program that rolls up until it is ended: URL and time.
PROGRAM: Final = """
import sys, anyio
from icu.store.upkeep import open_upkeep
async def run():
    async with open_upkeep(sys.argv[1]) as upkeep:
        print("ready", flush=True)
        while not (await upkeep.roll_up(int(sys.argv[2]))).done:
            await anyio.sleep(float(sys.argv[3]))
anyio.run(run)
"""


class Sunk(NamedTuple):
    """Seconds of each of the sink's transactions, and its CPU time for a reading, in microseconds."""

    seconds: Sequence[float]
    cost: float

    def percentile(self, number: int) -> float:
        """Milliseconds in which so many per cent of the transactions were done."""
        return 1_000 * quantiles(self.seconds, n=100)[number - 1]


def main(readings: int, rounds: int) -> None:
    """Print the cost of rolling up, and percentiles of the sink's transactions (goal: p99 at most 1.5 times)."""
    data = data_set(readings)
    with tempfile.TemporaryDirectory(dir=data.path.parent) as scratch:
        path = Path(shutil.copy(data.path, scratch))
        contestants = {
            "bare: a statement an hour": partial(bare, path, data),
            "upkeep": partial(rolled, path, data),
        }
        compare(rounds, contestants, unit="readings")
        beside_each_other(path, data, rounds)


def end_of(data: DataSet) -> int:
    """Milliseconds since 1970 at which the next readings would be."""
    return round(data.end.timestamp() * 1_000)


def forget(path: Path) -> None:
    """Begin anew."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("minute_rollups", "hour_rollups", "late_hours"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE upkeep_state SET marked_until = NULL, rolled_until = NULL")


def rolled(path: Path, data: DataSet) -> Lap:
    """Roll hours up, a step at a time."""
    forget(path)

    async def run() -> Lap:
        async with open_upkeep(f"sqlite:///{path}") as upkeep:
            await upkeep.roll_up(end_of(data))
            watch, done = Stopwatch(), 0
            while done < HOURS * data.patients * HOUR // EVERY // 1_000:
                done += (await upkeep.roll_up(end_of(data))).readings
            return watch.lap(done)

    return anyio.run(run)


def bare(path: Path, data: DataSet) -> Lap:
    """Roll hours up by one statement for their minutes, and one for themselves."""
    forget(path)
    first = round(data.first.timestamp() * 1_000)
    select, upsert = str(statements.MINUTES).replace(", count(*) FROM", " FROM"), str(statements.WRITE_MINUTES)
    minutes = f"{upsert.partition(' VALUES')[0]} {select} ON CONFLICT{upsert.partition(' ON CONFLICT')[2]}"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = -65536")
        watch = Stopwatch()
        for hour in range(first, first + HOURS * HOUR, HOUR):
            connection.execute("BEGIN IMMEDIATE")
            span = {"after": 0, "last": data.patients, "since": hour, "until": hour + HOUR, "hour": hour}
            connection.execute(minutes, span)
            connection.execute(str(statements.WRITE_HOUR), span)
            connection.execute("COMMIT")
        return watch.lap(HOURS * data.patients * HOUR // EVERY // 1_000)


def beside_each_other(path: Path, data: DataSet, rounds: int) -> None:
    """Measure the sink alone, and beside the upkeep, in turn."""
    starts = (data.end + timedelta(seconds=number * EVERY * TICKS) for number in count())
    besides: dict[str, Callable[[], AbstractContextManager[object]]] = {
        ALONE: nullcontext,
        "beside the upkeep, 10 ms apart": partial(upkeep_of, path, data, 0.01),
        "beside the upkeep, without a pause": partial(upkeep_of, path, data, 0.0),
    }
    laps: dict[str, list[Sunk]] = {name: [] for name in besides}
    values = steady(simulated(data.patients, TICKS)[1])
    for _ in range(rounds):
        for name, beside in besides.items():
            batches = batches_of(data, values, next(starts))
            forget(path)
            with beside():
                laps[name].append(anyio.run(sunk, path, batches))
    tell_percentiles(laps)


def tell_percentiles(laps: Mapping[str, Sequence[Sunk]]) -> None:
    """Print a line for each: medians, and ratios to the sink alone, within a round."""
    print(f"\n{'the sink':36} {'p50 ms':>7} {'p99 ms':>7} {'us CPU a reading':>16} | p50 and p99 beside alone")
    for name, found in laps.items():
        figures = [[each.percentile(number) for each in found] for number in (50, 99)]
        alone = [[each.percentile(number) for each in laps[ALONE]] for number in (50, 99)]
        ratios = [ratio(*each) for each in zip(figures, alone, strict=True)]
        told = ", ".join(f"{each.usual:.2f} x ({each.least:.2f} to {each.most:.2f})" for each in ratios)
        p50, p99 = (median(each) for each in figures)
        print(f"{name:36} {p50:>7.2f} {p99:>7.2f} {median(each.cost for each in found):>16.1f} | {told}")


@contextmanager
def upkeep_of(path: Path, data: DataSet, pause: float) -> Iterator[None]:
    """Run the upkeep, and end it."""
    words = [sys.executable, "-c", PROGRAM, f"sqlite:///{path}", str(end_of(data)), str(pause)]
    with running(words, stdout=subprocess.PIPE) as program:
        program.stdout.readline()
        yield
        if program.poll() is not None:
            print("the upkeep had nothing left to do: take more --readings")


def batches_of(data: DataSet, values: Values, start: datetime) -> list[Batch]:
    """Make what the sink fetches, from offset 0 on."""
    deliveries = [
        Delivery(0, place, each.key, each.value) for place, each in enumerate(encode(made(data.uuids(), values, start)))
    ]
    return [
        Batch(0, deliveries[place : place + AT_ONCE], place, Position(place + AT_ONCE, "m"), more=False)
        for place in range(0, len(deliveries), AT_ONCE)
    ]


async def sunk(path: Path, batches: Sequence[Batch]) -> Sunk:
    """Store a batch in each period; the first readings of all are not measured."""
    seconds, spent = [], 0.0
    async with open_writer(f"sqlite:///{path}", topic="bench") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        due = time.perf_counter()
        for place, batch in enumerate(batches):
            request = decode_batches([batch]).request
            arrived = max(each[TIMESTAMP] for each in request.observed) + 100
            began, cpu = time.perf_counter(), time.process_time()
            await writer.write(request, arrived=arrived)
            if place >= len(batches) // TICKS:
                seconds.append(time.perf_counter() - began)
                spent += time.process_time() - cpu
            due += PERIOD
            await anyio.sleep(max(0, due - time.perf_counter()))
    return Sunk(seconds, spent / (len(seconds) * AT_ONCE) * 1e6)
