"""Patients of the rows of a table: one, or several whose rows are mixed."""

from collections.abc import Sequence
from typing import Final

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables.cells import KNOWN, is_missing
from icu.patient.recordings.tables.columns import Layout
from icu.patient.recordings.tables.table import Line, Table
from icu.vitals.headers import looks_like_identity, normalised_name

# Names of patient columns that may also number rows.
_NUMBERS: Final = {"id", "uuid", "record", "recordid", "case"}


class Patients:
    """Columns that name the patient. Every row is looked at first, and decides which of them tell patients apart."""

    def __init__(self, table: Table, layout: Layout) -> None:
        self._table = table
        self._places = layout.patient
        self._first: Sequence[str] = ()
        self._varying: set[int] = set()
        self._rows = 0
        # Where no column is of patients, any other may look like one.
        others = () if self._places else layout.left
        self._others: dict[int, set[str]] = {
            place: set() for place in others if looks_like_identity(table.header[place])
        }
        # Columns with another value in each row so far, and their values.
        self._numbers: dict[int, set[str]] = {
            place: set() for place in self._places if normalised_name(table.header[place]) in _NUMBERS
        }

    def look(self, line: Line) -> None:
        """Look at a row.

        Raises:
            RecordingError: It has no patient, or an unknown column seems to name one.
        """
        self._rows += 1
        self._first = self._first or line.cells
        for place in self._places:
            cell = line.cells[place]
            if is_missing(cell):
                raise line.mistake(self._table.header[place], "says no patient: fill it in, or remove the column")
            if cell != self._first[place]:
                self._varying.add(place)
        if self._others:
            self._look_at_others(line)
        if self._numbers and self._rows < KNOWN:  # enough rows to decide; the values are held in memory
            self._look_at_numbers(line)

    def _look_at_others(self, line: Line) -> None:
        for place, seen in self._others.items():
            seen.add(line.cells[place])
            if 1 < len(seen) < self._rows:
                raise self._wrong(place, "may tell patients apart: call it patient_id, or remove it")
        # A value for each row is the row's own number.
        self._others = {place: seen for place, seen in self._others.items() if len(seen) < KNOWN}

    def _look_at_numbers(self, line: Line) -> None:
        for place, seen in self._numbers.items():
            seen.add(line.cells[place])
        self._numbers = {place: seen for place, seen in self._numbers.items() if len(seen) == self._rows}

    def places(self) -> Sequence[int]:
        """Return the columns that tell patients apart.

        Raises:
            RecordingError: They may number rows instead.
        """
        numbers = self._numbers if self._rows > 1 else {}
        if numbers and len(numbers) == len(self._places):
            why = "it is another in each row, and may number rows or patients: remove it, or call it patient_id"
            raise self._wrong(self._places[0], why)
        return [place for place in self._places if place in self._varying and place not in numbers]

    def _wrong(self, place: int, why: str) -> RecordingError:
        return RecordingError(f"{self._table.where}: column {self._table.header[place]}: {why}")
