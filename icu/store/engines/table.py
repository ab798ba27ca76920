"""The engines that there are, by the scheme of a database's URL: a new one is its folder, and its line here."""

from typing import Final, Protocol

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from icu.config.errors import ConfigurationError
from icu.store.engines.base import Engine
from icu.store.engines.sqlite.engine import SqliteEngine


class _Open(Protocol):
    def __call__(self, url: str) -> Engine: ...


_ENGINES: Final[dict[str, _Open]] = {
    "sqlite": SqliteEngine,
}


def engine_of(url: str) -> Engine:
    """The engine for the database that a URL names. ConfigurationError for one that cannot be."""
    try:
        kind = make_url(url).get_backend_name()
    except (ArgumentError, ValueError) as exc:
        raise ConfigurationError("the database URL cannot be read: write for instance sqlite:///icu.db") from exc
    if kind not in _ENGINES:
        raise ConfigurationError(f"a database of kind {kind} is not supported yet: write for instance sqlite:///icu.db")
    return _ENGINES[kind](url)
