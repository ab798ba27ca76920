"""Starts in order, and starts that hang or fail."""

from typing import Any

import anyio
import pytest
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from icu.http.errors import AddressInUseError
from icu.store.errors import StoreUnavailableError
from icu.supervisor.errors import (
    ChildEndedEarlyError,
    ChildStartTimeoutError,
    RestartIntensityError,
    StrayCancellationError,
)
from icu.supervisor.events import ChildFailed, ChildRestarting, ChildStarted, ChildStopped, Escalated
from icu.supervisor.spec import ChildSpec, Restart, Strategy
from tests.unit.supervisor.actors import (
    Actor,
    Starter,
    build,
    crashes,
    ends,
    permanent,
    running,
    starting,
    stray_cancel,
)

TAKEN = AddressInUseError("127.0.0.1", 8000)
AWAY = StoreUnavailableError("locked")


@pytest.mark.parametrize("strategy", Strategy)
async def test_each_waits_until_the_one_before_has_started(strategy: Strategy) -> None:
    """Each child starts when the one before has started, on which it may rely."""
    async with starting(*permanent(c=Actor(start=9), a=Actor(start=9), b=Actor(start=9)), strategy=strategy) as (
        ward,
        _,
    ):
        await anyio.sleep(15)
        assert ward.states() == "running starting pending"
        await anyio.sleep(15)
        assert ward.ids(ChildStarted) == "c a b"


async def test_a_supervisor_without_children_runs() -> None:
    """A supervisor without children runs (OTP's sup_start_normal)."""
    async with running() as ward:
        await anyio.sleep(3_600)
        assert ward.supervisor.view() == ()
    assert not ward.events


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("restart", Restart)
async def test_a_first_start_that_cannot_succeed_stops_all(restart: Restart, strategy: Strategy) -> None:
    """A permanent error at the first start, such as a taken port, stops the started children, and is raised as it
    is."""
    sink, last = Actor(), Actor()
    ward = build(
        ChildSpec(id="sink", start=sink),
        ChildSpec(id="monitor", start=Starter(TAKEN), restart=restart),
        ChildSpec(id="last", start=last),
        strategy=strategy,
    )
    with pytest.raises(AddressInUseError):
        await ward.supervisor.run()
    assert (sink.alive, last.starts) == (0, 0)
    assert (ward.ids(Escalated), ward.ids(ChildStopped)) == ("monitor", "sink")


async def test_a_first_start_that_may_succeed_later_is_tried_again() -> None:
    """A transient error at the first start is retried, and the others start meanwhile."""
    sibling = Actor()
    async with running(*permanent(a=Starter(AWAY, AWAY), b=sibling)) as ward:
        assert sibling.alive == 1
        await anyio.sleep(5)
        assert ward.states() == "running running"
        assert ward.ids(ChildRestarting) == "a a"


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_in_a_group_nobody_starts_before_the_one_that_it_needs(strategy: Strategy) -> None:
    """In a group that falls together, the next child waits until a retried start has succeeded."""
    async with starting(*permanent(a=Starter(AWAY, AWAY, AWAY), b=Actor()), strategy=strategy) as (ward, _):
        await anyio.sleep(0.25)
        assert ward.states() == "backoff pending"
        await anyio.sleep(5)
        assert ward.ids(ChildStarted) == "a b"


async def test_a_restart_that_cannot_succeed_is_a_death_like_any_other() -> None:
    """A permanent error at a restart counts as a death: retried with back-off, up to the intensity."""
    with pytest.raises(RestartIntensityError, match=r"a died 11 times.*port 8000"):
        await build(*permanent(a=Starter(AWAY, *[TAKEN] * 10))).supervisor.run()
    async with running(*permanent(a=Starter(AWAY, *[TAKEN] * 9))) as ward:
        await anyio.sleep(60)
        assert ward.state("a") == "running"


