"""A bay of simulated patients: observed every `interval` seconds of a clock of their own, which may lie behind."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil, floor
from typing import Final

from icu.messages import Observation
from icu.patient.beds import Identity, Truth
from icu.patient.cohort import Cohort
from icu.patient.scenarios import Scenario

APART: Final = 0.25
"""Seconds between two bays at least."""

LONGEST_GAP: Final = 3_600.0
"""Seconds of readings left out behind which a course goes on as it would have, to the byte."""


class SimulatedBay:
    """Patients of one cohort. Their clock begins at `start` when the emulator does, runs `speed` times as fast as ours
    until it has caught up with it, and then goes with it.

    Observations lie on a grid, `offset + n * interval` seconds after the start. Those of the past are all sent, however
    late; those of now are left out when they are late by more than the interval.
    """

    def __init__(
        self, cohort: Cohort, *, interval: float, offset: float, start: datetime, launch: datetime, speed: float
    ) -> None:
        """`launch` is now; `start` may lie before it."""
        self.identities: Sequence[Identity] = cohort.identities
        self.latest: Sequence[Observation] = ()
        self._cohort = cohort
        self._interval = interval
        self._start = start
        self._launch = launch
        self._speed = speed
        self._offset = offset
        self._slot = 0
        self._observed = 0
        self._caught_up = False
        self._zero = launch
        self._latest_due = float("inf")

    @property
    def time(self) -> datetime:
        """Of the next observations."""
        return self._start + timedelta(milliseconds=round(1_000 * (self._offset + self._slot * self._interval)))

    @property
    def can_wait(self) -> bool:
        """Only until it has caught up."""
        return not self._caught_up

    def begin(self, now: datetime) -> None:
        """Go on with the first slot that is not past."""
        self._zero = now
        if self._caught_up:
            self._slot += max(0, ceil(self._late(now) / self._interval))
            self._latest_due = self._interval

    def due(self) -> float:
        """When the next slot is. A clock that is set back does not silence anybody."""
        return min(self._latest_due, (self._planned() - self._zero).total_seconds())

    def observe(self) -> Sequence[Observation]:
        """What the monitors show at the next slot."""
        self._pass(self._slot - self._observed)
        self._observed = self._slot
        self.latest = self._cohort.observe(self.time, self._interval)
        return self.latest

    def advance(self, elapsed: float, now: datetime) -> int:
        """Go on to the next slot, past those that are late: a stalled emulator does not make up for it with a burst."""
        self._slot += 1
        self._zero = now - timedelta(seconds=elapsed)
        self._latest_due = elapsed + self._interval / min(1.0, self._speed)
        if self.time < self._planned_behind():
            return 0
        late = self._late(now)
        if not self._caught_up:
            self._caught_up = late < self._interval
            return 0
        missed = max(0, floor(late / self._interval))
        self._slot += missed
        return missed

    def truth(self, patient: int) -> Truth:
        """What really goes on in a patient."""
        return self._cohort.truth(patient)

    def begin_scenario(self, patient: int, scenario: Scenario) -> None:
        """Let a scenario befall a patient now."""
        self._cohort.begin_scenario(patient, scenario)

    def _pass(self, slots: int) -> None:
        """Slot by slot, so that what was left out changes nothing of what follows; unless that would take too long."""
        if slots * self._interval > LONGEST_GAP:
            self._cohort.step(slots * self._interval)
            return
        for _ in range(slots):
            self._cohort.step(self._interval)

    def _planned(self) -> datetime:
        """When the next slot is due."""
        return max(self.time, self._planned_behind())

    def _planned_behind(self) -> datetime:
        """When it is due as long as the clock lies behind."""
        # In seconds, for a timedelta cannot be divided by infinity.
        return self._launch + timedelta(seconds=(self.time - self._start).total_seconds() / self._speed)

    def _late(self, now: datetime) -> float:
        return (now - self.time).total_seconds()
