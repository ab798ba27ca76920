"""Which version the tables have, and how they are brought to this program's."""

import secrets
from contextlib import closing
from pathlib import Path
from typing import Final

from anyio import to_thread
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import URL

from icu.store import database
from icu.store.database import prepare, translated
from icu.store.engines.sqlite import files
from icu.store.errors import SchemaError, StoreError

HEAD: Final = "0002"
"""The newest version in icu/store/migrations. It stands here too because asking Alembic costs half a second."""

_UPGRADE: Final = "python -m icu db upgrade"


async def check(connection: database.Connection, path: Path) -> None:
    """SchemaError unless the tables are of this program's version."""
    version = await connection.run(_version)
    if version is None:
        raise SchemaError(f"{path} has no tables yet: start the sink (python -m icu supervise), or run {_UPGRADE}")
    if version > HEAD:
        raise SchemaError(
            f"{path} has tables of version {version}, newer than this program's {HEAD}: update the program"
        )
    if version != HEAD:
        raise SchemaError(f"{path} has tables of version {version}, this program needs {HEAD}: run {_UPGRADE}")


async def upgrade(path: Path) -> str | None:
    """Bring the file's tables to HEAD, making the file if there is none; returns the version that it had."""
    return await to_thread.run_sync(_upgrade, path)


def _upgrade(path: Path) -> str | None:
    files.check_place(path)
    files.make(path)
    engine = create_engine(URL.create("sqlite", database=str(path)))
    prepare(engine, read_only=False)
    try:
        with translated(path):
            with engine.begin() as connection:
                version = _version(connection)
                if version != HEAD:
                    _migrate(connection)
                _mark(connection)
            _checkpoint(engine)
            return version
    finally:
        engine.dispose()


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


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


def _migrate(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - half a second, needed only where the version differs
    from alembic.config import Config  # noqa: PLC0415 - a part of alembic, see the line above
    from alembic.util import CommandError  # noqa: PLC0415 - a part of alembic, too

    config = Config()
    config.set_main_option("script_location", "icu.store:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as exc:
        raise StoreError(f"the database was written by a newer version of this program: update it ({exc})") from exc
