"""Watch of an open database's files: rows written to a lost file do not count as stored."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from icu.messages import Position
from icu.store.engines.sqlite import log_index
from icu.store.engines.sqlite.watch import SETTLE_TIME, Watch
from icu.store.errors import StoreReplacedError, StoreUnavailableError
from icu.store.writer import open_writer
from tests.clocks import virtual_time
from tests.samples import observation
from tests.stores import connected, rows, store


async def test_what_goes_into_a_file_that_is_gone_is_not_stored(url: str, tmp_path: Path) -> None:
    """SQLite would write to a moved file for ever; the transaction is rolled back with an error."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0)])
        await anyio.Path(tmp_path / "icu.db").rename(tmp_path / "moved.db")
        with pytest.raises(StoreReplacedError):
            await store(writer, [observation(1)], start=1)
    assert rows(f"sqlite:///{tmp_path / 'moved.db'}", "SELECT count(*) FROM patient_metrics") == [(1,)]


async def test_offsets_that_go_into_a_file_that_is_gone_are_not_noted(url: str, tmp_path: Path) -> None:
    """A sink checks the files when it begins, too: it would read on with a lost database."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(5, "m")}, other_logs=frozenset())
        await anyio.Path(tmp_path / "icu.db").rename(tmp_path / "moved.db")
        with pytest.raises(StoreReplacedError):
            await writer.begin({0: Position(7, "m")}, other_logs=frozenset())
    assert rows(f"sqlite:///{tmp_path / 'moved.db'}", "SELECT next FROM consumer_offsets") == [(5,)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Database with a journal."""
    path = tmp_path / "icu.db"
    with closing(connected(f"sqlite:///{path}")) as connection:
        connection.executescript("CREATE TABLE journal (batch INTEGER); PRAGMA user_version = 7")
    return path


@pytest.fixture
def logged(path: Path) -> Iterator[sqlite3.Connection]:
    """Connection whose log holds a row that the file lacks."""
    with closing(connected(f"sqlite:///{path}")) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; INSERT INTO journal VALUES (1)")
        yield connection


def test_each_log_that_was_left_over_is_kept(path: Path, logged: sqlite3.Connection) -> None:
    """A second log that is put aside does not replace the first; empty logs and the index are removed."""
    for content in (b"log 1", b"", b"log 2", b"log 3"):
        path.with_name("icu.db-wal").write_bytes(content)
        Watch(path).renew_inode()
    kept = {each.name: each.read_bytes() for each in path.parent.iterdir() if each != path}
    assert kept == {f"icu.db-wal.left-over{end}": b"log %d" % (n + 1) for n, end in enumerate(("", "-2", "-3"))}


