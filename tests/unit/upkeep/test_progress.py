"""Lines in the log about work that takes long. On virtual time."""

import anyio
import pytest
from loguru import logger

from icu.store.retention.deleting import Deleted
from icu.store.rollups.step import RolledUp
from icu.upkeep.progress import LOG_EVERY, Progress
from tests.clocks import virtual_time

HOUR = 3_600_000
DONE = RolledUp(done=True, readings=0, hours=0, behind=120_000)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: hours of work take milliseconds."""
    return virtual_time()


@pytest.fixture
def lines() -> list[str]:
    """Lines of the log."""
    found: list[str] = []
    logger.add(lambda message: found.append(message.record["message"]), level="INFO")
    return found


def behind(hours: float) -> RolledUp:
    """A step of rolling up that leaves so many hours."""
    return RolledUp(done=False, readings=1, hours=0, behind=round(hours * HOUR))


async def test_rolling_up_for_long(lines: list[str]) -> None:
    """A line each half minute says how much of the way is done, and what is left."""
    progress = Progress()
    for second in range(100):
        progress.note_rolled(behind(100 - second))
        await anyio.sleep(1)
    assert lines == [f"rolling up: {share}%, {left} behind" for share, left in SHARES]


SHARES = ((30, "2 days, 22:00:00"), (60, "1 day, 16:00:00"), (90, "10:00:00"))


async def test_what_takes_no_time_is_not_logged(lines: list[str]) -> None:
    """The work of each minute is no news, however long the upkeep lives."""
    progress = Progress()
    for _ in range(100):
        progress.note_rolled(behind(0.05))
        progress.note_rolled(DONE)
        progress.note_deleted(Deleted(done=False, kind="raw", rows=5))
        progress.note_deleted(Deleted(done=True))
        await anyio.sleep(LOG_EVERY / 2)
    assert lines == []


async def test_deleting_for_long(lines: list[str]) -> None:
    """Each kind has its own lines, with the rows of this kind alone."""
    progress = Progress()
    for kind in ("raw", "minute"):
        for step in range(40):
            progress.note_deleted(Deleted(done=False, kind=kind, rows=100, share=step / 40))
            await anyio.sleep(1)
    assert lines == ["deleting raw: 75%, 3,100 rows", "deleting minute: 75%, 3,100 rows"]


async def test_a_day_that_is_made_up_for(lines: list[str]) -> None:
    """After a line the next work begins with a silence of its own."""
    progress = Progress()
    for _ in range(2):
        progress.note_rolled(behind(24))
        await anyio.sleep(LOG_EVERY)
        progress.note_rolled(behind(6))
        progress.note_rolled(DONE)
    assert lines == ["rolling up: 75%, 6:00:00 behind"] * 2


async def test_late_hours_that_take_long(lines: list[str]) -> None:
    """Only what came late is behind: a line says how much of that is done, and the next work counts anew."""
    progress = Progress()
    for _ in range(2):
        for _ in range(40):
            progress.note_rolled(RolledUp(done=False, readings=700, hours=50, behind=130_000))
            await anyio.sleep(1)
        progress.note_rolled(DONE)
    assert lines == ["rolling up late hours: 1,550 so far"] * 2
