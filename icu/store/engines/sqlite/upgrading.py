"""Making a file with tables, or bringing those of one up to date."""

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
    """See icu.store.engines.base.Engine. Blocks."""
    files.check_place(path)
    files.make(path)
    engine = create_engine(URL.create("sqlite", database=str(path)))
    prepare(engine)
    try:
        with translated(path):
            with engine.begin() as connection:
                version = schema.upgrade(connection)
                _mark(connection)
            _checkpoint(engine)
            return version
    finally:
        engine.dispose()


def _mark(connection: Connection) -> None:
    """Give the database a number of its own, by which it is told from another one that is copied over it."""
    if not connection.execute(text("PRAGMA user_version")).scalar():
        connection.execute(text(f"PRAGMA user_version = {1 + secrets.randbelow(2**31 - 1)}"))


def _checkpoint(engine: Engine) -> None:
    """Bring into the file what its log holds: after a crash the log's index does not tell how much of it is there.

    Closing the last connection does so too, but somebody may read.
    """
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
