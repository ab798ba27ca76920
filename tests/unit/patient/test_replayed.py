"""Recordings whose emulator is restarted: no row is early, and none is left out. On virtual time."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import inf

import anyio
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from icu.messages import Observation, Quality, Record, uuid_of_name
from icu.patient.cohort import Cohort
from icu.patient.emulator import emulate
from icu.patient.patients import Bay, Identity
from icu.patient.recordings.recording import Recording, Row
from icu.patient.replayed import ReplayedBay
from icu.patient.simulated import SimulatedBay
from icu.patient.telemetry import Telemetry
from icu.transports.memory import MemoryTransport
from icu.transports.sending import SendBuffer
from icu.vitals.catalogue import NUMBERS, SIGNS, VitalSigns
from tests.clocks import trio_clock, virtual_time
from tests.samples import START

HOUR = 3_600.0
PULSES = Recording([Row(hour * HOUR, VitalSigns(pulse=70 + hour)) for hour in range(4)], 3 * HOUR, 0)
ANNA = Identity(uuid_of_name("Anna"), "Anna")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: hours of monitoring take milliseconds."""
    return virtual_time()


class Topic(MemoryTransport):
    """A transport that records the time of each reading, and its pulse or its timestamp."""

    def __init__(self) -> None:
        super().__init__(topic="icu.test", partitions=1)
        self._began = anyio.current_time()
        self.pulses: list[float | None] = []
        self.arrived: list[float] = []
        # Seconds by which each is ahead of its arrival.
        self.leads: list[float] = []

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        for record in records:
            seconds = anyio.current_time() - self._began
            observation = msgspec.json.decode(record.value, type=Observation)
            self.pulses.append(observation.pulse)
            self.arrived.append(seconds)
            self.leads.append((observation.timestamp - START).total_seconds() - seconds)
        return await super().publish(records)


def wall(*, fast: float = 0.0) -> Callable[[], datetime]:
    """Make a clock that shows START now, or is this many seconds fast, and goes with virtual time."""
    began = anyio.current_time()
    return lambda: START + timedelta(seconds=anyio.current_time() - began + fast)


def emulator(bay: Bay, topic: Topic, now: Callable[[], datetime]) -> Callable[[], Awaitable[None]]:
    """Run one emulator."""
    telemetry = Telemetry(CollectorRegistry())
    return partial(emulate, bays=[bay], buffer=SendBuffer(), transport=topic, telemetry=telemetry, now=now)


@pytest.mark.parametrize(
    ("speed", "down", "up", "arrived"),
    [
        (1, 1.5 * HOUR, 1.6 * HOUR, [0, HOUR, 2 * HOUR, 3 * HOUR]),
        (1, 1.5 * HOUR, 2.5 * HOUR, [0, HOUR, 2.5 * HOUR, 3 * HOUR]),
        (1, 0.5 * HOUR, 2.5 * HOUR, [0, 2.5 * HOUR, 2.5 * HOUR, 3 * HOUR]),
        (1, 1.5 * HOUR, 9 * HOUR, [0, HOUR, 9 * HOUR, 9 * HOUR]),
        (0.5, 1.5 * HOUR, 1.6 * HOUR, [0, 2 * HOUR, 4 * HOUR, 6 * HOUR]),
        (3_600, 1.5, 1.6, [0, 1, 2, 3]),
        (3_600, 0.5, 2.5, [0, 2.5, 2.5, 3]),
        (inf, 1, 2, [0, 0, 0, 0]),
    ],
)
async def test_each_row_at_its_own_time(speed: float, down: float, up: float, arrived: list[float]) -> None:
    """A recording that paused goes on by its first launch: overdue rows at once, none early."""
    topic, now = Topic(), wall()
    bay = ReplayedBay(ANNA, PULSES, origin=START, speed=speed)
    with anyio.move_on_after(down):
        await emulator(bay, topic, now)()
    await anyio.sleep(up - down)
    await emulator(bay, topic, now)()
    assert topic.pulses == [70, 71, 72, 73]
    assert topic.arrived == pytest.approx(arrived)


