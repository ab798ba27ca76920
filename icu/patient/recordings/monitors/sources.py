"""Series that monitors stored themselves: series of one sign each, at times of their own, become rows.

Such a series is no careful table. A sign may have several sources, a 0 stands where the probe was off, and a line that
is flushed or zeroed leaves pressures that nobody has. Nothing is made up for what is missing, and nothing is averaged:
a row holds the first value that was measured in its second, and for a sign that has none the reason, where the
preferred source gives one.
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

_APART: Final = 0.002
"""Seconds between two rows at least: more than the store's resolution, whatever binary fractions make of it."""

_HALVES: Final = frozenset(each.name for each in HALVES)

_FOREIGN: Final = frozenset({"kpa", "f", "degf", "fahrenheit"})


class Source(NamedTuple):
    """Where signs come from in one recording."""

    signs: Mapping[str, Series]
    electrodes: bool = False
    cuff: bool = False


def known_as(name: str) -> str:
    """A name without what differs between monitors: `ABP Sys` and `ABPSys`, `%SpO2` and `SpO2`."""
    return "".join(filter(str.isalnum, name.lower()))


def listed(names: Iterable[str]) -> str:
    """The first names of a file that has others than we look for, however long they are and whatever they hold."""
    shown = ["".join(filter(str.isprintable, name))[:40] for name in islice(names, 21)]
    return ", ".join([*shown[:20], "..."] if len(shown) > 20 else shown) or "none"


def check_unit(path: Path, name: str, unit: str) -> None:
    """Refuse a sign that is measured in another unit than ours, before its values are taken for a patient's."""
    if known_as(unit) in _FOREIGN:
        raise RecordingError(
            f"{path}: {listed([name])} is in {unit}: a recording has pressures in mmHg and temperatures in C"
        )


def recording_of(path: Path, sources: Sequence[Source]) -> Recording:
    """Rows from sources, the preferred ones first. RecordingError where nothing was measured.

    A second in which nothing was measured makes a row too where a source says why: whoever watches for alarms has to
    tell a probe that is off from a monitor that is.
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
    """By source, which column of the table each of its signs is."""
    columns = count()
    return [{sign: next(columns) for sign in source.signs} for source in sources]


def _combined(
    second: Second, sources: Sequence[Source], places: Sequence[Mapping[str, int]]
) -> tuple[Mapping[str, float], Mapping[str, str], int]:
    """The signs of one second from the best source of each that has some, why others are absent, and how many values
    were upside down."""
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
    """The values of a source, and the reasons of those that are absent."""
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
    """Add why signs of a source are absent. Of those that it measured, what a source before it said is no matter."""
    for sign in found:
        quality.pop(BY_NAME[sign].field, None)
    pressure = not _HALVES.isdisjoint(why)
    for sign, reason in why.items():
        quality.setdefault("bp" if sign == "map" and pressure else BY_NAME[sign].field, reason)


def chosen(names: Iterable[Name], series: Mapping[str, Series]) -> Iterator[Source]:
    """The sources that a recording has, of those that are known, in the same order."""
    for name in names:
        signs = {sign: series[known] for sign, known in name.signs.items() if known in series}
        if signs:
            yield Source(signs, name.electrodes, name.cuff)
