"""Connections of our server, over both of uvicorn's protocol classes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from icu.http import asgi, protocol
from icu.http.connections import Connections
from icu.http.protocol import REQUEST_TIMEOUT, WRITE_TIMEOUT, cut_off, is_refused
from tests.clocks import virtual_asyncio
from tests.unit.http.test_asgi import hello, serving

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"


@pytest.fixture(autouse=True, params=[H11Protocol, HttpToolsProtocol])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser that uvicorn uses: each of the two."""
    monkeypatch.setattr(asgi, "AutoHTTPProtocol", request.param)


class Desk:
    """An application that answers when the test says so, and records if a request was refused."""

    def __init__(self) -> None:
        self.busy = 0
        self.gone = 0
        self.go = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request; /slow waits, /endless sends 10 MB, and /early does not read its body."""
        if scope["type"] == "lifespan":
            await hello(scope, receive, send)
            return
        body = b"refused" if is_refused(scope) else b"served"
        if scope["path"] == "/early":
            await answer(send, body)
            return
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass  # the answer follows the whole body
        if message["type"] == "http.disconnect":
            self.gone += 1
            return
        if scope["path"] == "/slow":
            self.busy += 1
            await self.go.wait()
        if scope["path"] == "/endless":
            body *= 1_500_000
        await answer(send, body)


async def answer(send: Any, body: bytes) -> None:
    """Send a response."""
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def until(true: Callable[[], bool]) -> None:
    """Run other tasks until a condition holds."""
    with anyio.fail_after(10):
        while not true():
            await anyio.sleep(0.01)


class Client:
    """A connection as its client sees it."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream

    async def say(self, data: bytes) -> None:
        """Send bytes."""
        await self._stream.send(data)

    async def hear(self) -> bytes:
        """Receive the next bytes; none once the server has closed the connection."""
        with anyio.fail_after(10):
            try:
                return await self._stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return b""

    async def ask(self, path: bytes = b"/") -> bytes:
        """Send a request, and return the answer."""
        await self.say(GET.replace(b"/", path, 1))
        return await self.hear()


Connect = Callable[[], Any]


@asynccontextmanager
async def open_desk(*connections: Connections) -> AsyncIterator[tuple[Desk, list[Connect]]]:
    """Serve a desk on several ports, and yield it with a function that connects to each port."""
    desk = Desk()
    async with AsyncExitStack() as stack:

        async def connect(address: str) -> Client:
            port = int(address.rpartition(":")[2])
            return Client(await stack.enter_async_context(await anyio.connect_tcp("127.0.0.1", port)))

        faces = [await stack.enter_async_context(serving(desk, connections=each)) for each in connections]
        yield desk, [lambda face=face: connect(face) for face in faces]
        desk.go.set()


async def test_the_longest_idle_connection_makes_way() -> None:
    """A new client closes the longest idle connection; the others are still served."""
    async with open_desk(Connections(cap=2, refused=1)) as (_, [connect]):
        first, second = await connect(), await connect()
        assert b"served" in await first.ask()
        assert b"served" in await second.ask()
        assert b"served" in await first.ask()
        third = await connect()
        assert await second.hear() == b""
        fourth = await connect()
        assert await first.hear() == b""
        assert b"served" in await third.ask()
        assert b"served" in await fourth.ask()


async def test_faces_share_their_connections() -> None:
    """Faces of a process share one cap, since descriptors are the process's."""
    both = Connections(cap=1, refused=1)
    async with open_desk(both, both) as (_, [here, there]):
        first = await here()
        assert b"served" in await first.ask()
        second = await there()
        assert await first.hear() == b""
        assert b"served" in await second.ask()


async def test_beyond_the_cap_a_request_is_refused_and_its_connection_closed() -> None:
    """A request beyond the cap reaches the application as refused, and its connection is closed; the others go on."""
    async with open_desk(Connections(cap=1, refused=1)) as (desk, [connect]):
        first = await connect()
        await first.say(GET.replace(b"/", b"/slow", 1))
        await until(lambda: desk.busy == 1)
        second = await connect()
        answer = await second.ask()
        assert b"refused" in answer
        assert answer.lower().count(b"\r\nconnection: close\r\n") == 1
        assert await second.hear() == b""
        desk.go.set()
        assert b"served" in await first.hear()
        third = await connect()
        assert b"served" in await third.ask()


