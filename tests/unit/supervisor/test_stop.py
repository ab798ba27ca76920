"""Stops in reverse order, with and without grace, and children that do not stop."""

import math

import anyio
import pytest

from icu.supervisor.events import ChildAbandoned, ChildFailed, ChildStopped
from icu.supervisor.spec import BRUTAL_KILL, ChildSpec, Strategy
from tests.unit.supervisor.actors import Actor, build, crashes, permanent, running, starting


@pytest.mark.parametrize("strategy", Strategy)
async def test_stopped_in_reverse_one_after_the_other(strategy: Strategy) -> None:
    """The last child is stopped first, and the next when it has ended: so the sink drains."""
    async with running(*permanent(c=Actor(stop=2), a=Actor(stop=2), b=Actor(stop=2)), strategy=strategy) as ward:
        before = anyio.current_time()
    assert anyio.current_time() - before == pytest.approx(6)
    assert [(event.id, event.seconds) for event in ward.events_of(ChildStopped)] == [
        (name, pytest.approx(2)) for name in "bac"
    ]


async def test_the_order_is_the_children_s_own() -> None:
    """A restarted child keeps its place in the order."""
    async with running(*permanent(a=Actor(crashes), b=Actor(), c=Actor())) as ward:
        await anyio.sleep(10)
        await ward.supervisor.restart_child("b")
        ward.events.clear()
    assert ward.order() == "-c -b -a"


async def test_a_child_that_does_not_stop_is_abandoned_after_its_grace() -> None:
    """A child that does not stop is abandoned after its grace, with an event, and the others stop."""
    specs = [ChildSpec(id="a", start=Actor(stop=1)), ChildSpec(id="b", start=Actor(stop=60), shutdown=3)]
    async with running(*specs) as ward:
        stopped = anyio.current_time()
    assert [(event.id, event.seconds) for event in ward.events_of(ChildAbandoned)] == [("b", pytest.approx(3))]
    assert [(event.id, event.seconds) for event in ward.events_of(ChildStopped)] == [("a", pytest.approx(1))]
    # No task can be killed, so the supervisor cannot end before its children.
    assert anyio.current_time() - stopped == pytest.approx(60)


async def test_a_grace_without_end() -> None:
    """A child with an infinite grace is waited for as long as it takes."""
    specs = [ChildSpec(id="a", start=Actor()), ChildSpec(id="b", start=Actor(stop=3_600), shutdown=math.inf)]
    async with running(*specs) as ward:
        pass
    assert (ward.ids(ChildStopped), ward.ids(ChildAbandoned)) == ("b a", "")


async def test_brutal_kill_waits_for_nobody() -> None:
    """With a grace of 0 the next child is stopped at once, and none counts as abandoned."""
    specs = [ChildSpec(id="a", start=Actor()), ChildSpec(id="b", start=Actor(stop=9), shutdown=BRUTAL_KILL)]
    async with running(*specs) as ward:
        pass
    assert [(event.id, event.seconds) for event in ward.events_of(ChildStopped)] == [("a", 0), ("b", pytest.approx(9))]
    assert not ward.events_of(ChildAbandoned)


async def test_together() -> None:
    """With `stop_together` the stop lasts as long as the slowest child (OTP's simple_one_for_one_shutdown)."""
    actors = {f"bed{n}": Actor(stop=n) for n in range(1, 5)}
    async with running(*permanent(**actors), stop_together=True) as ward:
        before = anyio.current_time()
    assert anyio.current_time() - before == pytest.approx(4)
    assert ward.ids(ChildStopped) == "bed1 bed2 bed3 bed4"


async def test_together_with_one_that_does_not_stop() -> None:
    """With `stop_together` a child is abandoned after its own grace, and the others stop as usual."""
    specs = [ChildSpec(id="a", start=Actor(stop=9), shutdown=3), ChildSpec(id="b", start=Actor(stop=4))]
    async with running(*specs, stop_together=True) as ward:
        pass
    assert (ward.ids(ChildStopped), ward.ids(ChildAbandoned)) == ("b", "a")


async def test_a_restart_of_a_group_stops_together_too() -> None:
    """`stop_together` also holds for the restart of a group."""
    actors = {"a": Actor(crashes), "b": Actor(stop=3), "c": Actor(stop=3)}
    async with running(*permanent(**actors), strategy=Strategy.ONE_FOR_ALL, stop_together=True, random=0) as ward:
        await anyio.sleep(4.1)
        assert ward.states() == "starting starting starting"


