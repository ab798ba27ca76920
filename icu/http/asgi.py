"""uvicorn as a task that can be cancelled, and restarted on the same port.

uvicorn is made to own a process: when it is cancelled, its port stays bound and its lifespan open; it takes over the
signals; if its start fails, it ends the process. So here it gets a socket of ours, is asked to exit instead of being
cancelled, sees no signals, and its SystemExit becomes an error.
"""

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import anyio
import uvicorn
from anyio import TASK_STATUS_IGNORED, CancelScope, to_thread
from anyio.abc import TaskStatus
from litestar.types import ASGIApp, Receive, Scope, Send
from loguru import logger
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from icu.config.errors import ConfigurationError
from icu.errors import IcuError
from icu.http.clients import noting_proxy
from icu.http.connections import Connections
from icu.http.errors import AddressInUseError, ServerError
from icu.http.protocol import BoundedProtocol
from icu.ops import descriptors
from icu.ops.logs import unwrapped

# Seconds that an idle connection stays open: longer than a proxy's own 60 s (nginx). If the server closes first, the
# proxy may just be sending a request, and its client gets a 502.
KEEP_ALIVE: Final = 75

# Connections that may wait to be accepted; the system may allow fewer (net.core.somaxconn). After a restart all streams
# come back at once, and one that finds no room tries again after 1, 2, 4, 8 seconds and so on.
BACKLOG: Final = 4_096

# Connections accepted in one turn of the loop. Idle connections that make way for them are closed a few turns later, so
# that as many more may be open for a moment.
_ACCEPTED_AT_ONCE: Final = 4


async def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    on_stopping: Callable[[], None] = lambda: None,
    grace: int = 2,
    connections: Connections | None = None,
    tls: tuple[Path, Path] | None = None,
    trusted_proxies: Sequence[str] = (),
    task_status: TaskStatus[str] = TASK_STATUS_IGNORED,
) -> None:
    """Serve an application until cancelled; `started` with the address once requests are accepted.

    Args:
        app: The application.
        host: A name or an address of this machine.
        port: The port; 0 for a free one.
        on_stopping: Called first when the server stops, to end streams that would never end by themselves.
        grace: Seconds after which connections that are still open are closed.
        connections: The connections of all servers of the process; None if there is no other server.
        tls: Files of the certificate, with its chain, and of its key; None for plain HTTP.
        trusted_proxies: Addresses of proxies that are believed about the client's address and scheme.
        task_status: Where `started` is reported.

    Raises:
        AddressInUseError: Another program listens on the address.
        ConfigurationError: It is no address of this machine.
        ServerError: The application's lifespan failed, or the server ended by itself.
    """
    listener = await to_thread.run_sync(_listen, host, port)
    scheme = "http" if tls is None else "https"
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    failures = _LifespanFailures(_behind(app, trusted_proxies), on_failure=lambda: server.leave())  # noqa: PLW0108 - the server is defined below
    config = _config(failures, connections or Connections.within(descriptors.limit()), grace, tls)
    server = _Server(config, on_started=lambda: task_status.started(address), on_stopping=on_stopping)
    with listener:
        async with anyio.create_task_group() as group:
            group.start_soon(server.leave_when_cancelled)
            # Shielded: `leave_when_cancelled` receives the cancellation instead, and asks the server to exit.
            with CancelScope(shield=True), failures.server_error(address):
                await server.serve(sockets=[listener])
            failures.raise_late(address)
            if not server.should_exit:
                raise ServerError(f"the server on {address} ended by itself")
            group.cancel_scope.cancel()


def _behind(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Take address and scheme of the client from the headers of these proxies, and of no others."""
    named: Any = ProxyHeadersMiddleware(cast("Any", app), list(proxies))
    return noting_proxy(named, frozenset(proxies))


def _config(app: ASGIApp, connections: Connections, grace: int, tls: tuple[Path, Path] | None) -> uvicorn.Config:
    certificate, key = tls or (None, None)
    return uvicorn.Config(
        app,
        proxy_headers=False,  # uvicorn would believe every program on this machine
        ssl_certfile=certificate,
        ssl_keyfile=key,
        http=_protocol(connections),
        ws="none",  # another protocol class would serve web sockets, and not count the connection
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
        backlog=_ACCEPTED_AT_ONCE,
    )


def _protocol(connections: Connections) -> Any:  # noqa: ANN401 - uvicorn calls whatever it is given for the class
    # uvicorn's choice: httptools if it is installed, else h11.
    return partial(type("_Protocol", (BoundedProtocol, AutoHTTPProtocol), {}), connections=connections)


class _Server(uvicorn.Server):
    """uvicorn's server, which exits in order and leaves signals alone."""

    def __init__(
        self, config: uvicorn.Config, *, on_started: Callable[[], None], on_stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._on_stopping = on_stopping

    def leave(self) -> None:
        """Ask the server to exit in order."""
        self.should_exit = True

    async def leave_when_cancelled(self) -> None:
        """Wait for a cancellation, and exit in order."""
        try:
            await anyio.sleep_forever()
        finally:
            self.leave()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(BACKLOG)  # asyncio has set it to _ACCEPTED_AT_ONCE
        if self.started:
            self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams of the application, then wait for the connections."""
        self._on_stopping()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers: signals belong to the owner of the process."""
        yield


class _LifespanFailures:
    """Wrapper of the application that keeps the error of its lifespan.

    uvicorn itself only logs a stack, and then ends the process, or, after the start, serves on.
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
        """Raise ServerError if the lifespan failed after the start, or its error if a setting is wrong."""
        if isinstance(self._cause, ConfigurationError):
            raise self._cause
        if self._cause is not None:
            raise ServerError(f"the application on {address} failed: {self._cause}") from self._cause

    @contextmanager
    def server_error(self, address: str) -> Iterator[None]:
        """Turn a SystemExit in the block into ServerError, with the lifespan's error; or into that of a setting."""
        try:
            yield
        except SystemExit as exc:
            cause = unwrapped(self._cause or exc)
            if isinstance(cause, ConfigurationError):
                raise cause from exc
            raise ServerError(f"the application on {address} did not start: {cause}") from cause


def _without_stack(send: Send) -> Send:
    # Litestar sends the stack of a failed lifespan along, and uvicorn logs it. Our own errors are logged in one line.

    async def quiet(message: Any) -> None:  # noqa: ANN401 - Litestar's Send knows no messages of a lifespan
        if message["type"].endswith(".failed"):
            message = {**message, "message": ""}
        await send(message)

    return quiet


def _listen(host: str, port: int) -> socket.socket:
    if not host:  # the system would take it for every address
        raise ConfigurationError("a host is missing: write 127.0.0.1, or 0.0.0.0 for every address of this machine")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only if the protocol is named. With it, each response takes 40 ms longer.
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
    except (UnicodeError, TypeError) as exc:  # Python itself refuses the name: it is too long, or has a NUL
        listener.close()
        raise ConfigurationError(f"cannot listen on {host[:80]!r}: that is no host") from exc
    return listener
