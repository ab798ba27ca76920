"""A task beside the sink's loop: it ends with the loop, and never in silence."""

import asyncio

import anyio
import anyio.lowlevel
import pytest

from icu.sink.beside import beside


async def test_the_task_ends_with_the_block() -> None:
    """At the end of the block the task is cancelled."""
    ended = anyio.Event()

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    async with beside(work):
        await anyio.wait_all_tasks_blocked()
    assert ended.is_set()


async def test_an_error_of_the_block_comes_as_it_is() -> None:
    """An error of the block is raised in no group, and ends the task."""
    with pytest.raises(LookupError, match="the block's own"):
        async with beside(anyio.sleep_forever):
            raise LookupError("the block's own")


@pytest.mark.parametrize("error", [None, asyncio.CancelledError()])
async def test_a_task_that_ends_ends_the_block(error: BaseException | None) -> None:
    """The end of the task is an error of the block, also by a cancellation that nobody requested."""

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        if error is not None:
            raise error

    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="has ended")), anyio.fail_after(5):
        async with beside(work):
            await anyio.sleep_forever()


async def test_a_cancellation_ends_both() -> None:
    """A block that is cancelled ends in time, without an error."""
    with anyio.move_on_after(0.01) as scope:
        async with beside(anyio.sleep_forever):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
