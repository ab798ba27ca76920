"""The list of patients from memory: the same as the store's own answer, whatever was stored, and never an older one."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import msgspec
import pytest
from anyio import to_thread

from icu.messages import Delivery, Observation, Position, Quality, Refusal
from icu.monitor.ages import MIN_STEP, Ages
from icu.monitor.broadcast import Broadcast
from icu.monitor.latest import LatestReadings
from icu.monitor.listing import SLICE, encode_patients
from icu.monitor.news2.answers import ListedScore
from icu.monitor.schemas import PatientSummary
from icu.store.current.newest import Newest
from icu.store.errors import SchemaError, StoreUnavailableError
from icu.store.history.news2 import StoredInputs
from icu.store.journal.following import Follower
from icu.store.reader import Reader
from icu.store.writer import Writer, open_writer
from icu.vitals.news2.inputs import MaxAges, score_at
from icu.vitals.news2.score import ASSUMED
from tests.rolled_histories import set_state
from tests.samples import ANNA, BORIS, START, observation
from tests.stores import EXCHANGED, NOON, execute, make_sink_older, restored, rows, store

HOUR = 3_600
WELL = ListedScore(0, None, "zero", [], assumed=True)


class Monitor:
    """A monitor that keeps the latest readings, and a second one that asks the store each time."""

    def __init__(
        self, url: str, reader: Reader, plain: Reader, follower: Follower, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.reader = reader
        self.broadcast = Broadcast(reader)
        self.latest = LatestReadings(reader, self.broadcast, MaxAges())
        # Names of the methods by which the store was asked.
        self.asked: list[str] = []
        self._url = url
        self._plain = plain
        self._follower = follower
        self._version: int | None = None
        for name in ("newest", "patients", "patient"):
            monkeypatch.setattr(reader, name, self._counted(name, getattr(reader, name)))

    def _counted(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.asked.append(name)
            return await method(*args, **kwargs)

        return counted

    async def look(self) -> None:
        """Follow the journal up to now."""
        self._version = await self.broadcast._look(self._follower, self._version)

    async def kept(self, now: datetime = START) -> list[dict[str, Any]]:
        """The patients as this monitor answers."""
        ages = Ages(self.reader, wall=now.timestamp, steady=lambda: 0.0)
        return msgspec.json.decode(await encode_patients(await self.latest.patients(now=now), ages))

    async def stored(self, now: datetime = START) -> list[dict[str, Any]]:
        """The patients as the store has them, with their names alone."""
        states = sorted(await self._plain.patients(now=now), key=lambda each: (each.name is None, each.name, each.uuid))
        return [msgspec.to_builtins(each) for each in states]

    async def check(self, now: datetime = START) -> None:
        """Both have the same patients and readings, and the same order if names differ by their letters alone."""
        await self.look()
        kept, stored = await self.kept(now), await self.stored(now)
        assert [each["uuid"] for each in kept] == [each["uuid"] for each in sorted(stored, key=_order)]
        by_uuid = {each["uuid"]: each for each in stored}
        for each in kept:
            state = by_uuid[each["uuid"]]
            assert (each["name"], each["latest"]) == (state["name"], state["latest"])
            seconds = age(state["arrived"], now)
            assert each["latest_age_seconds"] == seconds
            assert each["stale"] == (None if seconds is None else seconds > limit(self._url, each["uuid"]))
            if each["news2"] is None:
                assert seconds is None or self._is_unsure(each["uuid"], now)
            else:
                assert seconds is not None
                assert each["news2"] == await self._news2(state, now, seconds)

    def _is_unsure(self, uuid: str, now: datetime) -> bool:
        """True if a reading arrived behind the newest one, whose time has not come, or whose clock was wrong."""
        [(time, last, arrived, lag)] = rows(self._url, NEWEST_AND_LAST.format(uuid))
        return bool(last > arrived and (time > ms(now) or lag < -300_000))

    async def _news2(self, state: dict[str, Any], now: datetime, seconds: float) -> dict[str, Any]:
        """The score as the store's values make it."""
        time = ms(datetime.fromisoformat(state["latest"]["timestamp"])) + round(1_000 * seconds)
        stored = await StoredInputs.find(self._plain, UUID(state["uuid"]), MaxAges())
        values = await stored.last_values(time, lag=ms(now) - time)
        score = score_at(values, time, stored.ages, stored.entered[-1] if stored.entered else ASSUMED)
        return {
            "total": score.total,
            "partial": score.sum if score.total is None else None,
            "category": score.category,
            "missing": list(score.missing),
            "assumed": not stored.entered,
        }


def ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1_000)


# Of a patient, the newest reading: its time, the last arrival of all, its own, and its lag.
NEWEST_AND_LAST = """
SELECT timestamp, (SELECT max(timestamp + lag) FROM patient_metrics WHERE patient_id = id), timestamp + lag, lag
FROM patient_metrics JOIN patients ON id = patient_id WHERE uuid = '{}' ORDER BY timestamp DESC LIMIT 1
"""


def _order(state: dict[str, Any]) -> tuple[bool, str, str]:
    return state["name"] is None, (state["name"] or "").casefold(), state["uuid"]


def age(arrived: str | None, now: datetime) -> float | None:
    """The age to show: rounded, and unknown where the arrival is ahead of the clock."""
    if arrived is None:
        return None
    seconds = round((now - datetime.fromisoformat(arrived)).total_seconds(), 3)
    return max(seconds, 0.0) if seconds > -MIN_STEP else None


def limit(url: str, uuid: str) -> float:
    """The age of a patient from which the reading is stale, in seconds: by the rule, without our code."""
    [(key, interval)] = rows(url, f"SELECT id, interval FROM patients WHERE uuid = '{uuid}'")
    times = [ms for (ms,) in rows(url, f"SELECT timestamp FROM patient_metrics WHERE patient_id = {key} ORDER BY 1")]
    # Gaps count in whole seconds.
    gaps = sorted((after - before + 500) // 1000 for before, after in pairwise(times[-11:]))
    usual = (gaps[len(gaps) // 2] + gaps[(len(gaps) - 1) // 2]) / 2 if gaps else 5
    # Whole milliseconds, as readings are stored.
    return max(15, 3 * int(1_000 * (interval or usual)) / 1_000)


@pytest.fixture
async def monitor(url: str, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Monitor]:
    """A monitor beside a sink, which follows its journal when it is told to."""
    async with aclosing(Reader(url)) as reader, aclosing(Reader(url)) as plain, reader.follow() as follower:
        monitor = Monitor(url, reader, plain, follower, monkeypatch)
        await monitor.look()
        yield monitor


class Ward:
    """Patients whose clocks go as they like, and a time that passes."""

    def __init__(self, writer: Writer, url: str, seed: int) -> None:
        self._random = random.Random(seed)
        self._writer = writer
        self._url = url
        self._offset = 0
        self._sent: list[Observation] = []
        self.now = START
        self._skews = [self._random.choice([0, 0, 0, 2, 30, -2, 200, HOUR, -HOUR]) for _ in range(8)]

    async def step(self) -> None:
        """Something happens, mostly that readings come."""
        self.now += timedelta(seconds=self._random.choice([0, 0.3, 5, 5, 5, 60, 400]))
        match self._random.random():
            case chance if chance < 0.04:
                self.now -= timedelta(seconds=self._random.choice([1, 50, HOUR]))
            case chance if chance < 0.08:
                await self._writer.begin({0: Position(self._offset, "m")}, other_logs=frozenset())
            case chance if chance < 0.12:
                await to_thread.run_sync(execute, self._url, "UPDATE patients SET name = 'X' || name WHERE id = 2")
            case chance if chance < 0.16:
                await self._store([], [Refusal(Delivery(0, self._offset, None, b"?"), "malformed", "no JSON")])
            case _:
                await self._store([self._reading() for _ in range(self._random.randrange(1, 12))])

    async def _store(self, sent: list[Observation], refusals: list[Refusal] | None = None) -> None:
        arrived = round(self.now.timestamp() * 1000)
        await store(self._writer, sent, start=self._offset, refusals=refusals or (), arrived=arrived)
        self._offset += len(sent) + len(refusals or ())
        self._sent += sent

    def _reading(self) -> Observation:
        if self._sent and self._random.random() < 0.1:
            return self._random.choice(self._sent)
        number = self._random.randrange(8)
        seconds = (self.now - START).total_seconds() + self._skews[number]
        seconds += self._random.choice([0, 0, 0, 0, -0.2, -20, -400, -3 * HOUR, 3, 299, 301, 3 * HOUR])
        return observation(
            seconds,
            patient=UUID(int=number + 1),
            patient_name=self._random.choice([None, f"Bed {number}", f"Bed {number}", f"bed {9 - number}"]),
            interval=None if number % 2 else self._random.choice([None, 5, 5, 60]),
            **self._values(seconds),
        )

    def _values(self, seconds: float) -> dict[str, Any]:
        """Values of any points, absent or flagged now and then; pressures of a cuff, sometimes old ones."""
        chance = self._random
        values: dict[str, Any] = {
            "pulse": chance.randrange(30, 180),
            "resp_rate": chance.randrange(5, 40),
            "bp": f"{chance.randrange(80, 240)}/60",
            "spo2": chance.choice([0, 84, 90, 93, 95, 98, 100]),
            "temperature": chance.randrange(340, 400) / 10,
        }
        if chance.random() < 0.6:
            return values
        gone = {name: None for name in values if chance.random() < 0.3}
        flags = {name: "motion" for name in values if chance.random() < 0.2}
        measured = (
            START + timedelta(seconds=seconds - chance.choice([0, 30, 900, 2_000])) if chance.random() < 0.5 else None
        )
        return {**values, **gone, "quality": Quality(**flags), "bp_measured_at": measured}


@pytest.mark.parametrize("seed", range(25))
async def test_it_is_what_the_store_answers(writer: Writer, monitor: Monitor, url: str, seed: int) -> None:
    """After batches of all kinds, late ones, clocks that are ahead or set back, and changes of other programs."""
    ward = Ward(writer, url, seed)
    for _ in range(60):
        await ward.step()
        if seed % 3:
            await monitor.check(ward.now)
    for seconds in (0, 1, 30, 250, 400, HOUR, 4 * HOUR):
        await monitor.check(ward.now + timedelta(seconds=seconds))


async def test_the_store_is_not_asked_again(writer: Writer, monitor: Monitor) -> None:
    """Once it is loaded, readings, new patients, names and late arrivals come from the journal."""
    await store(writer, [observation(0)], arrived=NOON)
    await monitor.check()
    await store(writer, [observation(5), observation(5, patient=BORIS)], start=1, arrived=NOON + 5_000)
    await monitor.check(START + timedelta(seconds=5))
    await store(writer, [observation(-60, patient_name="Zoe")], start=3, arrived=NOON + 6_000)
    await monitor.check(START + timedelta(seconds=6))
    assert [each["name"] for each in await monitor.kept(START + timedelta(seconds=6))] == ["Boris", "Zoe"]
    assert monitor.asked == ["newest"]


async def test_a_sender_that_is_always_ahead_is_kept(writer: Writer, monitor: Monitor) -> None:
    """Its newest reading arrived last, and is the latest whatever time it is; the store need not be asked."""
    for place in range(12):
        now = START + timedelta(seconds=5 * place)
        await store(writer, [observation(5 * place + 3)], start=place, arrived=round(now.timestamp() * 1000))
        await monitor.check(now)
    assert monitor.asked == ["newest"]


async def test_many_senders_of_which_memory_cannot_tell(writer: Writer, monitor: Monitor) -> None:
    """Their clocks ran ahead once: the store is asked for them, for all at once where they are many."""
    many = [UUID(int=n) for n in range(1, 25)]
    await store(writer, [observation(0, patient=each, patient_name=None) for each in many], arrived=NOON)
    await monitor.check()
    for start, group, asked in ((24, many[:3], ["patient"] * 3), (30, many, ["patients"])):
        ahead = [observation(HOUR + start, patient=each, patient_name=None) for each in group]
        now = [observation(start, patient=each, patient_name=None, pulse=start) for each in group]
        await store(writer, ahead, start=start, arrived=NOON + start)
        await store(writer, now, start=start + len(ahead), arrived=NOON + 1_000 * start)
        monitor.asked.clear()
        await monitor.check(START + timedelta(seconds=start))
        assert monitor.asked == asked


async def test_what_comes_while_it_is_loaded(writer: Writer, monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that the watch finds between the query and its answer are not lost."""
    await store(writer, [observation(0, pulse=60)], arrived=NOON)
    await monitor.look()
    read = monitor.reader.newest

    async def slow(*, now: datetime, max_ages: MaxAges) -> list[Newest]:
        found = await read(now=now, max_ages=max_ages)
        await store(writer, [observation(1, pulse=61), observation(1, patient=BORIS)], start=1, arrived=NOON + 1_000)
        await monitor.look()
        return found

    monkeypatch.setattr(monitor.reader, "newest", slow)
    await monitor.check(START + timedelta(seconds=1))
    monkeypatch.setattr(monitor.reader, "newest", read)
    await monitor.check(START + timedelta(seconds=1))
    assert monitor.asked == ["newest"]


async def test_the_clock_is_set_back_behind_a_late_arrival(writer: Writer, monitor: Monitor) -> None:
    """A reading that arrived late counts again then, though it was too old to count when the list was loaded."""
    await store(writer, [observation(5 * n) for n in range(10)], arrived=NOON + 45_000)
    await store(writer, [observation(-3 * HOUR, pulse=50)], start=10, arrived=NOON + 50_000)
    for seconds in (60, 10 - 3 * HOUR, 60):
        await monitor.check(START + timedelta(seconds=seconds))


async def test_several_requests_at_once_load_it_once(writer: Writer, monitor: Monitor) -> None:
    """And all get the same."""
    await store(writer, [observation(0)], arrived=NOON)
    await monitor.look()
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(monitor.kept)
    assert monitor.asked == ["newest"]


async def test_another_database_is_restored_into_the_file(writer: Writer, monitor: Monitor, url: str) -> None:
    """The patients change their keys, with and without readings that come at once behind that."""
    sent = [observation(0, pulse=60), observation(0, patient=BORIS, pulse=90)]
    await store(writer, sent, arrived=NOON)
    await monitor.check()
    await to_thread.run_sync(restored, url, "UPDATE patients SET name = 'Anna B.' WHERE name = 'Anna'")
    await monitor.check()
    await to_thread.run_sync(restored, url, EXCHANGED)
    await store(writer, [observation(1, pulse=61)], start=2, arrived=NOON + 1_000)
    await monitor.check(START + timedelta(seconds=1))


async def test_before_the_watch_has_begun(writer: Writer, url: str) -> None:
    """The store is asked at each request, and nothing is kept."""
    await store(writer, [observation(0)], arrived=NOON)
    async with aclosing(Reader(url)) as reader:
        latest = LatestReadings(reader, Broadcast(reader), MaxAges())
        for second in range(2):
            await store(writer, [observation(second, patient=BORIS)], start=1 + second, arrived=NOON)
            assert [each.uuid for each in (await latest.patients(now=START)).patients] == [ANNA, BORIS]
        assert not latest.active


async def test_a_journal_that_was_cut_is_noticed(writer: Writer, monitor: Monitor, url: str) -> None:
    """Batches that it no longer tells are read from the store."""
    await store(writer, [observation(0)], arrived=NOON)
    await monitor.check()
    for place in range(1, 4):
        await store(writer, [observation(place, pulse=60 + place)], start=place, arrived=NOON + 1_000 * place)
    await to_thread.run_sync(execute, url, f"DELETE FROM journal WHERE batch < {NOON + 5}")
    await monitor.check(START + timedelta(seconds=3))
    assert monitor.asked == ["newest", "newest"]


async def test_a_sink_of_an_older_version(writer: Writer, monitor: Monitor, url: str) -> None:
    """It tells of nobody and of no other name: the list is read anew after each of its batches."""
    await store(writer, [observation(0)], arrived=NOON)
    await to_thread.run_sync(make_sink_older, url)
    await monitor.check()
    await store(writer, [observation(1, patient=BORIS)], start=1, arrived=NOON + 1_000)
    await monitor.check(START + timedelta(seconds=1))
    await store(writer, [observation(2, patient=BORIS, patient_name="Zoe")], start=2, arrived=NOON + 2_000)
    await monitor.check(START + timedelta(seconds=2))


async def test_a_patient_that_is_gone_when_the_store_is_asked(writer: Writer, monitor: Monitor, url: str) -> None:
    """The database was exchanged: the client is told to ask again, and gets what is there then."""
    await store(writer, [observation(HOUR)], arrived=NOON)
    await store(writer, [observation(1)], start=1, arrived=NOON + 1_000)
    await monitor.check()
    await to_thread.run_sync(restored, url, "DELETE FROM patient_metrics; DELETE FROM patients")
    with pytest.raises(StoreUnavailableError, match="ask again"):
        await monitor.kept()
    assert await monitor.kept() == []


@pytest.mark.parametrize(
    ("interval", "count", "limit"),
    [(60, 1, 180), (1, 1, 15), (None, 1, 15), (None, 10, 21), (None, 11, 24), (None, 30, 27)],
)
async def test_from_when_on_a_reading_is_stale(
    writer: Writer, monitor: Monitor, interval: float | None, count: int, limit: float
) -> None:
    """By the interval that the sender states, or else by the gaps between its readings, kept or read from the store."""
    await store(writer, [observation(0, interval=interval)], arrived=NOON)
    await monitor.check()
    if count > 1:
        # Five gaps of 7 s, and 9 s from then on.
        times = [7 * n + 2 * max(0, n - 5) for n in range(1, count)]
        await store(writer, [observation(each, interval=interval) for each in times], start=1, arrived=NOON)
        await monitor.look()
    for _ in ("kept", "read"):
        for seconds, stale in ((0, False), (limit, False), (limit + 0.5, True), (-HOUR, None)):
            [anna] = await monitor.kept(START + timedelta(seconds=seconds))
            assert (anna["stale"], anna["latest_age_seconds"] is None) == (stale, stale is None)
        monitor.latest.forget()


async def test_the_answer_is_what_its_schema_says(writer: Writer, monitor: Monitor) -> None:
    """Every field, for patients with and without readings, and for names that JSON has to escape."""
    sent = [observation(0), observation(0, patient=BORIS, patient_name='"Борис"', quality=Quality(spo2="motion"))]
    await store(writer, sent, arrived=NOON)
    await monitor.look()
    now = START + timedelta(seconds=2, milliseconds=250)
    states = {each["uuid"]: each for each in await monitor.stored(now)}
    found = await monitor.kept(now)
    for each in found:
        assert list(each) == list(PatientSummary.__struct_fields__)
        state = states[each["uuid"]]
        expected = PatientSummary(
            UUID(each["uuid"]),
            state["name"],
            bed="1" if state["name"] == "Anna" else "2",
            paused=None,
            standby=None,
            alarm=None,
            news2=WELL if state["name"] == "Anna" else ListedScore(None, 0, None, ["spo2"], assumed=True),
            latest=state["latest"],
            latest_age_seconds=2.25,
            stale=False,
            behind=None,
        )
        assert each == msgspec.to_builtins(expected)
    assert [each["name"] for each in found] == ['"Борис"', "Anna"]


async def test_many_patients_are_encoded_in_slices(writer: Writer, monitor: Monitor) -> None:
    """Each of them once."""
    many = [UUID(int=n) for n in range(1, 2 * SLICE + 2)]
    sent = [observation(0, patient=each, patient_name=f"{each.int:05}") for each in many]
    await store(writer, sent, arrived=NOON)
    await monitor.look()
    assert [UUID(each["uuid"]) for each in await monitor.kept()] == many
    assert {each["latest"]["pulse"] for each in await monitor.kept()} == {72}


async def test_a_monitor_that_was_there_before_the_sink(url: str) -> None:
    """Without a database that is said; then an empty one has no patients, and the first ones appear."""
    async with aclosing(Reader(url)) as reader, anyio.create_task_group() as group:
        broadcast = Broadcast(reader)
        latest = LatestReadings(reader, broadcast, MaxAges())
        group.start_soon(broadcast.run)
        with pytest.raises(SchemaError, match="there is no database"):
            await latest.patients(now=START)
        async with open_writer(url, topic="icu.test") as writer:
            await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
            with anyio.fail_after(10):
                while not broadcast.is_following:
                    await anyio.sleep(0.01)
            assert (await latest.patients(now=START)).patients == []
            await store(writer, [observation(0)], arrived=NOON)
            with anyio.fail_after(10):
                while [each.uuid for each in (await latest.patients(now=START)).patients] != [ANNA]:
                    await anyio.sleep(0.01)
        group.cancel_scope.cancel()


async def test_the_file_is_replaced(url: str, tmp_path: Path) -> None:
    """By one whose journal has the same numbers, and goes on; while there is none, that is said."""
    path = Path(url.removeprefix("sqlite:///"))
    other = f"sqlite:///{tmp_path / 'other.db'}"
    for place, patient in ((other, BORIS), (url, ANNA)):
        async with open_writer(place, topic="icu.test") as writer:
            await writer.begin({0: Position(0, "m")}, other_logs=frozenset())
            await store(writer, [observation(0, patient=patient)], arrived=NOON)
            if place == other:
                await store(writer, [observation(1, patient=patient)], start=1, arrived=NOON)
    async with aclosing(Reader(url)) as reader, anyio.create_task_group() as group:
        broadcast = Broadcast(reader)
        latest = LatestReadings(reader, broadcast, MaxAges())
        group.start_soon(broadcast.run)

        async def followed(following: bool) -> None:
            with anyio.fail_after(10):
                while broadcast.is_following != following:
                    await anyio.sleep(0.01)

        async def listed() -> list[UUID]:
            return [each.uuid for each in (await latest.patients(now=START)).patients]

        await followed(True)
        assert await listed() == [ANNA]
        await to_thread.run_sync(path.rename, path.with_suffix(".away"))
        await followed(False)
        with pytest.raises(SchemaError, match="there is no database"):
            await listed()
        await to_thread.run_sync(path.with_name("other.db").rename, path)
        assert await listed() == [BORIS]
        await followed(True)
        assert await listed() == [BORIS]
        assert latest.active
        group.cancel_scope.cancel()


async def test_readings_that_are_deleted(
    writer: Writer, url: str, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A patient all of whose readings are older than what is kept has none in the list, until the next one comes."""
    monkeypatch.setattr("icu.monitor.latest.BEDS_FOR", 0.0)
    await store(writer, [observation(0), observation(1, patient=BORIS)])
    assert [each["latest"] is None for each in await monitor.kept()] == [False, False]
    await to_thread.run_sync(partial(set_state, url, raw_horizon=NOON + 1_000))
    shown = {each["uuid"]: each for each in await monitor.kept()}
    assert (shown[str(ANNA)]["latest"], shown[str(ANNA)]["latest_age_seconds"], shown[str(ANNA)]["news2"]) == (
        None,
    ) * 3
    assert shown[str(BORIS)]["latest"] is not None
    await store(writer, [observation(2)], start=2)
    await monitor.check()
    assert None not in [each["latest"] for each in await monitor.kept()]
    # Those that are read when the monitor starts, too.
    await to_thread.run_sync(partial(set_state, url, raw_horizon=NOON + 2_000))
    monitor.latest.forget()
    await monitor.check()
