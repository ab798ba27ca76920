"""Trial of a database, before other sinks leave their readings to this one."""

from typing import Final

from sqlalchemy import text

from icu.store import schema
from icu.store.engines.base import Transaction

# It needs the rights that a reading needs, and stores none.
_NOTHING: Final = text("INSERT INTO patient_metrics SELECT * FROM patient_metrics WHERE 1 = 0")


async def try_to_write(transaction: Transaction, *, location: str) -> None:
    """Check that the database takes readings from this program.

    Args:
        transaction: Open transaction.
        location: Name of the database in messages.

    Raises:
        SchemaError: It is an unfinished copy.
        StoreDeniedError: It may not be written.
    """
    schema.check_whole(location, await transaction.rows(schema.UNFINISHED))
    await transaction.execute(_NOTHING, [{}])
