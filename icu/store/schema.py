"""The database and its tables: that there are some, of this program's version, and their upgrade to it."""

from collections.abc import Hashable, Sequence
from pkgutil import iter_modules
from typing import Final

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import TextClause, inspect, text

from icu.store.engines.base import Connection, Engine
from icu.store.errors import SchemaError, StoreError
from icu.store.migrations import versions

# Newest version in icu/store/migrations, from the names of its files: importing Alembic takes half a second.
HEAD: Final = max(each.name for each in iter_modules(versions.__path__)).removeprefix("v").partition("_")[0]

_VERSION: Final = text("SELECT version_num FROM alembic_version")
_READABLE_FROM: Final = text("SELECT readable_from FROM readers")
UNFINISHED: Final = text("SELECT source FROM copies WHERE finished IS NULL")

_UPGRADE: Final = "python -m icu db upgrade"


async def find(engine: Engine) -> Hashable:
    """Return the identity of the database that there is now.

    Raises:
        SchemaError: There is none.
        ConfigurationError: There can be none.
        StoreUnavailableError: It cannot be looked at now.
    """
    identity = await engine.identity()
    if identity is None:
        raise SchemaError(f"there is no database {engine.location} yet: start the sink (python -m icu supervise)")
    return identity


async def read_version(connection: Connection) -> str | None:
    """Read the version of the tables; None if there are none."""
    return await _value(connection, "alembic_version", _VERSION)


async def check(connection: Connection, location: str) -> None:
    """Check that this program may read the tables: they have its version, or a newer one that allows it, and are whole.

    Args:
        connection: Connection for reading.
        location: Name of the database in messages.

    Raises:
        SchemaError: The tables are missing, older, newer and not for this program, or copied in part.
    """
    version = await read_version(connection)
    if version is None:
        raise SchemaError(f"{location} has no tables yet: start the sink (python -m icu supervise), or run {_UPGRADE}")
    if version > HEAD and not await _is_readable(connection):
        raise SchemaError(
            f"{location} has tables of version {version}, newer than this program's {HEAD}: update the program"
        )
    if version < HEAD:
        raise SchemaError(f"{location} has tables of version {version}, this program needs {HEAD}: run {_UPGRADE}")
    check_whole(location, await connection.rows(UNFINISHED))


def check_whole(location: str, unfinished: Sequence[Sequence[str]]) -> None:
    """Check that the database is no copy that has to be finished first.

    Args:
        location: Name of the database in messages.
        unfinished: Rows of UNFINISHED.

    Raises:
        SchemaError: It is one.
    """
    for (source,) in unfinished:
        raise SchemaError(
            f"{location} is an unfinished copy of {source}: finish it (python -m icu db copy SOURCE TARGET),"
            " or name another database (DATABASE_URL)"
        )


async def check_writable(connection: Connection, location: str) -> None:
    """Check that this program may write to the tables: they have its own version.

    Args:
        connection: Connection for reading.
        location: Name of the database in messages.

    Raises:
        SchemaError: The tables are missing, of another version, or copied in part.
    """
    await check(connection, location)
    version = await read_version(connection)
    if version != HEAD:
        raise SchemaError(
            f"{location} has tables of version {version}, and this program writes to {HEAD} alone: update the program"
        )


def upgrade(connection: SyncConnection) -> str | None:
    """Bring the tables to HEAD, in the connection's transaction.

    Returns:
        Version of the tables before; None if there were none.

    Raises:
        StoreError: The tables are of a newer version.
    """
    version = _version(connection)
    if version != HEAD:
        _migrate(connection)
    return version


def _version(connection: SyncConnection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(_VERSION).scalar()


async def _is_readable(connection: Connection) -> bool:
    """Tell if tables of a newer version allow programs of this version to read them."""
    oldest = await _value(connection, "readers", _READABLE_FROM)
    return oldest is not None and oldest <= HEAD


async def _value(connection: Connection, table: str, statement: TextClause) -> str | None:
    """Return what a statement finds in a table of one row; None without the table or the row."""
    rows = await connection.rows(statement) if await connection.has_table(table) else ()
    return rows[0][0] if rows else None


def _migrate(connection: SyncConnection) -> None:
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
