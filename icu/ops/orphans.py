"""Orphans: processes whose parent has ended before them. They become children of process 1, or of a subreaper.

In a container without an init that is this process, whatever role it has. Nobody else waits for them once they have
ended: a health check that leaves something behind would fill the table of processes in time.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import anyio

# Seconds in which whoever started a process that has ended waits for it.
PAUSE: Final = 0.05

_PR_GET_CHILD_SUBREAPER: Final = 37


async def reap_orphans(is_ours: Callable[[int], bool]) -> None:
    """Wait for each orphan that has ended, until cancelled. Ends at once where this process is given none.

    `is_ours` tells by its number if a process was started by this one, which has to learn how it ended: that one is
    left alone.
    """
    if not _is_reaper():
        return
    with anyio.open_signal_receiver(signal.SIGCHLD) as signals:
        await _reap(is_ours)  # what ended before anybody listened
        async for _ in signals:
            await _reap(is_ours)


def _is_reaper() -> bool:
    if os.getpid() == 1:
        return True
    told = ctypes.c_int()
    return (
        sys.platform == "linux"
        and ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(told), 0, 0, 0) == 0
        and bool(told.value)
    )


async def _reap(is_ours: Callable[[int], bool]) -> None:
    """Wait for all that have ended; one signal may stand for many of them."""
    while (pid := _ended()) is not None:
        if is_ours(pid):
            await anyio.sleep(PAUSE)
        else:
            _wait_for(pid)


def _ended() -> int | None:
    """A child that has ended, if one has. It is only looked at: whose it is decides who may wait for it."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # there are no children
        return None
    return ended and ended.si_pid


def _wait_for(pid: int) -> None:
    with suppress(ChildProcessError):  # somebody has
        os.waitpid(pid, os.WNOHANG)
