"""First reading of a whole table, because the meaning of a column often shows in its values alone.

Every used cell is checked here, so that a mistake is reported before any row is used.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables.cells import KNOWN
from icu.patient.recordings.tables.clocks import Clock, Seconds
from icu.patient.recordings.tables.columns import Column, Layout
from icu.patient.recordings.tables.patients import Patients
from icu.patient.recordings.tables.table import Line, Table
from icu.patient.recordings.tables.units import Extent, by_values
from icu.patient.recordings.tables.values import values_of
from icu.patient.recordings.tables.waveforms import without_waveforms
from icu.vitals.headers import normalised_name

# Unused columns that are listed by name; a laboratory's table may have hundreds.
_MOST_NAMED: Final = 60

# Why a column is not used that would be used in another table.
_NOT_TAKEN: Final = {
    "sao2": "is a blood gas beside an oximeter",
    "mean": "is no mean of a pressure here",
    "t": "is of neither time nor temperature here",
}


class Survey(NamedTuple):
    """Results of the first reading."""

    # With the conversions that the values require, and without waveforms.
    sources: Sequence[Sequence[Column]]
    # How to read a row's time; None where no column has it.
    seconds: Seconds | None
    # Columns that tell patients apart; empty where all rows are of one.
    patient: Sequence[int]
    # Sentences for people on how the table is read.
    notes: Sequence[str]


def survey(table: Table, layout: Layout, *, step: float | None) -> Survey:
    """Read the whole table.

    Args:
        table: The table.
        layout: Meaning of its columns.
        step: Seconds between two rows where no column has times; None refuses such a table.

    Raises:
        RecordingError: A cell cannot be used, or a column allows several meanings.
    """
    clock, patients = Clock(table, layout), Patients(table, layout)
    columns = [column for source in layout.sources for column in source]
    extents = {column.place: Extent() for column in columns}
    row = None
    for row in table.rows():
        clock.look(row)
        patients.look(row)
        for column in columns:
            # A column repeats few different cells: each is parsed once.
            if row.cells[column.place] not in (extent := extents[column.place]).seen:
                _extend(extent, column, row)
    if row is None:
        raise RecordingError(f"{table.path} holds no row")
    seconds, patient = clock.seconds(step), patients.places()
    sources, waveforms = without_waveforms(table, layout.sources, seconds, patient, step=step)
    sources, units = by_values(sources, extents, table.where)
    notes = [*_found(table), *clock.notes, *waveforms, *units, *_stand_ins(sources), *_left(table, layout)]
    return Survey(sources, seconds, patient, notes)


def _extend(extent: Extent, column: Column, row: Line) -> None:
    for value in values_of(column, row).values():
        extent.add(value)
    if len(extent.seen) >= KNOWN:
        extent.seen.clear()
    extent.seen.add(row.cells[column.place])


def _found(table: Table) -> Iterator[str]:
    if table.number > 1:
        yield f"the header is line {table.number}"
    if table.encoding == "cp1252":
        yield "it is no UTF-8: read as Windows-1252"


def _stand_ins(sources: Sequence[Sequence[Column]]) -> Iterator[str]:
    best: dict[str, str] = {}
    for column in (column for source in sources for column in source):
        better = best.setdefault(column.sign, column.header)
        if better != column.header:
            yield f"column {column.header} counts where {better} has no value"


def _left(table: Table, layout: Layout) -> Iterator[str]:
    left = [table.header[place] for place in layout.left if table.header[place]]
    for header in left:
        if why := _NOT_TAKEN.get(normalised_name(header)):
            yield f"column {header} {why}: not taken"
    if rest := [header[:40] for header in left if normalised_name(header) not in _NOT_TAKEN]:
        more = f" and {len(rest) - _MOST_NAMED} more" if len(rest) > _MOST_NAMED else ""
        yield f"columns left alone: {', '.join(rest[:_MOST_NAMED])}{more}"
