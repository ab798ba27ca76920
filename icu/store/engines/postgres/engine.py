"""PostgreSQL engine: a database on a server, which any number of programs share."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from pathlib import Path
from typing import TypeVar

from anyio import to_thread
from loguru import logger

from icu.store.engines.base import Report, Restoration, Storage
from icu.store.engines.deadline import uncut
from icu.store.engines.lending import Lending
from icu.store.engines.partitions import Part
from icu.store.engines.postgres import locks, tools
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import Identity, Session, identity_of, opened
from icu.store.engines.postgres.days import borders_of, drop_days, due_before, lacks_days, make_days, read_parts
from icu.store.engines.postgres.locks import Lock, held
from icu.store.engines.postgres.reading import PostgresConnection, opened_to
from icu.store.engines.postgres.transaction import PostgresTransaction
from icu.store.engines.postgres.translation import translated
from icu.store.engines.postgres.upgrading import upgrade
from icu.store.engines.postgres.writing import Writing
from icu.store.errors import (
    StoreBusyError,
    StoreDeniedError,
    StoreInUseError,
    StoreReplacedError,
    StoreUnavailableError,
)

T = TypeVar("T")

# What the driver warns of, statements that are given up at their deadline above all, is raised here as well.
logging.getLogger("psycopg").setLevel(logging.ERROR)


class PostgresEngine:
    """Engine on a database of PostgreSQL.

    Args:
        url: URL of the database.
        name: Name of the sessions, for `pg_stat_activity`.
    """

    single_sink = None

    def __init__(self, url: str, name: str) -> None:
        self._address = Address(url)
        self.location = self._address.location
        self._writing = Writing(self._address, name)
        self._lending = Lending[PostgresConnection, Hashable](partial(opened_to, self._address, name), self.translate)
        # Asks for what does not depend on the identity.
        self._session = Session(partial(opened, self._address, name, reads=True))
        # Held while the database is open for a sink.
        self._lock: Lock | None = None

    def check_location(self) -> None:
        """Nothing can be said of a server without asking it."""

    def translate(self) -> AbstractContextManager[None]:
        return translated(self._address)

    async def upgrade(self) -> str | None:
        return await to_thread.run_sync(upgrade, self._address)

    @asynccontextmanager
    async def open_for_sink(self, *, shares: bool = False) -> AsyncIterator[None]:
        async with held(self._address, locks.SINK, "icu-sink-lock", shared=shares) as lock:
            if lock is None:
                raise StoreInUseError(f"{self.location} is in use: another sink writes to it")
            await self.upgrade()
            await self._look_at_days()
            self._lock, self._writing.name = lock, "icu-sink"
            try:
                yield
            finally:
                self._lock = None
                await self.aclose()

    @asynccontextmanager
    async def hold_upkeep(self) -> AsyncIterator[None]:
        async with held(self._address, locks.UPKEEP, "icu-upkeep-lock") as lock:
            if lock is None:
                raise StoreUnavailableError(f"{self.location}: another upkeep looks after it: one is enough")
            yield

    @asynccontextmanager
    async def hold_alone(self, *, still: bool) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for number in (locks.SINK, locks.UPKEEP):
                if await stack.enter_async_context(held(self._address, number, "icu-copy")) is None:
                    stop = "stop its sink and its upkeep (python -m icu stop sink upkeep)"
                    raise StoreInUseError(f"{self.location} is in use: {stop}, copy, and start them again")
            if still:
                await stack.enter_async_context(locks.written_by_nobody(self._address))
            yield

    def set_baseline(self, generation: int) -> None:
        """Nothing: a server's database is not exchanged while it is open."""

    async def transact(self, work: Callable[[PostgresTransaction], Awaitable[T]]) -> T:
        self._check_lock()
        with self.translate(), uncut():
            return await self._writing.transact(work)

    async def read(self, work: Callable[[PostgresTransaction], Awaitable[T]]) -> T:
        self._check_lock()
        with self.translate(), uncut():
            return await self._writing.transact(work, commits=False)

    def connection(self, identity: Hashable) -> AbstractAsyncContextManager[PostgresConnection]:
        return self._lending.lent(identity)

    async def identity(self) -> Identity | None:
        with self.translate(), uncut():
            return await self._session.ask(identity_of)

    async def parts(self) -> Sequence[Part]:
        with self.translate(), uncut():
            return await read_parts(self._session)

    async def make_room(self, now: int, *, since: int | None = None) -> None:
        while borders_of(await self.parts(), now, since):
            with self.translate(), uncut():
                await make_days(self._address, now, since)

    async def drop_before(self, until: int) -> int:
        if not due_before(await self.parts(), until):
            return 0
        with self.translate(), uncut():
            return await drop_days(self._address, until)

    def storage(self) -> Storage:
        return tools.measure(self._address)

    def find_damage(self, *, full: bool) -> Sequence[str]:  # noqa: ARG002 - the server's own tools do it
        return ()

    def back_up(self, target: Path, *, began: int, overwrite: bool, report: Report) -> int:  # noqa: ARG002 - as above
        raise tools.use_pg_dump(self._address, target)

    @contextmanager
    def restoring(self, source: Path, *, report: Report) -> Iterator[Restoration]:  # noqa: ARG002 - as above
        raise tools.use_pg_restore(self._address, source)
        yield

    async def aclose(self) -> None:
        await self._lending.aclose()
        await self._writing.aclose()
        await self._session.close()

    async def _look_at_days(self) -> None:
        """Make days that nobody has made in time. Without them readings are stored too, and are moved later."""
        now = round(time.time() * 1_000)
        if lacks_days(await self.parts(), now):
            try:
                await self.make_room(now)
            except (StoreBusyError, StoreDeniedError) as exc:
                logger.warning("{}: the days to come have no partitions yet", exc)

    def _check_lock(self) -> None:
        if self._lock is not None and not self._lock.is_held():
            raise StoreReplacedError(f"{self.location} has let go of this sink's lock: the server was started again")
