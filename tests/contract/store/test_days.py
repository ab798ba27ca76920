"""Days of readings on PostgreSQL: made ahead, dropped when they are old, and never in anybody's way for long."""

import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import TextClause, text

from icu.config.retention import Retention
from icu.messages import Position
from icu.store.current.latest import _ALL
from icu.store.database.checking import find_faults
from icu.store.database.existing import connected
from icu.store.database.info import describe
from icu.store.engines.base import Engine
from icu.store.engines.partitions import Part
from icu.store.engines.postgres.spans import split
from icu.store.engines.table import engine_of
from icu.store.errors import StoreBusyError
from icu.store.reader import _PAGE, Reader
from icu.store.rollups.coverage import BEFORE_ALL, BEHIND_ALL
from icu.store.upkeep import open_upkeep
from icu.store.writer import Writer, open_writer
from icu.upkeep.days import TOLERATED, Days
from icu.upkeep.telemetry import Telemetry
from tests.clocks import forward_asyncio, pass_time
from tests.postgres import PostgresServer, ask, renumbered
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, readings_of, store

DAY = 86_400_000
TODAY = NOON - NOON % DAY
DAY_SECONDS = 86_400


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """A loop whose time a test sets forward."""
    return forward_asyncio()


@pytest.fixture
def url(postgres: PostgresServer, postgres_tables: str) -> Iterator[str]:
    """URL of a new database of PostgreSQL, whose days are not made yet."""
    with postgres.database(template=postgres_tables) as name:
        yield renumbered(postgres.url(name))


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    """Its engine; the days of NOON's week are made."""
    engine = engine_of(url)
    await engine.make_room(NOON)
    yield engine
    await engine.aclose()


