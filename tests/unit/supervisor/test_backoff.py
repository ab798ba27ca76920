"""Delays before a child starts again."""

import anyio
import pytest

from icu.supervisor.backoff import Backoff
from icu.supervisor.events import ChildRestarting
from icu.supervisor.spec import Strategy
from tests.unit.supervisor.actors import Actor, crash_at_once, crashes, crashes_after, permanent, running


async def test_waits_double_up_to_five_seconds() -> None:
    """The delay of a child that dies at each start doubles from 0.1 s up to 5 s."""
    async with running(*permanent(a=Actor(*[crash_at_once] * 9))) as ward:
        await anyio.sleep(60)
        delays = [event.delay for event in ward.events_of(ChildRestarting)]
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])


@pytest.mark.parametrize("strategy", Strategy)
async def test_the_wait_is_kept(strategy: Strategy) -> None:
    """The next life begins at the end of the delay, not before."""
    actor = Actor(crashes)
    async with running(*permanent(a=actor, b=Actor()), strategy=strategy) as ward:
        await anyio.sleep(1.09)
        assert (ward.state("a"), actor.starts) == ("backoff", 1)
        await anyio.sleep(0.02)
        assert (ward.state("a"), actor.starts) == ("starting", 2)


async def test_jitter_is_full() -> None:
    """The delay is random between 0 and its ceiling."""
    async with running(*permanent(a=Actor(*[crash_at_once] * 3)), random=0.5) as ward:
        await anyio.sleep(60)
        assert [event.delay for event in ward.events_of(ChildRestarting)] == pytest.approx([0.05, 0.1, 0.2])


async def test_a_long_life_forgives() -> None:
    """After a long life the delay is that of a first death."""
    actor = Actor(crash_at_once, crash_at_once, crashes_after(3_600))
    async with running(*permanent(a=actor)) as ward:
        await anyio.sleep(4_000)
        assert [event.delay for event in ward.events_of(ChildRestarting)] == pytest.approx([0.1, 0.2, 0.1])


@pytest.mark.parametrize(("uptime", "wait"), [(0.0, 0.4), (9.99, 0.4), (10.0, 0.1), (3_600.0, 0.1)])
def test_ten_seconds_are_a_long_life(uptime: float, wait: float) -> None:
    """Lives below ten seconds lengthen the delay each time."""
    backoff = Backoff(lambda: 1.0)
    assert [backoff.next(0), backoff.next(0), backoff.next(uptime)] == pytest.approx([0.1, 0.2, wait])


async def test_each_child_waits_for_itself() -> None:
    """The deaths of one child do not lengthen the delay of a sibling."""
    actors = {"a": Actor(*[crash_at_once] * 3), "b": Actor(crashes_after(2))}
    async with running(*permanent(**actors)) as ward:
        await anyio.sleep(60)
        waits = [(event.id, event.delay) for event in ward.events_of(ChildRestarting)]
    assert waits == [("a", 0.1), ("a", 0.2), ("a", 0.4), ("b", 0.1)]


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_a_group_waits_once_and_before_its_first(strategy: Strategy) -> None:
    """Siblings that fall with a child are stopped at once, and start directly after it."""
    sibling = Actor()
    async with running(*permanent(a=Actor(crashes), b=sibling), strategy=strategy) as ward:
        await anyio.sleep(1.05)
        assert ward.states() == "backoff stopped"
        await anyio.sleep(0.06)
        assert (ward.states(), sibling.starts) == ("starting starting", 2)


@pytest.mark.parametrize("strategy", Strategy)
async def test_stopping_during_back_off(strategy: Strategy) -> None:
    """A child in back-off is stopped at once, and not started (OTP's hanging_restart_loop)."""
    actor = Actor(crashes)
    async with running(*permanent(a=actor, b=Actor()), strategy=strategy) as ward:
        await anyio.sleep(1.05)
        assert ward.state("a") == "backoff"
        before, starts = anyio.current_time(), actor.starts
    assert anyio.current_time() == before
    assert (actor.starts, ward.states()) == (starts, "stopped stopped")


async def test_siblings_run_on_during_back_off() -> None:
    """Under one_for_one no sibling waits for a child in back-off."""
    sibling = Actor()
    async with running(*permanent(a=Actor(*[crash_at_once] * 9), b=sibling)) as ward:
        await anyio.sleep(10)
        assert (ward.states(), sibling.starts) == ("backoff running", 1)
