"""Evaluations of batches, restarts, windows and the pieces around the machine."""

from statistics import median
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icu.alarms.blind import BLIND_AFTER, as_of, blind_since, ended_at, ward_blind
from icu.alarms.commands import admit, answer
from icu.alarms.defaults import WARD
from icu.alarms.inputs import Acknowledge
from icu.alarms.limits import NO_OVERRIDES
from icu.alarms.rules import compile_rules
from icu.alarms.starting import new_watch
from icu.alarms.ward import Evaluation, Ward
from icu.alarms.windows import LEVELS, Window
from icu.vitals.staleness import interval_of, stale_after
from tests.alarms import KEY, NOON, NORMAL, PATIENT, Bed, row_of


def rows(*values: float, start: int = 0) -> list[tuple[object, ...]]:
    """Return readings 5 s apart that differ in their saturation."""
    times = [NOON + (start + number) * 5_000 for number in range(len(values))]
    return [row_of(time, times[-1], {**NORMAL, "spo2": value}, None) for time, value in zip(times, values, strict=True)]


def test_an_evaluation_that_is_thrown_away_changes_nothing() -> None:
    """Two evaluations of the same batch have the same effects; only an installed one is known to the next."""
    bed = Bed()
    bed.take(rows(97, 97))
    batch = rows(85, 85, 85, 85, 97, start=2)
    first, second = Evaluation(bed.ward), Evaluation(bed.ward)
    for each in (first, second):
        each.take(batch, [5.0] * 5, NOON + 30_000)
    assert first.effects == second.effects
    assert [each.event for each in first.effects.events] == ["start", "update"]
    second.install()
    again = Evaluation(bed.ward)
    again.take(batch, [5.0] * 5, NOON + 30_000)
    assert again.effects.changes == [] and again.effects.late == 5


def test_a_tick_that_is_thrown_away_is_due_still() -> None:
    """A deadline stays due until an evaluation of it is installed, and while a partition has more to read."""
    bed = Bed()
    bed.take(rows(97))
    due = bed.ward.due
    assert due == NOON + 15_000
    Evaluation(bed.ward).tick(due)
    waiting = Evaluation(bed.ward)
    waiting.tick(due, read_until={KEY: due - 1}.__getitem__)
    assert waiting.effects.changes == [] and bed.ward.due == due
    last = Evaluation(bed.ward)
    last.tick(due)
    last.install()
    assert [each.event for each in last.effects.events] == ["start"]
    assert bed.ward.all_due(due) == [] and bed.ward.due == NOON + 75_000


def test_a_batch_is_stored_in_one_row_an_episode() -> None:
    """An alarm that opens, changes and ends in one batch is one row, from the version in the store to the last."""
    bed = Bed()
    bed.take(rows(97))
    evaluation = Evaluation(bed.ward)
    evaluation.take(rows(85, 85, 85, 85, 97, 97, 97, start=1), [5.0] * 7, NOON + 60_000)
    [row] = evaluation.effects.rows
    assert (row.before, row.episode.version) == (0, len(evaluation.effects.changes))
    assert not row.episode.is_open


def test_a_ward_without_readings_has_no_deadline() -> None:
    """A patient who was never heard is not missed."""
    ward = Ward()
    ward.put(KEY, new_watch(PATIENT, compile_rules(WARD, NO_OVERRIDES), NOON))
    assert ward.due is None
    ward.remove(KEY)
    assert not Evaluation(ward).knows(KEY)


def test_an_admitted_patient_is_missed_from_then_on() -> None:
    """A patient who was admitted and never heard is stale."""
    bed = Bed()
    bed.rule(admit(bed.bed, now=NOON, label="7"))
    bed.wait(20)
    assert bed.names() == ["data.stale"] and bed.bed.bed == "7"


def test_standby_ends_by_hand() -> None:
    """A bed whose standby a person ends is watched at once, and missed from then on."""
    bed = Bed()
    bed.take(rows(97, 97))
    bed.standby()
    bed.wait(600)
    bed.rule(admit(bed.bed, now=bed.now, at=bed.rows[-1][0][1]))
    bed.wait(614)
    assert bed.alarms() == []
    bed.wait(616)
    assert bed.names() == ["data.stale"]