async def test_a_clock_that_is_set_back_silences_nobody() -> None:
    """After the clock is set back, the next row comes no later than it would have without a restart."""
    topic = Topic()
    bay = ReplayedBay(ANNA, PULSES, origin=START, speed=1)
    with anyio.move_on_after(1.5 * HOUR):
        await emulator(bay, topic, wall())()
    await emulator(bay, topic, wall(fast=-5 * HOUR))()
    assert topic.pulses == [70, 71, 72, 73]
    assert topic.arrived == pytest.approx([0, HOUR, 2.5 * HOUR, 3.5 * HOUR])


async def test_a_new_process_goes_on_by_the_same_launch() -> None:
    """A new process repeats rows with the same times, which the store takes for one, then sends the next row in
    time."""
    topic, now = Topic(), wall()
    await anyio.sleep(1.5 * HOUR)
    await emulator(ReplayedBay(ANNA, PULSES, origin=START, speed=1, launch=START), topic, now)()
    assert topic.pulses == [70, 71, 72, 73]
    assert topic.arrived == pytest.approx([1.5 * HOUR, 1.5 * HOUR, 2 * HOUR, 3 * HOUR])
    assert topic.leads == pytest.approx([-1.5 * HOUR, -0.5 * HOUR, 0, 0])


def simulated() -> Bay:
    """Make a patient who is observed every five seconds."""
    cohort = Cohort([ANNA], {}, start=START, seed=7)
    return SimulatedBay(cohort, interval=5, offset=0, start=START, launch=START, speed=1)


def recorded() -> Bay:
    """Make a recording with a row every five seconds."""
    rows = [Row(5.0 * number, VitalSigns(pulse=70)) for number in range(100)]
    return ReplayedBay(ANNA, Recording(rows, 495, 0), origin=START, speed=1)


def slow_at_first(now: Callable[[], datetime]) -> Callable[[], datetime]:
    """Make a clock whose first reading takes a while, as where many bays begin."""
    pauses = iter([0.05])

    def look() -> datetime:
        trio_clock().jump(next(pauses, 0.0))
        return now()

    return look


@pytest.mark.parametrize("make", [simulated, recorded])
async def test_nothing_is_of_the_future(make: Callable[[], Bay]) -> None:
    """No reading is of the future, however often the emulator restarts, and however long its start takes."""
    topic, now, bay = Topic(), wall(), make()
    for seconds in (3, 4.9, 0.1, 5, 12, 0.7, 31):
        with anyio.move_on_after(seconds):
            await emulator(bay, topic, slow_at_first(now))()
    assert len(topic.leads) > 10
    assert max(topic.leads) <= 1e-9


def test_every_sign_of_a_row_is_sent() -> None:
    """An observation of a recording has every sign of the catalogue that its row has."""
    row = Row(0.0, VitalSigns(*(each.example for each in SIGNS)), {"spo2": "motion"})
    [observation] = ReplayedBay(ANNA, Recording([row], 0.0, 0), origin=START, speed=1).observe()
    assert {each.field: getattr(observation, each.field) for each in NUMBERS} == {
        each.field: each.example for each in NUMBERS
    }
    assert observation.bp == "120/80"
    assert observation.quality == Quality(spo2="motion")


def test_rows_that_are_due_are_made_together() -> None:
    """At top speed a turn takes as many rows as it may; at a recording's own pace those that are due, and no other."""
    fast = ReplayedBay(ANNA, PULSES, origin=START, speed=inf)
    fast.begin(START)
    assert [each.pulse for each in fast.observe(3)] == [70, 71, 72]
    fast.advance(0, START)
    assert [each.pulse for each in fast.observe(3)] == [73]
    slow = ReplayedBay(ANNA, PULSES, origin=START, speed=1, launch=START)
    slow.begin(START + timedelta(hours=1))
    assert [each.pulse for each in slow.observe(3)] == [70, 71]
    slow.advance(HOUR - 1, START + timedelta(hours=2))
    assert [each.pulse for each in slow.observe(3)] == [72]
