"""Virtual time: the clock jumps to the next deadline whenever every task waits."""

import asyncio
import selectors

import trio.lowlevel
import trio.testing


def virtual_time() -> tuple[str, dict[str, object]]:
    """Make an anyio backend on trio whose hours take milliseconds."""
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def virtual_asyncio() -> tuple[str, dict[str, object]]:
    """Make the same on asyncio's loop, which the program uses; only for tests without files and sockets."""
    return "asyncio", {"loop_factory": _JumpingLoop}


def trio_clock() -> trio.testing.MockClock:
    """Return the clock of the running test, to be moved by hand."""
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, trio.testing.MockClock)
    return clock


def forward_asyncio() -> tuple[str, dict[str, object]]:
    """Make an anyio backend on asyncio whose time a test sets forward: real files and threads go on as always."""
    return "asyncio", {"loop_factory": ForwardLoop}


class ForwardLoop(asyncio.SelectorEventLoop):
    """Loop whose clock is ahead of the real one."""

    ahead = 0.0

    def time(self) -> float:
        """Return seconds, with those that a test has let pass."""
        return super().time() + self.ahead


def still_asyncio() -> tuple[str, dict[str, object]]:
    """Make the same, whose time stands still in between: where milliseconds are compared."""
    return "asyncio", {"loop_factory": _StillLoop}


def pass_time(seconds: float) -> None:
    """Pass time on the running test's loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ForwardLoop)
    loop.ahead += seconds


class _StillLoop(ForwardLoop):
    def time(self) -> float:
        return self.ahead


class _JumpingSelector(selectors.SelectSelector):
    """A selector that moves the clock where the loop would wait."""

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
