"""Parts of the engines' contract that copies of a database need: see icu.store.engines.base."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy import Table


class Loading(Protocol):
    """Transaction that takes rows of any table as they are."""

    async def load(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows into a table of the metadata, as fast as the engine can.

        Args:
            table: The table.
            rows: New rows, each with all columns in the table's order.

        Raises:
            StoreError: One of them is there already, or does not fit.
        """
        ...

    async def last_number(self, table: Table) -> int:
        """Return the last number that the database gave to a row of the table as its primary key; 0 for none."""
        ...

    async def number_behind(self, table: Table, last: int) -> None:
        """Number new rows of the table from behind `last` on, after rows were loaded with theirs."""
        ...


class Holding(Protocol):
    """Engine that keeps other programs away."""

    def hold_alone(self, *, still: bool) -> AbstractAsyncContextManager[None]:
        """Keep sinks, upkeeps and copies from the database. The kernel or the server lets go however the process ends.

        Args:
            still: True to keep every other program from writing too; those that read go on. The database must exist
                then.

        Raises:
            StoreInUseError: One of them has it.
            StoreUnavailableError: Another program did not stop writing in time.
            ConfigurationError: There can be no database.
        """
        ...
