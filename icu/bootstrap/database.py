"""The database's tables, brought to this program's version."""

import anyio

from icu.config.settings import Settings
from icu.store import schema
from icu.store.database import sqlite_path


def upgrade_database(settings: Settings) -> str:
    """Bring the tables to this program's version; returns a sentence that says what was done."""
    path = sqlite_path(settings.database.url)
    before = anyio.run(schema.upgrade, path)
    if before == schema.HEAD:
        return f"{path} is at version {schema.HEAD} already"
    return f"{path} was brought from version {before or 'none'} to {schema.HEAD}"
