"""Cells of a row as signs: numbers in our units, from the best source of each sign, without what cannot be."""

from collections.abc import Mapping, Sequence

from icu.patient.recordings.tables.cells import is_missing, number
from icu.patient.recordings.tables.columns import Column
from icu.patient.recordings.tables.plausible import plausible
from icu.patient.recordings.tables.table import Line


def values_of(column: Column, line: Line) -> Mapping[str, float]:
    """The numbers of a cell as they are written, by sign; none where it is missing. RecordingError where it holds
    something else, with line and column."""
    text = line.cells[column.place]
    if is_missing(text):
        return {}
    try:
        return _pressure(text) if column.sign == "bp" else {column.sign: number(text)}
    except ValueError as exc:
        raise line.mistake(column.header, str(exc)) from exc


def measured(sources: Sequence[Sequence[Column]], line: Line) -> tuple[dict[str, float], dict[str, str], int]:
    """The signs of a row; by name of quality why others are absent; and how many values cannot have been measured."""
    values: dict[str, float] = {}
    for source in sources:
        found = {
            sign: value * column.conversion.factor + column.conversion.offset
            for column in source
            for sign, value in values_of(column, line).items()
        }
        # A pressure belongs together: its parts are never taken from two sources.
        if not values.keys() & found.keys():
            values |= found
    kept, quality = plausible(values)
    return kept, quality, len(values) - len(kept)


def _pressure(text: str) -> Mapping[str, float]:
    """`120/80`, or a dash for a half that was not measured."""
    halves = [each.strip() for each in text.split("/")]
    if len(halves) != 2:
        raise ValueError(
            f"blood pressure is written systolic/diastolic, for instance 120/80 or 119/-, not {text[:40]!r}"
        )
    return {
        sign: number(half) for sign, half in zip(("systolic", "diastolic"), halves, strict=True) if not is_missing(half)
    }
