"""Locks that keep a second program of a kind from a database: each on a connection of its own, and gone with that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg

from icu.store.engines.deadline import uncut
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import Driver, opened
from icu.store.engines.postgres.translation import translated

# First half of the locks' numbers, so that other programs on the database have others: "icu".
SPACE: Final = 0x696375

# Second halves.
SINK: Final = 1
UPKEEP: Final = 2
UPGRADE: Final = 3
DAYS: Final = 4

_TAKE: Final = b"SELECT pg_try_advisory_lock(%s, %s)"
_SHARE: Final = b"SELECT pg_try_advisory_lock_shared(%s, %s)"


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
    with translated(address), uncut():
        driver = await opened(address, name, reads=True)
    try:
        with translated(address), uncut():
            cursor = await driver.execute(_SHARE if shared else _TAKE, (SPACE, number))
            [(got,)] = await cursor.fetchall()
        yield Lock(driver) if got else None
    finally:
        await driver.close()
