"""Transactions on PostgreSQL: all or nothing, in an order that no follower misses, repeated where others cross."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial

import anyio
import pytest
from psycopg import errors
from sqlalchemy import text

from icu.alarms.events import AlarmEvent
from icu.messages import Position
from icu.store.commands.beds import admit
from icu.store.commands.door import Author, Door
from icu.store.engines.base import Transaction
from icu.store.engines.postgres.address import Address
from icu.store.engines.postgres.connections import opened
from icu.store.engines.table import engine_of
from icu.store.errors import StoreError
from icu.store.heartbeats import Beat
from icu.store.reader import Reader
from icu.store.rollups.marks import mark_late
from icu.store.rollups.rolling import DELAY
from icu.store.upkeep import Upkeep
from icu.store.writer import Writer, open_writer
from icu.store.writing import storing
from tests.postgres import PostgresServer
from tests.rollups import HOUR, roll_up, stored
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, execute, rows, store

PERSON = Author("Eva", "192.0.2.7")


@asynccontextmanager
async def second_writer(url: str, topic: str) -> AsyncIterator[Writer]:
    """Writer of another topic beside the one sink."""
    engine = engine_of(url)
    try:
        found = Writer(engine, topic)
        await found.begin({0: Position(0, "m")}, other_logs=frozenset())
        yield found
    finally:
        await engine.aclose()


@pytest.fixture
async def url(postgres_url: str) -> str:
    """URL of a database with tables."""
    return postgres_url


@pytest.fixture
async def upkeep(url: str) -> AsyncIterator[Upkeep]:
    """Upkeep of the database."""
    engine = engine_of(url)
    yield Upkeep(engine)
    await engine.aclose()


async def test_a_failure_after_copy_leaves_nothing(writer: Writer, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The readings are in the table when it fails, and the driver's own transaction takes them back."""
    seen = []

    async def fail(transaction: Transaction, *_: object) -> None:
        seen.append(await transaction.rows(text("SELECT count(*) FROM patient_metrics")))
        raise StoreError("after COPY")

    monkeypatch.setattr(storing, "mark_late", fail)
    with pytest.raises(StoreError, match="after COPY"):
        await store(writer, [observation(0), observation(1)])
    assert [list(map(tuple, each)) for each in seen] == [[(2,)]]
    assert rows(url, "SELECT (SELECT count(*) FROM patient_metrics), (SELECT count(*) FROM patients)") == [(0, 0)]
    assert rows(url, "SELECT next FROM consumer_offsets") == [(0,)]
    monkeypatch.undo()
    assert (await store(writer, [observation(0), observation(1)])).stored == 2


async def test_a_follower_sees_every_batch_of_two_writers(writer: Writer, url: str) -> None:
    """Batches appear in the order of their numbers, whichever transaction began first."""
    seen: list[int] = []
    count = 40
    async with second_writer(url, "icu.other") as other, aclosing(Reader(url)) as reader, reader.follow() as follower:

        async def write(to: Writer, patient: object) -> None:
            for number in range(count):
                await store(to, [observation(number, patient=patient)], start=number)

        async def follow() -> None:
            last = await follower.end()
            while len(seen) < 2 * count:
                batches = await follower.after(last, limit=10)
                assert batches is not None
                seen.extend(each.number for each in batches if each.readings)
                last = batches[-1].number if batches else last

        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            group.start_soon(write, writer, ANNA)
            group.start_soon(write, other, BORIS)
    assert seen == sorted(set(seen))
    assert len(seen) == 2 * count