@pytest.mark.parametrize("strategy", Strategy)
async def test_a_start_that_hangs(strategy: Strategy) -> None:
    """A child that does not call `started` in time is cancelled and retried."""
    hanging = Starter(anyio.sleep_forever)
    specs = [ChildSpec(id="a", start=hanging, start_timeout=5), ChildSpec(id="b", start=Actor())]
    async with starting(*specs, strategy=strategy) as (ward, _):
        await anyio.sleep(4.9)
        assert ward.states() == "starting pending"
        await anyio.sleep(5)
        assert ward.states() == "running running"
        [death] = ward.events_of(ChildFailed)
        assert isinstance(death.error, ChildStartTimeoutError)


async def test_a_restart_that_hangs() -> None:
    """The same limit holds for each restart."""
    hanging = Starter(AWAY, anyio.sleep_forever)
    async with running(ChildSpec(id="a", start=hanging, start_timeout=5)) as ward:
        await anyio.sleep(5)
        assert (ward.state("a"), hanging.starts) == ("starting", 2)
        await anyio.sleep(5)
        assert (ward.state("a"), hanging.starts) == ("running", 3)


async def test_a_start_that_hangs_and_ends_well_when_cancelled() -> None:
    """A start that ends well when cancelled was too late all the same, and is retried."""

    async def gives_in(*, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(5)

    specs = [ChildSpec(id="a", start=gives_in, start_timeout=3), ChildSpec(id="b", start=Actor())]
    async with running(*specs) as ward:
        assert ward.states() == "backoff starting"
        assert isinstance(ward.events_of(ChildFailed)[0].error, ChildStartTimeoutError)


async def returns(*, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
    """Return without a call of `started`."""


async def test_a_start_that_returns_early_is_a_mistake() -> None:
    """A child that returns without a call of `started` is a mistake: the supervisor does not start."""
    with pytest.raises(ChildEndedEarlyError):
        await build(ChildSpec(id="a", start=returns)).supervisor.run()


async def test_saying_started_twice_starts_once() -> None:
    """Only the first call of `started` counts, with its value."""

    async def chatty(*, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED) -> None:
        task_status.started("first")
        await anyio.sleep(5)
        task_status.started("second")
        await anyio.sleep_forever()

    async with running(ChildSpec(id="a", start=chatty)) as ward:
        await anyio.sleep(6)
        assert (ward.ids(ChildStarted), ward.child("a").detail, ward.child("a").uptime) == ("a", "first", 6)


@pytest.mark.parametrize(
    ("how", "error"),
    [(SystemExit(3), SystemExit), (stray_cancel, StrayCancellationError), (AWAY, StoreUnavailableError)],
)
@pytest.mark.parametrize("first", [True, False])
async def test_a_start_that_ends_as_none_should(how: Any, error: type[BaseException], *, first: bool) -> None:
    """SystemExit and stray cancellations at any start are deaths, and retried."""
    child = Starter(how) if first else Starter(AWAY, how)
    sibling = Actor()
    async with running(*permanent(a=child, b=sibling)) as ward:
        await anyio.sleep(60)
        assert (ward.states(), sibling.starts) == ("running running", 1)
        assert isinstance(ward.events_of(ChildFailed)[-1].error, error)


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        (Strategy.ONE_FOR_ONE, "+a +b +b +c"),
        (Strategy.ONE_FOR_ALL, "+a +b -c -a +a +b +c"),
        (Strategy.REST_FOR_ONE, "+a +b -c +b +c"),
    ],
)
async def test_a_crash_while_others_start(strategy: Strategy, order: str) -> None:
    """A child that dies while a later one starts is restarted by the strategy, and the start goes on."""
    async with running(*permanent(a=Actor(), b=Actor(crashes), c=Actor(start=10)), strategy=strategy) as ward:
        assert ward.order() == order
        assert len(ward.events_of(ChildRestarting)) == 1


async def test_an_end_while_others_start() -> None:
    """A child that ends by itself, without a restart, does not disturb the start of the others."""
    specs = [ChildSpec(id="a", start=Actor(ends), restart=Restart.TRANSIENT), ChildSpec(id="b", start=Actor(start=10))]
    async with running(*specs) as ward:
        assert ward.states() == "exited starting"
        await anyio.sleep(1)
        assert ward.states() == "exited running"
