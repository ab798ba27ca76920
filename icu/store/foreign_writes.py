"""Check for writes of other programs while the sink has the database open.

Restoring a copy may be a transaction like any other. Nothing fails, but the sink's copy of patients and offsets may be
wrong from then on.

Commands of people (icu.store.commands) are other programs' commits too, and change neither. They raise a counter. Where
it has risen, a commit counts as theirs, and costs the sink one query: a restored copy has an older count, or the same.
So do the transactions of the upkeep, with a counter of their own. Only a person who edits the database by hand within
the same second as a command goes unnoticed.
"""

from collections.abc import Hashable, Mapping
from typing import Final

from sqlalchemy import text

from icu.messages import Position
from icu.store.engines.base import Transaction
from icu.store.errors import PositionConflictError
from icu.store.upkeep_state import UpkeepState, read_upkeep_state

_COMMANDS: Final = text("SELECT count FROM command_count")
_POSITIONS: Final = text("SELECT partition, next, mark FROM consumer_offsets WHERE topic = :topic")


class ForeignWrites:
    """Check for commits by programs other than this sink."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        # Changes with each foreign commit.
        self._token: Hashable = None
        # Generation and positions as the sink knows them.
        self._generation = 0
        self._positions: dict[int, Position] = {}
        # Number of commands that were carried out.
        self.commands = 0
        # State of the upkeep as of the last check: it changes by commits of the upkeep alone.
        self.upkeep = UpkeepState()

    async def begin(self, transaction: Transaction) -> int:
        """Accept the present state of the database. Returns its generation."""
        self._token = await transaction.change_token()
        self._generation, self._positions = await self._state(transaction)
        self.commands = await commands_of(transaction)
        self.upkeep = await read_upkeep_state(transaction)
        return self._generation

    def advance(self, positions: Mapping[int, Position]) -> None:
        """Note new positions of the sink's own transaction."""
        self._positions |= positions

    async def check(self, transaction: Transaction) -> bool:
        """Check for foreign commits since the last check.

        Returns:
            True if there were any but commands and upkeep, and they left generation and positions alone.

        Raises:
            PositionConflictError: Generation or positions differ, in any partition of the topic.
        """
        token = await transaction.change_token()
        if token == self._token:
            return False
        if await self._state(transaction) != (self._generation, self._positions):
            raise PositionConflictError(
                f"the stored offsets of {self._topic} were moved meanwhile: another copy of the database was restored, "
                "or another sink writes to it"
            )
        before = self.commands, self.upkeep.commits
        self.commands, self.upkeep = await commands_of(transaction), await read_upkeep_state(transaction)
        self._token = token
        return self.commands <= before[0] and self.upkeep.commits <= before[1]

    async def _state(self, transaction: Transaction) -> tuple[int, dict[int, Position]]:
        return await transaction.generation(), await positions_of(transaction, self._topic)


async def commands_of(transaction: Transaction) -> int:
    """Read the number of commands that were carried out."""
    [(count,)] = await transaction.rows(_COMMANDS)
    return int(count)


async def positions_of(transaction: Transaction, topic: str) -> dict[int, Position]:
    """Read the stored position of each partition of the topic."""
    rows = await transaction.rows(_POSITIONS, {"topic": topic})
    return {partition: Position(offset, mark) for partition, offset, mark in rows}
