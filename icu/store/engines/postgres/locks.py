"""Locks that keep a second program of a kind from a database: each on a connection of its own, and gone with that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import psycopg

from icu.store.engines.deadline import uncut
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import Driver, opened
from icu.store.engines.postgres.translation import translated
from icu.store.tables.metadata import METADATA

# First half of the locks' numbers, so that other programs on the database have others: "icu".
SPACE: Final = 0x696375

# Second halves: of sink and upkeep, both of which a copy takes.
SINK: Final = 1
UPKEEP: Final = 2
UPGRADE: Final = 3
DAYS: Final = 4

_TAKE: Final = b"SELECT pg_try_advisory_lock(%s, %s)"
_SHARE: Final = b"SELECT pg_try_advisory_lock_shared(%s, %s)"
# All that is the store's: reading goes on.
_NOBODY_WRITES: Final = f"LOCK TABLE {', '.join(sorted(METADATA.tables))} IN EXCLUSIVE MODE".encode()


class Lock:
    """Lock that is held.

    Args:
        driver: The connection that holds it.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def is_held(self) -> bool:
        """Tell if its connection is there, as far as is known here. Asks nobody: it takes a microsecond."""
        try:
            # Twice: the first may find the server's last word, and the second that it has hung up.
            self._driver.pgconn.consume_input()
            self._driver.pgconn.consume_input()
        except psycopg.Error:
            return False
        return not self._driver.closed


@asynccontextmanager
async def held(address: Address, number: int, name: str, *, shared: bool = False) -> AsyncIterator[Lock | None]:
    """Hold a lock.

    Args:
        address: Address of the database.
        number: Second half of its number.
        name: Name of the session.
        shared: True where others may share it.

    Yields:
        The lock; None if another program has it.

    Raises:
        StoreUnavailableError: The database cannot be reached.
    """
    driver = await _connected(address, name)
    try:
        with translated(address), uncut():
            cursor = await driver.execute(_SHARE if shared else _TAKE, (SPACE, number))
            [(got,)] = await cursor.fetchall()
        yield Lock(driver) if got else None
    finally:
        await _let_go(driver, b"SELECT pg_advisory_unlock_all()")


@asynccontextmanager
async def written_by_nobody(address: Address) -> AsyncIterator[None]:
    """Keep all programs from writing to the store's tables, by a transaction that writes nothing.

    Args:
        address: Address of the database.

    Raises:
        StoreUnavailableError: Another program did not stop writing in time.
    """
    driver = await _connected(address, "icu-copy")
    try:
        with translated(address), uncut():
            await driver.execute(b"BEGIN")
            await driver.execute(b"SET LOCAL idle_in_transaction_session_timeout = 0")
            await driver.execute(_NOBODY_WRITES)
        yield
    finally:
        await _let_go(driver, b"ROLLBACK")


async def _let_go(driver: Driver, statement: bytes) -> None:
    """Give up what a connection holds, and close it.

    The server gives it up by itself, but a moment after the connection is closed: who comes next would find it taken.
    Nobody is waited for where the connection is gone.
    """
    try:
        with suppress(psycopg.Error, TimeoutError), uncut():
            await driver.execute(statement)
    finally:
        await driver.close()


async def _connected(address: Address, name: str) -> Driver:
    with translated(address), uncut():
        return await opened(address, name, reads=True)
