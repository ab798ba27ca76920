"""Copies of a file under writers, locks, faults, and a full disk."""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import get_args

import anyio
import pytest

from icu.errors import IcuError
from icu.store.database.backups import begin_anew
from icu.store.engines.sqlite import copying
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.engines.table import engine_of
from icu.store.errors import StoreUnavailableError
from tests.sqlite_faults import Fault, Place, error, injected
from tests.stores import NOON, connected, execute, rows

# Rows that fill some hundreds of pages.
FILLING = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
    " INSERT INTO dead_letters (topic, log, partition, offset, reason, detail, size, arrived)"
    f" SELECT 't', 1, 0, i, 'r', '{'x' * 2_000}', 0, 0 FROM n"
)


@pytest.fixture
def filled(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database that takes many steps to copy."""
    monkeypatch.setattr(copying, "_STEP", 10)
    upgrade(tmp_path / "icu.db")
    execute(url, FILLING)
    return tmp_path / "icu.db"


def quiet(_share: float) -> None:
    """Hear the progress, and say nothing."""


def back_up(url: str, target: Path) -> None:
    """Back the database up."""
    engine_of(url).back_up(target, began=NOON, overwrite=False, report=quiet)


def restore(url: str, source: Path) -> None:
    """Restore a backup as the command does."""
    with engine_of(url).restoring(source, report=quiet) as restoration:
        anyio.run(begin_anew, restoration.engine, NOON)


def offsets(path: Path) -> tuple[int, int]:
    """Return the number of dead letters, and the highest offset: the contents of a database here."""
    with closing(sqlite3.connect(path)) as connection:
        [found] = connection.execute("SELECT count(*), max(offset) FROM dead_letters")
        return found


def leavings(folder: Path) -> list[str]:
    """Return the names of files that are neither the database's nor a backup."""
    return sorted(each.name for each in folder.iterdir() if ".part" in each.name)


def test_a_commit_at_each_step(filled: Path, url: str, tmp_path: Path) -> None:
    """Commits of another program neither begin the copying anew nor are in the copy."""
    shares: list[float] = []
    with closing(connected(url)) as other:

        def write(share: float) -> None:
            shares.append(share)
            assert len(shares) < 1_000  # it would go on for ever
            other.execute(
                "UPDATE dead_letters SET offset = offset + 1 WHERE offset = (SELECT max(offset) FROM dead_letters)"
            )

        (tmp_path / "copy.db").touch()
        copying.copy(filled, tmp_path / "copy.db", write)
        assert offsets(tmp_path / "copy.db") == (500, 500)
        assert offsets(filled) == (500, 500 + len(shares))
    assert shares == sorted(shares)
    assert len(shares) > 10
    assert shares[-1] == 1


def test_another_program_writes(filled: Path, url: str, tmp_path: Path) -> None:
    """A restoration does not wait for ever for a program that writes, and changes nothing."""
    back_up(url, tmp_path / "backup.db")
    with closing(connected(url)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(copying, "BUSY_TIMEOUT_MS", 10)
            with pytest.raises(StoreUnavailableError, match="is in use: another program writes to it"):
                copying.overwrite(tmp_path / "backup.db", filled, quiet)
        other.execute("ROLLBACK")
    assert offsets(filled) == (500, 500)


@pytest.mark.parametrize("name", ["BUSY", "FULL", "IOERR"])
@pytest.mark.parametrize("place", get_args(Place))
def test_every_call_of_a_backup_fails(filled: Path, url: str, tmp_path: Path, name: str, place: Place) -> None:
    """Whichever call fails, there is a whole backup or none, and nothing else is left."""
    for number in count(1):
        target = tmp_path / f"backup-{number}.db"
        failed = None
        with injected(Fault(number, place, error(name))) as fault:
            try:
                back_up(url, target)
            except IcuError as exc:
                failed = exc
        assert target.exists() is (failed is None)
        assert failed or offsets(target) == (500, 500)
        assert leavings(tmp_path) == []
        if not fault.reached:
            break
    assert number > 10
    assert offsets(filled) == (500, 500)


# Where closing fails, the driver's thread outlives its event loop. The process ends then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("name", ["BUSY", "FULL", "IOERR"])
@pytest.mark.parametrize("place", get_args(Place))
def test_every_call_of_a_restoration_fails(filled: Path, url: str, tmp_path: Path, name: str, place: Place) -> None:
    """Whichever call fails, the database is the old one or the backup, whole, and no half is left."""
    back_up(url, tmp_path / "backup.db")
    for number in count(1):
        execute(url, "UPDATE dead_letters SET offset = 1000 WHERE offset = 500")
        failed = None
        with injected(Fault(number, place, error(name))) as fault:
            try:
                restore(url, tmp_path / "backup.db")
            except IcuError as exc:
                failed = exc
        assert offsets(filled) in ((500, 500), (500, 1_000))
        assert failed or offsets(filled) == (500, 500)
        assert rows(url, "PRAGMA integrity_check") == [("ok",)]
        assert leavings(tmp_path) == []
        if not fault.reached:
            break
        for kept in tmp_path.glob("icu.db.replaced-*"):
            assert offsets(kept) == (500, 1_000)
            kept.unlink()
    assert number > 20


def test_an_interruption(filled: Path, url: str, tmp_path: Path) -> None:
    """Ctrl-C ends a backup in order, and nothing is left."""

    def interrupt(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine_of(url).back_up(tmp_path / "backup.db", began=NOON, overwrite=False, report=interrupt)
    assert sorted(each.name for each in tmp_path.iterdir() if not each.name.startswith("icu.db")) == []
    assert offsets(filled) == (500, 500)
