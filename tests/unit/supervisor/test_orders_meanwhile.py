"""Orders during another order, a death, or the start of a group."""

import anyio
import pytest

from icu.http.errors import AddressInUseError
from icu.supervisor.events import Escalated
from icu.supervisor.spec import ChildSpec, Strategy
from tests.unit.supervisor.actors import Actor, Starter, build, crashes, crashes_after, permanent, running, starting

GROUPS = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]


async def test_the_last_of_several_orders_holds() -> None:
    """Orders are carried out in the order of their arrival, each as a whole."""
    actor = Actor(stop=1)
    async with running(*permanent(a=actor)) as ward:
        async with anyio.create_task_group() as group:
            for order in (
                ward.supervisor.restart_child,
                ward.supervisor.stop_child,
                ward.supervisor.start_child,
                ward.supervisor.restart_child,
                ward.supervisor.stop_child,
            ):
                group.start_soon(order, "a")
                await anyio.sleep(0.01)
        await anyio.sleep(60)
        assert (ward.state("a"), actor.most_alive) == ("stopped", 1)


async def test_starting_twice_at_once_starts_once() -> None:
    """Two start orders at once start the child once, and both return when it has started."""
    actor = Actor(start=2)
    async with running(*permanent(a=actor)) as ward:
        await ward.supervisor.stop_child("a")
        async with anyio.create_task_group() as group:
            group.start_soon(ward.supervisor.start_child, "a")
            group.start_soon(ward.supervisor.start_child, "a")
        assert (actor.starts, actor.alive) == (2, 1)


async def test_a_start_that_hangs_can_be_stopped() -> None:
    """A stop ends a start that hangs, its order returns too, and other orders do not wait for it."""
    async with running(*permanent(a=Starter(None, anyio.sleep_forever), b=Actor())) as ward:
        await ward.supervisor.stop_child("a")
        async with anyio.create_task_group() as group:
            before = anyio.current_time()
            group.start_soon(ward.supervisor.start_child, "a")
            await anyio.sleep(3)
            await ward.supervisor.restart_child("b")
            await ward.supervisor.stop_child("a")
        assert anyio.current_time() - before == pytest.approx(3)
        assert ward.states() == "stopped starting"


@pytest.mark.parametrize("strategy", Strategy)
async def test_stopping_a_child_that_dies_at_that_moment(strategy: Strategy) -> None:
    """The child stays down, whichever is handled first, its death or the order."""
    for turns in range(12):
        actor = Actor(crashes)
        async with running(*permanent(a=actor, b=Actor()), strategy=strategy, random=0) as ward:
            await anyio.sleep(1)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            await ward.supervisor.stop_child("a")
            await anyio.sleep(60)
            assert (actor.alive, ward.state("b")) == (0, "running")


async def test_removing_a_child_that_is_being_restarted_by_order() -> None:
    """A remove during a restart is carried out after it, and nothing is left of the child."""
    actor = Actor(stop=1)
    async with running(*permanent(a=actor)) as ward:
        async with anyio.create_task_group() as group:
            group.start_soon(ward.supervisor.restart_child, "a")
            await anyio.sleep(0.5)
            group.start_soon(ward.supervisor.remove_child, "a")
        assert (ward.supervisor.view(), actor.alive) == ((), 0)


@pytest.mark.parametrize("strategy", GROUPS)
async def test_stopping_the_one_that_the_group_waits_for(strategy: Strategy) -> None:
    """The others start without the stopped child, rather than stay down as in OTP's
    hanging_restart_loop_rest_for_one."""
    actors = {"z": Actor(crashes), "a": Starter(None, anyio.sleep_forever), "b": Actor()}
    async with running(*permanent(**actors), strategy=strategy) as ward:
        await anyio.sleep(10)
        assert ward.states() == "running starting stopped"
        await ward.supervisor.stop_child("a")
        await anyio.sleep(10)
        assert ward.states() == "running stopped running"


