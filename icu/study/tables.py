"""Data sets of any origin: CSV or Parquet, a row for each patient and time, columns named as those of recordings."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from icu.patient.body.signs import Floats
from icu.patient.errors import RecordingError
from icu.patient.recordings.tables import text
from icu.patient.recordings.tables.columns import Column, layout_of
from icu.patient.recordings.tables.table import Line
from icu.patient.recordings.tables.times import Reader, Times
from icu.patient.recordings.tables.units import Extent, by_values
from icu.patient.recordings.tables.waveforms import FASTEST
from icu.study import parquet
from icu.study.hourly import HOUR, OF_RECORDINGS, Hours, fill_missing
from icu.vitals.catalogue import BY_NAME


def hourly(path: Path) -> Floats:
    """Read a data set.

    Args:
        path: Parquet by its suffix, else text.

    Returns:
        Patients x hours x SIGNS; NaN where there is no value.

    Raises:
        RecordingError: The file cannot be used; the message names the place.
    """
    reads = _from_parquet if path.suffix.lower() == parquet.SUFFIX else _from_text
    try:
        if path.exists() and not path.is_file():
            raise RecordingError(f"{path} cannot be read: it is no regular file, and a data set is read more than once")
        hours = reads(path)
    except OSError as exc:
        raise RecordingError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    if hours.impossible:
        logger.info("{}: {} values cannot have been measured: left out", path, hours.impossible)
    return hours.signs(path)


def _from_text(path: Path) -> Hours:
    table = text.readings(path, step=None)
    if not table.names_patients:
        raise RecordingError(f"{table.where}: the header names no patient: call the column patient_id")
    _log(path, table.notes)
    hours = Hours()
    for reading in table:
        # The seconds are known: without a step, a table without times is refused. 0.0 is for the type alone.
        row = hours.row(reading.patient, int((reading.seconds or 0.0) // HOUR))
        if None in row:
            values, _, impossible = table.signs(reading.line)
            fill_missing(row, [values.get(name) for name in OF_RECORDINGS])
            hours.impossible += impossible
    return hours


def _log(path: Path, notes: Sequence[str]) -> None:
    for note in notes:
        logger.info("{}: {}", path, note)


@dataclass(frozen=True, slots=True)
class _Head:
    """Header of a Parquet file, for `layout_of`: without rows, so that the names alone decide."""

    where: str
    header: Sequence[str]

    def rows(self) -> Sequence[Line]:
        return ()


def _from_parquet(path: Path) -> Hours:
    hours = Hours()
    with closing(parquet.Table(path)) as table:
        layout = layout_of(_Head(str(path), table.names))
        if not layout.patient or layout.time is None:
            lacks = "time" if layout.patient else "patient"
            raise RecordingError(f"{path}: the header names no {lacks}: call the column timestamp, or patient_id")
        columns = [column for source in layout.sources for column in source]
        try:
            extents = _extents(table, columns)
            sources, notes = by_values(layout.sources, extents, str(path))
            _log(path, notes)
            clock = None if layout.unit else _clock(table, layout.time)
            places = [*layout.patient, layout.time, *(column.place for column in columns)]
            for batch in table.batches(places):
                seconds = _seconds(batch, layout.time, layout.unit or 1.0, clock)
                _batch(hours, batch, layout.patient, seconds, sources)
        except (ValueError, TypeError, NotImplementedError) as exc:  # pyarrow's own are of these kinds
            raise RecordingError(f"{path} has columns that cannot be used: {exc}") from exc
    return hours


def _extents(table: parquet.Table, columns: Sequence[Column]) -> Mapping[int, Extent]:
    extents = {column.place: Extent() for column in columns}
    for batch in table.batches([column.place for column in columns]):
        for place, extent in extents.items():
            values = batch.numbers(place)
            extent.add_all(values[np.isfinite(values)])
    return extents


def _batch(
    hours: Hours, batch: parquet.Batch, patient: Sequence[int], seconds: Floats, sources: Sequence[Sequence[Column]]
) -> None:
    """Add the first value of each sign in each hour, found for all rows at once.

    Args:
        hours: Receives the values.
        batch: Some rows of the file.
        patient: Places of the columns that name the patient.
        seconds: Time of each row.
        sources: Columns of the signs.

    Raises:
        ValueError: A row has no patient, or a column is a waveform.
    """
    patients, names = _patients(batch, patient)
    spans = (seconds // HOUR).astype(np.int64)
    values = _measured(batch, sources, len(spans))
    hours.impossible += _leave_impossible(values)
    for place, sign in enumerate(OF_RECORDINGS):
        if sign not in values:
            continue
        there = np.flatnonzero(~np.isnan(values[sign]))
        _, first, counts = np.unique(
            np.stack([patients[there], spans[there]]), axis=1, return_index=True, return_counts=True
        )
        if counts.max(initial=0) > FASTEST * HOUR:
            raise ValueError(f"over {FASTEST:g} values of {sign} a second are a waveform")
        for at in there[first].tolist():
            row = hours.row(names[patients[at]], int(spans[at]))
            # An earlier batch may have the hour's first value.
            if row[place] is None:
                row[place] = float(values[sign][at])


def _patients(batch: parquet.Batch, places: Sequence[int]) -> tuple[NDArray[np.int64], Sequence[object]]:
    """Number the patients that all these columns name together.

    Returns:
        Number of each row's patient, and the patients' names by number.

    Raises:
        ValueError: A row has no patient.
    """
    columns = [batch.texts(place) for place in places]
    if any((codes < 0).any() for codes, _ in columns):
        raise ValueError("a row has no patient")
    whom, numbers = np.unique(np.stack([codes for codes, _ in columns]), axis=1, return_inverse=True)
    names = [tuple(known[code] for code, (_, known) in zip(each, columns, strict=True)) for each in whom.T.tolist()]
    return numbers.ravel(), names


def _clock(table: parquet.Table, place: int) -> Reader | None:
    """Return how to read a column of numbers without a unit as times, by the rules for text; None for dates."""
    times = Times()
    for batch in table.batches([place]):
        if not batch.is_number(place):
            return None
        for moment in np.unique(batch.seconds(place, 1.0)).tolist():
            times.look(_text(moment))
    return times.reader()


def _seconds(batch: parquet.Batch, time: int, unit: float, clock: Reader | None) -> Floats:
    seconds = batch.seconds(time, unit)
    if not np.isfinite(seconds).all():
        raise ValueError("a row has no time")
    if clock is None:
        return seconds
    # Each time is read once: patients share most of them.
    moments, places = np.unique(seconds, return_inverse=True)
    return np.array([clock(_text(each)) for each in moments.tolist()])[places]


def _text(moment: float) -> str:
    return str(int(moment)) if moment == moment // 1 else repr(moment)


def _measured(batch: parquet.Batch, sources: Sequence[Sequence[Column]], rows: int) -> dict[str, Floats]:
    """Return the values of each sign, from the first of its sources that has one in the row; NaN where none has."""
    values: dict[str, Floats] = {}
    for source in sources:
        found = {}
        for column in source:
            factor, offset, _ = column.conversion
            found[column.sign] = batch.numbers(column.place) * factor + offset
        # In a row a source counts whole or not at all: both halves of a pressure come from one measurement.
        taken = np.zeros(rows, bool)
        for sign, column_values in found.items():
            taken |= ~np.isnan(values.get(sign, np.full(rows, np.nan))) & ~np.isnan(column_values)
        for sign, column_values in found.items():
            old = values.get(sign, np.full(rows, np.nan))
            values[sign] = np.where(taken | np.isnan(column_values), old, column_values)
    return values


def _leave_impossible(values: dict[str, Floats]) -> int:
    """Remove impossible values in place, by the rules for recordings: a pressure upside down loses both halves.

    Returns:
        Number of removed values.
    """
    impossible = 0
    for sign, column in values.items():
        known = BY_NAME[sign]
        low, high = known.limits
        wrong = (column < low) | (column > high) | ((column > 0) & (column < known.least))
        column[wrong] = np.nan
        impossible += int(wrong.sum())
    if "systolic" in values and "diastolic" in values:
        wrong = values["systolic"] < values["diastolic"]
        values["systolic"][wrong] = values["diastolic"][wrong] = np.nan
        impossible += 2 * int(wrong.sum())
    return impossible
