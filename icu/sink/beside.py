"""A task beside the sink's loop."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio


@asynccontextmanager
async def beside(work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run `work`, which never ends by itself, while the block runs.

    An error of the block is raised as it is, in no group.
    """
    error = None
    async with anyio.create_task_group() as group:
        group.start_soon(_never_ending, work)
        try:
            yield
        except Exception as exc:  # noqa: BLE001 - raised again below
            error = exc
        group.cancel_scope.cancel()
    if error is not None:
        raise error


async def _never_ending(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    finally:
        # A group takes a cancellation that nobody requested for the end of a task. Clients of brokers raise such.
        if anyio.current_effective_deadline() > -math.inf:
            raise RuntimeError("a task beside the sink's loop has ended")
