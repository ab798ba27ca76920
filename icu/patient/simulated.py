"""A bay of simulated patients: observed every `interval` seconds of their own clock, which may lie behind ours."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil, floor, inf
from typing import Final

from icu.messages import Observation
from icu.patient.cohort import Cohort
from icu.patient.patients import Identity, Truth
from icu.patient.scenarios import Scenario

# Seconds between the observations of two bays, at least.
MIN_BAY_SPACING: Final = 0.25

# Seconds of left-out observations up to which a course continues byte for byte as it would have without the gap.
LONGEST_STEPPED_GAP: Final = 3_600.0


class SimulatedBay:
    """Patients of one cohort.

    Their clock begins at `start` with the emulator, runs `speed` times as fast as ours until it has caught up, and goes
    with ours from then on.

    Observations lie on a grid, `offset + n * interval` seconds after the start. Those of the past are all sent, however
    late; those of the present are left out when they are late by more than the interval.
    """

    def __init__(
        self, cohort: Cohort, *, interval: float, offset: float, start: datetime, launch: datetime, speed: float
    ) -> None:
        """Begin at the first slot of the grid.

        Args:
            cohort: The patients.
            interval: Seconds between two observations of a patient.
            offset: Seconds from the start to the first observation.
            start: Begin of the patients' clock; may lie before the launch.
            launch: Now.
            speed: Pace of the patients' clock while it lies behind; inf for as fast as possible.
        """
        self.identities: Sequence[Identity] = cohort.identities
        self.keys: Sequence[bytes] = [each.key for each in cohort.identities]
        self.latest: Sequence[Observation] = ()
        self.backlog = 1
        self._cohort = cohort
        self._interval = interval
        self._start = start
        self._launch = launch
        self._speed = speed
        self._offset = offset
        self._slot = 0  # the next observation
        self._stepped = 0  # the slot that the bodies were stepped to
        # Observations from the next slot on, until they are sent.
        self._made: Sequence[Observation] = ()
        self._caught_up = False
        self._emulator_start = launch
        # Seconds of the emulator by which the next slot is due, whatever the wall clock says: one that is set back
        # must not silence a patient.
        self._due_by = inf

    @property
    def time(self) -> datetime:
        return self._time_of(self._slot)

    @property
    def can_wait(self) -> bool:
        return not self._caught_up

    def begin(self, now: datetime) -> None:
        self._emulator_start = now
        if self._caught_up:
            # The first slot that has not passed: what fell into the restart is left out.
            self._slot += max(0, ceil(self._lateness(now) / self._interval))
            self._made = ()
            self._due_by = self._interval
        else:
            self.backlog = self._count_backlog(now)

    def due(self) -> float:
        return min(self._due_by, (self._due_at() - self._emulator_start).total_seconds())

    def observe(self, most: int = 1) -> Sequence[Observation]:
        if not self._made:
            count = min(most, self.backlog)
            self._step_slots(self._slot - self._stepped)
            times = [self._time_of(slot) for slot in range(self._slot, self._slot + count)]
            self._made = self._cohort.observe(times, self._interval)
            self._stepped = self._slot + count - 1
            self.latest = self._made[-len(self.identities) :]
        return self._made

    def advance(self, elapsed: float, now: datetime) -> int:
        missed = self._advance(elapsed, now)
        self.backlog = 1 if self._caught_up else self._count_backlog(now)
        return missed

    def _advance(self, elapsed: float, now: datetime) -> int:
        self._slot += len(self._made) // len(self.identities)
        self._made = ()
        self._emulator_start = now - timedelta(seconds=elapsed)
        self._due_by = elapsed + self._interval / min(1.0, self._speed)
        if self.time < self._catch_up_due_at():
            return 0
        lateness = self._lateness(now)
        if not self._caught_up:
            self._caught_up = lateness < self._interval
            return 0
        missed = max(0, floor(lateness / self._interval))
        # Skipped, not made up for: a burst after a stall would look like fresh readings.
        self._slot += missed
        return missed

    def truth(self, patient: int) -> Truth:
        return self._cohort.truth(patient)

    def begin_scenario(self, patient: int, scenario: Scenario) -> None:
        self._cohort.begin_scenario(patient, scenario)

    def _time_of(self, slot: int) -> datetime:
        return self._start + timedelta(milliseconds=round(1_000 * (self._offset + slot * self._interval)))

    def _count_backlog(self, now: datetime) -> int:
        """Count the slots that are due, while the patients' clock lies behind."""
        lateness = self._lateness(now)
        if self._speed < inf:
            lateness = min(lateness, (now - self._catch_up_due_at()).total_seconds() * self._speed)
        return 1 + max(0, floor(lateness / self._interval))

    def _step_slots(self, slots: int) -> None:
        """Step the bodies through these slots."""
        # Slot by slot, so that left-out observations change nothing of the course; a long gap would take too long.
        if slots * self._interval > LONGEST_STEPPED_GAP:
            self._cohort.step(slots * self._interval)
            return
        for _ in range(slots):
            self._cohort.step(self._interval)

    def _due_at(self) -> datetime:
        """Time at which the next slot is due."""
        return max(self.time, self._catch_up_due_at())

    def _catch_up_due_at(self) -> datetime:
        """Time at which the next slot is due while the patients' clock lies behind."""
        # In seconds: a timedelta cannot be divided by infinity.
        return self._launch + timedelta(seconds=(self.time - self._start).total_seconds() / self._speed)

    def _lateness(self, now: datetime) -> float:
        return (now - self.time).total_seconds()
