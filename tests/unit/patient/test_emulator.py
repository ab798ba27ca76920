"""Schedules, restarts, back-pressure and replays of the emulator. On virtual time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import inf

import anyio
import pytest
from loguru import logger
from prometheus_client import CollectorRegistry

from icu.messages import Observation, Record, uuid_of_name
from icu.ops.logs import unwrapped
from icu.patient.cohort import Cohort
from icu.patient.emulator import LONGEST_TURN, MAX_UNSTORED, emulate
from icu.patient.patients import Bay, Identity
from icu.patient.recordings.recording import Recording, Row
from icu.patient.replayed import ReplayedBay, origin_of
from icu.patient.simulated import SimulatedBay
from icu.patient.telemetry import Telemetry
from icu.transports.base import Consumer, Transport
from icu.transports.errors import TransportClosedError
from icu.transports.memory import MemoryTransport
from icu.transports.sending import SendBuffer
from icu.vitals.catalogue import VitalSigns
from tests.clocks import trio_clock, virtual_time
from tests.samples import START, decoded

PULSES = Recording([Row(hour * 3_600.0, VitalSigns(pulse=70 + hour)) for hour in range(4)], 3 * 3_600.0, 0)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: hours of monitoring take milliseconds."""
    return virtual_time()


@pytest.fixture
def transport() -> MemoryTransport:
    """A transport with one partition, so that records come in the order in which they were sent."""
    return MemoryTransport(topic="icu.test", partitions=1)


@pytest.fixture
def telemetry() -> Telemetry:
    """New metrics."""
    return Telemetry(CollectorRegistry())


def identity(name: str = "Anna") -> Identity:
    """A patient."""
    return Identity(uuid_of_name(name), name)


def simulated(*names: str, interval: float = 5, offset: float = 0, seed: int = 7) -> SimulatedBay:
    """Make simulated patients who begin now."""
    return catching_up(*names, start=START, speed=1, interval=interval, offset=offset, seed=seed)


def catching_up(
    *names: str, start: datetime, speed: float, interval: float = 5, offset: float = 0, seed: int = 7
) -> SimulatedBay:
    """Make simulated patients who began at some time."""
    cohort = Cohort([identity(each) for each in names or ["Anna"]], {}, start=start, seed=seed)
    return SimulatedBay(cohort, interval=interval, offset=offset, start=start, launch=START, speed=speed)


def wall() -> Callable[[], datetime]:
    """Make a clock that shows START now and goes with virtual time."""
    began = anyio.current_time()
    return lambda: START + timedelta(seconds=anyio.current_time() - began)


async def sent_within(
    seconds: float, bays: Sequence[Bay], transport: Transport, telemetry: Telemetry, now: Callable[[], datetime]
) -> list[Observation]:
    """Run an emulator for a while, and return the records on the topic."""
    with anyio.move_on_after(seconds):
        await emulate(bays=bays, buffer=SendBuffer(), transport=transport, telemetry=telemetry, now=now)
    return await on_topic(transport)


async def on_topic(transport: Transport) -> list[Observation]:
    """Return all published records."""
    async with transport.consumer() as consumer:
        await consumer.assign({})
        return [decoded(each) for batch in await fetch(consumer) for each in batch.deliveries]


async def fetch(consumer: Consumer) -> Sequence[object]:
    """Return the records that are there."""
    return await consumer.fetch(max_records=100_000, linger=0, max_wait=0)


