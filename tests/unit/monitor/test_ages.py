"""Ages of readings while the wall clock is set, on a real database."""

from contextlib import aclosing
from uuid import UUID

import pytest
from anyio import Path
from loguru import logger

from icu.messages import Position
from icu.monitor.ages import Ages
from icu.store.reader import PatientState, Reader
from icu.store.writer import Writer, open_writer
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import store

HOUR = 3_600.0


class Clocks:
    """Two clocks that a test moves: both advance with time, and the wall clock can be set."""

    def __init__(self) -> None:
        self.wall = START.timestamp()
        self.steady = 1_000.0

    def pass_by(self, seconds: float) -> None:
        """Advance the time."""
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks() -> Clocks:
    """Clocks that show START."""
    return Clocks()


def age_of(ages: Ages, patient: PatientState) -> float | None:
    """Return the age of a patient's latest reading."""
    return ages.at_present()(patient.uuid.int, patient.arrived and patient.arrived.timestamp())


class Ward:
    """A sender, and the ages that the monitor returns."""

    def __init__(self, writer: Writer, reader: Reader, clocks: Clocks) -> None:
        self.clocks = clocks
        self.ages = self.new_ages(reader)
        self._reader = reader
        self._writer = writer
        self._offset = 0

    def new_ages(self, reader: Reader) -> Ages:
        """Make the ages of a monitor that starts now."""
        return Ages(reader, wall=lambda: self.clocks.wall, steady=lambda: self.clocks.steady)

    async def send(self, patient: UUID = ANNA) -> None:
        """Store a reading that is measured and arrives now."""
        reading = observation(self.clocks.wall - START.timestamp(), patient=patient)
        await store(self._writer, [reading], start=self._offset, arrived=round(self.clocks.wall * 1000))
        self._offset += 1

    async def patients(self) -> list[PatientState]:
        """Read the patients as the monitor does."""
        return await self._reader.patients(now=self.ages.now())

    async def served_ages(self, ages: Ages | None = None) -> list[float | None]:
        """Return the age of each patient's latest reading."""
        served_ages = [age_of(ages or self.ages, each) for each in await self.patients()]
        return [None if each is None else round(each, 3) for each in served_ages]


@pytest.fixture
def ward(writer: Writer, reader: Reader, clocks: Clocks) -> Ward:
    """An empty ward."""
    return Ward(writer, reader, clocks)


async def test_an_age_grows_with_time(ward: Ward) -> None:
    """An age grows from the arrival on, and begins anew with the next reading."""
    await ward.send()
    await ward.ages.check_clocks()
    assert await ward.served_ages() == [0]
    ward.clocks.pass_by(12.5)
    assert await ward.served_ages() == [12.5]
    await ward.send()
    assert await ward.served_ages() == [0]


async def test_a_dead_bed_is_no_younger_for_a_clock_that_was_set_back(ward: Ward) -> None:
    """The age of a silent bed is unknown until the step of the clock is noticed, and right from then on."""
    await ward.send()
    await ward.ages.check_clocks()
    ward.clocks.pass_by(10)
    await ward.ages.check_clocks()
    ward.clocks.wall -= HOUR
    assert await ward.served_ages() == [None]
    await ward.ages.check_clocks()
    assert await ward.served_ages() == [10]
    ward.clocks.pass_by(HOUR - 10)  # when it arrived by the clock on the wall
    await ward.ages.check_clocks()
    assert await ward.served_ages() == [HOUR]
    ward.clocks.pass_by(5)
    assert await ward.served_ages() == [HOUR + 5]


async def test_a_clock_that_is_set_back_by_less_than_the_age(ward: Ward) -> None:
    """A step of less than the age is noticed too, although no arrival lies in the future then."""
    await ward.send()
    await ward.ages.check_clocks()
    ward.clocks.pass_by(HOUR)
    await ward.ages.check_clocks()
    ward.clocks.wall -= HOUR - 60
    await ward.ages.check_clocks()
    assert await ward.served_ages() == [HOUR]


async def test_a_bed_that_sends_after_the_step_has_an_age_by_the_new_clock(ward: Ward) -> None:
    """A bed whose first reading comes after the step has an ordinary age."""
    await ward.send()
    await ward.ages.check_clocks()
    ward.clocks.pass_by(10)
    await ward.ages.check_clocks()
    ward.clocks.wall -= HOUR
    await ward.ages.check_clocks()
    await ward.send(BORIS)
    ward.clocks.pass_by(3)
    assert await ward.served_ages() == [13, 3]


