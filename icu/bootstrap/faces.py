"""HTTP faces of roles: what they have in common, building and serving."""

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

    from icu.http.face import FaceContext

T = TypeVar("T")


def face_context(shared: Shared, host: str) -> "FaceContext":
    """Return what all HTTP faces of the process have in common.

    Args:
        shared: Parts of this process.
        host: Address on which the face will listen. Beyond loopback it answers to any host name, since the names under
            which other machines reach it are unknown here, and with health and figures alone.
    """
    from icu.http.face import FaceContext
    from icu.http.gate import LocalGate
    from icu.http.hosts import is_loopback

    api, local = shared.settings.api, is_loopback(host)
    return FaceContext(
        version=__version__,
        health=shared.health,
        registry=shared.registry,
        cors_origins=api.cors_origins,
        gate=LocalGate(bound_to_loopback=local),
        hosts=api.hosts if local else None,
    )


def with_face(actor: Start, child: Child, build: "Callable[[], Litestar]", shared: Shared) -> Start:
    """Add an HTTP face to the actor of a child that has a port. The two live and die together."""
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
    """Build an application and its server in a thread, for imports and building take half a second.

    Returns:
        The application, and a function that serves it.
    """
    return await to_thread.run_sync(_build, build, shared)


def _build(build: Callable[[], T], shared: Shared) -> tuple[T, Callable[..., Coroutine[Any, Any, None]]]:
    from icu.http.asgi import serve

    return build(), partial(serve, connections=shared.connections)


class _AddressStatus(TaskStatus[None]):
    """Task status that adds the address of the face to the actor's start."""

    def __init__(self, status: TaskStatus[str | None], address: str) -> None:
        self._status = status
        self._address = address

    def started(self, value: None = None) -> None:  # noqa: ARG002 - the actor has nothing to say
        self._status.started(self._address)
