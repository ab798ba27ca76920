"""When a child is started again: restart kind by exit kind, back-off, intensity. OTP's promises, one by one."""

import gc

import anyio
import pytest

from icu.errors import RestartIntensityError, StrayCancellationError
from icu.supervisor.events import ChildExited, ChildFailed, ChildRestarting, ChildStarted, ChildStopped, Escalated
from icu.supervisor.intensity import DeathCounter, Intensity
from icu.supervisor.spec import ChildSpec, Restart
from tests.unit.supervisor.actors import Actor, build, crash_at_once, crashes, ends, running

KINDS = [Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY]


@pytest.mark.parametrize(("restart", "starts"), [*zip(KINDS, [2, 1, 1], strict=True)])
async def test_a_child_that_ends_by_itself(restart: Restart, starts: int) -> None:
    """Only a permanent child is started again after a normal end."""
    actor = Actor(ends)
    async with running(ChildSpec(id="a", start=actor, restart=restart)) as ward:
        await anyio.sleep(60)
        assert actor.starts == starts
        assert len(ward.told(ChildExited)) == 1
        assert ward.state("a") == ("running" if starts == 2 else "exited")


@pytest.mark.parametrize(("restart", "starts"), [*zip(KINDS, [2, 2, 1], strict=True)])
async def test_a_child_that_crashes(restart: Restart, starts: int) -> None:
    """Permanent and transient children are started again after an error, a temporary one is not."""
    actor = Actor(crashes)
    async with running(ChildSpec(id="a", start=actor, restart=restart)) as ward:
        await anyio.sleep(60)
        assert actor.starts == starts
        assert [str(event.error) for event in ward.told(ChildFailed)] == ["the child broke"]
        assert ward.state("a") == ("running" if starts == 2 else "failed")


@pytest.mark.parametrize("restart", KINDS)
async def test_a_child_that_is_told_to_stop(restart: Restart) -> None:
    """Stopping is no death: nothing is started again, whatever the restart kind."""
    actor = Actor()
    async with running(ChildSpec(id="a", start=actor, restart=restart)) as ward:
        pass
    assert actor.starts == 1
    assert actor.alive == 0
    assert [type(event) for event in ward.events] == [ChildStarted, ChildStopped]
    assert ward.state("a") == "stopped"


async def system_exit() -> None:
    """What a server that cannot start does to its process."""
    raise SystemExit(3)


async def group_of_anything() -> None:
    """What a task group makes of it."""
    raise BaseExceptionGroup("both", [SystemExit(3), RuntimeError("and this")])


