"""Meaning of the columns of a table: patient, time, and signs in the order of their sources."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, Protocol, TypeVar

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables.cells import is_missing, number
from icu.patient.recordings.tables.table import Line
from icu.vitals import headers, names
from icu.vitals.headers import Conversion, UnknownUnitError, normalised_name

_PRESSURES: Final = {"systolic", "diastolic", "bp"}
# Ranges of body temperature, Cel and Fahrenheit: a column `T` of temperatures has most values within one of them.
_BODY: Final = ((25.0, 45.0), (80.0, 115.0))

_Found = TypeVar("_Found")


class Column(NamedTuple):
    """A column with a sign."""

    place: int
    header: str
    # A field of VitalSigns, or `bp` for both halves in one cell.
    sign: str
    # The known name that it matched.
    name: str
    conversion: Conversion


class Layout(NamedTuple):
    """Columns by meaning, as places in a row, counted from 0."""

    # Columns that name the patient together; empty where none does.
    patient: Sequence[int]
    time: int | None
    # Seconds in one unit of the time, where the header says so.
    unit: float | None
    # A column of days beside the one of times.
    date: int | None
    # Sources of the signs, the preferred one of a sign first.
    sources: Sequence[Sequence[Column]]
    # Columns that are not used.
    left: Sequence[int]


def knows(header: Sequence[str]) -> int:
    """Count the known names in a header; 0 where none is a sign, or names the sign of a row."""
    keys = {normalised_name(each) for each in header}
    signs = sum(_is_sign(each) for each in header)
    return signs + len(keys & {*names.PEOPLE, *names.STAYS, *names.LONG}) if signs or _is_long(keys) else 0


class Head(Protocol):
    """Header of a table, and its rows where the header alone does not decide."""

    @property
    def where(self) -> str:
        """File and line, for messages."""
        ...

    @property
    def header(self) -> Sequence[str]:
        """Names of the columns."""
        ...

    def rows(self) -> Iterable[Line]:
        """Return all rows."""
        ...


def layout_of(table: Head) -> Layout:
    """Find the layout of a table.

    Raises:
        RecordingError: Two columns mean the same, a unit is unknown, or no column is a sign.
    """
    t = _meaning_of_t(table)
    times = {place: each for place, each in _each(table, headers.time_of).items() if _is(table, place, t, "time")}
    signs = {
        place: each for place, each in _each(table, headers.sign_of).items() if _is(table, place, t, "temperature")
    }
    columns = [Column(place, table.header[place], *found) for place, found in signs.items() if place not in times]
    sources = _sources(table, [each for each in columns if each.name != "mean" or _is_pressure(table, columns)])
    if not sources:
        raise RecordingError(f"{table.where}: {_no_sign(table)}")
    time = min(times, key=lambda place: headers.rank_of_time(times[place][0]), default=None)
    date = next((place for place, each in enumerate(table.header) if normalised_name(each) in names.DATES), None)
    if time is None:
        time, date = date, None
    patient = _patient(table.header)
    used = {time, date, *patient, *(column.place for source in sources for column in source)}
    left = [place for place in range(len(table.header)) if place not in used]
    unit = times[time][1] if time in times else None
    return Layout(patient, time, unit, date, sources, left)


def without(sources: Sequence[Sequence[Column]], leaves: Callable[[Column], bool]) -> Sequence[Sequence[Column]]:
    """Remove columns from the sources, and sources that are empty then.

    Args:
        sources: Columns by source.
        leaves: True for a column to remove.
    """
    kept = [[column for column in source if not leaves(column)] for source in sources]
    return [source for source in kept if source]


def _is_sign(header: str) -> bool:
    try:
        return headers.sign_of(header) is not None
    except UnknownUnitError:
        return True


def _each(table: Head, meaning: Callable[[str], _Found | None]) -> Mapping[int, _Found]:
    """Find the columns with this kind of meaning."""
    found = {}
    for place, header in enumerate(table.header):
        try:
            if (each := meaning(header)) is not None:
                found[place] = each
        except UnknownUnitError as exc:
            raise RecordingError(f"{table.where}: column {header}: {exc}") from exc
    return found


def _is(table: Head, place: int, meaning_of_t: str, meaning: str) -> bool:
    """Tell if a column has a meaning that its name allows; for `t` the decision is made already."""
    return normalised_name(table.header[place]) != "t" or meaning_of_t == meaning


def _meaning_of_t(table: Head) -> str:
    """Decide the meaning of a column `t` by the columns beside it: time, temperature, or neither."""
    places = [place for place, header in enumerate(table.header) if normalised_name(header) == "t"]
    if len(places) != 1:
        return ""
    [place] = places
    others = [header for header in table.header if normalised_name(header) != "t"]
    has_time = any(headers.time_of(each) or normalised_name(each) in names.DATES for each in others)
    has_temperature = any((found := headers.sign_of(each)) and found[0] == "temperature" for each in others if each)
    if has_time or has_temperature:
        return "" if has_time and has_temperature else "temperature" if has_time else "time"
    return _meaning_of_values(table, place)


def _meaning_of_values(table: Head, place: int) -> str:
    """Decide the meaning of a column `t` by its values.

    Raises:
        RecordingError: They allow both.
    """
    header = table.header[place]
    try:
        values = [number(cell) for line in table.rows() if not is_missing(cell := line.cells[place])]
    except ValueError:
        return "time"  # dates; a value that is no date is refused later, with its line
    bodies = sum(any(low <= value <= high for low, high in _BODY) for value in values)
    rises = all(before < after for before, after in pairwise(values))
    if bodies > len(values) / 2 and not (rises and all(value == value // 1 for value in values[1:]) and values[1:]):
        return "temperature"
    if header.islower() and rises and bodies <= len(values) / 2:
        return "time"
    raise RecordingError(f"{table.where}: column {header}: may count seconds or be a temperature: rename it")


def _is_pressure(table: Head, columns: Sequence[Column]) -> bool:
    """Tell if a column `mean` is a pressure: beside pressures, and not beside other statistics of a window."""
    window = {normalised_name(header) for header in table.header} & {*names.SPREADS}
    return not window and any(column.sign in _PRESSURES for column in columns)


def _sources(table: Head, columns: Sequence[Column]) -> Sequence[Sequence[Column]]:
    found = []
    signs: set[str] = set()
    for source in names.SOURCES:
        known = {name for each in source.names.values() for name in names.words(each)}
        own = [column for column in columns if column.name in known]
        if source.alone and signs & {column.sign for column in own}:
            continue
        _check_doubled(table, own)
        signs |= {column.sign for column in own}
        if own:
            found.append(own)
    # A mean pressure of no source in particular would keep the others' halves out.
    return sorted(found, key=lambda source: [column.name for column in source] in (["map"], ["mbp"], ["mean"]))


def _check_doubled(table: Head, source: Sequence[Column]) -> None:
    for column in source:
        same = [each.header for each in source if each.sign == column.sign]
        if column.sign == "bp":
            same += [each.header for each in source if each.sign in {"systolic", "diastolic"}]
        if len(same) > 1:
            why = f"the columns {' and '.join(same)} mean the same: rename or remove one"
            raise RecordingError(f"{table.where}: {why}")


def _patient(header: Sequence[str]) -> Sequence[int]:
    """Find the columns of the patient: stay and person, or the bed where there is neither."""
    keys = [normalised_name(each) for each in header]
    named = [place for place, key in enumerate(keys) if key in names.PEOPLE or key in names.STAYS]
    return named or [place for place, key in enumerate(keys) if key in names.BEDS]


def _is_long(keys: set[str]) -> bool:
    return not keys.isdisjoint(names.LONG) and any("value" in key or key == "val" for key in keys)


def _no_sign(table: Head) -> str:
    seen = ", ".join(each[:40] for each in table.header[:40])
    if _is_long({normalised_name(each) for each in table.header}):
        return f"has a row for each value ({seen}): make it a table with a column for each sign, a row for each time"
    return f"none of its columns is a vital sign: they are {seen}"
