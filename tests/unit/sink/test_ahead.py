"""Readings with a time ahead of their arrival, through a real sink. All arrive at START."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.messages import Observation, encode
from icu.sink.ahead import AheadReading, AheadReport
from icu.sink.telemetry import Telemetry
from icu.store.writing.requests import WriteRequest, WriteResult
from icu.transports.memory import MemoryTransport
from tests.clocks import trio_clock, virtual_time
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import observed
from tests.unit.sink.test_consumer import all_taken, running

if TYPE_CHECKING:
    from loguru import Message

DAYS = 3 * 86_400


@pytest.fixture
async def transport() -> AsyncIterator[MemoryTransport]:
    """A topic of one partition."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    yield transport
    await transport.aclose()


@pytest.fixture
def warnings() -> list["Message"]:
    """The warnings in the log."""
    records: list[Message] = []
    logger.add(records.append, level="WARNING")
    return records


async def test_they_are_counted(transport: MemoryTransport, url: str, warnings: list["Message"]) -> None:
    """Readings ahead are counted, and those of a wrong clock apart; the log names the patient and the difference."""
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        sent = [observation(n) for n in (-1, 0, 0.5, 300, 300.001)] + [observation(DAYS, patient=BORIS)]
        await transport.publish(encode(sent))
        await all_taken(registry, len(sent))
    assert registry.get_sample_value("icu_sink_ahead_total") == 4
    assert registry.get_sample_value("icu_sink_clock_ahead_total") == 2
    [line] = warnings
    assert line.record["extra"] == {"patient": str(BORIS), "readings": 2}
    assert "by up to 3 days" in line.record["message"]


async def test_nobody_ahead(transport: MemoryTransport, url: str, warnings: list["Message"]) -> None:
    """The metrics exist without such readings, at 0."""
    registry = CollectorRegistry()
    async with running(transport, url, registry):
        await transport.publish(encode([observation(-1), observation(0)]))
        await all_taken(registry, 2)
    assert registry.get_sample_value("icu_sink_ahead_total") == 0
    assert registry.get_sample_value("icu_sink_clock_ahead_total") == 0
    assert not warnings


def ages(*observations: Observation, now: float) -> tuple[float | None, float | None]:
    """Return count and sum of the ages after one batch stored at `now`, in seconds after START."""
    registry = CollectorRegistry()
    result = WriteResult(len(observations), 0, [])
    Telemetry(registry).count_stored(
        WriteRequest(observed(*observations), [], [], []), result, now=START.timestamp() + now
    )
    sums = ("icu_sink_reading_age_seconds_count", "icu_sink_reading_age_seconds_sum")
    count, total = (registry.get_sample_value(each) for each in sums)
    return count, total


def test_no_age_is_below_0() -> None:
    """A reading ahead has no age: a falling sum of a histogram would be a restart to Prometheus."""
    assert ages(observation(DAYS), now=0) == (0, 0)
    assert ages(observation(0), now=-3_600) == (0, 0)
    assert ages(observation(0), now=0) == (1, 0)
    assert ages(observation(0), observation(2), now=5) == (1, 3)


def test_one_that_is_ahead_hides_no_age() -> None:
    """The age of a batch is that of its newest reading that is not ahead."""
    assert ages(observation(0), observation(2), observation(DAYS), now=5) == (1, 3)


@pytest.mark.parametrize("anyio_backend", [virtual_time()])
async def test_the_log_is_not_flooded(warnings: list["Message"]) -> None:
    """A wrong clock is logged at once, and then every 30 s with the number of readings since."""
    report = AheadReport()
    ahead = AheadReading(ANNA, DAYS)
    report.log([])
    assert not warnings
    for _ in range(7):  # at 0, 10, ... 60 s
        report.log([ahead, ahead])
        trio_clock().jump(10)
    assert [each.record["extra"]["readings"] for each in warnings] == [2, 6, 6]
