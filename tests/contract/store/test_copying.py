"""Copying into a new database, of each engine to each: whole or refused, from wherever it was interrupted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from sqlalchemy import text

from icu.errors import UsageError
from icu.messages import Position
from icu.store.commands.door import Author, Door
from icu.store.copying.copying import Copied, copy
from icu.store.copying.plan import AT_END, IN_CHUNKS, LEFT_OUT, NUMBERED
from icu.store.copying.shapes import SHAPES
from icu.store.engines.base import Transaction
from icu.store.engines.table import engine_of
from icu.store.errors import SchemaError, StoreError, StoreInUseError, StoreUnavailableError
from icu.store.reader import Reader
from icu.store.schema import HEAD
from icu.store.tables.metadata import METADATA
from icu.store.upkeep import only_upkeep, open_upkeep
from icu.store.writer import open_writer
from tests.contents import contents, fill
from tests.postgres import renumbered
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, SQLITE_ALONE, execute, older, rows, store

PEOPLE = Author("Nurse", "test")


class StopError(Exception):
    """The copy was interrupted."""


@pytest.fixture(params=["sqlite", "postgresql"], ids=lambda name: f"to-{name}")
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a new database, on one engine after the other; PostgreSQL's has tables already."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'target.db'}"
        return
    server = request.getfixturevalue("postgres")
    with server.database(template=request.getfixturevalue("postgres_tables")) as name:
        yield renumbered(server.url(name))


@pytest.fixture
def chunks_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is a chunk."""
    for shape in SHAPES.values():
        monkeypatch.setattr(shape, "limit", 1)


async def copied(source: str, target: str, report: Callable[[float], None] = lambda _: None) -> Copied:
    """Copy as the command does."""
    return await copy(engine_of(source), engine_of(target), report=report, wall=lambda: NOON / 1000)


def interrupting(steps: int) -> Callable[[float], None]:
    """Return a report that ends the copy after so many steps."""
    left = steps

    def report(_share: float) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            raise StopError

    return report


async def half_copied(source: str, target: str) -> None:
    """Begin a copy, and interrupt it before its end."""
    with pytest.raises(StopError):
        await copied(source, target, interrupting(5))


def of_the_ward(found: dict[str, Any]) -> dict[str, Any]:
    """Return the tables that are copied."""
    return {name: each for name, each in found.items() if name not in LEFT_OUT}


def test_each_table_is_copied_or_left_out_with_a_reason() -> None:
    """A table of the metadata is in one list of the plan, and a new one has to be put there."""
    names = [*IN_CHUNKS, *AT_END, *LEFT_OUT]
    assert sorted(names) == sorted(METADATA.tables)
    assert all(LEFT_OUT.values())


async def test_all_is_copied(url: str, target: str) -> None:
    """Each column of each table is in the copy as it is in the source, which is unchanged."""
    await fill(url, without=[*LEFT_OUT])
    before = contents(url)
    shares: list[float] = []
    done = await copied(url, target, shares.append)
    assert (done.before, done.readings) == (None, 3)
    after = contents(target)
    assert of_the_ward(after) == of_the_ward(before)
    assert all(after.values())
    assert contents(url) == before
    assert shares == sorted(shares)
    assert (shares[0] > 0, shares[-1]) == (True, pytest.approx(1))


async def test_a_copy_goes_on_wherever_it_was_interrupted(url: str, target: str, chunks_of_one: None) -> None:
    """A copy that is interrupted after every few steps is whole in the end, with nothing twice."""
    await fill(url, without=[*LEFT_OUT])
    times = 0
    while True:
        try:
            # Those that are complete already take no step of copying: the comparison begins anew each time.
            await copied(url, target, interrupting(15 if times < 4 else 1_000))
            break
        except StopError:
            times += 1
    assert times == 4
    assert of_the_ward(contents(target)) == of_the_ward(contents(url))


async def test_nobody_uses_an_unfinished_copy(url: str, target: str) -> None:
    """Sink, upkeep, monitor and commands refuse a copy until it is complete, and say what to do."""
    await fill(url, without=[*LEFT_OUT])
    await half_copied(url, target)
    unfinished = r"is an unfinished copy of .*: finish it \(python -m icu db copy SOURCE TARGET\)"
    async with open_writer(target, topic="t") as writer:
        with pytest.raises(SchemaError, match=unfinished):
            await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
    async with open_upkeep(target) as upkeep:
        with pytest.raises(SchemaError, match=unfinished):
            await upkeep.roll_up(NOON)
    reader = Reader(target)
    with pytest.raises(SchemaError, match=unfinished):
        await reader.check()
    await reader.aclose()
    with pytest.raises(SchemaError, match=unfinished):
        await command(target)
    await copied(url, target)
    await command(target)
    async with open_writer(target, topic="t") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())


