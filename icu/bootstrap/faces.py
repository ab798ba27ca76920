"""HTTP faces of roles: what all of them are given, and how they are built and served."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import TASK_STATUS_IGNORED, to_thread
from anyio.abc import TaskStatus

from icu import __version__
from icu.bootstrap.shared import Shared
from icu.config.settings import Child
from icu.supervisor.spec import Start

if TYPE_CHECKING:
    from litestar import Litestar

T = TypeVar("T")


def common_arguments(shared: Shared, host: str) -> dict[str, Any]:
    """Settings and parts that all HTTP faces are given. Where others are meant to reach one, it answers to any name."""
    from icu.http.hosts import is_loopback

    api = shared.settings.api
    return {
        "version": __version__,
        "health": shared.health,
        "registry": shared.registry,
        "cors_origins": api.cors_origins,
        "hosts": api.hosts if is_loopback(host) else None,
    }


def with_face(actor: Start, child: Child, build: "Callable[[], Litestar]", shared: Shared) -> Start:
    """The actor of a child, with an HTTP face beside it where that has a port; they live and die together."""
    if child.port is None:
        return actor
    return partial(_with_face, actor, build, shared, child.host, child.port)


async def _with_face(
    actor: Start,
    build: "Callable[[], Litestar]",
    shared: Shared,
    host: str,
    port: int,
    *,
    task_status: TaskStatus[str | None] = TASK_STATUS_IGNORED,
) -> None:
    app, serve = await build_with_server(build, shared)
    async with anyio.create_task_group() as group:
        address = await group.start(partial(serve, app, host=host, port=port))
        # Awaited here, not in the group: a group takes a leaked cancellation for the end of a task.
        await actor(task_status=_AddressStatus(task_status, address))
        group.cancel_scope.cancel()


async def build_with_server(
    build: Callable[[], T], shared: Shared
) -> tuple[T, Callable[..., Coroutine[Any, Any, None]]]:
    """An application, and what serves it. Made in a thread: imports and building take half a second."""
    return await to_thread.run_sync(_build, build, shared)


def _build(build: Callable[[], T], shared: Shared) -> tuple[T, Callable[..., Coroutine[Any, Any, None]]]:
    from icu.http.asgi import serve

    return build(), partial(serve, connections=shared.connections)


class _AddressStatus(TaskStatus[None]):
    """Tells a supervisor that an actor has started, with the address of its face."""

    def __init__(self, status: TaskStatus[str | None], address: str) -> None:
        self._status = status
        self._address = address

    def started(self, value: None = None) -> None:  # noqa: ARG002 - the actor has nothing to say
        self._status.started(self._address)
