"""Host names that a server on loopback accepts, against DNS rebinding."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
import httpx
import pytest
from anyio import to_thread
from litestar import get

from icu.http.asgi import serve
from icu.http.face import face
from icu.http.gate import VIEWER
from icu.http.hosts import is_loopback
from tests.faces import context
from tests.web import NO_TLS


@get("/secret", opt=VIEWER)
async def secret() -> str:
    """An answer that foreign pages must not read."""
    return "secret"


@asynccontextmanager
async def serving(hosts: Sequence[str] | None) -> AsyncIterator[httpx.AsyncClient]:
    """Make a client of a face that accepts these names."""
    given = context(hosts=hosts)
    build = partial(face, given, title="Test", handlers=[secret])
    app = await to_thread.run_sync(build)
    async with anyio.create_task_group() as group:
        address = await group.start(partial(serve, app, host="127.0.0.1", port=0))
        async with httpx.AsyncClient(verify=NO_TLS, base_url=address) as client:
            yield client
        group.cancel_scope.cancel()


OURS = [
    "localhost",
    "LOCALHOST:8000",
    "127.0.0.1",
    "127.0.0.1:8000",
    "127.9.9.9",
    "[::1]",
    "[::1]:8000",
    "ward.Example",
]
FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "ward.example.evil",
    "wardXexample",
    "[::2]",
    "0.0.0.0",  # noqa: S104 - nothing listens here
    "192.168.1.5:8000",
    "::1",
    "a b",
]


async def test_names_of_loopback_and_listed_ones() -> None:
    """Names of loopback and listed names are accepted, with and without a port, in any case."""
    async with serving(["Ward.example"]) as client:
        for host in OURS:
            assert (await client.get("/secret", headers={"Host": host})).text == "secret", host


@pytest.mark.parametrize(
    "path", ["/secret", "/health/live", "/health/ready", "/metrics", "/schema", "/schema/openapi.json"]
)
async def test_other_names_are_refused(path: str) -> None:
    """Other names get 400 problem details on every path, which do not repeat the request."""
    async with serving(["ward.example"]) as client:
        for host in FOREIGN:
            response = await client.get(path, headers={"Host": host})
            assert response.status_code == 400, host
            assert response.headers["content-type"].startswith("application/problem+json")
            assert "evil" not in response.text
        assert "[api]" in (await client.get(path, headers={"Host": "evil.example"})).json()["detail"]


async def test_a_server_that_others_reach_accepts_any_name() -> None:
    """A server that others can reach accepts any name, since nobody can know its names."""
    async with serving(None) as client:
        assert (await client.get("/secret", headers={"Host": "ward.example"})).text == "secret"


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens here
        ("::", False),
        ("192.168.1.5", False),
        ("ward.example", False),
    ],
)
def test_what_only_this_machine_can_reach(address: str, answer: bool) -> None:
    """Addresses of loopback are recognised, in settings and on connections."""
    assert is_loopback(address) is answer
