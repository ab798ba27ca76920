"""Alarms in the sink, on a real SQLite file: stored with their readings, through restarts, and commands of people."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any, get_args
from uuid import UUID

import anyio
import pytest

from icu.alarms.limits import ConditionLimits
from icu.messages import encode
from icu.store.commands import alarms as alarm_commands
from icu.store.commands import beds as bed_commands
from icu.store.commands import limits as limit_commands
from icu.store.commands.door import Author
from icu.store.engines.sqlite.transaction import SqliteTransaction
from icu.store.errors import StoreUnavailableError
from icu.store.writer import Writer
from icu.transports.memory import MemoryConsumer
from tests.clocks import forward_asyncio, pass_time
from tests.outboxes import published, versions
from tests.samples import ANNA, BORIS, observation
from tests.sqlite_faults import Fault, Place, error, injected
from tests.stores import execute, rows
from tests.wards import WatchedWard, milliseconds

pytestmark = pytest.mark.parametrize("anyio_backend", [forward_asyncio()])

ANN = Author("Ann", "127.0.0.1")
# All that people see of an alarm.
SEEN = "condition, onset, raised, ended, end_reason, value, worst, seen, repeats, late"


@pytest.fixture
async def ward(url: str) -> AsyncIterator[WatchedWard]:
    """Ward without a sink that runs."""
    ward = WatchedWard(url)
    yield ward
    await ward.aclose()


async def test_a_desaturation(ward: WatchedWard) -> None:
    """It is pending with its first reading, an alarm after its delay by a timer, and ends after the off-delay."""
    async with ward.sink():
        await ward.send(0)
        await ward.send(5, spo2=88)
        assert ward.episodes() == [("spo2.low", "pending", "off")]
        await ward.send(10, spo2=88)
        await ward.send(15, spo2=87)
        await ward.until(20.5)
        await ward.shows("SELECT presence, signal, raised FROM alarms", [("present", "on", milliseconds(20))])
        await ward.send(22, spo2=96)
        assert ward.episodes() == [("spo2.low", "clearing", "on")]
        await ward.send(27, spo2=96)
        await ward.until(32.5)
        await ward.shows("SELECT presence, ended, end_reason FROM alarms", [("absent", milliseconds(32), "itself")])


async def test_an_alarm_is_stored_with_the_reading_that_raised_it_or_neither(ward: WatchedWard) -> None:
    """While alarms cannot be stored, readings that raise some are not stored either; afterwards both are, once."""
    async with ward.sink():
        await ward.send(0)
    execute(ward.url, "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'broken'); END")
    with pytest.raises(BaseExceptionGroup, match="unhandled"):
        async with ward.sink():
            await ward.send(5, pulse=0)
    assert rows(ward.url, "SELECT count(*) FROM patient_metrics") == [(1,)]
    assert ward.episodes() == []
    execute(ward.url, "DROP TRIGGER broken")
    async with ward.sink():
        await ward.shows("SELECT count(*) FROM patient_metrics", [(2,)])
    assert ward.episodes() == [("asystole", "present", "on")]
    assert rows(ward.url, "SELECT event FROM outbox") in ([("start",)], [])


@pytest.mark.parametrize("place", get_args(Place))
async def test_a_transaction_that_is_tried_again(url: str, monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    """Whichever call of the database fails once, its alarm is raised once, and the engine goes on from it."""
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda low, _high: low)
    ward = WatchedWard(url)
    async with AsyncExitStack() as stack:
        # The sink's calls alone, and not those by which the test looks.
        with injected(Fault(0, place, error("BUSY"))) as fault:
            await stack.enter_async_context(ward.sink())
            await ward.send(0)
        for number in count(1):
            patient = UUID(int=number)

            async def stored(second: float, readings: int, patient: UUID = patient, **signs: float) -> None:
                await ward.transport.publish(encode([observation(second, patient=patient, **signs)]))
                await ward.shows("SELECT count(*) FROM patient_metrics", [(readings,)])
                await ward.transport.until_stored(0)

            await ward.until(10 * number)
            await stored(10 * number, 3 * number - 1)
            fault.arm(number)
            await stored(10 * number + 1, 3 * number, pulse=0)
            reached = fault.reached
            fault.arm(0)
            raised = "condition = 'asystole' AND presence = 'present'"
            assert rows(url, f"SELECT count(*) FROM alarms WHERE {raised}") == [(1,)], number
            await stored(10 * number + 2, 3 * number + 1)
            clears = "condition = 'asystole' AND presence != 'present'"
            assert rows(url, f"SELECT count(*) FROM alarms WHERE {clears}") == [(number,)], number
            if not reached:
                break
    await ward.aclose()
    assert number > 3


async def test_what_ends_before_its_delay_leaves_a_count(ward: WatchedWard) -> None:
    """A pending alarm that ends leaves no row and no event, but is counted in its hour."""
    async with ward.sink():
        await ward.send(0)
        await ward.send(5, spo2=88)
        await ward.send(10)
        await ward.send(15, spo2=88)
        await ward.send(20)
    assert ward.episodes() == []
    hour = milliseconds(0)
    counts = rows(ward.url, "SELECT hour, kind, subject, amount FROM alarm_counts WHERE hour > 0")
    assert counts == [(hour, "suppressed_by_delay", "spo2.low", 2)]
    assert rows(ward.url, "SELECT count(*) FROM outbox") == [(0,)]


async def test_nothing_that_is_stored_twice_counts_twice(ward: WatchedWard) -> None:
    """A reading that is delivered again, one with other values, and a late one leave the alarms as they are."""
    async with ward.sink():
        await ward.send(0)
        await ward.send(10, pulse=0)
        before = ward.episodes("*")
        await ward.publish([observation(10, pulse=0), observation(10, pulse=0, spo2=40), observation(5, spo2=40)])
        assert ward.episodes("*") == before
    assert rows(ward.url, "SELECT reason FROM dead_letters") == [("conflict",)]
    assert ward.registry.get_sample_value("icu_sink_late_readings_total") == 1
    assert ward.registry.get_sample_value("icu_sink_alarms", {"priority": "high"}) == 1


@pytest.mark.parametrize("stop", [(), (6,), (16,), (24,), (6, 16, 24, 31)])
async def test_a_restart_changes_no_alarm(ward: WatchedWard, stop: tuple[float, ...]) -> None:
    """Stopped in a delay, while an alarm is present, or while it clears: the rows are those of a sink that went on."""
    moments: list[tuple[float, dict[str, float]]] = [
        (0, {}),
        (5, {"spo2": 88}),
        (10, {"spo2": 87}),
        (15, {"spo2": 86}),
        (21, {"spo2": 85, "pulse": 130}),
        (23, {"spo2": 95, "pulse": 72}),
        (28, {"spo2": 95}),
        (30, {"spo2": 95}),
        (40, {}),
    ]
    ends = [*stop, 41.0]
    for begin, end in zip([-1.0, *stop], ends, strict=True):
        async with ward.sink():
            for seconds, signs in moments:
                if begin < seconds <= end:
                    await ward.send(seconds, **signs)
            await ward.until(end)
            await ward.look_again()
    expected = ("spo2.low", milliseconds(5), milliseconds(20), milliseconds(33), "itself", 8600, 8500, 2, 0, 0)
    assert ward.episodes(SEEN) == [expected]


async def test_events_are_published_once_after_a_death_before_it(ward: WatchedWard) -> None:
    """A sink that ends between the transaction and the publication: the next one publishes, in order."""
    async with ward.alarms.consumer() as consumer:
        await consumer.assign({})
        async with ward.sink():
            await ward.send(0)
            await ward.send(5, pulse=0)
        async with ward.sink():
            events = await published(consumer, 1)
            await ward.shows("SELECT count(*) FROM outbox", [(0,)])
    [(identity, version)] = set(versions(events))
    assert rows(ward.url, "SELECT id, version FROM alarms") == [(identity, version)]
    assert events[0]["event"] == "start"
    assert events[0]["patient_uuid"] == str(ANNA)
    assert events[0]["episode"]["condition"] == "asystole"


async def test_an_alarm_is_published_at_once(ward: WatchedWard) -> None:
    """The sink that stores an event publishes it, one of a batch and one of a deadline."""
    async with ward.alarms.consumer() as consumer, ward.sink():
        await consumer.assign({})
        await ward.send(0)
        await ward.send(5, pulse=0)
        with anyio.fail_after(10):  # before a deadline has an event
            first = await published(consumer, 1)
        await ward.send(6)
        await ward.until(12)
        found = [each for each in first if each["episode"]["condition"] == "asystole"]
        while found[-1]["episode"]["signal"] != "latched":
            found += await published(consumer, 1)
    assert (found[0]["event"], found[0]["episode"]["signal"]) == ("start", "on")


class TestCommands:
    """Commands of people, through the monitor's door."""

    async def test_a_pause_is_in_force_within_a_second(self, ward: WatchedWard) -> None:
        """A new alarm of a paused bed is silent, and sounds when the pause is over."""
        async with ward.sink():
            await ward.send(0)
            await bed_commands.pause(ward.door, ANNA, ANN, seconds=60)
            await ward.until(1)
            await ward.look_again()
            await ward.send(5, pulse=130)
            await ward.send(10, pulse=130)
            assert ward.episodes("signal, inhibition") == [("on", "paused")]
            for seconds in range(15, 61, 5):
                await ward.send(seconds, pulse=130)
            await ward.until(60.5)
            await ward.shows("SELECT signal, inhibition FROM alarms", [("on", "none")])

    @pytest.mark.parametrize("restart", [False, True])
    async def test_an_acknowledgement_is_reminded_of(self, ward: WatchedWard, *, restart: bool) -> None:
        """The sink goes on from what the command has stored, also at its next change, and after a restart."""
        async with ward.sink():
            await ward.send(0)
            await ward.send(1, pulse=130)
            await ward.send(5, pulse=130)
            [(identity, seen)] = rows(ward.url, "SELECT id, seen FROM alarms")
            await alarm_commands.acknowledge(ward.door, UUID(identity), ANN, why=None, seen=seen)
            if not restart:
                # At once: the sink does not know of it yet.
                await ward.publish([observation(6, pulse=155)])
                await ward.send(11, pulse=155)
                assert ward.episodes("signal, tier, acknowledged_by") == [("on", 1, "Ann")]
                return
        async with ward.sink():
            for seconds in range(10, 190, 5):
                await ward.send(seconds, pulse=130)
            await ward.look_again()
        assert ward.episodes("signal, acknowledged_by") == [("on", "Ann")]

    async def test_limits_end_an_alarm(self, ward: WatchedWard) -> None:
        """Limits of the patient are in force within a second, and end the alarm in their author's name."""
        async with ward.sink():
            await ward.send(0)
            await ward.send(1, pulse=130)
            await ward.send(5, pulse=130)
            assert ward.episodes() == [("pulse.high", "present", "on")]
            wide = {"pulse.high": ConditionLimits({"medium": 140})}
            await limit_commands.set_patient_limits(ward.door, ANNA, ANN, version=0, conditions=wide)
            await ward.until(6)
            await ward.shows("SELECT presence, end_reason, ended_by FROM alarms", [("absent", "limits changed", "Ann")])
            await ward.send(10, pulse=135)
            await ward.send(20, pulse=135)
            assert len(ward.episodes()) == 1

    async def test_limits_of_the_ward_hold_for_new_patients(self, ward: WatchedWard) -> None:
        """They are in force for all, also for who comes later, and after a restart."""
        async with ward.sink():
            await ward.send(0)
            narrow = {"pulse.high": ConditionLimits({"medium": 100})}
            await limit_commands.set_ward_limits(ward.door, ANN, version=0, conditions=narrow)
            await ward.until(1)
            await ward.look_again()
            await ward.send(2, pulse=110)
            await ward.send(3, patient=BORIS, pulse=110)
            assert ward.episodes("condition, ward_limits") == [("pulse.high", 1), ("pulse.high", 1)]
        async with ward.sink():
            await ward.send(7, pulse=110)
        assert ward.episodes("presence, limit_value")[0] == ("present", 10_000)

    async def test_a_discharge_ends_all(self, ward: WatchedWard) -> None:
        """A discharged patient raises nothing, and comes back with the next newer reading."""
        async with ward.sink():
            await ward.send(0)
            await bed_commands.discharge(ward.door, ANNA, ANN)
            await ward.until(30)
            await ward.look_again()
            assert ward.episodes() == []
            await ward.send(31, pulse=0)
            assert ward.episodes() == [("asystole", "present", "on")]
            [(bed, admitted)] = rows(ward.url, "SELECT bed, admitted FROM bed_states")
            # The sink's clock adds floats.
            assert (bed, admitted) == ("1", pytest.approx(milliseconds(31), abs=2))


