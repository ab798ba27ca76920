"""Changes by people to the files of an open database: the sink notices, reports them once, and goes on correctly."""

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import anyio
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.messages import Position, encode
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.telemetry import Telemetry
from icu.store.engines.sqlite.watch import SETTLE_TIME
from icu.store.errors import StoreCorruptError, StoreInUseError
from icu.store.reader import Reader
from icu.store.writer import open_writer
from icu.transports.memory import MemoryTransport
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, readings_of, rows, store

TIMEOUT: Final = 20.0


class Ward:
    """A sink, and a monitor on the same database in the same process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self.transport = MemoryTransport(topic="icu.test", partitions=1)
        self.telemetry = Telemetry(CollectorRegistry())
        self.reader = Reader(self.url)
        self.errors: list[str] = []
        self.deaths: list[Exception] = []
        self.published = 0

    async def store(self, count: int) -> None:
        """Publish readings and wait until all are stored."""
        await self.transport.publish(encode([observation(self.published + n) for n in range(count)]))
        self.published += count
        with anyio.fail_after(TIMEOUT):
            await self.transport.until_stored(0)

    async def reported_error(self) -> str:
        """Return the one error of the sink, and wait for it."""
        with anyio.fail_after(TIMEOUT):
            while not self.errors:
                await anyio.sleep(0.01)
        [error] = self.errors
        return error

    async def served(self) -> int:
        """Return the readings that the monitor finds."""
        page = await self.reader.page(ANNA, limit=10_000, order="asc", since=START, until=START + timedelta(days=1))
        return len(readings_of(page))

    def stored(self) -> int:
        """Return the readings that another program finds, in an undamaged database."""
        assert rows(self.url, "PRAGMA integrity_check") == [("ok",)]
        [(count,)] = rows(self.url, "SELECT count(*) FROM patient_metrics")
        return int(count)

    def checkpoint(self) -> None:
        """Checkpoint the log by another program."""
        assert rows(self.url, "PRAGMA wal_checkpoint(PASSIVE)")[0][0] == 0


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    """A ward with 20 readings."""
    ward = Ward(tmp_path / "icu.db")
    logger.add(lambda line: ward.errors.append(str(line)), level="ERROR", format="{message}")
    async with anyio.create_task_group() as group:

        async def sink() -> None:
            try:
                await consume(
                    transport=ward.transport,
                    alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
                    database_url=ward.url,
                    telemetry=ward.telemetry,
                    batching=Batching(linger=0),
                    now=START.timestamp,
                )
            except (StoreCorruptError, StoreInUseError) as exc:
                ward.deaths.append(exc)

        group.start_soon(sink)
        await ward.store(20)
        assert await ward.served() == 20
        yield ward
        group.cancel_scope.cancel()
    await ward.reader.aclose()
    assert half_done(tmp_path) == []


def half_done(folder: Path) -> list[Path]:
    """Return the copies that were begun and not completed."""
    return list(folder.glob(".*"))


async def other(path: Path) -> None:
    """The database of another ward, in which Boris was the first patient, a day later."""
    async with open_writer(f"sqlite:///{path}", topic="icu.other") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0, patient=BORIS)], arrived=NOON + 86_400_000)


@pytest.mark.parametrize("name", ["icu.db-wal", "icu.db-shm"])
async def test_a_log_that_is_removed_takes_nothing_along(ward: Ward, name: str) -> None:
    """Readings that only a removed log held are saved into the file, also beside other readers; the next one is
    stored."""
    (ward.path.parent / name).unlink()
    await ward.store(1)
    assert "its log, was removed or replaced" in await ward.reported_error()
    assert (ward.stored(), await ward.served(), ward.telemetry.trouble) == (21, 21, None)
    await ward.store(1)
    assert (ward.stored(), await ward.served()) == (22, 22)


async def test_it_is_noticed_while_nothing_arrives(ward: Ward) -> None:
    """A removed log is noticed within two seconds without new records, so that its content is saved."""
    (ward.path.parent / "icu.db-wal").unlink()
    assert "its log, was removed or replaced" in await ward.reported_error()
    with anyio.fail_after(TIMEOUT):
        while not (ward.path.parent / "icu.db-wal").exists():
            await anyio.sleep(0.01)
    assert ward.stored() == 20


async def test_a_database_that_is_moved_away_is_whole(ward: Ward, tmp_path: Path) -> None:
    """A moved file has the content of its log; a new database takes its place, and is not taken for the old one."""
    ward.path.rename(tmp_path / "moved.db")
    assert "was removed or replaced" in await ward.reported_error()
    await ward.store(5)
    assert ward.errors[1:] == ["up to 20 records are neither in this database nor any longer in the log\n"]
    assert (ward.stored(), await ward.served()) == (5, 5)
    assert rows(f"sqlite:///{tmp_path / 'moved.db'}", "SELECT count(*) FROM patient_metrics") == [(20,)]


async def test_a_database_that_takes_its_place_does_not_get_the_log(ward: Ward, tmp_path: Path) -> None:
    """Readings that neither database has are reported as lost."""
    await other(tmp_path / "other.db")
    (tmp_path / "other.db").rename(ward.path)
    await ward.transport.publish(encode([observation(100)]))
    with anyio.fail_after(TIMEOUT):
        await ward.transport.until_stored(0)
        while len(ward.errors) < 2:
            await anyio.sleep(0.01)
    assert "was removed or replaced" in ward.errors[0]
    assert ward.errors[1].startswith("up to 20 records are neither in this database nor any longer in the log")
    assert (ward.stored(), await ward.served()) == (2, 1)


def copied(source: Path, target: Path) -> None:
    """Overwrite the content of the file, as `cp` does."""
    shutil.copyfile(source, target)


def emptied(_: Path, target: Path) -> None:
    """Empty the file, as `truncate -s 0` does."""
    target.open("w").close()


@pytest.mark.parametrize(("overwrite", "stored"), [(copied, 2), (emptied, 1)])
async def test_a_database_that_is_overwritten(
    ward: Ward, tmp_path: Path, overwrite: Callable[[Path, Path], None], stored: int
) -> None:
    """A copy over the database stays as it was, without the old log, and is reported while nothing arrives."""
    await other(tmp_path / "other.db")
    ward.checkpoint()
    await ward.store(1)
    overwrite(tmp_path / "other.db", ward.path)
    said = f"looking at the database: {ward.path} is being overwritten"
    with anyio.fail_after(TIMEOUT):
        while ward.telemetry.trouble != said:
            await anyio.sleep(0.01)
        await ward.transport.publish(encode([observation(100)]))
        await ward.transport.until_stored(0)
    assert any("was overwritten while the sink wrote to it" in each for each in ward.errors)
    assert any(each.startswith("up to 21 records are neither in this database nor") for each in ward.errors)
    assert (ward.stored(), await ward.served(), ward.telemetry.trouble) == (stored, 1, None)


async def test_a_database_that_is_destroyed_with_its_log(ward: Ward, tmp_path: Path) -> None:
    """A destroyed file is reported as such, although SQLite reports a failing disk, which would be waited for."""
    for name in ("icu.db", "icu.db-wal"):
        (tmp_path / name).write_bytes(b"no database any more" * 1_000)
    await ward.transport.publish(encode([observation(100)]))
    with anyio.fail_after(TIMEOUT):
        while not ward.deaths:
            await anyio.sleep(0.01)
    assert isinstance(ward.deaths[0], StoreCorruptError)
    assert "was overwritten while the sink wrote to it" in ward.errors[0]
    assert (tmp_path / "icu.db").read_bytes().startswith(b"no database any more")
    assert (tmp_path / "icu.db-wal.left-over").exists()


async def test_an_older_copy_that_is_copied_over_the_database(ward: Ward, tmp_path: Path) -> None:
    """An older copy is not taken for a checkpoint of the same database, and later readings are reported as lost."""
    with closing(sqlite3.connect(ward.path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        source.backup(copy)
    await ward.store(20)
    ward.checkpoint()
    await ward.store(1)
    copied(tmp_path / "copy.db", ward.path)
    await ward.store(1)
    assert any(each.startswith("up to 21 records are neither in this database nor") for each in ward.errors)
    assert (ward.stored(), await ward.served()) == (21, 21)


async def test_what_others_may_do_is_no_alarm(ward: Ward, tmp_path: Path) -> None:
    """Checkpoints, copies, VACUUM and writes of another program, by SQLite itself, cause no report."""
    for work in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA user_version", "ANALYZE", "REINDEX"):
        with closing(sqlite3.connect(ward.path)) as connection:
            connection.execute(work).fetchall()
        await ward.store(1)
    with closing(sqlite3.connect(ward.path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        source.backup(copy)
    await ward.store(10_000)
    assert (ward.errors, ward.stored()) == ([], 10_025)


def newest_alone(path: Path) -> int:
    """Return the newest batch of the journal in the file without its log; 0 where it cannot be read."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            [newest] = connection.execute("SELECT coalesce(max(batch), 0) FROM journal").fetchone()
    except sqlite3.DatabaseError:
        return 0
    return int(newest)


