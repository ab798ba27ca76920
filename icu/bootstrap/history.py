"""The past of simulated patients: where it may begin, and how far they are, a log record for each tenth of the way."""

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

# Seconds between two looks.
LOOK_EVERY: Final = 0.5


def progress_of(patients: Mapping[str, EmulatedPatients]) -> float:
    """How far the patients are who began in the past: 1 when all have caught up with now."""
    now = datetime.now(UTC)
    return min((each.progress(now) for each in patients.values()), default=1.0)


async def log_progress(progress: Callable[[], float]) -> None:
    """Log how far they are, until they have caught up with now; nothing where they have from the start."""
    began = anyio.current_time()
    told = int(progress() * 10)
    if told == 10:
        return
    while told < 10:
        await anyio.sleep(LOOK_EVERY)
        tenths = int(progress() * 10)
        if told < tenths < 10:
            logger.info("history: {} %", tenths * 10)
        told = max(told, tenths)
    logger.info("history: all patients have caught up with now, in {:.0f} s", anyio.current_time() - began)


def after_stored_readings(settings: Settings, start: datetime) -> datetime:
    """`start`, or the first moment behind the readings that the database holds, if that is later: a patient has one
    past. A database that cannot be read yet holds none."""
    last = anyio.run(partial(newest_reading_time, settings.database.url, now=datetime.now(UTC)))
    if last is None or last < start:
        return start
    logger.info("the database holds readings up to {}: the history goes on from there", last.isoformat())
    return last + timedelta(seconds=settings.metrics_interval)


async def newest_reading_time(url: str, *, now: datetime) -> datetime | None:
    """When the newest reading that is stored was made, as far as the clock has come; None where none can be read.

    ConfigurationError where there can be no database.
    """
    from icu.store.reader import Reader

    async with aclosing(Reader(url)) as reader:
        await to_thread.run_sync(reader.check_place)
        try:
            patients = await reader.patients(now=now)
        except StoreError:  # none yet, or one that the sink has yet to bring to this version
            return None
    times = [each.latest.timestamp for each in patients if each.latest is not None]
    return min(max(times), now) if times else None
