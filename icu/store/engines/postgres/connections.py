"""Connections of psycopg: how they are opened, and what they make of the types of the columns."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

import anyio
import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import NumericBinaryLoader, NumericLoader
from psycopg.types.string import StrDumper

from icu.store.engines.postgres.address import Address

T = TypeVar("T")

Driver: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
Identity: TypeAlias = tuple[int, int, int]

# Name of a session where its role has none of its own.
NAME: Final = "icu"

_IDENTITY: Final = (
    b"SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()),"
    b" to_regclass('generation') IS NOT NULL FROM pg_control_system()"
)
_GENERATION: Final = b"SELECT number FROM generation"


class _Number(NumericLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - sums are whole or not
        return _plain(super().load(data))


class _BinaryNumber(NumericBinaryLoader):
    def load(self, data: Buffer) -> Any:  # noqa: ANN401 - as above
        return _plain(super().load(data))


def _plain(number: Decimal) -> int | float:
    """Return a sum as SQLite does: whole numbers have any number of digits here, and are int there."""
    return int(number) if number == number.to_integral_value() else float(number)


async def opened(address: Address, name: str = NAME, *, reads: bool = False) -> Driver:
    """Open a connection. Errors are the driver's.

    Args:
        address: Address of the database.
        name: Name of the session.
        reads: True for one that cannot write, and needs no transactions.
    """
    parameters = address.parameters(name, read_only=reads)
    driver: Driver = await psycopg.AsyncConnection.connect(autocommit=reads, **parameters)
    # Texts are told as such: the server would deduce a type at each place of a parameter, and refuse two of them.
    driver.adapters.register_dumper(str, StrDumper)
    for loader in (_Number, _BinaryNumber):
        driver.adapters.register_loader("numeric", loader)
    return driver


async def identity_of(driver: Driver) -> Identity:
    """Return the identity of the database that a connection leads to: of its server, itself and its tables."""
    [(server, database, has_tables)] = await (await driver.execute(_IDENTITY)).fetchall()
    return server, database, await generation_of(driver) if has_tables else 0


async def generation_of(driver: Driver) -> int:
    """Return the number that tells these tables from others."""
    [(number,)] = await (await driver.execute(_GENERATION)).fetchall()
    return int(number)


def is_usable(driver: Driver) -> bool:
    """Tell if a connection is open, and nothing is under way on it."""
    return not driver.closed and driver.info.transaction_status is TransactionStatus.IDLE


def is_outdated(exc: Exception, driver: Driver) -> bool:
    """Tell if another connection mends it: this one has ended, or its plans are of other tables than there are now."""
    if isinstance(exc, errors.FeatureNotSupported):
        return "cached plan" in str(exc)
    return driver.closed and isinstance(exc, (psycopg.OperationalError, errors.IdleInTransactionSessionTimeout))


class Session:
    """Connection to ask with, one question at a time. It is opened for the first one, and anew where it has ended.

    Args:
        connect: Opens a connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[Driver]]) -> None:
        self._connect = connect
        self._driver: Driver | None = None
        self._turn = anyio.Lock()

    @property
    def is_usable(self) -> bool:
        """True if it is open, and nothing is under way on it."""
        return self._driver is not None and is_usable(self._driver)

    async def open(self) -> None:
        """Open it before the first question. Errors are the driver's."""
        self._driver = await self._connect()

    async def ask(self, work: Callable[[Driver], Awaitable[T]]) -> T:
        """Run `work`, which only reads: twice if need be. Errors are the driver's."""
        async with self._turn:
            if self._driver is not None and self.is_usable:
                try:
                    return await work(self._driver)
                except psycopg.Error as exc:
                    if not is_outdated(exc, self._driver):
                        raise
            # A server that was started again has ended all connections; a deadline has left one in the middle.
            await self.close()
            self._driver = await self._connect()
            return await work(self._driver)

    async def rows(self, sql: bytes, values: Mapping[str, object] | None = None) -> Sequence[Sequence[Any]]:
        """Return the rows that a statement finds."""

        async def fetch(driver: Driver) -> Sequence[Sequence[Any]]:
            return await (await driver.execute(sql, values, binary=True)).fetchall()

        return await self.ask(fetch)

    async def close(self) -> None:
        """Close it, and end what it may still be doing. The next question opens it again."""
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()