async def stray_cancel() -> None:
    """A cancellation that nobody asked for, as a library below may leak it."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            await anyio.sleep(1)
        except anyio.get_cancelled_exc_class() as exc:
            leaked = exc
    raise leaked


@pytest.mark.parametrize("kill", [system_exit, group_of_anything, stray_cancel])
async def test_what_kills_others_must_not_kill_us(kill: object) -> None:
    """SystemExit, groups of anything and stray cancellations are a crash of the child, and siblings do not notice."""
    actor, sibling = Actor(kill), Actor()  # type: ignore[arg-type]
    async with running(ChildSpec(id="a", start=actor), ChildSpec(id="b", start=sibling)) as ward:
        await anyio.sleep(60)
        assert (actor.starts, actor.alive) == (2, 1)
        assert (sibling.starts, sibling.alive) == (1, 1)
        [death] = ward.told(ChildFailed)
        if kill is stray_cancel:
            assert isinstance(death.error, StrayCancellationError)


async def test_a_crash_while_cleaning_up_is_reported_and_stops_nothing() -> None:
    """A child that raises when it is told to stop is stopped all the same, and so are the others."""

    async def breaks_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise RuntimeError("clean-up broke")

    first, second = Actor(), Actor(breaks_when_cancelled)
    async with running(ChildSpec(id="a", start=first), ChildSpec(id="b", start=second)) as ward:
        pass
    assert (first.alive, second.alive) == (0, 0)
    assert [str(event.error) for event in ward.told(ChildFailed)] == ["clean-up broke"]
    assert [event.id for event in ward.told(ChildStopped)] == ["b", "a"]


async def test_waits_double_up_to_five_seconds() -> None:
    """A child that dies at each start is waited for longer each time, from 0.1 s to 5 s."""
    actor = Actor(*[crash_at_once] * 9)
    async with running(ChildSpec(id="a", start=actor)) as ward:
        await anyio.sleep(60)
        delays = [event.delay for event in ward.told(ChildRestarting)]
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5])


async def test_jitter_is_full() -> None:
    """The wait is anything from nothing to the ceiling, as the random number says."""
    async with running(ChildSpec(id="a", start=Actor(*[crash_at_once] * 3)), random=0.5) as ward:
        await anyio.sleep(60)
        assert [event.delay for event in ward.told(ChildRestarting)] == pytest.approx([0.05, 0.1, 0.2])


async def test_a_long_life_forgives() -> None:
    """A child that ran for a while waits like one that died for the first time."""

    async def old_age() -> None:
        await anyio.sleep(3_600)
        raise RuntimeError("of old age")

    async with running(ChildSpec(id="a", start=Actor(crash_at_once, crash_at_once, old_age))) as ward:
        await anyio.sleep(4_000)
        assert [event.delay for event in ward.told(ChildRestarting)] == pytest.approx([0.1, 0.2, 0.1])


async def test_too_many_deaths_end_everything_in_order() -> None:
    """One death more than allowed within the period: all children are stopped, the last first, and it says why."""
    sink, monitor, bed = Actor(), Actor(), Actor(*[crashes] * 10)
    ward = build(
        ChildSpec(id="sink", start=sink),
        ChildSpec(id="monitor", start=monitor),
        ChildSpec(id="bed", start=bed),
        intensity=Intensity(restarts=3, period=60),
    )
    with pytest.raises(RestartIntensityError, match=r"bed died 4 times within 60 s.*the child broke"):
        await ward.supervisor.run()
    assert bed.starts == 4
    assert [event.id for event in ward.told(Escalated)] == ["bed"]
    assert [event.id for event in ward.told(ChildStopped)] == ["monitor", "sink"]
    assert sink.alive == monitor.alive == 0


async def test_deaths_of_different_children_count_together() -> None:
    """The intensity belongs to the supervisor, as in OTP."""
    specs = [ChildSpec(id=name, start=Actor(crashes)) for name in "abcd"]
    with pytest.raises(RestartIntensityError):
        await build(*specs, intensity=Intensity(restarts=3, period=60)).supervisor.run()


async def test_old_deaths_are_forgotten() -> None:
    """The window slides: a child that dies for ever, but seldom enough, is restarted for ever."""

    async def dies_after_a_minute() -> None:
        await anyio.sleep(61)
        raise RuntimeError("again")

    actor = Actor(*[dies_after_a_minute] * 50)
    async with running(ChildSpec(id="a", start=actor), intensity=Intensity(restarts=1, period=60)):
        await anyio.sleep(3_600)
        assert actor.starts > 50


@pytest.mark.parametrize(("times", "deaths"), [([0, 60], 2), ([0, 60.1], 1), ([0, 30, 60, 90], 3), ([5], 1)])
def test_the_window_is_closed_at_its_period(times: list[float], deaths: int) -> None:
    """A death exactly one period ago still counts."""
    counter = DeathCounter(Intensity(restarts=5, period=60))
    assert [counter.add(time) for time in times][-1] == deaths


async def test_ends_of_transient_children_cost_nothing() -> None:
    """Beds whose recording is over do not use up the restart budget."""
    beds = [ChildSpec(id=f"bed-{n}", start=Actor(ends), restart=Restart.TRANSIENT) for n in range(50)]
    async with running(*beds, intensity=Intensity(restarts=1, period=60)) as ward:
        await anyio.sleep(60)
        assert len(ward.told(ChildExited)) == 50
        assert not ward.told(Escalated)


async def test_stopping_during_back_off() -> None:
    """A child that waits to be started again is stopped at once, and not started."""
    actor = Actor(*[crash_at_once] * 9)
    async with running(ChildSpec(id="a", start=actor)) as ward:
        await anyio.sleep(10)
        assert ward.state("a") == "backoff"
        before = anyio.current_time()
        starts = actor.starts
    assert anyio.current_time() == before
    assert actor.starts == starts


async def test_ten_thousand_restarts_leave_nothing_behind() -> None:
    """No restart keeps the life before it: neither its task nor its objects nor its error."""
    actor = Actor(*[crash_at_once] * 10_000)
    # A random number of 0 makes each wait nothing.
    async with running(
        ChildSpec(id="a", start=actor), intensity=Intensity(restarts=10_000, period=60), random=0
    ) as ward:
        while actor.starts <= 1_000:
            await anyio.lowlevel.checkpoint()
        ward.events.clear()
        gc.collect()
        before = len(gc.get_objects())
        while actor.starts <= 10_000:
            ward.events.clear()
            await anyio.lowlevel.checkpoint()
        gc.collect()
        # The window of the intensity holds one number for each death; nothing else may grow.
        assert len(gc.get_objects()) - before < 100
        assert ward.supervisor.view()[0].restarts == 10_000
