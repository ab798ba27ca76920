"""Virtual time: the clock jumps to the next deadline whenever every task waits."""

import asyncio
import selectors

import trio.lowlevel
import trio.testing


def virtual_time() -> tuple[str, dict[str, object]]:
    """An anyio backend whose hours last milliseconds."""
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def virtual_asyncio() -> tuple[str, dict[str, object]]:
    """The same on asyncio's loop, on which the program runs. Only for what opens nothing."""
    return "asyncio", {"loop_factory": _JumpingLoop}


def trio_clock() -> trio.testing.MockClock:
    """The clock of the test that runs, to be moved by hand."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, trio.testing.MockClock)
    return clock


class _JumpingSelector(selectors.SelectSelector):
    """Where the loop would wait it moves the clock instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(timeout if timeout is None else 0)


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _JumpingSelector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now
