"""Running until somebody says stop: the first SIGINT or SIGTERM is a request, the second an order."""

import asyncio
import faulthandler
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import Final

import anyio
from anyio import CancelScope
from anyio.abc import TaskStatus
from loguru import logger

from icu.ops.notify import notify

STOP_DEADLINE: Final = 15.0
"""Seconds from the first signal to the end of the process; then all stacks are printed and it ends with an error."""

SUPERVISED: Final = "ICU_SUPERVISED"
"""The variable that tells a process that a supervisor of ours holds its standard input."""

LAST_WORDS: Final = 0.9
"""The part of the time between two signs of life after which a blocked process prints its stacks: who waits for the
sign kills it at the end of that time, and would cut them off."""

ORDERED: Final = 130
"""Exit code after a second signal, as shells know it from SIGINT."""


async def until_told(work: Callable[[], Awaitable[None]]) -> None:
    """Await `work()` until it ends, or cancel it at the first signal."""
    scope = CancelScope()
    try:
        async with anyio.create_task_group() as group:
            await group.start(_listen, scope)
            group.start_soon(_show_life, scope)
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
            notify("STOPPING=1")
            faulthandler.dump_traceback_later(STOP_DEADLINE, exit=True)
            scope.cancel()


async def _show_life(scope: CancelScope) -> None:
    """As often as whoever started this process asks, show that the loop turns; otherwise end, with all stacks."""
    microseconds = int(os.environ.get("WATCHDOG_USEC") or 0)
    while microseconds and not scope.cancel_called:
        faulthandler.dump_traceback_later(LAST_WORDS * microseconds / 1_000_000, exit=True)
        notify("WATCHDOG=1")
        await anyio.sleep(microseconds / 3_000_000)


def end_with_parent() -> None:
    """Stop this process when the one that started it is gone: nobody else would.

    The parent holds the other end of standard input. A thread waits there, for a loop may be blocked.
    """
    if os.environ.get(SUPERVISED):
        threading.Thread(target=_await_orphanage, daemon=True).start()


def _await_orphanage() -> None:
    # Not through sys.stdin, whose lock a thread must not hold when Python ends.
    while os.read(0, 4_096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_DEADLINE)
    os._exit(1)


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
