"""A ward of one bed, driven as the sink drives it: readings, ticks at the deadlines, a table that compares and sets."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import msgspec

from icu.alarms.changing import change_limits, take_command
from icu.alarms.commands import Ruling, admit, answer, discharge, pause, standby
from icu.alarms.defaults import WARD
from icu.alarms.effects import Change, Effects, Outcome
from icu.alarms.episodes import BedState, Episode
from icu.alarms.inputs import Acknowledge, Shelve
from icu.alarms.limits import NO_OVERRIDES, ConditionLimits, Limits, change
from icu.alarms.rules import compile_rules
from icu.alarms.sample import Row
from icu.alarms.starting import new_watch, restore
from icu.alarms.ward import Evaluation, Ward

PATIENT: Final = UUID(int=7)
KEY: Final = 1
# Noon, in milliseconds.
NOON: Final = 1_764_374_400_000

NORMAL: Final = {
    "pulse": 80,
    "resp_rate": 16,
    "systolic": 120,
    "diastolic": 80,
    "spo2": 97,
    "temperature": 37,
    "map": 93,
}


def row_of(time: int, arrived: int, signs: dict[str, float | None], measured: int | None, **flags: str) -> Row:
    """Return a reading as for the table."""
    values = [signs.get(name) for name in NORMAL]
    hundredths = [None if value is None else round(value * 100) for value in values]
    quality = msgspec.json.encode(flags).decode() if flags else None
    return (KEY, time, arrived - time, *hundredths, measured, quality)


class Bed:
    """Patient in a bed. Seconds count from noon."""

    def __init__(self, *, interval: float | None = 5.0, offset: float = 0.0, steady: bool = True) -> None:
        self.interval = interval
        # The sender's clock is behind by so many seconds.
        self.offset = offset
        # False: the band never decides.
        self.steady = steady
        self.now = NOON
        self.ward = Ward()
        self.limits = (WARD, NO_OVERRIDES)
        self.table: dict[UUID, Episode] = {}
        self.bed = BedState(patient=PATIENT)
        self.outbox: list[Change] = []
        # Of each event, the readings that it can have come from: the one before, and the one that was taken.
        self.causes: list[list[Row]] = []
        self.taken: list[Row] = []
        self.suppressed = 0
        self.late = 0
        self.rows: list[tuple[Row, float | None]] = []
        self.ward.put(KEY, new_watch(PATIENT, compile_rules(*self.limits), NOON))

    def send(
        self,
        seconds: float,
        *,
        arrives: float | None = None,
        backlog: bool = False,
        measured: float | None = None,
        flags: dict[str, str] | None = None,
        **signs: float | None,
    ) -> None:
        """Send a reading of normal signs, except for these; measured at `seconds`, it arrives at once."""
        self.wait(seconds if arrives is None else arrives)
        time = self.on_clock(seconds)
        cuff = None if measured is None else self.on_clock(measured)
        row = row_of(time, self.now, {**NORMAL, **signs}, cuff, **(flags or {}))
        self.take([row], backlog=backlog)

    def on_clock(self, seconds: float) -> int:
        """Return the sender's time."""
        return NOON + round((seconds - self.offset) * 1000)

    def take(self, rows: list[Row], *, backlog: bool = False) -> None:
        """Evaluate a batch, and store what came of it."""
        evaluation = Evaluation(self.ward)
        evaluation.take(rows, [self.interval] * len(rows), self.now, backlog=backlog)
        self.taken = rows
        self.commit(evaluation)
        self.taken = []
        self.rows += [(row, self.interval) for row in rows]

    def wait(self, seconds: float) -> None:
        """Pass time, with a tick at each deadline."""
        until = NOON + round(seconds * 1000)
        before = 0
        while self.ward.due is not None and self.ward.due <= until:
            self.now = max(self.now, self.ward.due)
            evaluation = Evaluation(self.ward)
            evaluation.tick(self.now)
            self.commit(evaluation)
            assert self.ward.due != before, "a deadline that passed is due for ever"
            before = self.now
        self.now = max(self.now, until)

    def commit(self, evaluation: Evaluation) -> None:
        """Store the effects of an evaluation, and install it."""
        self.store(evaluation.effects)
        evaluation.install()
        if not self.steady:
            self.ward.watches[KEY].steady = None

    def store(self, effects: Effects) -> None:
        """Store changes as the table does: each one in place of the version that it was made from."""
        for change_ in effects.rows:
            self.put(change_)
        for each in effects.bed_rows:
            assert self.bed.version == each.before
            self.bed = each.bed
        self.outbox += list(effects.events)
        self.causes += [[row for row, _ in self.rows[-1:]] + self.taken] * (len(self.outbox) - len(self.causes))
        self.suppressed += len(effects.suppressed)
        self.late += effects.late

    def put(self, change_: Change) -> None:
        """Store an episode: compare and set."""
        before = self.table.get(change_.episode.id)
        assert (before.version if before else 0) == change_.before
        self.table[change_.episode.id] = change_.episode

    def restart(self) -> None:
        """End the program, and read its state back from the table."""
        effects = Effects()
        watch = restore(
            self.bed, compile_rules(*self.limits), self.open, self.rows, self.now, effects, read_since=self.now
        )
        self.store(effects)
        self.ward = Ward()
        self.ward.put(KEY, watch)

    @property
    def open(self) -> list[Episode]:
        """Open episodes in the table."""
        return [each for each in self.table.values() if each.is_open]

    def alarms(self, name: str | None = None) -> list[Episode]:
        """Return the episodes that were raised, of one condition or of all, the oldest first."""
        found = [each for each in self.table.values() if each.raised is not None]
        return sorted((each for each in found if name in {None, each.condition}), key=lambda each: each.onset)

    def names(self) -> list[str]:
        """Return the conditions that were raised, each once."""
        return sorted({each.condition for each in self.alarms()})

    def one(self, name: str) -> Episode:
        """Return the only alarm of a condition."""
        [found] = self.alarms(name)
        return found

    def events(self, name: str) -> list[str]:
        """Return the kinds of the events of a condition in the outbox."""
        return [str(each.event) for each in self.outbox if each.episode.condition == name]

    def answer(self, command: Acknowledge | Shelve, episode: Episode) -> Outcome:
        """Answer an alarm as a person does; the engine reads it from the table."""
        outcome = answer(self.table[episode.id], command)
        self.apply(outcome.changes)
        return outcome

    def acknowledge(self, episode: Episode, *, by: str = "Ann", seen: int | None = None) -> Outcome:
        """Acknowledge an alarm as it stands in the table."""
        current = self.table[episode.id]
        return self.answer(Acknowledge(by, self.now, current.seen if seen is None else seen), episode)

    def shelve(self, episode: Episode, minutes: float = 10) -> Outcome:
        """Shelve an alarm as it stands in the table."""
        command = Shelve("Ann", self.now, self.table[episode.id].seen, "known", round(minutes * 60_000))
        return self.answer(command, episode)

    def pause(self, seconds: float = 120) -> None:
        """Pause the bed."""
        self.rule(pause(self.bed, self.open, by="Ann", now=self.now, length=round(seconds * 1000)))

    def standby(self) -> None:
        """Stop watching the bed until the patient returns."""
        self.rule(standby(self.bed, self.open, by="Ann", now=self.now))

    def admit(self) -> None:
        """Watch the bed again from its next reading on."""
        newest = self.rows[-1][0][1] if self.rows else None
        self.rule(admit(self.bed, now=self.now, at=newest))

    def discharge(self) -> None:
        """Discharge the patient."""
        newest = self.rows[-1][0][1] if self.rows else None
        self.rule(discharge(self.bed, self.open, by="Ann", now=self.now, at=newest))

    def rule(self, ruling: Ruling) -> None:
        """Store what a command has made of the bed."""
        assert self.bed.version == ruling.bed.before
        self.bed = ruling.bed.bed
        self.apply(ruling.changes)

    def apply(self, changes: Iterable[Change]) -> None:
        """Store the changes of a command, and let the engine read them."""
        effects = Effects(changes=list(changes))
        self.store(effects)
        evaluation = Evaluation(self.ward)
        take_command(evaluation.watch(KEY), self.bed, self.open, self.now, evaluation.effects)
        self.commit(evaluation)

    def limit(self, *, own: bool = True, **conditions: Any) -> None:
        """Change limits of the patient, or of the ward: `spo2_low={"medium": 85}`."""
        parts = {name.replace("_", ".", 1): ConditionLimits(values) for name, values in conditions.items()}
        ward, patient = self.limits
        self.limits = (ward, change(patient, parts)) if own else (change(ward, parts), patient)
        self.use(*self.limits)

    def use(self, ward: Limits, patient: Limits) -> None:
        """Put limits in force."""
        self.limits = (ward, patient)
        evaluation = Evaluation(self.ward)
        rules = compile_rules(ward, patient)
        change_limits(evaluation.watch(KEY), rules, self.now, evaluation.effects, by="Ann")
        self.commit(evaluation)
