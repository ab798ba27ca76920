"""Watching the files of an open database: that they are those which were opened, and hold what was written.

SQLite does not look. It writes for ever to a file that was removed, or over one that was copied onto the database, and
a log that was removed takes its rows along. So the sink looks in each transaction, by three `stat`s and at the log's
index; only where the file itself was written to is it read. A checkpoint writes to it too, and may leave it unsound
without its log, so what is read is judged by what the index says of checkpoints.

Once something was done to them, whatever bears the database's name gets a new inode, so that nobody who still has the
old one open writes into it, and the sink begins anew with that.
"""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias

import anyio
from anyio import to_thread
from loguru import logger
from msgspec import Struct

from icu.store.engines.sqlite import files, log_index
from icu.store.engines.sqlite.log_index import Progress
from icu.store.errors import StoreReplacedError, StoreUnavailableError

# Seconds without a change after which whoever writes to the file has certainly finished.
QUIET: Final = 1.0

# Ends the name of a log that was put aside.
LEFT_OVER: Final = ".left-over"

# Device and inode; None where there is no file.
_Identity: TypeAlias = tuple[int, int] | None


class _Names(Struct, frozen=True):
    """Which files there are by the database's names: its own, that of its log and that of the log's index."""

    file: _Identity
    log: _Identity
    index: _Identity


class _Content(Struct, frozen=True):
    """Contents of a file without its log: its size, the mark of its database, and the newest batch of the journal.

    None where that cannot be read.
    """

    size: int
    mark: int | None
    newest: int | None


class _Seen(Struct, frozen=True):
    """One look at the disk."""

    names: _Names
    # Size of the database's file, and time of its last change; zeros where there is no file.
    written: tuple[int, int]
    lock: _Identity
    # How far checkpoints have come; None where that cannot be told.
    progress: Progress | None


