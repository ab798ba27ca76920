"""Stopping in reverse order, with grace and without, and children that do not stop."""

import math

import anyio
import pytest

from icu.supervisor.events import ChildAbandoned, ChildFailed, ChildStopped
from icu.supervisor.spec import BRUTAL_KILL, ChildSpec, Strategy
from tests.unit.supervisor.actors import Actor, build, crashes, permanent, running, starting


@pytest.mark.parametrize("strategy", Strategy)
async def test_stopped_in_reverse_one_after_the_other(strategy: Strategy) -> None:
    """The last is stopped first, and the next only when it has ended: that is how the sink drains."""
    async with running(*permanent(c=Actor(stop=2), a=Actor(stop=2), b=Actor(stop=2)), strategy=strategy) as ward:
        before = anyio.current_time()
    assert anyio.current_time() - before == pytest.approx(6)
    assert [(event.id, event.seconds) for event in ward.told(ChildStopped)] == [
        (name, pytest.approx(2)) for name in "bac"
    ]


async def test_the_order_is_the_children_s_own() -> None:
    """A child that died or was restarted keeps its place."""
    async with running(*permanent(a=Actor(crashes), b=Actor(), c=Actor())) as ward:
        await anyio.sleep(10)
        await ward.supervisor.restart_child("b")
        ward.events.clear()
    assert ward.order() == "-c -b -a"


async def test_a_child_that_does_not_stop_is_abandoned_after_its_grace() -> None:
    """The others are not kept waiting longer than its grace, and it is told who held things up."""
    specs = [ChildSpec(id="a", start=Actor(stop=1)), ChildSpec(id="b", start=Actor(stop=60), shutdown=3)]
    async with running(*specs) as ward:
        stopped = anyio.current_time()
    assert [(event.id, event.seconds) for event in ward.told(ChildAbandoned)] == [("b", pytest.approx(3))]
    assert [(event.id, event.seconds) for event in ward.told(ChildStopped)] == [("a", pytest.approx(1))]
    # No task can be killed, so the supervisor cannot end before its children.
    assert anyio.current_time() - stopped == pytest.approx(60)


async def test_a_grace_without_end() -> None:
    """OTP's infinity: some children are waited for as long as it takes."""
    specs = [ChildSpec(id="a", start=Actor()), ChildSpec(id="b", start=Actor(stop=3_600), shutdown=math.inf)]
    async with running(*specs) as ward:
        pass
    assert (ward.ids(ChildStopped), ward.ids(ChildAbandoned)) == ("b a", "")


async def test_brutal_kill_waits_for_nobody() -> None:
    """The next child is stopped at once, and nothing is abandoned: none was expected to take its time."""
    specs = [ChildSpec(id="a", start=Actor()), ChildSpec(id="b", start=Actor(stop=9), shutdown=BRUTAL_KILL)]
    async with running(*specs) as ward:
        pass
    assert [(event.id, event.seconds) for event in ward.told(ChildStopped)] == [("a", 0), ("b", pytest.approx(9))]
    assert not ward.told(ChildAbandoned)


async def test_together() -> None:
    """With `stop_together` the whole stop lasts as long as its slowest child, OTP's simple_one_for_one_shutdown."""
    actors = {f"bed{n}": Actor(stop=n) for n in range(1, 5)}
    async with running(*permanent(**actors), stop_together=True) as ward:
        before = anyio.current_time()
    assert anyio.current_time() - before == pytest.approx(4)
    assert ward.ids(ChildStopped) == "bed1 bed2 bed3 bed4"


async def test_together_with_one_that_does_not_stop() -> None:
    """It is abandoned after its own grace, and the others do not notice."""
    specs = [ChildSpec(id="a", start=Actor(stop=9), shutdown=3), ChildSpec(id="b", start=Actor(stop=4))]
    async with running(*specs, stop_together=True) as ward:
        pass
    assert (ward.ids(ChildStopped), ward.ids(ChildAbandoned)) == ("b", "a")


