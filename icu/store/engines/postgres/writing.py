"""Transactions: whole, or not at all; and as a whole once more where only others stood in the way."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import psycopg
from psycopg import errors

from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import Driver, is_outdated, is_usable, opened
from icu.store.engines.postgres.transaction import PostgresTransaction

T = TypeVar("T")

# Times that a transaction is begun at most. What is in the way is over by the next time, nearly always.
ATTEMPTS: Final = 3

# Others came between: rows that both wanted to lock, or to insert.
_CROSSED: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)


class Writing:
    """Connections to write with, opened when they are needed, and kept.

    Args:
        address: Address of the database.
        name: Name of the sessions to come.
    """

    def __init__(self, address: Address, name: str) -> None:
        self._address = address
        self.name = name
        self._free: list[Driver] = []

    async def transact(self, work: Callable[[PostgresTransaction], Awaitable[T]], *, commits: bool = True) -> T:
        """Run `work` in a transaction. Errors are the driver's, or those of the work.

        Args:
            work: The work, which may be run several times.
            commits: False to end it without a commit.
        """
        for _ in range(ATTEMPTS - 1):
            driver = await self._taken()
            try:
                return await self._run(driver, work, commits=commits)
            except _CROSSED:
                pass
            except psycopg.Error as exc:
                # A connection that has ended before the commit has changed nothing. Whether a commit succeeded that was
                # not answered, nobody knows: the caller finds out.
                if isinstance(exc, _UnansweredCommit) or not is_outdated(exc, driver):
                    raise
        return await self._run(await self._taken(), work, commits=commits)

    async def aclose(self) -> None:
        """Close all that nobody uses."""
        free, self._free = self._free, []
        for each in free:
            await each.close()

    async def _taken(self) -> Driver:
        return self._free.pop() if self._free else await opened(self._address, self.name)

    async def _run(self, driver: Driver, work: Callable[[PostgresTransaction], Awaitable[T]], *, commits: bool) -> T:
        try:
            result = await work(PostgresTransaction(driver))
            if commits:
                await _commit(driver)
            return result
        finally:
            await self._give_back(driver)

    async def _give_back(self, driver: Driver) -> None:
        try:
            await driver.rollback()  # nothing to do behind a commit
        except psycopg.Error:
            await driver.close()
        except BaseException:
            # Cut by its deadline: the server ends what is under way when the connection ends.
            driver.pgconn.finish()
            raise
        if is_usable(driver):
            self._free.append(driver)
        else:
            await driver.close()


class _UnansweredCommit(psycopg.OperationalError):
    """The connection has ended during a commit."""


async def _commit(driver: Driver) -> None:
    try:
        await driver.commit()
    except psycopg.OperationalError as exc:
        if not driver.closed:
            raise
        raise _UnansweredCommit("the connection ended during the commit, which may have succeeded") from exc
