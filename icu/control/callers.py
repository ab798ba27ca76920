"""Callers of the control socket, with limits in time and number."""

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
from icu.errors import Kind, UsageError

# Seconds that a caller may take to send its request, and again to receive the answer.
CALLER_TIMEOUT: Final = 10.0

# Callers that have not sent a request yet. One more, and the longest silent one is dropped.
MAX_SILENT: Final = 100

# Callers that follow the log. They may stay without end, whether they read or not, so they have a limit of their own.
MAX_FOLLOWERS: Final = 50

# Callers that wait for any other answer, or that we wait for.
MAX_ORDERS: Final = 100

# Exit code of a command beyond these limits: EX_TEMPFAIL of sysexits.h.
BUSY_EXIT_CODE: Final = 75


class CallerGoneError(Exception):
    """The caller has disconnected, or did not receive its answer in time: nothing more can be sent."""


class Caller:
    """One connection to the control socket."""

    def __init__(self, stream: SocketStream, requests: msgspec.json.Decoder[Request]) -> None:
        """Wrap a connection.

        Args:
            stream: The connection.
            requests: The decoder of all requests that are accepted.
        """
        self._stream = stream
        self._requests = requests

    async def request(self) -> Request:
        """Receive the request.

        Raises:
            UsageError: It is malformed or too long.
            CallerGoneError: The caller has disconnected.
        """
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

    async def answer(self, *answers: Answer, timed: bool = True) -> None:
        """Send answers; without any, an empty line as a sign of life.

        Args:
            *answers: The answers.
            timed: False to wait without end for a slow reader.

        Raises:
            CallerGoneError: The caller has disconnected, or did not read in time.
        """
        try:
            with anyio.fail_after(CALLER_TIMEOUT if timed else None):
                await self._stream.send(b"".join(map(encode_line, answers)) or b"\n")
        except (BrokenResourceError, ClosedResourceError, TimeoutError) as exc:
            raise CallerGoneError from exc


class SilentCallers:
    """The callers that have not sent a request yet, the longest silent first."""

    def __init__(self) -> None:
        self._silent: dict[CancelScope, None] = {}

    async def receive(self, caller: Caller) -> Request:
        """Receive a caller's request.

        Raises:
            UsageError: It is malformed, or did not arrive in time or before another caller needed the place.
            CallerGoneError: The caller has disconnected.
        """
        with anyio.move_on_after(CALLER_TIMEOUT) as scope:
            self._silent[scope] = None
            if len(self._silent) > MAX_SILENT:
                self._drop(next(iter(self._silent)))
            try:
                return await caller.request()
            finally:
                self._silent.pop(scope, None)
        raise UsageError("no whole request came in time")

    def _drop(self, scope: CancelScope) -> None:
        del self._silent[scope]
        scope.cancel()


class CallerLimit:
    """A limit on the callers of one kind at the same time."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one caller while the block runs. Raises OrderRefusedError beyond the limit."""
        if self._taken >= self._most:
            raise OrderRefusedError(
                f"there are {self._most} {self._what} at once already: end some of them",
                BUSY_EXIT_CODE,
                Kind.UNAVAILABLE,
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
