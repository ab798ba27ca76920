"""Progress of the patients' past in the log, on virtual time."""

import pytest
from loguru import logger

from icu.bootstrap.history import LOOK_EVERY, log_progress
from tests.clocks import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: hours last milliseconds."""
    return virtual_time()


@pytest.fixture
def logged() -> list[str]:
    """Messages of the log."""
    messages: list[str] = []
    logger.add(lambda message: messages.append(message.record["message"]))
    return messages


async def test_a_record_for_each_tenth(logged: list[str]) -> None:
    """Each tenth is logged once, not at each look, and then the end."""
    shares = iter(number / 100 for number in range(101))
    await log_progress(lambda: next(shares))
    tenths = [f"history: {number} %" for number in range(10, 100, 10)]
    assert logged == [*tenths, f"history: all patients have caught up with now, in {100 * LOOK_EVERY:.0f} s"]


async def test_fast_ones(logged: list[str]) -> None:
    """Tenths between two looks are left out."""
    shares = iter([0.0, 0.45, 0.49, 0.3, 1.0])
    await log_progress(lambda: next(shares))
    assert logged == ["history: 40 %", f"history: all patients have caught up with now, in {4 * LOOK_EVERY:.0f} s"]


async def test_nothing_to_catch_up_with(logged: list[str]) -> None:
    """Nothing is logged without a past."""
    await log_progress(lambda: 1.0)
    assert logged == []
