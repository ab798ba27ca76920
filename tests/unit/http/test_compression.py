"""Compression of large answers for clients that accept it, never of streams, small answers and files."""

from collections.abc import AsyncIterator
from functools import partial
from itertools import product

import anyio
import httpx
import pytest
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from icu.http.compression import MIN_SIZE
from icu.http.face import face
from icu.http.gate import VIEWER
from tests.faces import context, serving


@get("/letters/{number:int}", opt=VIEWER)
async def letters(number: FromPath[int]) -> Response[bytes]:
    """An answer of this number of bytes."""
    return Response(b"x" * number, media_type="text/plain")


@get("/coded", opt=VIEWER)
async def coded() -> Response[bytes]:
    """An answer that is encoded already."""
    return Response(b"x" * MIN_SIZE, headers={"Content-Encoding": "br"}, media_type="text/plain")


@get("/parts", opt=VIEWER)
async def parts() -> Stream:
    """An answer of known length, in parts."""
    return Stream(iter([b"x" * MIN_SIZE] * 2), headers={"Content-Length": str(2 * MIN_SIZE)})


@get("/events", opt=VIEWER)
async def events() -> Stream:
    """A large event, and nothing more."""

    async def all_events() -> AsyncIterator[bytes]:
        yield b"x" * MIN_SIZE
        await anyio.sleep_forever()

    return Stream(all_events())


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a face with these routes."""
    handlers = [letters, coded, parts, events]
    build = partial(face, context(), title="T", handlers=handlers)
    async with serving(build) as served:
        yield served.client


def gzip(value: str = "gzip") -> dict[str, str]:
    """Make the Accept-Encoding header of a client."""
    return {"Accept-Encoding": value}


async def test_large_answers(client: httpx.AsyncClient) -> None:
    """Answers from 16 KB on are compressed, and Content-Length is that of the sent bytes, for HEAD too."""
    for size, encoding in [(MIN_SIZE - 1, None), (MIN_SIZE, "gzip"), (1_000_000, "gzip")]:
        response = await client.get(f"/letters/{size}", headers=gzip())
        assert response.headers.get("content-encoding") == encoding
        assert response.content == b"x" * size
        assert int(response.headers["content-length"]) == response.num_bytes_downloaded
        head = await client.head(f"/letters/{size}", headers=gzip())
        assert head.headers.get("content-encoding") == encoding
        assert head.headers["content-length"] == response.headers["content-length"]


ACCEPTED = {
    "gzip": "gzip",
    "br, GZIP": "gzip",
    "gzip;q=0.5, br;q=1": "gzip",
    "deflate, gzip; q=1.0": "gzip",
    "gzip;q=0.001": "gzip",
    "gzip;q=0": None,
    "gzip; q=0.000, identity": None,
    "identity": None,
    "": None,
    "notgzip": None,
    "gzipped": None,
}


async def test_clients_without_gzip(client: httpx.AsyncClient) -> None:
    """Clients without gzip, or with `gzip;q=0`, get uncompressed answers."""
    for accepted, encoding in ACCEPTED.items():
        response = await client.get(f"/letters/{MIN_SIZE}", headers=gzip(accepted))
        assert response.headers.get("content-encoding") == encoding, accepted


async def test_what_stays_as_it_is(client: httpx.AsyncClient) -> None:
    """Encoded bodies, bodies in parts and files are sent as they are: a file's tag stands for its bytes."""
    for path in ("/coded", "/parts", "/schema/files/swagger-ui.css", "/schema/files/swagger-ui-bundle.js"):
        async with client.stream("GET", path, headers=gzip()) as response:
            assert response.headers.get("content-encoding") != "gzip", path
            assert sum([len(each) async for each in response.aiter_raw()]) == int(response.headers["content-length"])


async def test_a_stream_never_is(client: httpx.AsyncClient) -> None:
    """Events of a stream are never compressed, and arrive when they were sent."""
    received = b""
    with anyio.fail_after(5):
        async with client.stream("GET", "/events", headers=gzip()) as response:
            assert "content-encoding" not in response.headers
            async for each in response.aiter_raw():
                received += each
                if len(received) == MIN_SIZE:
                    break


async def test_caches_get_vary(client: httpx.AsyncClient) -> None:
    """Answers that depend on encoding and origin have Vary, even if neither compressed nor allowed."""
    paths = (f"/letters/{MIN_SIZE}", "/letters/1", "/letters/x", "/health/ready", "/nowhere")
    for path, accepted, origin in product(
        paths, ("gzip", "identity"), (None, "http://localhost", "https://evil.example")
    ):
        headers = gzip(accepted) | ({} if origin is None else {"Origin": origin})
        assert (await client.get(path, headers=headers)).headers["vary"] == "Accept-Encoding, Origin", path
