"""Whoever comes to the control socket: heard within a time, answered within a time, and never too many at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
import msgspec
from anyio import BrokenResourceError, CancelScope, ClosedResourceError, EndOfStream, IncompleteRead
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from icu.control.errors import OrderRefusedError
from icu.control.protocol import LONGEST_REQUEST, Answer, Request, encode_line
from icu.errors import UsageError

# Seconds that a caller may take to ask, and again to take the answer.
PATIENCE: Final = 10.0

# Callers who have not asked yet. One more, and the one that has been silent for longest is sent away.
MOST_SILENT: Final = 100

# Callers who follow the log. They stay for as long as they like, read or not, and have places of their own.
MOST_FOLLOWERS: Final = 50

# Callers who wait for any other answer, or for whom one waits.
MOST_ORDERS: Final = 100

# Exit code of a command for which there is no room.
BUSY: Final = 75


class CallerGoneError(Exception):
    """The caller went away, or took no answer in time: nothing more can be said to it."""


class Caller:
    """Somebody who asks. `requests` decodes what may be asked."""

    def __init__(self, stream: SocketStream, requests: msgspec.json.Decoder[Request]) -> None:
        self._stream = stream
        self._requests = requests

    async def request(self) -> Request:
        """Read its request. UsageError for what is none; CallerGoneError."""
        try:
            data = await BufferedByteReceiveStream(self._stream).receive_until(b"\n", LONGEST_REQUEST)
        except anyio.DelimiterNotFound as exc:
            raise UsageError(f"a request is one line of at most {LONGEST_REQUEST} bytes") from exc
        except (BrokenResourceError, ClosedResourceError, EndOfStream, IncompleteRead) as exc:
            raise CallerGoneError from exc
        try:
            return self._requests.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise UsageError(f"that is no request: {exc}") from exc

    async def answer(self, *answers: Answer, hurry: bool = True) -> None:
        """Say this, and nothing but "still here" without any. CallerGoneError where it is not taken, with `hurry` in
        time."""
        try:
            with anyio.fail_after(PATIENCE if hurry else None):
                await self._stream.send(b"".join(map(encode_line, answers)) or b"\n")
        except (BrokenResourceError, ClosedResourceError, TimeoutError) as exc:
            raise CallerGoneError from exc


class Arrivals:
    """Callers who have not asked yet, the longest silent first."""

    def __init__(self) -> None:
        self._silent: dict[CancelScope, None] = {}

    async def hear(self, caller: Caller) -> Request:
        """A caller's request. UsageError where none came in time, or before the place was needed; CallerGoneError."""
        with anyio.move_on_after(PATIENCE) as scope:
            self._silent[scope] = None
            if len(self._silent) > MOST_SILENT:
                self._send_away(next(iter(self._silent)))
            try:
                return await caller.request()
            finally:
                self._silent.pop(scope, None)
        raise UsageError("no whole request came in time")

    def _send_away(self, scope: CancelScope) -> None:
        del self._silent[scope]
        scope.cancel()


class CallerLimit:
    """So many callers at once who want the same, and no more."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Keep one of the places. OrderRefusedError where all are taken."""
        if self._taken >= self._most:
            raise OrderRefusedError(f"there are {self._most} {self._what} at once already: end some of them", BUSY)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
