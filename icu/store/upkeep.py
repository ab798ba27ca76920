"""The upkeep's door to the database: short transactions, each of which the sink knows for the upkeep's."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeVar

from sqlalchemy import text

from icu.config.retention import DEFAULT, Retention
from icu.store import schema
from icu.store.engines.base import Connection, Engine, Transaction
from icu.store.engines.table import engine_of
from icu.store.errors import StoreMovedError
from icu.store.retention.deleting import Deleted, Deleting
from icu.store.rollups.pace import FIRST, Pace
from icu.store.rollups.rolling import Rolling
from icu.store.rollups.step import RolledUp
from icu.store.upkeep_state import UpkeepState, read_upkeep_state

T = TypeVar("T")

_LOOKED: Final = text("UPDATE upkeep_state SET looked = :now")
# Changes nothing, and locks the row: sinks read the borders in it, and wait for it until they stand.
_LOCK: Final = text("UPDATE upkeep_state SET commits = commits")
_COUNT: Final = text("UPDATE upkeep_state SET commits = commits + 1")


class Upkeep:
    """Upkeep of a database. Made by `open_upkeep`. Not to be used by two tasks at once.

    All methods raise SchemaError where there is no database, or tables of another version than this program's, and
    StoreUnavailableError where it cannot be reached or was exchanged. The next call begins with what is there then.

    Args:
        engine: The database.
        retention: How long each kind is kept.
        clock: Seconds of a steady clock, by which transactions are kept short.
        minutes: Minutes to roll up in the first transaction.
    """

    def __init__(
        self,
        engine: Engine,
        retention: Retention = DEFAULT,
        *,
        clock: Callable[[], float] = time.monotonic,
        minutes: int = FIRST,
    ) -> None:
        self._engine = engine
        # Database that the connections lead to; None before the first.
        self._identity: Hashable | None = None
        self._rolling = Rolling(self, Pace(clock, minutes))
        self._deleting = Deleting(self, clock, retention)

    async def state(self) -> UpkeepState:
        """Read how far the upkeep has come."""
        async with self.connection() as connection:
            return await read_upkeep_state(connection)

    async def roll_up(self, now: int) -> RolledUp:
        """Do the next piece of rolling up: one short transaction. Call it until there is nothing left to do.

        Args:
            now: Milliseconds since 1970 UTC.
        """
        return await self._rolling.step(now)

    async def delete(self, now: int) -> Deleted:
        """Delete the next rows that are older than they are kept: one short transaction. Call it until done.

        Args:
            now: Milliseconds since 1970 UTC.
        """
        return await self._deleting.step(now)

    async def keep_days(self, now: int, horizon: int) -> int:
        """Make partitions of the days to come, and drop those whose readings are not served any more.

        Args:
            now: Milliseconds since 1970 UTC.
            horizon: No reading before it is served.

        Returns:
            Number of days that were dropped.

        Raises:
            StoreBusyError: Others hold the readings. It can wait.
            StoreDeniedError: Only the owner of the tables may do it.
        """
        await self._engine.make_room(now)
        return await self._engine.drop_before(horizon)

    async def note_look(self, now: int) -> None:
        """Store a sign of life."""
        await self.transact(lambda transaction: transaction.execute(_LOOKED, [{"now": now}]))

    async def until_days(self, until: int) -> int:
        """Return the time before which readings are deleted row by row: `until`, or the first day, which goes whole."""
        days = (each.since for each in await self._engine.parts() or () if each.since is not None)
        return min(until, next(days, until))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection to read with."""
        identity = await schema.find(self._engine)
        if identity != self._identity:
            # Connections to write with lead to the file on which they were opened.
            await self._engine.aclose()
            async with self._engine.connection(identity) as connection:
                await schema.check_writable(connection, self._engine.location)
            self._identity = identity
        async with self._engine.connection(identity) as connection:
            yield connection

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in a transaction, and count it, so that the sink knows it for harmless.

        Raises:
            StoreMovedError: The database was exchanged since it was read last. Nothing was committed there.
        """

        async def counted(transaction: Transaction) -> T:
            await transaction.execute(_LOCK, [{}])
            result = await work(transaction)
            await transaction.execute(_COUNT, [{}])
            if await self._engine.identity() != self._identity:
                self._identity = None
                raise StoreMovedError(f"{self._engine.location} was removed or replaced")
            return result

        if self._identity is None:
            async with self.connection():
                pass
        return await self._engine.transact(counted)


@asynccontextmanager
async def open_upkeep(url: str, retention: Retention = DEFAULT) -> AsyncIterator[Upkeep]:
    """Open a database for its upkeep. It is looked for with each call, and need not exist yet.

    Args:
        url: URL of the database.
        retention: How long each kind is kept.

    Raises:
        ConfigurationError: There can be no database.
    """
    engine = engine_of(url, name="icu-upkeep")
    try:
        yield Upkeep(engine, retention)
    finally:
        await engine.aclose()


def only_upkeep(url: str) -> AbstractAsyncContextManager[None]:
    """Keep other upkeeps from a database. Two would do no harm, and everything twice.

    Args:
        url: URL of the database.

    Raises:
        StoreUnavailableError: Another upkeep looks after it, on entering.
        ConfigurationError: There can be no database.
    """
    return engine_of(url).hold_upkeep()
