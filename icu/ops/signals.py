"""Running until somebody says stop: the first SIGINT or SIGTERM is a request, the second an order."""

import asyncio
import faulthandler
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final

import anyio
from anyio import CancelScope
from anyio.abc import TaskStatus
from loguru import logger

STOP_DEADLINE: Final = 15.0
"""Seconds from the first signal to the end of the process; then all stacks are printed and it ends with an error."""

ORDERED: Final = 130
"""Exit code after a second signal, as shells know it from SIGINT."""


async def until_told(work: Callable[[], Awaitable[None]]) -> None:
    """Await `work()` until it ends, or cancel it at the first signal."""
    scope = CancelScope()
    try:
        async with anyio.create_task_group() as group:
            await group.start(_listen, scope)
            with scope:
                await work()
            group.cancel_scope.cancel()
    finally:
        faulthandler.cancel_dump_traceback_later()


async def _listen(scope: CancelScope, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for number in signals:
            if scope.cancel_called:
                os._exit(ORDERED)
            logger.info("{}: stopping; once more to end at once", signal.Signals(number).name)
            faulthandler.dump_traceback_later(STOP_DEADLINE, exit=True)
            scope.cancel()


@asynccontextmanager
async def calling_on_stop(callback: Callable[[], None]) -> AsyncIterator[None]:
    """Call `callback` at SIGINT or SIGTERM, before the handlers of whoever owns the process."""
    if threading.current_thread() is not threading.main_thread():  # where Python knows no signals
        yield
        return
    loop = asyncio.get_running_loop()
    owners = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        owner = owners[signal.Signals(number)]
        if callable(owner):
            owner(number, frame)

    for number in owners:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, owner in owners.items():
            signal.signal(number, owner)
