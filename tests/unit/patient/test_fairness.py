"""Bays that are behind do not delay the others: they take turns. On virtual time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import anyio
import pytest
from prometheus_client import CollectorRegistry

from icu.messages import Observation, Record, uuid_of_name
from icu.patient import emulator
from icu.patient.cohort import Cohort
from icu.patient.emulator import emulate
from icu.patient.patients import Identity
from icu.patient.simulated import SimulatedBay
from icu.patient.telemetry import Telemetry
from icu.transports import sending
from icu.transports.memory import MemoryTransport
from icu.transports.sending import SendBuffer
from tests.clocks import trio_clock, virtual_time
from tests.samples import START

# Seconds that an observation takes here.
WORK = 0.1


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Virtual time: seconds take milliseconds."""
    return virtual_time()


class Laborious(SimulatedBay):
    """A bay whose observations take time, as those of thousands of patients do."""

    def observe(self, most: int = 1) -> Sequence[Observation]:
        trio_clock().jump(WORK)
        return super().observe(most)


def bay(name: str, *, behind: timedelta, patients: int = 1) -> SimulatedBay:
    """Make a bay that is this far behind and catches up as fast as possible."""
    identities = [Identity(uuid_of_name(f"{name} {n}"), name) for n in range(patients)]
    cohort = Cohort(identities, {}, start=START - behind, seed=7)
    return Laborious(cohort, interval=5, offset=0, start=START - behind, launch=START, speed=float("inf"))


class Log(MemoryTransport):
    """A transport that records patients and times of the records."""

    def __init__(self) -> None:
        super().__init__(topic="icu.test", partitions=1)
        self.began = anyio.current_time()
        self.came: list[tuple[bytes, float]] = []

    async def publish(self, records: Sequence[Record]) -> Sequence[Record]:
        self.came += [(record.key, anyio.current_time() - self.began) for record in records]
        return await super().publish(records)


async def published(seconds: float, *bays: SimulatedBay) -> tuple[Log, Telemetry]:
    """Run the bays for this number of seconds, and return the records."""
    log, telemetry = Log(), Telemetry(CollectorRegistry())

    def now() -> datetime:
        return START + timedelta(seconds=anyio.current_time() - log.began)

    with anyio.move_on_after(seconds):
        await emulate(bays=bays, buffer=SendBuffer(), transport=log, telemetry=telemetry, now=now)
    return log, telemetry


async def test_beds_that_are_equally_behind_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beds that are equally far behind catch up together, not one after the other."""
    monkeypatch.setattr(emulator, "ROUND_SIZE", 1)
    bays = [bay(name, behind=timedelta(hours=1)) for name in ("Anna", "Boris", "Chiara")]
    log, _ = await published(6, *bays)
    keys = [key for key, _ in log.came]
    assert len(keys) > 30
    counts = [keys.count(each.identities[0].key) for each in bays]
    assert max(counts) - min(counts) <= 1


async def test_a_live_patient_is_read_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live patient's readings come at their times while others catch up, each after one turn of the others at
    most."""
    monkeypatch.setattr(emulator, "ROUND_SIZE", 1)
    live = bay("live", behind=timedelta(0))
    log, telemetry = await published(31, bay("late", behind=timedelta(hours=1)), live)
    times = [at for key, at in log.came if key == live.identities[0].key]
    assert times == pytest.approx([0, 5, 10, 15, 20, 25, 30], abs=1)
    assert telemetry.missed._value.get() == 0


async def test_a_round_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round is bounded by its patients: a bay that exceeds the bound waits for the next one."""
    monkeypatch.setattr(emulator, "ROUND_SIZE", 4)
    rounds: list[int] = []

    class Counting(SendBuffer):
        def put(self, records: Sequence[Record]) -> int:  # type: ignore[override] # it counts alone
            rounds.append(len(records))
            return super().put(records)

    bays = [bay(f"bay {n}", behind=timedelta(0), patients=2) for n in range(5)]
    with anyio.move_on_after(4):
        await emulate(
            bays=[*bays, bay("large", behind=timedelta(0), patients=9)],
            buffer=Counting(),
            transport=Log(),
            telemetry=Telemetry(CollectorRegistry()),
            now=lambda: START,
        )
    assert rounds == [4, 4, 11]


async def test_what_is_left_out_is_counted_by_patient() -> None:
    """A missed slot of three patients counts as three missed readings."""
    ward = bay("late", behind=timedelta(0), patients=3)
    log, telemetry = Log(), Telemetry(CollectorRegistry())
    asleep = iter([12.5])

    def now() -> datetime:
        trio_clock().jump(next(asleep, 0) if log.came else 0)
        return START + timedelta(seconds=anyio.current_time() - log.began)

    with anyio.move_on_after(21):
        await emulate(bays=[ward], buffer=SendBuffer(), transport=log, telemetry=telemetry, now=now)
    assert len(log.came) + telemetry.missed._value.get() == 3 * 5
    assert telemetry.missed._value.get() == 3


@pytest.mark.parametrize(("trouble", "lasts"), [(None, sending.FLUSH_TIMEOUT), ("Kafka is away", 0)])
async def test_nobody_waits_for_a_transport_that_is_away(
    monkeypatch: pytest.MonkeyPatch, trouble: str | None, lasts: float
) -> None:
    """A stopping emulator gives its last readings a moment, unless the transport is known to be away."""
    log, began = MemoryTransport(topic="icu.test", partitions=1, capacity=0), anyio.current_time()
    monkeypatch.setattr(MemoryTransport, "sending_trouble", trouble)
    with anyio.move_on_after(7):
        await emulate(
            bays=[bay("live", behind=timedelta(0))],
            buffer=SendBuffer(),
            transport=log,
            telemetry=Telemetry(CollectorRegistry()),
            now=lambda: START,
        )
    assert anyio.current_time() - began == pytest.approx(7 + lasts, abs=0.2)