async def test_at_once_and_then_every_interval(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """The first observation is sent at once, the others come exactly every interval."""
    found = await sent_within(12, [simulated()], transport, telemetry, wall())
    assert [(each.timestamp - START).total_seconds() for each in found] == pytest.approx([0, 5, 10])
    assert {each.interval for each in found} == {5}
    assert {each.patient_name for each in found} == {"Anna"}


async def test_one_task_serves_many_beds_each_at_its_own_pace(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Beds with different intervals do not wait for each other."""
    bays = [simulated("Anna", interval=2), simulated("Boris", interval=5), simulated("Chiara", interval=100)]
    found = await sent_within(10.5, bays, transport, telemetry, wall())
    counts = {name: sum(each.patient_name == name for each in found) for name in ("Anna", "Boris", "Chiara")}
    assert counts == {"Anna": 6, "Boris": 3, "Chiara": 1}


async def test_a_group_is_spread_over_the_interval(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Bays of one child are spread over the interval, so that many patients are no burst."""
    bays = [simulated(f"a {n}", f"b {n}", offset=n * 1.25) for n in range(4)]
    found = await sent_within(9.9, bays, transport, telemetry, wall())
    times = [(each.timestamp - START).total_seconds() for each in found]
    assert times == [slot * 1.25 for slot in range(8) for _ in "ab"]


async def test_timestamps_rise_though_the_clock_is_set_back(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """After the wall clock is set back by an hour, readings go on at their pace, each later than the last."""
    went, began = wall(), anyio.current_time()

    def now() -> datetime:
        return went() - timedelta(hours=anyio.current_time() - began > 7)

    found = await sent_within(22, [simulated()], transport, telemetry, now)
    assert [(each.timestamp - START).total_seconds() for each in found] == [0, 5, 10, 15, 20]


async def test_what_a_machine_slept_through_is_left_out(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """After the wall clock jumps an hour forward, as when a laptop wakes, readings are of now again at once."""
    went, began = wall(), anyio.current_time()

    def now() -> datetime:
        return went() + timedelta(hours=anyio.current_time() - began > 7)

    found = await sent_within(22, [simulated()], transport, telemetry, now)
    assert [(each.timestamp - START).total_seconds() for each in found] == [0, 5, 10, 3_610, 3_615, 3_620]
    assert telemetry.missed._value.get() == 719


async def test_a_restarted_emulator_goes_on_with_later_times(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """A new emulator of the same bay repeats no timestamp, and leaves out the slots that passed meanwhile."""
    bay, now = simulated(), wall()
    await sent_within(7, [bay], transport, telemetry, now)
    await anyio.sleep(20)
    found = await sent_within(10, [bay], transport, telemetry, now)
    assert [(each.timestamp - START).total_seconds() for each in found] == [0, 5, 30, 35]


async def test_slots_that_passed_are_left_out_and_counted(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """An emulator that was held up leaves out the slots that passed, and counts them."""

    class Frozen(SimulatedBay):
        def observe(self, most: int = 1) -> Sequence[Observation]:
            if self.latest and self.latest[0].timestamp == START:
                trio_clock().jump(57)
            return super().observe(most)

    cohort = Cohort([identity()], {}, start=START, seed=7)
    bay = Frozen(cohort, interval=5, offset=0, start=START, launch=START, speed=1)
    found = await sent_within(66, [bay], transport, telemetry, wall())
    # 0 s, then 5 s, which took until 62 s: 10, 15 ... 55 s are gone.
    assert [(each.timestamp - START).total_seconds() for each in found] == [0, 5, 60, 65]
    assert telemetry.missed._value.get() == 10


@pytest.mark.parametrize(("speed", "lasts"), [(60, 61.0169), (inf, 0)])
async def test_a_clock_that_lies_behind_catches_up(
    speed: float, lasts: float, transport: MemoryTransport, telemetry: Telemetry
) -> None:
    """A clock an hour behind catches up at 60 times the pace without gaps, and readings come live from then on."""
    bay = catching_up(start=START - timedelta(hours=1), speed=speed)
    began = anyio.current_time()
    arrived: list[float] = []

    class Watched(MemoryTransport):
        async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
            arrived.extend(anyio.current_time() - began for _ in records)
            return await super().publish(records)

    watched = Watched(topic="icu.test", partitions=1)
    found = await sent_within(80, [bay], watched, telemetry, wall())
    since = [(each.timestamp - START).total_seconds() for each in found]
    assert since == list(range(-3_600, 80, 5))
    live = next(n for n, at in enumerate(arrived) if since[n] >= lasts)
    assert arrived[live:] == pytest.approx(since[live:], abs=0.01)
    assert max(arrived[:live]) <= lasts + 0.01
    assert telemetry.missed._value.get() == 0


async def test_catching_up_waits_for_the_transport(telemetry: Telemetry) -> None:
    """No reading of the past is dropped, however slow the transport is."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=10)
    bay = catching_up(start=START - timedelta(hours=2), speed=inf)
    found: list[Observation] = []
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(
            partial(emulate, bays=[bay], buffer=SendBuffer(), transport=transport, telemetry=telemetry, now=wall())
        )
        await anyio.sleep(30)
        while len(found) < 1_441:
            for batch in await consumer.fetch(max_records=10, linger=0, max_wait=1):
                found += [decoded(each) for each in batch.deliveries]
                await consumer.commit({0: batch.position})
        group.cancel_scope.cancel()
    assert [(each.timestamp - START).total_seconds() for each in found[:1_441]] == list(range(-7_200, 5, 5))
    assert telemetry._dropped._value.get() == 0


async def test_the_past_is_made_many_readings_at_a_time(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """A lone patient's hour of the past takes a dozen rounds, not one for each reading: turns that keep others
    waiting no longer than a round of many patients does."""
    rounds: list[int] = []

    class Counting(SendBuffer):
        def put(self, records: Iterable[Record]) -> int:
            records = list(records)
            rounds.append(len(records))
            return super().put(records)

    bay = catching_up(start=START - timedelta(hours=1), speed=inf)
    with anyio.move_on_after(1):
        await emulate(bays=[bay], buffer=Counting(), transport=transport, telemetry=telemetry, now=wall())
    assert sum(rounds) == 721
    assert max(rounds) == LONGEST_TURN
    assert len(rounds) <= 721 / LONGEST_TURN + 2


async def test_a_long_turn_keeps_within_the_room(telemetry: Telemetry) -> None:
    """A patient of the past makes no more readings at a time than its buffer has room for, and loses none."""
    transport = MemoryTransport(topic="icu.test", partitions=1)
    bay = catching_up(start=START - timedelta(hours=1), speed=inf)
    with anyio.move_on_after(1):
        await emulate(bays=[bay], buffer=SendBuffer(capacity=7), transport=transport, telemetry=telemetry, now=wall())
    found = await on_topic(transport)
    assert [(each.timestamp - START).total_seconds() for each in found] == list(range(-3_600, 5, 5))
    assert telemetry._dropped._value.get() == 0


@pytest.mark.parametrize("bay", [
    catching_up("Anna", "Boris", start=START - timedelta(minutes=2), speed=inf),
    ReplayedBay(identity(), PULSES, origin=START, speed=inf),
], ids=["simulated", "replayed"])  # fmt: skip
def test_what_was_not_sent_is_made_once(bay: Bay) -> None:
    """An emulator that failed between making readings and sending them leaves the same ones to the next."""
    bay.begin(START)
    made = bay.observe(3)
    bay.begin(START)
    assert bay.observe(2) == made
    assert bay.latest == made[-len(bay.identities) :]
    bay.advance(0, START)
    assert bay.observe(1)[0].timestamp > made[-1].timestamp


async def test_catching_up_does_not_run_away_from_the_sink(telemetry: Telemetry) -> None:
    """The number of records that no sink has stored yet is bounded, since they are lost with the process."""
    transport = MemoryTransport(topic="icu.test")
    bay = catching_up(*map(str, range(100)), start=START - timedelta(hours=1), speed=inf)
    with anyio.move_on_after(10):
        await emulate(bays=[bay], buffer=SendBuffer(), transport=transport, telemetry=telemetry, now=wall())
    assert MAX_UNSTORED < transport.unstored < 2 * MAX_UNSTORED


async def test_what_was_left_out_changes_nothing_of_what_follows(telemetry: Telemetry) -> None:
    """The body advances through left-out slots: readings after a pause are the same as without it."""
    seen: list[dict[datetime, Observation]] = []
    for pause in (0, 60):
        transport = MemoryTransport(topic="icu.test", partitions=1)
        bay, now = simulated(), wall()
        await sent_within(30, [bay], transport, telemetry, now)
        await anyio.sleep(pause)
        found = await sent_within(100, [bay], transport, telemetry, now)
        seen.append({each.timestamp: each for each in found})
    common = set(seen[0]) & set(seen[1])
    assert max(common) - START > timedelta(seconds=90)
    assert all(seen[0][moment] == seen[1][moment] for moment in common)


async def test_time_goes_on_while_the_loop_stands_still(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Rows that fell due while the event loop stood still are sent at once, later ones at their times."""
    slept = 0.0
    bay = ReplayedBay(identity(), PULSES, origin=START, speed=1)
    async with anyio.create_task_group() as group:
        run = partial(emulate, buffer=SendBuffer(), transport=transport, telemetry=telemetry, now=wall())
        group.start_soon(partial(run, bays=[bay], monotonic=lambda: anyio.current_time() + slept))
        await anyio.sleep(60)
        slept = 2 * 3_600.0
        await anyio.sleep(1)
        assert [each.pulse for each in await on_topic(transport)] == [70, 71, 72]
        await anyio.sleep(3_600 - 62)
        assert len(await on_topic(transport)) == 3
        await anyio.sleep(2)
        assert len(await on_topic(transport)) == 4
        group.cancel_scope.cancel()


async def test_the_same_bytes_at_any_speed(telemetry: Telemetry) -> None:
    """Seed, identity and start decide every reading, at any pace of catching up."""
    values = []
    for speed in (1, 60, inf):
        transport = MemoryTransport(topic="icu.test", partitions=1)
        bay = catching_up(start=START - timedelta(minutes=30), speed=speed)
        with anyio.move_on_after(1_801 / min(speed, 1_801)):
            await emulate(bays=[bay], buffer=SendBuffer(), transport=transport, telemetry=telemetry, now=wall())
        async with transport.consumer() as consumer:
            await consumer.assign({})
            batches = await consumer.fetch(max_records=100_000, linger=0, max_wait=0)
            values.append([each.value for batch in batches for each in batch.deliveries][:360])
    assert values[0] == values[1] == values[2]
    assert len(set(values[0])) == 360


async def test_readings_wait_for_a_transport_that_is_away(telemetry: Telemetry) -> None:
    """While the transport is away patients are observed, and all readings are sent in order later."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    found: list[Observation] = []
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(
            partial(
                emulate, bays=[simulated()], buffer=SendBuffer(), transport=transport, telemetry=telemetry, now=wall()
            )
        )
        await anyio.sleep(62)
        assert telemetry._buffered._value.get() == 12
        while len(found) < 13:
            for batch in await consumer.fetch(max_records=10, linger=0, max_wait=1):
                found += [decoded(each) for each in batch.deliveries]
                await consumer.commit({0: batch.position})
        group.cancel_scope.cancel()
    assert found == sorted(found, key=lambda each: each.timestamp)
    assert telemetry._delivered._value.get() == 13
    assert telemetry._buffered._value.get() == 0


async def test_the_oldest_readings_make_room(telemetry: Telemetry) -> None:
    """After an hour without a transport a patient's oldest readings are dropped, counted and logged."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    await transport.publish([Record(b"somebody else", b"{}")])
    lines: list[str] = []
    logger.add(lines.append, format="{message}")
    with anyio.move_on_after(5 * 725 - 1):
        await emulate(bays=[simulated()], buffer=SendBuffer(), transport=transport, telemetry=telemetry, now=wall())
    assert telemetry._dropped._value.get() == 5
    assert telemetry._buffered._value.get() == 720
    assert "1 observations were dropped: the transport has been away for too long\n" in lines
    assert "stopped with 720 readings that were not delivered\n" in lines


async def test_what_waits_is_sent_before_the_end(telemetry: Telemetry) -> None:
    """A stopping emulator sends its pending readings, if that takes only a moment."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    await transport.publish([Record(b"somebody else", b"{}")])
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(partial(sent_within, 3, [simulated()], transport, telemetry, wall()))
        await anyio.sleep(4)
        [batch] = await consumer.fetch(max_records=1, linger=0, max_wait=0)
        await consumer.commit({0: batch.position})
        [batch] = await consumer.fetch(max_records=1, linger=0, max_wait=0)
        assert decoded(batch.deliveries[0]).patient_name == "Anna"
        group.cancel_scope.cancel()


async def test_a_recording_waits_for_room(telemetry: Telemetry) -> None:
    """A recording pauses while the transport is away, and drops nothing."""
    transport = MemoryTransport(topic="icu.test", partitions=1, capacity=1)
    buffer = SendBuffer(capacity=2)
    bed = ReplayedBay(identity(), PULSES, origin=START, speed=3_600)
    pulses: list[float | None] = []
    async with anyio.create_task_group() as group, transport.consumer() as consumer:
        await consumer.assign({})
        group.start_soon(partial(emulate, bays=[bed], buffer=buffer, transport=transport, telemetry=telemetry))
        await anyio.sleep(3_600)
        while len(pulses) < 4:
            for batch in await consumer.fetch(max_records=1, linger=0, max_wait=5):
                pulses += [decoded(each).pulse for each in batch.deliveries]
                await consumer.commit({0: batch.position})
    assert pulses == [70, 71, 72, 73]
    assert telemetry._dropped._value.get() == 0


async def test_a_recording_is_sent_whole_and_ends(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Every row is sent, an hour apart in time and a second apart on the wire; then the emulator ends."""
    bed = ReplayedBay(identity(), PULSES, origin=START, speed=3_600)
    before = anyio.current_time()
    await emulate(bays=[bed], buffer=SendBuffer(), transport=transport, telemetry=telemetry)
    assert anyio.current_time() - before == pytest.approx(3)
    found = await on_topic(transport)
    assert [each.pulse for each in found] == [70, 71, 72, 73]
    assert [(each.timestamp - START).total_seconds() for each in found] == [0, 3_600, 7_200, 10_800]
    assert [each.interval for each in found] == [1, 1, 1, None]


async def test_a_recording_goes_on_where_it_failed(telemetry: Telemetry) -> None:
    """Rows that the transport did not acknowledge are sent by the next emulator."""
    closed = MemoryTransport(topic="icu.test", partitions=1)
    bed, buffer = ReplayedBay(identity(), PULSES, origin=START, speed=3_600), SendBuffer()
    with anyio.move_on_after(1.5):
        await emulate(bays=[bed], buffer=buffer, transport=closed, telemetry=telemetry)
    await closed.aclose()
    with pytest.raises(ExceptionGroup) as caught:
        await emulate(bays=[bed], buffer=buffer, transport=closed, telemetry=telemetry)
    assert isinstance(unwrapped(caught.value), TransportClosedError)
    transport = MemoryTransport(topic="icu.test", partitions=1)
    await emulate(bays=[bed], buffer=buffer, transport=transport, telemetry=telemetry)
    assert [each.pulse for each in await on_topic(transport)] == [72, 73]


@pytest.mark.parametrize(("speed", "origin"), [(1, START), (3_600, START - timedelta(hours=3)), (0.5, START)])
def test_where_a_recording_lies_in_time(speed: float, origin: datetime) -> None:
    """A recording at its own pace begins at the launch; a faster one ends there, so that no reading is of the
    future."""
    assert origin_of(PULSES, launch=START, speed=speed) == origin


async def test_more_beds_than_a_round_holds(transport: MemoryTransport, telemetry: Telemetry) -> None:
    """Thousands of beds that are due together are all served."""
    beds = [simulated(f"Bed {n}") for n in range(2_500)]
    found = await sent_within(1, beds, transport, telemetry, wall())
    assert len({each.patient_uuid for each in found}) == 2_500


async def test_what_the_transport_refuses_is_lost_and_counted(telemetry: Telemetry) -> None:
    """A reading that the transport refuses is not counted as delivered, and does not hold up later ones."""

    class Strict(MemoryTransport):
        async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
            refused = [each for each in records if b'"pulse":71' in each.value]
            return [*await super().publish([each for each in records if each not in refused]), *refused]

    transport, buffer = Strict(topic="icu.test", partitions=1), SendBuffer()
    bed = ReplayedBay(identity(), PULSES, origin=START, speed=3_600)
    await emulate(bays=[bed], buffer=buffer, transport=transport, telemetry=telemetry)
    assert [each.pulse for each in await on_topic(transport)] == [70, 72, 73]
    assert len(buffer) == 0
    figures = [telemetry._produced, telemetry._delivered, telemetry._dropped, telemetry._buffered]
    assert [each._value.get() for each in figures] == [4, 3, 1, 0]


async def test_a_record_is_keyed_by_its_patient(telemetry: Telemetry) -> None:
    """The key, which decides the partition, is the patient's: one patient's readings stay in order."""
    published: list[Record] = []

    class Spy(MemoryTransport):
        async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
            published.extend(records)
            return await super().publish(records)

    await sent_within(1, [simulated()], Spy(topic="icu.test"), telemetry, wall())
    assert [record.key for record in published] == [str(uuid_of_name("Anna")).encode()]
