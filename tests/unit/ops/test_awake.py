"""A clock that stands still with its process, so that no deadline passes while it is suspended. On virtual time."""

import selectors
import socket
from collections.abc import Callable
from types import SimpleNamespace

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import TaskStatus

from icu.ops.awake import SELECT_LIMIT, AwakeLoop
from icu.supervisor.errors import ChildStartTimeoutError, RestartIntensityError
from icu.supervisor.events import ChildAbandoned, ChildFailed, Event
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec
from icu.supervisor.tree import Supervisor

STANDSTILL = 600.0


class Machine:
    """The system's clock and its `select`: a wait advances the clock, and may last longer, as in a suspension."""

    def __init__(self) -> None:
        self.now = 0.0
        self.late = 0.0
        self.stops_at: float | None = None
        self.asked: list[float | None] = []

    def monotonic(self) -> float:
        return self.now

    def stand_still(self) -> None:
        """Suspend the process."""
        self.now += STANDSTILL

    def wait(self, timeout: float | None) -> None:
        self.asked.append(timeout)
        assert timeout is not None, "would wait for ever"
        assert self.now < 1_000 * STANDSTILL, "waits for ever"
        end = self.now + timeout + self.late
        if self.stops_at is not None and end >= self.stops_at:
            self.stops_at = None
            self.stand_still()
        self.now = max(self.now, end)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A new machine."""
    machine = Machine()
    system: Callable[..., list[tuple[selectors.SelectorKey, int]]] = selectors.DefaultSelector.select

    def select(selector: selectors.DefaultSelector, timeout: float | None = None) -> object:
        standing_still = machine.stops_at is not None and machine.now >= machine.stops_at
        found = [] if standing_still else system(selector, 0)
        if not found:
            machine.wait(timeout)
            found = system(selector, 0)
        return found

    monkeypatch.setattr("icu.ops.awake.time", SimpleNamespace(monotonic=machine.monotonic))
    monkeypatch.setattr(selectors.DefaultSelector, "select", select)
    return machine


@pytest.fixture
def anyio_backend(machine: Machine) -> tuple[str, dict[str, object]]:
    """The event loop of all roles."""
    return "asyncio", {"loop_factory": AwakeLoop}


async def test_nothing_is_lost_of_a_time_in_which_it_ran(machine: Machine) -> None:
    """Seconds of waits and of work all count, also on a machine that is always a little late."""
    began, now = anyio.current_time(), machine.now
    for machine.late in (0, 0.1, 0.4):
        await anyio.sleep(30)
        machine.now += 0.3
        await anyio.lowlevel.checkpoint()
    assert anyio.current_time() - began == pytest.approx(machine.now - now)
    assert 90.9 <= machine.now - now < 93


async def test_what_stands_still_all_the_time_is_not_late_for_ever(machine: Machine) -> None:
    """On a machine that wakes a process seconds too late each time, as when it swaps, every other time counts."""
    machine.late = 2
    now = machine.now
    with anyio.fail_after(11):
        await anyio.sleep(10)
    assert machine.now - now <= (2 * 10 / SELECT_LIMIT + 1) * (SELECT_LIMIT + machine.late)


async def test_a_standstill_takes_nothing_of_a_deadline(machine: Machine) -> None:
    """A suspension during a wait leaves the rest of a deadline as it was."""
    machine.stops_at = machine.now + 4
    with anyio.fail_after(5):
        await anyio.sleep(4.9)
    assert machine.now >= STANDSTILL


async def test_nor_one_while_it_works(machine: Machine) -> None:
    """A suspension between two waits takes nothing of a deadline, and the clock never goes back."""
    began = anyio.current_time()
    with anyio.fail_after(5):
        await anyio.sleep(4)
        machine.stand_still()
        at_once = anyio.current_time()
        await anyio.sleep(0.1)
        assert began + 4 <= at_once <= anyio.current_time() < began + 5


async def test_not_even_many(machine: Machine) -> None:
    """Many suspensions take nothing of a deadline."""
    with anyio.fail_after(5):
        for _ in range(40):
            machine.stops_at = machine.now + 0.05
            await anyio.sleep(0.1)
    assert machine.now >= 40 * STANDSTILL


async def test_a_dead_process_is_found_out(machine: Machine) -> None:
    """A deadline passes once the process itself has run for that long."""
    began = machine.now
    machine.stops_at = began + 2
    with anyio.move_on_after(5):
        await anyio.sleep_forever()
    assert STANDSTILL + 5 <= machine.now - began <= STANDSTILL + 5 + SELECT_LIMIT


async def test_what_came_meanwhile_is_heard_first(machine: Machine) -> None:
    """Data that arrived before a deadline are received first, however little time was left."""
    here, there = socket.socketpair()
    async with await anyio.abc.SocketStream.from_socket(here) as stream:
        with there:
            with anyio.fail_after(5):
                await anyio.sleep(4.999)
                machine.stops_at = machine.now
                there.send(b"alive")
                assert await stream.receive() == b"alive"
    assert machine.now >= STANDSTILL


async def test_it_looks_once_a_beat(machine: Machine) -> None:
    """A select takes half a second at most, so that a long wait hides no suspension."""
    await anyio.sleep(60)
    assert max(each or 0 for each in machine.asked) == SELECT_LIMIT


async def test_a_start_may_be_interrupted(machine: Machine) -> None:
    """A child that starts in time, by the time in which the supervisor runs, is no failure."""

    async def slow(*, task_status: TaskStatus[None]) -> None:
        await anyio.sleep(29)
        task_status.started()
        await anyio.sleep_forever()

    machine.stops_at = machine.now + 10
    async with anyio.create_task_group() as group:
        await group.start(Supervisor([ChildSpec(id="slow", start=slow, start_timeout=30)]).run)
        group.cancel_scope.cancel()
    assert machine.now >= STANDSTILL


async def test_but_one_that_hangs_has_an_end(machine: Machine) -> None:
    """A start that hangs is ended, with or without suspensions."""

    async def hanging(*, task_status: TaskStatus[None]) -> None:
        await anyio.sleep_forever()

    events: list[Event] = []
    machine.stops_at = machine.now + 10
    spec = ChildSpec(id="hanging", start=hanging, start_timeout=30)
    supervisor = Supervisor([spec], intensity=Intensity(0, 1), on_event=[events.append])
    with pytest.RaisesGroup(RestartIntensityError, flatten_subgroups=True, allow_unwrapped=True):
        await supervisor.run()
    [failed] = [each for each in events if isinstance(each, ChildFailed)]
    assert isinstance(failed.error, ChildStartTimeoutError)
    assert machine.now < STANDSTILL + 32


async def test_a_stop_may_be_interrupted(machine: Machine) -> None:
    """A suspension abandons no child, and the next one is not stopped before this one has ended."""

    async def slow_to_end(*, task_status: TaskStatus[None]) -> None:
        task_status.started()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(4)

    events: list[Event] = []
    async with anyio.create_task_group() as group:
        await group.start(Supervisor([ChildSpec(id="slow", start=slow_to_end)], on_event=[events.append]).run)
        machine.stops_at = machine.now + 2
        group.cancel_scope.cancel()
    assert machine.now >= STANDSTILL
    assert not [each for each in events if isinstance(each, ChildAbandoned)]
