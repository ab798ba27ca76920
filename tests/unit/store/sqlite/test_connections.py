"""Connections to the file: who waits for whom, what a power cut costs, and that a reader cannot write."""

import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from loguru import logger
from sqlalchemy import text

from icu.store.engines.base import Transaction
from icu.store.engines.deadline import TRANSACTION_DEADLINE
from icu.store.engines.sqlite.connections import BUSY_TIMEOUT_MS, connect
from icu.store.engines.sqlite.engine import SqliteEngine
from icu.store.engines.sqlite.log_index import progress
from icu.store.engines.sqlite.sealed import File
from icu.store.engines.sqlite.translation import translated
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError
from icu.store.reader import Reader
from icu.store.writer import Writer, open_writer
from tests.samples import START, observation
from tests.stores import connected, rows, store

INSERT = "INSERT INTO patients (uuid) VALUES ('other')"


def written_by_another(url: str) -> None:
    """A program that does not wait."""
    with closing(connected(url)) as other:
        other.execute(INSERT)


@pytest.fixture
async def engine(writer: Writer, url: str) -> AsyncIterator[SqliteEngine]:
    """Another one to write with, on the writer's file."""
    engine = SqliteEngine(url)
    yield engine
    await engine.aclose()


async def test_a_checkpoint_waits_for_the_disk(engine: SqliteEngine) -> None:
    """NORMAL, which is 1: after a power cut the file is whole, whatever the log has lost."""

    async def setting(transaction: Transaction) -> object:
        return await transaction.rows(text("PRAGMA synchronous"))

    assert await engine.read(setting) == [(1,)]


async def test_pages_that_every_batch_touches_stay_in_memory(engine: SqliteEngine) -> None:
    """64 MB of them, for the places of a thousand patients do not fit into SQLite's own 2 MB."""

    async def setting(transaction: Transaction) -> object:
        return await transaction.rows(text("PRAGMA cache_size"))

    assert await engine.read(setting) == [(-65_536,)]


async def test_checkpoints_are_few_and_bound_the_log(writer: Writer, engine: SqliteEngine, tmp_path: Path) -> None:
    """Every checkpoint writes pages that the next batch changes again; without any the log would grow for ever."""
    thousand_pages = text("INSERT INTO journal (payload) VALUES (zeroblob(4096000))")
    for _ in range(9):
        await engine.transact(lambda transaction: transaction.rows(thousand_pages))
    found = await to_thread.run_sync(progress, tmp_path / "icu.db-shm")
    assert found is not None
    assert found.frames > 9_000
    assert found.attempted == 0
    for _ in range(16):
        await engine.transact(lambda transaction: transaction.rows(thousand_pages))
    log = await to_thread.run_sync(os.stat, tmp_path / "icu.db-wal")
    assert log.st_size < 11_500 * 4_096
    await writer.check()  # which sees no other program's work in all that


async def test_who_reads_does_not_keep_the_sink_waiting(writer: Writer, url: str) -> None:
    """However long the read takes: it sees what there was when it began."""
    with closing(connected(url)) as other:
        other.execute("BEGIN")
        before = other.execute("SELECT count(*) FROM patient_metrics").fetchall()
        await store(writer, [observation(0)])
        assert other.execute("SELECT count(*) FROM patient_metrics").fetchall() == before
    assert rows(url, "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_who_writes_does_not_keep_the_monitor_waiting(writer: Writer, reader: Reader, url: str) -> None:
    """A read takes no lock, and is not held up by one."""
    await store(writer, [observation(0)])
    with closing(connected(url)) as other:
        other.execute("BEGIN IMMEDIATE")
        [patient] = await reader.patients(now=START)
    assert patient.name == "Anna"


async def test_nobody_writes_between_what_a_transaction_reads_and_what_it_writes(
    engine: SqliteEngine, url: str
) -> None:
    """It has the lock from its beginning; without that SQLite refuses it the first write, however long it waits."""

    async def work(transaction: Transaction) -> None:
        before = await transaction.rows(text("SELECT count(*) FROM patients"))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await to_thread.run_sync(written_by_another, url)
        await transaction.rows(text(INSERT))
        assert before == [(0,)]

    await engine.transact(work)
    assert rows(url, "SELECT uuid FROM patients") == [("other",)]


async def test_a_lock_that_goes_is_waited_for(writer: Writer, url: str) -> None:
    """By SQLite itself: a moment's write of another program is no trouble of the sink's."""
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.1, other.close)
    timer.start()
    assert (await store(writer, [observation(0)])).stored == 1
    timer.join()


