"""Backups and their restoration: of one moment, whole, and with a journal of their own."""

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from icu.errors import UsageError
from icu.messages import Position
from icu.store.database.backups import begin_anew, find_version, note_backup
from icu.store.database.existing import connected
from icu.store.engines.table import engine_of
from icu.store.errors import SchemaError, StoreCorruptError, StoreError, StoreInUseError
from icu.store.reader import Reader
from icu.store.schema import HEAD
from icu.store.upkeep_state import read_upkeep_state
from icu.store.writer import Writer, open_writer
from tests.samples import ANNA, BORIS, observation
from tests.stores import NOON, SQLITE_ALONE, execute, older, rows, store

# Servers have tools of their own for it: see test_postgres.
pytestmark = SQLITE_ALONE

# Readings in the topic, and those in a transaction.
RECORDS = [observation(second) for second in range(400)]
EACH = 10


def quiet(_share: float) -> None:
    """Hear the progress, and say nothing."""


def back_up(url: str, target: Path, *, overwrite: bool = False, report: Callable[[float], None] = quiet) -> int:
    """Back the database up."""
    return engine_of(url).back_up(target, began=NOON, overwrite=overwrite, report=report)


def restore(url: str, source: Path) -> str | None:
    """Restore the backup as the command does, and return the name of what was there."""
    with engine_of(url).restoring(source, report=quiet) as restoration:
        anyio.run(begin_anew, restoration.engine, NOON)
    return restoration.kept


async def written(writer: Writer, start: int, end: int = len(RECORDS)) -> None:
    """Store the records from one offset to another, as a sink does."""
    for offset in range(start, end, EACH):
        await store(writer, RECORDS[offset : offset + EACH], start=offset)


def ends(url: str) -> tuple[int, int]:
    """Return the stored offset, and the number of readings."""
    [(offset, count)] = rows(url, "SELECT (SELECT next FROM consumer_offsets), (SELECT count(*) FROM patient_metrics)")
    return offset, count


