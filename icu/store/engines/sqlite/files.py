"""The files of a database on the disk: what can be one, who may read it, and who writes to it.

They hold patients' data: what is made here is its owner's alone, as are the files that SQLite makes beside it.
"""

import errno
import fcntl
import os
import stat
from io import FileIO
from pathlib import Path
from typing import Final

from loguru import logger

from icu.config.errors import ConfigurationError
from icu.errors import IcuError
from icu.store.errors import StoreInUseError, StoreUnavailableError

_PRIVATE: Final = 0o600

# Errors that no waiting mends.
_REFUSALS: Final = frozenset(
    {
        errno.EACCES,
        errno.ENOENT,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.ELOOP,  # a symbolic link, which is not followed
        errno.EISDIR,
        errno.ENXIO,  # a pipe or a socket
    }
)


def check_location(path: Path) -> None:
    """ConfigurationError where no waiting makes a database of this path that can be written to. Looks at the disk."""
    check_kind(path)
    folder = Path(os.path.realpath(path)).parent  # of what a link leads to
    if not folder.is_dir():
        raise ConfigurationError(f"the database's folder {folder} does not exist: create it, or change the URL")
    for place in (folder, path):
        if place.exists() and not os.access(place, os.W_OK):
            raise ConfigurationError(f"{place} cannot be written to: change its rights, or the database's URL")
    if path.exists() and path.stat().st_nlink > 1:
        # SQLite's log stands beside the name, so each name would have a log of its own: that destroys the database.
        raise ConfigurationError(
            f"the database {path} has another name too (a hard link): remove one of them, or name a copy of it"
        )


def check_kind(path: Path) -> None:
    """ConfigurationError for what is there and no file, or can never be there. Looks at the disk."""
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as exc:
        raise ConfigurationError(f"the database {path} cannot be used: {exc.strerror}") from exc
    if not stat.S_ISREG(kind):
        raise ConfigurationError(f"the database {path} is no file: name one, for instance {path / 'icu.db'}")


def make(path: Path) -> None:
    """Make an empty file for a database where there is none yet. A link to it is followed, for that is the user's."""
    # Never opened where it exists: to close it again would drop the locks that SQLite has on it in this process.
    try:
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE))
    except FileExistsError:
        pass
    except OSError as exc:
        raise _ours(exc, f"the database {path} cannot be made ({exc.strerror}): choose another place") from exc


def warn_of_readers(path: Path) -> None:
    """Say so where every user of the machine can read the database; its rights are not ours to change."""
    if path.stat().st_mode & stat.S_IROTH:
        logger.warning("{} can be read by every user of this machine: chmod 600 makes it yours alone", path)


def lock(path: Path) -> FileIO:
    """Hold the database as its one sink, by a lock beside the file that lasts until it is closed.

    StoreInUseError where another sink has it, ConfigurationError where there can be no database or no lock.
    """
    check_location(path)
    place = lock_of(path)
    try:
        return _locked(place)
    except BlockingIOError as exc:
        raise StoreInUseError(
            f"another sink writes to {path}: stop it, or choose another database (DATABASE_URL)"
        ) from exc
    except OSError as exc:
        raise _ours(
            exc, f"the lock {place} cannot be had ({exc.strerror}): it has to be a plain file of yours"
        ) from exc


def lock_of(path: Path) -> Path:
    """The lock's place beside a database: whatever link leads to it, it is one database."""
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + ".lock")


def _locked(place: Path) -> FileIO:
    handle = FileIO(place, "r+", opener=_open_plainly)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise
    return handle


def _open_plainly(place: str, _flags: int) -> int:
    """A regular file, neither through a link nor emptied. Without O_NONBLOCK a pipe would be waited for."""
    handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _PRIVATE)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))


def _ours(exc: OSError, why: str) -> IcuError:
    return (ConfigurationError if exc.errno in _REFUSALS else StoreUnavailableError)(why)