@contextmanager
def reader_at_work(path: Path) -> Iterator[None]:
    """Read the database as it is now, which keeps checkpoints from being complete."""
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN").execute("SELECT count(*) FROM patient_metrics").fetchall()
        yield


async def test_a_checkpoint_that_a_reader_keeps_from_being_whole_is_no_alarm(ward: Ward) -> None:
    """A partial checkpoint leaves pages of several moments in the file, which is no damage: storing goes on."""
    ward.checkpoint()
    newest = newest_alone(ward.path)
    for _ in range(20):
        await ward.store(20)
    with reader_at_work(ward.path):
        await ward.store(20)
        ward.checkpoint()
    assert newest_alone(ward.path) < newest
    for _ in range(3):  # as long as somebody's copy would be waited for
        await ward.store(1)
        await anyio.sleep(SETTLE_TIME / 2)
    await ward.store(10_000)
    assert (ward.errors, ward.deaths) == ([], [])
    assert ward.stored() == ward.published


async def test_a_file_that_only_looks_changed_is_no_alarm(ward: Ward) -> None:
    """A new time of change on the file causes no report, also after a partial checkpoint."""
    await ward.store(300)
    with reader_at_work(ward.path):
        await ward.store(2_000)
        ward.checkpoint()
        await ward.store(1)
        ward.path.touch()
        await ward.store(1)
        await anyio.sleep(SETTLE_TIME)
        await ward.store(1)
    assert (ward.errors, ward.deaths, ward.stored()) == ([], [], 2_323)


