"""The tables' version, and the way from any to the newest."""

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from icu.errors import ConfigurationError, SchemaError, StoreError
from icu.store import schema
from icu.store.reader import Reader
from icu.store.tables import Base


async def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    """What Alembic makes, and what icu.store.tables says, are the same."""
    await schema.upgrade(tmp_path / "icu.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'icu.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_head_is_the_newest_migration() -> None:
    """The constant that spares the import of Alembic says what Alembic would."""
    config = Config()
    config.set_main_option("script_location", "icu.store:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == schema.HEAD


async def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    """The first call makes the tables, the second finds them."""
    assert await schema.upgrade(tmp_path / "icu.db") is None
    assert await schema.upgrade(tmp_path / "icu.db") == schema.HEAD


async def test_a_missing_folder_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    """The database's folder is not made silently."""
    with pytest.raises(ConfigurationError, match="does not exist"):
        await schema.upgrade(tmp_path / "nowhere" / "icu.db")


async def test_tables_of_a_newer_program_are_left_alone(tmp_path: Path) -> None:
    """A version that this program does not know is not touched."""
    path = tmp_path / "icu.db"
    await schema.upgrade(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        await schema.upgrade(path)


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("missing", r"start the sink \(python -m icu supervise\)"),
        ("empty", "or run python -m icu db upgrade"),
        ("0000", "run python -m icu db upgrade"),
        ("9999", "update the program"),
    ],
)
async def test_a_reader_says_what_to_start(tmp_path: Path, state: str, advice: str) -> None:
    """A reader of a file that is not ready says so, and what helps: there is no way back from a newer version."""
    path = tmp_path / "icu.db"
    if state != "missing":
        with sqlite3.connect(path) as connection:
            if state != "empty":
                connection.execute("CREATE TABLE alembic_version (version_num)")
                connection.execute("INSERT INTO alembic_version VALUES (?)", (state,))
        connection.close()
    reader = Reader(f"sqlite:///{path}")
    with pytest.raises(SchemaError, match=advice):
        await reader.check()
    await reader.aclose()


@pytest.mark.parametrize("url", ["nonsense", "postgresql://u@h:abc/d", "postgresql://db/icu", "sqlite:///:memory:"])
def test_a_url_that_names_no_file(url: str) -> None:
    """Whoever made the settings: one sentence with a URL that works."""
    with pytest.raises(ConfigurationError, match=r"sqlite:///icu\.db"):
        Reader(url)
