"""Watch of an open database's files: the sink has to notice when they are removed, replaced or overwritten.

SQLite does not check. It goes on writing to a file that was removed, or over one that was copied onto the database, and
a log that is removed takes its rows along. So the sink checks in each transaction, by three `stat`s and the log's
index; the file itself is read only after it was written to. Checkpoints write to it too, and may leave it inconsistent
without its log, so its content is judged by the checkpoints that the index knows of.

After such a change, the file with the database's name gets a new inode, so that programs that still have the old one
open do not write into it, and the sink begins anew with the new one.
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

# Seconds without a change after which another program's writing counts as finished.
SETTLE_TIME: Final = 1.0

# Suffix of a log that was put aside.
LEFT_OVER: Final = ".left-over"

# Device and inode; None where there is no file.
_Identity: TypeAlias = tuple[int, int] | None


class _Identities(Struct, frozen=True):
    """Identities of the database's file, its write-ahead log and the log's index."""

    file: _Identity
    log: _Identity
    index: _Identity


class _Content(Struct, frozen=True):
    """Content of the database's file alone, without its log."""

    # Bytes.
    size: int
    # Number of the database; None if unreadable.
    generation: int | None
    # Number of the journal's newest batch, 0 before the first; None if unreadable.
    newest_batch: int | None


class _DiskState(Struct, frozen=True):
    """State of the files at one check."""

    identities: _Identities
    # Size of the database's file, and time of its last change in nanoseconds; zeros where there is no file.
    stamp: tuple[int, int]
    lock: _Identity
    # Progress of checkpoints; None if unknown.
    progress: Progress | None


