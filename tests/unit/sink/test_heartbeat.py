"""Heartbeat of the sink: at least one every 2 s, with a batch where one is stored, and its words about the broker."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from prometheus_client import CollectorRegistry

from icu.messages import encode
from icu.sink import heartbeat
from icu.sink.batching import Batching
from icu.sink.consumer import consume
from icu.sink.heartbeat import ALONE, WITH_BATCH, Heart
from icu.sink.telemetry import Telemetry
from icu.store.engines.sqlite.engine import SqliteEngine
from icu.store.errors import StoreUnavailableError
from icu.store.heartbeats import Beat
from icu.store.writer import Writer
from icu.transports.errors import TransportError
from icu.transports.memory import MemoryConsumer, MemoryTransport
from tests.clocks import virtual_time
from tests.samples import START, observation
from tests.stores import NOON, request, rows, store

ROW = "SELECT topic, at, lag, away, away_since, degraded, committed, stored FROM heartbeats"


def standing() -> float:
    """Steady clock beside a wall clock that stands at START."""
    return 0.0


@pytest.fixture
async def heart() -> Heart:
    """Heart of a sink on an in-memory topic that can be read."""
    heart = Heart(MemoryTransport(topic="icu.test"), START.timestamp, standing)
    heart.note_back()
    return heart


@pytest.mark.parametrize("anyio_backend", [virtual_time()])
class TestVirtualTime:
    """Two hours in a moment."""

    async def test_alone_at_least_every_2_s(self, heart: Heart) -> None:
        """Without batches a heartbeat is written at least every 2 s."""
        times = [anyio.current_time()]

        async def write(_: Beat) -> None:
            times.append(anyio.current_time())

        async with heart.beating(write):
            await anyio.sleep(7_200)
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert min(gaps) > 1
        assert max(gaps) <= 2
        assert len(gaps) >= 3_600

    async def test_batches_take_it_along(self, heart: Heart) -> None:
        """While batches are stored, none is written alone, and the gaps stay within 2 s."""
        alone: list[Beat] = []
        times = [anyio.current_time()]

        async def write(beat: Beat) -> None:
            alone.append(beat)

        async with heart.beating(write):
            for _ in range(14_400):
                await anyio.sleep(0.25)
                if heart.due_with_batch() is not None:
                    heart.note_written(Beat(NOON, 0))
                    times.append(anyio.current_time())
        assert alone == []
        gaps = [round(after - before, 2) for before, after in itertools.pairwise(times)]
        # The first batch takes the first one along: no reading is stored without a sign of life.
        assert (gaps[0], set(gaps[1:])) == (0.25, {WITH_BATCH})

    async def test_a_database_that_is_away(self, heart: Heart) -> None:
        """A heartbeat that cannot be written is tried again each second, with the time of then."""
        attempts: list[float] = []

        async def write(_: Beat) -> None:
            attempts.append(anyio.current_time())
            if len(attempts) < 4:
                raise StoreUnavailableError("locked")

        begin = anyio.current_time()
        async with heart.beating(write):
            await anyio.sleep(ALONE + 4)
        assert [round(each - begin - ALONE, 2) for each in attempts] == [0, 1, 2, 3]

    async def test_errors_of_the_sink_come_in_no_group(self, heart: Heart) -> None:
        """An error of the sink's own work is raised as it is: supervisors and tests look at its class."""

        async def write(_: Beat) -> None:
            raise AssertionError

        with pytest.raises(TransportError, match="gone"):
            async with heart.beating(write):
                await anyio.sleep(1)
                raise TransportError("gone")


@pytest.mark.parametrize(
    ("away", "trouble", "degraded", "said"),
    [
        (None, None, None, (None, None)),
        (None, "sending waits", None, (None, "sending waits")),
        (None, "sending waits", "partition 3", (None, "partition 3")),
        ("no answer", None, None, ("no answer", None)),
        ("no answer", "connecting to kafka:9092", None, ("connecting to kafka:9092", None)),
    ],
)
async def test_what_it_says_about_the_broker(
    heart: Heart,
    monkeypatch: pytest.MonkeyPatch,
    away: str | None,
    trouble: str | None,
    degraded: str | None,
    said: tuple[str | None, str | None],
) -> None:
    """A broker out of reach is told from one of which a part is missing."""
    heart.lag = 7
    if away is not None:
        heart.note_away(away)
    monkeypatch.setattr(MemoryTransport, "trouble", trouble)
    monkeypatch.setattr(MemoryTransport, "degraded", degraded)
    since = None if away is None else NOON - 4_000
    assert heart.beat() == Beat(NOON, 7, said[0], since, said[1])


