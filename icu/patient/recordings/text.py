"""CSV and pipe-separated files.

A column is known by its usual names, whatever their case: HR, O2Sat, Temp, SBP, DBP, MAP, Resp and their like. Time
is a column too (a date and time, or seconds, minutes, hours since some beginning), or else a fixed step between rows.
A missing value (empty, NaN, NA, null, -) stays missing; other columns are left alone. A 0 is a value: whoever wrote the
table has had the choice.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from icu.bounds import TICK
from icu.errors import RecordingError
from icu.patient.recordings.recording import DECIMALS, LONGEST, RANGES, YEARS, Recording, Row
from icu.vitals.signs import VitalSigns, format_blood_pressure, parse_blood_pressure, plain

SUFFIXES: Final = (".csv", ".psv", ".tsv")

_MISSING: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
_DELIMITERS: Final = ("|", "\t", ";", ",")

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "pulse": ("pulse", "hr", "heart_rate", "heartrate", "heart rate"),
    "resp_rate": ("resp_rate", "resp", "rr", "respiration", "resp rate", "respiratory rate", "respiratory_rate"),
    "systolic": ("systolic", "sbp", "sys", "abpsys", "nbpsys", "systolic bp"),
    "diastolic": ("diastolic", "dbp", "dia", "abpdias", "nbpdias", "diastolic bp"),
    "bp": ("bp", "blood_pressure", "blood pressure"),
    "spo2": ("spo2", "o2sat", "sao2", "o2 sat", "saturation"),
    "temperature": ("temperature", "temp", "body_temperature"),
    "mean": ("map", "mbp", "mean", "abpmean", "nbpmean", "mean bp"),
}
# Seconds in one unit of the column.
_CLOCKS: Final[Mapping[str, float]] = {
    "seconds": 1,
    "elapsed": 1,
    "elapsed_seconds": 1,
    "t": 1,
    "minutes": 60,
    "hours": 3_600,
    "iculos": 3_600,
}
_DATES: Final = ("timestamp", "time", "datetime", "date_time", "charttime")


class _Line(NamedTuple):
    """A line of the file as fields, and how to tell where it stands."""

    path: Path
    number: int
    fields: Mapping[str, str]

    def wrong(self, why: str) -> RecordingError:
        return RecordingError(f"{self.path}:{self.number}: {why}")

    def mistake(self, column: str, why: str) -> RecordingError:
        return self.wrong(f"column {column}: {why}")


_Clock: TypeAlias = Callable[[int, _Line], float]
"""The seconds at which a line, counted from 0, was measured."""


def read(path: Path, *, step: float) -> Recording:
    """Read a file; `step` is the seconds between two rows where it has no time column.

    RecordingError names file, line and column of what cannot be used.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _recording(path, file, step)
    except (UnicodeDecodeError, csv.Error) as exc:
        raise RecordingError(f"{path} cannot be read as a recording: {exc}") from exc


def _recording(path: Path, file: Iterable[str], step: float) -> Recording:
    rows: list[Row] = []
    last = -1.0
    position = -1
    begin: float | None = None
    lines, columns, clock = _opened(path, file, step)
    for position, line in enumerate(lines):
        seconds = clock(position, line)
        begin = seconds if begin is None else begin
        elapsed = seconds - begin
        _check_time(elapsed, last, line)
        last = elapsed
        signs = _signs(columns, line)
        if any(each is not None for each in signs):
            rows.append(Row(elapsed, signs))
    if not rows:
        raise RecordingError(f"{path} holds no row with a vital sign")
    return Recording(rows, last, position + 1 - len(rows))


def _check_time(elapsed: float, last: float, line: _Line) -> None:
    """Refuse what could not be kept as a reading of its own: seconds since the first row, of this row and the last."""
    if not elapsed <= LONGEST:  # the difference of two infinite times is no number at all
        raise line.wrong(f"its time does not lie within {YEARS} years of the first row's")
    if elapsed <= last:
        raise line.wrong("its time is not later than that of the row before it")
    if timedelta(seconds=elapsed) - timedelta(seconds=last) < TICK:
        raise line.wrong("its time is less than a millisecond after that of the row before it")


