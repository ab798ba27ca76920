"""Supervisors that end by themselves after their significant children, as in OTP since 24."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from icu.http.errors import AddressInUseError
from icu.supervisor.errors import RestartIntensityError
from icu.supervisor.events import AutoShutdownBegun, ChildStopped
from icu.supervisor.intensity import Intensity
from icu.supervisor.spec import AutoShutdown, ChildSpec, Restart, Strategy
from tests.unit.supervisor.actors import (
    Actor,
    Starter,
    Ward,
    build,
    crashes,
    ends,
    ends_after,
    permanent,
    running,
)

NEVER, ANY, ALL = AutoShutdown.NEVER, AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT
TRANSIENT, TEMPORARY = Restart.TRANSIENT, Restart.TEMPORARY
GROUPS = [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE]


def job(name: str, actor: Actor | Starter, restart: Restart = TRANSIENT) -> ChildSpec:
    """Make a significant child."""
    return ChildSpec(id=name, start=actor, restart=restart, significant=True)


async def seconds_of(ward: Ward) -> float:
    """Run a supervisor until it ends by itself. Returns the seconds."""
    before = anyio.current_time()
    with anyio.fail_after(3_600):
        await ward.supervisor.run()
    return anyio.current_time() - before


@pytest.mark.parametrize(
    ("restart", "life"), [(TRANSIENT, ends), (TEMPORARY, ends), (TEMPORARY, crashes)], ids=lambda it: str(it)[:12]
)
@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
async def test_an_end_that_matters(
    auto_shutdown: AutoShutdown, restart: Restart, life: Callable[[], Awaitable[None]]
) -> None:
    """Any end of a temporary child, and a good end of a transient one, stops the rest in order, without an error."""
    other = Actor()
    ward = build(
        *permanent(a=other), job("job", Actor(life), restart), *permanent(c=Actor()), auto_shutdown=auto_shutdown
    )
    assert await seconds_of(ward) == pytest.approx(1)
    assert (ward.ids(AutoShutdownBegun), ward.ids(ChildStopped), other.alive) == ("job", "c a", 0)


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
async def test_a_crash_of_a_transient_child_is_restarted(auto_shutdown: AutoShutdown) -> None:
    """A significant transient child that crashes is restarted; only its good end counts."""
    ward = build(job("job", Actor(crashes, ends)), auto_shutdown=auto_shutdown)
    assert await seconds_of(ward) == pytest.approx(2.1)
    assert ward.child("job").restarts == 1


async def test_any_means_the_first() -> None:
    """With `any` the first end stops the supervisor, whoever else runs."""
    ward = build(job("a", Actor(ends_after(5))), job("b", Actor(ends_after(3))), auto_shutdown=ANY)
    assert await seconds_of(ward) == pytest.approx(3)
    assert ward.ids(ChildStopped) == "a"


async def test_all_means_the_last() -> None:
    """With `all` the last end of a significant child stops the supervisor; other children do not count."""
    ward = build(job("a", Actor(ends_after(5))), *permanent(b=Actor()), job("c", Actor(ends)), auto_shutdown=ALL)
    assert await seconds_of(ward) == pytest.approx(5)
    assert (ward.ids(AutoShutdownBegun), ward.ids(ChildStopped)) == ("a", "b")


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
async def test_ends_that_are_not_significant_change_nothing(auto_shutdown: AutoShutdown) -> None:
    """Without significant children the supervisor stays up, even without any child left."""
    spec = ChildSpec(id="a", start=Actor(ends), restart=TEMPORARY)
    async with running(spec, auto_shutdown=auto_shutdown) as ward:
        await anyio.sleep(60)
        assert (ward.states(), ward.events_of(AutoShutdownBegun)) == ("exited", [])


@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
async def test_a_child_stopped_by_order_does_not_count(auto_shutdown: AutoShutdown) -> None:
    """A child stopped by order does not count as ended, and is not waited for either."""
    specs = [job("a", Actor()), job("b", Actor(ends_after(9)))]
    ward = build(*specs, auto_shutdown=auto_shutdown)
    async with anyio.create_task_group() as group:
        group.start_soon(ward.supervisor.run)
        await anyio.sleep(5)
        await ward.supervisor.stop_child("a")
        assert ward.states() == "stopped running"
    assert ward.ids(AutoShutdownBegun) == "b"


@pytest.mark.parametrize("strategy", GROUPS)
@pytest.mark.parametrize("auto_shutdown", [ANY, ALL])
async def test_a_bystander_does_not_count(auto_shutdown: AutoShutdown, strategy: Strategy) -> None:
    """A child that a sibling's death has ended does not count, though it stays down (OTP's significant_bystander)."""
    specs = [*permanent(a=Actor(crashes)), job("b", Actor(), TEMPORARY), job("c", Actor())]
    async with running(*specs, strategy=strategy, auto_shutdown=auto_shutdown) as ward:
        await anyio.sleep(60)
        assert ward.states() == "running stopped running"
        assert not ward.events_of(AutoShutdownBegun)


async def test_one_that_rises_again_is_waited_for() -> None:
    """Children that will be restarted with their group do not count as ended."""
    specs = [
        job("a", Actor(ends_after(1.05))),
        *permanent(b=Actor(crashes)),
        job("c", Actor(anyio.sleep_forever, ends)),
    ]
    ward = build(*specs, strategy=Strategy.REST_FOR_ONE, auto_shutdown=ALL)
    assert await seconds_of(ward) == pytest.approx(2.1)
    assert ward.child("c").restarts == 1


async def test_one_whose_turn_has_not_come_is_waited_for() -> None:
    """With `all`, children that have not started yet are waited for too."""
    ward = build(job("a", Actor(ends)), *permanent(b=Actor(start=5)), job("c", Actor(ends)), auto_shutdown=ALL)
    assert await seconds_of(ward) == pytest.approx(6)


async def test_one_that_crashes_at_the_same_moment_is_waited_for() -> None:
    """A child that will be restarted is waited for, whichever is handled first, its death or the other's end."""
    for _ in range(10):
        ward = build(job("a", Actor(ends)), job("b", Actor(crashes, ends_after(5))), auto_shutdown=ALL)
        assert await seconds_of(ward) == pytest.approx(6.1)