async def test_an_older_copy_over_a_file_whose_checkpoint_is_not_whole(ward: Ward, tmp_path: Path) -> None:
    """An older copy over a partly checkpointed file is noticed, since no checkpoint of ours has written it."""
    with closing(sqlite3.connect(ward.path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        source.backup(copy)
    ward.checkpoint()
    await ward.store(300)
    with reader_at_work(ward.path):
        await ward.store(2_000)
        ward.checkpoint()
        await ward.store(1)
        copied(tmp_path / "copy.db", ward.path)
        await ward.store(1)
    assert "was overwritten while the sink wrote to it" in ward.errors[0]
    assert any(each.startswith("up to 2301 records are neither in this database nor") for each in ward.errors)
    assert (ward.stored(), ward.deaths) == (21, [])


async def test_another_database_that_is_restored_by_sqlite_itself(ward: Ward, tmp_path: Path) -> None:
    """After a restore by SQLite the sink goes on at the restored offsets, with the restored patients."""
    await other(tmp_path / "other.db")
    with closing(sqlite3.connect(ward.path)) as target, closing(sqlite3.connect(tmp_path / "other.db")) as source:
        source.backup(target)
    await ward.store(1)
    ward.checkpoint()
    await ward.store(1)
    assert ward.errors == ["up to 20 records are neither in this database nor any longer in the log\n"]
    assert (ward.stored(), await ward.served()) == (3, 2)


async def test_a_copy_that_is_restored_by_sqlite_itself_while_nothing_arrives(ward: Ward, tmp_path: Path) -> None:
    """After a restore without new records, missing readings are read again, or reported as lost."""
    with closing(sqlite3.connect(ward.path)) as source, closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        source.backup(copy)
    await ward.store(5)
    with closing(sqlite3.connect(ward.path)) as target, closing(sqlite3.connect(tmp_path / "copy.db")) as source:
        source.backup(target)
    assert await ward.reported_error() == "up to 5 records are neither in this database nor any longer in the log\n"
    assert ward.stored() == 20


async def test_an_emptied_database_that_another_program_opens(ward: Ward, tmp_path: Path) -> None:
    """SQLite removes the log of an empty file, and nothing of that log is written back."""
    ward.checkpoint()
    await ward.store(1)
    emptied(ward.path, ward.path)
    with closing(sqlite3.connect(f"{ward.path.as_uri()}?mode=ro", uri=True)) as other:
        other.execute("SELECT * FROM sqlite_schema").fetchall()
        assert not (tmp_path / "icu.db-wal").exists()
        await ward.transport.publish(encode([observation(100)]))
        with anyio.fail_after(TIMEOUT):
            await ward.transport.until_stored(0)
    assert (ward.deaths, ward.stored(), await ward.served(), ward.telemetry.trouble) == ([], 1, 1, None)
    assert "was overwritten while the sink wrote to it" in ward.errors[0]


async def test_a_database_that_is_overwritten_while_its_log_is_removed(ward: Ward, tmp_path: Path) -> None:
    """A copy restored by hand gets no pages of the old log, which would destroy it."""
    await other(tmp_path / "other.db")
    ward.checkpoint()
    await ward.store(1)
    for name in ("icu.db-wal", "icu.db-shm"):
        (tmp_path / name).unlink()
    copied(tmp_path / "other.db", ward.path)
    await ward.transport.publish(encode([observation(100)]))
    with anyio.fail_after(TIMEOUT):
        await ward.transport.until_stored(0)
    assert "was overwritten while the sink wrote to it" in ward.errors[0]
    assert (ward.deaths, ward.stored(), await ward.served(), ward.telemetry.trouble) == ([], 2, 1, None)


async def test_a_lock_that_is_removed_is_taken_anew(ward: Ward) -> None:
    """A deleted lock file is made again, lets no second sink in, and changes nothing of the database."""
    lock = ward.path.with_name("icu.db.lock")
    lock.unlink()
    with anyio.fail_after(TIMEOUT):
        while not lock.exists():
            await anyio.sleep(0.01)
    await ward.store(1)
    with pytest.raises(StoreInUseError):
        async with open_writer(ward.url, topic="icu.other"):
            pass
    assert (ward.stored(), ward.errors, ward.telemetry.trouble) == (21, [], None)


async def test_a_sink_whose_lock_another_one_has_ends(ward: Ward) -> None:
    """A sink that has lost its lock to another one ends: there is one sink for a database."""
    ward.path.with_name("icu.db.lock").unlink()
    async with open_writer(ward.url, topic="icu.other"):
        with anyio.fail_after(TIMEOUT):
            while not ward.deaths:
                await anyio.sleep(0.01)
    [death] = ward.deaths
    assert isinstance(death, StoreInUseError)