@pytest.fixture
async def writer(url: str, engine: Engine) -> AsyncIterator[Writer]:
    """A writer to these days."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        yield writer


@contextmanager
def held(url: str) -> Iterator[None]:
    """Hold the readings as a query does that takes long."""
    import psycopg  # noqa: PLC0415 - an extra

    with closing(psycopg.connect(url, application_name="report")) as connection:
        connection.execute("SELECT count(*) FROM patient_metrics")
        yield


def places(url: str) -> list[tuple[Any, ...]]:
    """Read in which partition each reading lies, and its second behind START."""
    sql = f"SELECT tableoid::regclass::text, (timestamp - {NOON}) / 1000 FROM patient_metrics ORDER BY timestamp"
    return ask(url, sql)


async def parts_of(engine: Engine) -> list[Part]:
    """Read the partitions, and check that none lacks between two."""
    parts = list(await engine.parts() or ())
    assert parts[0].since is None
    assert parts[-1].until is None
    assert [each.until for each in parts[:-1]] == [each.since for each in parts[1:]]
    return parts


async def test_a_week_is_made_ahead(engine: Engine) -> None:
    """The present day and the seven behind it have partitions; the next day adds one, and to ask twice adds none."""
    assert [each.since for each in await parts_of(engine)] == [None, *(TODAY + n * DAY for n in range(9))]
    for _ in range(2):
        await engine.make_room(NOON + DAY)
        parts = await parts_of(engine)
        assert parts[-1].since == TODAY + 9 * DAY
        assert [each.name for each in parts[:2]] == ["patient_metrics_past", "patient_metrics_20260131"]


async def test_days_that_nobody_made(engine: Engine) -> None:
    """Where days were not made for a month, one partition holds it, and the week ahead has days again."""
    await engine.make_room(NOON + 40 * DAY)
    begins = [each.since for each in await parts_of(engine)][-9:]
    assert begins == [TODAY + 8 * DAY, *(TODAY + n * DAY for n in range(41, 49))]


async def test_days_from_the_first_reading_on(url: str) -> None:
    """Where readings of years are to come, their days are made as well."""
    engine = engine_of(url)
    await engine.make_room(NOON, since=NOON - 400 * DAY)
    parts = await parts_of(engine)
    assert parts[1].since == TODAY - 400 * DAY
    assert len(parts) == 1 + 400 + 8 + 1
    await engine.aclose()


async def test_two_at_once(engine: Engine, url: str) -> None:
    """An upkeep and a sink that make the same days take turns."""
    other = engine_of(url)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.make_room, NOON + DAY)
        tasks.start_soon(other.make_room, NOON + DAY)
    await other.aclose()
    assert (await parts_of(engine))[-1].since == TODAY + 9 * DAY


async def test_readings_before_their_day(engine: Engine, writer: Writer, url: str) -> None:
    """A reading of a sender whose clock is ahead comes into its day once that is made, and stays the same reading."""
    sent = [observation(n * DAY_SECONDS) for n in (0, 3, 400)]
    await store(writer, sent)
    ahead = "patient_metrics_ahead"
    # The sink has made the days of its own week; what lies between is one partition.
    ask(url, "SELECT 1")
    await engine.make_room(NOON + 399 * DAY)
    found = places(url)
    assert found[:2] == [("patient_metrics_20260131", 0), ("patient_metrics_20260203", 3 * DAY_SECONDS)]
    assert found[2][0] not in (ahead, "patient_metrics_past")
    again = await store(writer, sent, start=3)
    assert (again.stored, again.refusals) == (0, [])
    assert places(url) == found


async def test_late_readings(engine: Engine, writer: Writer, url: str) -> None:
    """A reading of before the first day is stored and served."""
    await store(writer, [observation(-3_000 * DAY_SECONDS), observation(-1)])
    assert [place for place, _ in places(url)] == ["patient_metrics_past", "patient_metrics_20260131"]
    reader = Reader(url)
    page = await reader.page(ANNA, limit=10, order="desc")
    await reader.aclose()
    assert [each.timestamp.year for each in readings_of(page)] == [2026, 2017]


async def test_whole_days_are_dropped(engine: Engine, writer: Writer, url: str) -> None:
    """Days are dropped once all in them is old, late readings with them; there is room for others."""
    await store(writer, [observation(each * DAY_SECONDS) for each in (-900, 0, 1, 2)])
    assert await engine.drop_before(TODAY + DAY - 1) == 0
    assert await engine.drop_before(TODAY + 2 * DAY) == 2
    assert [second for _, second in places(url)] == [2 * DAY_SECONDS]
    assert (await parts_of(engine))[1].since == TODAY + 2 * DAY
    await store(writer, [observation(1)], start=4)
    assert places(url)[0] == ("patient_metrics_past", 1)


async def test_retention_by_day(engine: Engine, writer: Writer, url: str) -> None:
    """The upkeep deletes late readings one by one and days as a whole; of a day that is half old nothing is served."""
    await store(writer, [observation(each * DAY_SECONDS / 4) for each in range(-9, 16)])
    now = NOON + 4 * DAY
    async with open_upkeep(url, Retention(raw="2d")) as upkeep:
        while not (await upkeep.roll_up(now)).done:
            pass
        while not (await upkeep.delete(now)).done:
            pass
        horizon = (await upkeep.state()).raw_horizon or 0
        assert horizon == NOON + 2 * DAY
        assert places(url)[0] == ("patient_metrics_20260131", -DAY_SECONDS // 2)
        assert await upkeep.keep_days(now, horizon) == 2
    assert places(url)[0] == ("patient_metrics_20260202", 2 * DAY_SECONDS - DAY_SECONDS // 2)
    reader = Reader(url)
    page = await reader.page(ANNA, limit=100, order="asc")
    await reader.aclose()
    assert round(readings_of(page)[0].timestamp.timestamp() * 1_000) == horizon


async def test_a_query_that_takes_long(engine: Engine, writer: Writer, url: str) -> None:
    """Days wait for a query that takes long, in words that name it; sink and readers go on beside both."""
    reader = Reader(url)
    later = (await parts_of(engine))[-1].since or 0
    with held(url):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_refused, engine.make_room(later))
            tasks.start_soon(_refused, engine.drop_before(TODAY + DAY))
            for number in range(20):
                await store(writer, [observation(number)], start=number)
                assert len(readings_of(await reader.page(ANNA, limit=100, order="asc"))) == number + 1
    await reader.aclose()
    await engine.make_room(later)
    assert await engine.drop_before(TODAY + DAY) == 1
    assert (await parts_of(engine))[-1].since == later + 8 * DAY


async def _refused(change: Any) -> None:
    with pytest.raises(StoreBusyError, match=r"is held by process [0-9]+ of the server"):
        await change


async def test_others_who_hold_the_readings_for_long(engine: Engine, url: str) -> None:
    """Health says who keeps days from being made, once it has lasted for an hour, and no longer than it lasts."""
    telemetry = Telemetry(CollectorRegistry())
    async with open_upkeep(url) as upkeep:
        days = Days(upkeep, telemetry)
        with held(url):
            await days.keep(NOON + DAY, 0)
            assert telemetry.trouble is None
            pass_time(TOLERATED)
            await days.keep(NOON + DAY, 0)
            assert "no days could be made or dropped for 1:00:" in str(telemetry.trouble)
            assert "(report)" in str(telemetry.trouble)
        await days.keep(NOON + DAY, 0)
        assert telemetry.trouble is None


async def test_a_sink_makes_the_days_that_lack(url: str) -> None:
    """A sink that begins makes the days of its own time, where nobody has."""
    async with open_writer(url, topic="icu.test"):
        pass
    engine = engine_of(url)
    parts = await parts_of(engine)
    await engine.aclose()
    assert len(parts) == 10
    assert parts[1].since is not None
    assert parts[1].since > START.timestamp() * 1_000


async def test_a_day_that_somebody_has_detached(engine: Engine, writer: Writer, url: str) -> None:
    """A check finds times for which there is no partition, and figures count the days."""
    assert not await find_faults(engine, full=False, report=lambda _: None)
    async with connected(engine) as connection:
        days = len(await parts_of(engine)) - 2
        assert (await describe(engine, connection, engine.storage(), NOON)).days == days
    ask(url, "ALTER TABLE patient_metrics DETACH PARTITION patient_metrics_20260202")
    [fault] = await find_faults(engine, full=False, report=lambda _: None)
    assert fault.startswith("readings from 2026-02-02T00:00:00+00:00 until 2026-02-03T00:00:00+00:00 have no partition")


@pytest.mark.parametrize("statement", [_PAGE["desc"], _ALL])
async def test_a_look_into_few_days(url: str, statement: TextClause) -> None:
    """The plans of a page and of the latest readings know but the days in which they look first."""
    now = round(time.time() * 1_000)
    engine = engine_of(url)
    await engine.make_room(now, since=now - 60 * DAY)
    identity = await engine.identity()
    async with engine.connection(identity) as connection:
        [(since, until), *earlier] = connection.spans(BEFORE_ALL, BEHIND_ALL, newest_first=True)
        assert earlier[-1][0] == BEFORE_ALL
        moments = {"now": now, "horizon": now, "since": since, "enough": since}
        values = {"uuid": str(ANNA), "first": since, "end": until, "limit": 21, **moments}
        plan = await connection.rows(text(f"EXPLAIN {statement}"), values)
    await engine.aclose()
    named = set(re.findall("on (patient_metrics_[a-z0-9]+)", str(plan)))
    assert {"patient_metrics_ahead"} < named
    assert len(named) <= 1 + 7 + 1 + 7 + 1


def test_the_order_in_which_parts_of_a_span_are_looked_into() -> None:
    """A span is split from the end at which it begins, into parts without gaps; a short one is one part."""
    week, now = 7 * DAY, 1_000 * DAY
    newest = split(BEFORE_ALL, BEHIND_ALL, newest_first=True, now=now)
    assert newest == [(now - week, BEHIND_ALL), (now - 10 * week, now - week), (BEFORE_ALL, now - 10 * week)]
    assert split(0, 100 * DAY, newest_first=True, now=now)[0] == (100 * DAY - week, 100 * DAY)
    assert split(0, 100 * DAY, newest_first=False, now=now) == [
        (0, week),
        (week, 10 * week),
        (10 * week, 100 * DAY),
    ]
    assert split(5, week, newest_first=False, now=now) == [(5, week)]


async def test_what_lies_further_back(url: str, engine: Engine, writer: Writer) -> None:
    """Readings of a month ago and of years ago are on one page with those of now, and the latest of one who is gone."""
    now = datetime.now(UTC).replace(microsecond=0)
    behind = (now - START).total_seconds()
    sent = [observation(behind - each * DAY_SECONDS) for each in range(0, 400, 40)]
    gone = [observation(behind - each * DAY_SECONDS, patient=BORIS) for each in (300, 301)]
    await store(writer, sent + gone)
    reader = Reader(url)
    expected = [now - timedelta(days=each) for each in range(0, 400, 40)]
    for limit in (1, 3, 7, 10, 20):
        page = await reader.page(ANNA, limit=limit, order="desc")
        assert [each.timestamp for each in readings_of(page)] == expected[:limit]
        page = await reader.page(ANNA, limit=limit, order="asc", since=expected[-1])
        assert [each.timestamp for each in readings_of(page)] == expected[::-1][:limit]
    latest = {each.uuid: each.latest for each in await reader.patients(now=now)}
    assert [latest[each] and latest[each].timestamp for each in (ANNA, BORIS)] == [now, now - timedelta(days=300)]
    for each in (ANNA, BORIS):
        assert (await reader.patient(each, now=now)).latest == latest[each]
    await reader.aclose()


async def test_a_user_who_does_not_own_the_tables(engine: Engine, url: str, postgres: PostgresServer) -> None:
    """A sink of a user who may only write goes on where it cannot make days; the upkeep says whose work that is."""
    ask(url, "DO $$ BEGIN CREATE ROLE ward LOGIN PASSWORD 'w'; EXCEPTION WHEN duplicate_object THEN END $$")
    ask(url, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ward")
    ask(url, "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ward")
    as_ward = url.replace(f"icu:{postgres.password}", "ward:w")
    async with open_writer(as_ward, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        assert (await store(writer, [observation(100 * DAY_SECONDS)])).stored == 1
    assert places(url) == [("patient_metrics_ahead", 100 * DAY_SECONDS)]
    telemetry = Telemetry(CollectorRegistry())
    async with open_upkeep(as_ward) as upkeep:
        await Days(upkeep, telemetry).keep(NOON + DAY, 0)
    assert "only the owner of the tables makes and drops days" in str(telemetry.trouble)
