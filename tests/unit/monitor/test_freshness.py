"""Freshness of the ward: blind within 15 s, whatever the wall clock does, and what is behind."""

from contextlib import aclosing
from datetime import timedelta

import httpx
import pytest

from icu.alarms.blind import ward_blind
from icu.monitor.freshness import Behind, Freshness, behind
from icu.store.heartbeats import Beat
from icu.store.reader import Reader
from icu.store.writer import Writer
from tests.samples import ANNA, START, observation
from tests.stores import NOON, rows, store


class Clocks:
    """Clocks of a monitor, to be moved by hand."""

    def __init__(self) -> None:
        self.steady = 1_000.0
        self.set_by = 0.0

    def wall(self) -> float:
        """Seconds since 1970; it is noon when the steady clock shows 1,000."""
        return START.timestamp() + self.steady - 1_000 + self.set_by


@pytest.fixture
def clocks() -> Clocks:
    """Clocks that show noon."""
    return Clocks()


@pytest.fixture
async def freshness(reader: Reader, clocks: Clocks) -> Freshness:
    """Freshness by these clocks."""
    return Freshness(reader, wall=clocks.wall, steady=lambda: clocks.steady)


async def pass_time(freshness: Freshness, clocks: Clocks, seconds: float) -> None:
    """Pass seconds, with a look at the end."""
    clocks.steady += seconds
    await freshness.look()


@pytest.mark.parametrize(
    ("stale", "silent", "away", "expected"),
    [
        (False, False, False, None),
        (True, False, False, "patient"),
        (True, False, True, "transport"),
        (False, True, False, "sink"),
        (True, True, True, "sink"),
    ],
)
def test_what_is_behind(stale: bool, silent: bool, away: bool, expected: Behind | None) -> None:
    """The nearest to the database is behind: what it says about the others is as old as itself."""
    assert behind(stale=stale, silent=silent, away=away) == expected


async def test_a_sink_that_goes_silent(writer: Writer, freshness: Freshness, clocks: Clocks) -> None:
    """Ten seconds after the last heartbeat the ward is blind, since then; with the next one it is not."""
    for second in (0, 2):
        await writer.beat(Beat(NOON + second * 1_000, 0))
        await pass_time(freshness, clocks, 2 if second else 0)
    assert (freshness.blind_since, freshness.behind(), await freshness.trouble()) == (None, None, None)
    await pass_time(freshness, clocks, 9.9)
    assert freshness.blind_since is None
    await pass_time(freshness, clocks, 0.2)
    assert freshness.blind_since == START + timedelta(seconds=2)
    assert freshness.behind(stale=True) == "sink"
    assert "no sign of life for 10 s" in str(await freshness.trouble())
    await writer.beat(Beat(NOON + 15_000, 0))
    await pass_time(freshness, clocks, 1)
    assert freshness.behind(stale=True) == "patient"


async def test_a_broker_out_of_reach(writer: Writer, freshness: Freshness, clocks: Clocks) -> None:
    """Heartbeats that say so make the ward blind 10 s after the last record could be read, though they go on."""
    for second in range(0, 12, 2):
        await writer.beat(Beat(NOON + second * 1_000, 0, "no answer", NOON))
        await pass_time(freshness, clocks, 2 if second else 0)
        assert (freshness.blind_since is None) == (second < 10)
    assert (freshness.behind(), freshness.blind_since) == ("transport", START)
    assert "no answer" in str(await freshness.trouble())
    await writer.beat(Beat(NOON + 12_000, 0))
    await pass_time(freshness, clocks, 2)
    assert freshness.behind() is None


async def test_a_part_that_cannot_be_read(writer: Writer, freshness: Freshness, clocks: Clocks) -> None:
    """A partition that is set aside is said, and blinds nobody else."""
    await writer.beat(Beat(NOON, 0, degraded="partition 3"))
    await pass_time(freshness, clocks, 0)
    assert (freshness.blind_since, await freshness.trouble()) == (None, "partition 3")


@pytest.mark.parametrize("step", [-3_600, 3_600])
async def test_a_wall_clock_that_is_set(writer: Writer, freshness: Freshness, clocks: Clocks, step: float) -> None:
    """A step of the wall clock, after the last heartbeat or between two, neither hides a dead sink nor makes one."""
    await writer.beat(Beat(NOON, 0))
    await pass_time(freshness, clocks, 0)
    clocks.set_by = step
    await pass_time(freshness, clocks, 9.9)
    assert freshness.behind() is None
    await pass_time(freshness, clocks, 0.2)
    assert freshness.behind() == "sink"
    await writer.beat(Beat(NOON + 10_000 + round(step * 1_000), 0))
    await pass_time(freshness, clocks, 0)
    assert freshness.behind() is None
    await pass_time(freshness, clocks, 10.1)
    assert freshness.behind() == "sink"


async def test_a_monitor_that_starts_later(writer: Writer, url: str, clocks: Clocks) -> None:
    """A monitor that starts beside a dead sink is blind at once; the alarm's id is that of all monitors."""
    await writer.beat(Beat(NOON, 0))
    found = set()
    for started in (3_600, 7_200):
        clocks.steady = 1_000.0 + started
        async with aclosing(Reader(url)) as reader:
            freshness = Freshness(reader, wall=clocks.wall, steady=lambda: clocks.steady)
            await freshness.look()
        assert freshness.behind() == "sink"
        assert freshness.blind is not None
        found.add(freshness.blind.id)
    assert len(found) == 1


async def test_before_the_first_heartbeat(writer: Writer, freshness: Freshness) -> None:
    """Where no sink has ever written one, nothing is known to be behind."""
    await freshness.look()
    assert (freshness.age, freshness.blind, freshness.behind(), await freshness.trouble()) == (None, None, None, None)


async def test_the_ward_is_served(monitor: httpx.AsyncClient, writer: Writer, url: str) -> None:
    """The ward's name, places and beds, and since when it is blind; its alarm can be acknowledged under its id."""
    await store(writer, [observation(0)])
    await writer.beat(Beat(NOON, 3))
    found: dict[str, object] = {}
    while not found.get("blind_since"):
        found = (await monitor.get("/ward")).json()
    assert (found["name"], found["beds"], found["behind"], found["lag"]) == ("icu-2", 12, "sink", 3)
    assert found["blind_since"] == "2026-01-31T12:00:00Z"
    assert [(each["patient_uuid"], each["bed"]) for each in found["taken"]] == [(str(ANNA), "1")]

    path = f"/alarms/{ward_blind(NOON).id}/acknowledge"
    for by in ("Anna", "Boris"):
        answer = await monitor.post(path, json={"by": by, "seen": 1})
        assert (answer.status_code, answer.json()["acknowledged"]["by"]) == (200, "Anna")
    assert answer.json()["patient_uuid"] is None
    assert rows(url, "SELECT condition, acknowledged_by FROM alarms") == [("ward.blind", "Anna")]
