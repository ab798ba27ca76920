"""Patients of a sink that is blind while another one reads: none of them is shown as fresh. On both engines."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

import httpx
import pytest

from icu.messages import Position
from icu.monitor import freshness
from icu.monitor.freshness import Freshness
from icu.store.engines.table import engine_of
from icu.store.heartbeats import Beat
from icu.store.reader import Reader
from icu.store.writer import Writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, rows, store
from tests.unit.monitor.test_freshness import Clocks, pass_time


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new database, on one engine after the other; PostgreSQL's has tables already."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'icu.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def sinks(url: str) -> AsyncIterator[list[Writer]]:
    """Sinks a and b, which have just stored a reading each: of Anna, and of Boris."""
    async with AsyncExitStack() as stack:
        found = []
        for partition, (name, patient) in enumerate([("a", ANNA), ("b", BORIS)]):
            engine = engine_of(url)
            stack.push_async_callback(engine.aclose)
            await engine.upgrade()
            sink = Writer(engine, "icu.test", member=name)
            await begin(sink, [partition])
            now = round(time.time() * 1000)
            await store(sink, [observation(0, patient=patient)], partition=partition, arrived=now)
            found.append(sink)
        yield found


@pytest.fixture
def clocks() -> Clocks:
    """Clocks that show noon."""
    return Clocks()


@pytest.fixture
async def watch(url: str, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Freshness]:
    """The monitor's freshness, by these clocks; it looks when the test wants it to."""
    monkeypatch.setattr(freshness, "LOOK_EVERY", 3_600)
    async with aclosing(Reader(url)) as reader:
        yield Freshness(reader, wall=clocks.wall, steady=lambda: clocks.steady)


async def begin(sink: Writer, partitions: Sequence[int]) -> None:
    """Read these partitions from where they are stored."""
    stored = await sink.positions()
    positions = {each: stored.get(each, Position(0, "m")) for each in partitions}
    await sink.begin(positions, other_logs=frozenset())


async def beat(sinks: Sequence[Writer], second: float, **said: object) -> None:
    """Store a sign of life of these sinks, so many seconds after noon."""
    for sink in sinks:
        await sink.beat(Beat(NOON + round(second * 1_000), 0, **said))  # type: ignore[arg-type] - mypy cannot follow the fields


async def shown(monitor: httpx.AsyncClient) -> list[tuple[bool, str | None]]:
    """Return for Anna and Boris if they are stale, and what is behind."""
    found = {each["uuid"]: each for each in (await monitor.get("/patients")).json()}
    return [(found[str(each)]["stale"], found[str(each)]["behind"]) for each in (ANNA, BORIS)]


async def test_a_sink_that_goes_silent(
    sinks: list[Writer], watch: Freshness, clocks: Clocks, monitor: httpx.AsyncClient
) -> None:
    """Ten seconds after its last sign of life its patients are stale, and no others; until another one has them."""
    await beat(sinks, 0)
    await pass_time(watch, clocks, 0)
    await pass_time(watch, clocks, 9)
    await beat(sinks[:1], 9)
    await pass_time(watch, clocks, 0.9)
    assert await shown(monitor) == [(False, None), (False, None)]
    await pass_time(watch, clocks, 0.2)
    assert await shown(monitor) == [(False, None), (True, "sink")]
    assert (watch.blind, len(watch.unwatched)) == (None, 1)
    assert "the sink b has given no sign of life for 10 s: 1 patients are blind until another sink" in str(
        await watch.trouble()
    )
    await begin(sinks[0], [0, 1])
    await beat(sinks[:1], 10.1)
    await pass_time(watch, clocks, 0)
    assert await shown(monitor) == [(False, None), (False, None)]
    assert (watch.unwatched, await watch.trouble()) == ({}, None)
    # From now on it alone is heard: with it the whole ward goes blind.
    await pass_time(watch, clocks, 10.1)
    assert await shown(monitor) == [(True, "sink"), (True, "sink")]
    assert (watch.blind is None, watch.unwatched) == (False, {})


async def test_a_sink_that_reads_nothing(
    sinks: list[Writer], watch: Freshness, clocks: Clocks, monitor: httpx.AsyncClient
) -> None:
    """Patients of a sink that lives, and reaches no broker, are stale for the transport."""
    for second in (0, 5, 10):
        await beat(sinks[:1], second)
        await beat(sinks[1:], second, away="no answer", away_since=NOON)
        await pass_time(watch, clocks, 5 if second else 0)
        assert await shown(monitor) == [(False, None), (second == 10, "transport" if second == 10 else None)]
    assert await watch.trouble() == "the sink b cannot read its partitions: no answer"
    await beat(sinks, 12)
    await pass_time(watch, clocks, 2)
    assert await shown(monitor) == [(False, None), (False, None)]


async def test_what_sinks_of_a_time_before_have_left(
    sinks: list[Writer], url: str, watch: Freshness, clocks: Clocks
) -> None:
    """A sink that has the database for itself, as behind a copy of it, is asked alone."""
    await beat(sinks, 0)
    engine = engine_of(url)
    alone = Writer(engine, "icu.test")
    await begin(alone, [0, 1])
    await beat([alone], 60)
    clocks.steady += 60
    await pass_time(watch, clocks, 0)
    assert rows(url, "SELECT count(*) FROM heartbeats") == [(3,)]
    assert (watch.behind(), watch.unwatched, await watch.trouble()) == (None, {}, None)
    await engine.aclose()