@pytest.mark.parametrize("by_hand", [True, False], ids=["by a person", "by its time"])
def test_a_restart_after_a_standby(by_hand: bool) -> None:
    """A patient is missed from the end of the standby on, also by an engine that is restarted soon after it."""
    beds = [Bed(), Bed()]
    end = 600 if by_hand else 4 * 3600 + 5
    for bed in beds:
        bed.take(rows(97, 97))
        bed.wait(5)
        bed.standby()
        bed.wait(end)
        if by_hand:
            bed.admit()
        bed.wait(end + 8)
    beds[1].restart()
    for bed in beds:
        bed.wait(end + 14)
        assert bed.alarms() == []
        bed.wait(end + 16)
        assert bed.names() == ["data.stale"]
    assert beds[0].table == beds[1].table


def test_a_clock_set_back_after_a_standby() -> None:
    """Leads that are off on the other clock are an alarm at their time, also after a restart."""
    beds = [Bed(), Bed()]
    for bed in beds:
        bed.send(0)
        bed.standby()
        bed.send(100)
        assert bed.bed.standby is None
        bed.offset = 3_600
        for seconds in range(105, 130, 5):
            bed.send(seconds)
        for seconds in range(130, 155, 5):
            bed.send(seconds, pulse=None)
    beds[1].restart()
    for bed in beds:
        bed.send(155, pulse=None)
        bed.send(160, pulse=None)
        assert bed.one("pulse.unavailable").is_open
    assert beds[0].table == beds[1].table


def test_intervals() -> None:
    """Stale after three intervals, 15 s at least; the interval is as stated, else the median of the last ten gaps."""
    assert [stale_after(5_000, []), stale_after(60_000, [1]), stale_after(None, [])] == [15_000, 180_000, 15_000]
    assert interval_of(None, [100_000, *[10_000] * 6, *[20_000] * 4]) == 10_000
    assert interval_of(None, []) == 5_000
    assert [interval_of(None, [gap] * 10) for gap in (20_499, 20_500, 499)] == [20_000, 21_000, 0]


def test_an_unstated_interval_is_learnt() -> None:
    """A sender that states none and sends each 20 s is stale after 60 s; before its first gap is known, after 15 s."""
    bed = Bed(interval=None)
    for number in range(30):
        bed.send(number * 20)
    bed.wait(639)
    assert [each.raised for each in bed.alarms()] == [NOON + 15_000]
    bed.wait(640)
    assert [each.raised for each in bed.alarms("data.stale")] == [NOON + 15_000, NOON + 640_000]


@given(
    spans=st.lists(st.integers(1, 60), max_size=8),
    open_=st.booleans(),
    after=st.integers(0, 200),
    interval=st.sampled_from([5_000, 20_000]),
)
def test_windows_change_when_they_are_said_to(spans: list[int], open_: bool, after: int, interval: int) -> None:
    """The level of a window is the same each second until its next change, and another one then."""
    time, window = 0, Window()
    for number, seconds in enumerate(spans):
        blind = number % 2 == 0
        window = window.lose(time, time) if blind else window.see(time, interval)
        time += seconds * 1_000
    window = window.lose(time, time) if open_ else window.see(time, interval)
    at = time + after * 1_000
    level = window.tier(at, interval, len(LEVELS))
    change = window.next_change(at, interval, len(LEVELS))
    end = at + 800_000 if change is None else change
    assert all(window.tier(each, interval, len(LEVELS)) == level for each in range(at, end, 1_000))
    assert change is None or window.tier(change, interval, len(LEVELS)) != level


def test_a_blind_ward_is_one_alarm() -> None:
    """All monitors derive the same alarm from the same heartbeat, whoever asks and whenever."""
    assert blind_since(NOON, None, NOON + BLIND_AFTER - 1) is None
    assert blind_since(NOON, None, NOON + BLIND_AFTER) == NOON
    assert blind_since(NOON + 60_000, NOON, NOON + 61_000) == NOON
    alarm = ward_blind(NOON)
    assert (alarm.priority, alarm.signal, alarm.is_audible) == ("high", "on", True)
    assert (alarm.id == ward_blind(NOON).id, alarm.id == ward_blind(NOON + 1).id) == (True, False)
    assert alarm.patient == UUID(int=0)


