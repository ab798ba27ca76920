"""Reaping of orphans: processes whose parent ended before them, and which become children of process 1 or a subreaper.

In a container without an init that is this process, whatever its role. Without a wait each ended orphan remains as a
zombie: a health check that leaves one behind would fill the process table in time.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import anyio

# Seconds that the task that started an ended process gets to wait for it, before we look at the next one.
PAUSE: Final = 0.05

# linux/prctl.h
_PR_GET_CHILD_SUBREAPER: Final = 37


async def reap_orphans(is_own_process: Callable[[int], bool]) -> None:
    """Wait for each ended orphan, until cancelled. Returns at once if this process is no reaper.

    Args:
        is_own_process: Tells by pid if this process started the child itself. Such a child is left alone: the task that
            started it needs its exit code.
    """
    if not _is_reaper():
        return
    with anyio.open_signal_receiver(signal.SIGCHLD) as signals:
        await _reap(is_own_process)  # for those that ended before the receiver was open
        async for _ in signals:
            await _reap(is_own_process)


def _is_reaper() -> bool:
    if os.getpid() == 1:
        return True
    is_subreaper = ctypes.c_int()
    return (
        sys.platform == "linux"
        and ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(is_subreaper), 0, 0, 0) == 0
        and bool(is_subreaper.value)
    )


async def _reap(is_own_process: Callable[[int], bool]) -> None:
    # All of them: the kernel merges signals, so that one SIGCHLD may stand for many ends.
    while (pid := _ended()) is not None:
        if is_own_process(pid):
            await anyio.sleep(PAUSE)
        else:
            _wait_for(pid)


def _ended() -> int | None:
    # WNOWAIT leaves its exit code for the caller of waitpid, which may be the task that started it.
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # this process has no children
        return None
    return ended and ended.si_pid


def _wait_for(pid: int) -> None:
    with suppress(ChildProcessError):  # another task has waited for it meanwhile
        os.waitpid(pid, os.WNOHANG)
