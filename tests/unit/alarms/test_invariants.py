"""Invariants of the engine under any sequence of readings, silences, commands and kills."""

from copy import deepcopy
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from icu.alarms.defaults import WARD
from icu.alarms.effects import Change
from icu.alarms.limits import NO_OVERRIDES, Limits
from icu.alarms.sample import NUMBER, Row, sample_of
from tests.alarms import KEY, NORMAL, Bed, row_of

SIGNS = {
    "pulse": st.sampled_from([None, 0, 35, 45, 49, 52, 80, 121, 118, 160]),
    "spo2": st.sampled_from([None, 0, 75, 79, 85, 89, 90, 91, 97]),
    "resp_rate": st.sampled_from([None, 0, 6, 9, 16, 33]),
    "map": st.sampled_from([None, 45, 55, 62, 64, 93, 115]),
    "temperature": st.sampled_from([None, 34.5, 37, 39.5]),
}
READINGS = st.fixed_dictionaries({}, optional=SIGNS)
FLAGS = st.sampled_from(
    [{}, {}, {}, {"spo2": "motion"}, {"pulse": "lead-off"}, {"bp": "damped"}, {"spo2": "implausible"}]
)
CHANGES: list[dict[str, dict[str, float | None]]] = [
    {"spo2_low": {"medium": 85}},
    {"spo2_low": {"medium": 90, "high": 80}},
    {"spo2_low": {"medium": None}},
    {"spo2_low": {"medium": None, "high": None}},
    {"asystole": {"high": None}},
    {"asystole": {"high": 0}},
    {"apnoea": {"high": None}},
    {"apnoea": {"high": 0}},
    {"pulse_low": {"medium": None, "high": None}},
    {"pulse_low": {"medium": 50, "high": 40}},
]


