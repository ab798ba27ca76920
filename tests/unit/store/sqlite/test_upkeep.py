"""Upkeep of a file that is exchanged while it is open."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from icu.messages import Position
from icu.store.errors import SchemaError, StoreMovedError
from icu.store.upkeep import Upkeep, open_upkeep
from icu.store.writer import open_writer
from tests.rollups import HOUR, stored
from tests.samples import observation
from tests.stores import NOON, rows, store

NOW = NOON + 3 * HOUR


async def made(path: Path, seconds: Sequence[float]) -> str:
    """A database with readings of Anna's, closed. Returns its URL."""
    url = f"sqlite:///{path}"
    async with open_writer(url, topic="icu.test") as writer:
        await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
        await store(writer, [observation(each) for each in seconds])
    return url


async def roll_up(upkeep: Upkeep) -> None:
    """Roll up until there is nothing left to do."""
    while not (await upkeep.roll_up(NOW)).done:
        pass


async def test_exchanged_in_a_transaction(tmp_path: Path) -> None:
    """Nothing is written to the file that is gone, and the next step begins with the one that is there."""
    url = await made(tmp_path / "icu.db", [0])
    other = await made(tmp_path / "other.db", [60, 120])

    async def exchange(_transaction: object) -> None:
        await anyio.Path(tmp_path / "icu.db").rename(tmp_path / "gone.db")
        await anyio.Path(tmp_path / "other.db").rename(tmp_path / "icu.db")

    async with open_upkeep(url) as upkeep:
        await upkeep.state()
        with pytest.raises(StoreMovedError):
            await upkeep.transact(exchange)
        await roll_up(upkeep)
        assert (await upkeep.state()).commits > 0
    assert rows(f"sqlite:///{tmp_path / 'gone.db'}", "SELECT commits FROM upkeep_state") == [(0,)]
    assert (len(stored(url).minutes), stored(url).wrong()) == (2, [])
    assert rows(url, "PRAGMA integrity_check") == [("ok",)]
    assert other.endswith("other.db")


async def test_exchanged_between_reading_and_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics that were read of one database are not written to another one."""
    url = await made(tmp_path / "icu.db", [0, 1, 2])
    await made(tmp_path / "other.db", [60])
    transact = Upkeep.transact

    async def between(self: Upkeep, work: object) -> object:
        monkeypatch.undo()
        await anyio.Path(tmp_path / "other.db").replace(tmp_path / "icu.db")
        return await transact(self, work)  # type: ignore[arg-type] - passed on

    async with open_upkeep(url) as upkeep:
        await upkeep.roll_up(NOW)
        monkeypatch.setattr(Upkeep, "transact", between)
        with pytest.raises(StoreMovedError):
            await upkeep.roll_up(NOW)
        assert stored(url).minutes == {}
        await roll_up(upkeep)
    assert (stored(url).minutes.keys(), stored(url).wrong()) == ({(1, NOON + 60_000)}, [])


async def test_removed(tmp_path: Path) -> None:
    """An upkeep waits for the next database."""
    url = await made(tmp_path / "icu.db", [0])

    async def nothing(_transaction: object) -> None: ...

    async with open_upkeep(url) as upkeep:
        await roll_up(upkeep)
        await anyio.Path(tmp_path / "icu.db").unlink()
        with pytest.raises(SchemaError, match="there is no database"):
            await upkeep.roll_up(NOW)
        with pytest.raises(StoreMovedError):
            await upkeep.transact(nothing)
