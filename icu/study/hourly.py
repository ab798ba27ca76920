"""Vital signs hour by hour, patients x hours x signs, which is what statistics are made of; each patient begins at 0.

From each hour comes the first value of each sign, however many there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from icu.errors import RecordingError
from icu.patient.body.signs import Floats
from icu.patient.recordings import find_recordings, read_recording
from icu.study import simulation
from icu.study.simulation import MISSING, UNITS, Plan, blocks
from icu.study.statistics import SIGNS
from icu.vitals import limits

HOUR: Final = 3_600.0

COLUMNS: Final[Mapping[str, str]] = {
    "HR": "pulse",
    "O2Sat": "spo2",
    "Temp": "temperature",
    "SBP": "sbp",
    "MAP": "map",
    "DBP": "dbp",
    "Resp": "resp_rate",
}
"""What data sets call what the reference calls otherwise."""

_OF_RECORDINGS: Final = ("pulse", "spo2", "temperature", "systolic", "mean", "diastolic", "resp_rate")
_POSSIBLE: Final = (
    limits.PULSE,
    limits.SPO2,
    limits.TEMPERATURE,
    *[limits.BLOOD_PRESSURE] * 3,
    limits.RESP_RATE,
)
_LONGEST: Final = 24 * 366
"""Hours of a patient: more are a mistake in a time."""


class Hours:
    """Collects first values."""

    def __init__(self) -> None:
        self._rows: dict[tuple[object, int], list[float | None]] = {}

    def row(self, patient: object, hour: int) -> list[float | None]:
        """The patient's values in that hour, to be completed: None is still missing."""
        row = self._rows.get((patient, hour))
        if row is None:
            row = self._rows[patient, hour] = [None] * len(SIGNS)
        return row

    def signs(self, source: Path) -> Floats:
        """All of them. RecordingError where there are none, or values and times that cannot be."""
        hours: dict[object, list[int]] = {}
        for patient, hour in self._rows:
            hours.setdefault(patient, []).append(hour)
        longest = max((max(each) - min(each) + 1 for each in hours.values()), default=0)
        if longest == 0:
            raise RecordingError(f"{source} holds no row")
        if longest > _LONGEST:
            raise RecordingError(f"{source}: a patient's rows are more than a year apart: look at the times")
        signs = np.full((len(hours), longest, len(SIGNS)), np.nan)
        for number, (patient, each) in enumerate(hours.items()):
            first = min(each)
            for hour in each:
                signs[number, hour - first] = self._rows[patient, hour]
        _check(source, signs)
        return signs


def simulated(plan: Plan) -> Floats:
    """A fresh run; the plan's readings are an hour apart."""
    units = np.array(UNITS)
    runs = [np.where(each.values == MISSING, np.nan, each.values / units) for each in blocks(plan)]
    return np.concatenate(runs)[:, :, [simulation.SIGNS.index(COLUMNS[sign]) for sign in SIGNS]]


def recorded(folder: Path) -> Floats:
    """A folder of recordings, each a patient; a file without a time column has a row an hour."""
    hours = Hours()
    for path in find_recordings(folder):
        for row in read_recording(path, step=HOUR).rows:
            complete(hours.row(path, int(row.elapsed // HOUR)), [getattr(row.signs, name) for name in _OF_RECORDINGS])
    return hours.signs(folder)


def complete(row: list[float | None], values: Sequence[float | None]) -> None:
    """Put values where there are none yet."""
    for place, value in enumerate(values):
        if row[place] is None:
            row[place] = value


def _check(source: Path, signs: Floats) -> None:
    for name, low, high, column in _bounds(signs):
        for value in (column.min(), column.max()):
            if not low <= value <= high:
                why = f"{value:g} is outside {low:g} to {high:g}: leave empty what was not measured"
                raise RecordingError(f"{source}: {COLUMNS[name]}: {why}")


def _bounds(signs: Floats) -> Iterator[tuple[str, float, float, Floats]]:
    """Each sign that was measured: what is possible, and what was found."""
    for place, (name, possible) in enumerate(zip(SIGNS, _POSSIBLE, strict=True)):
        column = signs[:, :, place]
        found = column[~np.isnan(column)]
        if found.size:
            yield name, possible.low, possible.high, found
