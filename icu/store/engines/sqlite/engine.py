"""SQLite engine: one file, one writer, any number of readers."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Final, TypeVar

from anyio import CancelScope, to_thread
from sqlalchemy import text

from icu.store.engines.connection import Connection, uncut
from icu.store.engines.sqlite import files, sealed
from icu.store.engines.sqlite.connections import READ, READ_SEALED, WRITE, path_of, pool
from icu.store.engines.sqlite.transaction import SqliteTransaction, transaction_on
from icu.store.engines.sqlite.translation import translated
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.engines.sqlite.watch import Watch
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError, StoreUnopenedError

T = TypeVar("T")

_VERSION: Final = text("PRAGMA data_version")

# The driver logs errors of closing at INFO; they are raised here as well.
logging.getLogger("aiosqlite").setLevel(logging.WARNING)


class SqliteEngine:
    """Engine on a SQLite file."""

    single_sink = "SQLite has one writer"

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._path = path_of(url)
        self.location = str(self._path)
        self._read_only = read_only
        self._pool = pool(self._path, READ if read_only else WRITE)
        # File that the path led to when it was last asked for.
        self._file: sealed.File | None = None
        # File that the pool's connections have open.
        self._pooled: sealed.File | None = None
        # None unless the database is open for a sink.
        self._watch: Watch | None = None

    def check_location(self) -> None:
        files.check_kind(self._path)

    def translate(self) -> AbstractContextManager[None]:
        return translated(self._path)

    async def upgrade(self) -> str | None:
        return await to_thread.run_sync(upgrade, self._path)

    @asynccontextmanager
    async def open_for_sink(self) -> AsyncIterator[None]:
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

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        file = self._file
        try:
            with self.translate():
                with uncut():
                    if file != self._pooled and self._read_only:
                        await self._replace_pool(file)
                    connection = await self._pool.connect()
                try:
                    yield Connection(connection)
                finally:
                    with uncut():
                        await connection.close()
        except StoreUnopenedError as exc:
            why = await to_thread.run_sync(sealed.why_unopened, self._path)
            raise StoreUnopenedError(why or str(exc)) from exc
        finally:
            if file and file.seal:
                await self._check_unchanged(file)

    async def data_version(self, connection: Connection) -> int:
        version: int = await connection.value(_VERSION)
        return version

    async def identity(self) -> sealed.File | None:
        # By path: SQLite goes on reading a file that was removed or replaced while it was open.
        self._file = await to_thread.run_sync(sealed.find_file, self._path)
        return self._file

    async def aclose(self) -> None:
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

    async def _replace_pool(self, file: sealed.File | None) -> None:
        """Open new connections to this file, and close the idle ones to the last one."""
        before, self._pooled = self._pool, file
        self._pool = pool(self._path, READ_SEALED if file and file.seal else READ)
        await before.dispose()

    async def _check_unchanged(self, file: sealed.File) -> None:
        """Check a sealed file after it was read without locks.

        Raises:
            StoreUnavailableError: It was written to meanwhile, so the rows that were read may be wrong.
        """
        if await to_thread.run_sync(sealed.find_file, self._path) != file:
            raise StoreUnavailableError(f"{self.location} was written to meanwhile: ask again")
