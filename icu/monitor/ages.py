"""Age of each patient's latest reading, which a clock that is set back must not reduce.

The store keeps the time of arrival on the wall clock. When that is set back by an hour, an hour-old reading looks
fresh, and a dead bedside monitor alive. So each step back is detected, and all that arrived before it ages by a clock
that is never set. Where neither clock can tell, the age is unknown.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

import anyio
from loguru import logger

from icu.ops.steady import steady
from icu.store.errors import StoreError
from icu.store.reader import Reader

# Seconds between two checks of the clocks.
CHECK_EVERY: Final = 1.0

# Seconds of the smallest step that counts as setting a clock; time synchronisation steers it by less.
MIN_STEP: Final = 1.0

# Seconds since a reading arrived, by the patient's uuid as an integer and the arrival in seconds since 1970; None
# before the first reading, and where the clocks cannot tell.
AgeOf: TypeAlias = Callable[[int, float | None], float | None]


class _Arrival(NamedTuple):
    """Latest arrival of a patient's readings, on both clocks; None where the steady time is unknown."""

    wall: float
    steady: float | None


class Ages:
    """Ages of the patients' latest readings.

    Args:
        reader: The store.
        wall: Seconds since 1970, on a clock that people may set.
        steady: Seconds on a clock that is never set.
    """

    def __init__(
        self, reader: Reader, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady
    ) -> None:
        self._reader = reader
        self._wall = wall
        self._steady = steady
        self._lead = self._current_lead()
        self._checked_at: float | None = None
        # By uuid as an integer: to hash and compare UUIDs takes longer than all else of an age.
        self._arrivals: dict[int, _Arrival] = {}

    async def run(self) -> None:
        """Check the clocks until cancelled."""
        while True:
            await self.check_clocks()
            await anyio.sleep(CHECK_EVERY)

    async def check_clocks(self) -> None:
        """Detect that the wall clock was set back, and place all arrivals on the steady clock then.

        At the first check, place those arrivals that lie in the future: the clock was set back before this process
        began.
        """
        if self._checked_at is not None and not self._is_set_back():
            self._lead, self._checked_at = self._current_lead(), self._steady()
            return
        try:
            patients = await self._reader.patients(now=self.now())
        except StoreError:
            return  # reported where readings are served; the next check comes soon
        lead = self._current_lead()
        if self._checked_at is None:
            self._lead = lead
        else:
            logger.warning(
                "the clock was set back by {:.0f} s: until it has caught up, readings from before it stay the latest",
                self._lead - lead,
            )
        self._arrivals = {
            each.uuid.int: self._arrival_of(each.uuid.int, each.arrived.timestamp(), lead)
            for each in patients
            if each.arrived
        }
        self._lead, self._checked_at = lead, self._steady()

    def now(self) -> datetime:
        """Return the time on the wall clock, UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def at_present(self) -> AgeOf:
        """Return a function that gives the ages of many patients, by one look at the clocks."""
        wall, steady, is_set_back = self._wall(), self._steady(), self._is_set_back()
        arrivals = self._arrivals

        def age_of(patient: int, arrived: float | None) -> float | None:
            if arrived is None or is_set_back:
                return None
            by_wall = wall - arrived
            last = arrivals.get(patient) if arrivals else None
            if last is None or last.wall != arrived:
                # Slightly negative ages are rounding: the store keeps milliseconds.
                return max(0.0, by_wall) if by_wall > -MIN_STEP else None
            # The steady clock may have stood still with its machine. The higher of both ages is the safe one.
            return None if last.steady is None else max(by_wall, steady - last.steady)

        return age_of

    def _arrival_of(self, patient: int, arrived: float, lead: float) -> _Arrival:
        """Place an arrival on the steady clock, where it can only lie before the step back."""
        last = self._arrivals.get(patient)
        if last is not None and last.wall == arrived:
            return last
        now = self._steady()
        before, since = arrived - self._lead, arrived - lead
        # The wall clock shows the hour before the step twice: an arrival that fits both times has no known age.
        can_be_before = before <= now + MIN_STEP
        can_be_since = self._checked_at is not None and self._checked_at - MIN_STEP < since <= now + MIN_STEP
        return _Arrival(arrived, before if can_be_before and not can_be_since else None)

    def _current_lead(self) -> float:
        """Seconds that the wall clock is ahead of the steady one: constant until the wall clock is set."""
        return self._wall() - self._steady()

    def _is_set_back(self) -> bool:
        """Tell if the wall clock was set back since the last check."""
        return self._current_lead() < self._lead - MIN_STEP
