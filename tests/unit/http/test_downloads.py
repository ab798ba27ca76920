"""Answers in pieces: whole, or visibly not."""

import socket
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial

import anyio
import httpx
import pytest
from anyio import to_thread
from litestar import get
from litestar.params import FromPath
from litestar.types import ASGIApp
from loguru import logger
from uvicorn.protocols.http.h11_impl import H11Protocol

from icu.http import asgi
from icu.http.downloads import Download
from icu.http.face import face
from icu.http.gate import VIEWER
from icu.store.errors import StoreUnavailableError
from tests.faces import context, serving

PIECE = b"0123456789abcdef" * 4_096


class Desk:
    """Pieces that are asked for, and whether somebody waits for more."""

    def __init__(self) -> None:
        self.closed = anyio.Event()
        self.made = 0

    async def pieces(self, count: int, failure: Exception | None = None) -> AsyncGenerator[bytes, None]:
        """So many pieces, and what happens then; without end for -1."""
        try:
            while self.made != count:
                self.made += 1
                yield PIECE
            if failure is not None:
                raise failure
        finally:
            self.closed.set()


@pytest.fixture
def desk() -> Desk:
    """Responses that the application makes of its pieces."""
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a face that serves them."""

    @get("/pieces/{count:int}", opt=VIEWER)
    async def whole(count: FromPath[int]) -> ASGIApp:
        return Download(desk.pieces(count), media_type="text/csv; charset=utf-8", headers={"X-Name": "a"})

    @get("/packed/{count:int}", opt=VIEWER)
    async def packed(count: FromPath[int]) -> ASGIApp:
        return Download(desk.pieces(count), media_type="application/zip", compressible=False)

    @get("/broken/{count:int}", opt=VIEWER)
    async def broken(count: FromPath[int]) -> ASGIApp:
        return Download(desk.pieces(count, StoreUnavailableError("the disk is gone")), media_type="text/csv")

    @get("/mistaken", opt=VIEWER)
    async def mistaken() -> ASGIApp:
        return Download(desk.pieces(3, ZeroDivisionError("a mistake of ours")), media_type="text/csv")

    handlers = [whole, packed, broken, mistaken]
    build = partial(face, context(), title="T", handlers=handlers)
    async with serving(build) as served:
        yield served.client


@pytest.mark.parametrize("count", [0, 1, 2, 20])
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_all_pieces_come(client: httpx.AsyncClient, desk: Desk, count: int, accepted: str) -> None:
    """One piece with its length, more in chunks; compressed for who takes it."""
    response = await client.get(f"/pieces/{count}", headers={"Accept-Encoding": accepted})
    assert response.status_code == 200
    assert response.content == PIECE * count
    assert ("content-length" in response.headers) == (count < 2)
    assert (response.headers.get("content-encoding") == "gzip") == (accepted == "gzip" and count > 0)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["x-name"] == "a"
    assert response.headers["vary"] == "Accept-Encoding, Origin"
    assert desk.closed.is_set()


async def test_what_is_compressed_already(client: httpx.AsyncClient) -> None:
    """Is not compressed again."""
    response = await client.get("/packed/3", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in response.headers
    assert response.content == PIECE * 3


async def test_each_compressed_piece_can_be_read_when_it_comes(client: httpx.AsyncClient, desk: Desk) -> None:
    """The compression holds none back for more."""
    with anyio.fail_after(10):
        async with client.stream("GET", "/pieces/-1", headers={"Accept-Encoding": "gzip"}) as response:
            async for each in response.aiter_bytes():
                assert PIECE.startswith(each[: len(PIECE)])
                break
        await desk.closed.wait()


@pytest.mark.parametrize("count", [0, 1])
async def test_a_failure_at_the_beginning(client: httpx.AsyncClient, count: int) -> None:
    """Is a problem, as everywhere: nothing has been sent."""
    response = await client.get(f"/broken/{count}")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "the disk is gone"


@pytest.mark.parametrize("path", ["/broken/2", "/broken/30", "/mistaken"])
@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_a_failure_midway_cuts_the_connection(client: httpx.AsyncClient, path: str, accepted: str) -> None:
    """The client sees that its answer is not whole, and the log says why."""
    lines: list[str] = []
    # By the filter, for to write a stack looks at files, which blocks.
    logger.add(str, filter=lambda record: bool(lines.append(f"{record['message']} {record['exception']}")))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await client.get(path, headers={"Accept-Encoding": accepted})
    [line] = [each for each in lines if "cut off" in each]  # of all that is logged, httpx's requests too
    assert "an answer was cut off" in line
    assert ("the disk is gone" in line) == (path != "/mistaken")
    assert ("ZeroDivisionError" in line) == (path == "/mistaken")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn's parser that sends no chunks to clients that do not know them."""
    monkeypatch.setattr(asgi, "AutoHTTPProtocol", H11Protocol)


async def test_an_old_client_sees_a_failure_too(plain: None, client: httpx.AsyncClient) -> None:
    """To one of HTTP/1.0, a proxy for instance, a plain end of the connection is that of a whole answer."""
    answer = await to_thread.run_sync(old_client, client.base_url.port, "/pieces/30")
    assert answer.partition(b"\r\n\r\n")[2] == PIECE * 30
    with pytest.raises(ConnectionResetError):
        await to_thread.run_sync(old_client, client.base_url.port, "/broken/60")


def old_client(port: int, path: str) -> bytes:
    """The answer to an HTTP/1.0 client."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
        return b"".join(parts)


async def test_a_client_that_goes(client: httpx.AsyncClient, desk: Desk) -> None:
    """Nothing more is made for it."""
    with anyio.fail_after(10):
        async with client.stream("GET", "/pieces/-1") as response:
            await anext(response.aiter_raw())
        await desk.closed.wait()


@pytest.mark.parametrize("count", [1, 2, 30])
async def test_head(client: httpx.AsyncClient, desk: Desk, count: int) -> None:
    """The headers of GET, without making more than it takes."""
    response = await client.head(f"/pieces/{count}")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    with anyio.fail_after(10):
        await desk.closed.wait()
    assert desk.made == min(count, 2)
