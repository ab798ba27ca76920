"""Running until somebody says stop: the first SIGINT, SIGTERM or SIGHUP is a request, the second an order."""

import asyncio
import ctypes
import faulthandler
import os
import resource
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Final

import anyio
from anyio import CancelScope
from anyio.abc import TaskStatus
from loguru import logger

from icu.ops.notify import notify
from icu.ops.orphans import reap_orphans

# Seconds from the beginning of a stop to the end of the process; then all stacks are printed, and it ends with 1.
STOP_DEADLINE: Final = 15.0

_PR_SET_PDEATHSIG: Final = 1

# Where stacks go: `sys.stderr` may be something that is no file, such as the live overview's.
STDERR: Final = 2

# Parts in which a thread waits: to stand still (SIGSTOP, `docker pause`) then takes one of them at most.
BEATS: Final = 15

# Exit code after a second signal, as shells know it from SIGINT.
ORDERED: Final = 130


class Shutdown:
    """The end of this process, which takes STOP_DEADLINE seconds at most once it has begun."""

    def __init__(self) -> None:
        self.begun = False
        self._over = threading.Event()

    def begin(self) -> None:
        """To be called by whoever stops all: at a signal, or because it cannot go on."""
        if not self.begun:
            self.begun = True
            notify("STOPPING=1")
            threading.Thread(target=self._await_end, daemon=True).start()

    def complete(self) -> None:
        """To be called once all are stopped."""
        self._over.set()

    def _await_end(self) -> None:
        if _comes_in_time(self._over):
            return
        os.write(STDERR, f"icu: it has not stopped within {STOP_DEADLINE:g} s: this is what holds it up\n".encode())
        faulthandler.dump_traceback(STDERR)
        os._exit(1)


async def until_stopped(
    work: Callable[[], Awaitable[None]],
    shutdown: Shutdown | None = None,
    is_ours: Callable[[int], bool] = lambda _: False,
) -> None:
    """Await `work()` until it ends, or cancel it at the first signal. It tells `shutdown` where it stops by itself.

    Orphans that are given to this process are waited for meanwhile; `is_ours` tells which processes are none.
    """
    shutdown = shutdown or Shutdown()
    scope = CancelScope()
    try:
        async with anyio.create_task_group() as group:
            await group.start(_listen, scope, shutdown)
            group.start_soon(_show_life, shutdown)
            group.start_soon(reap_orphans, is_ours)
            with scope:
                await work()
            group.cancel_scope.cancel()
    finally:
        shutdown.complete()


async def _listen(scope: CancelScope, shutdown: Shutdown, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(*_heeded()) as signals:
        task_status.started()
        async for number in signals:
            if not scope.cancel_called:
                logger.info("{}: stopping; Ctrl-C or SIGTERM now ends at once", signal.Signals(number).name)
                shutdown.begin()
                scope.cancel()
            elif number != signal.SIGHUP:  # of which a terminal that is closed may send several
                os._exit(ORDERED)


def _heeded() -> Iterator[signal.Signals]:
    """The signals that mean stop. `nohup` has SIGHUP ignored, and so it remains."""
    yield signal.SIGINT
    yield signal.SIGTERM
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


async def _show_life(shutdown: Shutdown) -> None:
    """As often as whoever started this process asks, show that the loop turns.

    Who misses the sign sends SIGABRT, as systemd does: that prints all stacks and ends the process, however blocked it
    is. It has no clock of its own for that, which would have run out while it stood still.
    """
    seconds = int(os.environ.get("WATCHDOG_USEC") or 0) / 1_000_000
    if seconds:
        faulthandler.enable(STDERR)
        _leave_no_core()
    while seconds and not shutdown.begun:
        notify("WATCHDOG=1")
        await anyio.sleep(seconds / 3)


def _leave_no_core() -> None:
    """Let SIGABRT write no core file: that would hold patients' data."""
    with suppress(OSError):  # a sandbox, whose own limit counts
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def watch_parent() -> None:
    """Stop this process when the one that started it is gone: nobody else would.

    The parent holds the other end of standard input. A thread waits there, for a loop may be blocked. Where the system
    can do so, it lets a process that stands still (SIGSTOP) go on then, for as such it would notice nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)
    threading.Thread(target=_await_orphanage, daemon=True).start()


def _await_orphanage() -> None:
    # Not through sys.stdin, whose lock a thread must not hold when Python ends.
    while os.read(0, 4_096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    _comes_in_time(threading.Event())
    os._exit(1)


def _comes_in_time(event: threading.Event) -> bool:
    """Wait in a thread, STOP_DEADLINE seconds at most; whether it came."""
    return any(event.wait(STOP_DEADLINE / BEATS) for _ in range(BEATS))


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
