"""Signs of a row: numbers in our units, from the best source of each sign, without impossible values."""

from collections.abc import Mapping, Sequence

from icu.patient.recordings.tables.cells import is_missing, number
from icu.patient.recordings.tables.columns import Column
from icu.patient.recordings.tables.plausible import plausible
from icu.patient.recordings.tables.table import Line


def values_of(column: Column, line: Line) -> Mapping[str, float]:
    """Parse a cell, without conversion.

    Returns:
        Numbers by sign; empty where the cell is missing.

    Raises:
        RecordingError: It holds something else; the message names line and column.
    """
    text = line.cells[column.place]
    if is_missing(text):
        return {}
    try:
        return _pressure(text) if column.sign == "bp" else {column.sign: number(text)}
    except ValueError as exc:
        raise line.mistake(column.header, str(exc)) from exc


def measured(sources: Sequence[Sequence[Column]], line: Line) -> tuple[dict[str, float], dict[str, str], int]:
    """Return the signs of a row, the reasons of absent ones by name of quality, and the number of impossible values."""
    values: dict[str, float] = {}
    for source in sources:
        found = {
            sign: value * column.conversion.factor + column.conversion.offset
            for column in source
            for sign, value in values_of(column, line).items()
        }
        # The parts of a pressure belong to one measurement: they are never taken from two sources.
        if not values.keys() & found.keys():
            values |= found
    kept, quality = plausible(values)
    return kept, quality, len(values) - len(kept)


def _pressure(text: str) -> Mapping[str, float]:
    """Parse `120/80`, with a dash for a half that was not measured."""
    halves = [each.strip() for each in text.split("/")]
    if len(halves) != 2:
        raise ValueError(
            f"blood pressure is written systolic/diastolic, for instance 120/80 or 119/-, not {text[:40]!r}"
        )
    return {
        sign: number(half) for sign, half in zip(("systolic", "diastolic"), halves, strict=True) if not is_missing(half)
    }