async def test_an_end_while_others_start() -> None:
    """A first end during the start is enough with `any`: the supervisor has started, and ends well."""
    ward = build(job("a", Actor(ends)), *permanent(b=Actor(start=5), c=Actor()), auto_shutdown=ANY)
    before = anyio.current_time()
    async with anyio.create_task_group() as group:
        await group.start(ward.supervisor.run)
    assert anyio.current_time() - before == pytest.approx(1)
    assert ward.states() == "exited stopped pending"


async def test_one_that_cannot_be_started_by_order_was_never_there() -> None:
    """A failed start by order raises its error, and is no end of a significant child."""
    taken = Starter(AddressInUseError("127.0.0.1", 8000))
    async with running(*permanent(a=Actor()), auto_shutdown=ANY) as ward:
        with pytest.raises(AddressInUseError):
            await ward.supervisor.add_child(job("b", taken))
        await anyio.sleep(60)
        assert ward.states() == "running"


async def test_significant_children_that_die_too_often_escalate() -> None:
    """Significant children that die too often escalate (OTP's significant_escalation)."""
    ward = build(job("a", Actor(*[crashes] * 9)), auto_shutdown=ANY, intensity=Intensity(restarts=2, period=60))
    with pytest.raises(RestartIntensityError):
        await ward.supervisor.run()
    assert not ward.events_of(AutoShutdownBegun)


def test_permanent_children_cannot_be_significant() -> None:
    """A permanent child cannot be significant, since it never ends."""
    with pytest.raises(ValueError, match="cannot be significant and permanent"):
        job("a", Actor(), Restart.PERMANENT)


@pytest.mark.parametrize("restart", [TRANSIENT, TEMPORARY])
async def test_where_nothing_ends_by_itself_nobody_is_significant(restart: Restart) -> None:
    """A significant child is refused where the supervisor does not end by itself, at the start and later, as in OTP."""
    with pytest.raises(ValueError, match="cannot be significant where auto_shutdown is never"):
        build(job("a", Actor(), restart), auto_shutdown=NEVER)
    async with running(*permanent(a=Actor())) as ward:
        with pytest.raises(ValueError, match="cannot be significant where auto_shutdown is never"):
            await ward.supervisor.add_child(job("b", Actor(), restart))
        assert len(ward.supervisor.view()) == 1
