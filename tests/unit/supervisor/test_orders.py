"""Orders about one child, in every state."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from icu.http.errors import AddressInUseError
from icu.store.errors import StoreUnavailableError
from icu.supervisor.errors import SupervisionError
from icu.supervisor.events import ChildAbandoned, ChildRestarting, ChildStarted, ChildStopped, Escalated
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import BRUTAL_KILL, ChildSpec, Restart, Strategy
from icu.supervisor.tree import Supervisor
from tests.unit.supervisor.actors import (
    Actor,
    Starter,
    Ward,
    build,
    crashes,
    crashes_after,
    ends,
    permanent,
    running,
    starting,
)

TAKEN = AddressInUseError("127.0.0.1", 8000)
AWAY = StoreUnavailableError("locked")


LIVES = {
    "running": (Actor, Restart.PERMANENT),
    "stopped": (Actor, Restart.PERMANENT),
    "backoff": (lambda: Actor(crashes), Restart.PERMANENT),
    "exited": (lambda: Actor(ends), Restart.TRANSIENT),
    "failed": (lambda: Actor(crashes), Restart.TEMPORARY),
}


@asynccontextmanager
async def child_in(state: str) -> AsyncIterator[tuple[Ward, Actor]]:
    """Run a supervisor with a child, `a`, in this state of its first life, beside one that must not notice."""
    make, restart = LIVES[state]
    actor, sibling = make(), Actor()
    async with running(ChildSpec(id="a", start=actor, restart=restart), *permanent(b=sibling)) as ward:
        if state == "stopped":
            await ward.supervisor.stop_child("a")
        await anyio.sleep(1.05)
        assert (ward.state("a"), actor.starts) == (state, 1)
        yield ward, actor
        assert (ward.state("b"), sibling.starts, actor.most_alive) == ("running", 1, 1)


async def test_children_in_another_order() -> None:
    """A new order of the children touches none of them; the view and the stop follow it."""
    a, b, c = Actor(), Actor(), Actor()
    async with running(*permanent(a=a, b=b, c=c)) as ward:
        ward.supervisor.arrange(["c", "nobody", "a"])
        assert [each.id for each in ward.supervisor.view()] == ["c", "a", "b"]
        assert (a.starts, b.starts, c.starts) == (1, 1, 1)
    assert ward.ids(ChildStopped) == "b a c"


@pytest.mark.parametrize("state", LIVES)
async def test_start(state: str) -> None:
    """Start starts a child that is down, waits for one in back-off, and leaves a running one alone."""
    async with child_in(state) as (ward, actor):
        await ward.supervisor.start_child("a")
        assert (actor.starts, actor.alive) == (1 if state == "running" else 2, 1)
        await anyio.sleep(30)
        assert (ward.state("a"), actor.starts) == ("running", 1 if state == "running" else 2)


@pytest.mark.parametrize("state", LIVES)
async def test_stop(state: str) -> None:
    """Stop stops a child that runs or is in back-off; one that is over keeps its own reason."""
    async with child_in(state) as (ward, actor):
        await ward.supervisor.stop_child("a")
        assert actor.alive == 0
        await anyio.sleep(30)
        assert (ward.state("a"), actor.starts) == (state if state in {"exited", "failed"} else "stopped", 1)


@pytest.mark.parametrize("state", LIVES)
async def test_restart(state: str) -> None:
    """Restart begins a new life at once, in any state."""
    async with child_in(state) as (ward, actor):
        await ward.supervisor.restart_child("a")
        assert (actor.starts, actor.alive) == (2, 1)
        await anyio.sleep(30)
        assert (ward.state("a"), actor.starts) == ("running", 2)


@pytest.mark.parametrize("state", LIVES)
async def test_remove(state: str) -> None:
    """Remove stops a child if needed, and it is no longer in the view."""
    async with child_in(state) as (ward, actor):
        await ward.supervisor.remove_child("a")
        assert (actor.alive, [each.id for each in ward.supervisor.view()]) == (0, ["b"])
        await anyio.sleep(30)
        assert actor.starts == 1


@pytest.mark.parametrize(
    "order", [Supervisor.start_child, Supervisor.stop_child, Supervisor.restart_child, Supervisor.remove_child]
)
async def test_an_unknown_id(order: Callable[[Supervisor, str], Awaitable[None]]) -> None:
    """An order about an unknown id is an error without effect (OTP's not_found)."""
    async with running(*permanent(a=Actor())) as ward:
        with pytest.raises(KeyError, match="nobody"):
            await order(ward.supervisor, "nobody")
        assert ward.state("a") == "starting"


async def test_a_new_child() -> None:
    """A new child is started last, and is restarted and stopped like the others."""
    actor = Actor(crashes)
    async with running(*permanent(z=Actor())) as ward:
        await ward.supervisor.add_child(ChildSpec(id="a", start=actor))
        assert actor.alive == 1
        await anyio.sleep(10)
        assert (ward.states(), actor.starts) == ("running running", 2)
        ward.events.clear()
    assert ward.order() == "-a -z"


@pytest.mark.parametrize("state", LIVES)
async def test_an_id_that_is_taken(state: str) -> None:
    """A child with an id that exists is refused, and the existing one runs on (OTP's already_started,
    already_present)."""
    other = Actor()
    async with child_in(state) as (ward, actor):
        with pytest.raises(ValueError, match="more than one is called a"):
            await ward.supervisor.add_child(ChildSpec(id="a", start=other))
        assert (ward.state("a"), actor.starts, other.starts) == (state, 1, 0)


async def test_an_id_that_has_become_free() -> None:
    """The id of a removed child can be used again, for a child without its history."""
    old, new = Actor(crashes), Actor()
    async with running(*permanent(a=old)) as ward:
        await anyio.sleep(5)
        await ward.supervisor.remove_child("a")
        assert ward.supervisor.view() == ()
        await ward.supervisor.add_child(ChildSpec(id="a", start=new))
        assert (old.alive, new.alive, ward.child("a").restarts) == (0, 1, 0)


async def test_a_child_that_never_ran_is_shown_as_stopped() -> None:
    """A child that is stopped before its turn is not started, and shown as stopped; those after it start."""
    actor, last = Actor(), Actor()
    async with starting(*permanent(a=Actor(start=5), b=actor, c=last)) as (ward, _):
        await ward.supervisor.stop_child("b")
        assert ward.states() == "starting stopped pending"
        await anyio.sleep(10)
        assert (ward.states(), actor.starts) == ("running stopped running", 0)
        await ward.supervisor.start_child("b")
        assert actor.alive == 1


async def test_restarts_by_order_count_for_nothing() -> None:
    """A restart by order counts neither for the intensity nor for the back-off, nor in the metric of restarts."""
    async with running(*permanent(a=Actor()), intensity=Intensity(restarts=0, period=60)) as ward:
        for _ in range(20):
            await ward.supervisor.restart_child("a")
        assert ward.child("a").restarts == 0
        assert not ward.events_of(ChildRestarting)
        assert ward.ids(ChildStarted) == " ".join("a" * 21)


@pytest.mark.parametrize("grace", [BRUTAL_KILL, 2])
async def test_restarting_a_child_that_outlives_its_grace(grace: float) -> None:
    """The new life begins when the old one has ended, never beside it."""
    actor = Actor(stop=9)
    async with running(ChildSpec(id="a", start=actor, shutdown=grace)) as ward:
        before = anyio.current_time()
        await ward.supervisor.restart_child("a")
        assert anyio.current_time() - before == pytest.approx(9)
        assert (actor.starts, actor.alive, actor.most_alive) == (2, 1, 1)
        assert ward.ids(ChildAbandoned) == ("a" if grace else "")


async def test_replacing_a_child_that_outlives_its_grace() -> None:
    """The replacement starts when the old child has ended, which may still hold the port."""
    old, new = Actor(stop=9), Actor()
    async with running(ChildSpec(id="a", start=old, shutdown=2)) as ward:
        await ward.supervisor.remove_child("a")
        assert old.alive == 1
        await ward.supervisor.add_child(ChildSpec(id="a", start=new))
        assert (old.alive, new.alive) == (0, 1)


@pytest.mark.parametrize("order", [Supervisor.start_child, Supervisor.restart_child])
@pytest.mark.parametrize("strategy", Strategy)
async def test_an_ordered_start_that_cannot_succeed(
    strategy: Strategy, order: Callable[[Supervisor, str], Awaitable[None]]
) -> None:
    """The order raises the error, the child stays down, and the order may be given again."""
    child, sibling = Starter(None, TAKEN), Actor()
    async with running(*permanent(a=child, b=sibling), strategy=strategy) as ward:
        await ward.supervisor.stop_child("a")
        with pytest.raises(AddressInUseError):
            await order(ward.supervisor, "a")
        await anyio.sleep(60)
        assert (ward.states(), sibling.starts, ward.events_of(Escalated)) == ("failed running", 1, [])
        await order(ward.supervisor, "a")
        assert ward.state("a") == "starting"


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_a_child_that_could_not_be_started_does_not_rise_with_its_group(strategy: Strategy) -> None:
    """A child whose ordered start failed stays down when its group is restarted."""
    child = Starter(None, TAKEN)
    async with running(*permanent(z=Actor(crashes_after(5)), a=child), strategy=strategy) as ward:
        await ward.supervisor.stop_child("a")
        with pytest.raises(AddressInUseError):
            await ward.supervisor.start_child("a")
        await anyio.sleep(60)
        assert (ward.states(), ward.child("z").restarts, child.starts) == ("running failed", 1, 2)


async def test_a_new_child_that_cannot_start_is_not_added() -> None:
    """A new child whose start fails is not added (OTP's sup_start_child_returns_error)."""
    async with running(*permanent(a=Actor())) as ward:
        with pytest.raises(AddressInUseError):
            await ward.supervisor.add_child(ChildSpec(id="b", start=Starter(TAKEN)))
        assert [child.id for child in ward.supervisor.view()] == ["a"]
        await ward.supervisor.add_child(ChildSpec(id="b", start=Actor()))
        assert ward.states() == "starting starting"


async def test_an_ordered_start_that_may_succeed_later() -> None:
    """An order whose start may succeed later returns, with the child in back-off."""
    async with running(*permanent(a=Actor())) as ward:
        await ward.supervisor.add_child(ChildSpec(id="b", start=Starter(AWAY)))
        assert ward.states() == "starting backoff"
        await anyio.sleep(5)
        assert ward.states() == "running running"


async def test_orders_to_a_supervisor_that_does_not_run() -> None:
    """A supervisor that does not run refuses a start (OTP's noproc); stop and remove hold for its next run."""
    ward = build(*permanent(a=Actor(), b=Actor(), d=Actor()))
    for order in (ward.supervisor.start_child, ward.supervisor.restart_child):
        with pytest.raises(SupervisionError, match="its supervisor does not run"):
            await order("d")
        with pytest.raises(KeyError):
            await order("nobody")
    with pytest.raises(SupervisionError, match="its supervisor does not run"):
        await ward.supervisor.add_child(ChildSpec(id="c", start=Actor()))
    await ward.supervisor.stop_child("a")
    await ward.supervisor.remove_child("b")
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        assert ward.states() == "stopped starting"
        group.cancel_scope.cancel()


@pytest.mark.parametrize("state", LIVES)
async def test_replace(state: str) -> None:
    """The new child runs in the old one's place, in any state of the old one."""
    async with child_in(state) as (ward, actor):
        another = Actor()
        await ward.supervisor.replace_child(ChildSpec(id="a", start=another))
        await anyio.sleep(1.05)
        assert (actor.alive, another.alive) == (0, 1)
        assert [each.id for each in ward.supervisor.view()] == ["a", "b"]
        assert ward.state("a") == "running"


async def test_a_replacement_that_cannot_be_had_changes_nothing() -> None:
    """A replacement is checked before the old child is stopped."""
    async with child_in("running") as (ward, actor):
        spec = ChildSpec(id="a", start=Actor(), restart=Restart.TRANSIENT, significant=True)
        with pytest.raises(ValueError, match="significant"):
            await ward.supervisor.replace_child(spec)
        assert (ward.state("a"), actor.alive) == ("running", 1)


async def test_replace_somebody_unknown() -> None:
    """Replacing an unknown child is an error."""
    async with child_in("running") as (ward, _):
        with pytest.raises(KeyError):
            await ward.supervisor.replace_child(ChildSpec(id="z", start=Actor()))
