"""Deleting what is old, a bounded step at a time.

First the sink is told to store nothing more before the next horizon: where senders are always late, hours would never
be rolled up for good otherwise. Once all before it is rolled up, the horizon moves, in the transaction that deletes the
first rows: roll-ups are never made of a part of the readings. Readers serve nothing before it. So a crash between two
steps leaves rows that nobody sees, which the next run deletes. Neither border ever moves back.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import text

from icu.config.retention import Retention, seconds_of
from icu.store.engines.base import Transaction
from icu.store.errors import VersionConflictError
from icu.store.retention.sweeps import SWEEPS, Horizon, Sweep
from icu.store.rollups.pace import Pace
from icu.store.rollups.spans import hour_of
from icu.store.rollups.step import Door
from icu.store.upkeep_state import UpkeepState, read_upkeep_state

# Rows to delete in the first transaction of a kind, and at most: 5,000 readings take 2 ms here, and a dead letter may
# take as long as a thousand of them.
FIRST: Final = 100
MOST: Final = 5_000

_LAST_PATIENT: Final = text("SELECT coalesce(max(id), 0) FROM patients")
_REFUSE: Final = text(
    "UPDATE upkeep_state SET refused_until = :until"
    " WHERE coalesce(refused_until, 0) < :until AND coalesce(rolled_until, 0) >= :until"
)
_LATE: Final = "EXISTS (SELECT 1 FROM late_hours WHERE hour < :until)"
_IS_READY: Final = text(f"SELECT coalesce(rolled_until, 0) >= :until AND NOT {_LATE} FROM upkeep_state")  # noqa: S608 - our own
_MOVES: Final[dict[Horizon, Any]] = {
    each: text(f"UPDATE upkeep_state SET {each} = :until WHERE coalesce({each}, 0) < :until")  # noqa: S608 - names of our own
    for each in ("raw_horizon", "minute_horizon", "hour_horizon")
}


class Deleted(Struct, frozen=True):
    """Result of a step."""

    # True if there was nothing left to do.
    done: bool
    # Kind of the rows: icu.store.retention.sweeps.
    kind: str = ""
    rows: int = 0
    # Share of this kind's work that is done, as far as is known: 0 to 1.
    share: float = 0.0


class _Place(Struct, frozen=True):
    """Progress of a sweep."""

    # Milliseconds since 1970 UTC: what is older is deleted.
    until: int
    # Patient with whom to go on.
    after: int = 0
    done: bool = False


class Deleting:
    """The steps, one at a time.

    Args:
        door: The database.
        clock: Seconds of a steady clock, by which transactions are kept short.
        retention: How long each kind is kept.
    """

    def __init__(self, door: Door, clock: Callable[[], float], retention: Retention) -> None:
        self._door = door
        self._paces = {each.kind: Pace(clock, FIRST, most=MOST) for each in SWEEPS}
        self._kept = {each.setting: seconds_of(getattr(retention, each.setting)) * 1000 for each in SWEEPS}
        # By kind. A crash forgets them, and all is looked for again.
        self._places: dict[str, _Place] = {}

    async def step(self, now: int) -> Deleted:
        """Delete the next rows: see icu.store.upkeep.Upkeep.delete."""
        async with self._door.connection() as connection:
            state = await read_upkeep_state(connection)
        if await self._refuse(state, now):
            return Deleted(done=False, kind="raw")
        for sweep in SWEEPS:
            until = await self._until(sweep, state, now)
            place = self._places.get(sweep.kind)
            if place is None or place.until != until:
                place = _Place(until, done=until <= 0)
            if not place.done:
                try:
                    return await self._sweep(sweep, place, state)
                except VersionConflictError:
                    # Another transaction came between. The next step begins with what it left.
                    return Deleted(done=False, kind=sweep.kind)
        return Deleted(done=True)

    async def _refuse(self, state: UpkeepState, now: int) -> bool:
        """Have the sink store nothing more before the next horizon, if all but late hours is rolled up. Tell if so."""
        until = self._wanted("raw", now)
        if not (state.refused_until or 0) < until <= (state.rolled_until or 0):
            return False
        await self._door.transact(lambda transaction: transaction.execute(_REFUSE, [{"until": until}]))
        return True

    def _wanted(self, setting: str, now: int) -> int:
        """Return the end of what is too old by its setting; 0 for nothing."""
        kept = self._kept[setting]
        return 0 if math.isinf(kept) else max(0, hour_of(now - round(kept)))

    async def _until(self, sweep: Sweep, state: UpkeepState, now: int) -> int:
        """Return the end of what is to be deleted; 0 for nothing."""
        wanted = self._wanted(sweep.setting, now)
        match sweep.horizon:
            case None:
                return wanted
            case "raw_horizon":
                before, refused = state.raw_horizon or 0, state.refused_until or 0
                return refused if refused > before and await self._is_ready(refused) else before
            case "minute_horizon":
                return max(min(wanted, state.raw_horizon or 0), state.minute_horizon or 0)
            case "hour_horizon":
                return max(min(wanted, state.minute_horizon or 0), state.hour_horizon or 0)

    async def _is_ready(self, until: int) -> bool:
        """Tell if all before a time is rolled up, late hours too."""
        async with self._door.connection() as connection:
            [(ready,)] = await connection.rows(_IS_READY, {"until": until})
        return bool(ready)

    async def _sweep(self, sweep: Sweep, place: _Place, state: UpkeepState) -> Deleted:
        most = self._paces[sweep.kind].units(1)
        until = await self._door.until_days(place.until) if sweep.horizon == "raw_horizon" else place.until
        async with self._door.connection() as connection:
            wanted = {"until": until, "after": place.after, "most": most}
            found = await connection.rows(sweep.find, wanted)
            [(last,)] = await connection.rows(_LAST_PATIENT)
        has_patients = sweep.keys[0] == "patient"
        count = sum(row[-1] for row in found) if has_patients else len(found)
        moves = sweep.horizon is not None and place.until > (getattr(state, sweep.horizon) or 0)
        rows = await self._delete(sweep, found, place.until, count) if found or moves else 0
        after = found[-1][0] if found and has_patients else place.after
        self._places[sweep.kind] = _Place(place.until, after, done=count < most)
        return Deleted(
            done=False, kind=sweep.kind, rows=rows or 0, share=after / last if has_patients and last else 0.0
        )

    async def _delete(self, sweep: Sweep, found: Sequence[Sequence[Any]], until: int, count: int) -> int:
        values, pace = sweep.values(found, until), self._paces[sweep.kind]

        async def work(transaction: Transaction) -> int:
            pace.begin()
            if sweep.horizon is not None:
                await _move(transaction, sweep.horizon, until)
            if not values:
                return 0
            rows = await transaction.execute(sweep.delete, values)
            if sweep.afterwards is not None:
                await transaction.execute(sweep.afterwards, values)
            return rows

        rows = await self._door.transact(work)
        if count:
            pace.end(count)
        return rows


async def _move(transaction: Transaction, horizon: Horizon, until: int) -> None:
    """Move a horizon, unless it is there or beyond already.

    Raises:
        VersionConflictError: Not all before it is rolled up any more: another upkeep has followed a clock back.
    """
    if await transaction.execute(_MOVES[horizon], [{"until": until}]) and horizon == "raw_horizon":
        [(ready,)] = await transaction.rows(_IS_READY, {"until": until})
        if not ready:
            raise VersionConflictError("not all that is to be deleted is rolled up any more")