def found(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder that match a pattern, hidden ones too."""
    return sorted(folder.glob(pattern))


async def test_a_backup_under_a_writing_sink(writer: Writer, url: str, tmp_path: Path) -> None:
    """A backup holds whole transactions, up to one of them: its readings are those before its offset."""
    await written(writer, 0, EACH)
    target = tmp_path / "backup.db"
    async with anyio.create_task_group() as group:
        group.start_soon(written, writer, EACH)
        await to_thread.run_sync(back_up, url, target)
    assert ends(url) == (len(RECORDS), len(RECORDS))
    offset, count = ends(f"sqlite:///{target}")
    assert offset == count > 0


async def test_the_topic_is_read_on(url: str, tmp_path: Path) -> None:
    """After a restore the offset is that of the backup: the rest of the topic is stored again, and nothing twice."""
    target = tmp_path / "backup.db"
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await written(writer, 0, 200)
        await to_thread.run_sync(back_up, url, target)
        await written(writer, 200)
    await to_thread.run_sync(restore, url, target)
    assert ends(url) == (200, 200)
    async with open_writer(url, topic="icu.test") as writer:
        assert await writer.positions() == {0: Position(200, "m")}
        await writer.begin({0: Position(200, "m")}, other_logs=frozenset())
        await written(writer, 200)
    assert ends(url) == (400, 400)
    assert rows(url, "SELECT count(DISTINCT timestamp) FROM patient_metrics") == [(400,)]


async def test_what_was_there_is_kept(url: str, tmp_path: Path) -> None:
    """The database that was replaced is kept whole, under the name that is returned."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
        await written(writer, 0)
    kept = [await to_thread.run_sync(restore, url, tmp_path / "backup.db") for _ in range(2)]
    assert len(set(kept)) == 2
    assert ends(f"sqlite:///{kept[0]}") == (400, 400)
    assert ends(url) == (0, 0)


async def test_followers_begin_anew(url: str, tmp_path: Path) -> None:
    """No number of the old journal is in the new one, and the patients are read again: keys may be others' now."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0)])
    await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
    before = rows(url, "SELECT batch FROM journal")
    execute(url, f"UPDATE patients SET uuid = '{BORIS}'")
    async with aclosing(Reader(url)) as reader, reader.follow() as follower:
        end = await follower.end()
        assert set((await follower._uuids()).values()) == {BORIS}
        await to_thread.run_sync(restore, url, tmp_path / "backup.db")
        assert await follower.after(end, limit=10) is None
        assert set((await follower._uuids()).values()) == {ANNA}
        assert [(await follower.end(),)] == rows(url, "SELECT batch FROM journal_end")
    assert not set(before) & set(rows(url, "SELECT batch FROM journal"))


async def test_two_restorations_of_one_backup(url: str, tmp_path: Path) -> None:
    """Their journals and generations differ, so that no client takes one for the other."""
    await engine_of(url).upgrade()
    await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
    numbers = []
    for _ in range(2):
        await to_thread.run_sync(restore, url, tmp_path / "backup.db")
        numbers.append((*rows(url, "SELECT batch FROM journal_end"), *rows(url, "PRAGMA user_version")))
    original = rows(f"sqlite:///{tmp_path}/backup.db", "PRAGMA user_version")
    assert len({end for end, _ in numbers}) == 2
    assert len({*original, *(generation for _, generation in numbers)}) == 3


async def test_a_backup_is_noted(writer: Writer, url: str, tmp_path: Path) -> None:
    """The time is noted in the database and in the backup, and the sink takes it for no other program's change."""
    await store(writer, [observation(0)])
    known = writer.guard.patients
    await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
    await note_backup(engine_of(url), NOON)
    for each in (url, f"sqlite:///{tmp_path}/backup.db"):
        async with connected(engine_of(each)) as connection:
            assert (await read_upkeep_state(connection)).backed_up == NOON
    await store(writer, [observation(1)], start=1)
    assert writer.guard.patients is known


async def test_older_backups_are_upgraded(url: str, tmp_path: Path) -> None:
    """A backup of an older version is brought to this one, as a sink would do."""
    await engine_of(url).upgrade()
    await to_thread.run_sync(older, tmp_path / "older.db", "0006")
    again = tmp_path / "again.db"
    assert await find_version(engine_of(f"sqlite:///{tmp_path}/older.db")) == "0006"
    await to_thread.run_sync(back_up, f"sqlite:///{tmp_path}/older.db", again)
    await to_thread.run_sync(restore, url, again)
    assert rows(url, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert rows(url, "SELECT commits, backed_up FROM upkeep_state") == [(0, None)]


async def test_what_cannot_be_restored(url: str, tmp_path: Path) -> None:
    """A copy that is damaged, another program's, or newer changes nothing, and the message says which."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0)])
    files = {name: tmp_path / f"{name}.db" for name in ("damaged", "text", "foreign", "newer", "empty")}
    for each in ("damaged", "newer"):
        await to_thread.run_sync(back_up, url, files[each])
    files["text"].write_text("no database\n" * 100)
    files["empty"].touch()
    with files["damaged"].open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4 * 4096)
    execute(f"sqlite:///{files['newer']}", "UPDATE alembic_version SET version_num = '9999'")
    execute(f"sqlite:///{files['foreign']}", "CREATE TABLE others (number)")
    before = rows(url, "PRAGMA user_version")
    for name, error, sentence in (
        ("damaged", StoreCorruptError, "is damaged"),
        ("text", StoreCorruptError, "file is not a database"),
        ("empty", StoreError, "is no database of this program"),
        ("foreign", StoreError, "is no database of this program"),
        ("newer", StoreError, "newer than this program's"),
    ):
        with pytest.raises(error, match=sentence):
            await to_thread.run_sync(restore, url, files[name])
    assert (ends(url), rows(url, "PRAGMA user_version")) == ((1, 1), before)
    assert not found(tmp_path, "*.part*") + found(tmp_path, "icu.db.replaced*")


async def test_restoring_under_a_sink(writer: Writer, url: str, tmp_path: Path) -> None:
    """A database that a sink has open is not replaced: the message says what to stop."""
    await store(writer, [observation(0)])
    await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
    with pytest.raises(StoreInUseError, match="stop its sink"):
        await to_thread.run_sync(restore, url, tmp_path / "backup.db")
    await store(writer, [observation(1)], start=1)
    assert ends(url) == (2, 2)


async def test_restoring_under_an_upkeep(url: str, tmp_path: Path) -> None:
    """An upkeep remembers which patients it has rolled up: the database is not replaced under it either."""
    engine = engine_of(url)
    await engine.upgrade()
    await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
    before = rows(url, "PRAGMA user_version")
    async with engine.hold_upkeep():
        with pytest.raises(StoreInUseError, match="stop its sink and its upkeep"):
            await to_thread.run_sync(restore, url, tmp_path / "backup.db")
    assert rows(url, "PRAGMA user_version") == before


async def test_places_where_a_backup_cannot_be(writer: Writer, url: str, tmp_path: Path) -> None:
    """A backup replaces nothing unless it is asked to, and never the database, nor a file that is in use."""
    target = tmp_path / "backup.db"
    target.write_text("kept")
    for place, sentence in (
        (target, "exists already"),
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "backup.db", "does not exist: create it"),
    ):
        with pytest.raises(UsageError, match=sentence):
            await to_thread.run_sync(back_up, url, place)
    assert target.read_text() == "kept"

    def forced(target: Path) -> int:
        return back_up(url, target, overwrite=True)

    with pytest.raises(UsageError, match="is the database itself"):
        await to_thread.run_sync(forced, tmp_path / "icu.db")
    (tmp_path / "backup.db-wal").touch()
    with pytest.raises(UsageError, match="is open in another program"):
        await to_thread.run_sync(forced, target)
    (tmp_path / "backup.db-wal").unlink()
    assert await to_thread.run_sync(forced, target) == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    assert not found(tmp_path, "*.part*")


async def test_a_backup_is_one_file(writer: Writer, url: str, tmp_path: Path) -> None:
    """A backup needs no other files beside it, so that it can be read on a read-only disk too."""
    await store(writer, [observation(0)])
    target = tmp_path / "backup.db"
    await to_thread.run_sync(back_up, url, target)
    assert rows(f"sqlite:///{target}", "PRAGMA journal_mode") == [("delete",)]
    assert ends(f"sqlite:///{target}") == (1, 1)
    assert found(tmp_path, "*backup.db*") == [target]


async def test_a_damaged_database_is_not_backed_up(url: str, tmp_path: Path) -> None:
    """A copy of damage is no backup: it would take the place of a good one."""
    await engine_of(url).upgrade()
    target = tmp_path / "backup.db"
    await to_thread.run_sync(back_up, url, target)
    before = target.read_bytes()
    with (tmp_path / "icu.db").open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * 2 * 4096)
    with pytest.raises(StoreCorruptError, match=r"icu\.db is damaged"):
        await to_thread.run_sync(lambda: back_up(url, target, overwrite=True))
    assert target.read_bytes() == before


@pytest.mark.usefixtures("no_file")
async def test_nothing_to_back_up(url: str) -> None:
    """Without a database, or tables in it, there is nothing to back up."""
    with pytest.raises(SchemaError, match="there is no database"):
        await find_version(engine_of(url))
    execute(url, "CREATE TABLE others (number)")
    with pytest.raises(SchemaError, match="there is nothing to back up"):
        await find_version(engine_of(url))


async def test_a_damaged_database_is_replaced(url: str, tmp_path: Path) -> None:
    """A database that cannot be opened is moved away with its log, and the backup takes its place."""
    database = tmp_path / "icu.db"
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(0)])
        await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
        log = (tmp_path / "icu.db-wal").read_bytes()
    database.write_bytes(b"damaged" * 1_000)
    (tmp_path / "icu.db-wal").write_bytes(log)
    kept = await to_thread.run_sync(restore, url, tmp_path / "backup.db")
    assert ends(url) == (1, 1)
    file, left = found(tmp_path, "icu.db.replaced-*")
    assert (str(file), file.read_bytes()) == (kept, b"damaged" * 1_000)
    assert (left.name, left.read_bytes()) == (f"{file.name}-wal", log)


async def test_a_lost_database_is_replaced(url: str, tmp_path: Path) -> None:
    """Where only the log of a lost database is left, it is moved away: it would be brought into the backup."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await to_thread.run_sync(back_up, url, tmp_path / "backup.db")
        await written(writer, 0)
        log = (tmp_path / "icu.db-wal").read_bytes()
    (tmp_path / "icu.db").unlink()
    (tmp_path / "icu.db-wal").write_bytes(log)
    assert await to_thread.run_sync(restore, url, tmp_path / "backup.db") is None
    assert ends(url) == (0, 0)
    [left] = found(tmp_path, "icu.db.replaced-*-wal")
    assert left.read_bytes() == log
