"""Another file in a database's place: readers and followers show what is there, and nothing of what was."""

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import anyio
import pytest

from icu.messages import Position
from icu.store.errors import SchemaError, StoreUnavailableError
from icu.store.reader import Reader
from icu.store.writer import open_writer
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import connected, store


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


async def test_the_first_question_is_answered_by_the_new_database(annas: Reader, tmp_path: Path) -> None:
    """Nobody has to look at the file before: a connection that stayed open does so itself."""
    await ward_of(BORIS, tmp_path / "other.db")
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
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
