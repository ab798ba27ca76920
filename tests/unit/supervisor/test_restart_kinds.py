"""Restart kind by kind of end: OTP's table, with a test for each cell."""

import anyio
import pytest

from icu.supervisor.events import ChildExited, ChildFailed, ChildRestarting, ChildStarted, ChildStopped
from icu.supervisor.spec import ChildSpec, Restart, Strategy
from tests.unit.supervisor.actors import Actor, crashes, ends, running

PERMANENT, TRANSIENT, TEMPORARY = Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY


@pytest.mark.parametrize(
    ("restart", "state", "starts"), [(PERMANENT, "running", 2), (TRANSIENT, "exited", 1), (TEMPORARY, "exited", 1)]
)
async def test_a_child_that_ends_by_itself(restart: Restart, state: str, starts: int) -> None:
    """Only a permanent child is restarted after a good end."""
    actor = Actor(ends)
    async with running(ChildSpec(id="a", start=actor, restart=restart)) as ward:
        await anyio.sleep(60)
        assert (ward.state("a"), actor.starts) == (state, starts)
        assert ward.ids(ChildExited) == "a"


@pytest.mark.parametrize(
    ("restart", "state", "starts"), [(PERMANENT, "running", 2), (TRANSIENT, "running", 2), (TEMPORARY, "failed", 1)]
)
async def test_a_child_that_crashes(restart: Restart, state: str, starts: int) -> None:
    """Permanent and transient children are restarted after an error, a temporary one is not."""
    actor = Actor(crashes)
    async with running(ChildSpec(id="a", start=actor, restart=restart)) as ward:
        await anyio.sleep(60)
        assert (ward.state("a"), actor.starts) == (state, starts)
        assert [str(event.error) for event in ward.events_of(ChildFailed)] == ["the child broke"]


@pytest.mark.parametrize("restart", Restart)
async def test_a_stop_is_no_death(restart: Restart) -> None:
    """A stop is no death: no child is restarted, whatever its restart kind."""
    actor = Actor()
    async with running(ChildSpec(id="a", start=actor, restart=restart)) as ward:
        await ward.supervisor.stop_child("a")
        await anyio.sleep(60)
        assert (ward.state("a"), actor.starts, actor.alive) == ("stopped", 1, 0)
    assert [type(event) for event in ward.events] == [ChildStarted, ChildStopped]


@pytest.mark.parametrize("restart", Restart)
async def test_an_error_during_a_stop_is_no_death(restart: Restart) -> None:
    """An error during a stop is reported, and is no death either."""

    async def breaks_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise RuntimeError("clean-up broke")

    actor = Actor(breaks_when_cancelled)
    async with running(ChildSpec(id="a", start=actor, restart=restart)) as ward:
        await ward.supervisor.stop_child("a")
        await anyio.sleep(60)
        assert (ward.state("a"), actor.starts) == ("stopped", 1)
    assert ward.ids(ChildFailed) == ward.ids(ChildStopped) == "a"
    assert not ward.events_of(ChildRestarting)


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("restart", [TRANSIENT, TEMPORARY])
async def test_an_end_without_a_restart_disturbs_nobody(restart: Restart, strategy: Strategy) -> None:
    """Under every strategy siblings run on when a child is not restarted."""
    sibling = Actor()
    specs = [ChildSpec(id="a", start=Actor(ends), restart=restart), ChildSpec(id="b", start=sibling)]
    async with running(*specs, strategy=strategy) as ward:
        await anyio.sleep(60)
        assert (ward.states(), sibling.starts) == ("exited running", 1)


async def test_events_of_a_restart() -> None:
    """A restart has events: start, death with error and uptime, delay, and the next start with its number."""
    async with running(ChildSpec(id="a", start=Actor(crashes))) as ward:
        await anyio.sleep(60)
    started, failed, restarting, again, _ = ward.events
    assert (started.attempt, failed.uptime, restarting.delay, again.attempt) == (1, 1, 0.1, 2)  # type: ignore[union-attr] # events of these kinds, in this order
    assert ward.child("a").restarts == 1
    assert ward.child("a").last_error == "RuntimeError: the child broke"


async def test_a_permanent_child_may_end_well_for_ever() -> None:
    """A permanent child that ends seldom enough is restarted each time (OTP's multiple_restarts)."""
    actor = Actor(ends, crashes, ends, crashes)
    async with running(ChildSpec(id="a", start=actor)) as ward:
        await anyio.sleep(60)
        assert (ward.state("a"), actor.starts, actor.most_alive) == ("running", 5, 1)