@pytest.mark.parametrize("strategy", GROUPS)
async def test_starting_one_that_the_group_is_to_start(strategy: Strategy) -> None:
    """A start order leaves the child to its group's restart, and returns when it has started."""
    actor = Actor()
    async with running(*permanent(z=Actor(crashes_after(5)), a=Actor(start=2), b=actor), strategy=strategy) as ward:
        await ward.supervisor.stop_child("b")
        await anyio.sleep(3.05)
        assert ward.states() == "backoff stopped stopped"
        await ward.supervisor.start_child("b")
        assert (ward.states(), actor.alive, actor.most_alive) == ("running starting starting", 1, 1)


@pytest.mark.parametrize("strategy", GROUPS)
async def test_restarting_one_that_the_group_is_to_start(strategy: Strategy) -> None:
    """A child that its group is about to start is started once, in its turn."""
    actor = Actor()
    async with running(*permanent(z=Actor(crashes_after(5)), a=Actor(start=2), b=actor), strategy=strategy) as ward:
        await anyio.sleep(3.05)
        await ward.supervisor.restart_child("b")
        assert (ward.states(), actor.starts, actor.most_alive) == ("running starting starting", 2, 1)


@pytest.mark.parametrize("strategy", GROUPS)
async def test_removing_one_that_the_group_is_to_start(strategy: Strategy) -> None:
    """The group starts without the removed child."""
    actor = Actor()
    async with running(*permanent(z=Actor(crashes), a=actor, b=Actor()), strategy=strategy) as ward:
        await anyio.sleep(1.05)
        await ward.supervisor.remove_child("a")
        await anyio.sleep(10)
        assert (ward.states(), actor.starts) == ("running running", 1)


@pytest.mark.parametrize("strategy", GROUPS)
async def test_adding_one_while_a_group_starts(strategy: Strategy) -> None:
    """A child added while a group starts is the last of it, after those that it may rely on."""
    async with running(*permanent(z=Actor(crashes_after(5)), a=Actor(start=2)), strategy=strategy) as ward:
        await anyio.sleep(3.05)
        await ward.supervisor.add_child(ChildSpec(id="b", start=Actor()))
        assert ward.order().endswith("+z +a +b")


async def test_adding_one_while_all_start() -> None:
    """A child added during the first start is the last one too."""
    async with starting(*permanent(a=Actor(start=2))) as (ward, _):
        await ward.supervisor.add_child(ChildSpec(id="b", start=Actor()))
        assert ward.order() == "+a +b"


@pytest.mark.parametrize("strategy", GROUPS)
async def test_adding_one_that_cannot_start_while_a_group_starts(strategy: Strategy) -> None:
    """A child whose start fails is not added, and the group goes on."""
    taken = Starter(AddressInUseError("127.0.0.1", 8000))
    async with running(*permanent(z=Actor(crashes_after(5)), a=Actor(start=2)), strategy=strategy) as ward:
        await anyio.sleep(3.05)
        with pytest.raises(AddressInUseError):
            await ward.supervisor.add_child(ChildSpec(id="b", start=taken))
        assert (ward.states(), ward.events_of(Escalated)) == ("running starting", [])


async def test_a_child_may_give_orders_about_its_siblings() -> None:
    """A child may give orders about its siblings."""

    async def stops_b() -> None:
        await ward.supervisor.stop_child("b")
        await anyio.sleep_forever()

    ward = build(*permanent(a=Actor(stops_b), b=Actor()))
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        await anyio.sleep(2)
        assert ward.states() == "running stopped"
        group.cancel_scope.cancel()


async def test_a_child_may_stop_itself() -> None:
    """A child may stop itself, and is cancelled while it waits for that."""

    async def stops_itself() -> None:
        await ward.supervisor.stop_child("a")

    ward = build(*permanent(a=Actor(stops_itself)))
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        await anyio.sleep(2)
        assert ward.states() == "stopped"
        await ward.supervisor.start_child("a")
        assert ward.states() == "starting"
        group.cancel_scope.cancel()
