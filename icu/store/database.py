"""The engine, its pragmas and the one way to run a transaction.

Transactions and statements are shielded from cancellation, with a deadline: a cancelled transaction hangs the
interpreter's exit, and may have been committed all the same; a cancelled statement leaks its connection. Foreign errors
become ours here, and nowhere else.
"""

import sqlite3
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import aiosqlite
from anyio import CancelScope, fail_after, to_thread
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Engine, Executable, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from icu.config.errors import ConfigurationError
from icu.store.engines.sqlite import sealed
from icu.store.errors import StoreCorruptError, StoreError, StoreUnavailableError, StoreUnopenedError

# busy_timeout < transaction deadline < the sink's grace at shutdown (7 s), so that no transaction is ever cut.
BUSY_TIMEOUT_MS: Final = 3_000
TRANSACTION_DEADLINE: Final = 5.0

# NORMAL loses nothing on a power cut: rows and offset go back together, and the transport delivers again.
_WRITER_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON")
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of what a path cannot hold: controls, NUL among them, bytes that are no UTF-8, ends of lines."""

_CORRUPT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_UNAVAILABLE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_INTERRUPT,
    }
)
_UNOPENED: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})

T = TypeVar("T")


class Database:
    """An engine on one SQLite file: writing, or reading only."""

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.path = sqlite_path(url)
        self._engine = _engine(self.path, mode=_READ if read_only else _WRITE)

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run `work` in one transaction, which is committed unless it raises. Not cut short by cancellation."""
        with translated(self.path), _uncut():
            async with self._engine.begin() as connection:
                return await work(connection)

    async def without_transaction(self, work: Callable[[aiosqlite.Connection], Awaitable[T]]) -> T:
        """Run `work` outside of any transaction. Not cut short by cancellation."""
        with translated(self.path), _uncut():
            async with self._engine.connect() as connection:
                return await work(await driver_of(connection))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Connection"]:
        """A connection to read with."""
        with translated(self.path):
            with _uncut():
                connection = await self._engine.connect()
            try:
                yield Connection(connection)
            finally:
                with _uncut():
                    await connection.close()

    async def file(self) -> sealed.File | None:
        """Which file the path names now; None where there is none.

        One that was removed or replaced while it was open can be written and read for ever, in vain.
        """
        return await to_thread.run_sync(sealed.look, self.path)

    async def read_anew(self, file: sealed.File | None) -> None:
        """Close all connections; those to come read the file that there is now."""
        await self.aclose()
        self._engine = _engine(self.path, mode=_READ_SEALED if file and file.seal else _READ)

    async def checkpoint(self) -> None:
        """Bring what the write-ahead log holds into the file that is open, and empty it, unless somebody reads it."""
        await self.without_transaction(lambda driver: driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)"))

    async def aclose(self) -> None:
        """Close all connections; the last one to close checkpoints the write-ahead log."""
        with translated(self.path), _uncut():
            await self._engine.dispose()


class Connection:
    """A connection to read with, each statement its own snapshot: cancelled between two of them, never in one."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(self, statement: Executable, values: Mapping[str, object] | None = None) -> Sequence[Any]:
        """The rows that a statement finds."""
        with _uncut():
            return (await self._connection.execute(statement, values)).all()

    async def value(self, statement: Executable) -> Any:  # noqa: ANN401 - whatever the statement selects
        """The first value of the first row; None where there is none."""
        rows = await self.rows(statement)
        return rows[0][0] if rows else None

    async def run(self, work: Callable[[SyncConnection], T]) -> T:
        """Run statements that were written for a connection without async."""
        with _uncut():
            return await self._connection.run_sync(work)


def _uncut() -> AbstractContextManager[CancelScope]:
    """Not to be cancelled, but for its deadline."""
    return fail_after(TRANSACTION_DEADLINE, shield=True)


def sqlite_path(url: str) -> Path:
    """The file that a database URL names. ConfigurationError for other databases and for one in memory."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise ConfigurationError("the database URL cannot be read: write for instance sqlite:///icu.db") from exc
    if parsed.get_backend_name() != "sqlite":
        raise ConfigurationError(
            f"a database of kind {parsed.get_backend_name()} is not supported yet: write for instance sqlite:///icu.db"
        )
    # Decoded here: SQLAlchemy does so from 2.1 on.
    path = unquote(url.partition(":///")[2].partition("?")[0], errors="surrogateescape")
    if not path or ":memory:" in path or path.startswith("file:"):
        raise ConfigurationError(
            "the database has to be a file, which the monitor opens too: write for instance sqlite:///icu.db"
        )
    for character in path:
        if unicodedata.category(character) in _UNPRINTABLE:
            raise ConfigurationError(
                f"the database's path cannot hold the character U+{ord(character):04X}: "
                "name a file that can be typed, for instance sqlite:///icu.db"
            )
    return Path(path).absolute()


async def driver_of(connection: AsyncConnection) -> aiosqlite.Connection:
    """The driver's own connection, for statements on many rows: five times as fast as through SQLAlchemy Core."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, aiosqlite.Connection)  # noqa: S101 - narrows Any; the engine is made below
    return driver


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of the libraries below leave as ours."""
    try:
        yield
    except DBAPIError as exc:
        raise _ours(exc.orig or exc, path) from exc
    except sqlite3.Error as exc:
        raise _ours(exc, path) from exc
    except (TimeoutError, PoolTimeoutError) as exc:
        raise StoreUnavailableError(f"{path} did not answer within {TRANSACTION_DEADLINE:g} s") from exc
    except SQLAlchemyError as exc:
        raise StoreError(f"{path}: {exc}") from exc


def _ours(exc: BaseException, path: Path) -> StoreError:
    # The low byte is the primary result code, the rest says more of the same.
    code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _CORRUPT:
        return StoreCorruptError(f"{path} is damaged ({exc}): restore it from a copy, nothing was changed")
    if code in _UNOPENED:
        return StoreUnopenedError(f"{path}: {exc}")
    if code in _UNAVAILABLE:
        return StoreUnavailableError(f"{path}: {exc}")
    return StoreError(f"{path}: {exc}")


def prepare(engine: Engine, *, read_only: bool) -> None:
    """Give each connection of the engine its pragmas, and transactions that are ours to begin."""
    pragmas = (f"busy_timeout = {BUSY_TIMEOUT_MS}", *(() if read_only else _WRITER_PRAGMAS))

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's adapter has no type
        connection.isolation_level = None  # the driver must not begin transactions of its own
        # Closed whatever happens: an open statement would keep its connection, and the lock that its successor needs.
        with closing(connection.cursor()) as cursor:
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")

    if not read_only:
        # A deferred BEGIN that reads first fails at once with SQLITE_BUSY_SNAPSHOT when it comes to write.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))


_WRITE: Final = {"mode": "rwc"}
_READ: Final = {"mode": "ro"}
_READ_SEALED: Final = {"mode": "ro", "immutable": "1"}
"""Without locks, and without the files beside the database that they need."""


def _engine(path: Path, *, mode: Mapping[str, str]) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=path.as_uri(), query={**mode, "uri": "true"})
    engine = create_async_engine(url, pool_size=4, max_overflow=4)
    prepare(engine.sync_engine, read_only=mode is not _WRITE)
    return engine