def test_a_blind_ward_is_reminded_of() -> None:
    """Unanswered for a minute it says so; acknowledged it is silent for three minutes, and then sounds as before."""
    raised = NOON + BLIND_AFTER
    alarm = ward_blind(NOON)
    assert [as_of(alarm, raised + after).unanswered for after in (59_999, 60_000)] == [False, True]
    answered = answer(as_of(alarm, raised + 30_000), Acknowledge("Ann", raised + 30_000, 1)).episode
    assert answered is not None and as_of(answered, raised + 209_999) == answered
    again = as_of(answered, raised + 210_000)
    assert (again.is_audible, again.seen, again.unanswered) == (True, 2, False)
    assert as_of(answered, raised + 270_000).unanswered
    assert answer(again, Acknowledge("Bob", raised + 220_000, 1)).refused == "seen before"
    second = answer(again, Acknowledge("Bob", raised + 220_000, 2)).episode
    assert second is not None and second.acknowledged is not None and second.acknowledged.by == "Bob"


def test_a_blind_ward_ends_as_it_stood() -> None:
    """Its end keeps that nobody answered, and lies behind its beginning, whatever the clock says."""
    ended = ended_at(ward_blind(NOON), NOON + 90_000)
    assert (ended.unanswered, ended.ended, ended.version, ended.is_open) == (True, NOON + 90_000, 2, False)
    assert ended_at(ward_blind(NOON), NOON - 3_600_000).ended == NOON + BLIND_AFTER


def test_a_sign_that_came_back_while_values_were_old() -> None:
    """A lost sign that is judged at no deadline, for the values are too old then, is judged by the next reading."""
    beds = [Bed(interval=30.0), Bed(interval=30.0, steady=False)]
    for bed in beds:
        bed.send(30)
        for seconds in (60, 90, 120):
            bed.send(seconds, pulse=None)
        bed.send(156)
        bed.send(186)
        # At 246 s the pulse was seen for long enough, and the last values are 60 s old.
        bed.send(256)
    assert [each.ended is None for each in beds[0].table.values()] == [False]
    assert beds[0].table == beds[1].table


def test_a_learnt_interval_is_that_of_all_readings() -> None:
    """Ordinary readings leave the interval of a sender that states none as all of its readings make it.

    Else a value counts as too old for its alarm.
    """
    beds = [Bed(interval=None), Bed(interval=None, steady=False)]
    lost: dict[str, float | None] = {"pulse": None, "temperature": None, "map": None}
    gaps = [*[5] * 13, 12, 6, 6, 5, 5, 6, 6, 5]
    for bed in beds:
        for number in range(len(gaps)):
            bed.send(sum(gaps[: number + 1]), **(lost if number in (12, 17) else {}))
        bed.send(sum(gaps) + 5, spo2=75)
        bed.send(sum(gaps) + 17)
    assert beds[0].table == beds[1].table
    assert beds[0].ward.watches[KEY].interval == beds[1].ward.watches[KEY].interval == 6_000


@pytest.mark.parametrize("gaps", [[*[5] * 12, *[6] * 9], [*[5] * 10, 6, *[5] * 10, *[6] * 5]], ids=["slower", "once"])
def test_each_gap_of_a_learnt_interval_counts(gaps: list[int]) -> None:
    """A sender that states no interval and sends more slowly, for long or once, has its interval in the last ten."""
    beds = [Bed(interval=None), Bed(interval=None, steady=False)]
    for bed in beds:
        for number in range(len(gaps)):
            bed.send(sum(gaps[: number + 1]))
    intervals = [bed.ward.watches[KEY].interval for bed in beds]
    assert intervals[0] == intervals[1] == int(median(gaps[-10:]) * 1_000)


def test_no_deadline_passes_unseen() -> None:
    """An alarm whose end would fall into a blind time ends with the first value after it."""
    bed = Bed()
    for seconds in (5, 10, 15):
        bed.send(seconds)
    bed.send(20, map=45)
    bed.send(25)
    bed.send(37, map=None)
    bed.send(42)
    [alarm] = bed.alarms("map.low")
    assert alarm.ended == NOON + 42_000


def test_limits_that_change_while_data_are_stale() -> None:
    """A pending alarm whose value is inside the new limit is not raised by its timer."""
    bed = Bed(interval=30.0)
    bed.send(30)
    for seconds in (60, 90):
        bed.send(seconds, arrives=120, backlog=True)
    bed.send(120, arrives=120, backlog=True, spo2=85)
    bed.limit(spo2_low={"medium": 85})
    bed.send(150)
    assert bed.alarms("spo2.low") == []


