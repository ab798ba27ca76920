"""A mixin for uvicorn's protocol classes that bounds connections in number and time.

A connection is counted, and makes way or is refused when there are too many. A request has to arrive in time, and the
client has to read its response in time. The application can close a connection at once.
"""

import asyncio
import socket
import struct
from functools import partial
from typing import Any, Final

import msgspec
from anyio import CancelScope
from litestar.types import Receive, Scope

from icu.http.connections import Connections, ConnectionSlots
from icu.http.problems import PROBLEM_JSON, Problem

# Seconds within which a request has to arrive, head and body: the first one after the connection was made, each later
# one after its first byte.
REQUEST_TIMEOUT: Final = 10.0

# Seconds within which a client that reads slowly has to catch up, from the upper limit of the write buffer to the lower
# one: about 50 KB.
WRITE_TIMEOUT: Final = 30.0

# Keys in the state of a request.
_ABORT: Final = "icu.abort"
_REFUSED: Final = "icu.refused"
_BAD_REQUEST: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
)
# To linger, for no time: see socket(7).
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_CLOSE: Final = (b"connection", b"close")


async def cut_off(scope: Scope, receive: Receive) -> None:
    """Close a connection without sending pending data, which a client that does not read would hold up for long.

    Other servers than ours cannot do this: they close it when the client has read everything.
    """
    abort = scope["state"].get(_ABORT)
    if abort is not None:
        abort()
        # Wait until the server has noticed: if the application returned before, it would log an incomplete response.
        while (await receive())["type"] != "http.disconnect":
            pass


async def cancel_on_disconnect(receive: Receive, scope: CancelScope) -> None:
    """Wait until the client has gone, and cancel what is done for it."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def is_refused(scope: Scope) -> bool:
    """Check if a request came over a connection beyond the cap, which is open only for a refusal."""
    # Not set by other servers, which have caps of their own.
    return bool(scope["state"].get(_REFUSED))


def _reset(transport: asyncio.Transport) -> None:
    """Close a connection by a reset: the end of a body without length, to a client of HTTP/1.0, is a plain close."""
    # A client that has gone has no socket any more.
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


class BoundedProtocol(asyncio.Protocol):
    """Mixin, to be put before uvicorn's class."""

    # Attributes of both of uvicorn's classes. The cycle is the last request and its response; None before the first.
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    app_state: dict[str, Any]
    server_state: Any
    cycle: Any

    def __init__(self, *args: Any, connections: Connections, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._connections = connections
        self._slots: ConnectionSlots | None = None
        self._request_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def cut(self) -> None:
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take a slot, and give the application access to this connection."""
        super().connection_made(transport)
        self._slots = self._connections.admit(self)
        if self._slots is None:
            self.cut()
            return
        self.app_state = {**self.app_state, _ABORT: partial(_reset, transport), _REFUSED: self._is_refused}
        self._set_request_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Free the slot."""
        super().connection_lost(exc)
        self._clear_request_timer()
        self._clear_write_timer()
        if self._slots is not None:
            self._slots.leave(self)

    def data_received(self, data: bytes) -> None:
        """Mark the connection as busy, and limit the time in which the request arrives."""
        if self._slots is not None:
            self._slots.begin_work(self)
        super().data_received(data)
        if self._has_arrived:
            self._clear_request_timer()
        else:
            self._set_request_timer()
        if self._is_refused and self.cycle is not None:
            self.cycle.default_headers = [*self.server_state.default_headers, _CLOSE]

    def on_response_complete(self) -> None:
        """Mark the connection as idle, unless the next request has arrived already."""
        super().on_response_complete()  # type: ignore[misc] # uvicorn's
        if self._slots is not None and self.cycle.response_complete:
            self._clear_request_timer()  # still set if the response came before the end of the body
            self._slots.end_work(self)

    def send_400_response(self, msg: str) -> None:
        """Respond to malformed HTTP with problem details, as to every other mistake."""
        problem = Problem(title="Bad Request", status=400, detail=f"{msg} Speak HTTP/1.1 here.", instance="")
        body = msgspec.json.encode(problem)
        self.transport.write(_BAD_REQUEST % (PROBLEM_JSON.encode(), len(body), body))
        self.transport.close()

    def pause_writing(self) -> None:
        """Close the connection if the client does not catch up in time."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(WRITE_TIMEOUT, self.cut)

    def resume_writing(self) -> None:
        """Note that the client has caught up."""
        super().resume_writing()
        self._clear_write_timer()

    @property
    def _is_refused(self) -> bool:
        return self._slots is self._connections.refused

    @property
    def _has_arrived(self) -> bool:
        """True while a request is served that has arrived as a whole."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _set_request_timer(self) -> None:
        if self._request_timer is None:
            self._request_timer = self.loop.call_later(REQUEST_TIMEOUT, self.cut)

    def _clear_request_timer(self) -> None:
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None

    def _clear_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
