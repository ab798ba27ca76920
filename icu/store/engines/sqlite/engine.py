"""The engine of SQLite: one file, one writer, and any number of readers beside it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Final, TypeVar

from anyio import CancelScope, to_thread
from sqlalchemy import text

from icu.store.engines.base import Values
from icu.store.engines.connection import Connection, uncut
from icu.store.engines.sqlite import files, sealed
from icu.store.engines.sqlite.columns import by_column
from icu.store.engines.sqlite.connections import READ, READ_SEALED, WRITE, path_of, pool
from icu.store.engines.sqlite.transaction import SqliteTransaction, transaction_on
from icu.store.engines.sqlite.translation import translated
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.engines.sqlite.watch import Watch
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError, StoreUnopenedError

T = TypeVar("T")

_VERSION: Final = text("PRAGMA data_version")

# The driver tells at INFO of errors while it closes, which are raised here too.
logging.getLogger("aiosqlite").setLevel(logging.WARNING)


class SqliteEngine:
    """See icu.store.engines.base.Engine."""

    single_sink = "SQLite has one writer"

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._path = path_of(url)
        self.place = str(self._path)
        self._read_only = read_only
        self._pool = pool(self._path, READ if read_only else WRITE)
        self._file: sealed.File | None = None
        # Files that the path led to at the last look, and that the pool's connections lead to.
        self._pooled: sealed.File | None = None
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

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        file = self._file
        try:
            with self.translate():
                with uncut():
                    if file != self._pooled and self._read_only:
                        await self._pool_anew(file)
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
                await self._refuse_what_changed(file)

    async def columns(
        self, connection: Connection, statement: str, names: Sequence[str], values: Values
    ) -> tuple[int, Mapping[str, str]]:
        [(count, *arrays)] = await connection.rows(by_column(statement, tuple(names)), values)
        return count, dict(zip(names, arrays, strict=True))

    async def changed(self, connection: Connection) -> int:
        version: int = await connection.value(_VERSION)
        return version

    async def generation(self) -> sealed.File | None:
        # A file that was removed or replaced while it was open can be written and read for ever, in vain.
        self._file = await to_thread.run_sync(sealed.look, self._path)
        return self._file

    async def aclose(self) -> None:
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

    async def _pool_anew(self, file: sealed.File | None) -> None:
        """Close the connections that lead to another file; those to come lead to this one."""
        before, self._pooled = self._pool, file
        self._pool = pool(self._path, READ_SEALED if file and file.seal else READ)
        await before.dispose()

    async def _refuse_what_changed(self, file: sealed.File) -> None:
        """StoreUnavailableError where it was written to after all: what was read may be anything."""
        if await to_thread.run_sync(sealed.look, self._path) != file:
            raise StoreUnavailableError(f"{self.place} was written to meanwhile: ask again")