async def command(url: str) -> None:
    """Carry out a command that does nothing but to be noted."""

    async def work(desk: Any) -> None:
        await desk.note("done")

    await Door(url).carry_out("test", PEOPLE, work)


async def test_a_finished_copy_is_left_alone(url: str, target: str) -> None:
    """The same command says of a complete copy since when it is one, also while its sink runs and writes."""
    await fill(url, without=[*LEFT_OUT])
    await copied(url, target)
    async with open_writer(target, topic="t") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        before = contents(target)
        done = await copied(url, target)
    assert done.before == NOON
    assert contents(target) == before


async def test_a_target_that_is_not_empty(url: str, target: str) -> None:
    """A database that holds anything is no target, and stays as it is."""
    await fill(url, without=[*LEFT_OUT])
    await fill(target, without=[*LEFT_OUT])
    before = contents(target)
    with pytest.raises(UsageError, match="is not empty, there are patients in it: name a new database"):
        await copied(url, target)
    assert contents(target) == before


async def test_an_empty_database_of_this_version(url: str, target: str) -> None:
    """An empty database with tables of this version is a target."""
    await fill(url, without=[*LEFT_OUT])
    await engine_of(target).upgrade()
    await copied(url, target)
    assert of_the_ward(contents(target)) == of_the_ward(contents(url))


async def test_the_database_itself(url: str) -> None:
    """A database is not copied into itself."""
    await fill(url, without=[*LEFT_OUT])
    with pytest.raises(UsageError, match="is the database to be copied: name a new one"):
        await copied(url, url)


@SQLITE_ALONE
@pytest.mark.usefixtures("no_file")
async def test_no_database(url: str, target: str) -> None:
    """Where there is no source, nothing is copied."""
    with pytest.raises(SchemaError, match="there is no database"):
        await copied(url, target)


async def test_a_source_that_was_written_to_meanwhile(url: str, target: str) -> None:
    """After a command in the source, an interrupted copy is of two moments: it is refused, and left as it is."""
    await fill(url, without=[*LEFT_OUT])
    await half_copied(url, target)
    await command(url)
    before = contents(target)
    with pytest.raises(UsageError, match=r"was written to since its copy .* was begun, which is of no use now"):
        await copied(url, target)
    assert contents(target) == before


async def test_an_unfinished_copy_of_another(url: str, target: str, tmp_path: Path) -> None:
    """A copy is finished with its own source alone, and says which that is."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    await fill(other, without=[*LEFT_OUT])
    await fill(url, without=[*LEFT_OUT])
    await half_copied(other, target)
    with pytest.raises(UsageError, match=r"is an unfinished copy of another database, .*other\.db: name a new one"):
        await copied(url, target)


async def test_sinks_and_upkeeps_are_kept_away(url: str, target: str) -> None:
    """A source whose sink or upkeep runs is not copied, nor is a target's; and none starts while it is copied."""
    await fill(url, without=[*LEFT_OUT])
    in_use = r"is in use: stop its sink and its upkeep \(python -m icu stop sink upkeep\), copy, and start them again"
    for each in (url, target):
        async with open_writer(each, topic="t"):
            with pytest.raises(StoreInUseError, match=in_use):
                await copied(url, target)
        async with only_upkeep(each):
            with pytest.raises(StoreInUseError, match=in_use):
                await copied(url, target)
    async with engine_of(url).hold_alone(still=True):
        with pytest.raises(StoreInUseError):
            async with open_writer(url, topic="t"):
                pass
        with pytest.raises(StoreUnavailableError):
            async with only_upkeep(url):
                pass


