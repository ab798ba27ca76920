"""What is sent, and when: schedules, restarts, back-pressure, replays. On virtual time."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import anyio
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.errors import TransportClosedError
from icu.messages import Observation, Record, decode, uuid_of_name
from icu.ops.logs import unwrapped
from icu.patient.beds import Bed, Identity, ReplayedBed, SimulatedBed, origin_of
from icu.patient.emulator import emulate
from icu.patient.outbox import Outbox
from icu.patient.physiology import Physiology
from icu.patient.recordings.recording import Recording, Row
from icu.patient.telemetry import Telemetry
from icu.transports.base import Consumer, Transport
from icu.transports.memory import MemoryTransport
from icu.vitals.signs import VitalSigns
from tests.clocks import trio_clock, virtual_time
from tests.samples import START

PULSES = Recording([Row(hour * 3_600.0, VitalSigns(pulse=70 + hour)) for hour in range(4)], 3 * 3_600.0, 0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Hours of monitoring last milliseconds."""
    return virtual_time()


@pytest.fixture
def transport() -> MemoryTransport:
    """One partition, so that everything comes in the order in which it was sent."""
    return MemoryTransport(topic="icu.test", partitions=1)


@pytest.fixture
def telemetry() -> Telemetry:
    """Counters of their own."""
    return Telemetry(CollectorRegistry())


def identity(name: str = "Anna") -> Identity:
    """A patient."""
    return Identity(uuid_of_name(name), name)


def simulated(name: str = "Anna", *, interval: float = 5, seed: int = 7) -> SimulatedBed:
    """A simulated patient."""
    return SimulatedBed(identity(name), Physiology(seed), interval=interval)


def wall() -> Callable[[], datetime]:
    """A clock that shows START now and goes with virtual time."""
    began = anyio.current_time()
    return lambda: START + timedelta(seconds=anyio.current_time() - began)


async def sent_within(
    seconds: float, beds: Sequence[Bed], transport: Transport, telemetry: Telemetry, now: Callable[[], datetime]
) -> list[Observation]:
    """Run an emulator for a while; what the topic holds then."""
    with anyio.move_on_after(seconds):
        await emulate(beds=beds, outbox=Outbox(), transport=transport, telemetry=telemetry, now=now)
    return await on_topic(transport)


async def on_topic(transport: Transport) -> list[Observation]:
    """All that was published."""
    async with transport.consumer() as consumer:
        await consumer.assign({})
        return [decode(each) for batch in await fetch(consumer) for each in batch.deliveries]


async def fetch(consumer: Consumer) -> Sequence[object]:
    """Whatever is there."""
    return await consumer.fetch(max_records=100_000, linger=0, patience=0)


