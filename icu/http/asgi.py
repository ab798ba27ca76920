"""uvicorn as a task that can be cancelled, and started again on the same port.

uvicorn is made to own a process: cancelled, it leaves its port bound and the lifespan open; it takes over the signals;
when the start fails it ends the process. Here it gets a socket of ours, is never cancelled but asked to leave, sees no
signal, and its SystemExit becomes an error.
"""

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import anyio
import uvicorn
from anyio import TASK_STATUS_IGNORED, CancelScope, to_thread
from anyio.abc import TaskStatus
from litestar.types import ASGIApp, Receive, Scope, Send
from loguru import logger
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from icu.config.errors import ConfigurationError
from icu.errors import IcuError
from icu.http.connections import Connections
from icu.http.errors import AddressInUseError, ServerError
from icu.http.protocol import BoundedProtocol
from icu.ops import descriptors
from icu.ops.logs import unwrapped

# Seconds that an idle connection stays open: longer than proxies keep theirs, which is 60 (nginx). Where the server is
# the first to close it, they may just be sending a request, and their client gets a 502.
KEEP_ALIVE: Final = 75

# Connections that may wait to be accepted.
BACKLOG: Final = 128

# In one turn of the loop. Who is to make way for them closes a few turns later, so that so many more may be open.
_ACCEPTED_AT_ONCE: Final = 4


async def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    on_stopping: Callable[[], None] = lambda: None,
    grace: int = 2,
    connections: Connections | None = None,
    task_status: TaskStatus[str] = TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; started with the address once requests are accepted. Port 0 takes a free one.

    When it stops, `on_stopping` is called first, to end streams that would never end by themselves; what is still open
    after `grace` seconds is cut. `connections` are those of all servers of the process; None where there is no other.
    Raises AddressInUseError, ConfigurationError for an address that cannot be had, and ServerError where the
    application's lifespan fails or the server ends by itself.
    """
    listener = await to_thread.run_sync(_listen, host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    failures = _Failures(app, on_failure=lambda: server.leave())  # noqa: PLW0108 - the server is made of it, below
    config = _config(failures, connections or Connections.within(descriptors.limit()), grace)
    server = _Server(config, on_started=lambda: task_status.started(address), on_stopping=on_stopping)
    with listener:
        async with anyio.create_task_group() as group:
            group.start_soon(server.leave_when_cancelled)
            with CancelScope(shield=True), failures.told(address):
                await server.serve(sockets=[listener])
            failures.raise_late(address)
            if not server.should_exit:
                raise ServerError(f"the server on {address} ended by itself")
            group.cancel_scope.cancel()


def _config(app: ASGIApp, connections: Connections, grace: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_protocol(connections),
        ws="none",  # uvicorn would take such a connection away from us, uncounted
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
        backlog=_ACCEPTED_AT_ONCE,
    )


def _protocol(connections: Connections) -> Any:  # noqa: ANN401 - uvicorn calls whatever it is given for the class
    """The class of a connection: httptools parses where it is installed, h11 elsewhere, as uvicorn has it."""
    return partial(type("_Protocol", (BoundedProtocol, AutoHTTPProtocol), {}), connections=connections)


class _Server(uvicorn.Server):
    """uvicorn without its claim on the process."""

    def __init__(
        self, config: uvicorn.Config, *, on_started: Callable[[], None], on_stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._on_stopping = on_stopping

    def leave(self) -> None:
        """Stop serving, in order."""
        self.should_exit = True

    async def leave_when_cancelled(self) -> None:
        """Wait to be cancelled, and leave."""
        try:
            await anyio.sleep_forever()
        finally:
            self.leave()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(BACKLOG)  # asyncio has set it to what it accepts at once
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the application end its streams before connections are waited for."""
        self._on_stopping()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to whoever runs the process."""
        yield


class _Failures:
    """The application, and why its lifespan failed.

    uvicorn writes the stack to its log, and then ends the process, or, once it has started, serves on.
    """

    def __init__(self, app: ASGIApp, *, on_failure: Callable[[], None]) -> None:
        self._app = app
        self._on_failure = on_failure
        self._cause: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # type: ignore[comparison-overlap] # Litestar types only the other scopes
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, _without_stack(send))
        except BaseException as exc:
            self._cause = unwrapped(exc)
            if not isinstance(self._cause, IcuError):
                logger.opt(exception=self._cause).error("the application failed")
            self._on_failure()
            raise

    def raise_late(self, address: str) -> None:
        """Raise ServerError if the lifespan failed while requests were served."""
        if self._cause is not None:
            raise ServerError(f"the application on {address} failed: {self._cause}") from self._cause

    @contextmanager
    def told(self, address: str) -> Iterator[None]:
        """SystemExit as ServerError, with the reason."""
        try:
            yield
        except SystemExit as exc:
            cause = unwrapped(self._cause or exc)
            raise ServerError(f"the application on {address} did not start: {cause}") from cause


def _without_stack(send: Send) -> Send:
    """Litestar sends the stack along when a lifespan fails: what we expect is told in one line, by whoever gets it."""

    async def quiet(message: Any) -> None:  # noqa: ANN401 - Litestar's Send knows no messages of a lifespan
        if message["type"].endswith(".failed"):
            message = {**message, "message": ""}
        await send(message)

    return quiet


def _listen(host: str, port: int) -> socket.socket:
    if not host:  # to the system that means every address
        raise ConfigurationError("a host is missing: write 127.0.0.1, or 0.0.0.0 for every address of this machine")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named: without, each answer takes 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as exc:
        listener.close()
        if exc.errno == errno.EADDRINUSE:
            raise AddressInUseError(host, port) from exc
        raise ConfigurationError(f"cannot listen on {host} port {port}: {exc.strerror}") from exc
    except (UnicodeError, TypeError) as exc:  # not even asked of the system: too long a name, or a NUL in it
        listener.close()
        raise ConfigurationError(f"cannot listen on {host[:80]!r}: that is no host") from exc
    return listener
