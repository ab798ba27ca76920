"""Writes of other programs to the database while the sink has it open.

To restore a copy is a transaction like any other (`sqlite3 icu.db ".restore copy.db"`): nothing fails, but what the
sink knows of the database may be wrong from then on, though its offsets be the same.
"""

from collections.abc import Mapping
from typing import Any, Final

import aiosqlite

from icu.messages import Position
from icu.store.errors import PositionConflictError

_POSITIONS: Final = "SELECT partition, next, mark FROM consumer_offsets WHERE topic = ?"


class Others:
    """Tells whether others have written. A transaction of the sink's own is no news."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._version: object = None
        """The connection, and its number of the last transaction of others: it can be compared on this one alone."""
        self._mark = 0
        self._positions: dict[int, Position] = {}

    async def begin(self, driver: aiosqlite.Connection) -> int:
        """Take the database as it stands for the sink's own work; returns its mark."""
        self._version = await _version(driver)
        self._mark, self._positions = await self._state(driver)
        return self._mark

    def moved(self, positions: Mapping[int, Position]) -> None:
        """Take in how far the sink itself has stored some partitions."""
        self._positions |= positions

    async def have_written(self, driver: aiosqlite.Connection) -> bool:
        """Tell if they have since the last time. PositionConflictError where it is another database, or is stored
        another way, in whatever partition."""
        version = await _version(driver)
        if version == self._version:
            return False
        if await self._state(driver) != (self._mark, self._positions):
            raise PositionConflictError(
                f"the stored offsets of {self._topic} were moved meanwhile: another copy of the database was restored, "
                "or another sink writes to it"
            )
        self._version = version
        return True

    async def _state(self, driver: aiosqlite.Connection) -> tuple[int, dict[int, Position]]:
        [(mark,)] = await driver.execute_fetchall("PRAGMA user_version")
        return int(mark), await positions_of(driver, self._topic)


async def positions_of(driver: aiosqlite.Connection, topic: str) -> dict[int, Position]:
    """How far each partition of the topic is stored."""
    found: Any = await driver.execute_fetchall(_POSITIONS, (topic,))
    return {partition: Position(offset, mark) for partition, offset, mark in found}


async def _version(driver: aiosqlite.Connection) -> object:
    [(version,)] = await driver.execute_fetchall("PRAGMA data_version")
    return driver, version
