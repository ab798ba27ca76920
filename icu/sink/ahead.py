"""Readings whose time is ahead of their arrival: stored unchanged, and reported in the log.

The sender's clock is wrong then, and such a reading may remain its patient's latest for days.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import anyio
from loguru import logger

from icu.ops.retries import LOG_EVERY


class AheadReading(NamedTuple):
    """A reading whose time is ahead of its arrival."""

    patient: UUID
    # Seconds.
    by: float


class AheadReport:
    """A log warning about wrong clocks, at most one every `LOG_EVERY` seconds."""

    def __init__(self) -> None:
        self._readings = 0
        self._logged_at: float | None = None  # on the event loop's clock; None before the first warning

    def log(self, found: Sequence[AheadReading]) -> None:
        """Log the reading that is furthest ahead, and the number of such readings since the last warning."""
        self._readings += len(found)
        if not found or (self._logged_at is not None and anyio.current_time() - self._logged_at < LOG_EVERY):
            return
        self._logged_at = anyio.current_time()
        furthest = max(found, key=lambda each: each.by)
        logger.bind(patient=str(furthest.patient), readings=self._readings).warning(
            "readings came with a time that is ahead, by up to {}: set the clock of their sender",
            timedelta(seconds=round(furthest.by)),
        )
        self._readings = 0
