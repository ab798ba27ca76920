"""Connections to read with, which stay open from one question to the next, each statement its own snapshot."""

import time
from collections.abc import Hashable, Sequence
from typing import Any, Final

from anyio.lowlevel import checkpoint_if_cancelled
from sqlalchemy import TextClause

from icu.store.engines.base import Values
from icu.store.engines.deadline import uncut
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import Driver, Session, identity_of, opened
from icu.store.engines.postgres.spans import split
from icu.store.engines.postgres.statements import by_column, compiled
from icu.store.engines.postgres.translation import translated
from icu.store.errors import StoreMovedError

_HAS_TABLE: Final = b"SELECT to_regclass(%(name)s) IS NOT NULL"
# Each transaction of ours raises one of these.
_COUNTERS: Final = (
    b"SELECT (SELECT batch FROM journal_end), (SELECT count FROM command_count), (SELECT max(at) FROM heartbeats),"
    b" commits, (SELECT number FROM generation) FROM upkeep_state"
)


class PostgresConnection:
    """See icu.store.engines.base.Connection."""

    def __init__(self, address: Address, identity: Hashable, session: Session) -> None:
        self._address = address
        self._session = session
        self.identity: Final = identity
        # Counters as of the last look, and the number of their changes.
        self._counters: Sequence[Any] = ()
        self._changes = 0

    @property
    def is_broken(self) -> bool:
        """True once it has ended, or a statement is still under way behind its deadline."""
        return not self._session.is_usable

    async def rows(self, statement: TextClause, values: Values | None = None) -> Sequence[Sequence[Any]]:
        return await self._fetch(compiled(statement), values)

    async def arrays(self, statement: TextClause, names: Sequence[str], values: Values | None = None) -> dict[str, str]:
        [texts] = await self._fetch(by_column(statement, tuple(names)), values)
        return dict(zip(names, texts, strict=True))

    def spans(self, since: int, until: int, *, newest_first: bool) -> Sequence[tuple[int, int]]:
        return split(since, until, newest_first=newest_first, now=round(time.time() * 1_000))

    async def has_table(self, name: str) -> bool:
        [(found,)] = await self._fetch(_HAS_TABLE, {"name": name})
        return bool(found)

    async def data_version(self) -> int:
        [counters] = await self._fetch(_COUNTERS, None)
        if self._counters and counters[-1] != self._counters[-1]:
            raise StoreMovedError(f"{self._address.location} was replaced")
        if counters != self._counters:
            self._counters = counters
            self._changes += 1
        return self._changes

    async def close(self) -> None:
        """Close it, and end what it may still be doing."""
        await self._session.close()

    async def _fetch(self, sql: bytes, values: Values | None) -> Sequence[Sequence[Any]]:
        await checkpoint_if_cancelled()  # for nothing below can be
        with translated(self._address), uncut():
            return await self._session.rows(sql, values)


async def opened_to(address: Address, name: str, identity: Hashable) -> PostgresConnection:
    """Open a connection to the database of an identity. StoreMovedError if the address leads to another one."""

    async def connect() -> Driver:
        driver = await opened(address, name, reads=True)
        found: Hashable = None
        try:
            found = await identity_of(driver)
        finally:
            if found != identity:
                await driver.close()
        if found != identity:
            raise StoreMovedError(f"{address.location} was replaced")
        return driver

    session = Session(connect)
    with translated(address), uncut():
        await session.open()
    return PostgresConnection(address, identity, session)
