"""Sealed databases: cleanly closed, and on a read-only mount.

SQLite needs files beside the database to read it, and cannot make them there. A sealed database is read without them
and without locks (`immutable=1`, https://www.sqlite.org/uri.html). Another machine may have mounted the same files
writable, so each use checks that the file is unchanged: an answer from a changing file would be wrong in silence.
"""

import os
from pathlib import Path
from typing import NamedTuple

from icu.store.engines.sqlite.files import size_of


class File(NamedTuple):
    """Identity of a database's file, and its seal."""

    device: int
    inode: int
    # Size in bytes and time of the last change in nanoseconds; None if the file is not sealed.
    seal: tuple[int, int] | None


def find_file(path: Path) -> File | None:
    """Find the file that the path leads to now; None where there is none. Blocks."""
    try:
        status = path.stat()
        seal = (status.st_size, status.st_mtime_ns) if _is_sealed(path, status.st_dev) else None
    except OSError:
        return None
    return File(status.st_dev, status.st_ino, seal)


def why_unopened(path: Path) -> str | None:
    """Explain why SQLite cannot open an existing database, and what to do; None unless its folder is the cause."""
    folder = Path(os.path.realpath(path)).parent
    if os.access(folder, os.W_OK):
        return None
    log, _ = _log_and_index(path)
    if size_of(log):
        remedy = f"{log.name} holds what the database lacks: let a sink or a monitor open it where they can write"
    else:
        remedy = "change its rights, or mount it read-only once the sink has stopped"
    return f"{path} cannot be read, for SQLite needs files beside it, and {folder} cannot be written to: {remedy}"


def _is_sealed(path: Path, device: int) -> bool:
    if not _is_read_only(path):  # first: each statement asks, and to follow links takes long
        return False
    # A file may be mounted by itself: its log is then on another device, out of sight.
    folder = Path(os.path.realpath(path)).parent
    if not (_is_read_only(folder) and folder.stat().st_dev == device):
        return False
    log, index = _log_and_index(path)
    # Rows in a log would be missing, and an index means that a program has the database open.
    return not size_of(log) and not index.exists()


def _is_read_only(path: Path) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _log_and_index(path: Path) -> tuple[Path, Path]:
    """Paths of SQLite's log and its index: beside the target of a link."""
    real = os.path.realpath(path)
    return Path(f"{real}-wal"), Path(f"{real}-shm")
