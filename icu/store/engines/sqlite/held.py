"""Connections to read with, which stay open from one question to the next: to open one takes as long as ten of them.

Each leads to the file that it was opened on. So it looks at the path before each statement, in its own thread: another
file there, or none, is an error.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import aiosqlite
from anyio import to_thread
from anyio.lowlevel import checkpoint_if_cancelled
from sqlalchemy import TextClause

from icu.store.engines.base import Values
from icu.store.engines.deadline import uncut
from icu.store.engines.sqlite import sealed
from icu.store.engines.sqlite.connections import connect
from icu.store.engines.sqlite.sealed import File
from icu.store.engines.sqlite.transaction import compiled
from icu.store.engines.sqlite.translation import translated
from icu.store.errors import StoreMovedError, StoreUnavailableError, StoreUnopenedError

_READ: Final = {"mode": "ro"}
# Without locks, and without the files beside the database that they need.
_READ_SEALED: Final = {"mode": "ro", "immutable": "1"}


class SqliteConnection:
    """See icu.store.engines.base.Connection."""

    def __init__(self, path: Path, file: File, driver: aiosqlite.Connection) -> None:
        self._path = path
        self._driver = driver
        self.identity: Final = file
        # True once a statement has failed, or is still under way behind its deadline.
        self.is_broken = False

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        return await self._fetch(compiled(statement), values)

    async def arrays(self, statement: TextClause, names: Sequence[str], values: Values | None = None) -> dict[str, str]:
        # The driver gives the interpreter away at each row: here is one.
        [texts] = await self._fetch(_by_column(statement, tuple(names)), values)
        return dict(zip(names, texts, strict=True))

    def spans(self, since: int, until: int, *, newest_first: bool) -> Sequence[tuple[int, int]]:  # noqa: ARG002 - one
        return [(since, until)]

    async def has_table(self, name: str) -> bool:
        found = await self._fetch("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name", {"name": name})
        return bool(found)

    async def data_version(self) -> int:
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
            await _explain(exc, self._path, self.identity)
            raise
        if self.identity.seal:
            await to_thread.run_sync(_refuse_what_changed, self._path, self.identity)
        return list(found)


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


async def opened(path: Path, file: File) -> SqliteConnection:
    """Open a connection to this file. StoreMovedError where the path leads elsewhere."""
    mode = _READ_SEALED if file.seal else _READ
    try:
        with translated(path), uncut():
            driver = await connect(path, factory=partial(_Watchful, path, file), **mode)
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
    if sealed.find_file(path) != file:
        raise StoreMovedError(f"{path} was removed or replaced")


def _refuse_what_changed(path: Path, file: File) -> None:
    """StoreUnavailableError where a sealed file was written to after all: what was read may be anything."""
    if sealed.find_file(path) != file:
        raise StoreUnavailableError(f"{path} was written to meanwhile: ask again")


@cache
def _by_column(statement: TextClause, names: Iterable[str]) -> str:
    arrays = ", ".join(f"json_group_array({each})" for each in names)
    # The order of the statement is kept: it stands alone in FROM, and nothing else here sorts.
    return f"SELECT {arrays} FROM ({compiled(statement)})"  # noqa: S608 - names of our own