class Engine(RuleBasedStateMachine):
    """Three engines that get the same: as it is, without the band, and killed before each event."""

    @initialize(interval=st.sampled_from([5.0, 5.0, 30.0, None]), backlog=st.sampled_from([0, 0, 20]))
    def begin(self, interval: float | None, backlog: int) -> None:
        """Admit a patient with normal signs, who is heard now, or first from a backlog of so many readings."""
        self.beds = [Bed(interval=interval), Bed(interval=interval, steady=False), Bed(interval=interval)]
        self.seconds = 0.0
        self.step = interval or 5.0
        self.kill = False
        self.told = [0] * 3
        if backlog:
            self.outage([{}], round(backlog * self.step))
        else:
            self.reading({}, {}, 0)

    def each(self) -> list[Bed]:
        """Return the beds, the last one after a kill."""
        if self.kill and len(self.beds) > 2:
            self.beds[2].restart()
        return self.beds

    @rule(kill=st.booleans())
    def kills(self, kill: bool) -> None:
        """Kill the third engine before each event from now on, or no more."""
        self.kill = kill

    @rule(signs=READINGS, flags=FLAGS, jitter=st.sampled_from([0, 0, 0, 1, -1, 7]))
    def reading(self, signs: dict[str, Any], flags: dict[str, str], jitter: float) -> None:
        """Send the next reading."""
        self.seconds += max(1, self.step + jitter)
        for bed in self.each():
            bed.send(self.seconds, flags=flags, **signs)

    @rule(signs=READINGS, times=st.integers(2, 12))
    def readings(self, signs: dict[str, Any], times: int) -> None:
        """Send the same values for a while."""
        for _ in range(times):
            self.reading(signs, {}, 0)

    @rule(seconds=st.sampled_from([3.0, 11.0, 40.0, 200.0]))
    def silence(self, seconds: float) -> None:
        """Send nothing."""
        self.seconds += seconds
        for bed in self.each():
            bed.wait(self.seconds)

    @rule(parts=st.lists(READINGS, min_size=1, max_size=4), length=st.sampled_from([90, 600]))
    @precondition(lambda self: not self.kill)
    def outage(self, parts: list[dict[str, Any]], length: float) -> None:
        """Keep the sink away while the sender goes on; then a backlog comes in one batch."""
        arrives = self.seconds + length
        times = [self.seconds + (number + 1) * self.step for number in range(int(length / self.step))]
        for bed in self.beds:
            for number, time in enumerate(times):
                bed.send(time, arrives=arrives, backlog=True, **parts[number * len(parts) // len(times)])
        self.seconds = arrives
        # Which readings came from a backlog is not stored: the restarted engine may find another age for them.
        self.beds = self.beds[:2]

    @rule(
        parts=st.lists(READINGS, min_size=1, max_size=4), count=st.integers(2, 6), delay=st.sampled_from([0, 0, 2, 50])
    )
    def burst(self, parts: list[dict[str, Any]], count: int, delay: float) -> None:
        """Deliver several readings at once, each one older than the next, in one batch."""
        times = [self.seconds + (number + 1) * self.step for number in range(count)]
        self.seconds = times[-1] + delay
        for bed in self.each():
            bed.wait(self.seconds)
            values = [{**NORMAL, **parts[number * len(parts) // count]} for number in range(count)]
            sent = [bed.on_clock(each) for each in times]
            bed.take([row_of(at, bed.now, signs, None) for at, signs in zip(sent, values, strict=True)])

    @rule(data=st.data())
    def duplicates(self, data: st.DataObject) -> None:
        """Deliver readings again, in any order: nothing changes."""
        rows = [row for row, _ in self.beds[0].rows]
        again = data.draw(st.lists(st.sampled_from(rows), min_size=1, max_size=4))
        for bed in self.each():
            if bed.now - bed.ward.watches[KEY].arrived < 10_000 and bed.ward.watches[KEY].newest is None:
                before = deepcopy(bed.table)
                late = bed.late
                kept = list(bed.rows)
                bed.take([(row[0], row[1], bed.now - row[1], *row[3:]) for row in again])
                bed.rows = kept
                assert bed.table == before
                assert bed.late == late + len(again)

    @rule(length=st.sampled_from([30.0, 120.0]))
    def pause(self, length: float) -> None:
        """Pause the bed."""
        for bed in self.each():
            bed.pause(length)

    @rule(shelve=st.booleans())
    def answer(self, shelve: bool) -> None:
        """Acknowledge or shelve all that is active."""
        for bed in self.each():
            for episode in [each for each in bed.open if each.is_active]:
                if shelve:
                    bed.shelve(episode, 5)
                else:
                    bed.acknowledge(episode)

    @rule()
    @precondition(lambda self: self.beds[0].bed.standby is None)
    def standby(self) -> None:
        """Stop watching."""
        for bed in self.each():
            bed.standby()

    @rule()
    @precondition(lambda self: self.beds[0].bed.standby is not None)
    def admit(self) -> None:
        """Watch again."""
        for bed in self.each():
            bed.admit()

    @rule(limits=st.sampled_from(CHANGES), own=st.booleans())
    def limits(self, limits: dict[str, dict[str, float | None]], own: bool) -> None:
        """Change limits of a condition."""
        for bed in self.each():
            bed.limit(own=own, **limits)

    @invariant()
    def one_open(self) -> None:
        """A condition has one open episode at most."""
        for bed in getattr(self, "beds", []):
            names = [each.condition for each in bed.open]
            assert len(names) == len(set(names))

    @invariant()
    def same(self) -> None:
        """The band changes nothing, and a kill loses nothing."""
        if hasattr(self, "beds"):
            plain, *others = self.beds
            for other in others:
                assert plain.table == other.table
                assert plain.bed == other.bed

    @invariant()
    def explained(self) -> None:
        """An alarm has an onset before it, a limit and a valid value; nothing absent ends one."""
        for number, bed in enumerate(getattr(self, "beds", [])):
            for change, rows in zip(bed.outbox[self.told[number] :], bed.causes[self.told[number] :], strict=True):
                explain(change, rows, longest_gap(bed))
            self.told[number] = len(bed.outbox)

    def teardown(self) -> None:
        """Each temporary silence has an end."""
        for bed in getattr(self, "beds", []):
            bed.wait(self.seconds + 5 * 3600)
            assert bed.bed.paused is None and bed.bed.standby is None and not bed.bed.shelves
            assert all(each.inhibition == "none" for each in bed.open)
            assert all(each.signal != "off" for each in bed.open if each.presence == "present")


# The same runs each time. New ones are sought by hand: a fault that one run in 5,000 finds is no news of a change.
Engine.TestCase.settings = settings(max_examples=75, stateful_step_count=25, deadline=None, derandomize=True)
TestEngine = Engine.TestCase


@pytest.mark.endurance
@pytest.mark.timeout(1_800)
def test_many_runs() -> None:
    """Other runs each time, for minutes."""
    run_state_machine_as_test(Engine, settings=settings(max_examples=10_000, stateful_step_count=25, deadline=None))


def longest_gap(bed: Bed) -> int:
    """Return the longest time between two readings, which may be the interval where none is stated; else 0."""
    if bed.interval is not None:
        return 0
    times = [row[1] for row, _ in bed.rows]
    return max((after - before for before, after in pairwise(times)), default=0)


def explain(change: Change, rows: list[Row], gap: int) -> None:
    """Compare an event with the readings that it can have come from. Those that state no interval have such a gap."""
    episode = change.episode
    assert episode.raised is not None and episode.onset <= episode.raised
    # What a backlog brings is told later than it was raised.
    if episode.definition.kind == "technical" or episode.late:
        return
    assert episode.limit is not None
    time = episode.raised if change.event == "start" else episode.ceased
    by_itself = change.event == "end" and episode.end_reason == "itself"
    if time is None or not (change.event == "start" or by_itself):
        return
    row = next((each for each in reversed(rows) if each[1] <= time), rows[0])
    if by_itself and time - row[1] >= 60_000:
        # The next value has shown that it was over by then.
        row = next(each for each in rows if each[1] > time)
    value = sample_of(row).valid[NUMBER[episode.definition.sign.name]]
    assert value is not None
    # Younger than two intervals, or 10 s: nothing comes of a value that is old.
    assert time - row[1] < max(60_000, 2 * gap)
    if change.event == "start":
        assert value < episode.limit or value > episode.limit or value == 0


def immediate() -> Limits:
    """Return the ward's limits without delays and hysteresis."""
    parts = {
        name: msgspec.structs.replace(each, delays=dict.fromkeys(each.values, 0), off_delay=0, hysteresis=0)
        for name, each in WARD.conditions.items()
    }
    return Limits(1, parts)


def test_flags_are_never_ordinary() -> None:
    """A reading whose flags are others than before is evaluated, though its values are as before."""
    bed = Bed()
    for number in range(4):
        bed.send(number * 5, spo2=95)
    bed.send(20, spo2=95, flags={"spo2": "motion"})
    window = bed.ward.watches[KEY].windows["spo2.unavailable"]
    assert window.since == bed.rows[-1][0][1]


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.sampled_from([85, 89, 90, 91, 97]), min_size=1, max_size=60))
def test_without_delays_each_run_is_an_alarm(values: list[int]) -> None:
    """At delay 0 and hysteresis 0, there are as many alarms as runs below the limit."""
    bed = Bed()
    bed.use(immediate(), NO_OVERRIDES)
    for number, value in enumerate(values):
        bed.send(number * 5, spo2=value)
    runs = sum(value < 90 and (number == 0 or values[number - 1] >= 90) for number, value in enumerate(values))
    assert len(bed.alarms("spo2.low")) == runs
    assert bed.suppressed == 0
