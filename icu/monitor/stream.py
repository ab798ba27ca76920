"""The live stream of one client, as server-sent events.

A new client gets what is stored from now on. A client that comes back with `Last-Event-ID` first gets the batches that
it missed, from the store's journal, or a `reset` event where the journal no longer reaches back so far: it then reads
the patients anew.
"""

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
from icu.http.gate import VIEWER
from icu.http.problems import documented
from icu.http.protocol import cancel_on_disconnect, cut_off
from icu.monitor.access.gate import caller_of
from icu.monitor.access.shares import Streams
from icu.monitor.broadcast import Broadcast, Update
from icu.monitor.errors import InvalidQueryError
from icu.monitor.events import STREAM
from icu.monitor.queries import AnyRequest, check_parameters
from icu.monitor.sse import Filter, encode
from icu.store.errors import StoreError
from icu.store.reader import Reader

# Updates that a client may lag behind before it is dropped: 13 s of a busy ward.
MAX_QUEUED: Final = 64

# Patients that a client may name: with more, the address is longer than the 8 KB that nginx takes by default.
MAX_PATIENTS: Final = 100

# Proxies that compress would hold events back.
_CACHE_CONTROL: Final = "no-store, no-transform"

# A tuple: middleware adds to lists in place, and one client's headers must not become another's.
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", _CACHE_CONTROL.encode()),
    (b"x-accel-buffering", b"no"),
)
# Milliseconds that a browser waits before it connects again.
_RETRY: Final = b"retry: 2000\n"

# Milliseconds to wait where there are too many connections, at least and at most. Random, for clients that were refused
# together would come back together; long, for each refusal takes one of the connections that the server lacks.
_BUSY_RETRY: Final = 10_000, 30_000


def _retry_later(_request: AnyRequest, _error: TooManyConnectionsError) -> Response[str]:
    """Answer with an empty stream: a browser connects again after its end, but never after a 503."""
    retry = randint(*_BUSY_RETRY)  # noqa: S311 - to spread them, not to surprise anybody
    return Response(f"retry: {retry}\n\n", media_type="text/event-stream", headers={"Cache-Control": _CACHE_CONTROL})


@get(
    "/stream",
    summary="Readings and alarms as they are stored, as server-sent events",
    tags=["patients"],
    opt=VIEWER,
    responses={200: STREAM, **documented(400, 404, 429, 503)},
    exception_handlers={TooManyConnectionsError: _retry_later},
)
async def stream(
    request: AnyRequest,
    reader: NamedDependency[Reader],
    broadcast: NamedDependency[Broadcast],
    streams: NamedDependency[Streams],
    patient: Annotated[
        list[UUID] | None,
        QueryParameter(
            schema_extra={"maxItems": MAX_PATIENTS},
            description="Only this patient: give it once for each that you follow; absent: all",
        ),
    ] = None,
    last_event_id: Annotated[
        str | None,
        HeaderParameter(name="Last-Event-ID", description="Go on behind this event; browsers send it themselves"),
    ] = None,
) -> ASGIApp:
    """`readings`: a JSON array, what one transaction stored. `patients`: those who are new or have another name, before
    their readings. `alarms`: those that have changed. `beat`: the server's time, each second. `reset`: events were
    missed; read the patients and the alarms anew."""
    check_parameters(request.query_params, ("patient",), repeatable=("patient",))
    patients = None if patient is None else frozenset(patient)
    if patients is not None and len(patients) > MAX_PATIENTS:
        raise InvalidQueryError(f"`patient` names {len(patients)} patients: name at most {MAX_PATIENTS}, or follow all")
    if not broadcast.is_following:
        await reader.check()
    for each in patients or ():
        await reader.check_followed(each)
    return EventStream(broadcast, patients, _parse_event_id(last_event_id), streams)


class EventStream:
    """The response to one client.

    Args:
        broadcast: For new batches, and for those that the client missed.
        patients: Those whose events the client gets; None for all patients.
        last_seen: The client's last batch number; None for a new client.
        streams: For the end of the client's key or session.
    """

    def __init__(self, broadcast: Broadcast, patients: Filter, last_seen: int | None, streams: Streams) -> None:
        self._broadcast = broadcast
        self._streams = streams
        self._patients = patients
        self._last_seen = last_seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with CancelScope() as allowed, self._streams.hold(caller_of(scope), allowed):
            await self._answer(scope, receive, send)
        if allowed.cancelled_caught:
            await cut_off(scope, receive)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        complete = False
        async with anyio.create_task_group() as group:
            group.start_soon(cancel_on_disconnect, receive, group.cancel_scope)
            await self._serve(send, group.cancel_scope)
            complete = True
            group.cancel_scope.cancel()
        # The client was dropped: the rest of the response would wait for it to read.
        if not complete:
            await cut_off(scope, receive)

    async def _serve(self, send: Send, scope: CancelScope) -> None:
        sender, queue = anyio.create_memory_object_stream[Update | bytes](MAX_QUEUED)
        # Before the journal is read: batches stored meanwhile are queued, and `_unseen` removes the doubled ones.
        subscription = self._broadcast.subscribe(sender, scope)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            seen = await self._send_missed(send, subscription.seen)
            await self._follow(send, queue, seen)
        except StoreError as exc:
            logger.debug("a stream ends, its client will come back: {}", exc)
        finally:
            self._broadcast.unsubscribe(subscription)
            sender.close()
            queue.close()
        await _send(send, b"", more=False)

    async def _send_missed(self, send: Send, newest: int) -> int:
        """Send the batches that the client missed, up to those that the broadcast offers.

        Args:
            send: ASGI.
            newest: Number of the newest batch when the subscription began.

        Returns:
            Number of the client's last batch.
        """
        if self._last_seen is None:
            # An id without data makes no event, but browsers send it as Last-Event-ID when they come back.
            await _send(send, _RETRY + (_id_line(newest) or b"\n"))
            return newest
        await _send(send, _RETRY + b"\n")
        seen = self._last_seen
        while (missed := await self._broadcast.missed(seen)) and missed.batches:
            await _send(send, missed.encoded(self._patients))
            seen = missed.batches[-1].number
        if missed is None:
            await _send(send, _reset(newest))
            return newest
        return seen

    async def _follow(self, send: Send, queue: MemoryObjectReceiveStream[Update | bytes], seen: int) -> None:
        async for update in queue:
            if isinstance(update, bytes):
                await _send(send, update)
            elif update.restart:
                seen = update.before
                await _send(send, _reset(seen))
            else:
                await _send(send, self._unseen(update, seen))
                seen = max(seen, update.batches[-1].number)

    def _unseen(self, update: Update, seen: int) -> bytes:
        if update.before >= seen:
            return update.encoded(self._patients)
        return encode([batch for batch in update.batches if batch.number > seen], self._patients)


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    if body or not more:
        await send({"type": "http.response.body", "body": body, "more_body": more})


def _id_line(number: int) -> bytes:
    return b"id: %d\n\n" % number if number else b""


def _reset(newest: int) -> bytes:
    return b"event: reset\ndata: {}\n" + (_id_line(newest) or b"\n")


def _parse_event_id(text: str | None) -> int | None:
    """Parse a Last-Event-ID; -1, which no journal has, for a text that is none of ours."""
    if text is None:
        return None
    # 18 digits fit the database's integers, and 0 stands for no batch.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and text.strip("0") else -1
