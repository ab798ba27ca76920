"""Restart strategies: which siblings are restarted with a child, and in which order."""

from collections.abc import Sequence

import anyio
import pytest

from icu.store.errors import StoreUnavailableError
from icu.supervisor.events import ChildAbandoned, ChildFailed, ChildRestarting
from icu.supervisor.spec import BRUTAL_KILL, ChildSpec, Restart, Strategy
from tests.unit.supervisor.actors import Actor, Starter, crashes, crashes_after, ends, permanent, running

ONE, ALL, REST = Strategy.ONE_FOR_ONE, Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE
GROUPS = [ALL, REST]


@pytest.mark.parametrize(("strategy", "order"), [(ONE, "+b"), (ALL, "-d -c -a +a +b +c +d"), (REST, "-d -c +b +c +d")])
async def test_which_siblings_are_restarted(strategy: Strategy, order: str) -> None:
    """The affected siblings are stopped last to first, then started first to last; the others run on."""
    actors = {"a": Actor(), "b": Actor(crashes), "c": Actor(), "d": Actor()}
    async with running(*permanent(**actors), strategy=strategy) as ward:
        ward.events.clear()
        await anyio.sleep(10)
        assert ward.order() == order
        assert ward.ids(ChildRestarting) == "b"


@pytest.mark.parametrize(("dead", "order"), [("a", "-c -b +a +b +c"), ("b", "-c +b +c"), ("c", "+c")])
async def test_rest_for_one_spares_those_before(dead: str, order: str) -> None:
    """Under rest_for_one the number of stopped siblings depends on the place of the dead child."""
    actors = {name: Actor(crashes) if name == dead else Actor() for name in "abc"}
    async with running(*permanent(**actors), strategy=REST) as ward:
        ward.events.clear()
        await anyio.sleep(10)
        assert ward.order() == order


@pytest.mark.parametrize(("strategy", "affected"), [(ONE, "b"), (ALL, "abc"), (REST, "bc")])
def test_the_strategies_in_a_word(strategy: Strategy, affected: str) -> None:
    """The rule of each strategy holds without a supervisor."""
    assert "".join(strategy.affected("abc", "b")) == affected


@pytest.mark.parametrize("strategy", GROUPS)
async def test_all_are_down_before_the_first_is_up(strategy: Strategy) -> None:
    """A restart begins when the slowest of the group has stopped, each start when the one before has succeeded."""
    actors = {"a": Actor(crashes_after(5)), "b": Actor(stop=3), "c": Actor(stop=4, start=2)}
    async with running(*permanent(**actors), strategy=strategy, random=0) as ward:
        await anyio.sleep(9.9)  # a has died 6.9 s ago
        assert ward.states() == "failed stopping stopped"
        await anyio.sleep(0.2)
        assert (ward.states(), actors["c"].alive) == ("starting starting starting", 1)


@pytest.mark.parametrize("strategy", GROUPS)
async def test_a_temporary_child_that_falls_stays_down(strategy: Strategy) -> None:
    """A temporary child that falls with a sibling stays down (OTP's temporary_bystander)."""
    job = Actor()
    specs = [*permanent(a=Actor(crashes)), ChildSpec(id="job", start=job, restart=Restart.TEMPORARY)]
    async with running(*specs, *permanent(c=Actor()), strategy=strategy) as ward:
        await anyio.sleep(10)
        assert (ward.states(), job.starts) == ("running stopped running", 1)


@pytest.mark.parametrize("strategy", GROUPS)
async def test_a_transient_child_that_had_ended_rises_again(strategy: Strategy) -> None:
    """A transient child that had ended well is started again with its group, as in OTP."""
    job = Actor(ends)
    specs = [*permanent(a=Actor(crashes_after(5))), ChildSpec(id="job", start=job, restart=Restart.TRANSIENT)]
    async with running(*specs, strategy=strategy) as ward:
        await anyio.sleep(4)
        assert ward.states() == "running exited"
        await anyio.sleep(6)
        assert (ward.states(), job.starts) == ("running running", 2)


