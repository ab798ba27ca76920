"""The tables' version: what is read, what is brought up to date, and what is left alone."""

from collections.abc import AsyncIterator

import pytest

from icu.store.errors import SchemaError, StoreError
from icu.store.reader import Reader
from icu.store.writer import open_writer
from tests.stores import execute, rows


@pytest.fixture
async def ready(url: str) -> str:
    """URL of a database with tables."""
    async with open_writer(url, topic="icu.test"):
        pass
    return url


@pytest.fixture
async def unread(url: str) -> AsyncIterator[Reader]:
    """A reader of a database that it has not seen yet."""
    reader = Reader(url)
    yield reader
    await reader.aclose()


async def test_tables_of_a_newer_program_are_left_alone(ready: str) -> None:
    """A sink does not touch a version that it does not know."""
    execute(ready, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version"):
        async with open_writer(ready, topic="icu.test"):
            pass


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("DROP TABLE alembic_version", "has no tables yet: start the sink .* or run python -m icu db upgrade"),
        ("UPDATE alembic_version SET version_num = '0001'", "version 0001, .* run python -m icu db upgrade"),
        ("UPDATE alembic_version SET version_num = '9999'", "version 9999, newer than .* update the program"),
    ],
)
async def test_a_reader_says_what_to_do(ready: str, unread: Reader, sql: str, advice: str) -> None:
    """Tables of another version are an answer: there is no way back from a newer one."""
    execute(ready, sql)
    with pytest.raises(SchemaError, match=advice):
        await unread.check()


async def test_a_reader_looks_again(ready: str, unread: Reader) -> None:
    """Once the tables are of its version it reads them, without being started anew."""
    [(version,)] = rows(ready, "SELECT version_num FROM alembic_version")
    execute(ready, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(SchemaError):
        await unread.check()
    execute(ready, f"UPDATE alembic_version SET version_num = '{version}'")
    await unread.check()
