"""Series of single values as a table: a row for each second with any stored value, a column for each series.

A second begins half of one before the whole one, so that a monitor whose seconds are a little short or long does not
lose every other value. In each second the first measured value counts, or else the first reason why there is none.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from icu.patient.body.signs import Floats
from icu.patient.errors import RecordingError
from icu.patient.recordings.recording import DECIMALS, LONGEST, YEARS
from icu.vitals.catalogue import BY_NAME
from icu.vitals.limits import IMPLAUSIBLE

Numbers: TypeAlias = NDArray[np.int64]
Reasons: TypeAlias = NDArray[np.int8]

# Seconds since any beginning, and values; NaN for none.
Series: TypeAlias = Sequence[tuple[float, float]] | Floats

# Seconds of one recording: three weeks with a value a second.
MOST_SECONDS: Final = 2_000_000
_MOST_CELLS: Final = 30_000_000
# Rows handed out at once.
_PIECE: Final = 10_000

LEAD_OFF: Final = "lead-off"

_REASONS: Final = (None, None, IMPLAUSIBLE, "probe-off", LEAD_OFF)
_SILENT, _IMPLAUSIBLE, _PROBE_OFF, _LEAD_OFF = range(1, len(_REASONS))
# Signs whose stored 0 means that a lead is off. With the others a probe is: a line shows 0 while its transducer is open
# to air, and not to the patient.
_BY_ELECTRODES: Final = frozenset({"pulse", "resp_rate"})


class Column(NamedTuple):
    """One series."""

    sign: str
    series: Series
    # True where a 0 says no more than NaN.
    silent: bool = False


class Second(NamedTuple):
    """Values of one second, by column."""

    # Seconds since the first of all values.
    begin: float
    # NaN where none was measured.
    values: Sequence[float]
    # Reasons of absent values; None where there is a value, or no reason is known.
    reasons: Sequence[str | None]


class Table(NamedTuple):
    """All seconds of a recording."""

    begins: Floats
    values: Floats
    # Places in _REASONS.
    reasons: Reasons
    # Values that cannot have been measured.
    impossible: int = 0

    def seconds(self) -> Iterator[Second]:
        """Return the rows."""
        for at in range(0, len(self.begins), _PIECE):
            piece = slice(at, at + _PIECE)
            rows = zip(self.begins[piece].tolist(), self.values[piece].tolist(), self.reasons[piece], strict=True)
            for begin, values, reasons in rows:
                yield Second(begin, values, [_REASONS[each] for each in reasons.tolist()])


def table_of(path: Path, columns: Sequence[Column]) -> Table:
    """Build the table.

    Raises:
        RecordingError: There are no values, too many, or their times are too far apart.
    """
    ordered = [_ordered(each.series) for each in columns]
    first = _first(path, [moments for moments, _ in ordered])
    places = [np.floor(moments - first + 0.5).astype(np.int64) for moments, _ in ordered]
    seconds = _seconds(path, places)
    table = Table(
        begins=np.full(len(seconds), np.inf),
        values=np.full((len(seconds), len(columns)), np.nan),
        reasons=np.zeros((len(seconds), len(columns)), dtype=np.int8),
    )
    for number, (column, (moments, stored)) in enumerate(zip(columns, ordered, strict=True)):
        rows = np.searchsorted(seconds, places[number])
        np.minimum.at(table.begins, rows, moments - first)
        impossible = _fill(column, rows, stored, table.values[:, number], table.reasons[:, number])
        table = table._replace(impossible=table.impossible + impossible)
    return table


def _ordered(series: Series) -> tuple[Floats, Floats]:
    """Return times and values, in order of time."""
    both = np.asarray(series, dtype=float).reshape(-1, 2)
    return tuple(both[np.argsort(both[:, 0], kind="stable")].T)


def _fill(column: Column, rows: Numbers, stored: Floats, values: Floats, reasons: Reasons) -> int:
    """Fill a column of the table; returns the number of impossible values."""
    why = _why(column, stored)
    _put_first(reasons, rows, why, why > 0)
    _put_first(values, rows, stored, (why == 0) & ~np.isnan(stored))
    reasons[~np.isnan(values)] = 0
    return int(np.count_nonzero(why == _IMPLAUSIBLE))


def _put_first(column: Any, rows: Numbers, found: Any, wanted: NDArray[np.bool_]) -> None:  # noqa: ANN401 - an array
    """Put the first wanted value of each row into a column."""
    there, at = np.unique(rows[wanted], return_index=True)
    column[there] = found[wanted][at]


def _first(path: Path, moments: Sequence[Floats]) -> float:
    """Return the time of the first value.

    Raises:
        RecordingError: There is none, or the last is too far from it.
    """
    some = [each for each in moments if each.size]
    if not some:
        raise RecordingError(f"{path} holds no vital sign that was measured")
    first, last = min(float(each.min()) for each in some), max(float(each.max()) for each in some)
    if not last - first <= LONGEST:  # NaN, where a time is none
        raise RecordingError(f"{path}: its times do not lie within {YEARS} years of each other")
    return first


def _seconds(path: Path, places: Sequence[Numbers]) -> Numbers:
    """Return the numbers of the seconds with any value.

    Raises:
        RecordingError: There are too many.
    """
    found = np.unique(np.concatenate([np.unique(each) for each in places]))
    if len(found) > MOST_SECONDS or len(found) * len(places) > _MOST_CELLS:
        why = f"{len(found)} seconds with values of {len(places)} series are too many to replay"
        raise RecordingError(f"{path}: {why}: cut it into parts (at most {MOST_SECONDS} seconds)")
    return found


def _why(column: Column, stored: Floats) -> Reasons:
    """Find the reason why each value does not count, as a place in _REASONS; 0 where it counts, and where there is
    none."""
    sign = BY_NAME[column.sign]
    low, high = max(sign.limits.low, sign.least), sign.limits.high  # but for 0: see below
    value = np.round(stored, DECIMALS)  # before it is compared with 0: a scaled 0 is not always quite one
    wrong = ~np.isnan(value) & ~((low <= value) & (value <= high))
    why = np.where(wrong, _IMPLAUSIBLE, 0).astype(np.int8)
    if column.sign != "resp_rate":  # no breaths may be apnoea
        off = _LEAD_OFF if column.sign in _BY_ELECTRODES else _PROBE_OFF
        why[value == 0] = _SILENT if column.silent else off
    return why
