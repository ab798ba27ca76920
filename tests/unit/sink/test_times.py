"""Times for the statistics, on a real SQLite file: of readings that came live, of a backlog, and through restarts."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from icu.alarms.statistics import Statistics, statistics_of
from icu.messages import Quality, encode
from icu.store.commands import beds as bed_commands
from icu.store.commands.door import Author
from icu.store.reader import Reader
from tests.clocks import forward_asyncio
from tests.samples import ANNA, observation
from tests.stores import execute, rows
from tests.wards import WatchedWard, milliseconds

pytestmark = pytest.mark.parametrize("anyio_backend", [forward_asyncio()])

DAY = 86_400
EVA = Author("Eva", "127.0.0.1")


@pytest.fixture
async def ward(url: str) -> AsyncIterator[WatchedWard]:
    """Ward without a sink that runs."""
    ward = WatchedWard(url)
    yield ward
    await ward.aclose()


def times(ward: WatchedWard) -> dict[tuple[str, str], int]:
    """Seconds by kind and subject."""
    found = rows(ward.url, "SELECT kind, subject, sum(amount) FROM alarm_counts WHERE hour > 0 GROUP BY kind, subject")
    return {(kind, subject): amount // 1_000 for kind, subject, amount in found}


async def statistics(ward: WatchedWard, since: float, until: float) -> Statistics:
    """Statistics of a span."""
    async with aclosing(Reader(ward.url)) as reader:
        found = await reader.alarm_statistics(milliseconds(since), milliseconds(until), None, most=10_000)
    return statistics_of(found.records, found.beds)


def probe(seconds: int) -> dict[str, Any]:
    """A saturation that is flagged in the second minute."""
    return {"quality": Quality(spo2="motion")} if 60 <= seconds < 120 else {}


@pytest.mark.parametrize("restarts", [(), (70,), (20, 95, 150, 155)])
async def test_what_is_stored_counts_once(ward: WatchedWard, restarts: tuple[int, ...]) -> None:
    """Minute by minute, also by sinks that die in between: what was not stored is counted from the readings."""
    begin = 0
    for end in (*restarts, 305):
        async with ward.sink():
            for seconds in range(begin, end, 5):
                await ward.send(seconds, **probe(seconds))
        begin = end
    [(counted,)] = rows(ward.url, "SELECT amount FROM alarm_counts WHERE kind = 'counted'")
    seconds = (counted - milliseconds(0)) // 1_000
    assert 180 <= seconds <= 300
    assert times(ward) == {("monitored", ""): seconds, ("flagged", "spo2"): 60}
    found = await statistics(ward, 0, 300)
    assert found.monitored_hours == pytest.approx(seconds / 3_600, rel=0.01)
    assert found.flagged_share == pytest.approx({"spo2": 60 / 300}, rel=0.01)
    assert found.all.per_monitored_hour == pytest.approx(found.all.raised / (seconds / 3_600), rel=0.01)


async def test_a_backlog_of_a_day(ward: WatchedWard) -> None:
    """Its hours are watched and monitored, though all of it arrived in a moment."""
    await ward.until(1)
    ward.max_records = 500
    sent = [observation(seconds, interval=60) for seconds in range(-DAY, 0, 60)]
    await ward.transport.publish(encode(sent))
    async with ward.sink():
        await ward.shows("SELECT count(*) FROM patient_metrics", [(len(sent),)])
        await ward.send(5, interval=60)
        await ward.send(125, interval=60)
        await ward.until(140)
    found = await statistics(ward, -DAY, 0)
    assert (found.beds, found.watched_hours) == (1, 24)
    assert found.monitored_hours == pytest.approx(24, abs=0.05)
    half = await statistics(ward, -DAY // 2 - 1_800, 0)
    assert half.monitored_hours == pytest.approx(12.5, abs=0.05)


async def test_a_patient_who_comes_back_with_a_backlog(ward: WatchedWard) -> None:
    """After a discharge the time is watched from the first newer reading on, not from its arrival."""
    async with ward.sink():
        await ward.send(0)
    changed = "UPDATE bed_states SET version = version + 1, admitted = NULL, bed = NULL, discharged_at = "
    execute(ward.url, f"{changed}{milliseconds(0)}")
    await ward.until(4_000)
    await ward.transport.publish(encode([observation(seconds, interval=60) for seconds in range(400, 4_000, 60)]))
    async with ward.sink():
        await ward.shows("SELECT admitted FROM bed_states", [(milliseconds(400),)])


async def test_a_backlog_that_was_cut(ward: WatchedWard) -> None:
    """A sink that ends in the middle: the next one counts hours of which the first stored nothing."""
    async with ward.sink():
        await ward.send(0)
        await ward.shows("SELECT count(*) FROM alarm_counts WHERE kind = 'counted'", [(1,)])
    await ward.until(7_200)
    ward.max_records = 500
    await ward.transport.publish(encode([observation(seconds) for seconds in range(5, 7_200, 5)]))
    async with ward.sink():
        await ward.shows("SELECT count(*) FROM patient_metrics", [(1_440,)])
    # As a sink leaves it that was killed before its first look.
    execute(ward.url, "DELETE FROM alarm_counts WHERE hour > 0")
    execute(ward.url, f"UPDATE alarm_counts SET amount = {milliseconds(0)} WHERE kind = 'counted'")
    async with ward.sink():
        await ward.shows("SELECT count(*) FROM alarm_counts WHERE kind = 'monitored'", [(2,)])
    assert times(ward) == {("monitored", ""): 7_195}


async def test_a_batch_that_catches_up(ward: WatchedWard) -> None:
    """Its times are stored in its transaction: a sink that is killed has no day to count again."""
    ward.max_records = 5_000
    async with ward.sink():
        await ward.send(1, at=-3_600)
        await ward.look_again()
        before = rows(ward.url, "SELECT amount FROM alarm_counts WHERE kind = 'counted'")
        await ward.publish([observation(seconds) for seconds in range(-3_595, 0, 5)])
        after = rows(ward.url, "SELECT amount FROM alarm_counts WHERE kind = 'counted'")
    assert (before, after) == ([(milliseconds(-3_600),)], [(milliseconds(-5),)])


async def test_a_restart_after_a_standby(ward: WatchedWard) -> None:
    """Time before the command is stored with it; readings that were sent in standby never count."""
    async with ward.sink():
        for seconds in range(0, 35, 5):
            await ward.send(seconds)
        await bed_commands.standby(ward.door, ANNA, EVA)
        await ward.look_again()
        for seconds in range(35, 50, 5):
            await ward.send(seconds)
    async with ward.sink():
        await ward.look_again()
        await bed_commands.admit(ward.door, ANNA, EVA, bed=None)
        await ward.look_again()
        for seconds in range(55, 250, 5):
            await ward.send(seconds)
    [(counted,)] = rows(ward.url, "SELECT amount FROM alarm_counts WHERE kind = 'counted'")
    # From the last reading in standby on.
    assert times(ward) == {("monitored", ""): 30 + (counted - milliseconds(45)) // 1_000}
    assert counted > milliseconds(150)
