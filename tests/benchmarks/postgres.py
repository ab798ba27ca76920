"""Rows into PostgreSQL: one, two and three sinks, each on a partition of its own, beside bare COPY, and SQLite.

Each sink is a process with a thousand patients of its own, and stores two readings of each in a transaction. COPY puts
the same rows, made and sorted before, into the same tables, in transactions as large, and does nothing else. CPU is
that of clients and server together. The server's settings are PostgreSQL's own; its data lies in memory where there
is room, so that no disk is measured.
"""

import asyncio
import pickle
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from uuid import UUID

import psutil

from icu.bootstrap.process import tune_interpreter
from icu.messages import Delivery, Position, encode
from icu.sink.intake import decode_batches
from icu.store.engines.table import engine_of
from icu.store.readings import KEY, PATIENT, ReadingRow, to_rows
from icu.store.tables.readings import COLUMNS
from icu.store.writer import open_writer
from icu.store.writing.requests import WriteRequest
from icu.transports.base import Batch
from tests.benchmarks.contest import Lap, tell
from tests.benchmarks.dataset import EVERY, Values, new_database, simulated
from tests.benchmarks.sink import made
from tests.benchmarks.wards import quieten
from tests.postgres import PostgresServer, ask, own_postgres, renumbered

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

PATIENTS: Final = 1_000
# Times in a transaction, and transactions of a sink; the first one, in which everybody is new, is not measured.
TIMES: Final = 2
BATCHES: Final = 61
SINKS: Final = (1, 2, 3)

COPY: Final = "bare COPY"
SQLITE: Final = "sink on SQLite: store"

# As PostgreSQL comes. Tests have others.
_SETTINGS: Final = {
    "shared_buffers": "512MB",
    "fsync": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "autovacuum": "on",
}
_TYPES: Final = ["int4", "int8", "int8", *["int4"] * 7, "int8", "varchar"]
_SIZES: Final = (
    "SELECT (SELECT count(*) FROM patient_metrics), (SELECT sum(pg_table_size(oid)) FROM pg_class WHERE {readings}),"
    " (SELECT sum(pg_indexes_size(oid)) FROM pg_class WHERE {readings}), pg_total_relation_size('journal'),"
    " (SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND NOT {readings}"
    " AND relnamespace = 'public'::regnamespace AND relname <> 'journal')"
).format(readings="(relname LIKE 'patient_metrics_%' AND relkind = 'r')")

# Waits until all are ready, and is told to begin.
Start: TypeAlias = Callable[[], None]


class Part(NamedTuple):
    """Share of a contestant in a process of its own."""

    url: str
    partition: int
    # Holds what the transport returns.
    fetched: Path


def main(_readings: int, rounds: int) -> None:
    """Print rows a second and CPU (goals: 1.3 times that of COPY, and 1.1 times that of SQLite), and sizes."""
    laps: dict[str, list[Lap]] = {}
    with tempfile.TemporaryDirectory() as folder, own_postgres(**_SETTINGS) as server, server.database() as template:
        asyncio.run(_make(server.url(template)))
        files = _write_fetched(Path(folder))
        for _ in range(rounds):
            for name, lap in _contestants(server, template, files).items():
                print(name, flush=True)
                laps.setdefault(name, []).append(lap())
    tell(laps, [COPY, SQLITE], unit="rows")
    for name, found in laps.items():
        beside = [each.cost / other.cost for each, other in zip(found, laps[COPY], strict=True)]
        print(f"{name:38} {median(beside):6.2f} times the CPU of COPY ({min(beside):.2f} to {max(beside):.2f})")


def _contestants(server: PostgresServer, template: str, files: Sequence[Path]) -> Mapping[str, Callable[[], Lap]]:
    on_server = partial(_on_server, server, template, files)
    sinks = {
        f"{number} {'sinks' if number > 1 else 'sink'}: {words}": partial(on_server, work, number)
        for words, work in (("store", _store), ("decode and store", _decode_and_store))
        for number in SINKS
    }
    on_file = {
        SQLITE: partial(_on_file, files[0], _store),
        "sink on SQLite: decode and store": partial(_on_file, files[0], _decode_and_store),
    }
    return {COPY: partial(on_server, _copy, 1), **sinks, **on_file}


async def _make(url: str) -> None:
    engine = engine_of(url)
    await engine.upgrade()
    await engine.make_room(round(time.time() * 1_000))
    await engine.aclose()


def _on_server(
    server: PostgresServer, template: str, files: Sequence[Path], work: Callable[[Part, Start], None], count: int
) -> Lap:
    with server.database(template=template) as name:
        url = renumbered(server.url(name))
        server.ask("CHECKPOINT")
        parts = [Part(url, number, files[number]) for number in range(count)]
        lap = _race(work, parts, lambda: _cpu_of(server))
        _tell_sizes(url)
        return lap


def _on_file(fetched: Path, work: Callable[[Part, Start], None]) -> Lap:
    with tempfile.TemporaryDirectory() as folder:
        path = new_database(Path(folder))
        lap = _race(work, [Part(f"sqlite:///{path}", 0, fetched)], lambda: 0.0)
        with closing(sqlite3.connect(path)) as connection:
            [(count,)] = connection.execute("SELECT count(*) FROM patient_metrics")
        print(f"  {count:,} readings in a file: {path.stat().st_size / count:.1f} bytes each, everything included")
        return lap


