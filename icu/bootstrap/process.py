"""Process-wide set-up: signals, file descriptors, event loop and interpreter."""

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
    """Run the work of this process until a stop request, with the highest limit of open files.

    Args:
        work: The work; a stop request cancels it.
        shutdown: Stop request that the work itself may begin.
        is_own_process: Tells by pid if a process was started by this one, and is no orphan.
    """
    raise_limit()
    anyio.run(until_stopped, work, shutdown, is_own_process, backend_options={"loop_factory": AwakeLoop})


def tune_interpreter() -> None:
    """Adapt the garbage collector and the thread switching to this program. Call it once all modules are loaded."""
    # Neither loaded modules nor rows form cycles, and the search for them is a fifth of the sink's work.
    gc.freeze()
    gc.set_threshold(20_000)
    # SQLite's driver releases the GIL at each row. Beside a busy loop, a row would take the default interval of 5 ms.
    sys.setswitchinterval(0.000_5)
