"""Days of readings, where the database keeps each in a partition: made ahead, and dropped when they are old."""

from datetime import timedelta
from typing import Final

import anyio
from loguru import logger

from icu.store.errors import StoreBusyError, StoreDeniedError
from icu.store.retention.deleting import Deleted
from icu.store.upkeep import Upkeep
from icu.upkeep.telemetry import Telemetry

# Seconds for which others may hold the readings before it is said in health checks: there are days for a week.
TOLERATED: Final = 3_600.0


class Days:
    """Keeping of the days.

    Args:
        upkeep: The database.
        telemetry: Metrics, and the trouble for health checks.
    """

    def __init__(self, upkeep: Upkeep, telemetry: Telemetry) -> None:
        self._upkeep = upkeep
        self._telemetry = telemetry
        # On the event loop's clock: when others were found to hold the readings; None while they do not.
        self._held_since: float | None = None

    async def keep(self, now: int, horizon: int) -> None:
        """Make what is to come, and drop what is old; or note that it has to wait.

        Args:
            now: Milliseconds since 1970 UTC.
            horizon: No reading before it is served.
        """
        try:
            dropped = await self._upkeep.keep_days(now, horizon)
        except StoreBusyError as exc:
            self._note_held(exc)
            return
        except StoreDeniedError as exc:
            # All else that the upkeep does goes on.
            self._telemetry.held = str(exc)
            return
        self._held_since = None
        self._telemetry.held = None
        self._telemetry.count_deleted(Deleted(done=False, kind="days", rows=dropped))

    def _note_held(self, held: StoreBusyError) -> None:
        moment = anyio.current_time()
        if self._held_since is None:
            self._held_since = moment
            logger.warning("{}: its days are made and dropped later", held)
        lasts = moment - self._held_since
        if lasts >= TOLERATED:
            self._telemetry.held = (
                f"no days could be made or dropped for {timedelta(seconds=round(lasts))}: {held}; end it"
            )
