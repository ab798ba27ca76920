"""Connections to read with: few, opened when they are needed, and lent to one at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Final, Generic, Protocol, TypeVar

import anyio

from icu.store.engines.deadline import TRANSACTION_DEADLINE

# Connections that are open at most: one is the broadcast's for good, and no machine reads faster with more than a few.
MOST: Final = 6


class Lendable(Protocol):
    """Connection that can be lent."""

    @property
    def identity(self) -> Hashable:
        """Identity of the database that it leads to."""
        ...

    @property
    def is_broken(self) -> bool:
        """True if nobody can use it any more."""
        ...

    async def close(self) -> None:
        """Close it, and end what it may still be doing."""
        ...


C = TypeVar("C", bound=Lendable)
Key = TypeVar("Key", bound=Hashable)


class Lending(Generic[C, Key]):
    """The connections to a database.

    Args:
        connect: Opens one to the database of an identity.
        translate: Translates the error of a connection that did not come free in time.
    """

    def __init__(
        self, connect: Callable[[Key], Awaitable[C]], translate: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._connect = connect
        self._translate = translate
        self._places = anyio.Semaphore(MOST, fast_acquire=True)
        # Identity that was asked for last; None for none.
        self._identity: Key | None = None
        # Those that lead there and nobody uses, the last one first, so that no more are opened than are needed at once.
        self._free: list[C] = []

    @asynccontextmanager
    async def lent(self, identity: Key) -> AsyncIterator[C]:
        """Lend a connection to the database of this identity."""
        await self._enter()
        try:
            await self._keep(identity)
            connection = self._free.pop() if self._free else await self._connect(identity)
            try:
                yield connection
            finally:
                if connection.is_broken or connection.identity != self._identity:
                    await connection.close()
                else:
                    self._free.append(connection)
        finally:
            self._places.release()

    async def aclose(self) -> None:
        """Close those that nobody uses now, and the others when they come back."""
        await self._keep(None)

    async def _enter(self) -> None:
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            with self._translate(), anyio.fail_after(TRANSACTION_DEADLINE):
                await self._places.acquire()

    async def _keep(self, identity: Key | None) -> None:
        """Close the free connections to any other database."""
        if identity != self._identity:
            self._identity, closing, self._free = identity, self._free, []
            for each in closing:
                await each.close()
