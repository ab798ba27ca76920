"""Copies of a database, of one moment, while programs write to it.

SQLite's own copying begins anew whenever another process commits between two of its steps, unless the connection that
reads is in a transaction: then all steps see the same moment. Steps make progress visible, and let Ctrl-C through.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from icu.store.engines.base import Report, Storage
from icu.store.engines.sqlite import files, sealed
from icu.store.engines.sqlite.connections import BUSY_TIMEOUT_MS
from icu.store.engines.sqlite.translation import store_error, translated
from icu.store.errors import StoreCorruptError, StoreUnavailableError

# Pages of a step, of 4 KiB: 50 ms.
_STEP: Final = 4_096

# Damages that are listed at most.
_MOST_DAMAGES: Final = 10

# Suffixes of the files that SQLite makes beside a database.
_BESIDE: Final = ("-wal", "-shm", "-journal")

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """Make an empty file beside the one that it is to become. It is removed at the end, unless it was moved."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    leavings = [part, *(part.with_name(part.name + each) for each in _BESIDE)]
    for each in leavings:
        each.unlink(missing_ok=True)
    files.make(part)
    try:
        yield part
    finally:
        for each in leavings:
            each.unlink(missing_ok=True)


def copy(source: Path, part: Path, report: Report) -> None:
    """Copy a database, of this moment, into an empty file that nobody else knows. Blocks.

    The file is on the disk only after `sync`.

    Raises:
        StoreCorruptError: The source is damaged, or no database.
        StoreUnavailableError: The disk is full, or the source is locked.
    """
    with translated(source), closing(opened(source)) as reading, closing(connected(part)) as copied:
        reading.execute("BEGIN")
        reading.execute("SELECT 1 FROM sqlite_master").fetchone()  # the transaction begins at the first statement
        # Until it has its name, the copy is worth nothing, so a crash may leave anything.
        copied.execute("PRAGMA journal_mode = OFF")
        copied.execute("PRAGMA synchronous = OFF")
        _transfer(reading, copied, part, report)


def overwrite(source: Path, path: Path, report: Report) -> None:
    """Bring the content of one database into another, in a transaction of that one. Blocks.

    Programs that have it open see all of it, or nothing.

    Raises:
        StoreUnavailableError: The disk is full, or another program writes. Nothing was changed.
    """
    with translated(path), closing(opened(source)) as reading, closing(connected(path)) as target:
        target.execute("PRAGMA journal_mode = WAL")
        target.execute("PRAGMA synchronous = FULL")  # on the disk once it is committed
        _transfer(reading, target, path, report)
        with suppress(sqlite3.Error):  # it is committed: the log has it all
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def find_damage(path: Path, *, full: bool = False, uses: str | None = None) -> Sequence[str]:
    """Find what is wrong with the structure of a file, a sentence each. Blocks.

    Args:
        path: The database.
        full: True to compare indexes with their tables, and to check foreign keys, too.
        uses: How to open it, as parameters of a URI; None as `opened` does.
    """
    try:
        with translated(path), closing(connected(path, uses) if uses else opened(path)) as connection:
            return _damage(connection, full=full)
    except StoreCorruptError as exc:
        return [str(exc.__cause__)]


def _damage(connection: sqlite3.Connection, *, full: bool) -> Sequence[str]:
    check = "integrity_check" if full else "quick_check"
    found = [str(text) for (text,) in connection.execute(f"PRAGMA {check}({_MOST_DAMAGES})")]
    damage = [] if found == ["ok"] else found
    if full:
        orphans = connection.execute('SELECT DISTINCT "table", parent FROM pragma_foreign_key_check')
        damage += [f"{table} has rows whose {parent} do not exist" for table, parent in orphans]
    return damage


def measure(path: Path) -> Storage:
    """See icu.store.engines.base.Engine.storage."""
    with translated(path), closing(opened(path)) as connection:
        [page] = connection.execute("PRAGMA page_size").fetchone()
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        [unused] = connection.execute("PRAGMA freelist_count").fetchone()
    log, index = (files.size_of(Path(f"{os.path.realpath(path)}{each}")) for each in ("-wal", "-shm"))
    size = files.size_of(path) + log + index
    return Storage(size, log, pages * page, unused * page, shutil.disk_usage(path).free)


def version_of(path: Path) -> str | None:
    """Return the version of the tables in a file that nobody else has open; None if they are not ours. Blocks."""
    with translated(path), closing(connected(path, "immutable=1")) as connection:
        tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('alembic_version', 'patient_metrics')"
        if connection.execute(tables).fetchone() != (2,):
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return found and str(found[0])


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, onto the disk. No connection may have the file open in this process."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def opened(path: Path) -> sqlite3.Connection:
    """Open a database for reading, also on a read-only mount."""
    file = sealed.find_file(path)
    return connected(path, "mode=ro&immutable=1" if file is not None and file.seal else "mode=ro")


def connected(path: Path, uses: str = "mode=rw") -> sqlite3.Connection:
    """Open a database. Each statement commits by itself.

    Args:
        path: The database, which must exist.
        uses: How to open it, as parameters of a URI.
    """
    uri = f"{path.absolute().as_uri()}?{uses}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1_000)


def _transfer(reading: sqlite3.Connection, writing: sqlite3.Connection, target: Path, report: Report) -> None:
    def look(status: int, left: int, total: int) -> None:
        if status in _BUSY:  # the driver would try again for ever
            raise StoreUnavailableError(f"{target} is in use: another program writes to it, try again")
        report(1 - left / total if total else 1.0)

    try:
        reading.backup(writing, pages=_STEP, progress=look)
    except sqlite3.Error as exc:
        # The error itself does not say which of the two files it is about.
        if exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise store_error(exc, target) from exc
        raise
