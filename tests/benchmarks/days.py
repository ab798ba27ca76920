"""Readings of PostgreSQL over 400 days, in a partition a day, beside the same readings in one table.

Both are asked by the monitor's own reader, for one client, on a real server with its data in memory. Its time and the
server's are added up: the processor's, for that of a clock is another one beside other work.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from statistics import median
from typing import Final
from uuid import UUID, uuid5

import psutil

from icu.store.engines.table import engine_of
from icu.store.history.patient import History
from icu.store.reader import Reader
from icu.store.readings import from_milliseconds
from icu.store.tables.readings import COLUMNS
from tests.postgres import PostgresServer, ask, own_postgres

DAYS: Final = 400
PATIENTS: Final = 200
READINGS: Final = 2_000_000

# Milliseconds.
_DAY: Final = 86_400_000
# Questions that are not counted: plans are made, and kept once they have been used a few times.
_FIRST: Final = 15
# Seconds of the processor that are counted in a round, at least.
_COUNTED: Final = 0.5

_NAMESPACE: Final = UUID(int=0)

Question = Callable[[Reader], Awaitable[object]]


def main(readings: int = READINGS, rounds: int = 5) -> None:
    """Print milliseconds of CPU an answer (goals: 15 for the latest readings, 1 for a page of 20)."""
    end = round(time.time() * 1_000)
    with own_postgres(shared_buffers="1GB") as server, ExitStack() as stack:
        by_day, in_one = (stack.enter_context(_filled(server, readings, end, days=days)) for days in (True, False))
        for name, question in _questions(end).items():
            times = asyncio.run(_compare(server, [by_day, in_one], question, rounds))
            print(f"{name:<34} {times[0]:8.2f} ms by day {times[1]:8.2f} ms in one table {times[0] / times[1]:6.2f}")


def _questions(end: int) -> dict[str, Question]:
    now = from_milliseconds(end)
    patient = _uuid(PATIENTS // 2)

    def page(limit: int, days_ago: int = 0) -> Question:
        until = None if not days_ago else now - timedelta(days=days_ago)
        return lambda reader: reader.page(patient, limit=limit, order="desc", until=until)

    return {
        f"latest of {PATIENTS} patients": lambda reader: reader.patients(now=now),
        "latest of one patient": lambda reader: reader.patient(patient, now=now),
        "page of 20": page(20),
        "page of 20, a year ago": page(20, 365),
        "page of 1,000": page(1_000),
        "history of a day": lambda reader: _history(reader, patient, now - timedelta(days=10), 1),
        "history of 30 days": lambda reader: _history(reader, patient, now - timedelta(days=30), 30),
    }


async def _history(reader: Reader, patient: UUID, since: datetime, days: int) -> int:
    history = await History.find(reader, patient, since=since, until=since + timedelta(days=days), most=10_000_000)
    return sum([each.count async for each in history.slices()])


async def _compare(server: PostgresServer, urls: list[str], question: Question, rounds: int) -> list[float]:
    """Return the milliseconds of each, the median of rounds in turn."""
    readers = [Reader(url) for url in urls]
    times: list[list[float]] = [[] for _ in urls]
    try:
        for reader in readers:
            for _ in range(_FIRST):
                await question(reader)
        for _ in range(rounds):
            for reader, taken in zip(readers, times, strict=True):
                taken.append(await _measure(server, reader, question))
    finally:
        for reader in readers:
            await reader.aclose()
    return [median(each) for each in times]


async def _measure(server: PostgresServer, reader: Reader, question: Question) -> float:
    began, answers, used = _cpu(server), 0, 0.0
    while used < _COUNTED:
        for _ in range(10):
            await question(reader)
        answers += 10
        used = _cpu(server) - began
    return used / answers * 1_000


def _cpu(server: PostgresServer) -> float:
    """Seconds of the processor that this process and the server's have used. None of the server's ends meanwhile."""
    postgres = psutil.Process(server.process.pid)
    used = [each.cpu_times() for each in postgres.children()]
    return time.process_time() + sum(each.user + each.system for each in used)


@contextmanager
def _filled(server: PostgresServer, readings: int, end: int, *, days: bool) -> Iterator[str]:
    """Make a database with so many readings up to a time."""
    with server.database() as name:
        url = server.url(name)
        asyncio.run(_make(url, end, days=days))
        began = time.monotonic()
        _load(url, readings, end)
        _vacuum(url)
        [(size,)] = ask(
            url,
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'patient_metrics%'"
            " AND relkind = 'r'",
        )
        taken = time.monotonic() - began
        form = "by day" if days else "in one table"
        print(f"{readings:,} readings {form}: {size / readings:.1f} bytes each, loaded in {taken:.0f} s")
        yield url


def _vacuum(url: str) -> None:
    """Do what the server does by itself: it leaves tables alone that are empty, such as those of days to come."""
    tables = ask(url, "SELECT relid::regclass::text FROM pg_stat_user_tables WHERE n_live_tup > 0")
    ask(url, f"VACUUM ANALYZE {', '.join(name for (name,) in tables)}")


async def _make(url: str, end: int, *, days: bool) -> None:
    engine = engine_of(url)
    await engine.upgrade()
    if days:
        await engine.make_room(end, since=end - DAYS * _DAY)
    await engine.aclose()
    if not days:
        ask(url, "ALTER TABLE patient_metrics RENAME TO unused")
        ask(url, "CREATE TABLE patient_metrics (LIKE unused INCLUDING ALL)")
        ask(url, "DROP TABLE unused")


def _load(url: str, readings: int, end: int) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    each = readings // PATIENTS
    with psycopg.connect(url, autocommit=True) as connection:
        for key in range(1, PATIENTS + 1):
            connection.execute(
                "INSERT INTO patients (id, uuid, name, interval) VALUES (%s, %s, %s, 5)",
                (key, str(_uuid(key)), f"Patient {key}"),
            )
        with connection.cursor().copy(f"COPY patient_metrics ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for number in range(each):
                moment = end - DAYS * _DAY + DAYS * _DAY * number // each
                copy.write("".join(_line(key, moment - key) for key in range(1, PATIENTS + 1)))


def _line(patient: int, moment: int) -> str:
    return f"{patient}\t{moment}\t100\t7200\t1600\t12000\t8000\t9800\t3660\t\\N\t\\N\t\\N\n"


def _uuid(key: int) -> UUID:
    return uuid5(_NAMESPACE, str(key))
