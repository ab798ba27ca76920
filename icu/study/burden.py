"""Burden of alarms: what delays, hysteresis and off-delays take away from thresholds, on one and the same ward.

Simulated patients, or recordings, are replayed through the alarms' own evaluation, once for each setting of the limits.
Nobody acknowledges anything: an alarm that is raised again while it is latched counts again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from msgspec.structs import replace

from icu.alarms.defaults import WARD
from icu.alarms.episodes import Episode
from icu.alarms.limits import ConditionLimits, Limits
from icu.alarms.records import Bed, Record
from icu.alarms.rules import Rules, compile_rules
from icu.alarms.sample import Row
from icu.alarms.starting import new_watch
from icu.alarms.statistics import Statistics, statistics_of
from icu.alarms.ward import Evaluation, Ward
from icu.config.load import packaged
from icu.messages import Observation, Quality
from icu.patient.recordings import find_recordings, read_recordings
from icu.patient.replayed import ReplayedBay
from icu.patient.scenarios import load_scenarios
from icu.study.simulation import START, Plan, cohorts, patient
from icu.vitals.signs import BloodPressure, parse_blood_pressure

# Seconds between two rows of a recording without times.
STEP: Final = 3_600.0

# Readings that were made at the same time, of different patients.
Batch: TypeAlias = Sequence[Observation]
# Batches in order of time.
Course: TypeAlias = Iterable[Batch]

_NO_PRESSURE: Final = BloodPressure(None, None)


class Setting(NamedTuple):
    """Use of the ward's limits."""

    name: str
    delays: bool = False
    hysteresis: bool = False
    off_delays: bool = False

    @property
    def limits(self) -> Limits:
        """Ward's limits, without what is not used."""
        return Limits(0, {name: self._part(each) for name, each in WARD.conditions.items()})

    def _part(self, whole: ConditionLimits) -> ConditionLimits:
        return replace(
            whole,
            delays=whole.delays if self.delays else {},
            hysteresis=whole.hysteresis if self.hysteresis else 0,
            off_delay=whole.off_delay if self.off_delays else 0,
        )


# Each adds one thing to the one before.
SETTINGS: Final = (
    Setting("thresholds alone"),
    Setting("with delay", delays=True),
    Setting("with hysteresis", delays=True, hysteresis=True),
    Setting("with all", delays=True, hysteresis=True, off_delays=True),
)


def simulated(plan: Plan) -> Iterator[Course]:
    """Courses of simulated patients, in groups."""
    for cohort in cohorts(plan, load_scenarios(packaged("config", "scenarios"))):
        yield _steps(plan, cohort.step, cohort.observe)


def recorded(folder: Path) -> Iterator[Course]:
    """Courses of the recordings in a folder, one for each patient.

    Raises:
        RecordingError: The folder or a file cannot be used.
    """
    number = 0
    for path in find_recordings(folder):
        for recording in read_recordings(path, step=STEP):
            number += 1
            bay = ReplayedBay(patient(0, number), recording, origin=START, speed=1.0)
            bay.begin(START)
            yield _rows(bay)


def measure(
    courses: Iterable[Course], *, on_readings: Callable[[int], None] = lambda _: None
) -> Mapping[str, Statistics]:
    """Replay the same courses with each of SETTINGS.

    Args:
        courses: Read once.
        on_readings: Called with the number of readings replayed since its last call.

    Returns:
        Statistics by the name of the setting.
    """
    replays = {each.name: _Replay(compile_rules(each.limits, Limits())) for each in SETTINGS}
    beds: dict[UUID, tuple[datetime, datetime, float]] = {}
    for course in courses:
        for replay in replays.values():
            replay.begin()
        keys: dict[UUID, int] = {}
        for batch in course:
            rows = [_row(keys.setdefault(each.patient_uuid, len(keys)), each) for each in batch]
            for replay in replays.values():
                replay.take(batch, rows)
            for each in batch:
                first = beds[each.patient_uuid][0] if each.patient_uuid in beds else each.timestamp
                beds[each.patient_uuid] = first, each.timestamp, each.interval or 0.0
            on_readings(len(batch))
    watched = [_bed(uuid, *each) for uuid, each in beds.items()]
    return {name: statistics_of(replay.records, watched) for name, replay in replays.items()}


class _Replay:
    """Replay with one setting."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._ward = Ward()
        # By identity: last version of an alarm that was raised or suppressed, and when it first sounded.
        self._records: dict[UUID, Record] = {}

    @property
    def records(self) -> Sequence[Record]:
        """Alarms so far."""
        return list(self._records.values())

    def begin(self) -> None:
        """Begin another course, with other patients."""
        self._ward = Ward()

    def take(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Take the readings of one time, once the deadlines before it are over."""
        now = rows[0][1]
        while (due := self._ward.due) is not None and due < now:
            evaluation = Evaluation(self._ward)
            evaluation.tick(due)
            self._install(evaluation, due)
        evaluation = Evaluation(self._ward)
        for each, row in zip(batch, rows, strict=True):
            if not evaluation.knows(row[0]):
                evaluation.add(row[0], new_watch(each.patient_uuid, self._rules, now))
        evaluation.take(rows, [each.interval for each in batch], now)
        self._install(evaluation, now)

    def _install(self, evaluation: Evaluation, now: int) -> None:
        for change in evaluation.effects.changes:
            self._note(change.episode, now)
        evaluation.install()

    def _note(self, episode: Episode, now: int) -> None:
        if episode.raised is None and episode.end_reason != "suppressed":
            return
        before = self._records.get(episode.id)
        sounded = None if before is None else before.sounded
        self._records[episode.id] = Record(episode, now if sounded is None and episode.is_audible else sounded)


def _steps(
    plan: Plan, step: Callable[[float], None], observe: Callable[[Sequence[datetime], float], Batch]
) -> Iterator[Batch]:
    for number in range(plan.readings):
        if number:
            step(plan.every)
        yield observe([plan.time(number)], plan.every)


def _rows(bay: ReplayedBay) -> Iterator[Batch]:
    while bay.due() is not None:
        yield bay.observe()
        bay.advance(0, START)


def _row(key: int, observation: Observation) -> Row:
    """Convert an observation to the row that the alarms evaluate, which arrives as it is made."""
    pressure = _NO_PRESSURE if observation.bp is None else parse_blood_pressure(observation.bp)
    measured = observation.bp_measured_at
    return (
        key,
        _milliseconds(observation.timestamp),
        0,
        _hundredths(observation.pulse),
        _hundredths(observation.resp_rate),
        _hundredths(pressure.systolic),
        _hundredths(pressure.diastolic),
        _hundredths(observation.spo2),
        _hundredths(observation.temperature),
        _hundredths(observation.map),
        None if measured is None else _milliseconds(measured),
        None if observation.quality is None else _text(observation.quality),
    )


def _bed(uuid: UUID, first: datetime, last: datetime, interval: float) -> Bed:
    time = _milliseconds(last) - _milliseconds(first) + round(1_000 * interval)
    return Bed(uuid, time, None, None)


def _hundredths(value: float | None) -> int | None:
    return None if value is None else round(value * 100)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


@lru_cache(maxsize=64)
def _text(quality: Quality) -> str:
    return msgspec.json.encode(quality).decode()
