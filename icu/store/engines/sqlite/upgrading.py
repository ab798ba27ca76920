"""Upgrade of a file's tables, or a new file with tables."""

import secrets
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL

from icu.store import schema
from icu.store.engines.sqlite import files
from icu.store.engines.sqlite.connections import prepare
from icu.store.engines.sqlite.translation import translated


def upgrade(path: Path) -> str | None:
    """Upgrade the file: `Engine.upgrade`, but blocking."""
    files.check_location(path)
    files.make(path)
    engine = create_engine(URL.create("sqlite", database=str(path)))
    prepare(engine)
    try:
        with translated(path):
            with engine.begin() as connection:
                version = schema.upgrade(connection)
                _number(connection)
            _checkpoint(engine)
            return version
    finally:
        engine.dispose()


def _number(connection: Connection) -> None:
    """Give a new database a random number, its generation: another one that is copied over it has another number."""
    if not connection.execute(text("PRAGMA user_version")).scalar():
        connection.execute(text(f"PRAGMA user_version = {1 + secrets.randbelow(2**31 - 1)}"))


def _checkpoint(engine: Engine) -> None:
    """Copy the log into the file: after a crash, the log's index does not tell how much of it the file holds."""
    # Closing the last connection does so too, but a monitor may have the file open.
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
