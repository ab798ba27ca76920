"""The engine of SQLite: one file, one writer, and any number of readers beside it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, suppress
from typing import TypeVar, cast

from anyio import CancelScope, to_thread

from icu.store.engines.deadline import uncut
from icu.store.engines.sqlite import files, sealed
from icu.store.engines.sqlite.connections import path_of, pool
from icu.store.engines.sqlite.held import Held, SqliteConnection
from icu.store.engines.sqlite.transaction import SqliteTransaction, transaction_on
from icu.store.engines.sqlite.translation import translated
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.engines.sqlite.watch import Watch
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError

T = TypeVar("T")

# The driver tells at INFO of errors while it closes, which are raised here too.
logging.getLogger("aiosqlite").setLevel(logging.WARNING)


class SqliteEngine:
    """See icu.store.engines.base.Engine."""

    single_sink = "SQLite has one writer"

    def __init__(self, url: str) -> None:
        self._path = path_of(url)
        self.place = str(self._path)
        # To write with, and to read with.
        self._pool = pool(self._path)
        self._held = Held(self._path)
        self._watch: Watch | None = None

    def check_place(self) -> None:
        files.check_kind(self._path)

    def translate(self) -> AbstractContextManager[None]:
        return translated(self._path)

    async def upgrade(self) -> str | None:
        return await to_thread.run_sync(upgrade, self._path)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        lock = await to_thread.run_sync(files.lock, self._path)
        try:
            await self.upgrade()
            await to_thread.run_sync(files.warn_of_readers, self._path)
            self._watch = watch = await to_thread.run_sync(Watch, self._path)
            try:
                yield
            finally:
                await self._leave(watch)
        finally:
            lock.close()

    def accept(self, generation: int) -> None:
        if self._watch is not None:
            self._watch.begin(generation)

    async def transact(self, work: Callable[[SqliteTransaction], Awaitable[T]]) -> T:
        try:
            with self.translate(), uncut():
                async with self._pool.begin() as connection:
                    transaction = await transaction_on(connection)
                    result = await work(transaction)
                    # Last, for by now SQLite has made its log, though nothing may be written for long.
                    await self._look_at_files(transaction.driver)
                    return result
        except (StoreCorruptError, StoreUnavailableError):
            await self._look_at_files()  # a file that was cut off looks damaged, one whose log was like a failing disk
            raise

    async def look(self, work: Callable[[SqliteTransaction], Awaitable[T]]) -> T:
        # Without a transaction, which would lock the file.
        await self._look_at_files()
        with self.translate(), uncut():
            async with self._pool.connect() as connection:
                return await work(await transaction_on(connection))

    def connection(self, generation: Hashable) -> AbstractAsyncContextManager[SqliteConnection]:
        return self._held.lent(cast("sealed.File", generation))  # an answer of `generation`

    async def generation(self) -> sealed.File | None:
        # A file that was removed or replaced while it was open can be written and read for ever, in vain.
        return await to_thread.run_sync(sealed.look, self._path)

    async def aclose(self) -> None:
        await self._held.aclose()
        # The last connection to be closed checkpoints the write-ahead log.
        with self.translate(), uncut():
            await self._pool.dispose()

    async def _look_at_files(self, opened_by: object = None) -> None:
        if self._watch is not None:
            await self._watch.look(opened_by)

    async def _leave(self, watch: Watch) -> None:
        await watch.look_last()
        if watch.found is not None:
            if not watch.overwritten:
                with suppress(StoreError):  # then the log is put aside, which is told
                    await self._checkpoint()
            with CancelScope(shield=True):
                await to_thread.run_sync(watch.renew)
        self._watch = None
        await self.aclose()

    async def _checkpoint(self) -> None:
        """Bring what the write-ahead log holds into the file that is open, and empty it, unless somebody reads it."""
        with self.translate(), uncut():
            async with self._pool.connect() as connection:
                driver = (await transaction_on(connection)).driver
                await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
