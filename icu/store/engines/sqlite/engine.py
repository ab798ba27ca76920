"""SQLite engine: one file, one writer, any number of readers."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from functools import partial
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import quote

from anyio import CancelScope, to_thread

from icu.store.engines.base import Report, Restoration, Storage
from icu.store.engines.deadline import uncut
from icu.store.engines.lending import Lending
from icu.store.engines.sqlite import backup, copying, files, restoring, sealed
from icu.store.engines.sqlite.connections import path_of, pool
from icu.store.engines.sqlite.held import SqliteConnection, opened
from icu.store.engines.sqlite.transaction import SqliteTransaction, transaction_on
from icu.store.engines.sqlite.translation import translated
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.engines.sqlite.watch import Watch
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError

T = TypeVar("T")

# The driver logs errors of closing at INFO; they are raised here as well.
logging.getLogger("aiosqlite").setLevel(logging.WARNING)


class SqliteEngine:
    """Engine on a SQLite file."""

    single_sink = "SQLite has one writer"

    def __init__(self, url: str) -> None:
        self._path = path_of(url)
        self.location = str(self._path)
        # Connections to write with, and those to read with.
        self._pool = pool(self._path)
        self._held = Lending[SqliteConnection, sealed.File](partial(opened, self._path), self.translate)
        # None unless the database is open for a sink.
        self._watch: Watch | None = None

    def check_location(self) -> None:
        files.check_kind(self._path)

    def translate(self) -> AbstractContextManager[None]:
        return translated(self._path)

    async def upgrade(self) -> str | None:
        return await to_thread.run_sync(upgrade, self._path)

    @asynccontextmanager
    async def open_for_sink(self, *, shares: bool = False) -> AsyncIterator[None]:  # noqa: ARG002 - there is one
        lock = await to_thread.run_sync(files.lock, self._path)
        try:
            await self.upgrade()
            await to_thread.run_sync(files.warn_of_readers, self._path)
            self._watch = watch = await to_thread.run_sync(Watch, self._path)
            try:
                yield
            finally:
                await self._close(watch)
        finally:
            # Last: the next sink may begin once the files are closed.
            lock.close()

    @asynccontextmanager
    async def hold_upkeep(self) -> AsyncIterator[None]:
        lock = await to_thread.run_sync(files.lock_for_upkeep, self._path)
        try:
            yield
        finally:
            lock.close()

    def set_baseline(self, generation: int) -> None:
        if self._watch is not None:
            self._watch.set_baseline(generation)

    async def transact(self, work: Callable[[SqliteTransaction], Awaitable[T]]) -> T:
        try:
            with self.translate(), uncut():
                async with self._pool.begin() as connection:
                    transaction = await transaction_on(connection)
                    result = await work(transaction)
                    # After the work: SQLite makes its log at the first write, and the check has to see it.
                    await self._check_files(transaction.driver)
                    return result
        except (StoreCorruptError, StoreUnavailableError):
            # A truncated file looks damaged, and a truncated log like a failing disk: the check finds the true cause.
            await self._check_files()
            raise

    async def read(self, work: Callable[[SqliteTransaction], Awaitable[T]]) -> T:
        # Without a transaction: BEGIN IMMEDIATE would keep writers waiting.
        await self._check_files()
        with self.translate(), uncut():
            async with self._pool.connect() as connection:
                return await work(await transaction_on(connection))

    def connection(self, identity: Hashable) -> AbstractAsyncContextManager[SqliteConnection]:
        return self._held.lent(cast("sealed.File", identity))  # an answer of `identity`

    async def identity(self) -> sealed.File | None:
        # By path: SQLite goes on reading a file that was removed or replaced while it was open.
        return await to_thread.run_sync(sealed.find_file, self._path)

    async def parts(self) -> None:
        """Nothing: one table holds all readings."""

    async def make_room(self, now: int, *, since: int | None = None) -> None:
        """Nothing: there is room."""

    async def drop_before(self, until: int) -> int:  # noqa: ARG002 - rows are deleted one by one
        return 0

    def storage(self) -> Storage:
        return copying.measure(self._path)

    def find_damage(self, *, full: bool) -> Sequence[str]:
        return copying.find_damage(self._path, full=full)

    def back_up(self, target: Path, *, began: int, overwrite: bool, report: Report) -> int:
        return backup.back_up(self._path, target, began=began, overwrite=overwrite, report=report)

    @contextmanager
    def restoring(self, source: Path, *, report: Report) -> Iterator[Restoration]:
        explained = files.explained(f"{self._path} cannot be restored")
        with restoring.locked(self._path), explained, copying.part_of(self._path.resolve()) as part:
            restoring.prepare(self._path, source, part, report)
            restoration = Restoration(SqliteEngine(f"sqlite:///{quote(str(part))}"))
            yield restoration
            kept = restoring.replace(self._path, part, report)
            restoration.kept = None if kept is None else str(kept)

    async def aclose(self) -> None:
        await self._held.aclose()
        # SQLite checkpoints the write-ahead log when the last connection closes.
        with self.translate(), uncut():
            await self._pool.dispose()

    async def _check_files(self, connection: object = None) -> None:
        if self._watch is not None:
            await self._watch.check(connection)

    async def _close(self, watch: Watch) -> None:
        await watch.final_check()
        if watch.error is not None:
            # Rows in the log belong to the file that is open. In an overwritten file they would be damage.
            if not watch.overwritten:
                with suppress(StoreError):  # the log is put aside then, and logged
                    await self._checkpoint()
            # Shielded: the sink begins anew with the new inode, also when it is being stopped.
            with CancelScope(shield=True):
                await to_thread.run_sync(watch.renew_inode)
        self._watch = None
        await self.aclose()

    async def _checkpoint(self) -> None:
        """Copy the write-ahead log into the open file, and empty the log unless a reader needs it."""
        with self.translate(), uncut():
            async with self._pool.connect() as connection:
                driver = (await transaction_on(connection)).driver
                await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