@pytest.mark.parametrize("strategy", GROUPS)
async def test_a_child_that_somebody_has_stopped_stays_down(strategy: Strategy) -> None:
    """A child stopped by order stays down after a sibling's death."""
    actor = Actor()
    async with running(*permanent(a=Actor(crashes), b=actor, c=Actor()), strategy=strategy) as ward:
        await ward.supervisor.stop_child("b")
        await anyio.sleep(10)
        assert (ward.states(), actor.starts) == ("running stopped running", 1)


@pytest.mark.parametrize(("strategy", "starts"), [(ALL, [3, 3, 2]), (REST, [2, 3, 2])])
async def test_another_child_fails_its_restart(strategy: Strategy, starts: Sequence[int]) -> None:
    """When another child fails its restart, one_for_all begins again, and rest_for_one leaves started ones (OTP's
    other_child_fails_restart)."""
    first, second, third = Actor(crashes), Starter(None, StoreUnavailableError("locked")), Actor()
    async with running(*permanent(a=first, b=second, c=third), strategy=strategy) as ward:
        await anyio.sleep(30)
        assert ward.states() == "running running running"
        assert [actor.starts for actor in (first, second, third)] == starts


@pytest.mark.parametrize("strategy", GROUPS)
async def test_a_death_while_the_group_stops(strategy: Strategy) -> None:
    """A child that dies before its stop is one more death, and the group is restarted once."""
    actors = {"a": Actor(crashes), "b": Actor(crashes_after(2)), "c": Actor(stop=5)}
    async with running(*permanent(**actors), strategy=strategy) as ward:
        await anyio.sleep(30)
        assert ward.states() == "running running running"
        assert ward.ids(ChildFailed) == ward.ids(ChildRestarting) == "a b"
    assert [actor.starts for actor in actors.values()] == [2, 2, 2]


@pytest.mark.parametrize("strategy", GROUPS)
async def test_two_that_die_together(strategy: Strategy) -> None:
    """Two deaths at one moment are counted apart, and the group is restarted once."""
    actors = {"a": Actor(crashes), "b": Actor(crashes), "c": Actor()}
    async with running(*permanent(**actors), strategy=strategy) as ward:
        await anyio.sleep(30)
        assert ward.states() == "running running running"
    assert [actor.starts for actor in actors.values()] == [2, 2, 2]


async def test_an_earlier_death_widens_the_group() -> None:
    """When a child before a waiting group dies, all that are down or stopped now start in order."""
    actors = {"a": Actor(crashes_after(1.05)), "b": Actor(crashes), "c": Actor()}
    async with running(*permanent(**actors), strategy=REST) as ward:
        ward.events.clear()
        await anyio.sleep(30)
        assert ward.states() == "running running running"
        assert ward.order() == "-c -b +a +b +c"


@pytest.mark.parametrize("strategy", GROUPS)
@pytest.mark.parametrize("grace", [BRUTAL_KILL, 2])
async def test_a_child_that_outlives_its_grace_is_restarted_when_it_has_ended(grace: float, strategy: Strategy) -> None:
    """A child that outlives its grace is restarted after its end, its siblings wait, and no two of its lives
    overlap."""
    stubborn = Actor(stop=9)
    spec = ChildSpec(id="b", start=stubborn, shutdown=grace)
    async with running(*permanent(a=Actor(crashes)), spec, *permanent(c=Actor()), strategy=strategy) as ward:
        await anyio.sleep(5)
        assert ward.states() == "running starting stopped"
        await anyio.sleep(10)
        assert ward.states() == "running running running"
        assert (stubborn.starts, stubborn.most_alive) == (2, 1)
        assert ward.ids(ChildAbandoned) == ("b" if grace else "")


async def test_a_child_that_never_ends_becomes_a_start_that_hangs() -> None:
    """A child that never ends is a start that hangs, and is retried up to the intensity."""
    spec = ChildSpec(id="b", start=Actor(stop=100), shutdown=1, start_timeout=5)
    async with running(*permanent(a=Actor(crashes)), spec, strategy=ALL) as ward:
        await anyio.sleep(8)
        assert [str(event.error) for event in ward.events_of(ChildFailed)][1] == "b did not start within 5 s"