@pytest.mark.parametrize("strategy", Strategy)
async def test_stopping_while_others_still_start(strategy: Strategy) -> None:
    """A stop during the start stops the started children in order, and the others never start."""
    last = Actor()
    async with starting(*permanent(a=Actor(), b=Actor(start=60), c=last), strategy=strategy) as (ward, _):
        await anyio.sleep(5)
    assert (ward.ids(ChildStopped), last.starts) == ("b a", 0)
    assert ward.states() == "stopped stopped pending"


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_death_while_stopping_restarts_nothing(strategy: Strategy) -> None:
    """No child is restarted once the supervisor stops."""
    dying = Actor(crashes)
    async with running(*permanent(a=dying, b=Actor(stop=5)), strategy=strategy) as ward:
        pass
    assert (dying.starts, ward.ids(ChildFailed), ward.states()) == (1, "a", "failed stopped")


async def test_two_stops_at_once() -> None:
    """Two stops share one grace and one event, and both return at the end."""
    async with running(*permanent(a=Actor(stop=4))) as ward, anyio.create_task_group() as group:
        before = anyio.current_time()
        group.start_soon(ward.supervisor.stop_child, "a")
        await anyio.sleep(1)
        await ward.supervisor.stop_child("a")
        assert anyio.current_time() - before == pytest.approx(4)
    assert [(event.id, event.seconds) for event in ward.events_of(ChildStopped)] == [("a", pytest.approx(4))]


async def test_stopping_a_supervisor_that_stops_a_child() -> None:
    """A child that is being stopped keeps the rest of its grace when the supervisor stops, without a second one."""
    slow = ChildSpec(id="b", start=Actor(stop=60), shutdown=3)
    async with anyio.create_task_group() as group, running(*permanent(a=Actor()), slow) as ward:
        group.start_soon(ward.supervisor.stop_child, "b")
        await anyio.sleep(2)
        stopped = anyio.current_time()
    assert [event.seconds for event in ward.events_of(ChildAbandoned)] == [pytest.approx(3)]
    assert anyio.current_time() - stopped == pytest.approx(58)
    assert ward.order() == "+a +b -a"


async def test_a_stop_that_is_given_up_goes_on() -> None:
    """A cancelled stop order still stops the child, with an event."""
    async with running(*permanent(a=Actor(stop=4))) as ward:
        with anyio.move_on_after(1):
            await ward.supervisor.stop_child("a")
        assert ward.state("a") == "stopping"
        await anyio.sleep(5)
        assert ward.state("a") == "stopped"
        assert ward.ids(ChildStopped) == "a"


async def test_neighbours_of_one_stage_stop_together() -> None:
    """Neighbours of the same stage stop together; a child between them, or without a stage, separates them."""
    stages = {"a": "http", "b": "http", "c": None, "d": "http", "e": None, "f": None}
    specs = [ChildSpec(id=name, start=Actor(stop=2), stage=stage) for name, stage in stages.items()]
    async with running(*specs) as ward:
        before = anyio.current_time()
    assert anyio.current_time() - before == 10
    assert ward.ids(ChildStopped)[:8] == "f e d c "


async def test_it_can_run_again() -> None:
    """A supervisor can run again: its children start with a clean record, except for those stopped by order."""
    actor = Actor(crashes)
    async with running(*permanent(a=actor, b=Actor())) as ward:
        await anyio.sleep(5)
        await ward.supervisor.stop_child("b")
        assert ward.child("a").restarts == 1
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        assert (ward.states(), ward.child("a").restarts) == ("starting stopped", 0)
        group.cancel_scope.cancel()


@pytest.mark.parametrize("what", ["shutdown", "start_timeout", "min_uptime"])
@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_nonsense_is_refused(what: str, seconds: float) -> None:
    """Negative times are refused, as by OTP's child_specs."""
    with pytest.raises(ValueError, match=f"cannot have a {what}"):
        ChildSpec(id="a", start=Actor(), **{what: seconds})


def test_ids_must_differ() -> None:
    """Two children of one id are refused."""
    with pytest.raises(ValueError, match="more than one is called a"):
        build(*permanent(a=Actor()), *permanent(a=Actor()))