def test_limits_that_change_raise_nothing_from_an_old_value() -> None:
    """A delay that ends when the value is too old for its timer waits for the next one, whatever limits change."""
    bed = Bed(interval=30.0)
    bed.send(0)
    bed.send(30, temperature=34.5)
    bed.wait(113)
    bed.limit(own=False, spo2_low={"medium": 85})
    assert bed.alarms() == []
    bed.send(118, temperature=34.5)
    assert bed.one("temperature.low").is_open


def test_ages_of_ordinary_readings_are_noted() -> None:
    """The border to history follows the ages of the last ten minutes, though nothing else changes by these readings."""
    beds = [Bed(), Bed(steady=False)]
    for bed in beds:
        for number in range(60):
            bed.send(number * 5)
        for number in range(60, 200):
            bed.send(number * 5, arrives=number * 5 + 30)
        # Older than a minute, but not by a minute than all others of the last ten.
        bed.send(1_000, arrives=1_080, spo2=85)
        bed.send(1_015, arrives=1_081, spo2=85)
    assert [bed.one("spo2.low").late for bed in beds] == [False, False]
    assert beds[0].table == beds[1].table


def test_ages_of_a_batch_show_that_a_clock_is_right_again() -> None:
    """Readings that are ordinary but for their age end `clock.wrong` and begin it, as all others do."""
    beds = [Bed(offset=70), Bed(offset=70, steady=False)]
    for bed in beds:
        for number in range(20):
            bed.send(number * 5)
        assert bed.one("clock.wrong").presence == "present"
        bed.offset = 50
        for number in range(20, 60):
            bed.send(number * 5)
    assert [bed.one("clock.wrong").ended is not None for bed in beds] == [True, True]
    assert beds[0].table == beds[1].table


def test_an_ordinary_reading_may_be_history_or_ahead() -> None:
    """A reading of ordinary values that is much older than all before is history; one far ahead is a wrong clock."""
    bed = Bed()
    for number in range(5):
        bed.send(number * 5)
    bed.now += 80_000
    bed.take([row_of(NOON + 25_000, bed.now, NORMAL, None)])
    assert bed.ward.watches[KEY].silent
    bed.take([row_of(bed.now, bed.now, NORMAL, None)])
    assert not bed.ward.watches[KEY].silent
    other = Bed()
    for number in range(5):
        other.send(number * 5)
    other.take([row_of(NOON + 400_000, other.now, NORMAL, None)])
    assert other.names() == ["clock.wrong"]


def test_a_deadline_follows_the_last_age() -> None:
    """An alarm sounds when its delay is over on the sender's clock, whose offset the last reading shows."""
    bed = Bed()
    bed.send(0, arrives=10)
    bed.now = NOON + 20_000
    bed.take([row_of(NOON + seconds * 1_000, bed.now, {**NORMAL, "spo2": 85}, None) for seconds in (5, 15)])
    bed.wait(27)
    assert bed.one("spo2.low").sounded == NOON + 25_000


@pytest.mark.parametrize("together", [True, False])
def test_a_deadline_follows_the_age_of_an_ordinary_reading(*, together: bool) -> None:
    """Of readings that were held up, the last one tells when an alarm sounds, though it changes nothing itself."""
    bed = Bed(interval=10)
    for seconds in range(0, 30, 10):
        bed.send(seconds)
    bed.now = NOON + 50_000
    held_up = [row_of(NOON + seconds * 1_000, bed.now, {**NORMAL, "pulse": None}, None) for seconds in (30, 40, 50)]
    for batch in [held_up] if together else [held_up[:1], held_up[1:]]:
        bed.take(batch)
    bed.wait(70)
    assert bed.one("pulse.unavailable").sounded == NOON + 60_000


def test_a_first_backlog_is_ordinary() -> None:
    """A patient who is first heard from a backlog has ordinary readings, and the first live one is evaluated."""
    bed = Bed()
    bed.take(rows(97, 97, 97), backlog=True)
    watch = bed.ward.watches[KEY]
    assert watch.newest is not None and watch.ages is None
    bed.take(rows(97, start=3))
    watch = bed.ward.watches[KEY]
    assert watch.newest is None and watch.ages is not None and not watch.silent
