"""Times of the rows of a table: one column of times, or one of days and one of clocks."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables.columns import Layout
from icu.patient.recordings.tables.table import Line, Table
from icu.patient.recordings.tables.times import Reader, Times, looks_like_date
from icu.vitals import headers

# Returns a row's seconds since any beginning.
Seconds: TypeAlias = Callable[[Line], float]


class Clock:
    """Columns of times. Every row is looked at first, and decides how they are read."""

    def __init__(self, table: Table, layout: Layout) -> None:
        self.notes: list[str] = []
        self._table = table
        self._time, self._date = layout.time, layout.date
        looks = ((self._time, Times(layout.unit)), (self._date, Times()))
        self._looks = {place: times for place, times in looks if place is not None}
        # Where no column is of time, any other may look like one.
        self._others = layout.left if self._time is None else tuple(self._looks)
        self._first: Sequence[str] = ()
        self._varying: set[int] = set()

    def look(self, line: Line) -> None:
        """Look at a row.

        Raises:
            RecordingError: It has no time, or one in another form than the rows before.
        """
        for place, times in self._looks.items():
            try:
                times.look(line.cells[place])
            except ValueError as exc:
                raise line.mistake(self._table.header[place], str(exc)) from exc
        self._first = self._first or line.cells
        for place in self._others:
            if line.cells[place] != self._first[place]:
                self._varying.add(place)

    def seconds(self, step: float | None) -> Seconds | None:
        """Choose how to read the times.

        Args:
            step: Seconds between two rows, where no column has times.

        Returns:
            None where the step replaces the times.

        Raises:
            RecordingError: The columns allow several readings, or there are neither times nor a step.
        """
        if self._time is None:
            self._check_timeless(step)
            return None
        time, times = self._time, self._looks[self._time]
        if self._date is not None:
            if clock := times.clock_reader():
                return _sum_of(self._date, self._reader(self._date, self._looks[self._date].day_reader), time, clock)
            if self._date in self._varying and times.may_be_of_a_day:
                why = "may be of the day or since a beginning: write it as 14:20, or remove"
                raise self._wrong(time, f"{why} the column {self._table.header[self._date]}")
        if times.lacks_unit:
            self.notes.append(f"column {self._table.header[time]} has no unit: its numbers are read as seconds")
        reader = self._reader(time, times.reader)
        return lambda line: reader(line.cells[time])

    def _reader(self, place: int, reader: Callable[[], Reader]) -> Reader:
        try:
            return reader()
        except ValueError as exc:
            raise self._wrong(place, str(exc)) from exc

    def _check_timeless(self, step: float | None) -> None:
        """Refuse a table without a known column of times if another column looks like one.

        Raises:
            RecordingError: A column looks like one, or there is no step.
        """
        for place in sorted(self._varying):
            if headers.looks_like_time(self._table.header[place]) or looks_like_date(self._first[place]):
                raise self._wrong(
                    place, "looks like one of time and is not known: call it timestamp, or time (s), or remove it"
                )
        if step is None:
            seen = ", ".join(self._table.header)
            raise RecordingError(f"{self._table.where}: the header names no time: it has {seen}")
        self.notes.append(f"no column is of time: a row every {step:g} s")

    def _wrong(self, place: int, why: str) -> RecordingError:
        return RecordingError(f"{self._table.where}: column {self._table.header[place]}: {why}")


def _sum_of(date: int, days: Reader, time: int, clock: Reader) -> Seconds:
    def seconds(line: Line) -> float:
        try:
            return days(line.cells[date]) + clock(line.cells[time])
        except ValueError as exc:
            raise line.wrong(f"its date {exc}") from exc

    return seconds
