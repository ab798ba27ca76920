"""The database's commands: upgrade, backup, restore, copy, and looks at it."""

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import anyio
from loguru import logger
from msgspec import Struct

from icu.config.settings import Settings
from icu.store.copying.copying import copy
from icu.store.database.backups import begin_anew, find_version, note_backup
from icu.store.database.checking import find_faults
from icu.store.database.existing import connected
from icu.store.database.info import DatabaseInfo, describe
from icu.store.engines.base import Report
from icu.store.engines.table import engine_of
from icu.store.errors import StoreError
from icu.store.readings import from_milliseconds
from icu.store.schema import HEAD

__all__ = ["DatabaseInfo"]  # for the command line, which does not see the store


class Backup(Struct, frozen=True):
    """Backup that is complete."""

    location: str
    # Bytes.
    size: int


class Restored(Struct, frozen=True):
    """Database that was restored."""

    location: str
    # Begin of the backup; None if unknown.
    backed_up: datetime | None
    # Name under which the database that was there is kept; None if there was none.
    kept: str | None


def upgrade_database(settings: Settings) -> str:
    """Upgrade the tables to this program's version, and return the result as a sentence."""
    engine = engine_of(settings.database.url)
    before = anyio.run(engine.upgrade)
    if before == HEAD:
        return f"{engine.location} is at version {HEAD} already"
    return f"{engine.location} was brought from version {before or 'none'} to {HEAD}"


def back_up_database(settings: Settings, target: Path, *, overwrite: bool, report: Report) -> Backup:
    """Copy the database into a file, and note the time of it: see Engine.back_up."""
    engine = engine_of(settings.database.url)
    version = anyio.run(find_version, engine)
    began = _now()
    size = engine.back_up(target, began=began, overwrite=overwrite, report=report)
    if version == HEAD:  # tables of other versions may have no place for it, and are not for this program to write to
        try:
            anyio.run(note_backup, engine, began)
        except StoreError as exc:
            logger.warning("the backup is complete, but its time could not be noted in the database: {}", exc)
    return Backup(engine.location, size)


def restore_database(settings: Settings, source: Path, *, report: Report) -> Restored:
    """Put a backup into the place of the database: see Engine.restoring."""
    engine = engine_of(settings.database.url)
    with engine.restoring(source, report=report) as restoration:
        backed_up = anyio.run(begin_anew, restoration.engine, _now())
    made = None if backed_up is None else from_milliseconds(backed_up)
    return Restored(engine.location, made, restoration.kept)


def copy_database(source: str, target: str, *, report: Report) -> str:
    """Copy a database into a new one of any kind, and return the result as a sentence.

    Args:
        source: URL of the database.
        target: URL of the new one.
        report: See icu.store.copying.copying.copy.
    """
    done = anyio.run(partial(copy, engine_of(source), engine_of(target), report=report))
    if done.before is None:
        return f"{done.source} was copied to {done.target}, {done.readings:,} readings, and compared: it is complete"
    before = from_milliseconds(done.before)
    return f"{done.target} is a complete copy of {done.source}, of {before:%Y-%m-%d %H:%M:%S} UTC: nothing was done"


def check_database(settings: Settings, *, full: bool, report: Report) -> Sequence[str]:
    """Return what is wrong with the database, a sentence each."""
    engine = engine_of(settings.database.url)
    anyio.run(find_version, engine)
    return [*engine.find_damage(full=full), *anyio.run(partial(find_faults, engine, full=full, report=report))]


def describe_database(settings: Settings) -> DatabaseInfo:
    """Return size, content and state of the database."""
    engine = engine_of(settings.database.url)

    async def look() -> DatabaseInfo:
        async with connected(engine) as connection:
            return await describe(engine, connection, storage, _now())

    anyio.run(find_version, engine)
    storage = engine.storage()
    return anyio.run(look)


def _now() -> int:
    return round(time.time() * 1000)


def database_location(settings: Settings) -> str:
    """Return the name of the database in messages."""
    return engine_of(settings.database.url).location
