"""Alarms in the sink, on a real SQLite file: stored with their readings, through restarts, and commands of people."""

from collections.abc import AsyncIterator

import anyio
import pytest

from icu.store.commands import alarms as alarm_commands
from icu.store.commands import beds as bed_commands
from icu.store.commands import limits as limit_commands
from icu.store.commands.door import Author, Door
from icu.alarms.limits import ConditionLimits
from tests.clocks import forward_asyncio, pass_time
from tests.outboxes import published, versions
from tests.samples import ANNA, BORIS, observation
from tests.stores import execute, rows
from tests.wards import WatchedWard, milliseconds

pytestmark = pytest.mark.parametrize("anyio_backend", [forward_asyncio()])

ANN = Author("Ann", "127.0.0.1")


@pytest.fixture
async def ward(url: str) -> AsyncIterator[WatchedWard]:
    """Ward without a sink that runs."""
    ward = WatchedWard(url)
    yield ward
    await ward.transport.aclose()
    await ward.alarms.aclose()


async def test_a_desaturation(ward: WatchedWard) -> None:
    """It is pending with its first reading, an alarm after its delay by a timer, and ends after the off-delay."""
    async with ward.sink():
        await ward.send(0)
        await ward.send(5, spo2=88)
        assert ward.episodes() == [("spo2.low", "pending", "off")]
        await ward.send(10, spo2=88)
        await ward.send(15, spo2=87)
        await ward.until(20.5)
        await ward.shows("SELECT presence, signal, raised FROM alarms", [("present", "on", milliseconds(20))])
        await ward.send(22, spo2=96)
        assert ward.episodes() == [("spo2.low", "clearing", "on")]
        await ward.send(27, spo2=96)
        await ward.until(32.5)
        await ward.shows("SELECT presence, ended, end_reason FROM alarms", [("absent", milliseconds(32), "itself")])


async def test_an_alarm_is_stored_with_the_reading_that_raised_it_or_neither(ward: WatchedWard) -> None:
    """While alarms cannot be stored, readings that raise some are not stored either; afterwards both are, once."""
    async with ward.sink():
        await ward.send(0)
        execute(ward.url, "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")
        execute(ward.url, "UPDATE command_count SET count = count + 1")
    with pytest.raises(BaseExceptionGroup):
        async with ward.sink():
            await ward.send(5, pulse=0)
    assert rows(ward.url, "SELECT count(*) FROM patient_metrics") == [(1,)]
    assert ward.episodes() == []
