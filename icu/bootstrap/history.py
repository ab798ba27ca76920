"""How far simulated patients are who began in the past: a log record for each tenth of the way to now."""

from collections.abc import Callable
from typing import Final

import anyio
from loguru import logger

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
