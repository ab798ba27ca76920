"""A full log in memory that nobody reads: whoever publishes waits until somebody starts a sink."""

from functools import partial

import anyio
import pytest

from icu.bootstrap.roles.patient import PATIENT
from icu.bootstrap.shared import Shared
from icu.config.settings import PatientChild, Settings, Transport
from icu.messages import Record
from icu.supervisor.view import WorkStatus
from icu.transports.memory import MemoryTransport
from tests.clocks import virtual_time

RECORDS = [Record(b"bed", b"1"), Record(b"bed", b"2")]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Nothing here needs real time."""
    return virtual_time()


async def test_a_full_log_that_nobody_reads() -> None:
    """It says what to start. With a reader, full or not, all goes on by itself."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=2)
    await transport.publish(RECORDS[:1])
    assert transport.sending_degraded is None
    await transport.publish(RECORDS[1:])
    assert "icu.test is full, and no sink reads it: start the sink" in str(transport.sending_degraded)
    async with transport.consumer() as consumer:
        assert transport.sending_degraded is None
        await consumer.assign({})
        [batch] = await consumer.fetch(max_records=1, linger=0, max_wait=1)
        await consumer.commit({0: batch.position})
    assert transport.sending_degraded is None
    await transport.publish(RECORDS[:1])
    assert transport.sending_degraded is not None


async def test_patients_are_shown_as_degraded_then() -> None:
    """`status` does not call that running: nobody but people end it."""
    child = PatientChild(id="bed-1", name="Anna")
    ward = Shared(Settings(child=(child,), transport=Transport(partitions=1, capacity=2)))
    work_status = partial(PATIENT.work_status, ward)
    async with ward.open():
        assert work_status() == WorkStatus()
        with anyio.move_on_after(1):
            await ward.transport.publish(RECORDS * 2)
        assert "no sink reads it" in str(work_status().degraded)