class Watch:
    """Watch of the files of a database that this process has opened. Make it in a thread: it reads the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._real = Path(os.path.realpath(path))  # SQLite's log and its index stand beside the target of a link
        self._lock = files.lock_of(path)
        self._lock_identity = _identity(self._lock)
        state = self._read_disk()
        self._identities, self._stamp, self._progress = state.identities, state.stamp, state.progress
        self._content: _Content | None = None
        # Content when the file was last consistent without its log.
        self._consistent: _Content | None = None
        self._generation = 0
        self._connection: object = None
        # Stamp of a change that no checkpoint explains, and when it was first seen, on the event loop's clock.
        self._suspect: tuple[object, float] | None = None
        # Set for good once the files were changed: each later check raises it.
        self.error: StoreReplacedError | None = None
        self.overwritten = False

    def set_baseline(self, generation: int) -> None:
        """Accept the file's content at the next check, up to its change into the database of this generation.

        A program may have restored another database into this one by SQLite itself. That is no damage, and may still
        be in the log.
        """
        self._generation = generation
        self._stamp, self._content, self._consistent = (0, 0), None, None

    async def check(self, connection: object = None) -> None:
        """Compare the files with those of the last check.

        Args:
            connection: Connection that has opened the log and its index. The first check of a new one accepts them.

        Raises:
            StoreReplacedError: The files were removed, replaced or overwritten.
            StoreUnavailableError: The file is being overwritten.
        """
        if self.error is None:
            state = await to_thread.run_sync(self._read_disk)
            identities = state.identities
            if state.lock != self._lock_identity:
                # The database is sound, but the lost lock would not keep another sink from it.
                self._lock_identity = state.lock  # so that it is logged once
                logger.warning("{} was removed or replaced: locking the database anew", self._lock)
                raise StoreReplacedError(f"{self._lock} was removed or replaced")
            if connection not in (None, self._connection):
                self._connection = connection
                self._identities = _Identities(self._identities.file, identities.log, identities.index)
            # Content before identities: SQLite itself removes the log of a file that was emptied.
            if identities.file == self._identities.file and await self._is_overwritten(state):
                self.overwritten = True
                self.error = self._replaced_error("overwritten")
            elif identities != self._identities:
                self.error = self._replaced_error("removed or replaced")
        if self.error is not None:
            raise self.error

    async def final_check(self) -> None:
        """Check before the files are closed, and log the damage."""
        with anyio.move_on_after(3 * SETTLE_TIME, shield=True):
            while await self._is_unsettled():  # noqa: ASYNC110 - a program that writes to the file gives no signal
                await anyio.sleep(SETTLE_TIME / 10)
        if self.error is not None:
            logger.error("{}", self.error)

    def renew_inode(self) -> None:
        """Give the file with the database's name a new inode, and put aside the rest of its log. Blocks.

        Raises:
            StoreUnavailableError: There is no room for a copy. Nothing was changed.
        """
        part = self._real.with_name(f".{self._real.name}.{os.getpid()}.part")
        try:
            if _identity(self._real) == self._identities.file:
                _copy(self._real, part)
            for path, opened in zip(self._log_and_index(), (self._identities.log, self._identities.index), strict=True):
                if opened is not None and _identity(path) == opened:
                    _put_aside(path)
            if part.exists():
                # Last: no program may find the new file beside the old log.
                part.replace(self._real)
        except OSError as exc:
            raise StoreUnavailableError(f"{self._path} cannot be made anew: {exc.strerror}") from exc
        finally:
            part.unlink(missing_ok=True)

    async def _is_unsettled(self) -> bool:
        try:
            await self.check()
        except StoreUnavailableError:
            return True
        except StoreReplacedError:
            pass
        return False

    async def _is_overwritten(self, state: _DiskState) -> bool:
        """Tell if the file was written to other than by a checkpoint.

        Raises:
            StoreUnavailableError: The writing has not ended yet.
        """
        if state.stamp != self._stamp:
            content, progress = await to_thread.run_sync(self._read_content, state)
            if not self._may_come_from_checkpoints(content, progress):
                return self._has_settled(state.stamp)
            self._content, self._stamp, self._suspect = content, state.stamp, None
            if progress is not None and progress.is_whole:
                self._consistent = content
        self._progress = state.progress
        return False

    def _has_settled(self, stamp: object) -> bool:
        """Check that the file stayed unchanged for SETTLE_TIME: a copy under way is not judged by its first half.

        Raises:
            StoreUnavailableError: It has not yet.
        """
        if self._suspect is None or self._suspect[0] != stamp:
            self._suspect = stamp, anyio.current_time()
        if anyio.current_time() - self._suspect[1] < SETTLE_TIME:
            raise StoreUnavailableError(f"{self._path} is being overwritten")
        return True

    def _replaced_error(self, change: str) -> StoreReplacedError:
        return StoreReplacedError(
            f"{self._path}, or its log, was {change} while the sink wrote to it: what is there now counts"
        )

    def _may_come_from_checkpoints(self, content: _Content, progress: Progress | None) -> bool:
        """Tell if checkpoints may have brought the file to this content, as far as is known."""
        if self._content is None or content == self._content:
            return True
        if progress is not None and progress.is_untouched_since(self._progress):
            return False
        before = self._consistent
        if progress is None or not progress.is_whole or before is None:
            # Half of a checkpoint may show any batch, but no other database.
            return before is None or content.generation in (None, before.generation, self._generation)
        if content.generation != before.generation:
            return content.generation == self._generation
        # A checkpoint brings later batches or none; earlier ones are an older copy's.
        return content.newest_batch is not None and content.newest_batch >= (before.newest_batch or 0)

    def _read_content(self, state: _DiskState) -> tuple[_Content, Progress | None]:
        """Read the file's content and the progress of checkpoints; None for that if one has gone on meanwhile."""
        content = _content(self._real, state.stamp[0])
        return content, state.progress if self._read_disk().progress == state.progress else None

    def _read_disk(self) -> _DiskState:
        # Progress before the file: a checkpoint that writes between the two shows in the next progress.
        progress = log_index.progress(self._log_and_index()[1])
        file, log, index = (_status(each) for each in (self._path, *self._log_and_index()))
        identities = _Identities(*((each.st_dev, each.st_ino) if each else None for each in (file, log, index)))
        stamp = (file.st_size, file.st_mtime_ns) if file else (0, 0)
        return _DiskState(identities, stamp, _identity(self._lock), progress)

    def _log_and_index(self) -> tuple[Path, Path]:
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
    """Read the content of the file alone."""
    generation = newest_batch = None
    # Immutable: without log and locks. A descriptor of our own would drop SQLite's locks when it is closed.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
        [generation] = connection.execute("PRAGMA user_version").fetchone()
        [newest_batch] = connection.execute("SELECT coalesce(max(batch), 0) FROM journal").fetchone()
    return _Content(size, generation, newest_batch)


def _put_aside(path: Path) -> None:
    if path.name.endswith("-wal") and path.stat().st_size:
        # Numbered: the log of an earlier accident is kept too.
        kept = next(each for number in count(1) if not (each := _left_over(path, number)).exists())
        path.replace(kept)
        logger.error("{} could not be brought into its database: it is put aside as {}", path, kept.name)
    else:
        path.unlink()


def _left_over(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}{LEFT_OVER}" + (f"-{number}" if number > 1 else ""))


def _copy(path: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    files.make(copy)  # before its content: readable by its owner alone
    shutil.copyfile(path, copy)
    shutil.copymode(path, copy)