def _opened(path: Path, file: Iterable[str], step: float) -> tuple[Iterator[_Line], Mapping[str, str], _Clock]:
    lines = iter(file)
    header = next(lines, "")
    delimiter = next((each for each in _DELIMITERS if each in header), ",")
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    columns = {sign: _only(path, names, known) for sign, known in _NAMES.items() if set(known) & set(names)}
    halves = [columns[half] for half in ("systolic", "diastolic") if half in columns]
    if "bp" in columns and halves:
        raise _doubled(path, [columns["bp"], *halves])
    if not columns:
        usual = ", ".join(known[0] for known in _NAMES.values())
        raise RecordingError(f"{path}:1: none of its columns is a vital sign: the header names some of {usual}")
    reader = csv.reader(lines, delimiter=delimiter)
    return _fields(path, names, reader), columns, _clock_of(names, step)


def _only(path: Path, names: Sequence[str], known: Sequence[str]) -> str:
    found = [name for name in names if name in known]
    if len(found) > 1:
        raise _doubled(path, found)
    return found[0]


def _doubled(path: Path, names: Sequence[str]) -> RecordingError:
    return RecordingError(f"{path}:1: the columns {' and '.join(names)} mean the same: rename or remove one")


def _fields(path: Path, names: Sequence[str], reader: Iterable[list[str]]) -> Iterator[_Line]:
    for number, values in enumerate(reader, start=2):
        if not values:
            continue
        if len(values) != len(names):
            raise RecordingError(f"{path}:{number}: has {len(values)} fields, the header {len(names)}")
        yield _Line(path, number, dict(zip(names, values, strict=True)))


def _clock_of(names: Sequence[str], step: float) -> _Clock:
    for name in names:
        if name in _DATES:
            return lambda _, line: _moment(name, line)
        if name in _CLOCKS:
            return lambda _, line: _number(name, line) * _CLOCKS[name]
    return lambda position, _: position * step


def _moment(column: str, line: _Line) -> float:
    """Seconds of a date and time; a bare number counts seconds."""
    text = line.fields[column].strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _number(column, line)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _signs(columns: Mapping[str, str], line: _Line) -> VitalSigns:
    values = {sign: _value(sign, column, line) for sign, column in columns.items() if sign in RANGES}
    if "bp" in columns and not _is_missing(line.fields[columns["bp"]]):
        values["systolic"], values["diastolic"] = _pressure(columns["bp"], line)
    signs = VitalSigns(**values)
    try:
        # What the topic would refuse is told here, with the line.
        parse_blood_pressure(format_blood_pressure(signs.systolic, signs.diastolic) or "-/-")
    except ValueError as exc:
        raise line.mistake(columns.get("systolic", "bp"), str(exc)) from exc
    return signs


def _pressure(column: str, line: _Line) -> tuple[float | None, float | None]:
    try:
        return parse_blood_pressure(line.fields[column].strip())
    except ValueError as exc:
        raise line.mistake(column, str(exc)) from exc


def _value(sign: str, column: str, line: _Line) -> float | None:
    if _is_missing(line.fields[column]):
        return None
    value = _number(column, line)
    possible = RANGES[sign]
    if value not in possible:
        raise line.mistake(
            column, f"{value:g} is outside {possible.low:g} to {possible.high:g}: write NaN where nothing was measured"
        )
    return plain(round(value, DECIMALS))


def _number(column: str, line: _Line) -> float:
    text = line.fields[column].strip()
    try:
        value = float(text)
    except ValueError as exc:
        raise line.mistake(column, f"{text[:40]!r} is no number") from exc
    if value - value != 0:  # infinite, or none at all
        raise line.mistake(column, f"{text[:40]!r} is no number")
    return value


def _is_missing(text: str) -> bool:
    return text.strip().lower() in _MISSING
