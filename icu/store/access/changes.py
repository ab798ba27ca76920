"""Number of changes to keys, users and sessions, which monitors look at."""

from typing import Final

from sqlalchemy import text

from icu.store.engines.base import Connection, Transaction

_CHANGES: Final = text("SELECT changes FROM access_state")
_RAISE: Final = text("UPDATE access_state SET changes = changes + 1 RETURNING changes")
_CLOSE: Final = text(
    "UPDATE access_state SET changes = changes + 1, closed_since = coalesce(closed_since, :now) RETURNING changes"
)


async def read_changes(connection: Connection) -> int:
    """Read the number of changes."""
    [(changes,)] = await connection.rows(_CHANGES)
    return int(changes)


async def note_change(transaction: Transaction) -> None:
    """Tell the monitors that what they know of principals is no longer valid."""
    await transaction.rows(_RAISE)


async def note_first(transaction: Transaction, now: int) -> None:
    """Close the database for those without a key, from the first key or user on."""
    await transaction.rows(_CLOSE, {"now": now})