async def test_requests_that_wait_behind_another_are_work_too() -> None:
    """A connection with a pipelined request stays between its first response and its second."""
    async with open_desk(Connections(cap=1, refused=1)) as (desk, [connect]):
        first = await connect()
        await first.say(GET + GET.replace(b"/", b"/slow", 1))
        await until(lambda: desk.busy == 1)
        assert b"served" in await first.hear()
        second = await connect()
        assert b"refused" in await second.ask()
        desk.go.set()
        assert b"served" in await first.hear()


async def test_beyond_those_that_are_refused_it_is_closed_at_once() -> None:
    """Connections beyond the refused ones are closed at once, so that no client takes all descriptors."""
    connections = Connections(cap=1, refused=1)
    async with open_desk(connections) as (desk, [connect]):
        for busy in (1, 2):
            await (await connect()).say(GET.replace(b"/", b"/slow", 1))
            await until(lambda busy=busy: desk.busy == busy)
        third = await connect()
        assert await third.hear() == b""
        assert (len(connections.served), len(connections.refused)) == (1, 1)


async def test_all_places_are_given_back() -> None:
    """Every end of a connection, in any state, frees its slot."""
    connections = Connections(cap=8, refused=1)
    async with open_desk(connections) as (desk, [connect]):
        for said in (b"", b"GE", GET, POST, b"\0\r\n\r\n", GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")):
            await (await connect()).say(said)
        await (await connect()).say(GET.replace(b"/", b"/slow", 1))
        await until(lambda: desk.busy == 1)
    await until(lambda: len(connections.served) == 0)


@pytest.mark.parametrize("late", [b"", b"GET / HT", POST, POST + b"x"])
async def test_what_does_not_arrive_in_time_is_closed(monkeypatch: pytest.MonkeyPatch, late: bytes) -> None:
    """A connection without a request, or with half a head or half a body, is closed after a while; others stay."""
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT", 0.2)
    async with open_desk(Connections(cap=9, refused=1)) as (desk, [connect]):
        served, idle, body = await connect(), await connect(), await connect()
        await served.say(GET.replace(b"/", b"/slow", 1))
        assert b"served" in await idle.ask()
        await body.say(POST + b"x")
        await body.say(b"x" * 9)
        assert b"served" in await body.hear()
        slow = await connect()
        await slow.say(late)
        assert await slow.hear() == b""
        desk.go.set()
        assert b"served" in await served.hear()
        assert b"served" in await idle.ask()
        await idle.say(late or b"G")
        assert await idle.hear() == b""
        assert desk.gone == 2 * (late.startswith(POST))


class Wire(asyncio.Transport):
    """A transport without a socket, for virtual time; `closed` holds the time at which it was closed."""

    def __init__(self, server: asyncio.Protocol) -> None:
        super().__init__()
        self._server = server
        self.sent = b""
        self.closed: float | None = None

    def write(self, data: Any) -> None:
        """Keep the bytes."""
        self.sent += data

    def is_closing(self) -> bool:
        """Check if the connection is being closed."""
        return self.closed is not None

    def close(self) -> None:
        """Report the close to the server, as asyncio does."""
        if self.closed is None:
            loop = asyncio.get_running_loop()
            self.closed = loop.time()
            loop.call_soon(self._server.connection_lost, None)

    abort = close


def connected() -> tuple[Any, Wire]:
    """Make a connection of a server with our configuration."""
    config = asgi._config(Desk(), Connections(cap=9, refused=1), 2, None)
    config.load()
    server: Any = config.http_protocol_class(config=config, server_state=ServerState(), app_state={})
    wire = Wire(server)
    server.connection_made(wire)
    return server, wire


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()])
async def test_a_head_has_ten_seconds_from_the_connection_on() -> None:
    """A head has ten seconds from the connection on, and bytes that arrive meanwhile do not prolong it."""
    server, wire = connected()
    begun = asyncio.get_running_loop().time()
    for each in GET[:20]:
        await anyio.sleep(1)
        if not wire.is_closing():
            server.data_received(bytes([each]))
    assert wire.closed == begun + REQUEST_TIMEOUT == begun + 10


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()])
async def test_an_idle_connection_outlives_those_of_proxies() -> None:
    """An idle connection is closed 75 s after its last answer, later than by common proxies."""
    server, wire = connected()
    loop = asyncio.get_running_loop()
    for _ in range(3):
        server.data_received(GET)
        answered = loop.time()
        await anyio.sleep(74)
        assert not wire.is_closing()
    assert wire.sent.count(b"served") == 3
    await anyio.sleep(74)
    assert wire.closed == answered + 75


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()])
async def test_a_later_head_has_ten_seconds_from_its_first_byte_on() -> None:
    """A later head has ten seconds from its first byte on, even if that comes at the end of the idle time."""
    server, wire = connected()
    server.data_received(GET)
    await anyio.sleep(74)
    begun = asyncio.get_running_loop().time()
    server.data_received(b"G")
    await anyio.sleep(9)
    server.data_received(b"E")
    await anyio.sleep(9)
    assert wire.closed == begun + REQUEST_TIMEOUT


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()])
async def test_one_that_was_answered_before_its_body_had_come_is_idle() -> None:
    """A connection that was answered before its body arrived counts as idle, and can be used again."""
    server, wire = connected()
    server.data_received(POST.replace(b"/", b"/early", 1))
    answered = asyncio.get_running_loop().time()
    await anyio.sleep(80)
    assert wire.sent.endswith(b"served")
    assert wire.closed == answered + 75


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()])
async def test_a_client_that_takes_nothing_of_its_response_is_not_waited_for() -> None:
    """A client that reads nothing of its response is closed; one that catches up in time has the whole time again."""
    server, wire = connected()
    server.data_received(GET.replace(b"/", b"/slow", 1))
    for _ in range(3):
        server.pause_writing()
        await anyio.sleep(WRITE_TIMEOUT - 1)
        server.resume_writing()
        await anyio.sleep(WRITE_TIMEOUT)
    assert not wire.is_closing()
    server.pause_writing()
    begun = asyncio.get_running_loop().time()
    await anyio.sleep(2 * WRITE_TIMEOUT)
    assert wire.closed == begun + WRITE_TIMEOUT


