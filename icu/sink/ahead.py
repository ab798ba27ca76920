"""Readings of senders whose clocks are ahead: stored as they came, and told, for they may stay the latest for days."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

import anyio
from loguru import logger

from icu.messages import Observation
from icu.ops.retries import LOG_EVERY
from icu.store.readings import CLOCK_TOLERANCE_MS

CLOCK_TOLERANCE: Final = timedelta(milliseconds=CLOCK_TOLERANCE_MS)


class Ahead(NamedTuple):
    """A reading, and how far its time was ahead of its arrival."""

    observation: Observation
    by: timedelta


class AheadReport:
    """Tells of them in the log, now and then."""

    def __init__(self) -> None:
        self._readings = 0
        self._said_at: float | None = None

    def tell(self, found: Sequence[Ahead]) -> None:
        """Log who is furthest ahead, and how many readings there were since the last time; often is no better."""
        self._readings += len(found)
        if not found or (self._said_at is not None and anyio.current_time() - self._said_at < LOG_EVERY):
            return
        self._said_at = anyio.current_time()
        furthest = max(found, key=lambda each: each.by)
        logger.bind(patient=str(furthest.observation.patient_uuid), readings=self._readings).warning(
            "readings came with a time that is ahead, by up to {}: set the clock of their sender",
            timedelta(seconds=round(furthest.by.total_seconds())),
        )
        self._readings = 0
