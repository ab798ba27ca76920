"""Connections to read with, on any engine, and what protects statements from cancellation.

A cancelled transaction hangs the interpreter's exit, and may have been committed all the same; a cancelled statement
leaks its connection. So they are shielded, with a deadline.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from anyio import CancelScope, fail_after
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

# Seconds: longer than an engine waits for locks, and less than the sink's grace at shutdown (7 s), so that none is ever
# cut.
TRANSACTION_DEADLINE: Final = 5.0

T = TypeVar("T")


class Connection:
    """A connection to read with, each statement its own snapshot: cancelled between two of them, never in one."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rows(self, statement: Executable, values: Mapping[str, object] | None = None) -> Sequence[Any]:
        """The rows that a statement finds."""
        with uncut():
            return (await self._connection.execute(statement, values)).all()

    async def value(self, statement: Executable, values: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - whatever the statement selects
        """The first value of the first row; None where there is none."""
        rows = await self.rows(statement, values)
        return rows[0][0] if rows else None

    async def run(self, work: Callable[[SyncConnection], T]) -> T:
        """Run statements that were written for a connection without async."""
        with uncut():
            return await self._connection.run_sync(work)


def uncut() -> AbstractContextManager[CancelScope]:
    """Not to be cancelled, but for its deadline."""
    return fail_after(TRANSACTION_DEADLINE, shield=True)
