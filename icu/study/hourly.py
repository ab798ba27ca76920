"""Hourly vital signs for statistics: patients x hours x signs, from each patient's first hour on.

The first value of each sign in an hour counts, however many there are.
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

# Names of SIGNS in recordings.
OF_RECORDINGS: Final = tuple(each.name for each in COMPARED)
# Hours of a patient: more mean a mistake in a time.
_LONGEST: Final = 24 * 366
# Hours of all patients: a bound on memory.
_MOST: Final = 10_000_000


class Hours:
    """Table of first values by patient and hour, filled row by row."""

    def __init__(self) -> None:
        # Number of impossible values, which are left out.
        self.impossible = 0
        self._rows: dict[tuple[object, int], list[float | None]] = {}

    def row(self, patient: object, hour: int) -> list[float | None]:
        """Return the patient's values in an hour, to be filled in place: None is still missing.

        Raises:
            RecordingError: There are more hours than fit in memory.
        """
        row = self._rows.get((patient, hour))
        if row is None:
            if len(self._rows) >= _MOST:
                raise RecordingError(f"there are over {_MOST} hours of patients, more than fit in memory: cut the file")
            row = self._rows[patient, hour] = [None] * len(SIGNS)
        return row

    def signs(self, source: Path) -> Floats:
        """Return all values, patients x hours x SIGNS; NaN where there is none.

        Args:
            source: Name of the data, for messages.

        Raises:
            RecordingError: There is no row, or a patient's rows are more than a year apart.
        """
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
    """Simulate a data set.

    Args:
        plan: Its readings are an hour apart.

    Returns:
        Patients x hours x SIGNS; NaN also for a sign that is not simulated.
    """
    units = np.array(UNITS)
    runs = [np.where(each.values == MISSING, np.nan, each.values / units) for each in blocks(plan)]
    values = np.concatenate(runs)
    signs = np.full((*values.shape[:2], len(COMPARED)), np.nan)
    for place, each in enumerate(COMPARED):
        if each.data_set in simulation.SIGNS:
            signs[:, :, place] = values[:, :, simulation.SIGNS.index(each.data_set)]
    return signs


def recorded(folder: Path) -> Floats:
    """Read a folder of recordings, each of one patient or several.

    Args:
        folder: In files without a time column, rows are an hour apart.

    Returns:
        Patients x hours x SIGNS; NaN where there is no value.

    Raises:
        RecordingError: The folder or a file cannot be used.
    """
    hours = Hours()
    said: dict[str, Path] = {}
    for path in find_recordings(folder):
        for recording in read_recordings(path, step=HOUR):
            hours.impossible += recording.impossible
            said |= {note: said.get(note, path) for note in recording.notes}
            for row in recording.rows:
                values = [getattr(row.signs, name) for name in OF_RECORDINGS]
                fill_missing(hours.row((path, recording.patient), int(row.elapsed // HOUR)), values)
    # Each note once: the files of a folder are often alike.
    for note, path in said.items():
        logger.info("{}: {}", path, note)
    if hours.impossible:
        logger.info("{}: {} values cannot have been measured: left out", folder, hours.impossible)
    return hours.signs(folder)


def fill_missing(row: list[float | None], values: Sequence[float | None]) -> None:
    """Fill the missing places of a row with values, both in the order of SIGNS."""
    for place, value in enumerate(values):
        if row[place] is None:
            row[place] = value
