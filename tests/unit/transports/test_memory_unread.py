"""A full log in memory without a reader: publishers wait until a sink starts."""

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
    """Virtual time."""
    return virtual_time()


async def test_a_full_log_that_nobody_reads() -> None:
    """A full log without a reader is trouble that says what to start; with a reader it is none."""
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
    """`status` shows the patients as degraded, since only people can end this."""
    child = PatientChild(id="bed-1", name="Anna")
    ward = Shared(Settings(child=(child,), transport=Transport(partitions=1, capacity=2)))
    work_status = partial(PATIENT.work_status, ward)
    async with ward.open():
        assert work_status() == WorkStatus()
        with anyio.move_on_after(1):
            await ward.transport.publish(RECORDS * 2)
        assert "no sink reads it" in str(work_status().degraded)
