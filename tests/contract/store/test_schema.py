"""Version of the tables: readable ones, upgrades, and newer ones that are left alone."""

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
    """Reader of a database that it has not opened yet."""
    reader = Reader(url)
    yield reader
    await reader.aclose()


def readable_from(version: str) -> str:
    """Oldest version whose programs may read the tables, as stored by the migrations."""
    return f"UPDATE readers SET readable_from = '{version}'"


async def test_new_tables_hold_readable_from(ready: str) -> None:
    """New tables have one row with the oldest version that may read them, from the newest migration."""
    assert rows(ready, "SELECT id, readable_from FROM readers") == [(1, "0004")]


@pytest.mark.parametrize("oldest", ["0003", "9999"])
async def test_tables_of_a_newer_program_are_left_alone(ready: str, oldest: str) -> None:
    """A sink does not touch a newer version of the tables, even if older programs may read it."""
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
    """A reader of unreadable tables says what to do; from a newer version there is no way back."""
    execute(ready, readable_from("9999"))
    execute(ready, sql)
    with pytest.raises(SchemaError, match=advice):
        await unread.check()


async def test_a_reader_looks_again(ready: str, unread: Reader) -> None:
    """A reader serves the tables once they have its version, without a restart."""
    [(version,)] = rows(ready, "SELECT version_num FROM alembic_version")
    execute(ready, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(SchemaError):
        await unread.check()
    execute(ready, f"UPDATE alembic_version SET version_num = '{version}'")
    await unread.check()


async def test_newer_tables_that_this_program_may_read(ready: str, unread: Reader) -> None:
    """A monitor goes on beside a sink that was updated first, though the tables have new columns."""
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
    """Newer tables without that row come from a program that did not continue this one, and are refused."""
    execute(ready, NEWER)
    execute(ready, "DELETE FROM readers")
    with pytest.raises(SchemaError, match="update the program"):
        await unread.check()
    execute(ready, "DROP TABLE readers")
    with pytest.raises(SchemaError, match="update the program"):
        await unread.check()
