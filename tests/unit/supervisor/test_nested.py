"""Supervisors below supervisors: start, fall, escalation and view."""

from dataclasses import replace

import anyio
import pytest

from icu.http.errors import AddressInUseError
from icu.store.errors import StoreUnavailableError
from icu.supervisor.errors import RestartIntensityError
from icu.supervisor.events import (
    ChildAbandoned,
    ChildExited,
    ChildFailed,
    ChildRestarting,
    ChildStarted,
    ChildStopped,
    Escalated,
)
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import AutoShutdown, ChildSpec, Restart, Strategy
from tests.unit.supervisor.actors import Actor, Starter, build, crashes, ends, permanent, running, starting

TWO = Intensity(restarts=2, period=60)


async def test_a_supervisor_is_a_child_like_any_other() -> None:
    """An inner supervisor has started when its children have, and stops with them, each in its own order."""
    beds = build(*permanent(bed1=Actor(start=2), bed2=Actor(start=2)))
    async with starting(beds.supervisor.as_child("beds"), *permanent(monitor=Actor())) as (ward, _):
        await anyio.sleep(3)
        assert (ward.states(), beds.states()) == ("starting pending", "running starting")
        await anyio.sleep(3)
        assert (ward.states(), beds.states()) == ("running running", "running running")
    assert (ward.order(), beds.order()) == ("+beds +monitor -monitor -beds", "+bed1 +bed2 -bed2 -bed1")


async def test_the_view_holds_the_children_of_children() -> None:
    """One view has the whole tree, in order at each level, before the start too."""
    beds = build(*permanent(bed1=Actor(), bed2=Actor()))
    ward = build(*permanent(sink=Actor()), beds.supervisor.as_child("beds"))
    assert [each.id for each in ward.child("beds").children] == ["bed1", "bed2"]
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        assert [str(each.state) for each in ward.child("beds").children] == ["starting", "starting"]
        group.cancel_scope.cancel()


async def test_a_death_below_is_nobody_else_s_business() -> None:
    """A death below counts for the inner supervisor only."""
    beds = build(*permanent(bed=Actor(*[crashes] * 2)), intensity=TWO)
    async with running(beds.supervisor.as_child("beds"), *permanent(sink=Actor())) as ward:
        await anyio.sleep(30)
        assert beds.child("bed").restarts == 2
        assert (ward.states(), ward.events_of(ChildFailed)) == ("running running", [])


async def test_the_inner_gives_up_and_the_outer_restarts_it() -> None:
    """An inner supervisor that gave up is restarted with all its children and a clean record; siblings above run on."""
    good, bad, sibling = Actor(), Actor(*[crashes] * 3), Actor()
    inner = build(*permanent(good=good, bad=bad), intensity=TWO)
    async with running(inner.supervisor.as_child("inner"), *permanent(sibling=sibling)) as ward:
        await anyio.sleep(30)
        assert (ward.states(), inner.states()) == ("running running", "running running")
        assert (good.starts, bad.starts, sibling.starts) == (2, 4, 1)
        assert (inner.ids(Escalated), ward.ids(ChildRestarting)) == ("bad", "inner")
        assert (inner.child("bad").restarts, ward.child("inner").restarts) == (0, 1)
    assert isinstance(ward.events_of(ChildFailed)[0].error, RestartIntensityError)


@pytest.mark.parametrize("strategy", Strategy)
async def test_then_the_outer_gives_up(strategy: Strategy) -> None:
    """Intensities multiply: two restarts of an inner supervisor that allows two are nine lives; then the error is
    raised."""
    bad, sibling = Actor(*[crashes] * 99), Actor()
    inner = build(*permanent(bad=bad), intensity=TWO, random=0)
    ward = build(
        *permanent(sibling=sibling), inner.supervisor.as_child("inner"), strategy=strategy, intensity=TWO, random=0
    )
    with pytest.raises(RestartIntensityError, match=r"inner died 3 times.*bad died 3 times.*the child broke"):
        await ward.supervisor.run()
    assert (bad.starts, inner.ids(Escalated), ward.ids(Escalated)) == (9, "bad bad bad", "inner")
    assert (bad.alive, sibling.alive) == (0, 0)


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_a_sibling_takes_the_inner_one_down(strategy: Strategy) -> None:
    """A supervisor that falls with a sibling stops all its children, and starts all of them again."""
    inner = build(*permanent(x=Actor(stop=1), y=Actor(stop=1)))
    specs = [*permanent(a=Actor(crashes)), inner.supervisor.as_child("inner")]
    async with running(*specs, strategy=strategy) as ward:
        ward.events.clear()
        await anyio.sleep(30)
        assert ward.order() == "-inner +a +inner"
        assert inner.order() == "+x +y -y -x +x +y"


async def test_an_inner_one_whose_first_start_cannot_succeed() -> None:
    """The error passes through all levels unchanged, and all started children are stopped."""
    sibling, below = Actor(), Actor()
    inner = build(*permanent(below=below, monitor=Starter(AddressInUseError("127.0.0.1", 8000))))
    with pytest.raises(AddressInUseError):
        await build(*permanent(sibling=sibling), inner.supervisor.as_child("inner")).supervisor.run()
    assert (sibling.alive, below.alive) == (0, 0)


