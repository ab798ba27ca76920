"""Orders during the end of a supervisor."""

import anyio
import pytest

from icu.supervisor.errors import RestartIntensityError, SupervisionError
from icu.supervisor.events import ChildStopped
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import ChildSpec, Strategy
from tests.unit.supervisor.actors import Actor, Starter, build, crashes, crashes_after, permanent, running

GROUPS = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]


async def test_an_order_ends_with_the_supervisor() -> None:
    """A start order during a stop raises an error, does not wait, and starts nothing."""
    last = Actor()
    refused = []

    async def order() -> None:
        for spec in (ChildSpec(id="b", start=Starter(anyio.sleep_forever)), ChildSpec(id="c", start=last)):
            with pytest.raises(SupervisionError, match="its supervisor does not run"):
                await ward.supervisor.add_child(spec)
            refused.append(spec.id)

    async with anyio.create_task_group() as group:
        async with running(*permanent(a=Actor(stop=3))) as ward:
            group.start_soon(order)
            await anyio.sleep(1)
            assert ward.states() == "running starting"
        assert (refused, last.starts, ward.ids(ChildStopped)) == (["b", "c"], 0, "b a")


async def test_an_order_whose_child_dies_while_all_are_stopped() -> None:
    """A child that dies during the stop is not restarted, and the order that waits for it raises its error."""
    refused = []

    async def order() -> None:
        with pytest.raises(RuntimeError, match="the child broke"):
            await ward.supervisor.start_child("a")
        refused.append("a")

    dying = Starter(None, crashes_after(2))
    async with anyio.create_task_group() as group:
        async with running(*permanent(a=dying, b=Actor(stop=4))) as ward:
            await ward.supervisor.stop_child("a")
            group.start_soon(order)
            await anyio.sleep(1)
            assert ward.states() == "starting running"
        assert (ward.states(), dying.starts) == ("failed stopped", 2)
    assert refused == ["a"]


@pytest.mark.parametrize("strategy", GROUPS)
async def test_an_order_that_waits_for_a_group_when_all_are_stopped(strategy: Strategy) -> None:
    """The group is not restarted, and the order that waits for it raises an error."""
    refused = []

    async def order() -> None:
        with pytest.raises(SupervisionError, match="its supervisor does not run"):
            await ward.supervisor.start_child("b")
        refused.append("b")

    actors = {"z": Actor(crashes), "a": Starter(None, anyio.sleep_forever), "b": Actor()}
    async with anyio.create_task_group() as group, running(*permanent(**actors), strategy=strategy) as ward:
        await anyio.sleep(5)
        group.start_soon(order)
        await anyio.sleep(1)
        assert ward.states() == "running starting stopped"
    assert (refused, ward.states()) == (["b"], "stopped stopped stopped")


async def test_an_order_to_a_supervisor_that_gives_up() -> None:
    """An order that waits for a start raises when the supervisor gives up."""
    ward = build(*permanent(a=Actor(*[crashes] * 9)), intensity=Intensity(restarts=3, period=60), random=0)

    async def order() -> None:
        await anyio.sleep(1.5)
        with pytest.raises(SupervisionError, match="b cannot be started"):
            await ward.supervisor.add_child(ChildSpec(id="b", start=Actor(start=5)))

    async with anyio.create_task_group() as group:
        group.start_soon(order)
        with pytest.raises(RestartIntensityError):
            await ward.supervisor.run()
    assert ward.ids(ChildStopped) == "b"
