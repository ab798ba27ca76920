"""Shares: how much one key or person has at a time. Where nobody needs a key, there are no limits."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
from anyio import CancelScope
from litestar.types import ASGIApp, Receive, Scope, Send

from icu.monitor.access.errors import ExcessError
from icu.monitor.access.gate import Caller, WardGate, caller_of
from icu.store.errors import StoreError

# Streams of one key or person in one monitor.
MAX_STREAMS: Final = 50

# Seconds between two looks at the keys and sessions of open streams: less than a second with that of the look-up.
CHECK_EVERY: Final = 0.3


class Share:
    """Count of what each key or person has at a time.

    Args:
        most: Number of it.
        refusal: Sentence for who wants more.
    """

    def __init__(self, most: int, refusal: str) -> None:
        self._most = most
        self._refusal = refusal
        self._taken: Counter[str] = Counter()

    @contextmanager
    def take(self, caller: Caller | None) -> Iterator[None]:
        """Take one for the length of a block. Raises ExcessError if the client has as many."""
        if caller is None:
            yield
            return
        name = caller.principal.by
        if self._taken[name] >= self._most:
            raise ExcessError(self._refusal)
        self._taken[name] += 1
        try:
            yield
        finally:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]


class Exports:
    """Large answers: each key or person has one at a time."""

    def __init__(self) -> None:
        self._share = Share(1, "one large answer at a time: wait until the one before has come, or narrow the span")

    def one_at_a_time(self, app: ASGIApp) -> ASGIApp:
        """Middleware of a large answer. It raises ExcessError."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            with self._share.take(caller_of(scope)):
                await app(scope, receive, send)

        return answer


class Streams:
    """Open streams. Each ends with its key or session; those without one end when the ward closes.

    Args:
        gate: Gate that has let their clients in.
    """

    def __init__(self, gate: WardGate) -> None:
        self._gate = gate
        self._share = Share(
            MAX_STREAMS,
            f"this key or person has {MAX_STREAMS} streams here: close those that are not used, or take another key",
        )
        # By the token of the client; None where nobody needed a key.
        self._open: dict[str | None, set[CancelScope]] = {}

    @contextmanager
    def hold(self, caller: Caller | None, scope: CancelScope) -> Iterator[None]:
        """Count a stream for the length of a block.

        Args:
            caller: Client.
            scope: Cancelled when the client may no longer see the stream.

        Raises:
            ExcessError: The client has too many.
        """
        token = None if caller is None else caller.token
        with self._share.take(caller):
            # A proxy has let this person in, and tells of no end.
            if caller is not None and token is None:
                yield
                return
            scopes = self._open.setdefault(token, set())
            scopes.add(scope)
            try:
                yield
            finally:
                scopes.discard(scope)
                if not scopes and self._open.get(token) is scopes:
                    del self._open[token]

    async def run(self) -> None:
        """End the streams whose key or session has ended, until cancelled."""
        while True:
            await anyio.sleep(CHECK_EVERY)
            for token in list(self._open):
                await self._check(token)

    async def _check(self, token: str | None) -> None:
        try:
            may_go_on = await self._may_go_on(token)
        except StoreError:
            return  # nothing is told of patients either, as long as the database is away
        if not may_go_on:
            for scope in self._open.pop(token, ()):
                scope.cancel()

    async def _may_go_on(self, token: str | None) -> bool:
        if token is None:
            return self._gate.is_open
        return await self._gate.access.principal(token) is not None
