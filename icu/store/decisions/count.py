"""Number of commands of people: whoever keeps a copy of what they change looks at it."""

from typing import Final

from sqlalchemy import text

from icu.store.engines.base import Transaction

_COMMANDS: Final = text("SELECT count FROM command_count")


async def commands_of(transaction: Transaction) -> int:
    """Read the number of commands that were carried out."""
    [(count,)] = await transaction.rows(_COMMANDS)
    return int(count)
