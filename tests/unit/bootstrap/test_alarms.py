"""Topic of alarms of a process: how it is made, closed and shown."""

import anyio
import pytest

from icu.bootstrap.roles.sink import SINK
from icu.bootstrap.shared import Shared
from icu.config.settings import Database, Settings, SinkChild, Transport
from icu.messages import Record
from icu.sink.telemetry import Telemetry
from icu.supervisor.view import WorkStatus
from icu.transports.errors import TransportClosedError
from tests.clocks import virtual_asyncio

# With a whole path, as from a file of settings.
SETTINGS = Settings(database=Database("sqlite:////nowhere/icu.db"))
RECORDS = [Record(b"bed", b"%d" % number) for number in range(1_200)]


async def test_in_memory_it_holds_nobody_up() -> None:
    """In memory, a topic that nobody reads takes any number of events, keeps the newest, and is closed at the end."""
    shared = Shared(Settings(transport=Transport(alarms="icu.other", partitions=1, capacity=10)))
    assert shared.alarms is shared.alarms
    async with shared.open():
        assert shared.alarms.topic == "icu.other"
        with anyio.fail_after(5):
            await shared.alarms.publish(RECORDS)
        async with shared.alarms.consumer() as consumer:
            await consumer.assign({})
            assert await consumer.lag() == 1_000
        shared.check_nothing_lost()
    with pytest.raises(TransportClosedError):
        await shared.alarms.publish(RECORDS)


async def test_status_and_health_show_its_trouble() -> None:
    """A sink whose alarms wait is shown as waiting, one whose alarms are refused as degraded; health names both."""
    shared = Shared(SETTINGS)
    SINK.actor(SinkChild(id="sink"), shared)
    telemetry = shared.telemetry(Telemetry)
    telemetry.set_trouble(None)
    async with shared.open():
        assert SINK.work_status(shared) == WorkStatus()
        telemetry.set_publishing_trouble("the broker is away")
        assert SINK.work_status(shared) == WorkStatus("the broker is away")
        assert (await shared.health.report()).checks["alarms"] == "the broker is away"
        telemetry.set_publishing_refusal("no right to write")
        assert SINK.work_status(shared) == WorkStatus("the broker is away", "no right to write")
        assert (await shared.health.report()).checks["alarms"] == "no right to write"


@pytest.mark.parametrize("anyio_backend", [virtual_asyncio()])
async def test_health_shows_an_engine_that_is_behind() -> None:
    """A sink that passes a deadline of its alarms by 5 s is not ready, and says so until it has looked again."""
    shared = Shared(SETTINGS)
    SINK.actor(SinkChild(id="sink"), shared)
    telemetry = shared.telemetry(Telemetry)
    telemetry.set_trouble(None)
    async with shared.open():
        telemetry.alarms.note_look(due=2_000, now=0)
        await anyio.sleep(6.9)
        assert (await shared.health.report()).status == "ok"
        await anyio.sleep(0.1)
        report = await shared.health.report()
        assert (report.status, report.checks["engine"].startswith("alarms are 5 s behind")) == ("unavailable", True)
        telemetry.alarms.note_look(due=None, now=7_000)
        assert (await shared.health.report()).checks["engine"] == "ok"