async def test_a_copy_is_noticed_after_a_crash_too(url: str, tmp_path: Path) -> None:
    """A copy is noticed though a monitor made the log's index anew, which does not tell what the file holds."""
    crashed = tmp_path / "crashed.db"
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0)])
        with closing(connected(url)) as connection, closing(sqlite3.connect(tmp_path / "older.db")) as copy:
            connection.backup(copy)
        await store(writer, [observation(1)], start=1)
        for end in ("", "-wal"):
            await anyio.Path(f"{crashed}{end}").write_bytes(await anyio.Path(f"{tmp_path}/icu.db{end}").read_bytes())
    with closing(connected(f"sqlite:///{crashed}")) as monitor:
        monitor.execute("SELECT * FROM journal").fetchall()
        async with open_writer(f"sqlite:///{crashed}", topic="icu.test") as writer:
            await writer.begin({0: Position(2, "m")}, other_logs=frozenset())
            await store(writer, [observation(2)], start=2)
            await anyio.Path(crashed).write_bytes(await anyio.Path(tmp_path / "older.db").read_bytes())
            with pytest.raises(StoreUnavailableError, match="is being overwritten"):
                await store(writer, [observation(3)], start=3)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Limit the size of this process's files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestOnAVirtualClock:
    """Changes that are judged after a second."""

    @pytest.fixture
    def anyio_backend(self) -> tuple[str, dict[str, object]]:
        """Event loop on virtual time."""
        return virtual_time()

    @pytest.fixture
    async def watch(self, path: Path, logged: sqlite3.Connection) -> Watch:
        """Watch that knows the content of the file."""
        watch = await to_thread.run_sync(Watch, path)
        watch.set_baseline(7)
        await watch.check()
        return watch

    async def test_a_copy_is_judged_once_it_is_complete(self, watch: Watch, path: Path) -> None:
        """A copy is judged one second after its last change: before, its content is unknown."""
        file = anyio.Path(path)
        await file.write_bytes(b"half of it")
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="is being overwritten"):
                await watch.check()
            await anyio.sleep(SETTLE_TIME / 2)
        await file.write_bytes(b"more of it, but not all")
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="is being overwritten"):
                await watch.check()
            await anyio.sleep(SETTLE_TIME / 2)
        with pytest.raises(StoreReplacedError, match="was overwritten"):
            await watch.check()

    async def test_a_copy_that_turns_out_to_be_the_same_database_is_no_alarm(self, watch: Watch, path: Path) -> None:
        """A change that ends in the same database is no damage, and each change has its own second."""
        file = anyio.Path(path)
        whole = await file.read_bytes()
        for _ in range(2):
            await file.write_bytes(b"half of it")
            with pytest.raises(StoreUnavailableError, match="is being overwritten"):
                await watch.check()
            await file.write_bytes(whole)
            await watch.check()
            await anyio.sleep(2 * SETTLE_TIME)

    async def test_a_checkpoint_that_is_seen_half_done_is_no_copy(
        self, watch: Watch, path: Path, logged: sqlite3.Connection
    ) -> None:
        """Half a checkpoint of another program, on a slow or full disk, is no copy."""
        logged.executescript("INSERT INTO journal VALUES (2); CREATE TABLE notes AS SELECT zeroblob(20000)")
        size = (await anyio.Path(path).stat()).st_size
        with files_of_at_most(size + 4096), pytest.raises(sqlite3.Error):
            logged.execute("PRAGMA wal_checkpoint").fetchall()
        await watch.check()
        logged.execute("PRAGMA wal_checkpoint").fetchall()
        for _ in range(2):
            await watch.check()
            await anyio.sleep(2 * SETTLE_TIME)

    async def test_a_checkpoint_between_two_looks_at_the_disk_is_no_copy(
        self, watch: Watch, path: Path, logged: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A checkpoint between two reads of the disk is no copy, though file and index are of different moments."""
        read = log_index.progress

        def read_late(index: Path) -> log_index.Progress | None:
            with closing(connected(f"sqlite:///{path}")) as other:
                other.execute("PRAGMA wal_checkpoint").fetchall()
            return read(index)

        logged.executescript("INSERT INTO journal VALUES (2)")
        with monkeypatch.context() as late:
            late.setattr(log_index, "progress", read_late)
            await watch.check()
        for _ in range(2):
            await watch.check()
            await anyio.sleep(2 * SETTLE_TIME)

    async def test_what_it_holds_may_grow_and_not_shrink(self, watch: Watch, logged: sqlite3.Connection) -> None:
        """A checkpoint brings later batches or none; a file with earlier ones is an older copy."""
        for batch in (5, 5, 6):
            logged.execute("INSERT INTO journal VALUES (?)", (batch,))
            logged.execute("PRAGMA wal_checkpoint").fetchall()
            await watch.check()
        logged.executescript("CREATE TABLE notes AS SELECT zeroblob(20000); PRAGMA wal_checkpoint")
        await watch.check()
        logged.execute("DELETE FROM journal WHERE batch > 5")
        logged.execute("PRAGMA wal_checkpoint").fetchall()
        with pytest.raises(StoreUnavailableError):
            await watch.check()
        await anyio.sleep(SETTLE_TIME)
        with pytest.raises(StoreReplacedError, match="was overwritten"):
            await watch.check()

    async def test_what_it_held_in_part_is_no_measure(
        self, watch: Watch, path: Path, logged: sqlite3.Connection
    ) -> None:
        """A partial checkpoint may leave earlier batches, but those of an older copy are still noticed."""
        logged.executescript("INSERT INTO journal VALUES (3), (5); PRAGMA wal_checkpoint")
        await watch.check()
        logged.execute("DELETE FROM journal WHERE batch = 5")
        with closing(connected(f"sqlite:///{path}")) as reader:
            reader.execute("BEGIN").execute("SELECT * FROM journal").fetchall()
            logged.executescript("CREATE TABLE notes AS SELECT zeroblob(20000); PRAGMA wal_checkpoint")
            await watch.check()
        logged.execute("PRAGMA wal_checkpoint").fetchall()
        with pytest.raises(StoreUnavailableError, match="is being overwritten"):
            await watch.check()

    @pytest.mark.parametrize("whole", [True, False])
    async def test_a_generation_that_was_not_restored_is_a_copys(
        self, watch: Watch, path: Path, logged: sqlite3.Connection, *, whole: bool
    ) -> None:
        """A restored generation may come from the log later; any other one is that of a copy."""
        logged.execute("PRAGMA user_version = 8")
        watch.set_baseline(8)
        await watch.check()
        logged.execute("PRAGMA wal_checkpoint").fetchall()
        await watch.check()
        logged.execute("PRAGMA user_version = 9")
        with closing(connected(f"sqlite:///{path}")) as reader:
            if not whole:
                reader.execute("BEGIN").execute("SELECT * FROM journal").fetchall()
            logged.executescript("INSERT INTO journal VALUES (2); PRAGMA wal_checkpoint")
            with pytest.raises(StoreUnavailableError, match="is being overwritten"):
                await watch.check()

    async def test_a_copy_of_another_size_is_one(self, watch: Watch, path: Path) -> None:
        """A longer file with the same batches is a copy: no checkpoint has made it longer."""
        file = anyio.Path(path)
        await file.write_bytes(await file.read_bytes() + bytes(4096))
        with pytest.raises(StoreUnavailableError, match="is being overwritten"):
            await watch.check()

    async def test_the_final_check_ends(self, watch: Watch, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A program that goes on writing to the file does not keep the sink from ending."""
        read_disk = Watch._read_disk

        def changed_before(self: Watch) -> object:
            with path.open("ab") as file:
                file.write(b"more")
            return read_disk(self)

        monkeypatch.setattr(Watch, "_read_disk", changed_before)
        began = anyio.current_time()
        await watch.final_check()
        assert anyio.current_time() - began == pytest.approx(3 * SETTLE_TIME)
