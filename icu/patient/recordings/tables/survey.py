"""A first look at all of a table, for what a column means often shows in its values alone.

Every cell that counts is checked here, so that a mistake is told before anything of the table is used.
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
from icu.vitals.headers import known_as

_MOST_NAMED: Final = 60
"""Columns that are left alone and named; a laboratory's table may have hundreds."""

_NOT_TAKEN: Final = {
    "sao2": "is a blood gas beside an oximeter",
    "mean": "is no mean of a pressure here",
    "t": "is of neither time nor temperature here",
}
"""Why a column is left that would be taken elsewhere."""


class Survey(NamedTuple):
    """Results of the first look at a table."""

    sources: Sequence[Sequence[Column]]
    """With the conversions that their values ask for, and without waveforms."""
    seconds: Seconds | None
    """When a row was measured; None where no column says so."""
    patient: Sequence[int]
    """The columns that tell patients apart; empty where all rows are of one."""
    notes: Sequence[str]
    """Notes for people on how the table is read."""


def survey(table: Table, layout: Layout, *, step: float | None) -> Survey:
    """Look at all of it. RecordingError names what cannot be used, or not be told.

    `step` is the seconds between two rows where no column is of time; without one such a table is refused.
    """
    clock, patients = Clock(table, layout), Patients(table, layout)
    columns = [column for source in layout.sources for column in source]
    extents = {column.place: Extent() for column in columns}
    row = None
    for row in table.rows():
        clock.look(row)
        patients.look(row)
        for column in columns:
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
        if why := _NOT_TAKEN.get(known_as(header)):
            yield f"column {header} {why}: not taken"
    if rest := [header[:40] for header in left if known_as(header) not in _NOT_TAKEN]:
        more = f" and {len(rest) - _MOST_NAMED} more" if len(rest) > _MOST_NAMED else ""
        yield f"columns left alone: {', '.join(rest[:_MOST_NAMED])}{more}"
