"""Two sinks on one database: alarms are those of one sink, whoever stores which reading, and whoever ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icu.store.commands import alarms as alarm_commands
from icu.store.commands.door import Author, Door
from icu.store.engines.table import engine_of
from icu.store.errors import OwnersChangedError, PositionConflictError
from tests.clocks import pass_time, still_asyncio
from tests.samples import ANNA, BORIS, observation
from tests.sharing import SharingSink, wall
from tests.stores import rows

pytestmark = pytest.mark.parametrize("anyio_backend", [still_asyncio()])

EPISODES = (
    "SELECT condition, presence, signal, onset, raised, ended, end_reason, value, worst FROM alarms ORDER BY 1, 4"
)
ANN = Author("Ann", "127.0.0.1")


class Ward:
    """Database with sinks."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sinks: list[SharingSink] = []

    async def open(self, member: str | None, partitions: list[int]) -> SharingSink:
        """Start a sink with these partitions."""
        if not self.sinks:
            await engine_of(self.url).upgrade()
        sink = SharingSink(self.url, member)
        self.sinks.append(sink)
        await sink.begin(partitions)
        return sink

    async def aclose(self) -> None:
        """Close all."""
        for each in self.sinks:
            await each.aclose()


@pytest.fixture
async def ward(url: str) -> AsyncIterator[Ward]:
    """A ward without sinks."""
    ward = Ward(url)
    yield ward
    await ward.aclose()


async def test_a_patient_goes_to_the_sink_that_hears_them(ward: Ward) -> None:
    """Readings without keys come to two sinks in turn: a desaturation is raised once, at its own time."""
    first, second = await ward.open("a", [0]), await ward.open("b", [1])
    for number, seconds in enumerate(range(0, 40, 5)):
        sink = (first, second)[number % 2]
        low = {"spo2": 85} if seconds >= 10 else {}
        await sink.send([observation(seconds, **low)], partition=number % 2)
        pass_time(5)
        await first.look()
        await second.look()
    assert [row[:3] for row in rows(ward.url, EPISODES)] == [("spo2.low", "present", "on")]
    assert rows(ward.url, "SELECT count(*) FROM outbox WHERE event = 'start'") == [(1,)]
    assert len(rows(ward.url, "SELECT * FROM patient_metrics")) == 8


async def test_effects_for_a_patient_of_another_sink_are_not_stored(ward: Ward) -> None:
    """A sink that lost a patient forgets the deadlines it knew: only the other one raises the alarm."""
    first, second = await ward.open("a", [0]), await ward.open("b", [1])
    await first.send([observation(0, spo2=85)])
    pass_time(5)
    await second.send([observation(5, spo2=98)], partition=1)
    pass_time(12)
    await first.look()
    assert first.alarms._loaded.patients == 0
    await second.look()
    assert rows(ward.url, "SELECT * FROM alarms WHERE raised IS NOT NULL") == []


async def test_a_stale_evaluation_is_refused(ward: Ward) -> None:
    """The writer refuses effects of a sink whose patients were taken since its last transaction."""
    first, second = await ward.open("a", [0]), await ward.open("b", [1])
    await first.send([observation(0)])
    await second.send([observation(5)], partition=1)
    with pytest.raises(OwnersChangedError):
        await first.writer.write_effects(first.alarms._loaded.effects, first.heart.beat())
    assert first.writer.guard.take_lost() == {1}
    assert first.writer.guard.owned == set()


async def test_patients_of_a_dead_sink(ward: Ward) -> None:
    """Whoever gets the partition of a sink that was killed goes on with its patients, and the dead one disappears."""
    first, second = await ward.open("a", [0]), await ward.open("b", [1])
    await first.send([observation(0, spo2=85)])
    await first.beat()
    await second.beat()
    await second.begin([0, 1])
    assert rows(ward.url, "SELECT member, partitions FROM heartbeats") == [("b", "[0,1]")]
    for seconds in (5, 10, 15):
        pass_time(5)
        await second.send([observation(seconds, spo2=85)])
    assert rows(ward.url, "SELECT condition, presence FROM alarms") == [("spo2.low", "present")]
    # It was only asleep: what it goes on with is refused.
    with pytest.raises(PositionConflictError):
        await first.look()
        await first.send([observation(20)])


