"""Answers of the monitor beyond the cap of connections."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from icu.http.connections import Connections
from icu.store.writer import Writer

PAGE = "http://localhost:5173"


@pytest.fixture
def connections() -> Connections:
    """A limit of one connection, and of as many refused ones as a test needs."""
    return Connections(cap=1, refused=4)


@pytest.fixture
async def other(writer: Writer, monitor: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a monitor whose only connection is another client's stream."""
    async with (
        monitor.stream("GET", "/stream") as response,
        httpx.AsyncClient(base_url=monitor.base_url, timeout=10, headers={"Origin": PAGE}) as other,
    ):
        assert response.status_code == 200
        yield other


@pytest.mark.parametrize("path", ["/patients", "/patient/0d6b5d0f-8c1e-4f0b-9d0c-3e0a5f2b7c44/metrics", "/supervisor"])
async def test_a_request_gets_a_problem_and_may_come_again(other: httpx.AsyncClient, path: str) -> None:
    """A request gets 503 with Retry-After, which a page may read, and the connection is closed."""
    response = await other.get(path)
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "too many connections" in response.json()["detail"]
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Connection"] == "close"
    assert response.headers["Access-Control-Allow-Origin"] == PAGE


async def test_a_full_server_lives(other: httpx.AsyncClient) -> None:
    """The check of liveness passes on a full server, which must not be restarted."""
    server = str(other.base_url).removesuffix("/api/")
    assert (await other.get(f"{server}/health/live")).status_code == 200
    assert (await other.get(f"{server}/health/ready")).status_code == 503


async def test_a_stream_ends_at_once_so_that_a_browser_comes_back(other: httpx.AsyncClient) -> None:
    """A stream ends at once with a random delay to retry: a browser gives up after a 503, and not all shall retry
    at once."""
    retries = set()
    for _ in range(20):
        response = await other.get("/stream")
        assert response.status_code == 200
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert "no-transform" in response.headers["Cache-Control"]
        assert response.headers["Connection"] == "close"
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        found = re.fullmatch(r"retry: ([0-9]+)\n\n", response.text)
        assert found
        retries.add(int(found[1]))
    assert min(retries) >= 10_000
    assert max(retries) <= 30_000
    assert len(retries) > 1


async def test_the_next_one_is_served_once_there_is_a_place(writer: Writer, monitor: httpx.AsyncClient) -> None:
    """The next client is served after the end of a stream."""
    async with monitor.stream("GET", "/stream"), httpx.AsyncClient(base_url=monitor.base_url) as other:
        assert (await other.get("/patients")).status_code == 503
    assert (await monitor.get("/patients")).status_code == 200
