"""Version of the tables, and upgrades from each version to the newest."""

import itertools
import logging
import sqlite3
from contextlib import aclosing, closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from anyio import to_thread
from sqlalchemy import create_engine

from icu.config.errors import ConfigurationError
from icu.messages import Position, Quality
from icu.store import schema
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.errors import SchemaError, StoreUnavailableError
from icu.store.reader import Reader
from icu.store.readings import Reading
from icu.store.tables.metadata import METADATA
from icu.store.writer import open_writer
from tests.samples import ANNA, START, observation
from tests.sqlite_faults import Fault, Place, error, injected
from tests.stores import NOON, execute, older, readings_of, rows, store


async def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    """The migrations and icu.store.tables.readings make the same tables."""
    await to_thread.run_sync(upgrade, tmp_path / "icu.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'icu.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def scripts() -> ScriptDirectory:
    """Migrations, as Alembic finds them."""
    config = Config()
    config.set_main_option("script_location", "icu.store:migrations")
    return ScriptDirectory.from_config(config)


def test_head_is_the_newest_migration() -> None:
    """HEAD, which spares the import of Alembic, is Alembic's own head."""
    assert scripts().get_current_head() == schema.HEAD


def test_each_migration_has_readable_from() -> None:
    """From the third migration on, `readable_from` is at most its own version, and never decreases."""
    versions = [
        (each.revision, each.module.readable_from)
        for each in scripts().walk_revisions()
        if each.revision not in {"0001", "0002"}
    ]
    assert versions
    assert all(oldest <= version for version, oldest in versions)
    assert [oldest for _, oldest in versions] == sorted((oldest for _, oldest in versions), reverse=True)


async def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    """A second upgrade changes nothing, and the database keeps its random generation."""
    path = tmp_path / "icu.db"
    assert await to_thread.run_sync(upgrade, path) is None
    before = rows(f"sqlite:///{path}", "PRAGMA user_version")
    assert await to_thread.run_sync(upgrade, path) == schema.HEAD
    assert rows(f"sqlite:///{path}", "PRAGMA user_version") == before
    await to_thread.run_sync(upgrade, tmp_path / "other.db")
    assert rows(f"sqlite:///{tmp_path / 'other.db'}", "PRAGMA user_version") != before


@pytest.mark.parametrize("place", get_args(Place))
def test_whichever_call_fails_the_next_upgrade_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    """An upgrade that fails at a call of the database changes all or nothing, and leaves no lock behind."""
    # Records of the pool's errors, which pytest keeps, would keep their connections too.
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)
    # Each fourth call, for there are hundreds, and an upgrade for each.
    for number in itertools.count(1, 4):
        path = tmp_path / f"{number}.db"
        with injected(Fault(number, place, error("IOERR"))) as fault, suppress(StoreUnavailableError):
            upgrade(path)
        assert upgrade(path) in {None, schema.HEAD}
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
        # Two more: Alembic's own, and the numbers that SQLite gives.
        assert (number, tables) == (number, (len(METADATA.tables) + 2,))
        if not fault.reached:
            break
    assert number > 30


async def test_what_an_older_program_stored_is_kept(tmp_path: Path) -> None:
    """Readings without mean pressures are served unchanged, followed again, and recognised as duplicates."""
    path, url = tmp_path / "icu.db", f"sqlite:///{tmp_path / 'icu.db'}"
    await to_thread.run_sync(older, path, "0001")
    row = (1, NOON, 7200, 1600, 12_000, 8000, 9800, 3660, 40, 0)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO patients VALUES (1, ?, 'Anna', 5.0)", (str(ANNA),))
        connection.execute(f"INSERT INTO patient_metrics VALUES ({', '.join('?' * len(row))})", row)
        connection.execute("INSERT INTO journal VALUES (?, ?)", (NOON, msgspec.msgpack.encode([])))
        connection.execute("INSERT INTO journal VALUES (?, ?)", (NOON + 1, msgspec.msgpack.encode([row])))
    connection.close()
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        result = await store(writer, [observation(0), observation(5, map=93)])
    assert (result.stored, result.duplicates, list(result.refusals)) == (1, 1, [])
    reader = Reader(url)
    page = await reader.page(ANNA, limit=10, order="asc")
    async with reader.follow() as follower:
        batches = await follower.after(NOON, limit=10)
    await reader.aclose()
    whole = {"pulse": 72, "resp_rate": 16, "bp": "120/80", "spo2": 98, "temperature": 36.6}
    old = Reading(timestamp=START, **whole)
    new = Reading(timestamp=START + timedelta(seconds=5), **whole, map=93)
    assert readings_of(page) == [old, new]
    assert batches is not None
    assert [(each.number, len(each.readings)) for each in batches] == [(NOON + 1, 1), (NOON + 2, 0), (NOON + 3, 1)]
    assert [reading.map for each in batches for reading in each.readings] == [msgspec.UNSET, 93]


