"""Engines by the scheme of the database's URL. A new one is a folder, and a line here."""

from collections.abc import Callable
from typing import Final

from icu.config.databases import without_password
from icu.config.errors import ConfigurationError
from icu.store.engines.base import Engine
from icu.store.engines.sqlite.engine import SqliteEngine


def _postgres(url: str, name: str) -> Engine:
    # Imported late: its driver is an extra, and takes a tenth of a second.
    try:
        from icu.store.engines.postgres.engine import PostgresEngine  # noqa: PLC0415 - see above
    except ImportError as exc:
        if not (exc.name or "").startswith("psycopg"):
            raise
        raise ConfigurationError(
            f"{without_password(url)} needs the driver of PostgreSQL, which is not installed here:"
            " pip install 'psycopg[binary]>=3.2', which is the extra [postgresql]"
        ) from exc
    return PostgresEngine(url, name)


_ENGINES: Final[dict[str, Callable[[str, str], Engine]]] = {
    "sqlite": lambda url, _: SqliteEngine(url),
    "postgres": _postgres,
    "postgresql": _postgres,
}


def engine_of(url: str, *, name: str = "icu") -> Engine:
    """Make the engine for a database URL. Opens nothing.

    Args:
        url: URL of the database.
        name: Name of its sessions at a server that has such names.

    Raises:
        ConfigurationError: The URL cannot be read, names a database that is not supported, or its driver is missing.
    """
    scheme, colon, _ = url.partition("://")
    kind = scheme.partition("+")[0]
    if not colon:
        raise ConfigurationError("the database URL cannot be read: write for instance sqlite:///icu.db")
    if kind not in _ENGINES:
        raise ConfigurationError(f"a database of kind {kind} is not supported yet: write for instance sqlite:///icu.db")
    return _ENGINES[kind](url, name)