class Clocks:
    """Clocks of a sink, to be moved by hand."""

    def __init__(self) -> None:
        self.wall = START.timestamp()
        self.steady = 0.0

    def pass_time(self, seconds: float) -> None:
        """Pass seconds on both."""
        self.wall += seconds
        self.steady += seconds


def heart_at(clocks: Clocks) -> Heart:
    """Make the heart of a sink that has read, and has written a heartbeat."""
    heart = Heart(MemoryTransport(topic="icu.test"), lambda: clocks.wall, lambda: clocks.steady)
    heart.note_back()
    heart.note_written(heart.beat())
    return heart


async def test_a_gap_is_a_blind_time() -> None:
    """A heartbeat 10 s after the last one or more ends a blind time, until one is written; a younger one does not."""
    clocks = Clocks()
    heart = heart_at(clocks)
    clocks.pass_time(9.9)
    assert heart.beat().blind_since is None
    clocks.pass_time(0.1)
    late = heart.beat()
    assert (late.at, late.blind_since) == (NOON + 10_000, NOON)
    clocks.pass_time(5)
    late = heart.beat()
    assert (late.at, late.blind_since) == (NOON + 15_000, NOON)
    heart.note_written(late)
    assert heart.beat().blind_since is None


async def test_an_outage_after_a_gap_is_the_same_blind_time() -> None:
    """Where the broker is away once the sink goes on after a gap, the ward is blind since before the gap."""
    clocks = Clocks()
    heart = heart_at(clocks)
    clocks.pass_time(60)
    heart.note_away("no answer")
    for _ in range(10):
        beat = heart.beat()
        assert (beat.away_since, beat.blind_since) == (NOON, None)
        heart.note_written(beat)
        clocks.pass_time(1.8)
    assert heart.note_back()
    assert heart.beat().blind_since == NOON


@pytest.mark.parametrize("step", [-3_600, 3_600])
async def test_a_wall_clock_that_is_set(step: float) -> None:
    """A step of the wall clock is no gap, and the broker is away for as long as before."""
    clocks = Clocks()
    heart = heart_at(clocks)
    clocks.wall += step
    clocks.pass_time(2)
    assert heart.beat().blind_since is None
    heart.note_written(heart.beat())
    heart.note_away("no answer")
    clocks.pass_time(2)
    clocks.wall -= step
    beat = heart.beat()
    assert (beat.at, beat.away_since) == (NOON + 4_000, NOON - 2_000)


@asynccontextmanager
async def running(transport: MemoryTransport, url: str) -> AsyncIterator[None]:
    """Run a sink on a real file."""
    async with anyio.create_task_group() as group:
        group.start_soon(
            partial(
                consume,
                transport=transport,
                alarms=MemoryTransport(topic="icu.alarms", waits_for_commits=False),
                database_url=url,
                telemetry=Telemetry(CollectorRegistry()),
                batching=Batching(linger=0),
                now=START.timestamp,
                steady=standing,
            )
        )
        yield
        group.cancel_scope.cancel()


def move_away(url: str) -> None:
    """Give the database's file another name."""
    path = Path(url.removeprefix("sqlite:///"))
    path.rename(path.with_name("other.db"))


async def until(url: str, expected: tuple[object, ...]) -> None:
    """Wait until the row is this one."""
    found: list[tuple[object, ...]] = []
    with anyio.fail_after(20):
        while found != [expected]:
            await anyio.sleep(0.02)
            found = rows(url, ROW) if rows(url, "SELECT 1 FROM sqlite_master WHERE name = 'heartbeats'") else []