def test_a_lock_is_waited_for_less_long_than_a_transaction_may_take() -> None:
    """Otherwise it would be cut, and nobody would know whether it was committed."""
    assert BUSY_TIMEOUT_MS / 1000 < TRANSACTION_DEADLINE


async def test_readings_of_nobody_are_refused(engine: SqliteEngine) -> None:
    """Each has a patient in the table of patients."""
    nobodys = text("INSERT INTO patient_metrics (patient_id, timestamp, lag) VALUES (99, 0, 0)")
    with pytest.raises(StoreError, match=r"icu\.db: FOREIGN KEY"):
        await engine.transact(lambda transaction: transaction.rows(nobodys))


async def test_a_reader_makes_no_database(tmp_path: Path) -> None:
    """Where there is none it finds none, for it is the sink's to make."""
    engine = SqliteEngine(f"sqlite:///{tmp_path / 'icu.db'}")
    with pytest.raises(StoreUnavailableError):
        async with engine.connection(File(1, 2, None)) as connection:
            await connection.rows(text("SELECT 1"))
    await engine.aclose()
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            thread.join()  # one whose connection failed ends by itself, and wants the loop for that
    assert not any(os.scandir(tmp_path))


async def test_a_reader_cannot_write(writer: Writer, url: str) -> None:
    """A reader cannot write, whichever statement a query holds."""
    engine = SqliteEngine(url)
    there = await engine.identity()
    assert there is not None
    with pytest.raises(StoreUnavailableError, match=r"icu\.db: .*readonly"):
        async with engine.connection(there) as connection:
            await connection.rows(text(INSERT))
    await engine.aclose()
    assert rows(url, "SELECT count(*) FROM patients") == [(0,)]


async def test_an_error_names_the_file(engine: SqliteEngine) -> None:
    """An error names the database: the driver's own text does not, and a reader of logs may have several."""
    with pytest.raises(StoreError, match=r"icu\.db: no such table: nowhere"):
        await engine.read(lambda transaction: transaction.rows(text("SELECT * FROM nowhere")))


def test_an_error_of_the_driver_itself_is_ours_too() -> None:
    """One that has no code of SQLite's."""
    with pytest.raises(StoreError, match=r"icu\.db: closed"), translated(Path("icu.db")):
        raise sqlite3.ProgrammingError("closed")


@pytest.mark.usefixtures("impatient")
async def test_a_locked_database_is_unavailable_and_recovers(writer: Writer, url: str) -> None:
    """Another program's lock is a transient error; the same writer goes on when it is gone."""
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError):
        await store(writer, [observation(0)])
    other.execute("ROLLBACK")
    other.close()
    assert (await store(writer, [observation(0)])).stored == 1


async def test_a_damaged_file_stops_for_good(url: str, tmp_path: Path) -> None:
    """A file that is no database stays as it is, and the error says so."""
    (tmp_path / "icu.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreCorruptError, match="damaged"):
        async with open_writer(url, topic="icu.test"):
            pass
    assert (tmp_path / "icu.db").read_bytes().startswith(b"not a database")


async def test_a_writer_that_only_asked_how_far_it_is_leaves_nothing_to_complain_of(url: str) -> None:
    """It waits for a broker, say, and is told to stop: the log that SQLite made meanwhile was not exchanged."""
    errors: list[str] = []
    logger.add(lambda message: errors.append(message.record["message"]), level="WARNING")
    for _ in range(2):
        async with open_writer(url, topic="icu.test") as writer:
            assert await writer.positions() == {}
    assert errors == []


def test_a_failure_to_open_ends_its_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's thread of a connection that failed tells an event loop of it, which is closed soon after."""
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)

    async def fail() -> None:
        with pytest.raises(sqlite3.OperationalError):
            await connect(tmp_path / "none.db", mode="rw")

    # Without waiting, a third of them end too late.
    for _ in range(50):
        anyio.run(fail)
    assert failures == []
