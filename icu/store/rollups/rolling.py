"""Rolling up, a bounded step at a time.

A step reads without a lock, and writes what it made of that in a short transaction. Nothing is missed: readings before
`marked_until` that are stored meanwhile mark their hour as late, and a late hour loses its mark only in a transaction
that finds as many readings in it as were rolled up. So a crash between any two transactions repeats work, at most.
"""

from functools import partial
from typing import Final

from icu.store.engines.base import Transaction
from icu.store.errors import VersionConflictError
from icu.store.rollups import statements
from icu.store.rollups.late import roll_up_late
from icu.store.rollups.pace import Pace
from icu.store.rollups.spans import HOUR, MINUTE, minute_of
from icu.store.rollups.step import Door, RolledUp, Step
from icu.store.rollups.windows import Windows
from icu.store.upkeep_state import read_upkeep_state

# Milliseconds behind now up to which readings are rolled up: most have arrived by then, and need no mark.
DELAY: Final = 2 * MINUTE


class Rolling:
    """The steps, one at a time."""

    def __init__(self, door: Door, pace: Pace) -> None:
        self._door = door
        self._pace = pace
        self._windows = Windows()

    async def step(self, now: int) -> RolledUp:
        """Do the next piece of work: see icu.store.upkeep.Upkeep.roll_up."""
        step = await self._step(now)
        try:
            return await self._next(step, minute_of(now - DELAY))
        except VersionConflictError:
            # Another transaction of the upkeep came between. The next step begins with what it left.
            return step.result()

    async def _next(self, step: Step, until: int) -> RolledUp:
        marked, rolled = step.state.marked_until, step.state.rolled_until
        if marked is None:
            await step.write(partial(_mark, until))
            return await self._next(await self._step(step.now), until)
        if rolled is None:
            # Marked first: from then on no reading comes unseen before the first one that is there.
            begin = await step.begin_of_next(0, marked)
            await step.write(partial(step.roll_until, end=begin))
            return step.result()
        if rolled < marked:
            return await self._windows.roll(step)
        if until > marked:
            await step.write(partial(_mark, until))
            return step.result()
        if until < marked - HOUR:
            await step.write(partial(_go_back, step, until))
            return step.result()
        return await roll_up_late(step)

    async def _step(self, now: int) -> Step:
        async with self._door.connection() as connection:
            return Step(self._door, self._pace, await read_upkeep_state(connection), now)


async def _mark(until: int, transaction: Transaction) -> None:
    await transaction.execute(statements.MARK_UNTIL, [{"until": until}])


async def _go_back(step: Step, until: int, transaction: Transaction) -> None:
    """Mend what a clock did that was ahead: all readings would be late until it is as late as it said."""
    await _mark(until, transaction)
    # What is rolled up already is so again; never what is deleted.
    await step.roll_until(transaction, max(until, step.state.raw_horizon or 0))
