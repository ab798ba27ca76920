"""Past of simulated patients: its beginning behind the stored readings, and the progress in the log."""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import anyio
from anyio import to_thread
from loguru import logger

from icu.config.settings import Settings
from icu.patient.patients import EmulatedPatients
from icu.store.errors import StoreError

# Seconds between two looks at the progress.
LOOK_EVERY: Final = 0.5


def progress_of(patients: Mapping[str, EmulatedPatients]) -> float:
    """Return the share of the past that all patients have caught up with, 0 to 1."""
    now = datetime.now(UTC)
    return min((each.progress(now) for each in patients.values()), default=1.0)


async def log_progress(progress: Callable[[], float]) -> None:
    """Log each tenth of the progress until all patients have caught up with now.

    Logs nothing for patients without a past.
    """
    began = anyio.current_time()
    logged = int(progress() * 10)
    if logged == 10:
        return
    while logged < 10:
        await anyio.sleep(LOOK_EVERY)
        tenths = int(progress() * 10)
        if logged < tenths < 10:
            logger.info("history: {} %", tenths * 10)
        # A restarted child may fall back: no tenth is logged twice.
        logged = max(logged, tenths)
    logger.info("history: all patients have caught up with now, in {:.0f} s", anyio.current_time() - began)


def after_stored_readings(settings: Settings, start: datetime) -> datetime:
    """Return `start`, or the end of the stored readings and one interval if that is later.

    Simulating a stored past again would give each patient two pasts. A database that cannot be read yet holds none.
    """
    last = anyio.run(partial(newest_reading_time, settings.database.url, now=datetime.now(UTC)))
    if last is None or last < start:
        return start
    logger.info("the database holds readings up to {}: the history goes on from there", last.isoformat())
    return last + timedelta(seconds=settings.metrics_interval)


async def newest_reading_time(url: str, *, now: datetime) -> datetime | None:
    """Return the timestamp of the newest stored reading, at most `now`; None if no reading can be read.

    Raises:
        ConfigurationError: The configured place can hold no database.
    """
    from icu.store.reader import Reader

    async with aclosing(Reader(url)) as reader:
        await to_thread.run_sync(reader.check_location)
        try:
            patients = await reader.patients(now=now)
        except StoreError:  # none yet, or one that the sink has yet to bring to this version
            return None
    times = [each.latest.timestamp for each in patients if each.latest is not None]
    return min(max(times), now) if times else None