async def test_at_once_and_then_every_interval(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """The first observation needs no waiting, the others come on the dot."""
    found = await sent_within(12, [simulated()], transport, telemetry, wall())
    assert [(each.timestamp - START).total_seconds() for each in found] == pytest.approx([0, 5, 10])
    assert {each.interval for each in found} == {5}
    assert {each.patient_name for each in found} == {"Anna"}


async def test_one_task_serves_many_beds_each_at_its_own_pace(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Beds with different intervals do not wait for each other."""
    beds = [simulated("Anna", interval=2), simulated("Boris", interval=5), simulated("Chiara", interval=100)]
    found = await sent_within(10.5, beds, transport, telemetry, wall())
    counts = {name: sum(each.patient_name == name for each in found) for name in ("Anna", "Boris", "Chiara")}
    assert counts == {"Anna": 6, "Boris": 3, "Chiara": 1}


async def test_timestamps_rise_though_the_clock_is_set_back(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """An hour back on the wall is a millisecond forward on the topic."""
    times = iter([START, START - timedelta(hours=1), START - timedelta(hours=1), START + timedelta(seconds=15)])
    found = await sent_within(16, [simulated()], transport, telemetry, lambda: next(times))
    stamps = [each.timestamp for each in found]
    assert stamps == sorted(set(stamps))
    assert len(stamps) == 4


async def test_a_restarted_emulator_goes_on_with_later_times(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """The bed outlives its emulator: no timestamp is used twice, even if the clock stands still."""
    bed = simulated()
    for _ in range(3):
        found = await sent_within(1, [bed], transport, telemetry, lambda: START)
    assert len({each.timestamp for each in found}) == 3


async def test_slots_that_passed_are_left_out_and_counted(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """An emulator that was held up does not make up for it with a burst of stale readings."""

    class Frozen(SimulatedBed):
        def observe(self, now: datetime) -> Observation:
            if self.latest is not None and self.latest.timestamp == START:
                trio_clock().jump(57)
            return super().observe(now)

    bed = Frozen(identity(), Physiology(7), interval=5)
    found = await sent_within(66, [bed], transport, telemetry, wall())
    # 0 s, then 5 s, which took until 62 s: 10, 15 ... 60 s are gone.
    assert [(each.timestamp - START).total_seconds() for each in found] == pytest.approx([0, 5, 65])
    assert telemetry.missed._value.get() == 11


async def test_readings_wait_for_a_transport_that_is_away(telemetry: Telemetry) -> None:
    """Patients go on being observed; when the transport takes records again they come in order, all of them."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    found: list[Observation] = []
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(
            partial(emulate, beds=[simulated()], outbox=Outbox(), transport=transport, telemetry=telemetry)
        )
        await anyio.sleep(62)
        assert telemetry._buffered._value.get() == 12
        while len(found) < 13:
            for batch in await consumer.fetch(max_records=10, linger=0, patience=1):
                found += [decode(each) for each in batch.deliveries]
                await consumer.commit({0: batch.position})
        group.cancel_scope.cancel()
    assert found == sorted(found, key=lambda each: each.timestamp)
    assert telemetry._delivered._value.get() == 13
    assert telemetry._buffered._value.get() == 0


async def test_the_oldest_readings_make_room(telemetry: Telemetry) -> None:
    """After an hour without a transport a patient's oldest readings are dropped, counted and told."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    await transport.publish([Record(b"somebody else", b"{}")])
    told: list[str] = []
    logger.add(told.append, format="{message}")
    with anyio.move_on_after(5 * 725 - 1):
        await emulate(beds=[simulated()], outbox=Outbox(), transport=transport, telemetry=telemetry)
    assert telemetry._dropped._value.get() == 5
    assert telemetry._buffered._value.get() == 720
    assert "1 observations were dropped: the transport has been away for too long\n" in told
    assert "stopped with 720 readings that were not delivered\n" in told


async def test_what_waits_is_sent_before_the_end(telemetry: Telemetry) -> None:
    """An emulator that is told to stop sends what it has observed, if that is a matter of a moment."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    await transport.publish([Record(b"somebody else", b"{}")])
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(partial(sent_within, 3, [simulated()], transport, telemetry, wall()))
        await anyio.sleep(4)
        [batch] = await consumer.fetch(max_records=1, linger=0, patience=0)
        await consumer.commit({0: batch.position})
        [batch] = await consumer.fetch(max_records=1, linger=0, patience=0)
        assert decode(batch.deliveries[0]).patient_name == "Anna"
        group.cancel_scope.cancel()


async def test_a_recording_waits_for_room(telemetry: Telemetry) -> None:
    """Nothing of a recording is dropped, however long the transport is away: it stands still."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    outbox = Outbox(capacity=2)
    bed = ReplayedBed(identity(), PULSES, origin=START, speed=3_600)
    pulses: list[float | None] = []
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(partial(emulate, beds=[bed], outbox=outbox, transport=transport, telemetry=telemetry))
        await anyio.sleep(3_600)
        while len(pulses) < 4:
            for batch in await consumer.fetch(max_records=1, linger=0, patience=5):
                pulses += [decode(each).pulse for each in batch.deliveries]
                await consumer.commit({0: batch.position})
    assert pulses == [70, 71, 72, 73]
    assert telemetry._dropped._value.get() == 0


async def test_a_recording_is_sent_whole_and_ends(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Every row, an hour apart in time and a second apart on the wire; then the emulator ends by itself."""
    bed = ReplayedBed(identity(), PULSES, origin=START, speed=3_600)
    before = anyio.current_time()
    await emulate(beds=[bed], outbox=Outbox(), transport=transport, telemetry=telemetry)
    assert anyio.current_time() - before == pytest.approx(3)
    found = await on_topic(transport)
    assert [each.pulse for each in found] == [70, 71, 72, 73]
    assert [(each.timestamp - START).total_seconds() for each in found] == [0, 3_600, 7_200, 10_800]
    assert [each.interval for each in found] == [1, 1, 1, None]


async def test_a_recording_goes_on_where_it_failed(telemetry: Telemetry) -> None:
    """What the transport did not acknowledge waits for the next emulator, and none is left out."""
    closed = MemoryTransport(topic="icu.test", partitions=1)
    bed, outbox = ReplayedBed(identity(), PULSES, origin=START, speed=3_600), Outbox()
    with anyio.move_on_after(1.5):
        await emulate(beds=[bed], outbox=outbox, transport=closed, telemetry=telemetry)
    await closed.aclose()
    with pytest.raises(ExceptionGroup) as caught:
        await emulate(beds=[bed], outbox=outbox, transport=closed, telemetry=telemetry)
    assert isinstance(unwrapped(caught.value), TransportClosedError)
    transport = MemoryTransport(topic="icu.test", partitions=1)
    await emulate(beds=[bed], outbox=outbox, transport=transport, telemetry=telemetry)
    assert [each.pulse for each in await on_topic(transport)] == [72, 73]


@pytest.mark.parametrize(("speed", "origin"), [(1, START), (3_600, START - timedelta(hours=3)), (0.5, START)])
def test_where_a_recording_lies_in_time(speed: float, origin: datetime) -> None:
    """At its own pace it begins at launch; faster, it ends there, so that no reading is of the future."""
    assert origin_of(PULSES, launch=START, speed=speed) == origin


async def test_more_beds_than_a_round_holds(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Thousands of beds that are due together are all served."""
    beds = [simulated(f"Bed {n}") for n in range(2_500)]
    found = await sent_within(1, beds, transport, telemetry, wall())
    assert len({each.patient_uuid for each in found}) == 2_500


async def test_a_record_is_keyed_by_its_patient(telemetry: Telemetry) -> None:
    """The key decides the partition: one patient's readings stay in order."""
    published: list[Record] = []

    class Spy(MemoryTransport):
        async def publish(self, records: Sequence[Record]) -> None:
            published.extend(records)
            await super().publish(records)

    await sent_within(1, [simulated()], Spy(topic="icu.test"), telemetry, wall())
    assert [record.key for record in published] == [str(uuid_of_name("Anna")).encode()]
