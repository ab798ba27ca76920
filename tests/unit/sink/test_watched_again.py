"""Beds that are watched again after a standby or a discharge, also by a sink that is restarted."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from icu.store.commands import beds
from icu.store.commands.door import Author
from tests.clocks import forward_asyncio
from tests.samples import ANNA, observation
from tests.stores import rows
from tests.wards import WatchedWard

pytestmark = pytest.mark.parametrize("anyio_backend", [forward_asyncio()])

EVA = Author("Eva", "127.0.0.1")
OFF: dict[str, Any] = {"pulse": None, "spo2": None}


@pytest.fixture
async def ward(url: str) -> AsyncIterator[WatchedWard]:
    """Ward without a sink that runs."""
    ward = WatchedWard(url)
    yield ward
    await ward.aclose()


@pytest.mark.parametrize("by_hand", [True, False], ids=["by hand", "by a return"])
@pytest.mark.parametrize("at_once", [False, True], ids=["after a while", "at once"])
async def test_signs_that_were_off_in_a_standby(ward: WatchedWard, *, by_hand: bool, at_once: bool) -> None:
    """Leads that were off in a standby raise no alarm when it is over, whenever the sink is restarted."""
    async with ward.sink():
        for seconds in range(0, 20, 5):
            await ward.send(seconds)
        await beds.standby(ward.door, ANNA, EVA)
        await ward.look_again()
        for seconds in range(25, 100, 5):
            await ward.send(seconds, **OFF)
        if by_hand:
            await beds.admit(ward.door, ANNA, EVA, bed=None)
            await ward.look_again()
        else:
            await ward.until(120)
        begin = int(ward.seconds) + 5
        await ward.send(begin)
        if not at_once:
            await ward.send(begin + 5)
    async with ward.sink():
        await ward.look_again()
        await ward.send(begin + 10)
        await ward.look_again()
    assert ward.episodes() == []


async def test_history_with_which_a_patient_returns(ward: WatchedWard) -> None:
    """A batch of old readings and a live one ends a standby with the live one, also for a sink that is restarted."""
    async with ward.sink():
        for seconds in range(0, 20, 5):
            await ward.send(seconds)
        await beds.standby(ward.door, ANNA, EVA)
        await ward.look_again()
        await ward.until(200)
        await ward.publish([*(observation(seconds, **OFF) for seconds in range(25, 130, 5)), observation(200)])
    async with ward.sink():
        await ward.look_again()
        await ward.send(205)
        await ward.look_again()
    assert ward.episodes() == []


async def test_a_discharged_patient_whose_clock_was_ahead_once(ward: WatchedWard) -> None:
    """A reading of the day after tomorrow, which came before the discharge, does not keep the patient away."""
    admitted = "SELECT admitted IS NULL FROM bed_states"
    async with ward.sink():
        await ward.send(0)
        await ward.send(5, at=172_800)
        await beds.discharge(ward.door, ANNA, EVA)
        await ward.look_again()
        assert rows(ward.url, admitted) == [(1,)]
        await ward.send(15)
    assert rows(ward.url, admitted) == [(0,)]
