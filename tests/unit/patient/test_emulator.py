"""What is sent, and when: schedules, restarts, back-pressure, replays. On virtual time."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import anyio
import pytest
from prometheus_client import CollectorRegistry

from icu.errors import TransportClosedError
from icu.messages import Observation, Record, decode, uuid_of_name
from icu.patient.beds import Bed, Identity, ReplayedBed, SimulatedBed, origin_of
from icu.patient.emulator import emulate
from icu.patient.physiology import Physiology
from icu.patient.recordings import Recording, Row
from icu.patient.telemetry import Telemetry
from icu.transports.base import Consumer, Transport
from icu.transports.memory import MemoryTransport
from icu.vitals.signs import VitalSigns
from tests.clocks import virtual_time
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
        await emulate(beds=beds, transport=transport, telemetry=telemetry, now=now)
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


async def test_slots_that_passed_are_left_out_and_counted(telemetry: Telemetry) -> None:
    """A patient whose readings could not be sent for a while does not send a burst of stale ones."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        assignment = (await consumer.assign({}))[0]
        group.start_soon(lambda: sent_until_cancelled(transport, telemetry))
        await anyio.sleep(62)
        [batch] = await consumer.fetch(max_records=10, linger=0, patience=0)
        await consumer.commit({0: batch.position})
        await anyio.sleep(0.1)
        group.cancel_scope.cancel()
    assert assignment.position.next == 0
    # 0 s was sent, 5 s was held up until 62 s: 10, 15 ... 60 s are gone.
    assert telemetry.missed._value.get() == 11
    assert telemetry.delivered._value.get() == 2


async def sent_until_cancelled(transport: Transport, telemetry: Telemetry) -> None:
    """An ordinary emulator."""
    await emulate(beds=[simulated()], transport=transport, telemetry=telemetry, now=wall())


async def test_a_recording_is_sent_whole_and_ends(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Every row, an hour apart in time and a second apart on the wire; then the emulator ends by itself."""
    bed = ReplayedBed(identity(), PULSES, origin=START, speed=3_600)
    before = anyio.current_time()
    await emulate(beds=[bed], transport=transport, telemetry=telemetry)
    assert anyio.current_time() - before == pytest.approx(3)
    found = await on_topic(transport)
    assert [each.pulse for each in found] == [70, 71, 72, 73]
    assert [(each.timestamp - START).total_seconds() for each in found] == [0, 3_600, 7_200, 10_800]
    assert [each.interval for each in found] == [1, 1, 1, None]


async def test_a_recording_goes_on_where_it_failed(telemetry: Telemetry) -> None:
    """A row that the transport did not acknowledge is sent by the next emulator, and none is left out."""
    closed = MemoryTransport(topic="icu.test", partitions=1)
    bed = ReplayedBed(identity(), PULSES, origin=START, speed=3_600)
    with anyio.move_on_after(1.5):
        await emulate(beds=[bed], transport=closed, telemetry=telemetry)
    await closed.aclose()
    with pytest.raises(TransportClosedError):
        await emulate(beds=[bed], transport=closed, telemetry=telemetry)
    transport = MemoryTransport(topic="icu.test", partitions=1)
    before = anyio.current_time()
    await emulate(beds=[bed], transport=transport, telemetry=telemetry)
    assert anyio.current_time() - before == pytest.approx(1)
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
