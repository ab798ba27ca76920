"""Views of the children, for people and programs."""

from typing import Any

import anyio
import pytest
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from icu.supervisor.events import Event
from icu.supervisor.spec import ChildSpec
from icu.supervisor.tree import Supervisor
from icu.supervisor.view import WorkStatus
from tests.unit.supervisor.actors import Actor, build, crashes, crashes_after, permanent, running, starting


async def served(*, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
    """Run a child that reports its address."""
    task_status.started("http://127.0.0.1:8000")
    await anyio.sleep_forever()


async def test_the_view_tells_what_people_ask() -> None:
    """The view has id, state, address, restarts, uptime and last error, in the children's order."""
    async with running(ChildSpec(id="monitor", start=served), *permanent(bed=Actor(crashes))) as ward:
        await anyio.sleep(11)
        monitor, bed = ward.supervisor.view()
    assert (monitor.id, str(monitor.state), monitor.restarts) == ("monitor", "running", 0)
    assert (monitor.detail, monitor.uptime) == ("http://127.0.0.1:8000", pytest.approx(11))
    assert (bed.restarts, bed.last_error, bed.uptime) == (1, "RuntimeError: the child broke", pytest.approx(9.9))


def test_before_it_runs_all_are_pending() -> None:
    """The view works before the start, when all children are pending."""
    assert build(*permanent(a=Actor(), b=Actor())).states() == "pending pending"


async def test_the_states_of_a_life() -> None:
    """A child is starting, running, in back-off, stopping and stopped in turn."""
    async with starting(*permanent(z=Actor(start=1), a=Actor(_crashes_after_5, start=1, stop=1))) as (ward, group):
        assert ward.state("a") == "pending"
        await anyio.sleep(1.5)
        assert ward.state("a") == "starting"
        await anyio.sleep(2)
        assert ward.state("a") == "running"
        await anyio.sleep(3.55)
        assert ward.state("a") == "backoff"
        await anyio.sleep(5)
        group.start_soon(ward.supervisor.stop_child, "a")
        await anyio.sleep(0.5)
        assert ward.state("a") == "stopping"
        await anyio.sleep(1)
        assert (ward.state("a"), ward.child("a").uptime) == ("stopped", 0)


async def _crashes_after_5() -> None:
    await anyio.sleep(5)
    raise RuntimeError("the child broke")


async def test_a_child_that_waits_for_something_is_shown_so() -> None:
    """A child that waits for a service is alive, and the view has the reason and the uptime."""
    troubles: list[str | None] = [None]
    async with running(ChildSpec(id="sink", start=served, work_status=lambda: WorkStatus(troubles[-1]))) as ward:
        await anyio.sleep(3)
        assert ward.state("sink") == "running"
        troubles.append("no broker at 127.0.0.1:9092")
        sink = ward.child("sink")
        assert (str(sink.state), sink.detail, sink.uptime) == ("waiting", "no broker at 127.0.0.1:9092", 3)
        troubles.append(None)
        sink = ward.child("sink")
        assert (str(sink.state), sink.detail, sink.restarts) == ("running", "http://127.0.0.1:8000", 0)
        troubles.append("no broker at 127.0.0.1:9092")
    assert (ward.state("sink"), ward.child("sink").detail) == ("stopped", None)


async def test_a_child_that_leaves_work_undone_is_shown_as_degraded() -> None:
    """That stands before what it waits for: somebody has to act."""
    work_status = WorkStatus("no broker", "partition 3 cannot be read: mend it")
    async with running(ChildSpec(id="sink", start=served, work_status=lambda: work_status)) as ward:
        await anyio.sleep(3)
        sink = ward.child("sink")
    assert (str(sink.state), sink.detail, sink.restarts) == ("degraded", "partition 3 cannot be read: mend it", 0)


async def test_running_means_that_it_has_run_for_a_while() -> None:
    """Until its minimum uptime is over a child is shown as starting, also if it waits for something by then."""
    spec = ChildSpec(id="a", start=Actor(), min_uptime=3, work_status=lambda: WorkStatus("no broker"))
    async with running(spec) as ward:
        await anyio.sleep(2.9)
        assert ward.state("a") == "starting"
        await anyio.sleep(0.2)
        assert ward.state("a") == "waiting"


async def test_one_that_dies_at_each_start_is_never_shown_as_running() -> None:
    """A child that dies at each start is starting or in back-off, never running."""
    async with running(*permanent(a=Actor(*[crashes_after(0.5)] * 10))) as ward:
        seen = set()
        for _ in range(200):
            seen.add(ward.state("a"))
            await anyio.sleep(0.1)
    assert {"starting", "backoff"} <= seen
    assert "running" not in seen


async def test_others_do_not_wait_for_the_minimum_uptime() -> None:
    """The next child starts when this one calls `started`, before its minimum uptime."""
    last = Actor()
    async with running(ChildSpec(id="a", start=Actor(), min_uptime=60), *permanent(b=last)):
        assert last.starts == 1


async def test_no_minimum() -> None:
    """Without a minimum uptime a child is running as soon as it calls `started`."""
    async with running(ChildSpec(id="a", start=Actor(), min_uptime=0)) as ward:
        assert ward.state("a") == "running"


async def test_the_view_agrees_with_the_events() -> None:
    """A view taken in a handler has the state that the event reports."""
    seen: list[tuple[str, str]] = []

    def look(event: Event) -> None:
        seen.append((type(event).__name__, str(supervisor.view()[0].state)))

    spec = ChildSpec(id="a", start=Actor(crashes), min_uptime=0)
    supervisor = Supervisor([spec], on_event=[look], random=lambda: 1)
    async with anyio.create_task_group() as group:
        await group.start(supervisor.run)
        await anyio.sleep(5)
        group.cancel_scope.cancel()
    assert seen == [
        ("ChildStarted", "running"),
        ("ChildFailed", "failed"),
        ("ChildRestarting", "backoff"),
        ("ChildStarted", "running"),
        ("ChildStopped", "stopped"),
    ]
