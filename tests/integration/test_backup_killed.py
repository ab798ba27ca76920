"""Backups and restorations that are killed, and those whose disk is full: all or nothing, and no half file."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest

from icu.store.engines.sqlite.upgrading import upgrade
from tests.stores import execute, rows

# `python -m icu` with these words, which kills itself at the Nth step: calls of SQLite's driver and of the system that
# change files, counted together.
PROGRAM = dedent("""
    import atexit, os, signal, sqlite3, sys
    from pathlib import Path
    from functools import partial, wraps

    left = int(sys.argv.pop(1))
    atexit.register(lambda: Path("left").write_text(str(left)))

    def step():
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(call):
        @wraps(call)
        def count(*args, **options):
            step()
            result = call(*args, **options)
            step()
            return result
        return count

    class Connection(sqlite3.Connection):
        close = counted(sqlite3.Connection.close)
        execute = counted(sqlite3.Connection.execute)

        def backup(self, target, *, progress, **options):
            def look(*args):
                step()
                progress(*args)
            super().backup(target, progress=look, **options)
            step()

    sqlite3.connect = partial(sqlite3.connect, factory=Connection)
    for name in ("fsync", "replace", "rename", "link", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    from icu.store.engines.sqlite import copying
    copying._STEP = 100
    from icu.cli.main import main
    main()
""")
# Pages of several steps, of rows that a test can tell by their reason.
FILLING = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    " INSERT INTO dead_letters (topic, log, partition, offset, reason, detail, size, arrived)"
    f" SELECT 't', 1, 0, i, 'old', '{'x' * 4_000}', 0, 0 FROM n"
)

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def database(url: str, tmp_path: Path) -> Path:
    """A database of some hundreds of pages."""
    upgrade(tmp_path / "icu.db")
    execute(url, FILLING)
    return tmp_path / "icu.db"


@pytest.fixture
def killed(url: str, tmp_path: Path) -> Callable[..., int]:
    """A function that runs a command which kills itself at a step, and returns its exit code."""

    def run(number: int, *words: str) -> int:
        program = [sys.executable, "-c", PROGRAM, str(number), *words]
        environ = {**os.environ, "DATABASE_URL": url}
        return subprocess.run(program, cwd=tmp_path, env=environ, check=False, capture_output=True).returncode

    return run


def reasons(path: Path) -> list[tuple[str, int]]:
    """Return the contents of a whole database: its rows by their reason."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT reason, count(*) FROM dead_letters GROUP BY reason").fetchall()


def steps(folder: Path, every: int) -> Sequence[int]:
    """Return the steps at which a command is killed that has just ended by itself: the last ones, and some before."""
    most = -int((folder / "left").read_text())
    return sorted({*range(1, most, every), *range(most - 6, most + 1)})


# Steps from one death to the next.
EVERY = pytest.mark.parametrize("every", [80, pytest.param(5, marks=pytest.mark.endurance)])


@EVERY
def test_killed_backups(killed: Callable[..., int], database: Path, tmp_path: Path, every: int) -> None:
    """Wherever a backup is killed, there is a whole file under its name or none, and the database is as before."""
    assert killed(0, "db", "backup", "whole.db") == 0
    for number in steps(tmp_path, every):
        target = tmp_path / f"backup-{number}.db"
        code = killed(number, "db", "backup", target.name)
        assert code in (0, -signal.SIGKILL)
        if target.exists():
            assert reasons(target) == [("old", 300)]
        else:
            assert code
        names = {each.name for each in tmp_path.iterdir() if each.name.startswith((".backup", "backup"))}
        assert all(re.match(r"\.backup-\d+\.db\.\d+\.part|backup-\d+\.db\Z", name) for name in names)
    assert reasons(database) == [("old", 300)]


@EVERY
def test_killed_restorations(killed: Callable[..., int], database: Path, url: str, tmp_path: Path, every: int) -> None:
    """Wherever a restoration is killed, the database is the old one or the backup, and the next one restores it."""
    assert killed(0, "db", "backup", "backup.db") == 0
    execute(url, "UPDATE dead_letters SET reason = 'new'")
    shutil.copy(database, tmp_path / "new.db")
    assert killed(0, "db", "restore", "backup.db") == 0
    seen = set()
    for number in steps(tmp_path, every):
        for each in (*tmp_path.glob("icu.db*"), *tmp_path.glob(".icu.db*")):
            each.unlink()
        shutil.copy(tmp_path / "new.db", database)
        killed(number, "db", "restore", "backup.db")
        [(reason, count)] = reasons(database)
        assert count == 300
        for kept in tmp_path.glob("icu.db.replaced-*"):
            assert reasons(kept) == [("new", 300)]
        # What replaces the old database is kept before.
        assert reason == "new" or len(list(tmp_path.glob("icu.db.replaced-*"))) == 1
        seen.add(reason)
        assert killed(0, "db", "restore", "backup.db") == 0
        assert reasons(database) == [("old", 300)]
        assert rows(url, "SELECT count(*) FROM journal") == [(1,)]
    assert seen == {"old", "new"}


@pytest.fixture
def on_small_disk(tmp_path: Path, url: str) -> Command:
    """A function that runs a command beside a disk of so many kilobytes, mounted at `small`."""
    words = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c"]
    trial = [*words, "mount -t tmpfs tmpfs /mnt"]
    if sys.platform != "linux" or shutil.which("unshare") is None or subprocess.run(trial, check=False).returncode:
        pytest.skip("a small disk takes `unshare`, and the right to mount")
    (tmp_path / "small").mkdir()

    def run(command: str, kilobytes: int) -> subprocess.CompletedProcess[str]:
        script = (
            f"mount -t tmpfs -o size={kilobytes}k tmpfs small && {command.replace('icu ', f'{sys.executable} -m icu ')}"
        )
        environ = {**os.environ, "DATABASE_URL": url}
        return subprocess.run(
            [*words, f"{script}; code=$?; ls -A small; exit $code"],
            cwd=tmp_path, env=environ, check=False, capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_a_backup_onto_a_full_disk(on_small_disk: Command, database: Path) -> None:
    """A backup for which there is no room says so, leaves nothing there, and the database goes on."""
    ended = on_small_disk("icu db backup small/backup.db", 1_000)
    assert (ended.returncode, ended.stdout) == (75, "")
    assert "small/" in ended.stderr
    assert "full" in ended.stderr
    assert reasons(database) == [("old", 300)]


@pytest.mark.parametrize("kilobytes", [1_700, 3_000, 4_500])
def test_a_restoration_on_a_full_disk(on_small_disk: Command, database: Path, kilobytes: int) -> None:
    """A restoration for which there is no room, at any of its steps, says so and leaves the old database."""
    command = (
        "icu db backup backup.db && cp icu.db small/icu.db && export DATABASE_URL=sqlite:///small/icu.db"
        " && ( icu db restore backup.db; code=$?; icu db check >&2 && exit $code )"
    )
    ended = on_small_disk(command, kilobytes)
    assert ended.returncode == 75
    assert "full" in ended.stderr or "No space" in ended.stderr
    assert "the database is well" in ended.stderr
    assert ".part" not in ended.stdout
    assert database.exists()
