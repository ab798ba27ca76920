"""A process, from the start of its work until it is told to stop."""

import gc
import sys
from collections.abc import Awaitable, Callable

import anyio

from icu.ops.awake import AwakeLoop
from icu.ops.descriptors import raise_limit
from icu.ops.signals import Shutdown, until_stopped


def run(
    work: Callable[[], Awaitable[None]],
    shutdown: Shutdown | None = None,
    is_own_process: Callable[[int], bool] = lambda _: False,
) -> None:
    """Run what this process is for until it is told to stop, with as many open files as the system lets it have.

    `is_ours` tells by its number if a process was started by this one.
    """
    raise_limit()
    anyio.run(until_stopped, work, shutdown, is_own_process, backend_options={"loop_factory": AwakeLoop})


def tune_interpreter() -> None:
    """Search neither what is loaded nor rows for cycles: there are none, and that is a fifth of the sink's work."""
    gc.freeze()
    gc.set_threshold(20_000)
    # The database gives the interpreter away at each row: beside a busy loop a row would take Python's usual 5 ms.
    sys.setswitchinterval(0.000_5)