class TestTime:
    """Deadlines and clocks."""

    async def test_a_pause_ends_after_what_is_left_of_it(self, ward: WatchedWard) -> None:
        """A restart 30 s into a pause leaves 90 s, also if the clock was set back an hour meanwhile: 2 min at most."""
        async with ward.sink():
            await ward.send(0)
            await bed_commands.pause(ward.door, ANNA, ANN, seconds=120)
        await ward.until(30)
        ward.set_forward = -3_600
        async with ward.sink():
            await ward.until(30 + 121)
            await ward.shows("SELECT paused_by FROM bed_states", [(None,)])

    @pytest.mark.parametrize("jump", [3_600, -3_600])
    async def test_a_jump_of_the_clock_ends_no_pause_and_lengthens_none(self, ward: WatchedWard, jump: float) -> None:
        """The pause has the length that was granted."""
        async with ward.sink():
            await ward.send(0)
            await bed_commands.pause(ward.door, ANNA, ANN, seconds=120)
            await ward.until(5)
            await ward.look_again()
            ward.set_forward = jump
            await ward.until(100)
            await ward.look_again()
            assert rows(ward.url, "SELECT paused_by FROM bed_states") == [("Ann",)]
            await ward.until(121)
            await ward.shows("SELECT paused_by FROM bed_states", [(None,)])

    async def test_silence(self, ward: WatchedWard) -> None:
        """A patient who is not heard is stale after three intervals, and fresh with the next reading."""
        async with ward.sink():
            await ward.send(0)
            await ward.until(14)
            await ward.look_again()
            assert ward.episodes() == []
            await ward.until(15.5)
            await ward.shows("SELECT condition, presence, tier FROM alarms", [("data.stale", "present", 0)])
            await ward.until(75.5)
            await ward.shows("SELECT condition, presence, tier FROM alarms", [("data.stale", "present", 1)])
            await ward.send(80)
            assert ward.episodes() == [("data.stale", "absent", "off")]

    async def test_who_was_not_heard_for_a_day_is_discharged(self, ward: WatchedWard) -> None:
        """At the start, without an alarm; the bed is free."""
        async with ward.sink():
            await ward.send(0)
            await ward.until(3)
        pass_time(86_500)
        async with ward.sink():
            await ward.shows("SELECT admitted, bed FROM bed_states", [(None, None)])
            await ward.shows("SELECT condition FROM alarms", [("ward.blind",)])

    async def test_the_night_in_which_clocks_change(self, ward: WatchedWard) -> None:
        """Times are integers, of UTC: a delay over the change to winter time is as long as any; there is no :60."""
        texts = ["02:59:50+02:00", "02:59:55+02:00", "02:00:00+01:00", "02:00:05+01:00", "02:00:60+01:00"]
        reading = '{"patient_uuid": "%s", "spo2": 88, "interval": 5, "timestamp": "2025-10-26T%s"}'
        values = [(reading % (ANNA, text)).encode() for text in texts]
        async with ward.sink():
            for seconds, value in zip(range(0, 25, 5), values, strict=True):
                await ward.until(seconds)
                await ward.publish_as_is(value)
        onset = round(datetime(2025, 10, 26, 0, 59, 50, tzinfo=UTC).timestamp() * 1000)
        sql = "SELECT onset, raised FROM alarms WHERE condition = 'spo2.low'"
        assert rows(ward.url, sql) == [(onset, onset + 15_000)]
        assert rows(ward.url, "SELECT count(*), (SELECT count(*) FROM dead_letters) FROM patient_metrics") == [(4, 1)]

    async def test_a_restart_after_a_senders_clock_was_set_back(self, ward: WatchedWard) -> None:
        """The last readings are those on the clock that the sender has now: its deadlines go on, and raise an alarm."""
        hour = 3_600
        async with ward.sink():
            for seconds in range(0, 60, 5):
                await ward.send(seconds)
            for seconds in range(60, 95, 5):
                await ward.send(seconds, at=seconds - hour, spo2=88 if seconds >= 80 else 97)
            assert ("spo2.low", "pending") in ward.episodes("condition, presence")
        async with ward.sink():
            await ward.until(96)
            raised = [("present", milliseconds(95 - hour))]
            await ward.shows("SELECT presence, raised FROM alarms WHERE condition = 'spo2.low'", raised)

    @pytest.mark.parametrize("ahead", [2 * 86_400, -2 * 86_400])
    async def test_who_is_heard_is_not_discharged_for_an_old_clock(self, ward: WatchedWard, ahead: float) -> None:
        """Older readings with later times, of a clock that was wrong once, do not hide the last ones at a restart."""
        async with ward.sink():
            for seconds in range(0, 60, 5):
                await ward.send(seconds, at=seconds + max(ahead, 0))
        pass_time(86_500)
        async with ward.sink():
            for seconds in range(86_600, 86_680, 5):
                await ward.send(seconds, at=seconds + min(ahead, 0), pulse=130)
            assert ("pulse.high", "present") in ward.episodes("condition, presence")
            execute(ward.url, "UPDATE bed_states SET admitted = admitted - 86500000")
        async with ward.sink():
            await ward.look_again()
        assert rows(ward.url, "SELECT presence FROM alarms WHERE condition = 'pulse.high'") == [("present",)]

    async def test_a_ward_that_nobody_watched(self, ward: WatchedWard) -> None:
        """A sink that was away for 10 s or more stores that, with its true onset, and no patient is stale for it."""
        async with ward.sink():
            await ward.send(0)
            await ward.until(3)
        [(last,)] = rows(ward.url, "SELECT at FROM heartbeats")
        await ward.until(60)
        async with ward.sink():
            await ward.shows("SELECT condition, onset, end_reason FROM alarms", [("ward.blind", last, "itself")])
            await ward.until(70)
            await ward.look_again()
            assert len(ward.episodes()) == 1
            assert rows(ward.url, "SELECT patient_id FROM alarms") == [(None,)]
        async with ward.sink():
            await ward.look_again()
        assert len(ward.episodes()) == 1

    async def test_a_sink_that_slept(self, ward: WatchedWard) -> None:
        """A ward whose running sink was suspended was blind from its last heartbeat to the next one."""
        async with ward.sink():
            await ward.send(0)
            await ward.until(3)
            await ward.look_again(2)
            [(last,)] = rows(ward.url, "SELECT at FROM heartbeats")
            ward.slept = 60
            await ward.look_again(2)
            await ward.shows("SELECT condition, onset, end_reason FROM alarms", [("ward.blind", last, "itself")])
            [(ended,)], [(newest,)] = (
                rows(ward.url, "SELECT ended FROM alarms"),
                rows(ward.url, "SELECT at FROM heartbeats"),
            )
            assert last + 60_000 <= ended <= newest
            await ward.shows("SELECT count(*) FROM outbox", [(0,)])
            await ward.until(10)
        assert len(ward.episodes()) == 1

    async def test_a_database_that_could_not_be_written(
        self, ward: WatchedWard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A ward whose sink could write nothing was blind from its last heartbeat to the next one."""

        async def full(*_: object) -> None:
            raise StoreUnavailableError("disk full")

        async with ward.sink():
            await ward.send(0)
            await ward.look_again(2)
            [(last,)] = rows(ward.url, "SELECT at FROM heartbeats")
            with monkeypatch.context() as broken:
                broken.setattr(Writer, "_write_beat", full)
                await ward.until(ward.seconds + 30)
                assert rows(ward.url, "SELECT at FROM heartbeats") == [(last,)]
            await ward.look_again(2)
            sql = "SELECT onset, end_reason FROM alarms WHERE condition = 'ward.blind'"
            await ward.shows(sql, [(last, "itself")])  # the patient may be silent by then


async def test_unread_readings_come_before_deadlines(ward: WatchedWard) -> None:
    """A backlog is evaluated at the times of its readings: what was over before the sink came is not raised late."""
    async with ward.sink():
        await ward.send(0)
    readings = [observation(seconds, spo2=88 if seconds == 5 else 97) for seconds in range(5, 300, 5)]
    await ward.until(300)
    async with ward.sink():
        await ward.publish(readings)
        await ward.look_again()
    assert rows(ward.url, "SELECT condition FROM alarms WHERE patient_id IS NOT NULL") == []


async def test_deadlines_wait_for_unread_readings(ward: WatchedWard) -> None:
    """A delay that ended while the sink was down raises nothing if a reading within it, not read yet, was normal."""
    async with ward.sink():
        await ward.send(0, interval=3_600)
        await ward.send(5, interval=3_600, spo2=88)
    await ward.until(30)
    ward.max_records = 1
    await ward.transport.publish(encode([observation(10, patient=BORIS), observation(10, interval=3_600)]))
    async with ward.sink():
        await ward.shows("SELECT count(*) FROM patient_metrics", [(4,)])
    assert rows(ward.url, "SELECT condition FROM alarms WHERE condition = 'spo2.low'") == []


@pytest.mark.parametrize("step", ["fetch", "commit"])
async def test_deadlines_wait_for_readings_that_came_meanwhile(
    ward: WatchedWard, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A sink that was held up, with its fetch or behind it, reads what came meanwhile before the deadlines of then."""
    original, held, go_on = getattr(MemoryConsumer, step), anyio.Event(), anyio.Event()

    async def slow(consumer: MemoryConsumer, *args: Any, **options: Any) -> Any:
        result = await original(consumer, *args, **options)
        held.set()
        await go_on.wait()
        return result

    async with ward.sink():
        for seconds in (0, 5, 10, 15):
            await ward.send(seconds, pulse=72 if seconds in {0, 15} else 130)
        assert ward.episodes() == [("pulse.high", "clearing", "on")]
        await ward.until(17)
        monkeypatch.setattr(MemoryConsumer, step, slow)
        await ward.transport.publish(encode([observation(17, patient=BORIS)]))
        await held.wait()
        await ward.transport.publish(encode([observation(18, pulse=130)]))
        pass_time(4)
        monkeypatch.setattr(MemoryConsumer, step, original)
        go_on.set()
        await ward.shows("SELECT count(*) FROM patient_metrics", [(6,)])
        await ward.look_again()
        assert ward.episodes() == [("pulse.high", "present", "on")]


async def test_a_steady_batch_has_no_more_statements(ward: WatchedWard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no alarm changes, a batch has the statements that a batch without alarms has."""
    statements: list[str] = []
    for name in ("rows", "execute"):
        original = getattr(SqliteTransaction, name)

        async def counted(
            self: SqliteTransaction, statement: object, values: object = None, original: Any = original
        ) -> Any:
            statements.append(str(statement))
            return await original(self, statement, values)

        monkeypatch.setattr(SqliteTransaction, name, counted)
    async with ward.sink():
        for seconds in (0, 5, 10):
            await ward.send(seconds)
        statements.clear()
        await ward.send(15)
    clinical = ("alarms", "bed_states", "limits", "outbox", "alarm_counts", "audit")
    assert [each for each in statements if any(f" {name} " in each for name in clinical)] == []
    assert any("consumer_offsets" in each for each in statements)
