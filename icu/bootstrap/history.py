"""The past of simulated patients: where it may begin, and how far they are, a log record for each tenth of the way."""

from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Final

import anyio
from anyio import to_thread
from loguru import logger

from icu.store.errors import StoreError

EVERY: Final = 0.5
"""Seconds between two looks."""


async def report(progress: Callable[[], float]) -> None:
    """Log how far they are, until they have caught up with now; nothing where they have from the start."""
    began = anyio.current_time()
    told = int(progress() * 10)
    if told == 10:
        return
    while told < 10:
        await anyio.sleep(EVERY)
        tenths = int(progress() * 10)
        if told < tenths < 10:
            logger.info("history: {} %", tenths * 10)
        told = max(told, tenths)
    logger.info("history: all patients have caught up with now, in {:.0f} s", anyio.current_time() - began)


async def newest(url: str, *, now: datetime) -> datetime | None:
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