async def test_the_number_is_taken_last(writer: Writer, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction that began first and ends last has the later number: numbers are as the commits."""
    async with second_writer(url, "icu.other") as other, AsyncExitStack() as stack:
        # Known already: of two new patients one waits for the bed of the other.
        await store(writer, [observation(0)])
        await store(other, [observation(0, patient=BORIS)])
        group = await stack.enter_async_context(anyio.create_task_group())
        inside, go_on = anyio.Event(), anyio.Event()
        original = mark_late

        async def wait(*args: object) -> None:
            monkeypatch.setattr(storing, "mark_late", original)
            inside.set()
            await go_on.wait()

        monkeypatch.setattr(storing, "mark_late", wait)
        group.start_soon(partial(store, writer, [observation(1)], start=1))
        await inside.wait()
        await store(other, [observation(1, patient=BORIS)], start=1)
        [(first,)] = rows(url, "SELECT max(batch) FROM journal")
        go_on.set()
        await stack.aclose()
    assert rows(url, "SELECT count(*) FROM journal WHERE batch > " + str(first)) == [(1,)]


async def test_a_mark_waits_for_readings_that_are_being_stored(
    writer: Writer, upkeep: Upkeep, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings that are stored by an older border are committed before it moves: no roll-up lacks them unmarked."""
    await store(writer, [observation(0)])
    original = mark_late
    inside, go_on = anyio.Event(), anyio.Event()

    async def wait(*args: object) -> None:
        inside.set()
        await go_on.wait()
        await original(*args)  # type: ignore[arg-type] - mypy cannot follow the fields

    monkeypatch.setattr(storing, "mark_late", wait)
    async with anyio.create_task_group() as group:
        group.start_soon(partial(store, writer, [observation(1)], start=1))  # by no border, for there is none yet
        await inside.wait()
        monkeypatch.undo()
        group.start_soon(roll_up, upkeep, NOON + HOUR + DELAY)
        with anyio.move_on_after(5):
            while not rows(url, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                await anyio.sleep(0.01)
        assert rows(url, "SELECT marked_until FROM upkeep_state") == [(None,)]
        go_on.set()
    assert stored(url).wrong() == []
    assert rows(url, "SELECT pulse_count FROM minute_rollups") == [(2,)]


async def test_commands_take_turns(writer: Writer, url: str) -> None:
    """A second command waits for the first: lines of the audit appear in the order of their numbers."""
    await store(writer, [observation(0), observation(0, patient=BORIS)])
    first, second = engine_of(url), Door(url)
    inside, go_on = anyio.Event(), anyio.Event()

    async def hold(transaction: Transaction) -> None:
        await transaction.rows(text("UPDATE command_count SET count = count + 1 RETURNING count"))
        inside.set()
        await go_on.wait()
        audit = "INSERT INTO audit (at, by, source, command, result) VALUES (1, 'Ada', '', 'x', 'done')"
        await transaction.execute(text(audit), [{}])

    async with anyio.create_task_group() as group:
        group.start_soon(first.transact, hold)
        await inside.wait()
        group.start_soon(_admit, second)
        with anyio.move_on_after(5):
            while not rows(url, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                await anyio.sleep(0.01)
        go_on.set()
    await first.aclose()
    assert [by for (by,) in rows(url, "SELECT by FROM audit ORDER BY id")] == ["Ada", "Eva"]


async def _admit(door: Door) -> None:
    await admit(door, ANNA, PERSON, bed="7")


async def test_only_what_was_read_leaves_the_outbox(writer: Writer, url: str) -> None:
    """An event with a lower number may be committed later than one that was published: it stays."""
    event = (
        "INSERT INTO outbox (sequence, alarm, version, event, payload, written) VALUES ({}, 'a', 1, 'start', '{{}}', 1)"
    )
    execute(url, event.format(5))
    beat = Beat(NOON, 0)
    read = await writer.take_events(published=(), most=10, beat=beat)
    execute(url, event.format(4))
    assert _numbers(read) == [5]
    assert _numbers(await writer.take_events(published=[5], most=10, beat=beat)) == [4]


def _numbers(events: object) -> list[int]:
    assert isinstance(events, list)
    return [each.sequence for each in events if isinstance(each, AlarmEvent)]


@pytest.mark.parametrize("error", [errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation])
async def test_what_crosses_is_repeated(url: str, error: type[Exception]) -> None:
    """A transaction that others stood in the way of is run once more as a whole, and what the first did is gone."""
    engine, times = engine_of(url), 0

    async def work(transaction: Transaction) -> None:
        nonlocal times
        times += 1
        await transaction.execute(text("UPDATE command_count SET count = count + 1"), [{}])
        if times < 3:
            raise error

    await engine.transact(work)
    await engine.aclose()
    assert rows(url, "SELECT count FROM command_count") == [(1,)]


async def test_a_conflict_that_stays_is_an_error(url: str) -> None:
    """It is not repeated for ever."""
    engine, times = engine_of(url), 0

    async def work(_: Transaction) -> None:
        nonlocal times
        times += 1
        raise errors.UniqueViolation("always")

    with pytest.raises(StoreError, match="always"):
        await engine.transact(work)
    await engine.aclose()
    assert times == 3


async def test_a_connection_that_was_ended(writer: Writer, url: str, postgres: PostgresServer) -> None:
    """A server that ends our sessions between two questions is not noticed: all are repeatable before the commit."""
    async with aclosing(Reader(url)) as reader, second_writer(url, "icu.other") as other:
        await reader.check()
        name = url.rpartition("/")[2]
        ended = postgres.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND application_name = 'icu'"
        )
        assert ended[0][0] >= 2
        await reader.check()
        assert (await store(other, [observation(0)])).stored == 1


async def test_a_sink_that_lost_its_lock(url: str, postgres: PostgresServer) -> None:
    """Where the session of the lock has ended, another sink may have it by now: the database is opened anew."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        postgres.ask(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'icu-sink-lock'"
            f" AND datname = '{url.rpartition('/')[2]}'"
        )
        with pytest.raises(StoreError, match="has let go of this sink's lock"):
            await store(writer, [observation(0)])


async def test_a_program_that_stands_still_in_a_transaction(writer: Writer, url: str) -> None:
    """Its locks come free meanwhile, and its transaction is run again as a whole when it goes on."""
    engine, times = engine_of(url), 0
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'"

    async def work(transaction: Transaction) -> None:
        nonlocal times
        times += 1
        await transaction.execute(text("UPDATE command_count SET count = count + 1"), [{}])
        [(limit,)] = await transaction.rows(text("SHOW idle_in_transaction_session_timeout"))
        assert limit == "6s"
        if times == 1:
            await transaction.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"), [{}])
            while rows(url, waiting) != [(0,)]:
                await anyio.sleep(0.01)
            await transaction.rows(text("SELECT 1"))

    await engine.transact(work)
    await engine.aclose()
    assert (times, rows(url, "SELECT count FROM command_count")) == (2, [(1,)])


async def test_a_lock_is_free_as_soon_as_its_holder_has_ended(url: str) -> None:
    """A holder that fails lets go of the database before its error is told: a sink that follows finds it free."""
    engine = engine_of(url)
    async with await opened(Address(url), "test", reads=True) as other:
        for _ in range(50):
            with pytest.raises(RuntimeError, match="the holder's"):
                async with engine.hold_alone(still=False):
                    raise RuntimeError("the holder's")
            held = await other.execute(b"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            assert await held.fetchall() == [(0,)]