def _cpu_of(server: PostgresServer) -> float:
    """Seconds of the processor that the server has used, with those of its processes that have ended."""
    postgres = psutil.Process(server.process.pid)
    ended = postgres.cpu_times()
    running = [each.cpu_times() for each in postgres.children()]
    return ended.children_user + ended.children_system + sum(each.user + each.system for each in (ended, *running))


def _tell_sizes(url: str) -> None:
    count, readings, keys, journal, rest = map(int, ask(url, _SIZES)[0])
    print(
        f"  {count:,} readings: {readings / count:.1f} bytes each, keys {keys / count:.1f}; journal"
        f" {journal / 1e6:.1f} MB, the rest {rest / 1e6:.1f} MB"
    )


def _race(work: Callable[[Part, Start], None], parts: Sequence[Part], cpu: Callable[[], float]) -> Lap:
    """Run each part in a process of its own, and measure all of them from the time at which they are ready."""
    context = get_context("spawn")
    gate, used = context.Barrier(len(parts) + 1, timeout=300), context.SimpleQueue()
    processes = [context.Process(target=_run, args=(work, part, gate, used), daemon=True) for part in parts]
    for each in processes:
        each.start()
    gate.wait()
    before, began = cpu(), time.perf_counter()
    gate.wait()
    clients = sum(used.get() for _ in parts)
    taken, server = time.perf_counter() - began, cpu() - before
    for each in processes:
        each.join()
    count = (BATCHES - 1) * TIMES * PATIENTS * len(parts)
    return Lap(count / taken, (clients + server) / count * 1e6)


def _run(work: Callable[[Part, Start], None], part: Part, gate: "Barrier", used: Any) -> None:
    quieten()
    tune_interpreter()
    began = 0.0

    def start() -> None:
        nonlocal began
        gate.wait()
        gate.wait()
        began = time.process_time()

    work(part, start)
    used.put(time.process_time() - began)


def _write_fetched(folder: Path) -> list[Path]:
    """Make what the transport returns of each partition, and when, and write it into a file each."""
    start = datetime.now(UTC) - timedelta(seconds=TIMES * BATCHES * EVERY)
    uuids, values = simulated(PATIENTS * max(SINKS), TIMES * BATCHES)
    files = []
    for partition in range(max(SINKS)):
        own = slice(partition * PATIENTS, (partition + 1) * PATIENTS)
        batches = _batches(partition, uuids[own], values[own], start)
        path = folder / str(partition)
        path.write_bytes(pickle.dumps(list(zip(batches, _arrivals(start), strict=True))))
        files.append(path)
    return files


def _batches(partition: int, uuids: Sequence[UUID], values: Values, start: datetime) -> list[Batch]:
    """Make the batches of a partition, as the transport returns them."""
    records = encode(made(uuids, values, start))
    deliveries = [Delivery(partition, place, record.key, record.value) for place, record in enumerate(records)]
    each = TIMES * PATIENTS
    return [
        Batch(partition, deliveries[at : at + each], at, Position(at + each, "m"), more=False)
        for at in range(0, len(deliveries), each)
    ]


def _arrivals(start: datetime) -> list[int]:
    """Return the time at which each batch has just arrived, in milliseconds since 1970."""
    first = round((start + timedelta(seconds=(TIMES - 1) * EVERY + 0.1)).timestamp() * 1_000)
    return [first + number * TIMES * EVERY * 1_000 for number in range(BATCHES)]


def _fetched(part: Part) -> list[tuple[Batch, int]]:
    return pickle.loads(part.fetched.read_bytes())  # noqa: S301 - a file of our own


def _store(part: Part, start: Start) -> None:
    fetched = _fetched(part)
    requests = [decode_batches([batch]).request for batch, _ in fetched]
    asyncio.run(_write(part, start, zip(requests, (arrived for _, arrived in fetched), strict=True)))


def _decode_and_store(part: Part, start: Start) -> None:
    fetched = _fetched(part)
    asyncio.run(_write(part, start, ((decode_batches([batch]).request, arrived) for batch, arrived in fetched)))


async def _write(part: Part, start: Start, requests: Iterable[tuple[WriteRequest, int]]) -> None:
    member = f"sink-{part.partition}" if part.url.startswith("postgresql") else None
    async with open_writer(part.url, topic="bench", member=member) as writer:
        await writer.begin({part.partition: Position(0, "m")}, other_logs=frozenset())
        for place, (request, arrived) in enumerate(requests):
            await writer.write(request, arrived=arrived)
            if place == 0:
                start()


def _copy(part: Part, start: Start) -> None:
    """Run the limit."""
    import psycopg  # noqa: PLC0415 - an extra

    statement = f"COPY patient_metrics ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    batches = _rows(part)
    with psycopg.connect(part.url) as connection:
        for place, batch in enumerate(batches):
            with connection.cursor().copy(statement.encode()) as copy:
                copy.set_types(_TYPES)
                for row in batch:
                    copy.write_row(row)
            connection.commit()
            if place == 0:
                start()


def _rows(part: Part) -> list[list[ReadingRow]]:
    """Make the rows of each batch, in the order of their keys as the sink writes them."""
    batches = []
    for batch, arrived in _fetched(part):
        observed = decode_batches([batch]).request.observed
        numbers = {each: place for place, each in enumerate(dict.fromkeys(row[PATIENT] for row in observed), start=1)}
        batches.append(sorted(to_rows(observed, numbers, arrived), key=itemgetter(KEY)))
    return batches
