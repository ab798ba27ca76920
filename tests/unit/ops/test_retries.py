"""Retries of services that are away. On virtual time."""

import itertools

import anyio
import anyio.lowlevel
import pytest
from loguru import logger

from icu.ops.retries import Retries, retry
from icu.store.errors import StoreCorruptError, StoreUnavailableError
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: minutes of waiting take milliseconds."""
    return virtual_time()


async def test_a_service_that_is_away_is_waited_for_and_reported() -> None:
    """Work is retried until it succeeds; each trouble is reported, logged every 30 s, and its end is reported too."""
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="INFO")
    troubles: list[str | None] = []
    begin = anyio.current_time()

    async def work() -> str:
        if anyio.current_time() - begin < 100:
            raise StoreUnavailableError("locked")
        return "done"

    assert await retry("storing", work, on_trouble=troubles.append) == "done"
    assert troubles[-1] is None
    assert set(troubles[:-1]) == {"storing: locked"}
    assert lines.count("storing, waiting: locked") in {3, 4}  # each wait may add up to 5 s to the 30
    assert lines[-1] == "storing: works again"


async def test_waits_stay_below_five_seconds() -> None:
    """The waits stay below five seconds, so that work goes on soon after the service is back."""
    times: list[float] = []

    async def work() -> None:
        times.append(anyio.current_time())
        raise StoreUnavailableError("locked")

    with anyio.move_on_after(300):
        await retry("storing", work, on_trouble=lambda _: None)
    assert max(after - before for before, after in itertools.pairwise(times)) <= 5
    assert len(times) > 60


async def test_waits_begin_short_and_grow() -> None:
    """The first retries follow within a moment; during a long outage they become rare."""
    waits: list[list[float]] = []
    for _ in range(20):
        times: list[float] = []

        async def work(times: list[float] = times) -> None:
            times.append(anyio.current_time())
            if len(times) < 20:
                raise StoreUnavailableError("locked")

        await retry("storing", work, on_trouble=lambda _: None)
        waits.append([after - before for before, after in itertools.pairwise(times)])
    for attempt, most in enumerate([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5, 5]):
        assert max(each[attempt] for each in waits) <= most
    assert max(map(max, waits)) > 4


async def test_trouble_is_logged_once_for_all_tasks() -> None:
    """Tasks with the same trouble log it once in half a minute, and at once after it had worked."""
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="INFO")
    retries = Retries("storing", on_trouble=lambda _: None)
    away = True

    async def work() -> None:
        if away:
            raise StoreUnavailableError("locked")

    for _ in range(2):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(retries.run, work)
            await anyio.sleep(20)
            away = False
        away = True
    assert lines == ["storing, waiting: locked", "storing: works again"] * 2


async def test_nothing_is_said_where_it_works_at_once() -> None:
    """Work that succeeds at once logs nothing; only the report of trouble is cleared."""
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="INFO")
    troubles: list[str | None] = []
    await retry("storing", anyio.lowlevel.checkpoint, on_trouble=troubles.append)
    assert (lines, troubles) == ([], [None])


async def test_other_errors_leave_at_once() -> None:
    """Permanent errors are raised at once."""

    async def work() -> None:
        raise StoreCorruptError("damaged")

    with pytest.raises(StoreCorruptError):
        await retry("storing", work, on_trouble=lambda _: None)
