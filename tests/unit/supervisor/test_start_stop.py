"""Starting in order, stopping in reverse, and children that do neither as they should."""

from typing import Any

import anyio
import pytest
from anyio import TASK_STATUS_IGNORED, CancelScope
from anyio.abc import TaskStatus

from icu.errors import (
    AddressInUseError,
    ChildEndedEarlyError,
    ChildStartTimeoutError,
    StoreUnavailableError,
)
from icu.supervisor.events import ChildAbandoned, ChildFailed, ChildRestarting, ChildStarted, ChildStopped, Event
from icu.supervisor.spec import ChildSpec
from icu.supervisor.tree import Supervisor
from tests.unit.supervisor.actors import Actor, build, running


class Slow:
    """A child that takes its time to start and to stop."""

    def __init__(self, *, start: float = 0, stop: float = 0, address: str | None = None) -> None:
        self._start = start
        self._stop = stop
        self._address = address

    async def __call__(self, *, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        await anyio.sleep(self._start)
        task_status.started(self._address)
        try:
            await anyio.sleep_forever()
        finally:
            with CancelScope(shield=True):
                await anyio.sleep(self._stop)


async def test_each_waits_until_the_one_before_has_started() -> None:
    """Children start in their order, one after the other: the next may rely on those before it."""
    ward = build(*[ChildSpec(id=name, start=Slow(start=10)) for name in "abc"])
    async with anyio.create_task_group() as group:
        group.start_soon(ward.supervisor.run)
        await anyio.sleep(15)
        assert [str(each.state) for each in ward.supervisor.view()] == ["running", "starting", "pending"]
        await anyio.sleep(16)
        assert [event.id for event in ward.told(ChildStarted)] == ["a", "b", "c"]
        group.cancel_scope.cancel()


async def test_stopped_in_reverse_one_after_the_other() -> None:
    """The last is stopped first, and the next only when it has ended: that is how the sink drains."""
    async with running(*[ChildSpec(id=name, start=Slow(stop=2)) for name in "abc"]) as ward:
        before = anyio.current_time()
    assert anyio.current_time() - before == pytest.approx(6)
    assert [(event.id, event.seconds) for event in ward.told(ChildStopped)] == [
        ("c", pytest.approx(2)),
        ("b", pytest.approx(2)),
        ("a", pytest.approx(2)),
    ]


async def test_a_child_that_does_not_stop_is_abandoned_after_its_grace() -> None:
    """The others are not kept waiting longer than its grace, and it is told who held things up."""
    async with running(
        ChildSpec(id="a", start=Slow(stop=1)), ChildSpec(id="b", start=Slow(stop=60), shutdown=3)
    ) as ward:
        stopped = anyio.current_time()
    assert [(event.id, event.seconds) for event in ward.told(ChildAbandoned)] == [("b", pytest.approx(3))]
    assert [(event.id, event.seconds) for event in ward.told(ChildStopped)] == [("a", pytest.approx(1))]
    assert anyio.current_time() - stopped == pytest.approx(60)


async def test_stopping_while_others_still_start() -> None:
    """Children that have started are stopped in order; those whose turn had not come are never started."""
    last = Actor()
    ward = build(
        ChildSpec(id="a", start=Slow()), ChildSpec(id="b", start=Slow(start=60)), ChildSpec(id="c", start=last)
    )
    async with anyio.create_task_group() as group:
        group.start_soon(ward.supervisor.run)
        await anyio.sleep(5)
        group.cancel_scope.cancel()
    assert [event.id for event in ward.told(ChildStopped)] == ["b", "a"]
    assert last.starts == 0


async def test_a_crash_while_others_start_does_not_disturb_them() -> None:
    """A child that dies while a later one starts is restarted, and the start goes on."""

    async def dies_soon() -> None:
        await anyio.sleep(2)
        raise RuntimeError("early")

    early = Actor(dies_soon)
    async with running(ChildSpec(id="a", start=early), ChildSpec(id="b", start=Slow(start=10))) as ward:
        assert early.starts == 2
        assert [event.id for event in ward.told(ChildStarted)] == ["a", "a", "b"]


async def test_a_start_that_hangs() -> None:
    """A child that does not say `started` in time is cancelled and tried again, and the next one is started."""
    sibling = Actor()
    async with running(
        ChildSpec(id="a", start=Slow(start=60), start_timeout=5), ChildSpec(id="b", start=sibling)
    ) as ward:
        [death] = ward.told(ChildFailed)
        assert isinstance(death.error, ChildStartTimeoutError)
        assert sibling.alive == 1
        assert ward.state("a") == "backoff"


async def test_a_start_that_returns_early_is_a_mistake() -> None:
    """A child that ends without having said `started` was never one: the supervisor does not start."""

    async def returns(*, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        """Says nothing."""

    with pytest.raises(ChildEndedEarlyError):
        await build(ChildSpec(id="a", start=returns)).supervisor.run()


async def test_a_first_start_that_cannot_succeed_stops_all() -> None:
    """A taken port is no better at the next try: what has started is stopped, and the error leaves as it is."""

    async def taken(*, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        raise AddressInUseError("127.0.0.1", 8000)

    sink = Actor()
    ward = build(ChildSpec(id="sink", start=sink), ChildSpec(id="monitor", start=taken))
    with pytest.raises(AddressInUseError):
        await ward.supervisor.run()
    assert sink.alive == 0
    assert [event.id for event in ward.told(ChildStopped)] == ["sink"]


async def test_a_first_start_that_may_succeed_later_is_tried_again() -> None:
    """Something that is only away does not keep the others from starting."""
    tries = 0

    async def away_twice(*, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise StoreUnavailableError("locked")
        task_status.started()
        await anyio.sleep_forever()

    sibling = Actor()
    async with running(ChildSpec(id="a", start=away_twice), ChildSpec(id="b", start=sibling)) as ward:
        assert sibling.alive == 1
        await anyio.sleep(5)
        assert ward.state("a") == "running"
        assert len(ward.told(ChildRestarting)) == 2


async def test_the_view_tells_what_people_ask() -> None:
    """Id, state, address, restarts, uptime and the last error, in the children's order."""

    async def dies() -> None:
        await anyio.sleep(1)
        raise RuntimeError("the child broke")

    async with running(
        ChildSpec(id="monitor", start=Slow(address="http://127.0.0.1:8000")), ChildSpec(id="bed", start=Actor(dies))
    ) as ward:
        await anyio.sleep(11)
        monitor, bed = ward.supervisor.view()
    assert (monitor.id, str(monitor.state), monitor.detail, monitor.uptime) == (
        "monitor",
        "running",
        "http://127.0.0.1:8000",
        pytest.approx(11),
    )
    assert (bed.restarts, bed.last_error) == (1, "RuntimeError: the child broke")


async def test_it_can_run_again() -> None:
    """A supervisor that was stopped starts its children anew, with a clean record."""
    actor = Actor()
    ward = build(ChildSpec(id="a", start=actor))
    for _ in range(2):
        async with anyio.create_task_group() as group:
            await group.start(ward.supervisor.run)
            assert ward.supervisor.view()[0].restarts == 0
            group.cancel_scope.cancel()
    assert actor.starts == 2


async def test_a_supervisor_is_a_child_like_any_other() -> None:
    """Supervisors nest: an inner one is started, restarted after it gave up, and stopped in order."""
    inner_child = Actor()
    inner = build(ChildSpec(id="inner-child", start=inner_child))
    async with running(ChildSpec(id="inner", start=inner.supervisor.run)):
        assert inner_child.alive == 1
    assert inner_child.alive == 0


async def test_a_handler_that_raises_changes_nothing() -> None:
    """Whoever listens must not be able to harm the children."""

    def broken(_event: Event) -> None:
        raise RuntimeError("the log is broken")

    supervisor = Supervisor([ChildSpec(id="a", start=Actor())], on_event=[broken])
    with pytest.warns(RuntimeWarning, match="the log is broken"):
        async with anyio.create_task_group() as group:
            await group.start(supervisor.run)
            await anyio.sleep(1)
            assert str(supervisor.view()[0].state) == "running"
            group.cancel_scope.cancel()


def test_ids_must_differ() -> None:
    """Two children of one name could not be told apart."""
    with pytest.raises(ValueError, match="more than one is called a"):
        Supervisor([ChildSpec(id="a", start=Actor()), ChildSpec(id="a", start=Actor())])


async def test_a_child_that_waits_for_something_is_shown_so() -> None:
    """It is alive, so nothing is restarted; the view says what it waits for, and for how long it has been up."""
    troubles: list[str | None] = [None]
    spec = ChildSpec(id="sink", start=Actor(), trouble=lambda: troubles[-1])
    async with running(spec) as ward:
        await anyio.sleep(3)
        assert ward.state("sink") == "running"
        troubles.append("no broker at 127.0.0.1:9092")
        view = ward.supervisor.view()[0]
        assert (str(view.state), view.detail, view.uptime) == ("waiting", "no broker at 127.0.0.1:9092", 3)
        troubles.append(None)
        assert ward.state("sink") == "running"
        assert ward.supervisor.view()[0].restarts == 0
    assert ward.state("sink") == "stopped"
