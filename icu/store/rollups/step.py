"""Tools of one step of the upkeep's rolling up."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from icu.store.engines.base import Connection, Transaction
from icu.store.errors import VersionConflictError
from icu.store.rollups import statements
from icu.store.rollups.pace import Pace
from icu.store.rollups.spans import minute_of
from icu.store.upkeep_state import UpkeepState, read_upkeep_state

T = TypeVar("T")


class RolledUp(Struct, frozen=True):
    """Result of a step."""

    # True if there was nothing left to do.
    done: bool
    # Number of readings that were rolled up.
    readings: int
    # Number of late hours that were rolled up anew.
    hours: int
    # Milliseconds by which the roll-ups are behind now.
    behind: int


class Door(Protocol):
    """The database, as `icu.store.upkeep.Upkeep` opens it."""

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection to read with."""
        ...

    async def until_days(self, until: int) -> int:
        """Return the time before which readings are deleted row by row: `until`, or the first day, which goes whole."""
        ...

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in a transaction, and count it as one of the upkeep."""
        ...


class Step:
    """Step on the state of the upkeep as it was read.

    Args:
        door: The database.
        pace: Size of the transactions.
        state: State to begin with.
        now: Milliseconds since 1970 UTC.
    """

    def __init__(self, door: Door, pace: Pace, state: UpkeepState, now: int) -> None:
        self.door: Final = door
        self.pace: Final = pace
        self.state: Final = state
        self.now: Final = now
        # None before the first: there is nothing to roll up yet, as far as is known.
        self._rolled = state.rolled_until

    async def write(self, work: Callable[[Transaction], Awaitable[T]], *, minutes: int = 0) -> T:
        """Write what was read and computed.

        Args:
            work: Writes, so many `minutes` in all.
            minutes: For the pace; 0 leaves it alone.

        Raises:
            VersionConflictError: The state of the upkeep is another one by now. Nothing was written.
        """

        async def guarded(transaction: Transaction) -> T:
            self.pace.begin()
            if await read_upkeep_state(transaction) != self.state:
                raise VersionConflictError("the state of the upkeep was changed meanwhile: read it again")
            return await work(transaction)

        result = await self.door.transact(guarded)
        if minutes:
            self.pace.end(minutes)
        return result

    async def roll_until(self, transaction: Transaction, end: int) -> None:
        """Move the end of what is rolled up."""
        await transaction.execute(statements.ROLL_UNTIL, [{"until": end}])
        self._rolled = end

    async def begin_of_next(self, since: int, until: int) -> int:
        """Find the first minute with a reading at `since` or later; at most `until`, and that if there is none."""
        async with self.door.connection() as connection:
            [(first,)] = await connection.rows(statements.NEXT, {"since": since})
        return until if first is None else min(max(minute_of(first), since), until)

    def result(self, *, done: bool = False, readings: int = 0, hours: int = 0) -> RolledUp:
        """Make the result."""
        behind = 0 if self._rolled is None else max(0, self.now - self._rolled)
        return RolledUp(done, readings, hours, behind)
