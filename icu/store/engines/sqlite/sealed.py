"""A database that nobody can write to: on a read-only mount, closed in order before.

SQLite reads through files beside the database, which cannot be made there. Such a one is read without them
(`immutable=1`), and without locks. Elsewhere the same files may be mounted to be written to, so each use looks whether
that holds still: an answer from a file that changes meanwhile would be wrong in silence.
"""

import os
from pathlib import Path
from typing import NamedTuple


class File(NamedTuple):
    """A database's file: which one it is, and whether it is sealed."""

    device: int
    inode: int
    # Size and time of the last change of one that nobody can write to from here, nor has left a log of; None for any
    # other.
    seal: tuple[int, int] | None


def look(path: Path) -> File | None:
    """The file that the path names now; None where there is none."""
    try:
        found = path.stat()
        seal = (found.st_size, found.st_mtime_ns) if _is_sealed(path, found.st_dev) else None
    except OSError:
        return None
    return File(found.st_dev, found.st_ino, seal)


def why_unopened(path: Path) -> str | None:
    """What keeps SQLite from opening a database that is there, and what to do; None where it is not its folder."""
    folder = Path(os.path.realpath(path)).parent
    if os.access(folder, os.W_OK):
        return None
    log, _ = _beside(path)
    if _size(log):
        remedy = f"{log.name} holds what the database lacks: let a sink or a monitor open it where they can write"
    else:
        remedy = "change its rights, or mount it read-only once the sink has stopped"
    return f"{path} cannot be read, for SQLite needs files beside it, and {folder} cannot be written to: {remedy}"


def _is_sealed(path: Path, device: int) -> bool:
    if not _is_read_only(path):  # first, for each statement asks, and to follow links takes long
        return False
    # The log of a file that is mounted alone is elsewhere, out of sight.
    folder = Path(os.path.realpath(path)).parent
    if not (_is_read_only(folder) and folder.stat().st_dev == device):
        return False
    log, index = _beside(path)
    return not _size(log) and not index.exists()


def _is_read_only(place: Path) -> bool:
    return bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def _beside(path: Path) -> tuple[Path, Path]:
    """SQLite's log and its index."""
    real = os.path.realpath(path)
    return Path(f"{real}-wal"), Path(f"{real}-shm")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
