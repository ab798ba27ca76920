"""Connections to a file: how its URL names it, the pragmas, and who may write."""

import sqlite3
import unicodedata
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlencode

import aiosqlite
from anyio import CancelScope, to_thread
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from icu.config.errors import ConfigurationError

# A lock is waited for less long than a transaction may take.
BUSY_TIMEOUT_MS: Final = 3_000

# KiB of a connection's page cache. A batch of 1,000 patients touches 1,000 places of the file, which have to stay in it
# from one batch to the next: with SQLite's own 2 MB, half of the sink's time goes into reading them again.
CACHE_KIB: Final = 64 * 1024

# Pages in the log, of 4 KiB, from which a commit copies them into the file. Each batch changes the same pages again,
# and a checkpoint writes each of them once: with SQLite's own 1,000, every batch is followed by one.
CHECKPOINT_PAGES: Final = 10_000

_WRITER_PRAGMAS: Final = (
    "journal_mode = WAL",
    # Loses nothing on a power cut: rows and offset go back together, and the transport delivers again.
    "synchronous = NORMAL",
    "foreign_keys = ON",
    f"cache_size = -{CACHE_KIB}",
    f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
)
# Categories of what a path cannot hold: controls, NUL among them, bytes that are no UTF-8, ends of lines.
_UNPRINTABLE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def path_of(url: str) -> Path:
    """The file that a URL of SQLite names. ConfigurationError for one in memory."""
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


def pool(path: Path) -> AsyncEngine:
    """Connections to come to the file, which must exist, to write with. Opens nothing yet."""
    # Made by `connect`: of the URL, only that it names a file counts.
    url = URL.create("sqlite+aiosqlite", database=path.as_uri(), query={"uri": "true"})
    engine = create_async_engine(url, async_creator=partial(connect, path, mode="rw"), pool_size=4, max_overflow=4)
    prepare(engine.sync_engine)
    return engine


async def connect(
    path: Path, *, factory: Callable[..., sqlite3.Connection] = sqlite3.Connection, **query: str
) -> aiosqlite.Connection:
    """Open the file, which must exist.

    Args:
        path: The file.
        factory: Class of the driver's connections.
        query: Parameters of SQLite's URIs: https://sqlite.org/uri.html.
    """
    connection = aiosqlite.connect(
        f"{path.as_uri()}?{urlencode(query)}",
        uri=True,
        isolation_level=None,  # the driver must not begin transactions of its own
        timeout=BUSY_TIMEOUT_MS / 1_000,
        factory=factory,
    )
    thread = connection._thread  # noqa: SLF001 - nothing public leads to it
    thread.daemon = True  # one that hangs keeps no program from its end
    try:
        return await connection
    except BaseException:
        # The driver does not wait for the thread, which fails with a traceback where the event loop is closed by then.
        with CancelScope(shield=True):
            await to_thread.run_sync(thread.join)
        raise


def prepare(engine: Engine) -> None:
    """Give each connection of the engine its pragmas, and transactions that are ours to begin."""
    pragmas = (f"busy_timeout = {BUSY_TIMEOUT_MS}", *_WRITER_PRAGMAS)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's adapter has no type
        connection.isolation_level = None  # the driver must not begin transactions of its own
        # Closed whatever happens: an open statement would keep its connection, and the lock that its successor needs.
        with closing(connection.cursor()) as cursor:
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")

    # A deferred BEGIN that reads first fails at once with SQLITE_BUSY_SNAPSHOT when it comes to write.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
