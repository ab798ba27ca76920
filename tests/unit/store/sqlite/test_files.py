"""Files of a database on the disk: their location, their rights and the lock of the one sink."""

import errno
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest
from anyio import to_thread
from loguru import logger

from icu.config.errors import ConfigurationError
from icu.store.engines.sqlite import files
from icu.store.engines.sqlite.upgrading import upgrade
from icu.store.errors import StoreInUseError, StoreUnavailableError
from icu.store.writer import Writer, open_writer
from tests.samples import observation
from tests.stores import store


async def opened(path: Path) -> None:
    """Open the database as a sink, and close it again."""
    with anyio.fail_after(10):
        async with open_writer(f"sqlite:///{path}", topic="icu.test"):
            pass


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """Usual umask: other users may read new files."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Rights of the files in a folder."""
    return {each.name: f"{stat.S_IMODE(each.stat().st_mode):o}" for each in sorted(folder.iterdir())}


@pytest.mark.usefixtures("usual_umask")
async def test_a_new_database_is_its_owners_alone(tmp_path: Path, writer: Writer) -> None:
    """Patients' data: other users can read neither the database nor the files beside it."""
    await store(writer, [observation(0)])
    assert modes(tmp_path) == {"icu.db": "600", "icu.db-shm": "600", "icu.db-wal": "600", "icu.db.lock": "600"}


@pytest.mark.usefixtures("usual_umask")
async def test_so_is_one_that_an_upgrade_makes(tmp_path: Path) -> None:
    """An upgrade makes private files too, also at the target of a link where there is no file yet."""
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    await to_thread.run_sync(upgrade, tmp_path / "link.db")
    assert modes(tmp_path) == {"link.db": "600", "real.db": "600"}


@pytest.mark.parametrize(("mode", "warnings"), [(0o644, 1), (0o640, 0), (0o600, 0)])
async def test_a_database_that_all_users_can_read_is_logged(tmp_path: Path, mode: int, warnings: int) -> None:
    """Rights for all users are logged and left alone, for they may be intended; a group's are fine."""
    path = tmp_path / "icu.db"
    await opened(path)
    path.chmod(mode)
    lines: list[str] = []
    logger.add(lines.append, level="WARNING", format="{message}")
    await opened(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [line.count("can be read by every user") for line in lines] == [1] * warnings


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere/icu.db", "does not exist"),
        ("file/icu.db", "does not exist"),
        ("folder", "is no file"),
        ("pipe", "is no file"),
        ("loop", "cannot be"),
        (f"{'x' * 300}.db", "File name too long"),
    ],
)
async def test_a_place_where_there_can_be_no_database(tmp_path: Path, name: str, why: str) -> None:
    """An error that waiting does not mend is a wrong setting, reported at once; an upgrade says the same."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ConfigurationError, match=why):
        await opened(tmp_path / name)
    with pytest.raises(ConfigurationError, match=why):
        await to_thread.run_sync(upgrade, tmp_path / name)


async def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights are checked beforehand: SQLite reports them like a disk that is away."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigurationError, match="cannot be written to: change its rights"):
        await opened(tmp_path / "icu.db")


@pytest.mark.parametrize("name", ["icu.db", "link.db", "folder/../icu.db"])
async def test_a_second_sink_is_refused(tmp_path: Path, writer: Writer, name: str) -> None:
    """A second sink learns of the first one and of a remedy, by whichever name it opens the file."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.db").symlink_to("icu.db")
    with pytest.raises(StoreInUseError, match="another sink writes to") as refusal:
        await opened(tmp_path / name)
    assert refusal.value.exit_code == 78


async def test_a_database_of_two_names_is_refused(tmp_path: Path, writer: Writer) -> None:
    """SQLite would keep a log beside each hard link: a second sink by the other name would destroy the database."""
    (tmp_path / "other.db").hardlink_to(tmp_path / "icu.db")
    with pytest.raises(ConfigurationError, match="hard link"):
        await opened(tmp_path / "other.db")


async def test_what_the_lock_finds_is_left_as_it_is(tmp_path: Path) -> None:
    """An existing file with the lock's name is locked, not emptied."""
    (tmp_path / "icu.db.lock").write_text("not ours")
    await opened(tmp_path / "icu.db")
    assert (tmp_path / "icu.db.lock").read_text() == "not ours"


def make_socket(path: Path) -> None:
    """Make a socket without a listener."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    "make",
    [lambda path: path.symlink_to(path.with_name("precious")), Path.mkdir, os.mkfifo, make_socket],
    ids=["link", "folder", "pipe", "socket"],
)
async def test_a_lock_that_is_no_plain_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    """A lock that is no plain file is neither followed nor waited for: it may be another user's trap."""
    monkeypatch.chdir(tmp_path)  # sockets have short names
    (tmp_path / "precious").write_text("data")
    make(tmp_path / "icu.db.lock")
    with pytest.raises(ConfigurationError, match="it has to be a plain file"):
        await opened(tmp_path / "icu.db")
    assert (tmp_path / "precious").read_text() == "data"


@contextmanager
def refused(number: int) -> Iterator[None]:
    """Error of each attempt to open a file."""

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", refuse)
        yield


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EACCES, ConfigurationError),
        (errno.EROFS, ConfigurationError),
        (errno.ENOSPC, StoreUnavailableError),
        (errno.EMFILE, StoreUnavailableError),
    ],
)
def test_a_lock_that_cannot_be_made(tmp_path: Path, number: int, kind: type[Exception]) -> None:
    """A refusal is a wrong setting, a full disk is waited for."""
    with refused(number), pytest.raises(kind, match="cannot be had"):
        files.lock(tmp_path / "icu.db")


def test_a_database_that_is_there_is_not_opened(tmp_path: Path) -> None:
    """Closing an existing file would drop the locks that SQLite has on it in this process."""
    path = tmp_path / "icu.db"
    lock = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        files.make(path)
        other = subprocess.run([sys.executable, "-c", lock, path], capture_output=True, text=True, check=False)
    assert "database is locked" in other.stderr
