"""HEAD beside every GET: the same answer without the body."""

import logging
from collections.abc import AsyncIterator
from functools import partial

import anyio
import httpx
import pytest
from litestar import get
from litestar.types import ASGIApp, Receive, Scope, Send

from icu.http.face import face
from icu.http.gate import VIEWER
from tests.faces import Face, context, serving

ENDED = anyio.Event()


@get("/endless", opt=VIEWER)
async def endless() -> ASGIApp:
    """A stream without end that ignores a disconnection, and sends a last event when cancelled."""

    async def tick(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"tick", "more_body": True})
                await anyio.sleep(0.01)
        finally:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            ENDED.set()

    return tick


@pytest.fixture
async def streaming() -> AsyncIterator[Face]:
    """A face with a stream."""
    build = partial(face, context(), title="T", handlers=[endless])
    async with serving(build) as served:
        yield served


VOLATILE = {"date", "content-length"}


def comparable(response: httpx.Response) -> tuple[int, dict[str, str], bool]:
    """Return the status, the headers that do not change from moment to moment, and if there is a length."""
    headers = {name: value for name, value in response.headers.items() if name not in VOLATILE}
    return response.status_code, headers, "content-length" in response.headers


async def test_every_route_answers_head_as_it_answers_get(faces: list[Face]) -> None:
    """HEAD has the status and headers of GET, compressed or not, errors included, without a body."""
    for each in faces:
        for path, methods in each.routes():
            for encoding in ("identity", "gzip"):
                headers = {"Origin": "http://localhost", "Accept-Encoding": encoding}
                whole = await each.client.get(path, headers=headers)
                head = await each.client.head(path, headers=headers)
                assert comparable(head) == comparable(whole), path
                assert head.content == b""
            allowed = (await each.client.options(path)).headers["allow"].split(", ")
            assert ("HEAD" in allowed) == ("GET" in methods), path


async def test_the_length_is_that_of_the_body(faces: list[Face]) -> None:
    """The length of HEAD is that of GET's body, also compressed, and of errors."""
    for path, encoding in [
        ("/schema", "identity"),
        ("/schema/openapi.json", "gzip"),
        ("/schema/files/swagger-ui-bundle.js", "identity"),
        ("/patients", "identity"),
        ("/nowhere", "identity"),
    ]:
        head = await faces[0].client.head(path, headers={"Accept-Encoding": encoding})
        async with faces[0].client.stream("GET", path, headers={"Accept-Encoding": encoding}) as whole:
            sent = sum([len(each) async for each in whole.aiter_raw()])
        assert int(head.headers["content-length"]) == sent, path


async def test_allow_names_head_beside_get(faces: list[Face]) -> None:
    """`Allow` has the methods of a route; HEAD is missing where there is no GET."""
    [monitor, _, bed, _] = faces
    response = await monitor.client.put("/patients")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    response = await bed.client.head("/scenario")
    assert (response.status_code, set(response.headers["allow"].split(", "))) == (405, {"OPTIONS", "POST"})


async def test_figures_tell_head_from_get(streaming: Face) -> None:
    """HEAD is counted as HEAD, under the route's template."""
    await streaming.client.head("/health/live")
    figures = (await streaming.client.get("/metrics")).text
    assert 'method="HEAD",path="/health/live",status="200"} 1.0' in figures


async def test_a_stream_is_not_waited_for(streaming: Face, caplog: pytest.LogCaptureFixture) -> None:
    """HEAD of a stream is answered at once, nothing goes on behind it, and the connection can be used again."""
    with anyio.fail_after(5):
        response = await streaming.client.head("/endless")
        assert (response.status_code, response.content) == (200, b"")
        await ENDED.wait()
        assert (await streaming.client.get("/health/live")).status_code == 200
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
