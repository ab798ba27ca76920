"""Columns that are waveforms, recognised by the rate of their values, although they may have the name of a sign."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import islice
from typing import Final

from icu.patient.errors import RecordingError
from icu.patient.recordings.tables.cells import is_missing
from icu.patient.recordings.tables.clocks import Seconds
from icu.patient.recordings.tables.columns import Column, without
from icu.patient.recordings.tables.table import Table

# Values a second, as in WFDB. Faster columns are waveforms: RESP of the chest's impedance, for instance.
FASTEST: Final = 10.0
# Rows in which they are searched.
_SAMPLE: Final = 10_000
# Values that a rate needs.
_FEWEST: Final = 3


def without_waveforms(
    table: Table,
    sources: Sequence[Sequence[Column]],
    seconds: Seconds | None,
    patient: Sequence[int],
    *,
    step: float | None,
) -> tuple[Sequence[Sequence[Column]], Sequence[str]]:
    """Remove waveforms from the sources.

    Returns:
        The other sources, and notes for people.

    Raises:
        RecordingError: All of them are waveforms.
    """
    places = [column.place for source in sources for column in source]
    if seconds is None:
        rates: Mapping[int, float] = dict.fromkeys(places, 1 / step if step else 0.0)
    else:
        rates = _rates(table, places, seconds, patient)
    waveforms = [place for place in places if rates.get(place, 0) > FASTEST]
    if not waveforms:
        return sources, []
    headers = ", ".join(table.header[place] for place in waveforms)
    rate = max(rates[place] for place in waveforms)
    kept = without(sources, lambda column: column.place in waveforms)
    if not kept:
        why = f"{rate:.4g} rows a second are a waveform, and no vital sign"
        raise RecordingError(f"{table.where}: column {headers}: {why}")
    return kept, [f"waveforms of up to {rate:.4g} values a second are not taken: {headers}"]


def _rates(table: Table, places: Sequence[int], seconds: Seconds, patient: Sequence[int]) -> Mapping[int, float]:
    """Measure the values a second of each column, for the patient with most."""
    seen: dict[tuple[Hashable, int], tuple[int, float, float]] = {}
    for line in islice(table.rows(), _SAMPLE):
        moment = seconds(line)
        whose = tuple(line.cells[place] for place in patient)
        for place in places:
            if not is_missing(line.cells[place]):
                count, first, _ = seen.get((whose, place), (0, moment, moment))
                seen[whose, place] = (count + 1, first, moment)
    rates: dict[int, float] = {}
    for (_, place), (count, first, last) in seen.items():
        if count >= _FEWEST and last > first:
            rates[place] = max(rates.get(place, 0.0), (count - 1) / (last - first))
    return rates
