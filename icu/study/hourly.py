"""Vital signs hour by hour, patients x hours x signs, which is what statistics are made of; each patient begins at 0.

From each hour comes the first value of each sign, however many there are.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from loguru import logger

from icu.patient.body.signs import Floats
from icu.patient.errors import RecordingError
from icu.patient.recordings import find_recordings, read_recordings
from icu.study import simulation
from icu.study.simulation import MISSING, UNITS, Plan, blocks
from icu.study.statistics import COMPARED, SIGNS

HOUR: Final = 3_600.0

# SIGNS as recordings call them.
OF_RECORDINGS: Final = tuple(each.name for each in COMPARED)
# Hours of a patient: more are a mistake in a time.
_LONGEST: Final = 24 * 366
# Hours of all patients.
_MOST: Final = 10_000_000


class Hours:
    """Collects first values. RecordingError where they are more than anybody has memory for."""

    def __init__(self) -> None:
        # Values that cannot have been measured, of those that were looked at: they are left out.
        self.impossible = 0
        self._rows: dict[tuple[object, int], list[float | None]] = {}

    def row(self, patient: object, hour: int) -> list[float | None]:
        """The patient's values in that hour, to be completed: None is still missing."""
        row = self._rows.get((patient, hour))
        if row is None:
            if len(self._rows) >= _MOST:
                raise RecordingError(f"there are over {_MOST} hours of patients, more than fit in memory: cut the file")
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
        return signs


def simulated(plan: Plan) -> Floats:
    """A fresh run; the plan's readings are an hour apart. NaN for a sign that is not simulated, too."""
    units = np.array(UNITS)
    runs = [np.where(each.values == MISSING, np.nan, each.values / units) for each in blocks(plan)]
    values = np.concatenate(runs)
    signs = np.full((*values.shape[:2], len(COMPARED)), np.nan)
    for place, each in enumerate(COMPARED):
        if each.data_set in simulation.SIGNS:
            signs[:, :, place] = values[:, :, simulation.SIGNS.index(each.data_set)]
    return signs


def recorded(folder: Path) -> Floats:
    """A folder of recordings, each a patient or several; a file without a time column has a row an hour."""
    hours = Hours()
    said: dict[str, Path] = {}
    for path in find_recordings(folder):
        for recording in read_recordings(path, step=HOUR):
            hours.impossible += recording.impossible
            said |= {note: said.get(note, path) for note in recording.notes}
            for row in recording.rows:
                values = [getattr(row.signs, name) for name in OF_RECORDINGS]
                complete(hours.row((path, recording.patient), int(row.elapsed // HOUR)), values)
    # Once, however many files are alike.
    for note, path in said.items():
        logger.info("{}: {}", path, note)
    if hours.impossible:
        logger.info("{}: {} values cannot have been measured: left out", folder, hours.impossible)
    return hours.signs(folder)


def complete(row: list[float | None], values: Sequence[float | None]) -> None:
    """Put values where there are none yet."""
    for place, value in enumerate(values):
        if row[place] is None:
            row[place] = value
