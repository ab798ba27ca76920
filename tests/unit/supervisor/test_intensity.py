"""The limit of deaths within a period, and its escalation."""

import anyio
import pytest

from icu.supervisor.errors import RestartIntensityError
from icu.supervisor.events import ChildExited, ChildRestarting, ChildStopped, Escalated
from icu.supervisor.intensity import DeathCounter, Intensity
from icu.supervisor.spec import ChildSpec, Restart, Strategy
from tests.unit.supervisor.actors import Actor, build, crashes, crashes_after, ends, permanent, running

THREE = Intensity(restarts=3, period=60)


@pytest.mark.parametrize(
    ("strategy", "stopped"),
    [
        (Strategy.ONE_FOR_ONE, "c a"),
        (Strategy.ONE_FOR_ALL, "c a " * 3 + "c a"),
        (Strategy.REST_FOR_ONE, "c " * 3 + "c a"),
    ],
)
async def test_too_many_deaths_end_everything_in_order(strategy: Strategy, stopped: str) -> None:
    """One death more than allowed within the period stops all children, the last first, with the reason."""
    first, dying, last = Actor(), Actor(*[crashes] * 10), Actor()
    ward = build(*permanent(a=first, b=dying, c=last), strategy=strategy, intensity=THREE)
    with pytest.raises(RestartIntensityError, match=r"b died 4 times within 60 s.*the child broke") as caught:
        await ward.supervisor.run()
    assert str(caught.value.__cause__) == "the child broke"
    assert (dying.starts, ward.ids(Escalated)) == (4, "b")
    assert ward.ids(ChildStopped) == stopped
    assert (first.alive, dying.alive, last.alive) == (0, 0, 0)
    assert ward.states() == "stopped failed stopped"


@pytest.mark.parametrize("strategy", Strategy)
async def test_as_many_deaths_as_allowed_are_survived(strategy: Strategy) -> None:
    """The last allowed restart happens, however many siblings it takes with it."""
    dying, sibling = Actor(*[crashes] * 3), Actor()
    async with running(*permanent(a=dying, b=sibling), strategy=strategy, intensity=THREE) as ward:
        await anyio.sleep(59)
        assert (ward.states(), dying.starts) == ("running running", 4)


@pytest.mark.parametrize("strategy", Strategy)
async def test_deaths_of_different_children_count_together(strategy: Strategy) -> None:
    """Deaths of different children count together, as in OTP."""
    actors = {name: Actor(*[crashes_after(5 + n)] * 9) for n, name in enumerate("abcd")}
    ward = build(*permanent(**actors), strategy=strategy, intensity=THREE)
    with pytest.raises(RestartIntensityError):
        await ward.supervisor.run()
    assert len(ward.events_of(ChildRestarting)) == 3


async def test_a_supervisor_without_patience() -> None:
    """With an intensity of 0 the first death ends the supervisor."""
    actor = Actor(crashes)
    with pytest.raises(RestartIntensityError, match="died 1 times"):
        await build(*permanent(a=actor), intensity=Intensity(restarts=0, period=1)).supervisor.run()
    assert actor.starts == 1


async def test_old_deaths_are_forgotten() -> None:
    """A child that dies seldom enough is restarted for ever, since the window slides."""
    actor = Actor(*[crashes_after(61)] * 50)
    async with running(*permanent(a=actor), intensity=Intensity(restarts=1, period=60)):
        await anyio.sleep(3_600)
        assert actor.starts > 50


async def test_the_window_slides_rather_than_jumps() -> None:
    """Deaths close to each other count together, on both sides of any fixed border."""
    actor = Actor(crashes_after(50), *[crashes_after(3)] * 9)
    ward = build(*permanent(a=actor), intensity=THREE, random=0)
    with pytest.raises(RestartIntensityError):
        await ward.supervisor.run()
    assert actor.starts == 4


@pytest.mark.parametrize(("times", "deaths"), [([0, 60], 2), ([0, 60.1], 1), ([0, 30, 60, 90], 3), ([5], 1)])
def test_the_window_is_closed_at_its_period(times: list[float], deaths: int) -> None:
    """A death exactly one period ago still counts."""
    counter = DeathCounter(Intensity(restarts=5, period=60))
    assert [counter.add(time) for time in times][-1] == deaths


def test_deaths_that_are_too_many_anyway_are_not_kept() -> None:
    """The record of deaths is bounded, and keeps every death that counts."""
    counter = DeathCounter(Intensity(restarts=3, period=60))
    assert [counter.add(0) for _ in range(6)] == [1, 2, 3, 4, 4, 4]
    assert [counter.add(time) for time in (50, 61, 200)] == [4, 2, 1]


async def test_ends_of_transient_children_cost_nothing() -> None:
    """Good ends of transient children, such as finished recordings, do not count."""
    beds = [ChildSpec(id=f"bed-{n}", start=Actor(ends), restart=Restart.TRANSIENT) for n in range(50)]
    async with running(*beds, intensity=Intensity(restarts=1, period=60)) as ward:
        await anyio.sleep(60)
        assert len(ward.events_of(ChildExited)) == 50
        assert not ward.events_of(Escalated)


async def test_deaths_of_temporary_children_cost_nothing() -> None:
    """A death without a restart does not count, as in OTP."""
    jobs = [ChildSpec(id=f"job-{n}", start=Actor(crashes), restart=Restart.TEMPORARY) for n in range(50)]
    async with running(*jobs, intensity=Intensity(restarts=0, period=60)) as ward:
        await anyio.sleep(60)
        assert not ward.events_of(Escalated)


async def test_a_clean_end_of_a_permanent_child_counts() -> None:
    """A good end of a permanent child counts as a death."""
    with pytest.raises(RestartIntensityError, match=r"died 4 times within 60 s, more than allowed: giving up$"):
        await build(*permanent(a=Actor(*[ends] * 9)), intensity=THREE).supervisor.run()


async def test_a_supervisor_that_gave_up_can_run_again_with_a_clean_record() -> None:
    """A supervisor that gave up can run again without its old deaths, as its own supervisor does."""
    actor = Actor(*[crashes] * 7)
    ward = build(*permanent(a=actor), intensity=THREE, random=0)
    with pytest.raises(RestartIntensityError):
        await ward.supervisor.run()
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
        await anyio.sleep(30)
        assert (ward.states(), actor.starts) == ("running", 8)
        group.cancel_scope.cancel()


@pytest.mark.parametrize(("restarts", "period"), [(-1, 60), (1, 0), (1, -5), (1, float("nan"))])
def test_nonsense_is_refused(restarts: int, period: float) -> None:
    """A negative intensity and a period of 0 are refused, as OTP's sup_flags."""
    with pytest.raises(ValueError, match="make no sense"):
        Intensity(restarts=restarts, period=period)
