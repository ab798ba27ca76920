"""Errors that would end a program end neither the supervisor nor the siblings of the child that raises them."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import pytest

from icu.supervisor.errors import StrayCancellationError
from icu.supervisor.events import ChildFailed, ChildStopped, Event
from icu.supervisor.spec import ChildSpec, Strategy
from icu.supervisor.tree import Supervisor
from tests.clocks import virtual_asyncio
from tests.unit.supervisor.actors import Actor, Starter, crashes, permanent, running, stray_cancel


async def system_exit() -> None:
    """Raise the error of a server that cannot start."""
    raise SystemExit(3)


async def generator_exit() -> None:
    """Raise the error of a library that closes its generators by hand."""
    raise GeneratorExit


async def group_of_anything() -> None:
    """Raise a group of errors, as a task group does."""
    raise BaseExceptionGroup("both", [SystemExit(3), RuntimeError("and this")])


async def group_below() -> None:
    """Raise an error in a task of the child's own."""
    async with anyio.create_task_group() as group:
        group.start_soon(crashes)


DEADLY = [system_exit, generator_exit, group_of_anything, group_below, stray_cancel]


@pytest.mark.parametrize("kill", DEADLY)
async def test_whatever_a_child_raises_is_its_own_death(kill: Callable[[], Awaitable[None]]) -> None:
    """SystemExit, groups and stray cancellations are a crash of the child alone."""
    actor, sibling = Actor(kill), Actor()
    async with running(*permanent(a=actor, b=sibling)) as ward:
        await anyio.sleep(60)
        assert (actor.starts, actor.alive) == (2, 1)
        assert (sibling.starts, sibling.alive) == (1, 1)
        assert ward.ids(ChildFailed) == "a"


async def test_a_stray_cancellation_is_called_by_its_name() -> None:
    """The error of a stray cancellation says that nobody requested it."""
    async with running(*permanent(a=Actor(stray_cancel))) as ward:
        await anyio.sleep(1)
        [death] = ward.events_of(ChildFailed)
    assert isinstance(death.error, StrayCancellationError)


async def raises_cancelled() -> None:
    """Raise a cancellation like any other error, as aiokafka does."""
    raise asyncio.CancelledError


async def cancels_itself() -> None:
    """Cancel the current task, like a library that takes it for one of its own."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await anyio.sleep(1)


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()], ids=["asyncio"])
@pytest.mark.parametrize("kill", [raises_cancelled, cancels_itself])
@pytest.mark.parametrize("child", [Actor, Starter])
async def test_asyncio_s_own_cancellation_is_a_stray_one_too(
    child: type[Actor | Starter], kill: Callable[[], Awaitable[None]]
) -> None:
    """A CancelledError of asyncio is a stray cancellation too, at the start and later, and is kept as the cause."""
    actor = child(kill)
    async with running(*permanent(a=actor, b=Actor())) as ward:
        await anyio.sleep(60)
        assert (ward.states(), actor.starts) == ("running running", 2)
        [death] = ward.events_of(ChildFailed)
    assert isinstance(death.error, StrayCancellationError)
    assert isinstance(death.error.__cause__, asyncio.CancelledError)


async def test_a_single_error_comes_without_its_groups() -> None:
    """An error is reported without the groups of one around it."""
    async with running(*permanent(a=Actor(group_below))) as ward:
        await anyio.sleep(5)
        assert ward.child("a").last_error == "RuntimeError: the child broke"


@pytest.mark.parametrize("kill", DEADLY)
async def test_a_crash_while_cleaning_up_stops_nothing(kill: Callable[[], Awaitable[None]]) -> None:
    """A child that raises during its stop is stopped all the same, and so are the others."""

    async def breaks_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await kill()

    first, second = Actor(), Actor(breaks_when_cancelled)
    async with running(*permanent(a=first, b=second)) as ward:
        pass
    assert (first.alive, second.alive) == (0, 0)
    assert ward.ids(ChildStopped) == "b a"


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_a_crash_while_a_sibling_takes_it_down(strategy: Strategy) -> None:
    """An error of a child that falls with a sibling is reported, is no death, and the child is restarted."""

    async def breaks_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise RuntimeError("clean-up broke")

    actor = Actor(breaks_when_cancelled)
    async with running(*permanent(a=Actor(crashes), b=actor), strategy=strategy) as ward:
        await anyio.sleep(60)
        assert (ward.states(), actor.starts) == ("running running", 2)
    assert [str(event.error) for event in ward.events_of(ChildFailed)] == ["the child broke", "clean-up broke"]


async def test_a_child_that_swallows_its_cancellation_is_stopped_nevertheless() -> None:
    """A child that returns on its cancellation, even before it has started, is stopped without an error."""

    async def swallows(*, task_status: object) -> None:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            return

    async with running(ChildSpec(id="a", start=Actor())) as ward, anyio.create_task_group() as group:
        group.start_soon(ward.supervisor.add_child, ChildSpec(id="b", start=swallows))
        await anyio.sleep(1)
        await ward.supervisor.stop_child("b")
        assert ward.states() == "running stopped"
    assert not ward.events_of(ChildFailed)


async def test_a_handler_that_raises_changes_nothing() -> None:
    """An error of an event handler does not affect the children."""

    def broken(_event: Event) -> None:
        raise RuntimeError("the log is broken")

    supervisor = Supervisor(permanent(a=Actor()), on_event=[broken])
    with pytest.warns(RuntimeWarning, match="the log is broken"):
        async with anyio.create_task_group() as group:
            await group.start(supervisor.run)
            await anyio.sleep(1)
            assert str(supervisor.view()[0].state) == "running"
            group.cancel_scope.cancel()


async def test_a_life_inherits_nothing_from_the_one_before() -> None:
    """Context variables that a life has set are gone in the next one."""
    from contextvars import ContextVar  # noqa: PLC0415 - only here

    mark: ContextVar[str] = ContextVar("mark", default="clean")
    seen: list[str] = []

    async def marks_and_dies() -> None:
        seen.append(mark.get())
        mark.set("used")
        await crashes()

    async with running(*permanent(a=Actor(*[marks_and_dies] * 3))):
        await anyio.sleep(60)
    assert seen == ["clean"] * 3
