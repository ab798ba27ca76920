"""Which version the tables have, and how they are brought to this program's."""

from pkgutil import iter_modules
from typing import Final

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import TextClause, inspect, text

from icu.store.engines.base import Connection
from icu.store.errors import SchemaError, StoreError
from icu.store.migrations import versions

# The newest version in icu/store/migrations, by the names of its files: asking Alembic costs half a second.
HEAD: Final = max(each.name for each in iter_modules(versions.__path__)).removeprefix("v").partition("_")[0]

_VERSION: Final = text("SELECT version_num FROM alembic_version")
_READABLE_FROM: Final = text("SELECT readable_from FROM readers")

_UPGRADE: Final = "python -m icu db upgrade"


async def check(connection: Connection, place: str) -> None:
    """SchemaError unless the tables can be read: they are of this program's version, or newer and say that it may."""
    version = await _value(connection, "alembic_version", _VERSION)
    if version is None:
        raise SchemaError(f"{place} has no tables yet: start the sink (python -m icu supervise), or run {_UPGRADE}")
    if version > HEAD and not await _is_readable(connection):
        raise SchemaError(
            f"{place} has tables of version {version}, newer than this program's {HEAD}: update the program"
        )
    if version < HEAD:
        raise SchemaError(f"{place} has tables of version {version}, this program needs {HEAD}: run {_UPGRADE}")


def upgrade(connection: SyncConnection) -> str | None:
    """Bring the tables to HEAD, in the connection's transaction; returns the version that they had.

    StoreError for tables of a newer version.
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
    """Tell if tables of a newer version say that programs of this one may read them."""
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
