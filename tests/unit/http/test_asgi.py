"""uvicorn as a task: stopped by cancelling, started again on the same port, and no danger to the process."""

import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from loguru import logger
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from icu.config.errors import ConfigurationError
from icu.http import asgi
from icu.http.asgi import serve
from icu.http.errors import AddressInUseError, ServerError
from icu.ops.logs import unwrapped
from icu.store.errors import StoreCorruptError


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """The smallest application, with a lifespan."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture(autouse=True, params=[H11Protocol, HttpToolsProtocol])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn's choice, which is the second one where httptools is installed."""
    monkeypatch.setattr(asgi, "AutoHTTPProtocol", request.param)


@asynccontextmanager
async def serving(app: Any, *, port: int = 0, **how: Any) -> AsyncIterator[str]:
    """A server that is cancelled at the end."""
    async with anyio.create_task_group() as group:
        yield await group.start(partial(serve, app, host="127.0.0.1", port=port, **how))
        group.cancel_scope.cancel()


async def test_it_can_be_started_again_on_the_same_port() -> None:
    """Cancelled, it lets go of its port, over and over, with connections left open."""
    port = 0
    async with httpx.AsyncClient() as client:
        for _ in range(5):
            async with serving(hello, port=port) as address:
                assert (await client.get(address)).text == "hello"
                port = int(address.rpartition(":")[2])


async def test_a_crowd_waits_to_be_accepted() -> None:
    """After a restart all streams come back at once; one for which there is no room tries again seconds later."""
    allowed = int(await anyio.Path("/proc/sys/net/core/somaxconn").read_text())
    async with serving(hello) as address:
        host, port = address.removeprefix("http://").split(":")
        with ExitStack() as stack:
            # Without a turn of the server's loop: all of them have to wait.
            for _ in range(min(allowed, 600)):
                client = stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex((host, int(port)))
                client.getpeername()  # an OSError where it is not connected


async def test_a_taken_port_is_our_error() -> None:
    """uvicorn would end the process; the error names the port and what to type."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AddressInUseError, match=f"port {port} .*--port"):
            await serve(hello, host="127.0.0.1", port=port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
async def test_an_address_that_cannot_be_had(host: str) -> None:
    """Another machine's address, or none at all, is a wrong setting."""
    with pytest.raises(ConfigurationError, match="cannot listen on"):
        await serve(hello, host=host, port=0)


async def test_a_failing_lifespan_is_our_error() -> None:
    """The reason is told, and the process lives."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("no database")

    with pytest.raises(ExceptionGroup) as caught:
        await serve(broken, host="127.0.0.1", port=0)
    [error] = caught.value.exceptions
    assert isinstance(error, ServerError)
    assert "no database" in str(error)


async def test_a_lifespan_that_fails_later_ends_the_server() -> None:
    """uvicorn would serve on, without what the lifespan keeps alive."""
    fail = anyio.Event()

    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await fail.wait()
        raise RuntimeError("the watch broke")

    with pytest.raises(ExceptionGroup) as caught, anyio.fail_after(10):
        async with serving(breaks):
            fail.set()
            await anyio.sleep_forever()
    assert "the watch broke" in str(unwrapped(caught.value))


@pytest.mark.parametrize("error", [StoreCorruptError("the file is damaged"), RuntimeError("a mistake of ours")])
async def test_only_what_nobody_expected_leaves_a_stack_in_the_log(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Litestar and uvicorn would write the stack of each failure: one of ours is told in a line by whoever gets it."""
    lines: list[str] = []
    logger.add(lines.append, level="ERROR", format="{message}")
    fail = anyio.Event()

    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await fail.wait()
        await send({"type": "lifespan.shutdown.failed", "message": "Traceback ..."})
        raise ExceptionGroup("of a task group", [error])

    with pytest.raises(ExceptionGroup) as caught:
        async with serving(breaks):
            fail.set()
            await anyio.sleep_forever()
    assert str(error) in str(unwrapped(caught.value))
    assert not caplog.records
    assert len(lines) == isinstance(error, RuntimeError)


async def test_signals_stay_with_their_owner() -> None:
    """uvicorn installs no handlers of its own."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with serving(hello):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_an_endless_response_is_ended_on_stopping() -> None:
    """The application is told first, so that a live stream does not hold the stop up."""
    stop = anyio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await hello(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await stop.wait()
        await send({"type": "http.response.body", "body": b"end"})

    async with httpx.AsyncClient() as client:
        async with serving(endless, on_stopping=stop.set) as address:
            response = await client.send(client.build_request("GET", address), stream=True)
        assert stop.is_set()
        assert (await response.aread()) == b"xend"


async def test_ipv6_addresses_are_written_with_brackets() -> None:
    """The address can be pasted into a browser."""
    async with anyio.create_task_group() as group:
        address = await group.start(partial(serve, hello, host="::1", port=0))
        assert address.startswith("http://[::1]:")
        async with httpx.AsyncClient() as client:
            assert (await client.get(address)).text == "hello"
        group.cancel_scope.cancel()
