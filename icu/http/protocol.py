"""The work of a connection of our own server beside speaking HTTP, whichever of uvicorn's protocol classes speaks it.

It is counted, and told to make way or to refuse where there are too many. A request has to arrive in time, and its
response to be taken. The application can cut it off.
"""

import asyncio
from typing import Any, Final

import msgspec
from litestar.types import Receive, Scope

from icu.http.connections import Connections, Room
from icu.http.problems import PROBLEM_JSON, Problem

# Seconds within which a request has to arrive, head and body: the first one from the connection on, each later one from
# its first byte.
ARRIVAL: Final = 10.0

# Seconds within which a client has to take something of what it is sent: about 50 KB, where it is behind by more.
STALL: Final = 30.0

_ABORT: Final = "icu.abort"
_REFUSED: Final = "icu.refused"
_BAD_REQUEST: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
)
_CLOSE: Final = (b"connection", b"close")


async def cut_off(scope: Scope, receive: Receive) -> None:
    """End a connection without sending what is still to be sent, which a client that does not read holds up for long.

    Only our own server can. Another one closes the connection when the client has read everything.
    """
    abort = scope["state"].get(_ABORT)
    if abort is not None:
        abort()
        while (await receive())["type"] != "http.disconnect":
            """The server has to notice before the application returns, or takes the response for forgotten."""


def is_refused(scope: Scope) -> bool:
    """Tell if a request came over a connection beyond the cap, which is open only to be told so.

    Other servers than ours have caps of their own.
    """
    return bool(scope["state"].get(_REFUSED))


class BoundedProtocol(asyncio.Protocol):
    """The mixin, to be put in front of uvicorn's class."""

    # What both of uvicorn's classes have. The cycle is the last request and its response; None before the first.
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    app_state: dict[str, Any]
    server_state: Any
    cycle: Any

    def __init__(self, *args: Any, connections: Connections, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **kwargs)
        self._connections = connections
        self._room: Room | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def cut(self) -> None:
        """Close the connection now."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Find it a place, and tell the application of each of its requests what it may do and has to."""
        super().connection_made(transport)
        self._room = self._connections.admit(self)
        if self._room is None:
            self.cut()
            return
        self.app_state = {**self.app_state, _ABORT: transport.abort, _REFUSED: self._is_refused}
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place back."""
        super().connection_lost(exc)
        self._clear_deadline()
        self._clear_stall()
        if self._room is not None:
            self._room.leave(self)

    def data_received(self, data: bytes) -> None:
        """Go on with a request, or begin one."""
        if self._room is not None:
            self._room.begin_work(self)
        super().data_received(data)
        if self._has_arrived:
            self._clear_deadline()
        else:
            self._set_deadline()
        if self._is_refused and self.cycle is not None:
            self.cycle.default_headers = [*self.server_state.default_headers, _CLOSE]

    def on_response_complete(self) -> None:
        """Be idle, unless the next request waits already."""
        super().on_response_complete()  # type: ignore[misc] # uvicorn's
        if self._room is not None and self.cycle.response_complete:
            self._clear_deadline()  # where it was answered before all of its body was there
            self._room.end_work(self)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem, as every other mistake."""
        problem = Problem(title="Bad Request", status=400, detail=f"{msg} Speak HTTP/1.1 here.", instance="")
        body = msgspec.json.encode(problem)
        self.transport.write(_BAD_REQUEST % (PROBLEM_JSON.encode(), len(body), body))
        self.transport.close()

    def pause_writing(self) -> None:
        """The client is behind: nobody waits for it for ever."""
        super().pause_writing()
        self._stall = self.loop.call_later(STALL, self.cut)

    def resume_writing(self) -> None:
        """It has taken most of what there was."""
        super().resume_writing()
        self._clear_stall()

    @property
    def _is_refused(self) -> bool:
        return self._room is self._connections.refused

    @property
    def _has_arrived(self) -> bool:
        """Tell if a request is being served that has come whole."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(ARRIVAL, self.cut)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _clear_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
