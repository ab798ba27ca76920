"""Progress of work that takes long: a line in the log now and then, with what is left."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import anyio
from loguru import logger

from icu.store.retention.deleting import Deleted
from icu.store.rollups.step import RolledUp

# Seconds from the begin of some work to its first line, and between two lines.
LOG_EVERY: Final = 30.0


class Progress:
    """Progress of rolling up, and of deleting, each by itself."""

    def __init__(self) -> None:
        self._rolling = _Work()
        self._deleting = _Work()
        # Milliseconds that the roll-ups were behind when the work began.
        self._behind = 0
        # Late hours that were rolled up anew in this work.
        self._hours = 0
        # Kind that is being deleted, and the number of its rows so far.
        self._kind = ""
        self._rows = 0

    def note_rolled(self, result: RolledUp) -> None:
        """Note a step of rolling up."""
        if not self._rolling.is_under_way:
            self._behind, self._hours = result.behind, 0
        self._hours += result.hours
        self._rolling.note(result.done, lambda: self._describe_rolling(result))

    def note_deleted(self, result: Deleted) -> None:
        """Note a step of deleting."""
        if result.kind != self._kind:
            self._kind, self._rows = result.kind, 0
            self._deleting = _Work()
        self._rows += result.rows
        self._deleting.note(result.done, lambda: f"deleting {result.kind}: {result.share:.0%}, {self._rows:,} rows")

    def _describe_rolling(self, result: RolledUp) -> str:
        if self._hours:
            # They come last, so nothing else is behind.
            return f"rolling up late hours: {self._hours:,} so far"
        share = 1 - result.behind / self._behind if self._behind else 1.0
        return f"rolling up: {max(0.0, share):.0%}, {timedelta(seconds=result.behind // 1000)} behind"


class _Work:
    """Work that is logged once it takes long."""

    def __init__(self) -> None:
        # On the event loop's clock; None between two pieces of work.
        self._logged_at: float | None = None

    @property
    def is_under_way(self) -> bool:
        """True from the first step to the last one."""
        return self._logged_at is not None

    def note(self, done: bool, describe: Callable[[], str]) -> None:
        """Note a step."""
        now = anyio.current_time()
        if done:
            self._logged_at = None
        elif self._logged_at is None:
            self._logged_at = now
        elif now - self._logged_at >= LOG_EVERY:
            self._logged_at = now
            logger.info("{}", describe())