async def test_a_bed_that_sends_between_the_step_and_its_notice(ward: Ward) -> None:
    """A reading between the step and its notice has no age until the next one, since it may as well be an hour old."""
    await ward.send()
    await ward.ages.check_clocks()
    ward.clocks.pass_by(HOUR)
    await ward.ages.check_clocks()
    ward.clocks.pass_by(0.4)
    ward.clocks.wall -= HOUR - 60
    await ward.send(BORIS)
    ward.clocks.pass_by(0.4)
    await ward.ages.check_clocks()
    assert await ward.served_ages() == [HOUR + 0.8, None]
    ward.clocks.pass_by(5)
    assert await ward.served_ages() == [HOUR + 5.8, None]
    await ward.send(BORIS)
    assert await ward.served_ages() == [HOUR + 5.8, 0]


async def test_a_second_step_leaves_what_the_first_found(ward: Ward) -> None:
    """After several steps in both directions the ages are those that have passed."""
    await ward.send()
    await ward.ages.check_clocks()
    for step in (-HOUR, -HOUR, 2 * HOUR):
        ward.clocks.pass_by(10)
        await ward.ages.check_clocks()
        ward.clocks.wall += step
        await ward.ages.check_clocks()
    assert await ward.served_ages() == [30]


async def test_a_monitor_that_begins_after_the_step(ward: Ward, reader: Reader) -> None:
    """A monitor that starts after the step returns no age for an arrival in the future, also once that time comes."""
    await ward.send()
    ward.clocks.wall -= HOUR
    ages = ward.new_ages(reader)
    assert await ward.served_ages(ages) == [None]
    await ages.check_clocks()
    ward.clocks.pass_by(HOUR + 1)
    await ages.check_clocks()
    assert await ward.served_ages(ages) == [None]
    await ward.send()
    ward.clocks.pass_by(2)
    assert await ward.served_ages(ages) == [2]


async def test_a_steady_clock_that_stood_still(ward: Ward) -> None:
    """A machine that was suspended comes back with the right time, and all its beds are old."""
    await ward.send()
    await ward.ages.check_clocks()
    ward.clocks.wall += HOUR
    await ward.ages.check_clocks()
    assert await ward.served_ages() == [HOUR]


async def test_a_clock_that_is_steered(ward: Ward) -> None:
    """Fractions of a second are no step: there is no warning, and no age is below 0."""
    records: list[str] = []
    logger.add(lambda message: records.append(message.record["message"]))
    await ward.ages.check_clocks()
    for _ in range(10):
        await ward.send()
        ward.clocks.wall -= 0.3
        await ward.ages.check_clocks()
        assert await ward.served_ages() == [0]
        ward.clocks.pass_by(1)
    assert not records


async def test_a_step_is_logged(ward: Ward) -> None:
    """A step is logged once, with its meaning for readers."""
    records: list[str] = []
    logger.add(lambda message: records.append(message.record["message"]))
    await ward.ages.check_clocks()
    ward.clocks.wall -= HOUR
    for _ in range(3):
        await ward.ages.check_clocks()
    [record] = records
    assert record.startswith("the clock was set back by 3600 s")


async def test_a_database_that_comes_late(clocks: Clocks, url: str) -> None:
    """A missing database is no error here, and is looked at when it exists."""
    async with aclosing(Reader(url)) as reader:
        ages = Ages(reader, wall=lambda: clocks.wall, steady=lambda: clocks.steady)
        await ages.check_clocks()
        async with open_writer(url, topic="icu.test") as writer:
            await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
            late = Ward(writer, reader, clocks)
            await late.send()
            clocks.wall -= HOUR
            await ages.check_clocks()
            clocks.pass_by(HOUR + 1)
            assert await late.served_ages(ages) == [None]


async def test_a_database_that_is_away_at_the_step(ward: Ward, url: str) -> None:
    """No age is known while the database is away at a step; afterwards those of earlier arrivals are right."""
    await ward.send()
    await ward.ages.check_clocks()
    [anna] = await ward.patients()
    path = Path(url.removeprefix("sqlite:///"))
    await path.rename(path.with_suffix(".away"))
    ward.clocks.wall -= HOUR
    for _ in range(3):
        ward.clocks.pass_by(1)
        await ward.ages.check_clocks()
        assert age_of(ward.ages, anna) is None
    await path.with_suffix(".away").rename(path)
    await ward.ages.check_clocks()
    assert await ward.served_ages() == [3]