async def test_a_sink_that_silence_tells_of(ward: Ward) -> None:
    """Patients who are never heard again are stale once, by the sink that took their partition over."""
    first, second = await ward.open("a", [0]), await ward.open("b", [1])
    await first.send([observation(0)])
    pass_time(5)
    await second.begin([0, 1])
    for _ in range(30):
        pass_time(1)
        await second.look()
    assert rows(ward.url, "SELECT condition FROM alarms") == [("data.stale",)]


@pytest.mark.parametrize(
    ("number", "partitions", "outage", "stale_after"),
    [
        # The same sink goes on, at once or after an outage; and another one, which nobody could be heard by meanwhile.
        (0, [0], 0, 1),
        (0, [0], 60, 1),
        (1, [0, 1], 0, 1),
        (1, [0, 1], 60, 15),
    ],
)
async def test_silence_goes_on_where_partitions_move(
    ward: Ward, number: int, partitions: list[int], outage: int, stale_after: int
) -> None:
    """A patient is stale after the usual time, whichever sinks begin to read meanwhile. An outage is no silence."""
    sinks = [await ward.open("a", [0]), await ward.open("b", [1])]
    await sinks[0].send([observation(0)])
    for _ in range(7):
        pass_time(2)
        for each in sinks:
            await each.look()
            await each.beat()
        await sinks[0].begin([0])
    pass_time(outage)
    await sinks[number].begin(partitions)
    stale = "SELECT condition FROM alarms WHERE condition = 'data.stale'"
    for _ in range(stale_after):
        assert rows(ward.url, stale) == []
        pass_time(1)
        await sinks[number].look()
    assert rows(ward.url, stale) == [("data.stale",)]


async def test_a_namesake(ward: Ward) -> None:
    """Of two sinks with one name, the later one writes."""
    first = await ward.open("a", [0])
    await first.send([observation(0)])
    second = await ward.open("a", [0])
    with pytest.raises(PositionConflictError):
        await first.beat()
    assert second.writer.guard.owned == {1}


async def test_commands_reach_the_sink_of_the_patient(ward: Ward) -> None:
    """An acknowledgement is taken by the sink that has the patient, and by no other."""
    first, second = await ward.open("a", [0]), await ward.open("b", [1])
    for seconds in range(0, 20, 5):
        await second.send([observation(seconds, spo2=85)], partition=1)
        pass_time(5)
    [(alarm, seen)] = rows(ward.url, "SELECT id, seen FROM alarms")
    await alarm_commands.acknowledge(Door(ward.url, wall=wall), UUID(alarm), ANN, why=None, seen=seen)
    pass_time(0.5)
    await first.look()
    await second.look()
    await second.send([observation(20, spo2=85)], partition=1)
    assert rows(ward.url, "SELECT signal FROM alarms") == [("acknowledged",)]


STEPS = st.lists(
    st.one_of(
        # A reading of one of two patients, on one of two partitions; low or not.
        st.tuples(st.just("send"), st.integers(0, 1), st.integers(0, 1), st.sampled_from([98, 89, 85])),
        # The partitions of the sinks change, or one is killed and started again.
        st.tuples(st.just("move"), st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1)])),
        st.tuples(st.just("kill"), st.integers(0, 1)),
    ),
    min_size=8,
    max_size=15,
)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
async def test_alarms_are_those_of_one_sink(
    steps: list[tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However readings come to two sinks, and whoever ends in between, the alarms are those of a single sink."""
    folder = tmp_path_factory.mktemp("ward")
    shared, alone = Ward(f"sqlite:///{folder / 'shared.db'}"), Ward(f"sqlite:///{folder / 'alone.db'}")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(shared.aclose)
        stack.push_async_callback(alone.aclose)
        sinks, one = [await shared.open("a", [0]), await shared.open("b", [1])], await alone.open(None, [0, 1])
        owners = [0, 1]
        for step in steps:
            match step:
                case "send", patient, partition, spo2:
                    pass_time(5)
                    reading = observation(
                        anyio.current_time(), patient=(ANNA, BORIS)[patient], spo2=spo2, pulse=70 + patient
                    )
                    await sinks[owners[partition]].send([reading], partition=partition)
                    await one.send([reading], partition=partition)
                case "move", (first, second):
                    owners = [first, second]
                    for number, sink in enumerate(sinks):
                        await sink.begin([each for each in (0, 1) if owners[each] == number])
                case "kill", number:
                    sinks[number] = await shared.open("ab"[number], [each for each in (0, 1) if owners[each] == number])
            for sink in (*sinks, one):
                await sink.look()
                await sink.beat()
        assert rows(shared.url, EPISODES) == rows(alone.url, EPISODES)
