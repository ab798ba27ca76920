"""Times with valid data, and with flagged or absent signs: each millisecond once, however often the program dies."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from icu.alarms import tally
from icu.alarms.defaults import WARD
from icu.alarms.effects import Effects
from icu.alarms.episodes import BedState
from icu.alarms.limits import NO_OVERRIDES
from icu.alarms.rules import compile_rules
from icu.alarms.sample import Row
from icu.alarms.starting import new_watch, restore
from icu.alarms.ward import Evaluation, Ward
from tests.alarms import KEY, NOON, NORMAL, PATIENT, row_of

HOUR = 3_600_000
RULES = compile_rules(WARD, NO_OVERRIDES)
INTERVAL = 5
# Three intervals, and 15 s at least, of a sender that states 5 s.
LONGEST = 15_000

Counts = Counter[tuple[int, str, str]]


class Program:
    """A program that evaluates the readings of one patient, and the table of its counts."""

    def __init__(self) -> None:
        self.ward = Ward()
        self.ward.put(KEY, new_watch(PATIENT, RULES, NOON))
        self.table: Counts = Counter()
        self.bed = BedState(patient=PATIENT)
        self.rows: list[Row] = []

    def take(self, rows: list[Row], *, store: bool, commit: bool = True) -> None:
        """Evaluate a batch, which is stored or not."""
        evaluation = Evaluation(self.ward)
        evaluation.take(rows, [INTERVAL] * len(rows), rows[-1][1] + rows[-1][2])
        if store:
            evaluation.store_times()
        if not commit:
            return
        for each in evaluation.effects.counts:
            self.table[each.hour, each.kind, each.subject] += each.amount
        for change in evaluation.effects.beds:
            self.bed = change.bed
        self.rows += rows
        evaluation.install()

    def restart(self) -> None:
        """End, and read the state back from the tables."""
        counted = self.table.get((0, "counted", ""), -1)
        last = [(row, float(INTERVAL)) for row in self.rows if row[1] >= counted or row in self.rows[-11:]]
        self.ward = Ward()
        now = self.rows[-1][1] + self.rows[-1][2]
        self.ward.put(KEY, restore(self.bed, RULES, (), last, now, Effects(), read_since=now, counted=counted))


def naive(rows: list[Row], had: list[set[str]]) -> Counts:
    """Second by second, of readings in their order: each counts until the next one, or until it is stale."""
    counts: Counts = Counter()
    for (before, after), seen in zip(pairwise(rows), had, strict=True):
        valid = {name for name, value in zip(NORMAL, before[3:10], strict=True) if value is not None}
        if before[11]:
            valid -= {"spo2"}
        for time in range(before[1], min(after[1], before[1] + LONGEST), 1_000):
            hour = time - time % HOUR
            if valid:
                counts[hour, "monitored", ""] += 1_000
            for name in seen - valid:
                counts[hour, "flagged", name] += 1_000
    return counts


def readings(random: Random) -> Iterator[Row]:
    """Readings over three hours, with gaps, and with signs that are lost for a while."""
    time, lost, flags = NOON + HOUR // 2, set[str](), {}
    while time < NOON + 3 * HOUR:
        time += 1_000 * random.choice([5] * 60 + [1, 10, 15, 16, 60, 900])
        if random.random() < 0.1:
            lost = {name for name in ("pulse", "temperature", "spo2") if random.random() < 0.3}
            lost = set(NORMAL) if random.random() < 0.1 else lost
            flags = {"spo2": "motion"} if "spo2" not in lost and random.random() < 0.3 else {}
        values = {name: None if name in lost else value for name, value in NORMAL.items()}
        yield row_of(time, time + 50, values, None, **flags)


@pytest.mark.parametrize("seed", range(20))
def test_each_millisecond_once(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """As a naive oracle counts, through batches of any size, failed transactions and restarts at any time."""
    random = Random(seed)
    monkeypatch.setattr(tally, "_STORE_EVERY", random.choice([0, 30_000, 60_000, HOUR]))
    program, rows = Program(), list(readings(random))
    begin = 0
    while begin < len(rows):
        end = begin + random.choice([1, 1, 1, 3, 50])
        if random.random() < 0.1:
            program.take(rows[begin:end], store=True, commit=False)
        if begin and random.random() < 0.1:
            program.restart()
        program.take(rows[begin:end], store=random.random() < 0.3)
        begin = end
    monkeypatch.setattr(tally, "_STORE_EVERY", -HOUR)
    evaluation = Evaluation(program.ward)
    evaluation.store_times()
    for each in evaluation.effects.counts:
        program.table[each.hour, each.kind, each.subject] += each.amount
    assert program.table.pop((0, "counted", "")) == rows[-1][1]
    had, seen = [], set[str]()
    for row in rows[:-1]:
        seen |= {name for name, value in zip(NORMAL, row[3:10], strict=True) if value is not None}
        had.append(set(seen))
    expected = naive(rows, had)
    fields = {"systolic": "bp", "diastolic": "bp"}
    assert program.table == Counter({(h, k, fields.get(s, s)): count for (h, k, s), count in expected.items()})


def test_nobody_watches() -> None:
    """In standby no time counts, though the bed sends; afterwards it does again."""
    program = Program()
    rows = [row_of(NOON + 5_000 * n, NOON + 5_000 * n, NORMAL, None) for n in range(40)]
    program.take(rows[:10], store=True)
    program.ward.watches[KEY].bed = BedState(patient=PATIENT)
    watch = program.ward.watches[KEY]
    watch.bed = BedState(patient=PATIENT, discharged_at=rows[20][1], had=watch.bed.had)
    watch.steady = None
    program.take(rows[10:], store=True)
    assert program.table == {
        (0, "counted", ""): rows[-1][1],
        (NOON, "monitored", ""): 5_000 * (9 + 18),
    }


def test_a_clock_that_was_set_back() -> None:
    """The time that is stored goes back with it, so that what comes then counts."""
    program = Program()
    rows = [row_of(NOON + 5_000 * n, NOON + 5_000 * n, NORMAL, None) for n in range(20)]
    program.take(rows, store=True)
    back = [row_of(NOON - HOUR + 5_000 * n, NOON + 5_000 * n, NORMAL, None) for n in range(20, 60)]
    for each in back:
        program.take([each], store=False)
    program.restart()
    program.take([row_of(NOON - HOUR + 300_000, NOON + 300_000, NORMAL, None)], store=True)
    monitored = {hour: amount for (hour, kind, _), amount in program.table.items() if kind == "monitored"}
    assert program.table[0, "counted", ""] == NOON - HOUR + 300_000
    # The readings until it was noticed, some ten seconds, count in neither hour.
    assert monitored[NOON] == 95_000
    assert 185_000 <= monitored[NOON - HOUR] <= 195_000
