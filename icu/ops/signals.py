"""Running until a stop signal: the first SIGINT, SIGTERM or SIGHUP stops in order, the second ends at once."""

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

# Seconds that a shutdown may take; then all stacks are printed, and the process exits with 1.
STOP_DEADLINE: Final = 15.0

# linux/prctl.h
_PR_SET_PDEATHSIG: Final = 1

# The descriptor for stacks: `sys.stderr` may be an object without one, such as the live overview's.
STDERR: Final = 2

# Slices in which a thread waits for STOP_DEADLINE: a suspension (SIGSTOP, `docker pause`) uses up one of them at most.
WAIT_SLICES: Final = 15

# Exit code after a second signal: that of shells after SIGINT.
SECOND_SIGNAL: Final = 130


class Shutdown:
    """The shutdown of this process, which takes STOP_DEADLINE seconds at most."""

    def __init__(self) -> None:
        self.begun = False
        self._completed = threading.Event()

    def begin(self) -> None:
        """Start the deadline: at a stop signal, or when a supervisor gives up. Later calls do nothing."""
        if not self.begun:
            self.begun = True
            notify("STOPPING=1")
            # A thread, since the event loop itself may be blocked.
            threading.Thread(target=self._enforce_deadline, daemon=True).start()

    def complete(self) -> None:
        """Cancel the deadline: all children are stopped."""
        self._completed.set()

    def _enforce_deadline(self) -> None:
        if _is_set_in_time(self._completed):
            return
        os.write(STDERR, f"icu: it has not stopped within {STOP_DEADLINE:g} s: this is what holds it up\n".encode())
        faulthandler.dump_traceback(STDERR)
        os._exit(1)


async def until_stopped(
    work: Callable[[], Awaitable[None]],
    shutdown: Shutdown | None = None,
    is_own_process: Callable[[int], bool] = lambda _: False,
) -> None:
    """Await `work()` until it ends, or cancel it at the first stop signal.

    Meanwhile the watchdog of the parent is fed, and orphans are reaped.

    Args:
        work: What to run. It calls `shutdown.begin` if it stops by itself.
        shutdown: The shutdown that the first signal begins.
        is_own_process: Tells by pid if a process is no orphan: see `reap_orphans`.
    """
    shutdown = shutdown or Shutdown()
    scope = CancelScope()
    try:
        async with anyio.create_task_group() as group:
            await group.start(_listen, scope, shutdown)
            group.start_soon(_feed_watchdog, shutdown)
            group.start_soon(reap_orphans, is_own_process)
            with scope:
                await work()
            group.cancel_scope.cancel()
    finally:
        shutdown.complete()


async def _listen(scope: CancelScope, shutdown: Shutdown, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(*_stop_signals()) as signals:
        task_status.started()
        async for number in signals:
            if not scope.cancel_called:
                logger.info("{}: stopping; Ctrl-C or SIGTERM now ends at once", signal.Signals(number).name)
                shutdown.begin()
                scope.cancel()
            elif number != signal.SIGHUP:  # a terminal that is closed may send several
                os._exit(SECOND_SIGNAL)


def _stop_signals() -> Iterator[signal.Signals]:
    yield signal.SIGINT
    yield signal.SIGTERM
    # `nohup` ignores SIGHUP, and it stays ignored.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


async def _feed_watchdog(shutdown: Shutdown) -> None:
    """Notify the parent's watchdog from the event loop, three times per interval (WATCHDOG_USEC).

    A parent that gets no notification sends SIGABRT, as systemd does, which prints all stacks and ends the process,
    however blocked it is. A timer in this process would also have run out during a suspension.
    """
    seconds = int(os.environ.get("WATCHDOG_USEC") or 0) / 1_000_000
    if seconds:
        faulthandler.enable(STDERR)
        _leave_no_core()
    while seconds and not shutdown.begun:
        notify("WATCHDOG=1")
        await anyio.sleep(seconds / 3)


def _leave_no_core() -> None:
    # A core file of SIGABRT would hold patients' data.
    with suppress(OSError):  # in a sandbox that refuses it, the sandbox's own limit applies
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def watch_parent() -> None:
    """Stop this process when its parent has ended, which closes the pipe on our standard input."""
    if sys.platform == "linux":
        # Resume a suspended process (SIGSTOP) when its parent ends: suspended, it would notice nothing.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)
    # A thread, since the event loop may be blocked.
    threading.Thread(target=_await_parent_end, daemon=True).start()


def _await_parent_end() -> None:
    # Not through sys.stdin, whose lock a thread must not hold when Python ends.
    while os.read(0, 4_096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    # Nobody sets this event: the process ends before, or is ended after STOP_DEADLINE.
    _is_set_in_time(threading.Event())
    os._exit(1)


def _is_set_in_time(event: threading.Event) -> bool:
    """Block until the event is set, for STOP_DEADLINE seconds at most. Returns True if it is."""
    return any(event.wait(STOP_DEADLINE / WAIT_SLICES) for _ in range(WAIT_SLICES))


@asynccontextmanager
async def calling_on_stop(callback: Callable[[], None]) -> AsyncIterator[None]:
    """Call `callback` at SIGINT or SIGTERM, before the handlers of the process's owner (another ASGI server)."""
    if threading.current_thread() is not threading.main_thread():  # Python allows handlers in the main thread only
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
