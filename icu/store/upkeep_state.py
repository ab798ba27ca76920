"""How far the upkeep has come: read by all who store readings or serve them."""

from typing import Final

from msgspec import Struct
from sqlalchemy import text

from icu.store.engines.base import Connection, Transaction


class UpkeepState(Struct, frozen=True):
    """See icu.store.tables.upkeep.UpkeepState. Times are milliseconds since 1970 UTC; None before the first."""

    # Number of transactions of the upkeep.
    commits: int = 0
    # Readings before it are marked as late.
    marked_until: int | None = None
    # Readings before it are rolled up, but for the late hours.
    rolled_until: int | None = None
    # Readings and roll-ups before them are deleted, or about to be.
    raw_horizon: int | None = None
    minute_horizon: int | None = None
    hour_horizon: int | None = None
    # Last sign of life.
    looked: int | None = None
    # Begin of the last backup.
    backed_up: int | None = None
    # Readings before it are not stored any more, and about to be deleted.
    refused_until: int | None = None


COLUMNS: Final = UpkeepState.__struct_fields__
_STATE: Final = text(f"SELECT {', '.join(COLUMNS)} FROM upkeep_state")  # noqa: S608 - names of our own


async def read_upkeep_state(connection: Connection | Transaction) -> UpkeepState:
    """Read the state."""
    [row] = await connection.rows(_STATE)
    return UpkeepState(*row)
