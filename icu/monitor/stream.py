"""The live stream of one client, as server-sent events.

It is told what is stored from now on. One that comes back with `Last-Event-ID` first gets what it missed, from the
store's journal, or a `reset` event where the journal no longer reaches back so far: then read the patients anew.
"""

from collections.abc import Sequence
from random import randint
from typing import Annotated, Final
from uuid import UUID

import anyio
from anyio import CancelScope
from anyio.streams.memory import MemoryObjectReceiveStream
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send
from loguru import logger

from icu.http.errors import TooManyConnectionsError
from icu.http.problems import documented
from icu.http.protocol import cut_off
from icu.monitor.broadcast import PAGE, Broadcast, Tick, encode
from icu.monitor.events import STREAM
from icu.monitor.queries import AnyRequest, check
from icu.store.errors import StoreError
from icu.store.reader import Batch, Reader

QUEUE: Final = 64
"""Ticks that a client may lag behind before it is dropped: 13 s of a busy ward."""

KEEP_ALIVE: Final = 15.0
"""Seconds of silence after which a comment is sent, so that proxies keep the connection."""

_CACHE_CONTROL: Final = "no-store, no-transform"
"""Proxies that compress would keep events back."""

# A tuple: middleware adds to lists in place, and one client's headers must not become another's.
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", _CACHE_CONTROL.encode()),
    (b"x-accel-buffering", b"no"),
)
_RETRY: Final = b"retry: 2000\n"
"""Milliseconds that a browser waits before it comes back."""

_RETRY_LATER: Final = 10_000, 30_000
"""The same where there are too many connections, at least and at most: those that were refused at one time would come
back at one time, and one connection a refusal is what such a server has least of."""


def _come_back(_request: AnyRequest, _error: TooManyConnectionsError) -> Response[str]:
    """An empty stream: a browser comes back after its end, but never after a 503."""
    retry = randint(*_RETRY_LATER)  # noqa: S311 - to spread them, not to surprise anybody
    return Response(f"retry: {retry}\n\n", media_type="text/event-stream", headers={"Cache-Control": _CACHE_CONTROL})


@get(
    "/stream",
    summary="Readings as they are stored, as server-sent events",
    tags=["patients"],
    responses={200: STREAM, **documented(400, 404, 503)},
    exception_handlers={TooManyConnectionsError: _come_back},
)
async def stream(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    broadcast: NamedDependency[Broadcast],
    patient: Annotated[
        UUID | None, QueryParameter(description="Only the readings of the patient with this uuid")
    ] = None,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(name="Last-Event-ID", description="Go on behind this event; browsers send it themselves"),
    ] = None,
) -> ASGIApp:
    """`readings`: a JSON array, what one transaction stored. `reset`: events were missed; read the patients anew."""
    check(request.query_params, ("patient",))
    await reader.check()
    if patient is not None:
        await reader.known(patient)
    return EventStream(reader, broadcast, patient, _number(last_event_id))


class EventStream:
    """The response to one client."""

    def __init__(self, reader: Reader, broadcast: Broadcast, patient: UUID | None, last_seen: int | None) -> None:
        self._reader = reader
        self._broadcast = broadcast
        self._patient = patient
        self._last_seen = last_seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        complete = False
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
            await self._serve(send, group.cancel_scope)
            complete = True
            group.cancel_scope.cancel()
        if not complete:
            await cut_off(scope, receive)

    async def _serve(self, send: Send, scope: CancelScope) -> None:
        sender, queue = anyio.create_memory_object_stream[Tick](QUEUE)
        subscription = self._broadcast.subscribe(sender, scope)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            seen = await self._begin(send, subscription.seen)
            await self._follow(send, queue, seen)
        except StoreError as exc:
            logger.debug("a stream ends, its client will come back: {}", exc)
        finally:
            self._broadcast.unsubscribe(subscription)
            sender.close()
            queue.close()
        await _send(send, b"", more=False)

    async def _begin(self, send: Send, newest: int) -> int:
        """Send what the client missed; returns the number of the last batch that it has."""
        if self._last_seen is None:
            # An id without data makes no event, but is where the client comes back from.
            await _send(send, _RETRY + (_id(newest) or b"\n"))
            return newest
        await _send(send, _RETRY + b"\n")
        seen = self._last_seen
        while batches := await self._missed(seen):
            await _send(send, encode(batches, self._patient))
            seen = batches[-1].number
        if batches is None:
            await _send(send, _reset(newest))
            return newest
        return seen

    async def _missed(self, seen: int) -> Sequence[Batch] | None:
        # No connection is held while a slow client takes what it is sent: there are few of them.
        async with self._reader.follow() as follower:
            return await follower.after(seen, limit=PAGE)

    async def _follow(self, send: Send, queue: MemoryObjectReceiveStream[Tick], seen: int) -> None:
        while True:
            tick = None
            with anyio.move_on_after(KEEP_ALIVE):
                try:
                    tick = await queue.receive()
                except anyio.EndOfStream:
                    return
            if tick is None:
                await _send(send, b": still here\n\n")
            elif tick.restart:
                seen = tick.before
                await _send(send, _reset(seen))
            else:
                await _send(send, self._news(tick, seen))
                seen = max(seen, tick.batches[-1].number)

    def _news(self, tick: Tick, seen: int) -> bytes:
        if tick.before >= seen:
            return tick.encoded(self._patient)
        return encode([batch for batch in tick.batches if batch.number > seen], self._patient)


async def _cancel_on_disconnect(receive: Receive, scope: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    if body or not more:
        await send({"type": "http.response.body", "body": body, "more_body": more})


def _id(number: int) -> bytes:
    return b"id: %d\n\n" % number if number else b""


def _reset(newest: int) -> bytes:
    return b"event: reset\ndata: {}\n" + (_id(newest) or b"\n")


def _number(text: str | None) -> int | None:
    """A batch number; -1, which no journal holds, for what is none of ours."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and text.strip("0") else -1
