"""Rolling up a span of time after the other, each for all patients, group by group."""

from typing import Final

from msgspec import Struct

from icu.store.engines.base import Transaction, Values
from icu.store.rollups import statements
from icu.store.rollups.pace import HOUR_MINUTES
from icu.store.rollups.spans import HOUR, MINUTE, hour_of
from icu.store.rollups.statements import values_of
from icu.store.rollups.step import RolledUp, Step
from icu.store.upkeep_state import UpkeepState


class Window(Struct, frozen=True):
    """Minutes of one hour. Times are milliseconds since 1970 UTC."""

    since: int
    until: int

    @property
    def ends_hour(self) -> bool:
        """True if the hour can be rolled up with its last minutes."""
        return self.until % HOUR == 0

    @property
    def begin(self) -> int:
        """Begin of the readings that make a patient one of the window's: of the hour, where that is rolled up too."""
        return hour_of(self.since) if self.ends_hour else self.since

    @property
    def minutes(self) -> int:
        """Minutes to write for each patient."""
        return (self.until - self.since) // MINUTE + (HOUR_MINUTES if self.ends_hour else 0)


class Windows:
    """The window under way. A crash forgets it, and it is rolled up again."""

    def __init__(self) -> None:
        self._window = Window(0, 0)
        # Key of the last patient who is rolled up in it.
        self._after = 0

    async def roll(self, step: Step) -> RolledUp:
        """Roll up the next patients of the window, and move on to the next window behind the last ones."""
        window = _window_of(step.state)
        if window != self._window:
            self._window, self._after = window, 0
        group = await _Group.find(step, window, self._after)
        if not group.patients and not self._after:
            # To go through empty hours one by one would take ages behind a clock that once was years behind.
            group.end = await step.begin_of_next(window.until, step.state.marked_until or 0)
        await step.write(lambda transaction: group.write(step, transaction), minutes=group.patients * window.minutes)
        self._after = group.last
        return step.result(readings=group.readings)


class _Group:
    """Some patients in a window, with their statistics as they were read."""

    def __init__(self, window: Window, after: int, last: int) -> None:
        self._window: Final = window
        self._after: Final = after
        self.last: Final = last
        self.patients = 0
        self.readings = 0
        # End of what is rolled up once these are; None if there are more patients.
        self.end: int | None = None
        self._minutes: list[Values] = []

    @classmethod
    async def find(cls, step: Step, window: Window, after: int) -> "_Group":
        """Read the statistics of the patients behind `after`, as many as the pace allows."""
        count = step.pace.units(window.minutes)
        wanted = {"after": after, "since": window.begin, "until": window.until, "count": count}
        async with step.door.connection() as connection:
            patients = await connection.rows(statements.PATIENTS, wanted)
            found = cls(window, after, patients[-1][0] if patients else after)
            if patients:
                span = {"after": after, "last": found.last, "since": window.since, "until": window.until}
                minutes = await connection.rows(statements.MINUTES, span)
                found._minutes = [values_of(row) for row in minutes]
                found.readings = sum(row[-1] for row in minutes)
        found.patients = len(patients)
        found.end = window.until if len(patients) < count else None
        return found

    async def write(self, step: Step, transaction: Transaction) -> None:
        """Write them."""
        if self.patients:
            await transaction.execute(statements.WRITE_MINUTES, self._minutes)
            if self._window.ends_hour:
                hour = {"after": self._after, "last": self.last, "hour": self._window.begin}
                await transaction.execute(statements.WRITE_HOUR, [hour])
        if self.end is not None:
            await step.roll_until(transaction, self.end)


def _window_of(state: UpkeepState) -> Window:
    since, marked = state.rolled_until or 0, state.marked_until or 0
    return Window(since, min(marked, hour_of(since) + HOUR))
