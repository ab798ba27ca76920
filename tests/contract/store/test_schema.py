"""The tables' version: what is read, what is brought up to date, and what is left alone."""

from collections.abc import AsyncIterator
from typing import Final

import pytest

from icu.messages import Position
from icu.store.errors import SchemaError, StoreError
from icu.store.reader import Reader
from icu.store.schema import HEAD
from icu.store.writer import open_writer
from tests.samples import ANNA, START, observation
from tests.stores import execute, readings_of, rows, store

NEWER: Final = "UPDATE alembic_version SET version_num = '9999'"


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


def readable_from(version: str) -> str:
    """What a migration writes down of the programs that may read its tables."""
    return f"UPDATE readers SET readable_from = '{version}'"


async def test_new_tables_say_who_may_read_them(ready: str) -> None:
    """In one row, which the newest migration has the last word on."""
    assert rows(ready, "SELECT id, readable_from FROM readers") == [(1, "0004")]


@pytest.mark.parametrize("oldest", ["0003", "9999"])
async def test_tables_of_a_newer_program_are_left_alone(ready: str, oldest: str) -> None:
    """A sink does not touch a version that it does not know, whoever may read it."""
    execute(ready, NEWER)
    execute(ready, readable_from(oldest))
    with pytest.raises(StoreError, match="newer version"):
        async with open_writer(ready, topic="icu.test"):
            pass


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        ("DROP TABLE alembic_version", "has no tables yet: start the sink .* or run python -m icu db upgrade"),
        ("UPDATE alembic_version SET version_num = '0001'", "version 0001, .* run python -m icu db upgrade"),
        (NEWER, "version 9999, newer than this program's .* update the program"),
    ],
)
async def test_a_reader_says_what_to_do(ready: str, unread: Reader, sql: str, advice: str) -> None:
    """Tables of another version are an answer: there is no way back from a newer one that is not for this program."""
    execute(ready, readable_from("9999"))
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


async def test_newer_tables_that_this_program_may_read(ready: str, unread: Reader) -> None:
    """A monitor goes on beside a sink that was updated first, though the tables have columns that it does not know."""
    async with open_writer(ready, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0)])
    execute(ready, "ALTER TABLE patient_metrics ADD COLUMN newer INTEGER")
    execute(ready, NEWER)
    execute(ready, readable_from(HEAD))
    await unread.check()
    [state] = await unread.patients(now=START)
    page = await unread.page(ANNA, limit=10, order="asc")
    assert readings_of(page) == [state.latest]


async def test_newer_tables_that_say_nothing(ready: str, unread: Reader) -> None:
    """They are of a program that did not go on from this one, and are refused."""
    execute(ready, NEWER)
    execute(ready, "DELETE FROM readers")
    with pytest.raises(SchemaError, match="update the program"):
        await unread.check()
    execute(ready, "DROP TABLE readers")
    with pytest.raises(SchemaError, match="update the program"):
        await unread.check()
