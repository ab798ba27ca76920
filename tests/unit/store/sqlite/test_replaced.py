"""Another file in a database's place: readers and followers show the new one, and nothing of the old."""

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
from tests.stores import NOON, connected, store


async def ward_of(patient: UUID, path: Path) -> None:
    """Make a database whose first patient is this one."""
    async with open_writer(f"sqlite:///{path}", topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0, patient=patient)])


async def followed(reader: Reader) -> list[UUID]:
    """Return the patients of the readings in the journal."""
    async with reader.follow() as follower:
        batches = await follower.after(0, limit=10)
    return [reading.patient_uuid for batch in batches or () for reading in batch.readings]


@pytest.fixture
async def annas(tmp_path: Path) -> AsyncIterator[Reader]:
    """Reader that has read all of Anna's ward."""
    await ward_of(ANNA, tmp_path / "icu.db")
    reader = Reader(f"sqlite:///{tmp_path / 'icu.db'}")
    assert await followed(reader) == [ANNA]
    yield reader
    await reader.aclose()


async def test_nothing_of_a_replaced_database_is_kept(annas: Reader, tmp_path: Path) -> None:
    """Neither connections nor patient keys are kept: the monitor shows the new file."""
    await ward_of(BORIS, tmp_path / "other.db")
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
    assert await followed(annas) == [BORIS]
    assert [each.uuid for each in await annas.patients(now=START)] == [BORIS]


async def test_a_place_in_a_replaced_database(annas: Reader, tmp_path: Path) -> None:
    """Readings behind it are of the new database's patients, though no entry there names them."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    async with open_writer(other, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        for second in range(2):
            await store(writer, [observation(second, patient=BORIS)], start=second)
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
    async with annas.follow() as follower:
        batches = await follower.after(NOON + 2, limit=10)
    assert batches is not None
    assert [[each.patient_uuid for each in batch.readings] for batch in batches] == [[BORIS]]


async def test_the_first_question_is_answered_by_the_new_database(annas: Reader, tmp_path: Path) -> None:
    """Nobody has to look at the file before: a connection that stayed open does so itself."""
    await ward_of(BORIS, tmp_path / "other.db")
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
    assert [each.uuid for each in await annas.patients(now=START)] == [BORIS]


async def test_the_tables_of_another_file_are_looked_at(annas: Reader, tmp_path: Path) -> None:
    """The new file's tables may be of another version, which is reported, not tried."""
    with closing(connected(f"sqlite:///{tmp_path / 'other.db'}")) as other:
        other.executescript("CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('9999')")
    await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
    with pytest.raises(SchemaError, match="9999"):
        await annas.patients(now=START)


async def test_a_follower_of_a_removed_file_ends(annas: Reader, tmp_path: Path) -> None:
    """A follower of a removed file ends: its connection would never see anything new."""
    async with annas.follow() as follower:
        await anyio.Path(tmp_path / "icu.db").unlink()
        with pytest.raises(StoreUnavailableError, match="removed"):
            await follower.version()
    with pytest.raises(SchemaError, match="there is no database"):
        await annas.patients(now=START)