class Watch:
    """Watches the files of a database that this process has opened. To be made in a thread: it looks at the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = Path(os.path.realpath(path))  # SQLite's log and its index stand beside what a link leads to
        self._lock = files.lock_of(path)
        self._held = _identity(self._lock)
        seen = self._seen()
        self._names, self._written, self._progress = seen.names, seen.written, seen.progress
        self._content: _Content | None = None
        # The same, of when the file was last sound without its log.
        self._sound: _Content | None = None
        self._mark = 0
        self._connection: object = None
        self._doubt: tuple[object, float] | None = None
        # The change that was made to the files, once it is known.
        self.found: StoreReplacedError | None = None
        self.overwritten = False

    def begin(self, mark: int) -> None:
        """Take what the file holds at the next look for what it ought to hold, until it is the database of this mark.

        By SQLite itself another one may have been restored into it, which is well, and may still be in the log.
        """
        self._mark = mark
        self._written, self._content, self._sound = (0, 0), None, None

    async def look(self, connection: object = None) -> None:
        """StoreReplacedError where something was done to the files, StoreUnavailableError where it still goes on.

        `connection` is whatever has opened log and index: those are its own that a new one finds.
        """
        if self.found is None:
            seen = await to_thread.run_sync(self._seen)
            names = seen.names
            if seen.lock != self._held:
                # Nothing is wrong with the database, but another sink would not be kept from it.
                self._held = seen.lock  # said once
                logger.warning("{} was removed or replaced: locking the database anew", self._lock)
                raise StoreReplacedError(f"{self._lock} was removed or replaced")
            if connection not in (None, self._connection):
                self._connection = connection
                self._names = _Names(self._names.file, names.log, names.index)
            # The content first: SQLite itself removes the log of a file that was emptied.
            if names.file == self._names.file and await self._is_overwritten(seen):
                self.overwritten = True
                self.found = self._was("overwritten")
            elif names != self._names:
                self.found = self._was("removed or replaced")
        if self.found is not None:
            raise self.found

    async def look_last(self) -> None:
        """Look before the files are closed, and log what was done to them."""
        with anyio.move_on_after(3 * QUIET, shield=True):
            while await self._is_in_doubt():  # noqa: ASYNC110 - whoever writes to the file tells nobody
                await anyio.sleep(QUIET / 10)
        if self.found is not None:
            logger.error("{}", self.found)

    def renew(self) -> None:
        """Give what bears the database's name a new inode, and put aside what its log still holds. Blocks.

        StoreUnavailableError where there is no room for a copy; nothing was changed then.
        """
        part = self._real.with_name(f".{self._real.name}.{os.getpid()}.part")
        try:
            if _identity(self._real) == self._names.file:
                _copy(self._real, part)
            for place, opened in zip(self._beside(), (self._names.log, self._names.index), strict=True):
                if opened is not None and _identity(place) == opened:
                    _put_aside(place)
            if part.exists():
                part.replace(self._real)
        except OSError as exc:
            raise StoreUnavailableError(f"{self._path} cannot be made anew: {exc.strerror}") from exc
        finally:
            part.unlink(missing_ok=True)

    async def _is_in_doubt(self) -> bool:
        try:
            await self.look()
        except StoreUnavailableError:
            return True
        except StoreReplacedError:
            pass
        return False

    async def _is_overwritten(self, seen: _Seen) -> bool:
        """Tell if the file was written to, and by no checkpoint. StoreUnavailableError while that cannot be told."""
        if seen.written != self._written:
            content, progress = await to_thread.run_sync(self._read, seen)
            if not self._is_ours(content, progress):
                return self._is_lasting(seen.written)
            self._content, self._written, self._doubt = content, seen.written, None
            if progress is not None and progress.is_whole:
                self._sound = content
        self._progress = seen.progress
        return False

    def _is_lasting(self, written: object) -> bool:
        """Tell if nothing has changed for a while: somebody's copy may be under way, and is not judged by its half."""
        if self._doubt is None or self._doubt[0] != written:
            self._doubt = written, anyio.current_time()
        if anyio.current_time() - self._doubt[1] < QUIET:
            raise StoreUnavailableError(f"{self._path} is being overwritten")
        return True

    def _was(self, done: str) -> StoreReplacedError:
        return StoreReplacedError(
            f"{self._path}, or its log, was {done} while the sink wrote to it: what is there now counts"
        )

    def _is_ours(self, content: _Content, progress: Progress | None) -> bool:
        """Tell if the file may hold this after what checkpoints did to it, as far as is known."""
        if self._content is None or content == self._content:
            return True
        if progress is not None and progress.is_untouched_since(self._progress):
            return False
        before = self._sound
        if progress is None or not progress.is_whole or before is None:
            return before is None or content.mark in (None, before.mark, self._mark)
        if content.mark != before.mark:
            return content.mark == self._mark
        return content.newest is not None and content.newest >= (before.newest or 0)

    def _read(self, seen: _Seen) -> tuple[_Content, Progress | None]:
        """Read the file, and how far checkpoints have come; None for that where one has gone on meanwhile."""
        content = _content(self._real, seen.written[0])
        return content, seen.progress if self._seen().progress == seen.progress else None

    def _seen(self) -> _Seen:
        # Before the file: what a checkpoint writes between the two is told by it the next time.
        progress = log_index.progress(self._beside()[1])
        file, log, index = (_status(each) for each in (self._path, *self._beside()))
        names = _Names(*((each.st_dev, each.st_ino) if each else None for each in (file, log, index)))
        written = (file.st_size, file.st_mtime_ns) if file else (0, 0)
        return _Seen(names, written, _identity(self._lock), progress)

    def _beside(self) -> tuple[Path, Path]:
        return self._real.with_name(f"{self._real.name}-wal"), self._real.with_name(f"{self._real.name}-shm")


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _identity(path: Path) -> _Identity:
    status = _status(path)
    return status and (status.st_dev, status.st_ino)


def _content(path: Path, size: int) -> _Content:
    """Read the file by itself."""
    mark = newest = None
    # Immutable: without log and locks. A descriptor of our own would drop SQLite's locks when it is closed.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        [mark] = connection.execute("PRAGMA user_version").fetchone()
        [newest] = connection.execute("SELECT coalesce(max(batch), 0) FROM journal").fetchone()
    return _Content(size, mark, newest)


def _put_aside(place: Path) -> None:
    if place.name.endswith("-wal") and place.stat().st_size:
        kept = next(each for number in count(1) if not (each := _left_over(place, number)).exists())
        place.replace(kept)
        logger.error("{} could not be brought into its database: it is put aside as {}", place, kept.name)
    else:
        place.unlink()


def _left_over(place: Path, number: int) -> Path:
    return place.with_name(f"{place.name}{LEFT_OVER}" + (f"-{number}" if number > 1 else ""))


def _copy(path: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    files.make(copy)
    shutil.copyfile(path, copy)
    shutil.copymode(path, copy)
