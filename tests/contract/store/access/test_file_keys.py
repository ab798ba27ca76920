"""Keys of a file beside those of the database: they come and go with its lines."""

from datetime import timedelta
from pathlib import Path

import pytest
from anyio import to_thread
from loguru import logger

from icu.access.keys_file import FileKey, format_key
from icu.access.principals import Principal
from icu.access.roles import Role
from icu.config.errors import ConfigurationError
from icu.config.settings import Secret
from icu.store.access.lookup import Access, Existing
from icu.store.access.tokens import hash_of, new_key
from tests.access import gate
from tests.samples import START


@pytest.fixture
def wall() -> Secret:
    """Key of the file."""
    return new_key()


@pytest.fixture
def path(tmp_path: Path, wall: Secret) -> Path:
    """File with one key."""
    write(tmp_path / "keys.txt", line_of(wall.reveal()))
    return tmp_path / "keys.txt"


def write(path: Path, text: str) -> None:
    """Write the file anew."""
    path.write_text(text)


def remove(path: Path) -> None:
    """Remove the file."""
    path.unlink()


def line_of(key: str, name: str = "wall", end: float | None = None) -> str:
    """Return the line of a viewer's key that ends after so many hours."""
    return format_key(FileKey(name, Role.VIEWER, hash_of(key), None if end is None else START + timedelta(hours=end)))


async def test_a_key_of_the_file(url: str, path: Path, wall: Secret) -> None:
    """A key of the file is like one of the database, and closes it."""
    async with gate(url, path) as ward:
        await to_thread.run_sync(ward.access.load_file)
        assert await ward.who(wall) == Principal("wall", "key", Role.VIEWER)
        assert ward.access.has_file_keys
        found = await ward.access.existing()
        assert (found, found.closed) == (Existing(0, 0, 1, None), True)


async def test_a_line_that_is_gone(url: str, path: Path, wall: Secret) -> None:
    """A changed file is read at the next look: its lines come and go, and with them their sessions."""
    async with gate(url, path) as ward:
        await to_thread.run_sync(ward.access.load_file)
        session = await ward.log_in_with(wall)
        assert await ward.who(session.token) is not None
        other = new_key()
        write(path, line_of(other.reveal(), "other"))
        ward.later()
        assert [await ward.who(each) for each in (wall, session.token)] == [None, None]
        assert await ward.who(other) == Principal("other", "key", Role.VIEWER)


async def test_a_mistake_at_the_start(url: str, path: Path, wall: Secret) -> None:
    """A mistake ends the start, with file, line and what to write; the key in it is not shown."""
    write(path, f"# keys\nwall viewer {wall.reveal()}\n")
    access = Access(url, keys_file=path)
    with pytest.raises(ConfigurationError, match=r"keys\.txt:2: .*never the key itself") as caught:
        await to_thread.run_sync(access.load_file)
    assert wall.reveal() not in str(caught.value)
    remove(path)
    with pytest.raises(ConfigurationError, match=r"does not exist: .* keys add NAME --role viewer --file FILE"):
        await to_thread.run_sync(access.load_file)
    await to_thread.run_sync(path.mkdir)
    with pytest.raises(ConfigurationError, match=r"is a folder.*: remove it\. Then .* keys add NAME"):
        await to_thread.run_sync(access.load_file)


async def test_a_mistake_later(url: str, path: Path, wall: Secret) -> None:
    """Later, a mistake costs its line, and a file that is gone all its keys: the log says so."""
    said: list[str] = []
    logger.add(said.append, format="{level} {message}")
    async with gate(url, path) as ward:
        await to_thread.run_sync(ward.access.load_file)
        other = new_key()
        write(path, f"{line_of(wall.reveal())}\nother viewr {hash_of(other.reveal())}\n")
        ward.later()
        assert (await ward.who(wall), await ward.who(other)) == (Principal("wall", "key", Role.VIEWER), None)
        remove(path)
        ward.later()
        assert await ward.who(wall) is None
    assert [each for each in said if "keys.txt:2" in each and "no role" in each]
    assert [each for each in said if each.startswith("ERROR") and "no key of the file" in each]
    assert len(said) == 3


async def test_an_expired_line(url: str, path: Path, wall: Secret) -> None:
    """A line with an end is valid until then. Its end opens nothing, in a monitor that starts afterwards either."""
    write(path, line_of(wall.reveal(), end=1))
    async with gate(url, path) as ward:
        await to_thread.run_sync(ward.access.load_file)
        assert await ward.who(wall) is not None
        ward.later(3_600)
        assert await ward.who(wall) is None
        assert ward.access.has_file_keys
        assert (await ward.access.existing()).closed
