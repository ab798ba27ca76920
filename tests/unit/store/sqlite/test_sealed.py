"""Sealed databases are read without locks; a database that is written to after all, never."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
from anyio import to_thread

from icu.messages import Position
from icu.store.engines.sqlite import sealed
from icu.store.engines.sqlite.sealed import File, find_file, why_unopened
from icu.store.errors import StoreUnavailableError
from icu.store.reader import Reader
from icu.store.writer import open_writer
from tests.samples import START, observation
from tests.stores import store

Pulse = Callable[[], Awaitable[float | None]]


@pytest.fixture
async def path(url: str, tmp_path: Path) -> Path:
    """Database with one patient, cleanly closed."""
    await add(url, 0)
    return tmp_path / "icu.db"


async def add(url: str, offset: int) -> None:
    """Store one reading, and close the database cleanly."""
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(offset, "m")}, other_logs=frozenset())
        await store(writer, [observation(offset, pulse=70 + offset)], start=offset)


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mount reports that it is read-only; tests/e2e has real ones."""
    statvfs = os.statvfs
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=statvfs(path).f_flag | os.ST_RDONLY))


@pytest.fixture
async def pulse(url: str) -> AsyncIterator[Pulse]:
    """Read the pulse of the latest reading."""
    reader = Reader(url)

    async def latest() -> float | None:
        [patient] = await reader.patients(now=START)
        return patient.latest and patient.latest.pulse

    yield latest
    await reader.aclose()


async def test_a_mount_that_can_be_written_to_is_none(path: Path) -> None:
    """A file on a writable mount is not sealed, whatever is beside it."""
    status = await anyio.Path(path).stat()
    assert await to_thread.run_sync(find_file, path) == File(status.st_dev, status.st_ino, None)


@pytest.mark.parametrize(
    ("log", "index", "sealed"),
    [(None, None, True), (b"", None, True), (b"rows", None, False), (b"", b"", False), (None, b"", False)],
)
@pytest.mark.usefixtures("read_only")
async def test_what_stands_beside_it_decides(
    path: Path, log: bytes | None, index: bytes | None, *, sealed: bool
) -> None:
    """Rows in a log are not lost, and an index means that a program may write."""
    for ending, content in (("-wal", log), ("-shm", index)):
        if content is not None:
            path.with_name(path.name + ending).write_bytes(content)
    status = await anyio.Path(path).stat()
    seal = (status.st_size, status.st_mtime_ns) if sealed else None
    assert await to_thread.run_sync(find_file, path) == File(status.st_dev, status.st_ino, seal)


@pytest.mark.parametrize("name", ["icu.db", "."])
async def test_its_folder_is_part_of_it(tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file that is mounted by itself may have its log elsewhere, and a folder may be a mount of its own."""
    flags = {(tmp_path / name): os.ST_RDONLY}
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=flags.get(path, 0)))
    found = await to_thread.run_sync(find_file, path)
    assert found is not None
    assert found.seal is None


@pytest.mark.usefixtures("read_only")
async def test_a_link_leads_to_where_its_log_is(path: Path, tmp_path: Path) -> None:
    """SQLite's files are beside the target of a link."""
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    path.with_name("icu.db-wal").write_bytes(b"rows")
    found = await to_thread.run_sync(find_file, link)
    assert found is not None
    assert found.seal is None


@pytest.mark.usefixtures("read_only")
async def test_one_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is not sealed."""
    assert await to_thread.run_sync(find_file, tmp_path / "icu.db") is None


@pytest.mark.usefixtures("read_only", "path")
async def test_writes_through_another_mount_are_noticed(url: str, pulse: Pulse) -> None:
    """Each answer shows the present content of a file that another mount writes to."""
    assert await pulse() == 70
    await add(url, 1)
    assert await pulse() == 71
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(2, "m")}, other_logs=frozenset())
        await store(writer, [observation(2, pulse=72)], start=2)
        assert await pulse() == 72


@pytest.mark.usefixtures("read_only")
async def test_an_answer_from_what_changed_meanwhile_is_none(
    path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer from a file that changed meanwhile is refused: it may be half old, half new."""
    reader = Reader(url)
    await reader.check()
    there = await to_thread.run_sync(find_file, path)
    assert there is not None
    answers = [there, there._replace(seal=(1, 2))]

    monkeypatch.setattr(sealed, "find_file", lambda _: answers.pop(0))
    with pytest.raises(StoreUnavailableError, match="was written to meanwhile"):
        await reader.patients(now=START)
    await reader.aclose()


@pytest.mark.usefixtures("read_only", "path")
async def test_a_follower_stops_where_it_is_written_to(url: str) -> None:
    """A follower ends when the file is written to, and begins anew with the new content."""
    reader = Reader(url)
    with pytest.raises(StoreUnavailableError):
        async with reader.follow() as follower:
            await follower.version()
            await add(url, 1)
            await follower.version()
    await reader.aclose()


async def test_a_folder_that_can_be_written_to_is_not_blamed(path: Path) -> None:
    """A writable folder is not the reason why a database cannot be opened."""
    assert await to_thread.run_sync(why_unopened, path) is None


@pytest.mark.parametrize(
    ("log", "remedy"),
    [
        (None, "change its rights, or mount it read-only once the sink has stopped"),
        (b"", "change its rights, or mount it read-only once the sink has stopped"),
        (b"rows", "icu.db-wal holds what the database lacks: let a sink or a monitor open it where they can write"),
    ],
)
async def test_a_folder_that_cannot_be_written_to_is_named(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: bytes | None, remedy: str
) -> None:
    """The folder is that of a link's target; rows in a log are not given up on a read-only mount."""
    if log is not None:
        path.with_name("icu.db-wal").write_bytes(log)
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    monkeypatch.setattr(os, "access", lambda path, right: not (path == tmp_path and right == os.W_OK))
    assert await to_thread.run_sync(why_unopened, link) == (
        f"{link} cannot be read, for SQLite needs files beside it, and {tmp_path} cannot be written to: {remedy}"
    )
