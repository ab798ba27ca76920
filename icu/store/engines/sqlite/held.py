"""Connections to read with, which stay open from one question to the next: to open one takes as long as ten of them.

Each leads to the file that it was opened on. So it looks at the path before each statement, in its own thread: another
file there, or none, is an error.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiosqlite
import anyio
import msgspec
from anyio import to_thread
from anyio.lowlevel import checkpoint_if_cancelled
from sqlalchemy import TextClause

from icu.store.engines.base import Values
from icu.store.engines.deadline import TRANSACTION_DEADLINE, uncut
from icu.store.engines.sqlite import sealed
from icu.store.engines.sqlite.connections import BUSY_TIMEOUT_MS
from icu.store.engines.sqlite.sealed import File
from icu.store.engines.sqlite.transaction import compiled
from icu.store.engines.sqlite.translation import translated
from icu.store.errors import StoreMovedError, StoreUnavailableError, StoreUnopenedError

# Connections that are open at most, each a thread: one is the broadcast's for good, and no machine reads faster with
# more than a few.
MOST: Final = 6

_READ: Final = {"mode": "ro"}
# Without locks, and without the files beside the database that they need.
_READ_SEALED: Final = {"mode": "ro", "immutable": "1"}

_decode: Final = msgspec.json.Decoder(list).decode


class SqliteConnection:
    """See icu.store.engines.base.Connection."""

    def __init__(self, path: Path, file: File, driver: aiosqlite.Connection) -> None:
        self._path = path
        self._driver = driver
        self.file: Final = file
        # True once a statement has failed, or is still under way behind its deadline.
        self.is_broken = False

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        return await self._fetch(compiled(statement), values)

    async def columns(
        self, statement: TextClause, names: Sequence[str], values: Values | None = None
    ) -> dict[str, list[Any]]:
        # As JSON, which SQLite writes and msgspec reads in two thirds of the time that the driver needs for the rows.
        # And the driver gives the interpreter away at each row: here is one.
        return {name: _decode(array) for name, array in (await self.arrays(statement, names, values)).items()}

    async def arrays(self, statement: TextClause, names: Sequence[str], values: Values | None = None) -> dict[str, str]:
        [texts] = await self._fetch(_by_column(statement, tuple(names)), values)
        return dict(zip(names, texts, strict=True))

    async def has_table(self, name: str) -> bool:
        found = await self._fetch("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name", {"name": name})
        return bool(found)

    async def changed(self) -> int:
        [(version,)] = await self._fetch("PRAGMA data_version", None)
        return int(version)

    async def close(self) -> None:
        """Close it, and end what it may still be doing."""
        with translated(self._path), uncut():
            await self._driver.interrupt()
            await self._driver.close()

    async def _fetch(self, sql: str, values: Values | None) -> Sequence[Sequence[Any]]:
        await checkpoint_if_cancelled()  # for nothing below can be
        try:
            with translated(self._path), uncut():
                found: Any = await self._driver.execute_fetchall(sql, values)
        except BaseException as exc:
            self.is_broken = True
            await _explain(exc, self._path, self.file)
            raise
        if self.file.seal:
            await to_thread.run_sync(_refuse_what_changed, self._path, self.file)
        return list(found)


class Held:
    """The connections to a database: few, opened when they are needed, and lent to one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places = anyio.Semaphore(MOST, fast_acquire=True)
        # The file that was asked for last; None for none.
        self._file: File | None = None
        # Those that lead there and nobody uses, the last one first, so that no more are opened than are needed at once.
        self._free: list[SqliteConnection] = []

    @asynccontextmanager
    async def lent(self, file: File) -> AsyncIterator[SqliteConnection]:
        """Lend a connection to this file."""
        await self._enter()
        try:
            await self._keep(file)
            connection = self._free.pop() if self._free else await _opened(self._path, file)
            try:
                yield connection
            finally:
                if connection.is_broken or connection.file != self._file:
                    await connection.close()
                else:
                    self._free.append(connection)
        finally:
            self._places.release()

    async def aclose(self) -> None:
        """Close those that nobody uses now, and the others when they come back."""
        await self._keep(None)

    async def _enter(self) -> None:
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            with translated(self._path), anyio.fail_after(TRANSACTION_DEADLINE):
                await self._places.acquire()

    async def _keep(self, file: File | None) -> None:
        """Close the free connections to any other file."""
        if file != self._file:
            self._file, closing, self._free = file, self._free, []
            for each in closing:
                await each.close()


class _Watchful(sqlite3.Connection):
    """The driver's connection, which looks before each statement whether its path still leads to its file."""

    def __init__(self, path: Path, file: File, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the driver's own
        super().__init__(*args, **kwargs)
        self._path = path
        self._file = file

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - as the driver has it
        """Execute a statement. StoreMovedError where the path leads elsewhere."""
        _look(self._path, self._file)
        return super().execute(sql, parameters)


async def _opened(path: Path, file: File) -> SqliteConnection:
    mode = _READ_SEALED if file.seal else _READ
    try:
        with translated(path), uncut():
            driver = await aiosqlite.connect(
                f"{path.as_uri()}?{urlencode(mode)}",
                uri=True,
                isolation_level=None,  # the driver must not begin transactions of its own
                timeout=BUSY_TIMEOUT_MS / 1_000,
                factory=partial(_Watchful, path, file),
            )
    except StoreUnavailableError as exc:
        await _explain(exc, path, file)
        raise
    return SqliteConnection(path, file, driver)


async def _explain(exc: BaseException, path: Path, file: File) -> None:
    """Raise in its place why a file cannot be opened, where that is known."""
    if isinstance(exc, StoreUnopenedError):
        await to_thread.run_sync(_look, path, file)
        why = await to_thread.run_sync(sealed.why_unopened, path)
        if why:
            raise StoreUnopenedError(why) from exc


def _look(path: Path, file: File) -> None:
    if sealed.look(path) != file:
        raise StoreMovedError(f"{path} was removed or replaced")


def _refuse_what_changed(path: Path, file: File) -> None:
    """StoreUnavailableError where a sealed file was written to after all: what was read may be anything."""
    if sealed.look(path) != file:
        raise StoreUnavailableError(f"{path} was written to meanwhile: ask again")


@cache
def _by_column(statement: TextClause, names: Iterable[str]) -> str:
    arrays = ", ".join(f"json_group_array({each})" for each in names)
    # The order of the statement is kept: it stands alone in FROM, and nothing else here sorts.
    return f"SELECT {arrays} FROM ({compiled(statement)})"  # noqa: S608 - names of our own