async def test_nobody_writes_to_a_source_while_it_is_copied(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are refused while a database is held still, monitors read on, and all go on behind it."""
    monkeypatch.setattr("icu.store.engines.sqlite.connections.BUSY_TIMEOUT_MS", 1)
    monkeypatch.setattr("icu.store.engines.postgres.address._LIMITS", {"lock_timeout": 1})
    await fill(url, without=[*LEFT_OUT, "alarms"])
    async with engine_of(url).hold_alone(still=True):
        with pytest.raises(StoreUnavailableError):
            await command(url)
        reader = Reader(url)
        await reader.check()
        await reader.aclose()
    await command(url)


@pytest.mark.parametrize("damage", ["DELETE FROM patient_metrics WHERE patient_id = 2", "UPDATE alarms SET kind = 'x'"])
async def test_a_copy_that_differs(url: str, target: str, damage: str) -> None:
    """Rows that are not found again in the copy are told, with the patient, and the copy stays unfinished."""
    await fill(url, without=[*LEFT_OUT])

    def report(share: float) -> None:
        if share == pytest.approx(2 / 3):  # all is copied, and nothing compared
            raise StopError

    with pytest.raises(StopError):
        await copied(url, target, report)
    execute(target, damage)
    with pytest.raises(StoreError, match="differs from") as raised:
        await copied(url, target)
    assert ("in patient_metrics, first of patient ä" in str(raised.value)) == ("patient_metrics" in damage)
    with pytest.raises(SchemaError, match="unfinished"):
        await command(target)


async def test_an_older_target(url: str, target: str, tmp_path: Path) -> None:
    """Tables of an older version are not upgraded for a copy: who knows what they hold."""
    await fill(url, without=[*LEFT_OUT])
    path = tmp_path / "older.db"
    await to_thread.run_sync(older, path, "0007")
    with pytest.raises(UsageError, match=f"has tables of version 0007, and a copy needs {HEAD}: name a new database"):
        await copied(url, f"sqlite:///{path}")


# By table, a statement for a new row.
NEW_ROWS = {
    "patients": "INSERT INTO patients (uuid) VALUES ({0}) RETURNING id",
    "outbox": "INSERT INTO outbox (alarm, version, event, payload) VALUES ('', 1, 'end', '') RETURNING sequence",
    "audit": """INSERT INTO audit (at, "by", source, command, result) VALUES (1, '', '', '', '') RETURNING id""",
}


async def numbers(url: str) -> list[int]:
    """Add a row to each table that the database numbers, and return the numbers."""

    async def work(transaction: Transaction) -> list[int]:
        made = []
        for name in NUMBERED:
            [(count,)] = await transaction.rows(text(f"SELECT count(*) FROM {name}"))
            [(number,)] = await transaction.rows(text(NEW_ROWS[name].format(f"'new-{count}'")))
            made.append(number)
        return made

    engine = engine_of(url)
    try:
        return await engine.transact(work)
    finally:
        await engine.aclose()


async def test_numbers_are_not_given_again(url: str, target: str) -> None:
    """New rows are numbered behind those of the source, also where that has deleted its last ones."""
    await engine_of(url).upgrade()
    for _ in range(3):
        await numbers(url)
    execute(url, "DELETE FROM outbox")
    await copied(url, target)
    assert await numbers(target) == [4, 4, 4]


async def test_a_sink_and_its_followers_go_on(url: str, target: str) -> None:
    """A sink on the copy reads on from the stored offsets, and a stream behind the number that it has seen."""
    async with open_writer(url, topic="t") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0), observation(1, patient=BORIS)])
        positions = await writer.positions()
    reader = Reader(url)
    async with reader.follow() as follower:
        seen = await follower.end()
    await reader.aclose()
    await copied(url, target)
    async with open_writer(target, topic="t") as writer:
        assert await writer.positions() == positions
        await writer.begin(positions, other_logs=frozenset())
        await store(writer, [observation(2), observation(3, patient=BORIS)], start=2)
        with pytest.raises(StoreError, match="were moved meanwhile"):
            await store(writer, [observation(2)], start=0)
    reader = Reader(target)
    async with reader.follow() as follower:
        batches = await follower.after(seen, limit=10)
    await reader.aclose()
    assert batches is not None
    found = [(each.patient_uuid, each.timestamp) for batch in batches for each in batch.readings]
    assert found == [(ANNA, observation(2).timestamp), (BORIS, observation(3).timestamp)]
    assert rows(target, "SELECT count(*) FROM patient_metrics") == [(4,)]


@SQLITE_ALONE
@pytest.mark.parametrize("target", ["postgresql"], indirect=True)
async def test_readings_come_into_their_days(url: str, target: str) -> None:
    """On PostgreSQL each day that has readings gets a partition before they come."""
    async with open_writer(url, topic="t") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(-86_400 * day) for day in range(20)])
    await copied(url, target)
    engine = engine_of(target)
    parts = await engine.parts()
    await engine.aclose()
    assert parts is not None
    filled = [each.name for each in parts if rows(target, f"SELECT 1 FROM {each.name}")]
    assert len(filled) == 20
    assert {parts[0].name, parts[-1].name}.isdisjoint(filled)
