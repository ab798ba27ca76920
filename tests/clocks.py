"""Virtual time: trio's clock jumps to the next deadline whenever every task waits."""

import trio.lowlevel
import trio.testing


def virtual_time() -> tuple[str, dict[str, object]]:
    """An anyio backend whose hours last milliseconds."""
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def trio_clock() -> trio.testing.MockClock:
    """The clock of the test that runs, to be moved by hand."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, trio.testing.MockClock)
    return clock
