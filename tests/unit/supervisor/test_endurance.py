"""Thousands of restarts leave no objects, tasks or descriptors behind."""

import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from icu.store.errors import StoreUnavailableError
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import Strategy
from icu.supervisor.tree import Supervisor
from tests.clocks import virtual_asyncio
from tests.unit.supervisor.actors import Actor, Starter, crash_at_once, permanent


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """The program's own event loop alone, since these tests take long."""
    return virtual_asyncio()


class Residue:
    """Numbers of objects, tasks and descriptors at the beginning, and their growth."""

    def __init__(self) -> None:
        self._before = self._count()

    def check(self) -> None:
        """Check that nothing has grown, but for running work and Python's caches."""
        objects, tasks, files = (now - before for now, before in zip(self._count(), self._before, strict=True))
        print(f"{objects} objects, {tasks} tasks and {files} descriptors more")
        assert objects < 100
        assert tasks < 5
        assert files == 0

    def _count(self) -> tuple[int, int, int]:
        gc.collect()
        fds = Path("/proc/self/fd")
        files = len(list(fds.iterdir())) if fds.exists() else 0
        return len(gc.get_objects()), len(anyio.get_running_tasks()), files


async def until(reached: Callable[[], bool]) -> None:
    """Run the other tasks until a condition holds."""
    while not reached():
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("deaths", [2_000, pytest.param(10_000, marks=pytest.mark.endurance)])
@pytest.mark.parametrize("strategy", Strategy)
async def test_thousands_of_deaths(strategy: Strategy, deaths: int) -> None:
    """No restart keeps the former life, or that of a sibling that fell with it: no task, object or error."""
    dying, sibling = Actor(*[crash_at_once] * deaths), Actor()
    # No events are kept here, and a random number of 0 makes each wait nothing.
    supervisor = Supervisor(
        permanent(a=dying, b=sibling), strategy=strategy, intensity=Intensity(deaths, 60), random=lambda: 0
    )
    async with anyio.create_task_group() as group:
        group.start_soon(supervisor.run)
        await until(lambda: dying.starts > deaths // 10)
        residue = Residue()
        await until(lambda: dying.starts > deaths)
        residue.check()
        assert (supervisor.view()[0].restarts, dying.most_alive, sibling.most_alive) == (deaths, 1, 1)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("strategy", Strategy)
async def test_two_thousand_starts_that_fail(strategy: Strategy) -> None:
    """Failed starts leave nothing behind either."""
    away = Starter(*[StoreUnavailableError("locked")] * 2_000)
    supervisor = Supervisor(
        permanent(a=Actor(), b=away), strategy=strategy, intensity=Intensity(2_000, 60), random=lambda: 0
    )
    async with anyio.create_task_group() as group:
        group.start_soon(supervisor.run)
        await until(lambda: away.starts > 200)
        residue = Residue()
        await until(lambda: away.starts > 2_000)
        residue.check()
        group.cancel_scope.cancel()


async def restart(supervisor: Supervisor) -> None:
    """Restart a child by order."""
    await supervisor.restart_child("b")


async def replace(supervisor: Supervisor) -> None:
    """Remove and add a child by order."""
    await supervisor.remove_child("b")
    await supervisor.add_child(*permanent(b=Actor()))


@pytest.mark.parametrize("order", [restart, replace])
async def test_a_thousand_orders(order: Callable[[Supervisor], Awaitable[None]]) -> None:
    """Restarts by order, and children that come and go, leave nothing behind either."""
    supervisor = Supervisor(permanent(a=Actor(), b=Actor()))
    async with anyio.create_task_group() as group:
        await group.start(supervisor.run)
        for _ in range(100):
            await order(supervisor)
        residue = Residue()
        for _ in range(1_000):
            await order(supervisor)
        residue.check()
        group.cancel_scope.cancel()
