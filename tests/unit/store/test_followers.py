"""Following the journal: which batches come next, what a gap is, and that another file is another database."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import anyio
import pytest

from icu.messages import Position
from icu.store.errors import SchemaError, StoreUnavailableError
from icu.store.reader import Follower, Reader
from icu.store.writer import Writer, open_writer
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import NOON, connected, store


@pytest.fixture
async def follower(reader: Reader, writer: Writer, url: str) -> AsyncIterator[Follower]:
    """One of a journal of three batches, whose first is gone: 2 and 3 readings after noon."""
    for second in range(3):
        await store(writer, [observation(second)], start=second)
    with closing(connected(url)) as other:
        other.execute("DELETE FROM journal WHERE batch = ?", (NOON + 1,))
    async with reader.follow() as follower:
        yield follower


@pytest.mark.parametrize(
    ("batch", "limit", "found"),
    [
        (0, 10, [2, 3]),
        (0, 2, [2, 3]),
        (0, 1, [2]),
        (NOON + 2, 10, [3]),
        (NOON + 2, 1, [3]),
        (NOON + 3, 10, []),
        (NOON + 1, 10, None),
        (NOON, 10, None),
        (NOON + 4, 10, None),
    ],
)
async def test_batches_that_come_next(follower: Follower, batch: int, limit: int, found: list[int] | None) -> None:
    """At most so many, behind one that the journal holds; behind any other some may be missing."""
    batches = await follower.after(batch, limit=limit)
    assert (None if batches is None else [each.number - NOON for each in batches]) == found
    assert await follower.end() == NOON + 3


async def test_an_empty_journal_ends_where_it_begins(writer: Writer, reader: Reader) -> None:
    """At 0, from which there is nothing to miss."""
    async with reader.follow() as follower:
        assert (await follower.end(), await follower.after(0, limit=10)) == (0, [])


async def test_each_commit_of_others_gives_another_version(writer: Writer, reader: Reader) -> None:
    """And nothing else does."""
    async with reader.follow() as follower:
        before = await follower.version()
        assert await follower.version() == before
        await store(writer, [observation(0)])
        assert await follower.version() != before


async def ward_of(patient: UUID, path: Path) -> None:
    """A database in which this is the first patient."""
    async with open_writer(f"sqlite:///{path}", topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0, patient=patient)])


async def followed(reader: Reader) -> list[UUID]:
    """Whose readings the journal holds."""
    async with reader.follow() as follower:
        batches = await follower.after(0, limit=10)
    return [reading.patient_uuid for batch in batches or () for reading in batch.readings]


@pytest.fixture
async def annas(tmp_path: Path) -> AsyncIterator[Reader]:
    """A reader that has seen all that there is of Anna's ward."""
    await ward_of(ANNA, tmp_path / "icu.db")
    reader = Reader(f"sqlite:///{tmp_path / 'icu.db'}")
    assert await followed(reader) == [ANNA]
    yield reader
    await reader.aclose()


async def test_nothing_of_a_replaced_database_is_kept(annas: Reader, tmp_path: Path) -> None:
    """Neither its connections nor which key is which patient: the monitor shows what is there."""
    await ward_of(BORIS, tmp_path / "other.db")
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
    assert await followed(annas) == [BORIS]
    assert [each.uuid for each in await annas.patients(now=START)] == [BORIS]


async def test_the_tables_of_another_file_are_looked_at(annas: Reader, tmp_path: Path) -> None:
    """It may be of another version, which is said, and not tried."""
    with closing(connected(f"sqlite:///{tmp_path / 'other.db'}")) as other:
        other.executescript("CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('9999')")
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
    with pytest.raises(SchemaError, match="9999"):
        await annas.patients(now=START)


async def test_a_follower_of_a_file_that_is_gone_is_told(annas: Reader, tmp_path: Path) -> None:
    """Its connection would answer for ever that nothing is new."""
    async with annas.follow() as follower:
        await anyio.Path(tmp_path / "icu.db").unlink()
        with pytest.raises(StoreUnavailableError, match="removed"):
            await follower.version()
    with pytest.raises(SchemaError, match="there is no database"):
        await annas.patients(now=START)
