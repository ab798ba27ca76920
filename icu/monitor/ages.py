"""How long ago readings arrived, which a clock that is set back must not make less.

The store has the moments of arrival by the clock on the wall. Set back by an hour, it shows an hour-old reading as one
that has just come, and so would a bed that died long ago look alive. Here each step back is noticed, and whatever had
arrived before it ages by a clock that is never set. Where neither can tell, an age is unknown.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

import anyio
from loguru import logger

from icu.store.errors import StoreError
from icu.store.reader import PatientState, Reader

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the clocks."""

STEP: Final = 1.0
"""Seconds by which a clock is set at least; less is how clocks are steered."""

# It counts while the machine sleeps. On macOS the monotonic clock does, and has no other name.
_STEADY: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds by a clock that is never set."""
    return time.clock_gettime(_STEADY)


class _Heard(NamedTuple):
    """The latest arrival of a patient, by either clock; None where that is not known."""

    wall: datetime
    steady: float | None


class Ages:
    """The ages of what the reader reads. `wall` and `steady` tell seconds, the first since 1970."""

    def __init__(
        self, reader: Reader, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady
    ) -> None:
        self._reader = reader
        self._wall = wall
        self._steady = steady
        self._lead = self._lead_now()
        self._looked: float | None = None
        self._heard: dict[UUID, _Heard] = {}

    async def run(self) -> None:
        """Look at the clocks until cancelled."""
        while True:
            await self.look()
            await anyio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """Notice it if the clock was set back. At the first look, what arrived at a time that is still to come."""
        if self._looked is not None and not self._is_set_back():
            self._lead, self._looked = self._lead_now(), self._steady()
            return
        try:
            patients = await self._reader.patients(now=self.now())
        except StoreError:
            return  # which others tell; the next look comes soon
        lead = self._lead_now()
        if self._looked is None:
            self._lead = lead
        else:
            logger.warning(
                "the clock was set back by {:.0f} s: until it has caught up, readings from before it stay the latest",
                self._lead - lead,
            )
        self._heard = {each.uuid: self._placed(each, each.arrived, lead) for each in patients if each.arrived}
        self._lead, self._looked = lead, self._steady()

    def now(self) -> datetime:
        """Now, by the clock on the wall."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def of(self, patient: PatientState) -> float | None:
        """Seconds since the patient's latest reading arrived. None before the first, and where that is not known."""
        if patient.arrived is None or self._is_set_back():
            return None
        by_wall = self._wall() - patient.arrived.timestamp()
        heard = self._heard.get(patient.uuid)
        if heard is None or heard.wall != patient.arrived:
            # The store rounds to the millisecond.
            return max(0.0, by_wall) if by_wall > -STEP else None
        # The steady clock may have stood still with its machine: of the two ages the higher one is safe.
        return None if heard.steady is None else max(by_wall, self._steady() - heard.steady)

    def _placed(self, patient: PatientState, arrived: datetime, lead: float) -> _Heard:
        """Where an arrival lies on the steady clock: before the step back, or in the moment since."""
        heard = self._heard.get(patient.uuid)
        if heard is not None and heard.wall == arrived:
            return heard
        now = self._steady()
        before, since = arrived.timestamp() - self._lead, arrived.timestamp() - lead
        can_be_before = before <= now + STEP
        can_be_since = self._looked is not None and self._looked - STEP < since <= now + STEP
        return _Heard(arrived, before if can_be_before and not can_be_since else None)

    def _lead_now(self) -> float:
        """How far the clock on the wall is ahead of the steady one."""
        return self._wall() - self._steady()

    def _is_set_back(self) -> bool:
        """Tell if it was since the last look."""
        return self._lead_now() < self._lead - STEP