async def test_an_inner_one_is_waited_for_as_long_as_its_children_need() -> None:
    """An inner supervisor has as long to start and stop as its children have, each by its own limit."""
    actors = {name: Actor(start=25, stop=4) for name in "abc"}
    inner = build(*permanent(**actors))
    async with running(*permanent(z=Actor()), inner.supervisor.as_child("inner")) as ward:
        assert not ward.events_of(ChildFailed)
        before = anyio.current_time()
    assert anyio.current_time() - before == pytest.approx(12)
    assert ward.ids(ChildStopped) == "inner z"


async def test_an_inner_one_may_be_given_a_limit() -> None:
    """A child below that ignores its cancellation delays its own supervisor only."""
    hung = ChildSpec(id="hung", start=Actor(stop=60), shutdown=3)
    inner = build(hung)
    async with running(*permanent(sink=Actor()), inner.supervisor.as_child("inner", shutdown=4)) as ward:
        before = anyio.current_time()
    assert (inner.ids(ChildAbandoned), ward.ids(ChildAbandoned), ward.ids(ChildStopped)) == ("hung", "inner", "sink")
    assert anyio.current_time() - before == pytest.approx(60)


async def test_stopping_while_the_inner_one_starts() -> None:
    """A stop while the inner one starts stops its started children, and the others never start."""
    last = Actor()
    inner = build(*permanent(a=Actor(), b=Actor(start=60), c=last))
    async with starting(inner.supervisor.as_child("inner")) as (ward, _):
        await anyio.sleep(5)
    assert (ward.ids(ChildStopped), inner.ids(ChildStopped), last.starts) == ("inner", "b a", 0)


async def test_orders_at_both_levels() -> None:
    """A child is restarted by its own supervisor; a supervisor is restarted with all its children."""
    x, y = Actor(), Actor()
    inner = build(*permanent(x=x, y=y))
    async with running(inner.supervisor.as_child("inner")) as ward:
        await inner.supervisor.restart_child("x")
        assert (x.starts, y.starts) == (2, 1)
        await ward.supervisor.restart_child("inner")
        assert (x.starts, y.starts, x.alive, y.alive) == (3, 2, 1, 1)


async def test_children_that_were_added_outlive_the_fall_of_their_supervisor() -> None:
    """Added and removed children stay so after a restart of their supervisor, unlike in OTP."""
    inner = build(*permanent(x=Actor(), y=Actor()))
    async with running(inner.supervisor.as_child("inner")) as ward:
        await inner.supervisor.add_child(ChildSpec(id="z", start=Actor()))
        await inner.supervisor.remove_child("x")
        await ward.supervisor.restart_child("inner")
        assert [each.id for each in inner.supervisor.view()] == ["y", "z"]
        assert inner.states() == "starting starting"


async def test_a_stopped_child_stays_so_when_the_supervisor_falls() -> None:
    """A child stopped by order stays down after a restart of its supervisor."""
    inner = build(*permanent(x=Actor(), y=Actor()))
    async with running(inner.supervisor.as_child("inner")) as ward:
        await inner.supervisor.stop_child("x")
        await ward.supervisor.restart_child("inner")
        assert inner.states() == "stopped starting"
        await inner.supervisor.start_child("x")
        assert inner.states() == "starting starting"


@pytest.mark.parametrize(("restart", "state"), [(Restart.PERMANENT, "running"), (Restart.TRANSIENT, "exited")])
async def test_an_inner_one_that_ends_by_itself(restart: Restart, state: str) -> None:
    """An inner supervisor that ends by itself is over as a transient child, and restarted as a permanent one."""
    spec = ChildSpec(id="job", start=Actor(ends), restart=Restart.TEMPORARY, significant=True)
    inner = build(spec, auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    async with running(inner.supervisor.as_child("inner", restart=restart)) as ward:
        await anyio.sleep(30)
        assert ward.state("inner") == state
        assert (ward.ids(ChildExited), ward.events_of(ChildFailed)) == ("inner", [])


async def test_an_end_by_itself_may_go_up_the_tree() -> None:
    """A significant inner supervisor that ends by itself ends the outer one too (OTP's nested_auto_shutdown)."""
    job = ChildSpec(id="job", start=Actor(ends), restart=Restart.TRANSIENT, significant=True)
    inner = build(job, auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    spec = replace(inner.supervisor.as_child("inner", restart=Restart.TRANSIENT), significant=True)
    ward = build(*permanent(a=Actor()), spec, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)
    with anyio.fail_after(2):
        await ward.supervisor.run()
    assert ward.ids(ChildStopped) == "a"


async def test_a_wait_below_is_a_wait_above() -> None:
    """A start that is retried below one_for_one does not keep the tree from starting."""
    inner = build(*permanent(x=Starter(StoreUnavailableError("locked")), y=Actor()))
    async with running(inner.supervisor.as_child("inner")) as ward:
        assert inner.states() == "backoff starting"
        await anyio.sleep(5)
        assert (ward.states(), inner.ids(ChildStarted)) == ("running", "y x")