async def test_a_broker_that_goes_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heartbeats go on while the broker is away, and say so; once it is back they no longer do."""
    transport, back = MemoryTransport(topic="icu.test"), anyio.Event()
    assign, fetch = MemoryConsumer.assign, MemoryConsumer.fetch

    async def gone(*_: object, **__: object) -> None:
        raise TransportError("the broker is away")

    async def assign_later(consumer: MemoryConsumer, stored: dict) -> object:
        await back.wait()
        return await assign(consumer, stored)

    async with running(transport, url):
        await transport.publish(encode([observation(0)]))
        await transport.until_stored(0)
        await until(url, ("icu.test", NOON, 0, None, None, None, NOON, NOON))
        monkeypatch.setattr(MemoryConsumer, "assign", assign_later)
        monkeypatch.setattr(MemoryConsumer, "fetch", gone)
        await until(url, ("icu.test", NOON, 0, "the broker is away", NOON - 4_000, None, NOON, NOON))
        monkeypatch.setattr(MemoryConsumer, "fetch", fetch)
        back.set()
        await until(url, ("icu.test", NOON, 0, None, None, None, NOON, NOON))


async def test_a_busy_sink_writes_none_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While batches come, each heartbeat is in a batch's transaction."""
    monkeypatch.setattr(heartbeat, "ALONE", 1.0)
    monkeypatch.setattr(heartbeat, "WITH_BATCH", 0.05)
    transport = MemoryTransport(topic="icu.test")
    alone: list[Beat] = []

    async def beat(_: Writer, each: Beat) -> None:
        alone.append(each)

    monkeypatch.setattr(Writer, "beat", beat)
    async with running(transport, url):
        for number in range(100):
            await transport.publish(encode([observation(number)]))
            await transport.until_stored(0)
            await anyio.sleep(0.01)
    assert rows(url, ROW) == [("icu.test", NOON, 0, None, None, None, NOON, NOON)]
    assert len(alone) <= 1  # before the first batch


async def test_a_batch_takes_the_heartbeat_along(writer: Writer, url: str) -> None:
    """A batch's transaction stores the heartbeat with it: a batch that fails leaves none."""
    await writer.write(request([observation(0)]), arrived=NOON, beat=Beat(NOON, 3))
    assert rows(url, ROW) == [("icu.test", NOON, 3, None, None, None, NOON, NOON)]
    duplicate = request([observation(0)], start=1)
    await writer.write(duplicate, arrived=NOON + 1_000, beat=Beat(NOON + 1_000, 0))
    assert rows(url, ROW) == [("icu.test", NOON + 1_000, 0, None, None, None, NOON + 1_000, NOON)]


async def test_a_new_sink_keeps_the_times_of_the_last(url: str, writer: Writer) -> None:
    """The first heartbeat after a restart knows neither the last commit nor the last reading: both stay."""
    await writer.write(request([observation(0)]), arrived=NOON, beat=Beat(NOON, 0))
    writer._committed = writer._stored = None
    await writer.beat(Beat(NOON + 5_000, 0))
    assert rows(url, ROW) == [("icu.test", NOON + 5_000, 0, None, None, None, NOON, NOON)]


async def test_its_own_heartbeats_are_no_foreign_writes(writer: Writer, url: str) -> None:
    """Heartbeats beside batches are never taken for another program's commits: patients are not read anew."""
    await store(writer, [observation(0)])
    known = writer.guard.patients

    async def beats() -> None:
        for number in range(30):
            await writer.beat(Beat(NOON + number, 0))

    async with anyio.create_task_group() as group:
        group.start_soon(beats)
        for number in range(1, 30):
            await store(writer, [observation(number)], start=number)
    assert writer.guard.patients is known


async def test_none_is_written_to_a_database_that_is_being_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database whose files were exchanged is closed after the heartbeat that is under way, not beneath it."""
    beating, closed = anyio.Event(), anyio.Event()
    beat, close = Writer.beat, SqliteEngine.aclose
    order: list[str] = []

    async def slow(writer: Writer, each: Beat) -> None:
        if not beating.is_set():
            beating.set()
            with anyio.move_on_after(3):
                await closed.wait()
            order.append("beat")
        await beat(writer, each)

    async def noted(engine: SqliteEngine) -> None:
        order.append("closed")
        closed.set()
        await close(engine)

    monkeypatch.setattr(heartbeat, "ALONE", 0.1)
    monkeypatch.setattr(Writer, "beat", slow)
    monkeypatch.setattr(SqliteEngine, "aclose", noted)
    transport = MemoryTransport(topic="icu.test")
    async with running(transport, url):
        with anyio.fail_after(20):
            await beating.wait()
            move_away(url)
            await transport.publish(encode([observation(0)]))
            await transport.until_stored(0)
    assert order[:2] == ["beat", "closed"]
