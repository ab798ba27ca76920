"""Units that a header does not say, inferred from all values of a column: converted, reported, or refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables.columns import Column, without
from icu.vitals.headers import Conversion

_INTERVALS: Final = "its values are intervals between heart beats"


@dataclass(slots=True)
class Extent:
    """Summary of a column's values."""

    low: float = float("inf")
    high: float = float("-inf")
    count: int = 0
    whole: bool = True
    # Values that would be body temperatures in Fahrenheit, and impossible in Celsius.
    fahrenheit: int = 0
    # Cells that were looked at already: a column has few different ones.
    seen: set[str] = field(default_factory=set)

    def add(self, value: float) -> None:
        """Add a value."""
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.count += 1
        self.whole = self.whole and value == value // 1
        self.fahrenheit += 80 <= value <= 115

    def add_all(self, values: NDArray[np.float64]) -> None:
        """Add many values at once, none of them missing."""
        if values.size:
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
            self.count += values.size
            self.whole = self.whole and bool((values == np.floor(values)).all())
            self.fahrenheit += int(((values >= 80) & (values <= 115)).sum())


def by_values(
    sources: Sequence[Sequence[Column]], extents: Mapping[int, Extent], where: str
) -> tuple[Sequence[Sequence[Column]], list[str]]:
    """Infer the conversions of the columns from their values.

    Returns:
        The sources with their conversions, and notes for people.

    Raises:
        RecordingError: A column is in another unit than ours.
    """
    intervals = [each for source in sources for each in source if _holds_intervals(each, extents[each.place])]
    kept = without(sources, lambda column: column in intervals)
    if not kept:
        raise RecordingError(f"{where}: column {intervals[0].header}: {_INTERVALS}, and no other is a vital sign")
    notes = [f"column {each.header}: {_INTERVALS}: not taken" for each in intervals]
    converted = [[_converted(column, extents[column.place], where) for column in source] for source in kept]
    notes += [
        f"column {column.header} has fractions: times 100"
        for before, after in zip(kept, converted, strict=True)
        for column, new in zip(before, after, strict=True)
        if column != new
    ]
    return converted, notes


def _holds_intervals(column: Column, extent: Extent) -> bool:
    """Recognise R-R intervals, in seconds or milliseconds: their short name is that of the respiratory rate."""
    if column.name != "rr" or column.conversion.stated or not extent.count:
        return False
    return (extent.low > 0 and extent.high < 3 and not extent.whole) or extent.low > 200


def _converted(column: Column, extent: Extent, where: str) -> Column:
    if not extent.count:
        return column
    if column.sign == "spo2" and extent.low >= 0 and 0 < extent.high <= 1 and column.conversion.factor == 1:
        if not column.conversion.stated:
            return column._replace(conversion=Conversion(100.0, 0.0))
        raise RecordingError(f"{where}: column {column.header}: is in %, and no value is above 1: look at the unit")
    if not column.conversion.stated and (why := _another_unit(column.sign, extent)):
        raise RecordingError(f"{where}: column {column.header}: {why}")
    return column


def _another_unit(sign: str, extent: Extent) -> str | None:
    """Explain why a column without a unit is not in ours, as its values show; None where it may be."""
    if sign == "temperature" and extent.fahrenheit > extent.count / 2:
        return "most of its values would be a body's in Fahrenheit: write (F) behind its name, or (C)"
    if sign in {"systolic", "bp"} and extent.low > 0 and extent.high <= 30:
        return "no value is above 30, as in kPa: write (kPa) behind its name, or (mmHg)"
    if sign in {"pulse", "resp_rate"} and extent.low > 0 and extent.high < 3 and not extent.whole:
        return "all values lie between 0 and 3, which is no rate a minute: write (/min) behind its name if it is one"
    return None
