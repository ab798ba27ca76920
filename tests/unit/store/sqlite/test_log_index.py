"""Index of SQLite's log: the progress of checkpoints, compared with SQLite's own reports."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from icu.store.engines.sqlite.log_index import Progress, progress


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Connection to a database with one row in its log."""
    with closing(sqlite3.connect(tmp_path / "icu.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE numbers (number INTEGER)")
        connection.execute("INSERT INTO numbers VALUES (1)")
        yield connection


def read(folder: Path) -> Progress:
    """Read the index, which exists."""
    found = progress(folder / "icu.db-shm")
    assert found is not None
    return found


def test_no_checkpoint_yet(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Before the first checkpoint all rows are in the log, and the file is consistent without it."""
    found = read(tmp_path)
    assert (found.frames > 0, found.attempted, found.copied, found.is_whole) == (True, 0, 0, True)


def test_a_whole_checkpoint(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """After a complete checkpoint the file holds the whole log, and counts as written to."""
    before = read(tmp_path)
    [(busy, frames, done)] = connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    found = read(tmp_path)
    assert (busy, found.frames, found.copied, found.is_whole) == (0, frames, done, True)
    assert not found.is_untouched_since(before)
    assert found.is_untouched_since(found)


def test_a_checkpoint_beside_a_reader(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """A checkpoint stops at the reader's snapshot: the file is inconsistent without its log."""
    with closing(sqlite3.connect(tmp_path / "icu.db", isolation_level=None)) as reader:
        reader.execute("BEGIN").execute("SELECT * FROM numbers").fetchall()
        connection.execute("INSERT INTO numbers VALUES (2)")
        [(_, frames, done)] = connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        found = read(tmp_path)
    assert (found.frames, found.copied, found.is_whole) == (frames, done, False)
    assert done < frames


def test_the_first_write_after_a_checkpoint_changes_the_salts(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """The first write after a checkpoint changes the salts, which show that there was one."""
    before = read(tmp_path)
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    connection.execute("INSERT INTO numbers VALUES (2)")
    found = read(tmp_path)
    assert (found.attempted, found.is_whole, found.is_untouched_since(before)) == (0, True, False)


def test_a_writer_without_a_checkpoint_leaves_the_file_alone(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """A new row in the log is no write to the file."""
    before = read(tmp_path)
    connection.execute("INSERT INTO numbers VALUES (2)")
    assert read(tmp_path).is_untouched_since(before)


def test_nothing_is_known_without_an_index(tmp_path: Path) -> None:
    """Progress is unknown without an index, and while one is being made."""
    assert progress(tmp_path / "icu.db-shm") is None
    (tmp_path / "icu.db-shm").write_bytes(b"")
    assert progress(tmp_path / "icu.db-shm") is None


def held(path: Path) -> int:
    """Count this process's descriptors of a file, removed or not."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them is closed by now
            found += str(each.readlink()).removesuffix(" (deleted)") == str(path)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not list a process's open files")
def test_an_index_in_use_stays_open(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Closing it would drop SQLite's locks in this process. The index of a closed database is released."""
    read(tmp_path)
    used = held(tmp_path / "icu.db-shm")
    for name in ("first", "second"):
        with closing(sqlite3.connect(tmp_path / f"{name}.db", isolation_level=None)) as other:
            other.execute("PRAGMA journal_mode = WAL")
            other.execute("CREATE TABLE numbers (number INTEGER)")
            assert progress(tmp_path / f"{name}.db-shm") is not None
    assert (held(tmp_path / "first.db-shm"), held(tmp_path / "icu.db-shm")) == (0, used)
    connection.execute("INSERT INTO numbers VALUES (2)")
    assert read(tmp_path).frames > 0
    assert held(tmp_path / "icu.db-shm") == used
