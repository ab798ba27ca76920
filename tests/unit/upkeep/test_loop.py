"""The upkeep's loop on real files; its rests and looks pass at once."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.alarms.effects import Change, Effects
from icu.config.retention import DEFAULT, Retention
from icu.store.heartbeats import Beat
from icu.store.upkeep import only_upkeep
from icu.store.writer import Writer, open_writer
from icu.upkeep.loop import look_after
from icu.upkeep.telemetry import Telemetry
from tests.clocks import forward_asyncio, pass_time
from tests.rollups import HOUR, stored
from tests.samples import observation
from tests.stores import NOON, desaturation, execute, rows, store

DAY = 24 * HOUR


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """A loop whose time a test sets forward."""
    return forward_asyncio()


class Child:
    """An upkeep at work, with its figures and its clock."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.telemetry = Telemetry(self.registry)
        # Milliseconds since 1970.
        self.now = NOON + 3 * DAY

    def figure(self, name: str, **labels: str) -> float | None:
        """A figure, by its name behind `icu_upkeep_`."""
        return self.registry.get_sample_value(f"icu_upkeep_{name}", labels)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; rests between steps pass at once."""
        with anyio.fail_after(1_000):
            while not condition():
                await anyio.sleep(0.001)
                pass_time(0.02)  # no more, for transactions have a deadline


@asynccontextmanager
async def at_work(url: str, retention: Retention = DEFAULT) -> AsyncIterator[Child]:
    """Run an upkeep meanwhile."""
    child = Child()

    async def work(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        await look_after(
            database_url=url,
            retention=retention,
            telemetry=child.telemetry,
            now=lambda: child.now / 1000,
            task_status=task_status,
        )

    async with anyio.create_task_group() as group:
        await group.start(work)
        yield child
        group.cancel_scope.cancel()


async def test_it_rolls_up_and_deletes_again_and_again(writer: Writer, url: str) -> None:
    """Each look goes on with what has come and what has become old meanwhile, and leaves a sign of life."""
    await store(writer, [observation(600 * n) for n in range(3 * 24 * 6)])
    async with at_work(url, Retention(raw="1d")) as child:
        await child.until(lambda: child.figure("deleted_total", kind="raw") == 2 * 24 * 6)
        await child.until(lambda: child.figure("rolled_readings_total") == 3 * 24 * 6)
        await child.until(lambda: child.figure("behind_seconds") == 120)
        child.now += HOUR
        await child.until(lambda: child.figure("deleted_total", kind="raw") == 2 * 24 * 6 + 6)
        await child.until(lambda: child.figure("looked_timestamp_seconds") == child.now / 1000)
    found = stored(url)
    assert (len(found.readings), found.wrong()) == (23 * 6, [])
    assert rows(url, "SELECT looked, raw_horizon FROM upkeep_state") == [(child.now, NOON + 2 * DAY + HOUR)]


async def test_it_rests_while_there_is_nothing_to_do(writer: Writer, url: str) -> None:
    """A look that finds nothing commits its sign of life alone: other writers are not disturbed."""
    await store(writer, [observation(0)])
    commits = []
    async with at_work(url) as child:
        for _ in range(4):
            child.now += 1
            await child.until(lambda: child.figure("looked_timestamp_seconds") == child.now / 1000)
            commits += rows(url, "SELECT commits FROM upkeep_state")
    (second,), (third,), (fourth,) = commits[1:]
    assert (third - second, fourth - third) == (1, 1)


async def test_a_database_that_is_not_there_yet_is_waited_for(url: str) -> None:
    """The child has started, says what it waits for, and begins once a sink has made the database."""
    async with at_work(url) as child:
        await child.until(lambda: child.telemetry.waits_for is not None)
        assert "there is no database" in str(child.telemetry.trouble)
        async with open_writer(url, topic="icu.test"):
            await child.until(lambda: child.telemetry.trouble is None)
    assert (child.figure("errors_total") or 0) >= 1


async def test_a_second_upkeep_waits(writer: Writer, url: str) -> None:
    """A second upkeep of a database changes nothing, says why, and takes over once the first has ended."""
    async with only_upkeep(url), at_work(url) as child:
        await child.until(lambda: child.telemetry.waits_for is not None)
        assert "another upkeep looks after" in str(child.telemetry.trouble)
        assert rows(url, "SELECT commits FROM upkeep_state") == [(0,)]
    async with at_work(url) as child:
        await child.until(lambda: child.figure("looked_timestamp_seconds") == child.now / 1000)
        assert child.telemetry.trouble is None


async def test_dropped_events_are_told_of_once(writer: Writer, url: str) -> None:
    """Events of alarms that nobody took are counted, and logged in one line however many they are."""
    for version in range(1, 6):
        change = Change(desaturation(version=version), version - 1, "update")
        await writer.write_effects(Effects(changes=[change]), Beat(NOON, 0))
    execute(url, "UPDATE outbox SET sequence = sequence + 1000 * version")
    lines: list[str] = []
    logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    async with at_work(url, Retention(outbox="1h")) as child:
        await child.until(lambda: bool(lines))
        assert child.figure("deleted_total", kind="outbox") == 5
    assert lines == ["5 events of alarms were dropped: no broker has taken them for too long"]


async def test_a_stop_leaves_no_lock(writer: Writer, url: str) -> None:
    """A stopped upkeep lets go of the database, in the middle of its work too."""
    await store(writer, [observation(600 * n) for n in range(3 * 24 * 6)])
    async with at_work(url, Retention(raw="1d")) as child:
        await child.until(lambda: (child.figure("rolled_readings_total") or 0) > 0)
    async with only_upkeep(url):
        execute(url, "UPDATE upkeep_state SET commits = commits + 1")
    assert stored(url).wrong() == []
