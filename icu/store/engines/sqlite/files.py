"""Files of a database on the disk: checks of the path, rights, and the lock of the sink.

They hold patients' data: files made here are readable by their owner alone, as are those that SQLite makes beside them.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final

from loguru import logger

from icu.config.errors import ConfigurationError
from icu.errors import IcuError
from icu.store.errors import StoreInUseError, StoreUnavailableError

# Rights of new files: read and write, for the owner alone.
_PRIVATE: Final = 0o600

# Errors that waiting does not mend: ConfigurationError, where all others are StoreUnavailableError.
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
    """Check that a database can be written at this path. Blocks.

    Raises:
        ConfigurationError: It cannot, and waiting does not mend it.
    """
    check_kind(path)
    folder = Path(os.path.realpath(path)).parent  # of a link's target
    if not folder.is_dir():
        raise ConfigurationError(f"the database's folder {folder} does not exist: create it, or change the URL")
    for each in (folder, path):
        if each.exists() and not os.access(each, os.W_OK):
            raise ConfigurationError(f"{each} cannot be written to: change its rights, or the database's URL")
    if path.exists() and path.stat().st_nlink > 1:
        # SQLite names its log after the database, so each name would have a log of its own: that destroys the database.
        raise ConfigurationError(
            f"the database {path} has another name too (a hard link): remove one of them, or name a copy of it"
        )


def check_kind(path: Path) -> None:
    """Check that the path is a regular file, or that there is none yet. Blocks.

    Raises:
        ConfigurationError: It is something else, or can never be a file.
    """
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as exc:
        raise ConfigurationError(f"the database {path} cannot be used: {exc.strerror}") from exc
    if not stat.S_ISREG(kind):
        raise ConfigurationError(f"the database {path} is no file: name one, for instance {path / 'icu.db'}")


def make(path: Path) -> None:
    """Make an empty file for a new database, also through the user's symbolic link. Existing files are left alone.

    Raises:
        ConfigurationError: No file can be made there.
        StoreUnavailableError: None can be made at present, on a full disk for instance.
    """
    # An existing file is never opened: closing it would drop the locks that SQLite has on it in this process
    # (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    try:
        os.close(os.open(os.path.realpath(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE))
    except FileExistsError:
        pass
    except OSError as exc:
        raise _error(exc, f"the database {path} cannot be made ({exc.strerror}): choose another place") from exc


def warn_of_readers(path: Path) -> None:
    """Log a warning if every user of the machine can read the database. Its rights are left to its owner."""
    if path.stat().st_mode & stat.S_IROTH:
        logger.warning("{} can be read by every user of this machine: chmod 600 makes it yours alone", path)


def size_of(path: Path) -> int:
    """Return the size of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def lock(path: Path) -> FileIO:
    """Lock the database for its one sink, by a file beside it. Closing that file releases the lock.

    Raises:
        StoreInUseError: Another sink has the lock.
        ConfigurationError: There can be no database, or no lock.
        StoreUnavailableError: The lock cannot be opened at present.
    """
    why = f"another sink writes to {path}: stop it, or choose another database (DATABASE_URL)"
    return _lock(path, lock_of(path), StoreInUseError(why))


def lock_for_upkeep(path: Path) -> FileIO:
    """Lock the database for its one upkeep, likewise.

    Raises:
        StoreUnavailableError: Another upkeep has the lock, or it cannot be opened at present.
        ConfigurationError: There can be no database, or no lock.
    """
    lock_file = lock_of(path)
    why = f"another upkeep looks after {path}: one is enough, stop one of the two"
    return _lock(path, lock_file.with_name(f"{lock_file.stem}.upkeep.lock"), StoreUnavailableError(why))


def _lock(path: Path, lock_file: Path, taken: IcuError) -> FileIO:
    check_location(path)
    try:
        return _locked(lock_file)
    except BlockingIOError as exc:
        raise taken from exc
    except OSError as exc:
        raise _error(
            exc, f"the lock {lock_file} cannot be had ({exc.strerror}): it has to be a plain file of yours"
        ) from exc


def lock_of(path: Path) -> Path:
    """Return the path of a database's lock: beside the target of links, so that all names share one lock."""
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + ".lock")


def _locked(path: Path) -> FileIO:
    handle = FileIO(path, "r+", opener=_open_regular)
    try:
        # The kernel releases it however the process ends.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise
    return handle


def _open_regular(path: str, _flags: int) -> int:
    """Open or make a regular file: not through a link, and without truncating it."""
    # O_NONBLOCK: opening a pipe must not wait for its other end.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _PRIVATE)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Translate errors of the operating system: `what` begins their text, a clause."""
    try:
        yield
    except OSError as exc:
        raise _error(exc, f"{what}: {exc.strerror}") from exc


def _error(exc: OSError, why: str) -> IcuError:
    return (ConfigurationError if exc.errno in _REFUSALS else StoreUnavailableError)(why)
