"""Series as monitors stored them: each of one sign, at times of its own. Here they become rows.

Such a series is no edited table. A sign may have several sources, a 0 stands where the probe was off, and flushing or
zeroing a line leaves pressures that no patient has. Nothing is invented for a missing value, and nothing averaged: a
row holds the first value measured in its second and, for a sign without one, the reason of its preferred source.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Final, NamedTuple

from icu.patient.errors import RecordingError
from icu.patient.recordings.monitors.names import Name
from icu.patient.recordings.monitors.seconds import LEAD_OFF, Column, Second, Series, table_of
from icu.patient.recordings.recording import DECIMALS, Recording, Row
from icu.vitals.catalogue import BY_NAME, HALVES, VitalSigns
from icu.vitals.limits import IMPLAUSIBLE
from icu.vitals.signs import plain

# Seconds between two rows, at least: more than the store's resolution, with a margin for binary fractions.
_APART: Final = 0.002

_HALVES: Final = frozenset(each.name for each in HALVES)

_FOREIGN: Final = frozenset({"kpa", "f", "degf", "fahrenheit"})


class Source(NamedTuple):
    """Series of the signs of one source in a recording."""

    signs: Mapping[str, Series]
    electrodes: bool = False
    cuff: bool = False


def normalised_name(name: str) -> str:
    """Normalise a name, removing the differences between monitors: `ABP Sys` and `ABPSys`, `%SpO2` and `SpO2`."""
    return "".join(filter(str.isalnum, name.lower()))


def listed(names: Iterable[str]) -> str:
    """List the first names of a file, shortened and printable, for messages."""
    shown = ["".join(filter(str.isprintable, name))[:40] for name in islice(names, 21)]
    return ", ".join([*shown[:20], "..."] if len(shown) > 20 else shown) or "none"


def check_unit(path: Path, name: str, unit: str) -> None:
    """Check the unit of a sign.

    Raises:
        RecordingError: It is not ours.
    """
    if normalised_name(unit) in _FOREIGN:
        raise RecordingError(
            f"{path}: {listed([name])} is in {unit}: a recording has pressures in mmHg and temperatures in C"
        )


def recording_of(path: Path, sources: Sequence[Source]) -> Recording:
    """Combine sources into a recording, the preferred ones first.

    A second without any value makes a row too where a source gives a reason: an alarm must tell a probe that is off
    from a monitor that is off.

    Raises:
        RecordingError: Nothing was measured.
    """
    table = table_of(path, [Column(sign, each.signs[sign], each.cuff) for each in sources for sign in each.signs])
    places = _places(sources)
    impossible = table.impossible
    rows: list[Row] = []
    last = -_APART
    for second in table.seconds():
        last = max(second.begin, last + _APART)
        signs, quality, wrong = _combined(second, sources, places)
        impossible += wrong
        if signs or quality:
            rows.append(Row(last, VitalSigns(**signs), quality))
    if not any(value is not None for row in rows for value in row.signs):
        raise RecordingError(f"{path} holds no vital sign that was measured")
    return Recording(rows, last, len(table.begins) - len(rows), impossible)


def _places(sources: Sequence[Source]) -> Sequence[Mapping[str, int]]:
    """Number the columns of the table, by source and sign."""
    columns = count()
    return [{sign: next(columns) for sign in source.signs} for source in sources]


def _combined(
    second: Second, sources: Sequence[Source], places: Sequence[Mapping[str, int]]
) -> tuple[Mapping[str, float], Mapping[str, str], int]:
    """Combine the sources of one second.

    Returns:
        Signs from the best source of each that has some, reasons of absent signs, and number of impossible values.
    """
    signs: dict[str, float] = {}
    quality: dict[str, str] = {}
    wrong = 0
    beats = False
    for source, columns in zip(sources, places, strict=True):
        found, why = _of_source(second, columns)
        if found.get("systolic", math.inf) < found.get("diastolic", -math.inf):
            wrong += len(found)
            found, why = {}, {"systolic": IMPLAUSIBLE}
        if (found or why) and not signs.keys() & columns.keys():
            beats |= source.electrodes and "pulse" in found
            if found.get("resp_rate") == 0 and not (source.electrodes and beats):
                # Apnoea only while the electrodes that count breaths count heart beats too.
                found, why = {}, {"resp_rate": LEAD_OFF}
            signs |= found
            _explain(quality, found, why)
    return signs, quality, wrong


def _of_source(second: Second, columns: Mapping[str, int]) -> tuple[dict[str, float], dict[str, str]]:
    """Return the values of a source, and the reasons of absent ones."""
    found: dict[str, float] = {}
    why: dict[str, str] = {}
    for sign, column in columns.items():
        reason = second.reasons[column]
        if reason is not None:
            why[sign] = reason
        elif not math.isnan(value := second.values[column]):
            found[sign] = plain(round(value, DECIMALS))
    return found, why


def _explain(quality: dict[str, str], found: Iterable[str], why: Mapping[str, str]) -> None:
    """Add the reasons of a source's absent signs. Signs that it measured lose the reasons of earlier sources."""
    for sign in found:
        quality.pop(BY_NAME[sign].field, None)
    pressure = not _HALVES.isdisjoint(why)
    for sign, reason in why.items():
        quality.setdefault("bp" if sign == "map" and pressure else BY_NAME[sign].field, reason)


def chosen(names: Iterable[Name], series: Mapping[str, Series]) -> Iterator[Source]:
    """Return the known sources that a recording has, in the order of preference."""
    for name in names:
        signs = {sign: series[known] for sign, known in name.signs.items() if known in series}
        if signs:
            yield Source(signs, name.electrodes, name.cuff)