@pytest.mark.parametrize("sqlite", [sqlite3.sqlite_version_info, (3, 34, 1)])
async def test_the_flags_go_and_all_else_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite: tuple[int, ...]
) -> None:
    """Readings and journal keep their content, also in an SQLite that cannot drop columns, and stay clustered."""
    path, url = tmp_path / "icu.db", f"sqlite:///{tmp_path / 'icu.db'}"
    await to_thread.run_sync(older, path, "0002")
    row = (1, NOON, 7200, 1600, 12_000, 8000, 9800, 3660, -300_001, 1, 9300, NOON - 1000, '{"spo2":"motion"}')
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO patients VALUES (1, ?, 'Anna', 5.0)", (str(ANNA),))
        connection.execute(f"INSERT INTO patient_metrics VALUES ({', '.join('?' * len(row))})", row)
        connection.execute("INSERT INTO journal VALUES (?, ?)", (NOON, msgspec.msgpack.encode([])))
        connection.execute("INSERT INTO journal VALUES (?, ?)", (NOON + 1, msgspec.msgpack.encode([row])))
    monkeypatch.setattr(sqlite3, "sqlite_version_info", sqlite)
    assert await to_thread.run_sync(upgrade, path) == "0002"
    async with aclosing(Reader(url)) as reader:
        [reading] = readings_of(await reader.page(ANNA, limit=10, order="asc"))
        async with reader.follow() as follower:
            batches = await follower.after(NOON, limit=10)
    assert reading == Reading(
        timestamp=START,
        pulse=72,
        resp_rate=16,
        bp="120/80",
        spo2=98,
        temperature=36.6,
        map=93,
        bp_measured_at=START - timedelta(seconds=1),
        quality=Quality(spo2="motion"),
        clock_ahead_seconds=300.001,
    )
    assert batches is not None
    assert [msgspec.structs.asdict(each) for batch in batches for each in batch.readings] == [
        {**msgspec.structs.asdict(reading), "patient_uuid": ANNA}
    ]
    [(sql,)] = rows(url, "SELECT sql FROM sqlite_master WHERE name = 'patient_metrics'")
    assert ("flags" in sql, "WITHOUT ROWID" in sql) == (False, True)


async def test_a_missing_folder_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    """The database's folder is not made silently."""
    with pytest.raises(ConfigurationError, match="does not exist"):
        await to_thread.run_sync(upgrade, tmp_path / "nowhere" / "icu.db")


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("missing", r"start the sink \(python -m icu supervise\)"),
        ("empty", "or run python -m icu db upgrade"),
    ],
)
async def test_a_reader_says_what_to_start(tmp_path: Path, state: str, advice: str) -> None:
    """A reader of a missing or empty file says so, and what to start."""
    path = tmp_path / "icu.db"
    if state != "missing":
        path.touch()
    reader = Reader(f"sqlite:///{path}")
    with pytest.raises(SchemaError, match=advice):
        await reader.check()
    await reader.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///%3Amemory%3A",
        "sqlite:///file:icu.db?mode=memory&uri=true",
    ],
)
def test_a_url_that_names_no_file(url: str) -> None:
    """The error is one sentence, with a URL that works."""
    with pytest.raises(ConfigurationError, match=r"sqlite:///icu\.db"):
        Reader(url)


@pytest.mark.parametrize("code", ["%00", "%ff", "\udcff", "%C2%85", "%E2%80%A8", "\n"])
def test_a_url_that_names_no_file_that_can_be_typed(code: str) -> None:
    """Controls, bytes that are no UTF-8 and line ends are refused, encoded or not, before any system call or log."""
    with pytest.raises(ConfigurationError, match=r"cannot hold the character U\+[0-9A-F]{4}: .*sqlite:///icu\.db"):
        Reader(f"sqlite:///a{code}b.db")


async def test_newer_versions_make_no_table_anew(tmp_path: Path) -> None:
    """The upgrades for the clinical engine and the upkeep add tables and columns, so that no reading is rewritten."""
    path, url = tmp_path / "icu.db", f"sqlite:///{tmp_path / 'icu.db'}"
    await to_thread.run_sync(older, path, "0004")
    # The page at which a table begins moves if the table is made anew.
    before = set(rows(url, "SELECT name, rootpage FROM sqlite_master"))
    await to_thread.run_sync(upgrade, path)
    assert before < set(rows(url, "SELECT name, rootpage FROM sqlite_master"))


EPISODE = (
    "INSERT INTO alarms (id, patient_id, condition, ended, kind, priority, version, presence, signal, inhibition, tier,"
    " onsets, dues, blind_total, onset, ward_limits, patient_limits, late, repeats, seen, unanswered)"
    " VALUES ('{number}', 1, '{condition}', {ended}, '', '', 1, '', '', '', 0, '', '', 0, 0, 0, 0, 0, 0, 0, 0)"
)


async def test_one_open_episode_of_a_condition(tmp_path: Path) -> None:
    """A patient has one open episode of a condition, beside any number that have ended."""
    path, url = tmp_path / "icu.db", f"sqlite:///{tmp_path / 'icu.db'}"
    await to_thread.run_sync(upgrade, path)
    execute(url, "INSERT INTO patients VALUES (1, 'a', 'Anna', 5)")
    for number, ended in enumerate(["7", "8", "NULL"]):
        execute(url, EPISODE.format(number=number, condition="spo2.low", ended=ended))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        execute(url, EPISODE.format(number=3, condition="spo2.low", ended="NULL"))
    execute(url, EPISODE.format(number=4, condition="pulse.low", ended="NULL"))
