"""CSV and similar files, with comma, semicolon, tab or bar between cells.

`table` finds header and rows, `columns` the meaning of the header, `survey` that of the values; here rows become
recordings, one for each patient. A 0 is a value: the author of a table could have left it out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from icu.bounds import TICK
from icu.patient.errors import RecordingError
from icu.patient.recordings.recording import LONGEST, YEARS, Recording, Row
from icu.patient.recordings.tables.columns import knows, layout_of
from icu.patient.recordings.tables.survey import Survey, survey
from icu.patient.recordings.tables.table import Line, Table, open_table
from icu.patient.recordings.tables.values import measured
from icu.vitals.catalogue import VitalSigns

SUFFIXES: Final = (".csv", ".psv", ".tsv")

# Rows of a file, which are held in memory: 23 days with a row a second.
MOST_ROWS: Final = 2_000_000
# Patients of a file.
MOST_PATIENTS: Final = 1_000


class Reading(NamedTuple):
    """A row of a table, with its patient and its seconds since any beginning; None where no column has times."""

    line: Line
    # Cells that tell patients apart; empty where all rows are of one.
    patient: tuple[str, ...]
    seconds: float | None


class Readings:
    """A table that was read once and can be read as vital signs of patients."""

    def __init__(self, table: Table, found: Survey, *, names_patients: bool) -> None:
        self.where = table.where
        # True where a column says whose the rows are, be they of one.
        self.names_patients = names_patients
        self.notes: Sequence[str] = found.notes
        self._table = table
        self._found = found

    def __iter__(self) -> Iterator[Reading]:
        """Return the rows in the file's order."""
        seconds, places = self._found.seconds, self._found.patient
        for line in self._table.rows():
            patient = tuple([line.cells[place] for place in places])
            yield Reading(line, patient, None if seconds is None else seconds(line))

    def signs(self, line: Line) -> tuple[dict[str, float], dict[str, str], int]:
        """Return the signs of a row, the reasons of absent ones, and the number of impossible values."""
        return measured(self._found.sources, line)


def readings(path: Path, *, step: float | None) -> Readings:
    """Open a table of any size, which is never held in memory.

    Args:
        path: The file.
        step: Seconds between two rows where no column has times; None refuses such a table.

    Raises:
        RecordingError: It cannot be used; the message names line and column.
    """
    table = open_table(path, knows)
    layout = layout_of(table)
    return Readings(table, survey(table, layout, step=step), names_patients=bool(layout.patient))


def read(path: Path, *, step: float) -> Sequence[Recording]:
    """Read a file: a recording for each patient, in the order of their first rows.

    Args:
        path: The file.
        step: Seconds between two rows where no column has times.

    Raises:
        RecordingError: It cannot be used; the message names line and column.
    """
    opened = readings(path, step=step)
    patients: dict[tuple[str, ...], _Course] = {}
    for number, reading in enumerate(opened):
        if number >= MOST_ROWS:
            raise reading.line.wrong(f"there are over {MOST_ROWS} rows: cut the file, a recording is held in memory")
        course = patients.setdefault(reading.patient, _Course())
        course.add(reading, *opened.signs(reading.line), step=step)
        if len(patients) > MOST_PATIENTS:
            raise reading.line.wrong(f"there are over {MOST_PATIENTS} patients: split the file")
    found = [course.recording("/".join(each), opened.notes) for each, course in patients.items() if course.rows]
    if not found:
        raise RecordingError(f"{path} holds no row with a vital sign")
    return found


@dataclass(slots=True)
class _Course:
    """Rows of a patient so far."""

    rows: list[Row] = field(default_factory=list)
    begin: float = 0.0
    last: float = -1.0
    count: int = 0
    impossible: int = 0

    def add(
        self, reading: Reading, values: dict[str, float], quality: dict[str, str], impossible: int, *, step: float
    ) -> None:
        """Add a row.

        Raises:
            RecordingError: Its time is not after that of the patient's last row.
        """
        seconds = self.count * step if reading.seconds is None else reading.seconds
        if not self.count:
            self.begin = seconds
        elapsed = seconds - self.begin
        _check_time(elapsed, self.last, reading.line)
        self.last = elapsed
        self.count += 1
        self.impossible += impossible
        if values or quality:
            self.rows.append(Row(elapsed, VitalSigns(**values), quality))

    def recording(self, patient: str, notes: Sequence[str]) -> Recording:
        """Return the recording of the rows; at least one."""
        return Recording(self.rows, self.last, self.count - len(self.rows), self.impossible, patient, notes)


def _check_time(elapsed: float, last: float, line: Line) -> None:
    """Check that a row can be a reading of its own.

    Args:
        elapsed: Seconds from the first row to this one.
        last: Seconds from the first row to the one before.
        line: For the message.

    Raises:
        RecordingError: Its time is not later than the last, or too far from the first.
    """
    if not elapsed <= LONGEST:  # the difference of two infinite times is no number at all
        raise line.wrong(f"its time does not lie within {YEARS} years of the first row's")
    if elapsed <= last:
        raise line.wrong("its time is not later than that of the row before it")
    if timedelta(seconds=elapsed) - timedelta(seconds=last) < TICK:
        raise line.wrong("its time is less than a millisecond after that of the row before it")