async def test_a_response_that_nobody_reads_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unread response frees its slot, and its application goes on as after a disconnection."""
    monkeypatch.setattr(protocol, "WRITE_TIMEOUT", 0.1)
    connections = Connections(cap=1, refused=1)
    async with open_desk(connections) as (_, [connect]):
        await (await connect()).ask(b"/endless")
        await until(lambda: len(connections.served) == 0)


async def test_a_client_that_has_gone_is_cut_off_without_an_error() -> None:
    """A stream whose client has left is cut off in silence: there is no connection to reset any more."""
    outcomes: list[str] = []

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await hello(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"event", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        await anyio.sleep(0.01)  # until the event loop has closed the socket
        try:
            await cut_off(scope, receive)
        except OSError as exc:
            outcomes.append(str(exc))
        else:
            outcomes.append("cut off")

    async with serving(stream) as address:
        async with await anyio.connect_tcp("127.0.0.1", int(address.rpartition(":")[2])) as client:
            await client.send(GET)
            await client.receive()
        await until(lambda: bool(outcomes))
    assert outcomes == ["cut off"]


async def test_what_is_no_http_gets_a_problem() -> None:
    """Bytes that are no HTTP get a problem, and the connection is closed, since the next request cannot be found."""
    async with serving(hello) as address:
        client = await anyio.connect_tcp("127.0.0.1", int(address.rpartition(":")[2]))
        async with client:
            await client.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            with anyio.fail_after(10):
                got = b"".join([chunk async for chunk in client])
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert f"content-length: {len(body)}".encode() in head
    problem = json.loads(body)
    assert (problem["status"], problem["title"]) == (400, "Bad Request")
    assert problem["detail"]
