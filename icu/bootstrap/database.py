"""Upgrade of the database's tables, for the command line."""

import anyio

from icu.config.settings import Settings
from icu.store.engines.table import engine_of
from icu.store.schema import HEAD


def upgrade_database(settings: Settings) -> str:
    """Upgrade the tables to this program's version, and return the result as a sentence."""
    engine = engine_of(settings.database.url)
    before = anyio.run(engine.upgrade)
    if before == HEAD:
        return f"{engine.location} is at version {HEAD} already"
    return f"{engine.location} was brought from version {before or 'none'} to {HEAD}"


def database_location(settings: Settings) -> str:
    """Return the name of the database in messages."""
    return engine_of(settings.database.url).location
