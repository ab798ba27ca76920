"""Light traffic: the delay of a lone message to its row, and the sink's CPU time at 1,000 messages a second."""

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import anyio
import psutil

from icu.messages import encode, uuid_of_name
from icu.store.journal import entries as journal
from icu.store.readings import LAG, TIMESTAMP, ReadingRow
from tests.benchmarks.kafka_topics import new_topic, open_transport
from tests.benchmarks.wards import aside, running
from tests.brokers import Broker
from tests.samples import START, observation

# Seconds between two messages.
PACE = 0.001

PATIENTS = 100
TIMEOUT = 30.0
WARMING = 3.0
SECONDS = 10.0
ROUNDS = 3


class Seen(NamedTuple):
    """Observed rows, the milliseconds until each could be read by others, and the sink's CPU time."""

    rows: list[ReadingRow]
    delays: list[float]
    busy: float


def main(broker: Broker) -> None:
    """Print delays (goal: p50 25 ms, p99 60 ms) and the sink's share of a core (goal: 15 %)."""
    with new_topic(broker) as topic, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "icu.db"
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap,
            "KAFKA_TOPIC": topic,
            "DATABASE_URL": f"sqlite:///{path}",
            "ICU_LOG_LEVEL": "WARNING",
        }
        with running(["run", "sink"], folder, **environ) as sink, aside(send_steadily, broker.bootstrap, topic):
            process = psutil.Process(sink.pid)
            wait_for_rows(path)
            time.sleep(WARMING)
            rounds = [watch(path, process) for _ in range(ROUNDS)]
    print(f"stored                     {median(len(each.rows) for each in rounds) / SECONDS:6.0f} readings/s")
    tell("measured until it arrives", [[row[LAG] for row in each.rows] for each in rounds])
    tell("measured until committed", [each.delays for each in rounds])
    print(f"the sink's process         {median(each.busy for each in rounds):6.1%} of a core")


def tell(what: str, rounds: Sequence[Sequence[float]]) -> None:
    """Print the medians of the rounds' percentiles."""
    percentiles = [quantiles(delays, n=100, method="inclusive") for delays in rounds]
    p50, p99 = (median(each[place] for each in percentiles) for place in (49, 98))
    print(f"{what:26} p50 {p50:.0f} ms, p99 {p99:.0f} ms")


async def send_steadily(bootstrap: str, topic: str) -> None:
    """Publish a reading each millisecond, without waiting for the one before, until the process is ended."""
    uuids = cycle([uuid_of_name(f"patient {number}") for number in range(PATIENTS)])
    async with open_transport(bootstrap, topic) as transport, anyio.create_task_group() as group:
        due = anyio.current_time()
        while True:
            reading = observation((datetime.now(UTC) - START).total_seconds(), patient=next(uuids))
            group.start_soon(transport.publish, encode([reading]))
            due += PACE
            await anyio.sleep_until(due)


def wait_for_rows(path: Path) -> None:
    """Wait until the sink has stored a row."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        with suppress(sqlite3.OperationalError), closing(reading_from(path)) as connection:
            if last_batch(connection):
                return
        time.sleep(0.05)
    raise TimeoutError(path)


def watch(path: Path, process: psutil.Process) -> Seen:
    """Look for new rows each millisecond."""
    seen = Seen([], [], 0.0)
    with closing(reading_from(path)) as connection:
        last = last_batch(connection)
        spent = sum(process.cpu_times()[:2])
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = connection.execute("SELECT batch, payload FROM journal WHERE batch > ?", (last,)).fetchall()
            now = time.time() * 1000
            for batch, payload in found:
                rows = journal.decode(payload).rows
                seen.rows.extend(rows)
                seen.delays.extend(now - row[TIMESTAMP] for row in rows)
                last = batch
            time.sleep(0.001)
    return seen._replace(busy=(sum(process.cpu_times()[:2]) - spent) / SECONDS)


def reading_from(path: Path) -> sqlite3.Connection:
    """Open a connection that does not disturb the sink."""
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def last_batch(connection: sqlite3.Connection) -> int:
    """Return the number of the last transaction; 0 before the first."""
    return int(connection.execute("SELECT max(batch) FROM journal").fetchone()[0] or 0)
