"""Data sets of any origin: CSV or Parquet, a row for each patient and time, columns by their usual names."""

import csv
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, TextIO

import numpy as np

from icu.errors import RecordingError
from icu.patient.body.signs import Floats
from icu.study import parquet
from icu.study.hourly import COLUMNS, HOUR, Hours
from icu.study.statistics import SIGNS

_PATIENT: Final = ("patient_uuid", "patient", "patient_id", "uuid", "id", "subject_id", "stay_id", "icustay_id")
_DATES: Final = ("timestamp", "time", "datetime", "date_time", "charttime")
_CLOCKS: Final[Mapping[str, float]] = {"seconds": 1, "minutes": 60, "hours": 3_600, "iculos": 3_600}
"""Seconds in one unit of the column."""
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "pulse": ("pulse", "hr", "heart_rate"),
    "resp_rate": ("resp_rate", "resp", "rr", "respiratory_rate"),
    "sbp": ("sbp", "systolic", "sys"),
    "dbp": ("dbp", "diastolic", "dia"),
    "map": ("map", "mbp", "mean"),
    "spo2": ("spo2", "o2sat", "sao2"),
    "temperature": ("temperature", "temp"),
}
_MISSING: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
_DELIMITERS: Final = ("|", "\t", ";", ",")


class _Columns(NamedTuple):
    """Where things stand in a row."""

    patient: int
    time: int
    unit: float | None
    """Seconds in one unit of the time; None: it is a date."""
    signs: Sequence[int | None]
    """In the order of SIGNS."""


def hourly(path: Path) -> Floats:
    """The file's vital signs hour by hour. RecordingError names what cannot be used."""
    reads = _from_parquet if path.suffix.lower() == parquet.SUFFIX else _from_csv
    try:
        return reads(path).signs(path)
    except OSError as exc:
        raise RecordingError(f"{path} cannot be read: {exc.strerror or exc}") from exc


def _from_csv(path: Path) -> Hours:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _lines(path, file)
    except (UnicodeDecodeError, csv.Error) as exc:
        raise RecordingError(f"{path} cannot be read as CSV: {exc}") from exc


def _lines(path: Path, file: TextIO) -> Hours:
    header = file.readline()
    delimiter = next((each for each in _DELIMITERS if each in header), ",")
    names = next(csv.reader([header], delimiter=delimiter), [])
    columns = _found(path, names)
    hour = _hour if columns.unit is None else _hour_of(columns.unit)
    hours = Hours()
    for number, fields in enumerate(csv.reader(file, delimiter=delimiter), start=2):
        if not fields:
            continue
        if len(fields) != len(names):
            raise RecordingError(f"{path}:{number}: has {len(fields)} fields, the header {len(names)}")
        try:
            row = hours.row(fields[columns.patient], hour(fields[columns.time]))
            if None in row:
                _complete(row, fields, columns.signs)
        except (ValueError, OverflowError) as exc:
            raise RecordingError(f"{path}:{number}: {exc}") from exc
    return hours


def _complete(row: list[float | None], fields: Sequence[str], places: Sequence[int | None]) -> None:
    for sign, place in enumerate(places):
        if place is not None and row[sign] is None and fields[place].strip().lower() not in _MISSING:
            row[sign] = float(fields[place])


def _hour(text: str) -> int:
    """Of a date and time, or of seconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return int(float(text) // HOUR)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() // HOUR)


def _hour_of(unit: float) -> Callable[[str], int]:
    return lambda text: int(float(text) * unit // HOUR)


def _from_parquet(path: Path) -> Hours:
    hours = Hours()
    with closing(parquet.Table(path)) as table:
        columns = _found(path, table.names)
        places = [columns.patient, columns.time, *(each for each in columns.signs if each is not None)]
        try:
            for batch in table.batches(places):
                _batch(hours, batch, columns)
        except (ValueError, TypeError, NotImplementedError) as exc:  # pyarrow's own are of these kinds
            raise RecordingError(f"{path} has columns that cannot be used: {exc}") from exc
    return hours


def _batch(hours: Hours, batch: parquet.Batch, columns: _Columns) -> None:
    """The first value of each sign in each hour, found for all rows at once."""
    patients, names = batch.texts(columns.patient)
    seconds = batch.seconds(columns.time, columns.unit or 1.0)
    if (patients < 0).any() or not np.isfinite(seconds).all():
        raise ValueError("a row has no patient, or no time")
    spans = (seconds // HOUR).astype(np.int64)
    for sign, place in enumerate(columns.signs):
        if place is None:
            continue
        values = batch.numbers(place)
        there = np.flatnonzero(~np.isnan(values))
        _, first = np.unique(np.stack([patients[there], spans[there]]), axis=1, return_index=True)
        for at in there[first].tolist():
            row = hours.row(names[patients[at]], int(spans[at]))
            if row[sign] is None:
                row[sign] = float(values[at])


def _found(path: Path, header: Sequence[str]) -> _Columns:
    names = [each.strip().lower() for each in header]
    signs = [_place(path, names, _NAMES[COLUMNS[sign]]) for sign in SIGNS]
    patient = _place(path, names, _PATIENT)
    time = _place(path, names, (*_DATES, *_CLOCKS))
    if patient is None or time is None or all(each is None for each in signs):
        lacks = "patient" if patient is None else "time" if time is None else "vital sign"
        usual = ", ".join(("patient_uuid", "timestamp", *_NAMES))
        raise RecordingError(f"{path}: the header names no {lacks}: columns are {usual}, or some of these")
    return _Columns(patient, time, _CLOCKS.get(names[time]), signs)


def _place(path: Path, names: Sequence[str], known: Sequence[str]) -> int | None:
    found = [each for each in names if each in known]
    if len(found) > 1:
        raise RecordingError(f"{path}: the columns {' and '.join(found)} mean the same: rename or remove one")
    return names.index(found[0]) if found else None
