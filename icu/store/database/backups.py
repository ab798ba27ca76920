"""Backups: what the database knows of them, and the beginning of one that was restored."""

import secrets
from typing import Final

from sqlalchemy import text

from icu.store import schema
from icu.store.database.existing import connected
from icu.store.engines.base import Engine, Transaction
from icu.store.errors import SchemaError
from icu.store.journal.appending import append_to_journal
from icu.store.upkeep_state import read_upkeep_state

# A foreign commit that the sink knows for harmless: see icu.store.writing.foreign_writes.
_NOTE: Final = text("UPDATE upkeep_state SET backed_up = :at, commits = commits + 1")
_END: Final = text("SELECT batch FROM journal_end")
_MOVE_END: Final = text("UPDATE journal_end SET batch = :end")

# Range of the random part of a journal's first number: clients may know any number of the database that was replaced,
# which may be unreadable, or of another restoration. Small enough for numbers that JavaScript counts exactly.
_NUMBERS: Final = 10**12


async def find_version(engine: Engine) -> str:
    """Return the version of the tables of a database that is to be backed up, which may be any.

    Raises:
        SchemaError: There is nothing to back up.
        ConfigurationError: There can be no database.
    """
    async with connected(engine) as connection:
        version = await schema.read_version(connection)
    if version is None:
        raise SchemaError(f"{engine.location} has no tables yet: the sink makes them, and there is nothing to back up")
    return version


async def note_backup(engine: Engine, at: int) -> None:
    """Note in the database when the last complete backup was begun, in milliseconds since 1970 UTC."""
    try:
        await engine.transact(lambda transaction: transaction.execute(_NOTE, [{"at": at}]))
    finally:
        await engine.aclose()


async def begin_anew(engine: Engine, now: int) -> int | None:
    """Begin a new journal in a copy that is about to be restored: each follower of the old one has to read all anew.

    Args:
        engine: The copy.
        now: Milliseconds since 1970 UTC.

    Returns:
        Time of the backup, in milliseconds since 1970 UTC; None if it was not made by `db backup`.
    """

    async def work(transaction: Transaction) -> int | None:
        [(end,)] = await transaction.rows(_END)
        beginning = max(now, end or 0) + secrets.randbelow(_NUMBERS)
        await transaction.execute(_MOVE_END, [{"end": beginning}])
        await append_to_journal(transaction, now, anew=True, keep=1)  # it cuts all others
        return (await read_upkeep_state(transaction)).backed_up

    try:
        return await engine.transact(work)
    finally:
        await engine.aclose()