async def test_a_restart_of_a_group_stops_together_too() -> None:
    """The rule holds wherever several children are stopped."""
    actors = {"a": Actor(crashes), "b": Actor(stop=3), "c": Actor(stop=3)}
    async with running(*permanent(**actors), strategy=Strategy.ONE_FOR_ALL, stop_together=True, random=0) as ward:
        await anyio.sleep(4.1)
        assert ward.states() == "starting starting starting"


@pytest.mark.parametrize("strategy", Strategy)
async def test_stopping_while_others_still_start(strategy: Strategy) -> None:
    """Children that have started are stopped in order; those whose turn had not come are never started."""
    last = Actor()
    async with starting(*permanent(a=Actor(), b=Actor(start=60), c=last), strategy=strategy) as (ward, _):
        await anyio.sleep(5)
    assert (ward.ids(ChildStopped), last.starts) == ("b a", 0)
    assert ward.states() == "stopped stopped pending"


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_death_while_stopping_restarts_nothing(strategy: Strategy) -> None:
    """Once the supervisor stops nobody is started any more, whoever dies before its turn has come."""
    dying = Actor(crashes)
    async with running(*permanent(a=dying, b=Actor(stop=5)), strategy=strategy) as ward:
        pass
    assert (dying.starts, ward.ids(ChildFailed), ward.states()) == (1, "a", "failed stopped")


async def test_two_stops_at_once() -> None:
    """The grace begins with the first one, both wait for the end, and it is told once."""
    async with running(*permanent(a=Actor(stop=4))) as ward, anyio.create_task_group() as group:
        before = anyio.current_time()
        group.start_soon(ward.supervisor.stop_child, "a")
        await anyio.sleep(1)
        await ward.supervisor.stop_child("a")
        assert anyio.current_time() - before == pytest.approx(4)
    assert [(event.id, event.seconds) for event in ward.told(ChildStopped)] == [("a", pytest.approx(4))]


async def test_stopping_a_supervisor_that_stops_a_child() -> None:
    """The child keeps what is left of its grace, and gets no second one; nor does the next one wait for that."""
    slow = ChildSpec(id="b", start=Actor(stop=60), shutdown=3)
    async with anyio.create_task_group() as group, running(*permanent(a=Actor()), slow) as ward:
        group.start_soon(ward.supervisor.stop_child, "b")
        await anyio.sleep(2)
        stopped = anyio.current_time()
    assert [event.seconds for event in ward.told(ChildAbandoned)] == [pytest.approx(3)]
    assert anyio.current_time() - stopped == pytest.approx(58)
    assert ward.order() == "+a +b -a"


async def test_a_stop_that_is_given_up_goes_on() -> None:
    """A cancelled order to stop does not save the child: it stops, with an event."""
    async with running(*permanent(a=Actor(stop=4))) as ward:
        with anyio.move_on_after(1):
            await ward.supervisor.stop_child("a")
        assert ward.state("a") == "stopping"
        await anyio.sleep(5)
        assert ward.state("a") == "stopped"
        assert ward.ids(ChildStopped) == "a"


async def test_neighbours_of_one_stage_stop_together() -> None:
    """A child between them keeps them apart, and a child without a stage is a stage of its own."""
    stages = {"a": "http", "b": "http", "c": None, "d": "http", "e": None, "f": None}
    specs = [ChildSpec(id=name, start=Actor(stop=2), stage=stage) for name, stage in stages.items()]
    async with running(*specs) as ward:
        before = anyio.current_time()
    assert anyio.current_time() - before == 10
    assert ward.ids(ChildStopped)[:8] == "f e d c "


async def test_it_can_run_again() -> None:
    """It starts its children anew, with a clean record, but for those that somebody has stopped."""
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
    """OTP's child_specs: no child can be given less than no time."""
    with pytest.raises(ValueError, match=f"cannot have a {what}"):
        ChildSpec(id="a", start=Actor(), **{what: seconds})


def test_ids_must_differ() -> None:
    """Two children of one name could not be told apart."""
    with pytest.raises(ValueError, match="more than one is called a"):
        build(*permanent(a=Actor()), *permanent(a=Actor()))
